#include "parked.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "store/outbox.h"
#include "store/parked.h"

enum { ARENA_FIRST = 64 * 1024, ARENA_MAX = 8 * 1024 * 1024 };

struct request {
    struct db *db;
    struct arena *mem;
    int64_t id;
};

/* ---- the actions ---- */

static struct text or_none(struct text t)
{
    return t.p ? t : TEXT("-");
}

static void print_line(const struct parked_row *row)
{
    char at[INSTANT_TEXT_MAX];
    instant_format(row->parked_at_ms, at);
    printf("%" PRId64 "  %s  event %.*s  %.*s\n", row->id, at, TEXT_ARG(or_none(row->event_id)), TEXT_ARG(row->reason));
}

static bool list(struct request *r, struct err *err)
{
    static struct parked_row rows[PARKED_LIST_MAX];
    int64_t after = 0, total = 0;
    size_t count;
    do {
        arena_reset(r->mem);
        if (!parked_list(r->db, after, r->mem, rows, &count, err))
            return false;
        for (size_t i = 0; i < count; i++)
            print_line(&rows[i]);
        total += (int64_t)count;
        after = count ? rows[count - 1].id : after;
    } while (count == PARKED_LIST_MAX);
    printf("%" PRId64 " parked\n", total);
    return true;
}

static bool find(struct request *r, struct parked_row *row, struct err *err)
{
    if (parked_find(r->db, r->id, r->mem, row, err))
        return true;
    return err->code == ERR_NOT_FOUND ? err_set(err, ERR_NOT_FOUND, "nothing is parked as %" PRId64, r->id) : false;
}

static bool show(struct request *r, struct err *err)
{
    struct parked_row row;
    char at[INSTANT_TEXT_MAX];
    if (!find(r, &row, err))
        return false;
    instant_format(row.parked_at_ms, at);
    printf("id       %" PRId64 "\nparked   %s\nevent    %.*s\nmessage  %.*s\nreason   %.*s\n\n%.*s\n", row.id, at,
           TEXT_ARG(or_none(row.event_id)), TEXT_ARG(or_none(row.message_id)), TEXT_ARG(row.reason),
           TEXT_ARG(row.body));
    return true;
}

static bool send_again(struct request *r, const struct parked_row *row, struct err *err)
{
    char event[UUID_TEXT_MAX];
    bool back = false;
    snprintf(event, sizeof event, "%.*s", TEXT_ARG(row->event_id));
    if (row->event_id.n && !outbox_retry(r->db, event, clock_now_ms(), &back, err))
        return false;
    if (!back)
        return err_set(err, ERR_CONFLICT,
                       "%" PRId64 " belongs to no event that waits to be sent again; it can only be dropped", r->id);
    return parked_delete_event(r->db, row->event_id, err);
}

/* The outbox's own body is sent, not the message's. */
static bool retry(struct request *r, struct err *err)
{
    struct parked_row row;
    AUTO(tx) struct tx *tx = tx_begin(r->db, err);
    if (!tx || !find(r, &row, err) || !send_again(r, &row, err) || !tx_commit(tx, err))
        return false;
    printf("event %.*s will be sent again\n", TEXT_ARG(row.event_id));
    return true;
}

static bool drop(struct request *r, struct err *err)
{
    struct parked_row row;
    if (!find(r, &row, err) || !parked_delete(r->db, r->id, err))
        return false;
    printf("dropped %" PRId64 "\n", r->id);
    return true;
}

/* ---- words ---- */

static const struct action {
    const char *word;
    bool (*run)(struct request *r, struct err *err);
    bool with_id;
} ACTIONS[] = {{"list", list, false}, {"show", show, true}, {"retry", retry, true}, {"drop", drop, true}};

/* NULL for words that are no request. */
static const struct action *read_words(char **args, int64_t *id)
{
    *id = 0;
    for (size_t i = 0; args[0] && i < ARRAY_LEN(ACTIONS); i++) {
        if (strcmp(args[0], ACTIONS[i].word) != 0)
            continue;
        bool good =
            ACTIONS[i].with_id ? args[1] && !args[2] && text_to_int64(text_of(args[1]), id) && *id > 0 : !args[1];
        return good ? &ACTIONS[i] : NULL;
    }
    return NULL;
}

bool parked_words_are_good(char **args)
{
    int64_t id;
    if (read_words(args, &id))
        return true;
    fputs("moneymanager-worker: --parked wants list, show ID, retry ID or drop ID\n", stderr);
    return false;
}

bool parked_run(struct worker *w, char **args, struct err *err)
{
    struct request r = {.mem = arena_new(ARENA_FIRST, ARENA_MAX)};
    const struct action *action = read_words(args, &r.id);
    bool ok = r.mem || err_set(err, ERR_NO_MEMORY, "no memory");
    ok = ok && (r.db = db_take(w->db_pool, err)) != NULL && action->run(&r, err);
    db_give(r.db);
    arena_free(r.mem);
    return ok;
}
