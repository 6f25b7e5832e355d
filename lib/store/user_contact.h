/* How a member of a household is reached: address, name, language. For jobs; accounts have store/user.h. */
#ifndef STORE_USER_CONTACT_H
#define STORE_USER_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/db.h"

struct user_contact {
    struct text email, full_name, language; /* language: "vi" or "en" */
    bool disabled;                          /* gets no mail */
};

/* ERR_NOT_FOUND when the user is no member of the household. */
bool user_contact_find(struct db *db, int64_t household, int64_t user, struct arena *mem, struct user_contact *out,
                       struct err *err) MUST_CHECK;

#endif
