/* How imports and their rows look to the clients, and the text of an uploaded statement. */
#ifndef VIEWS_IMPORT_H
#define VIEWS_IMPORT_H

#include "base/json.h"
#include "service/config.h"
#include "service/file_map.h"
#include "store/import.h"
#include "store/import_row.h"

/* What an import's answer tells besides its row; kept: transactions that an undo left. */
enum { IMPORT_KEPT_MAX = 100 };
struct import_facts {
    struct import_counts counts;
    int64_t kept_ids[IMPORT_KEPT_MAX];
    int64_t kept;
};

/* facts: NULL in lists. */
void import_write_json(struct json_out *j, const struct import *i, const struct import_facts *facts);
void import_row_write_json(struct json_out *j, const struct import_row *r, const struct currency *cur);

/* The file of a descriptor as UTF-8 in *map (to be closed by the caller) and *text, which starts behind any mark. */
bool statement_text(const struct config *config, int fd, int64_t size, struct file_map *map, struct text *text,
                    struct err *err) MUST_CHECK;

#endif
