/* Files that the worker makes, and those that it mails (contract 3.18). */
#ifndef HANDLERS_EXPORT_H
#define HANDLERS_EXPORT_H

#include "http/route.h"

extern const struct body_def EXPORT_BODY, EXPORT_MAIL_BODY;
extern const struct query_def EXPORTS_QUERY;

handler_fn export_post, exports_get, export_get;
handler_fn export_mail_income_get, export_mail_expense_get, export_mail_income, export_mail_expense;

#endif
