/*
 * From a row of the mail ledger to the bytes of a mail. A code and its link token are made here, at the moment of
 * sending, and only their hashes are stored: they travel through neither queue nor ledger.
 */
#ifndef MAIL_PREPARE_H
#define MAIL_PREPARE_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "service/config.h"
#include "service/db.h"
#include "mail_file.h"
#include "store/mail_ledger.h"

/*
 * file: what goes along; NULL or an absent one for a mail without. ERR_PERMANENT: it can never be sent, err->detail
 * says why (a wrong address or template, "superseded" when a newer code was asked for). Others: try again.
 */
bool mail_prepare(struct db *db, const struct config *config, const struct mail_row *row, const struct mail_file *file,
                  int64_t now_ms, struct arena *mem, struct text *message, struct err *err) MUST_CHECK;

/* A code of OTP_DIGITS digits, and a link token of at least 256 bits that holds no run of so many digits, so that a
 * mail's text has one such run. */
void mail_make_code(char out[8]);
void mail_make_token(char out[64]);

#endif
