/* Errors as answers: application/problem+json (RFC 9457) with the members that the clients read (api-contract.md 1.3).
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include "http/call.h"

/* Turns the answer into the problem of *err. instance: the path; request_id: as sent back in X-Request-Id. */
void problem_write(struct response *res, const struct err *err, struct text instance, struct text request_id,
                   struct arena *mem);

#endif
