/*
 * Whole requests through the dispatcher, with MySQL and Redis away: whatever comes, the answer is well-formed. Input:
 * method, path, query, body and then "NAME=value" lines, each ended by a byte 0xFF.
 */
#include "fuzz.h"

#include "app.h"
#include "http/exchange.h"
#include "service/log.h"

enum { LINES_MAX = 24 };

static struct app app;
static struct exchange x;
static struct text body;

static size_t read_body(void *from, char *out, size_t n)
{
    (void)from;
    size_t have = body.n < n ? body.n : n;
    if (have)
        memcpy(out, body.p, have);
    return have;
}

static void begin(void)
{
    struct err err = {0};
    /* Nothing listens there, so whatever needs a server learns at once that it is away. */
    app.config = (struct config){.db_socket = "/nonexistent/db",
                                 .db_name = "x",
                                 .db_user = "x",
                                 .db_password = "x",
                                 .db_pool_size = 2,
                                 .redis_url = "unix:///nonexistent/redis",
                                 .jwt_keys = "k:0123456789abcdef0123456789abcdef",
                                 .zone = zone_load("Asia/Ho_Chi_Minh"),
                                 .currency = currency_find(TEXT("VND")),
                                 .web_origins = "http://localhost:5173",
                                 .web_base_url = "http://localhost:5173",
                                 .aws_region = "ap-southeast-1",
                                 .aws_endpoint_url = "http://127.0.0.1:1",
                                 .s3_bucket = "nowhere",
                                 .api_threads = 1,
                                 .rate_sign_in_per_minute = 1000000,
                                 .rate_sign_in_address_per_minute = 1000000,
                                 .rate_api_per_minute = 1000000,
                                 .rate_otp_resend_per_minute = 1000000};
    CHECK(freopen("/dev/null", "w", stdout));
    log_open(LOG_ERROR + 1, false, NULL);
    CHECK(app_open(&app, &err));
    atomic_store(&app.schema_ready, true);
    CHECK(exchange_init(&x, &app, &err));
    x.in.read_body = read_body;
}

static void check_head(struct text head)
{
    struct text line;
    size_t lines = 0;
    CHECK(head.n > 4 && memcmp(head.p + head.n - 4, "\r\n\r\n", 4) == 0);
    head.n -= 2;
    while (text_split(&head, '\n', &line) && line.n) {
        CHECK(line.p[line.n - 1] == '\r');
        line.n--;
        CHECK(!text_has_control(line, false) && memchr(line.p, ':', line.n));
        CHECK(lines++ > 0 || text_starts(line, TEXT("Status: ")));
    }
}

static bool has(struct text t, const char *part)
{
    return memmem(t.p, t.n, part, strlen(part)) != NULL;
}

static void check_answer(void)
{
    struct text head = buf_view(&x.head);
    check_head(head);
    CHECK(x.res.status >= 200 && x.res.status < 600);
    CHECK(x.res.status != 500);
    if (x.res.status == 204 || x.res.status == 304)
        return;
    char length[48];
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", x.body.n);
    CHECK(has(head, length));
    /* The type by its own line: a request id, which stands in the head too, may end with the same word. */
    if (!has(head, "\r\nContent-Type: application/json\r\n") &&
        !has(head, "\r\nContent-Type: application/problem+json\r\n"))
        return;
    struct err err = {0};
    struct json_doc *doc = json_parse(buf_view(&x.body), &err);
    CHECK(doc);
    json_doc_free(doc);
}

static const char *line_of(struct arena *mem, const char *name, struct text value)
{
    const char *line = arena_printf(mem, "%s=%.*s", name, TEXT_ARG(value));
    CHECK(line);
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!app.db_pool)
        begin();
    struct text all = fuzz_copy(data, size), rest = all, part;
    struct arena *mem = fuzz_arena();
    const char *lines[LINES_MAX + 1] = {0};
    size_t n = 0;
    lines[n++] = line_of(mem, "REQUEST_METHOD", fuzz_part(&rest));
    lines[n++] = line_of(mem, "SCRIPT_NAME", fuzz_part(&rest));
    lines[n++] = line_of(mem, "QUERY_STRING", fuzz_part(&rest));
    body = fuzz_part(&rest);
    lines[n++] = arena_printf(mem, "CONTENT_LENGTH=%zu", body.n);
    while (n < LINES_MAX && (part = fuzz_part(&rest)).p)
        lines[n++] = fuzz_string(mem, part);
    params_read(lines, &x.in.params);
    dispatch(&x);
    check_answer();
    exchange_reset(&x);
    fuzz_free(all);
    return 0;
}
