/* The Profile object of the contract. */
#ifndef VIEWS_PROFILE_H
#define VIEWS_PROFILE_H

#include "base/json.h"
#include "store/user.h"

/* pending_email: also the address that waits for its link, where the contract shows it. */
void profile_write_json(struct json_out *j, const struct user_row *user, bool pending_email);

#endif
