/* Rules for rows of bank statements. */
#ifndef HANDLERS_IMPORT_RULE_H
#define HANDLERS_IMPORT_RULE_H

#include "http/call.h"
#include "http/route.h"

extern const struct body_def IMPORT_RULE_BODY, IMPORT_RULES_APPLY_BODY;

bool import_rules_get(struct call *call, struct response *res, struct err *err);
bool import_rule_post(struct call *call, struct response *res, struct err *err);
bool import_rule_put(struct call *call, struct response *res, struct err *err);
bool import_rule_delete(struct call *call, struct response *res, struct err *err);
bool import_rules_apply(struct call *call, struct response *res, struct err *err);

#endif
