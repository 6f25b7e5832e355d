#include <assert.h>
#include <inttypes.h>
#include <unistd.h>

#include "http/call.h"
#include "http/route.h"

enum {
    CURSOR_BYTES = 16,
    CURSOR_TEXT_MAX = 24,
    LINK_MAX_BYTES = 6 * 1024 /* leaves room for the other headers in what nginx takes (8 KiB) */
};

void response_release(struct response *res)
{
    if (res->has_file)
        close(res->file_fd);
    res->has_file = false;
}

void response_reset(struct response *res)
{
    response_release(res);
    buf_reset(res->body);
    res->body->failed = false;
    json_out_init(&res->json, res->body);
    res->status = 200;
    res->content_type = "application/json";
    res->header_count = 0;
    res->no_store = false;
}

void response_file(struct response *res, const char *content_type, int fd, int64_t size)
{
    response_release(res);
    res->has_file = true;
    res->file_fd = fd;
    res->file_size = size;
    res->content_type = content_type;
}

void response_header(struct response *res, const char *name, struct text value)
{
    assert(res->header_count < RESPONSE_HEADERS_MAX);
    res->headers[res->header_count++] = (struct response_header){name, value};
}

static bool printed_header(struct response *res, const char *name, const char *value, struct err *err)
{
    if (!value)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the answer");
    response_header(res, name, text_of(value));
    return true;
}

bool response_created(struct call *call, struct response *res, const char *collection, int64_t id, struct err *err)
{
    /* Both "jars" and "/jars" are understood. */
    if (*collection == '/')
        collection++;
    res->status = 201;
    return printed_header(res, "Location", arena_printf(call->scope.mem, BASE_PATH "/%s/%" PRId64, collection, id),
                          err);
}

void response_no_content(struct response *res)
{
    buf_reset(res->body);
    res->status = 204;
}

void response_message(struct response *res, const char *message)
{
    json_begin_object(&res->json);
    json_put_str(&res->json, "message", message);
    json_end_object(&res->json);
}

bool response_etag(struct call *call, struct response *res, int64_t version, struct err *err)
{
    return printed_header(res, "ETag", arena_printf(call->scope.mem, "\"%" PRId64 "\"", version), err);
}

static void put_big_endian(unsigned char out[8], int64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)((uint64_t)v >> (56 - 8 * i));
}

static int64_t get_big_endian(const unsigned char in[8])
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | in[i];
    return (int64_t)v;
}

bool cursor_read(struct text cursor, int64_t *key1, int64_t *key2, struct err *err)
{
    unsigned char raw[CURSOR_BYTES];
    size_t n = 0;
    if (!base64url_decode(cursor, raw, sizeof(raw), &n) || n != sizeof(raw))
        return err_field(err, "cursor", "Con trỏ trang không hợp lệ.");
    *key1 = get_big_endian(raw);
    *key2 = get_big_endian(raw + 8);
    return true;
}

/* A piece of the query again, made safe inside "<...>" of a Link header. */
static void put_query_piece(struct buf *out, struct text piece)
{
    for (size_t i = 0; i < piece.n; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        if (c > ' ' && c < 0x7F && !strchr("<>\"\\^`{|}", c))
            buf_char(out, (char)c);
        else
            buf_printf(out, "%%%02X", c);
    }
}

/* Where the piece's name stands in the route's query table; -1 for what the route does not know. */
static int query_index(const struct call *call, struct text piece)
{
    const struct field *rows = call->route && call->route->query ? call->route->query->fields : NULL;
    struct text name;
    if (!text_split(&piece, '=', &name))
        return -1;
    for (int i = 0; rows && rows[i].name; i++)
        if (text_eq(name, text_of(rows[i].name)))
            return i;
    return -1;
}

/* The pages of a cursor follow the keys, so an old `page` number has no place beside it. */
static bool belongs_to_page(struct text piece)
{
    return text_starts(piece, TEXT("cursor=")) || text_starts(piece, TEXT("page="));
}

/* The filters go along: each once, as it counted once, and nothing that the route did not read. */
static void put_next_page(struct buf *out, const struct call *call, struct text cursor)
{
    struct text rest = call->raw_query, piece;
    uint64_t seen = 0;
    buf_char(out, '<');
    put_query_piece(out, call->path);
    buf_char(out, '?');
    while (text_split(&rest, '&', &piece)) {
        int index = query_index(call, piece);
        if (index < 0 || index > 63 || (seen >> index & 1) || belongs_to_page(piece))
            continue;
        seen |= UINT64_C(1) << index;
        put_query_piece(out, piece);
        buf_char(out, '&');
    }
    buf_str(out, "cursor=");
    put_query_piece(out, cursor);
    buf_str(out, ">; rel=\"next\"");
}

bool response_next_cursor(struct call *call, struct response *res, struct text cursor, struct err *err)
{
    AUTO(buf) struct buf out;
    buf_init(&out, LINK_MAX_BYTES);
    if (!buf_reserve(&out, LINK_MAX_BYTES))
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for the request");
    put_next_page(&out, call, cursor);
    if (out.failed)
        return err_set(err, ERR_BAD_REQUEST, "The query is too long");
    return printed_header(res, "Link", arena_text(call->scope.mem, buf_view(&out)).p, err);
}

bool response_next_page(struct call *call, struct response *res, int64_t key1, int64_t key2, struct err *err)
{
    unsigned char raw[CURSOR_BYTES];
    char cursor[CURSOR_TEXT_MAX];
    put_big_endian(raw, key1);
    put_big_endian(raw + 8, key2);
    base64url_encode(raw, sizeof(raw), cursor, sizeof(cursor));
    return response_next_cursor(call, res, text_of(cursor), err);
}

/* One of the tags of an If-Match or If-None-Match list. nginx weakens the tag of an answer it compresses, so W/ is no
 * difference. */
static bool tags_name(struct text list, struct text tag)
{
    struct text one;
    while (text_split(&list, ',', &one)) {
        one = text_trim(one);
        if (text_starts(one, TEXT("W/")))
            one = text_slice(one, 2, one.n);
        if (text_eq(one, tag) || text_eq(one, TEXT("*")))
            return true;
    }
    return false;
}

bool call_if_match(const struct call *call, int64_t version, struct err *err)
{
    char tag[32];
    snprintf(tag, sizeof(tag), "\"%" PRId64 "\"", version);
    if (!call->if_match.n || tags_name(call->if_match, text_of(tag)))
        return true;
    return err_set(err, ERR_VERSION_CONFLICT, "The row has changed since it was read");
}

bool response_not_modified(const struct call *call, struct response *res)
{
    if (!call->if_none_match.n || res->status != 200)
        return false;
    for (size_t i = 0; i < res->header_count; i++)
        if (strcmp(res->headers[i].name, "ETag") == 0 && tags_name(call->if_none_match, res->headers[i].value)) {
            buf_reset(res->body);
            res->status = 304;
            return true;
        }
    return false;
}

bool call_db(struct call *call, struct err *err)
{
    if (call->scope.db)
        return true;
    if (!atomic_load_explicit(&call->app->schema_ready, memory_order_acquire)) {
        err_set(err, ERR_UNAVAILABLE, "The database is being prepared");
        err->retry_after_seconds = 2;
        return false;
    }
    call->scope.db = db_take(call->app->db_pool, err);
    return call->scope.db != NULL;
}
