/* Jars (contract 3.9), their months and moves. */
#ifndef HANDLERS_JAR_H
#define HANDLERS_JAR_H

#include "http/route.h"

extern const struct body_def JAR_BODY, JAR_CHANGE_BODY, JARS_BULK_BODY, JAR_TRANSFER_BODY;
extern const struct query_def JAR_MONTHS_QUERY;

handler_fn jars_get, jar_post, jars_bulk, jar_put, jar_delete, jar_transfer, jars_unassigned, jar_months;

#endif
