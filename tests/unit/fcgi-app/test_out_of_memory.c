/* link: -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc */
/*
 * Every route over a real database, with the n-th allocation of the request failing, for every n: the answer is what it
 * always is, or a clean 500 or 503 that left no trace in the database; nothing leaks and nothing stays taken.
 */
#include "check.h"

#include <stdlib.h>

#include "app.h"
#include "base/attr.h"
#include "base/clock.h"
#include "database.h"
#include "failing_malloc.h"
#include "http/exchange.h"
#include "http/turns.h"
#include "nova/assistant.h"
#include "service/aws/credentials.h"
#include "service/aws/s3.h"
#include "service/http.h"
#include "service/log.h"
#include "service/password.h"
#include "snapshot.h"
#include "store/otp.h"
#include "store/session.h"

/* ---- what is asked ---- */

#define PASSWORD "correct-password"
#define CODE "123456"
#define LINK "0123456789abcdef-link"
#define ACTIVE "an@moneymanager.example"
#define PENDING "cho@moneymanager.example"
#define CHAT "018bcfe5-687b-7000-8000-0000000000aa"
#define OPENED "moi-vao@moneymanager.example" /* active by a link, without a password so far */

/* A PDF whose one page says "Pho bo 50.000"; poppler finds the objects without a table of places. */
#define RECEIPT                                                                                                          \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n"                                   \
    "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"   \
    "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>\nendobj\n" \
    "4 0 obj\n<</Length 44>>\nstream\nBT /F 9 Tf 9 200 Td (Pho bo   50.000) Tj ET  \nendstream\nendobj\n"                \
    "5 0 obj\n<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\r\n--b--\r\n"

/* $names stand for ids of the fixture. Every route has a row, in the order of ROUTES. */
struct question {
    const char *method, *path, *query, *body;
    int status;
    bool counts_tries; /* a try of a code counts whatever comes after it */
};

#define PUBLIC_KEY "0123456789abcdef0123456789abcdef"
#define NO_PICTURE                                                                                                     \
    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nno picture\r\n--b--\r\n"

static const struct question QUESTIONS[] = {
    {"GET", "/activate", "token=" LINK, NULL, 200},
    {"POST", "/ai/chat", "",
     "{\"provider\":\"gemini\",\"messages\":[{\"role\":\"user\",\"content\":\"Tháng này chi bao nhiêu cho ăn uống?\"}]}",
     200},
    /* Nobody keeps conversations here. */
    {"GET", "/ai/chat/sessions", "", NULL, 503},
    {"DELETE", "/ai/chat/sessions/" CHAT, "", NULL, 503},
    {"GET", "/ai/chat/sessions/" CHAT "/messages", "", NULL, 503},
    {"PUT", "/ai/chat/sessions/" CHAT "/messages", "", "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}", 503},
    {"PUT", "/ai/chat/sessions/" CHAT "/rename", "", "{\"title\":\"Tiền\"}", 503},
    {"POST", "/ai/confirm-action", "",
     "{\"intent\":\"CREATE_EXPENSE\",\"extractedData\":{\"description\":\"Bún\",\"amount\":60000,\"categoryName\":\"Ăn uống\"}}",
     200},
    {"GET", "/ai/page-context", "page=expenses", NULL, 200},
    {"POST", "/ai/parse-intent", "", "{\"provider\":\"gemini\",\"userMessage\":\"ăn trưa 50k\"}", 200},
    {"POST", "/ai/undo/" CHAT, "", NULL, 404},
    {"POST", "/auth/google", "", "{\"idToken\":\"x\"}", 503},
    {"GET", "/categories", "", NULL, 200},
    {"POST", "/categories", "", "{\"name\":\"Mới\",\"type\":\"expense\",\"icon\":\"x\"}", 201},
    {"GET", "/categories/type/expense", "", NULL, 200},
    {"DELETE", "/categories/$spare", "", NULL, 204},
    {"PUT", "/categories/$food", "", "{\"name\":\"Ăn\",\"type\":\"expense\"}", 200},
    {"GET", "/complete-profile", "", NULL, 410},
    {"PUT", "/complete-profile", "", "{\"email\":\"" OPENED "\",\"fullName\":\"Chờ\",\"password\":\"" PASSWORD "\"}",
     200},
    {"GET", "/documents", "limit=2", NULL, 200},
    {"POST", "/documents", "", NO_PICTURE, 415},
    {"POST", "/documents/report/expense", "", "{\"all\":true}", 503},
    {"POST", "/documents/report/income", "", NULL, 503},
    {"POST", "/documents/uploads", "", "{\"name\":\"a.png\",\"contentType\":\"image/png\",\"size\":9}", 404},
    {"DELETE", "/documents/$document", "", NULL, 204},
    {"GET", "/documents/$document", "", NULL, 200},
    {"GET", "/documents/$document/content", "", NULL, 200},
    {"GET", "/email/expense-excel", "", NULL, 200},
    {"POST", "/email/expense-excel", "", NULL, 202},
    {"GET", "/email/income-excel", "", NULL, 200},
    {"POST", "/email/income-excel", "", "{\"month\":3}", 202},
    {"GET", "/excel/download/expense", "all=true", NULL, 200},
    {"GET", "/excel/download/income", "month=3&year=2026", NULL, 200},
    {"GET", "/expenses", "limit=2&all=true", NULL, 200},
    {"POST", "/expenses", "",
     "{\"name\":\"Phở\",\"amount\":9000000,\"categoryId\":$food,\"jarId\":$jar,\"note\":\"a\\nb\"}", 201},
    {"POST", "/expenses/import-receipt/analyze", "", RECEIPT, 200},
    {"POST", "/expenses/import-receipt/confirm", "",
     "{\"jarId\":$jar,\"items\":[{\"name\":\"Phở\",\"amount\":9000000,\"categoryId\":$food},{\"name\":\"Trà\",\"amount\":5000}]}",
     200},
    {"DELETE", "/expenses/$expense", "", NULL, 204},
    {"PUT", "/expenses/$expense", "", "{\"name\":\"Bún\",\"amount\":\"60000\",\"categoryId\":$food,\"jarId\":$jar2}",
     200},
    {"GET", "/exports", "limit=1", NULL, 200},
    {"POST", "/exports", "", "{\"kind\":\"all\",\"format\":\"csv\",\"email\":true}", 202},
    {"GET", "/exports/$export", "", NULL, 200},
    {"POST", "/files/upload", "", NO_PICTURE, 415},
    {"GET", "/files/" PUBLIC_KEY, "", NULL, 200},
    {"POST", "/forgot-password", "", "{\"email\":\"" ACTIVE "\"}", 200},
    {"POST", "/gemini/chat", "", "{\"message\":\"Số dư của tôi?\"}", 200},
    {"POST", "/gemini/spending-tips", "", NULL, 200},
    {"POST", "/gemini/voice-parse", "", "{\"text\":\"cà phê 35 nghìn\"}", 200},
    {"GET", "/health", "", NULL, 200},
    {"GET", "/import-rules", "", NULL, 200},
    {"POST", "/import-rules", "", "{\"pattern\":\"trà|sữa\",\"regex\":true,\"categoryId\":$food}", 201},
    {"POST", "/import-rules/apply", "", NULL, 200},
    {"DELETE", "/import-rules/$rule", "", NULL, 204},
    {"PUT", "/import-rules/$rule", "", "{\"pattern\":\"phê\",\"name\":\"Quán\"}", 200},
    {"GET", "/imports", "", NULL, 200},
    {"POST", "/imports", "", "{}", 415},
    {"DELETE", "/imports/2", "", NULL, 200},
    {"GET", "/imports/1", "", NULL, 200},
    {"POST", "/imports/1/confirm", "", NULL, 200},
    {"PUT", "/imports/1/mapping", "", "{\"dayFirst\":true}", 200},
    {"GET", "/imports/1/rows", "", NULL, 200},
    {"PUT", "/imports/1/rows/1", "", "{\"categoryId\":$food,\"jarId\":$jar}", 200},
    {"GET", "/incomes", "all=true", NULL, 200},
    {"POST", "/incomes", "", "{\"name\":\"Thưởng\",\"amount\":7000000,\"categoryId\":$salary}", 201},
    {"DELETE", "/incomes/$income", "", NULL, 204},
    {"PUT", "/incomes/$income", "", "{\"name\":\"Lương\",\"amount\":8000000,\"categoryId\":$salary}", 200},
    {"GET", "/jars", "", NULL, 200},
    {"POST", "/jars", "", "{\"name\":\"Xe\",\"targetPercentage\":5,\"currentBalance\":1000}", 201},
    {"POST", "/jars/bulk", "",
     "[{\"name\":\"A\",\"targetPercentage\":60.5},{\"name\":\"B\",\"targetPercentage\":39.5}]", 201},
    {"POST", "/jars/transfer", "", "{\"fromJarId\":$jar,\"toJarId\":$jar2,\"amount\":1000}", 200},
    {"GET", "/jars/unassigned", "", NULL, 200},
    {"DELETE", "/jars/$jar2", "", NULL, 200},
    {"PUT", "/jars/$jar", "", "{\"name\":\"Nhà cửa\",\"targetPercentage\":50,\"color\":\"#a0b1c2\"}", 200},
    {"GET", "/jars/$jar/months", "", NULL, 200},
    {"POST", "/login", "", "{\"email\":\"" ACTIVE "\",\"password\":\"" PASSWORD "\"}", 200},
    {"POST", "/logout", "", NULL, 200},
    {"POST", "/otp/resend", "", "{\"email\":\"" PENDING "\"}", 200},
    {"GET", "/payments", "", NULL, 200},
    {"GET", "/profile", "", NULL, 200},
    {"PUT", "/profile", "",
     "{\"fullName\":\"An\",\"email\":\"moi@moneymanager.example\",\"currentPassword\":\"" PASSWORD
     "\",\"newPassword\":\"another-password\"}",
     200},
    {"GET", "/profile/preferences", "", NULL, 200},
    {"PUT", "/profile/preferences", "", "{\"language\":\"en\",\"largeTransactionAmount\":1000000}", 200},
    {"PUT", "/profile/subscription/auto-renew", "", "{\"enabled\":true}", 200},
    {"POST", "/register", "",
     "{\"fullName\":\"Ba\",\"email\":\"ba@moneymanager.example\",\"password\":\"" PASSWORD "\"}", 201},
    {"POST", "/register/cancel", "email=" PENDING, NULL, 200},
    {"GET", "/reset-password", "", NULL, 410},
    {"POST", "/reset-password", "",
     "{\"email\":\"" ACTIVE "\",\"otp\":\"" CODE "\",\"newPassword\":\"another-password\"}", 200, true},
    {"GET", "/status", "", NULL, 503}, /* nobody probes here */
    {"GET", "/subscription-plans", "", NULL, 200},
    {"GET", "/transactions", "limit=2&keyword=ph", NULL, 200},
    {"POST", "/transactions/otp/request", "", "{\"actionType\":\"EXPENSE\",\"amount\":7000,\"categoryId\":$food}", 200},
    {"POST", "/transactions/otp/verify", "",
     "{\"otpRequestId\":\"01a212c6-76d5-77fb-bc08-df71f283afef\",\"otpCode\":\"1\"}", 404},
    {"DELETE", "/transactions/$expense", "", NULL, 204},
    {"GET", "/transactions/$expense", "", NULL, 200},
    {"PUT", "/transactions/$expense", "", "{\"name\":\"Xôi\",\"amount\":7000,\"categoryId\":$food}", 200},
    {"PUT", "/transactions/$expense/receipt", "", "{\"documentId\":$document}", 200},
    {"POST", "/transactions/$gone/restore", "", NULL, 200},
    {"POST", "/verify-activation", "", "{\"email\":\"" PENDING "\",\"otp\":\"" CODE "\"}", 200, true},
    {"POST", "/verify-reset-otp", "", "{\"email\":\"" ACTIVE "\",\"otp\":\"" CODE "\"}", 200, true},
};

/* ---- the fixture: one household with something of everything ---- */

struct name {
    const char *name;
    int64_t id;
};

enum { NAMES_MAX = 16, LINE_MAX = 1024 };

struct fixture {
    struct server server, redis;
    struct db_pool *pool; /* for the test's own questions */
    struct app app;
    struct exchange x;
    struct name names[NAMES_MAX];
    size_t name_count;
    char body[LINE_MAX];
    char token[LINE_MAX];
};

static struct fixture *f;

static size_t read_body(void *from, char *out, size_t n)
{
    (void)from;
    size_t have = strlen(f->body);
    have = have < n ? have : n;
    if (have)
        memcpy(out, f->body, have);
    return have;
}

/* "$jar" becomes 4. */
static void fill(const char *form, char out[LINE_MAX])
{
    size_t n = 0;
    while (*form) {
        size_t i = 0, length = 0;
        for (; *form == '$' && i < f->name_count; i++) {
            length = strlen(f->names[i].name);
            if (strncmp(form + 1, f->names[i].name, length) == 0 &&
                !(form[1 + length] >= '0' && form[1 + length] <= '9'))
                break;
        }
        if (*form == '$' && i < f->name_count) {
            n += (size_t)snprintf(out + n, LINE_MAX - n, "%lld", (long long)f->names[i].id);
            form += 1 + length;
        } else {
            out[n++] = *form++;
        }
    }
    out[n] = '\0';
}

static void ask(const struct question *q)
{
    char lines[9][LINE_MAX + 32], text[LINE_MAX];
    const char *env[10] = {0};
    size_t n = 0;
    static int keys;
    fill(q->path, text);
    snprintf(lines[n++], sizeof lines[0], "REQUEST_METHOD=%s", q->method);
    snprintf(lines[n++], sizeof lines[0], "SCRIPT_NAME=" BASE_PATH "%s", text);
    snprintf(lines[n++], sizeof lines[0], "QUERY_STRING=%s", q->query);
    snprintf(lines[n++], sizeof lines[0], "HTTP_AUTHORIZATION=Bearer %s", f->token);
    snprintf(lines[n++], sizeof lines[0], "REMOTE_ADDR=192.0.2.1");
    snprintf(lines[n++], sizeof lines[0], "REQUEST_ID=the-request");
    snprintf(lines[n++], sizeof lines[0], "HTTP_IDEMPOTENCY_KEY=key-%d", keys++);
    fill(q->body ? q->body : "", f->body);
    snprintf(lines[n++], sizeof lines[0], "CONTENT_LENGTH=%zu", strlen(f->body));
    snprintf(lines[n++], sizeof lines[0], "CONTENT_TYPE=%s",
             f->body[0] == '-' ? "multipart/form-data; boundary=b" : "application/json");
    for (size_t i = 0; i < n; i++)
        env[i] = lines[i];
    params_read(env, &f->x.in.params);
    f->x.in.read_body = read_body;
    dispatch(&f->x);
}

static void name(const char *what, const char *sql)
{
    f->names[f->name_count++] = (struct name){what, database_number(f->pool, sql)};
}

/* Asks in a fresh exchange, for the fixture. */
static void make(const struct question *q)
{
    struct err err = {0};
    assert_true(exchange_init(&f->x, &f->app, &err));
    ask(q);
    if (f->x.res.status != q->status)
        fail_msg("%s %s: %d %s", q->method, q->path, f->x.res.status, f->x.body.p);
    exchange_release(&f->x);
}

/* Two statements with an expense and an income each. */
static const char *const STATEMENTS[] = {
    "INSERT INTO imports (id, household_id, user_id, file_name, format, state, header, mapping, row_count, first_on, last_on, created_at)"
    " VALUES (1, 1, 1, 'a.csv', 'csv', 'preview', '[]', '{}', 2, '2026-03-28', '2026-03-29', NOW(3)),"
    " (2, 1, 1, 'b.csv', 'csv', 'preview', '[]', '{}', 2, '2026-03-28', '2026-03-29', NOW(3))",
    "INSERT INTO import_rows (household_id, import_id, row_no, line, occurred_on, amount, text, dedup_key, verdict) VALUES"
    " (1, 1, 1, 2, '2026-03-28', -45000, 'Cà phê', REPEAT('a', 64), 'new'), (1, 1, 2, 3, '2026-03-29', 900000, 'Lương', REPEAT('b', 64), 'new'),"
    " (1, 2, 1, 2, '2026-03-28', -45000, 'Cà phê', REPEAT('c', 64), 'new'), (1, 2, 2, 3, '2026-03-29', 900000, 'Lương', REPEAT('d', 64), 'new')",
    "INSERT INTO import_files (household_id, import_id, piece, bytes, created_at) VALUES"
    " (1, 1, 0, 'Ngày;Số tiền;Nội dung\n28/03/2026;-45.000;Cà phê\n', NOW(3))",
};

static void make_books(void)
{
    static const struct question FIRST[] = {
        {"POST", "/categories", "", "{\"name\":\"Ăn uống\",\"type\":\"expense\"}", 201},
        {"POST", "/categories", "", "{\"name\":\"Lương\",\"type\":\"income\"}", 201},
        {"POST", "/categories", "", "{\"name\":\"Thừa\",\"type\":\"expense\"}", 201},
        {"POST", "/jars", "", "{\"name\":\"Nhà\",\"targetPercentage\":55}", 201},
        {"POST", "/jars", "", "{\"name\":\"Chơi\",\"targetPercentage\":10}", 201}};
    static const struct question THEN[] = {
        {"POST", "/incomes", "", "{\"name\":\"Lương\",\"amount\":15000000,\"categoryId\":$salary}", 201},
        {"POST", "/expenses", "", "{\"name\":\"Phở\",\"amount\":55000,\"categoryId\":$food,\"jarId\":$jar}", 201},
        {"POST", "/expenses", "", "{\"name\":\"Phim\",\"amount\":80000,\"categoryId\":$food,\"jarId\":$jar2}", 201},
        {"POST", "/expenses", "", "{\"name\":\"Chè\",\"amount\":20000,\"categoryId\":$food}", 201}};
    for (size_t i = 0; i < ARRAY_LEN(FIRST); i++)
        make(&FIRST[i]);
    name("food", "SELECT id FROM categories WHERE name = 'Ăn uống' AND household_id = 1");
    name("salary", "SELECT id FROM categories WHERE name = 'Lương' AND type = 'income' AND household_id = 1 LIMIT 1");
    name("spare", "SELECT id FROM categories WHERE name = 'Thừa'");
    name("jar", "SELECT id FROM jars WHERE name = 'Nhà'");
    name("jar2", "SELECT id FROM jars WHERE name = 'Chơi'");
    for (size_t i = 0; i < ARRAY_LEN(THEN); i++)
        make(&THEN[i]);
    name("income", "SELECT id FROM transactions WHERE name = 'Lương'");
    name("expense", "SELECT id FROM transactions WHERE name = 'Phở'");
    name("gone", "SELECT id FROM transactions WHERE name = 'Chè'");
    for (size_t i = 0; i < ARRAY_LEN(STATEMENTS); i++)
        database_run(f->pool, STATEMENTS[i]);
    make(&(struct question){"POST", "/imports/2/confirm", "", NULL, 200});
    make(&(struct question){"POST", "/import-rules", "",
                            "{\"pattern\":\"ca phe\",\"name\":\"Cà phê sáng\",\"categoryId\":$food,\"jarId\":$jar}",
                            201});
    name("rule", "SELECT id FROM import_rules");
    make(&(struct question){"DELETE", "/expenses/$gone", "", NULL, 204});
    database_run(f->pool,
                 "INSERT INTO documents (household_id, user_id, kind, state, object_key, public_key, name,"
                 " content_type, size, sha256, created_at) VALUES (1, 1, 'image', 'stored', 'h/1/image/a', '" PUBLIC_KEY
                 "', 'ảnh.png', 'image/png', 9, REPEAT('a', 64), UTC_TIMESTAMP(3))");
    name("document", "SELECT id FROM documents");
    make(&(struct question){"POST", "/exports", "", "{\"kind\":\"income\",\"format\":\"xlsx\"}", 202});
    name("export", "SELECT id FROM exports");
}

/* Code and link of a mail that went out; asked for long ago, so that a new one may be asked for. */
static void make_code(struct db *db, int64_t user, const char *purpose, const char *link)
{
    static const char EVENT[] = "018bcfe5-687b-7000-8000-000000000001";
    char code_hash[OTP_HASH_TEXT], link_hash[OTP_HASH_TEXT];
    struct err err = {0};
    int64_t now = clock_now_ms();
    otp_hash(TEXT(CODE), user, purpose, code_hash);
    otp_link_hash(text_of(link), link_hash);
    assert_true(otp_request(db, user, purpose, EVENT, now - OTP_PAUSE_MS - 1000, &err));
    assert_true(otp_store_code(db, user, purpose, EVENT, code_hash, link_hash, now, &err));
}

static void make_accounts(void)
{
    struct err err = {0};
    int64_t user, household, pending, opened, other;
    char hash[PASSWORD_HASH_MAX], sql[512];
    database_user(f->pool, ACTIVE, &user, &household);
    database_user(f->pool, PENDING, &pending, &other);
    database_user(f->pool, OPENED, &opened, &other);
    assert_int_equal(household, 1);
    assert_true(password_hash(TEXT(PASSWORD), hash, &err));
    snprintf(sql, sizeof sql, "UPDATE users SET status = 'active', password_hash = '%s' WHERE id = %d", hash,
             (int)user);
    database_run(f->pool, sql);
    snprintf(sql, sizeof sql, "UPDATE users SET status = 'active', activated_at = UTC_TIMESTAMP(3) WHERE id = %d",
             (int)opened);
    database_run(f->pool, sql);
    struct token_claims claims = {
        .user_id = user, .household_id = household, .session_id = "018bcfe5-687b-7000-8000-000000000009"};
    claims.issued_s = clock_now_ms() / 1000;
    claims.expires_s = claims.issued_s + 3600;
    AUTO(db) struct db *db = db_take(f->pool, &err);
    assert_non_null(db);
    assert_true(session_insert(db, claims.session_id, user, household, clock_now_ms(), &err));
    make_code(db, pending, OTP_ACTIVATE, LINK);
    make_code(db, user, OTP_RESET, "another-link");
    struct arena *mem = arena_new(4096, 65536);
    const char *token = token_sign(f->app.token_keys, &claims, mem, &err);
    assert_non_null(token);
    snprintf(f->token, sizeof f->token, "%s", token);
    arena_free(mem);
}

/* ---- set-up ---- */

static struct db_pool *app_pool(const struct server *server)
{
    struct err err = {0};
    struct db_options opts = {.socket = server->socket,
                              .user = "root",
                              .password = "",
                              .name = "test",
                              .pool_size = 2,
                              .pool_wait_ms = 2000,
                              .connect_timeout_s = 5,
                              .io_timeout_s = 30,
                              .lock_wait_s = 5};
    struct db_pool *pool = db_pool_open(&opts, &err);
    assert_non_null(pool);
    return pool;
}

static struct redis *app_redis(const char *socket)
{
    struct err err = {0};
    char url[160];
    snprintf(url, sizeof url, "unix://%s", socket);
    struct redis_options opts = {
        .url = url, .pool_size = 1, .connect_timeout_ms = 1000, .io_timeout_ms = 2000, .pool_wait_ms = 1000};
    struct redis *redis = redis_open(&opts, &err);
    assert_non_null(redis);
    return redis;
}

/* Nobody listens there; signing addresses needs nobody. */
static void open_s3(void)
{
    struct err err = {0};
    const struct aws_credentials_options source = aws_credentials_environment();
    const struct s3_options opts = {.bucket = "b",
                                    .region = "ap-southeast-1",
                                    .endpoint_url = "http://127.0.0.1:9",
                                    .connect_timeout_ms = 100,
                                    .call_timeout_ms = 100,
                                    .deadline_ms = 1,
                                    .handles = 1};
    f->app.credentials = aws_credentials_open(&source, &err);
    assert_non_null(f->app.credentials);
    f->app.s3 = s3_open(&opts, f->app.credentials, &err);
    assert_non_null(f->app.s3);
}

static int set_up(void **state)
{
    struct err err = {0};
    (void)state;
    f = calloc(1, sizeof *f);
    log_open((enum log_level)(LOG_ERROR + 1), false, NULL);
    assert_true(password_init(&err));
    f->pool = database_start(&f->server, 1);
    server_start_redis(&f->redis);
    struct config *c = &f->app.config;
    c->zone = zone_load("Asia/Ho_Chi_Minh");
    c->currency = currency_find(TEXT("VND"));
    c->large_transaction_amount = 5000000;
    c->web_origins = c->web_base_url = "http://localhost:5173";
    c->rate_sign_in_per_minute = c->rate_sign_in_address_per_minute = 1000000;
    c->rate_api_per_minute = c->rate_otp_resend_per_minute = 1000000;
    c->rate_chat_per_minute = c->rate_chat_per_day = c->rate_gemini_chat_per_minute = c->rate_tips_per_minute = 1000000;
    c->rate_exports_per_minute = 1000000;
    c->rate_exports_block_seconds = 1;
    c->api_base_url = "http://localhost:8080";
    c->chat_timeout_seconds = 25;
    c->spool_dir = "/tmp";
    c->aws_region = "ap-southeast-1";
    c->aws_endpoint_url = "http://127.0.0.1:9";
    setenv("AWS_ACCESS_KEY_ID", "AKIATEST", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    assert_true(http_global_init(&err));
    open_s3();
    f->app.assistant = assistant_open(&f->app, &err);
    assert_non_null(f->app.assistant);
    f->app.db_pool = app_pool(&f->server);
    f->app.redis = app_redis("/nonexistent/redis");
    f->app.token_keys = token_keys_parse("k:0123456789abcdef0123456789abcdef", &err);
    f->app.rate_local = rate_local_new(64);
    f->app.turns = turns_new();
    atomic_store(&f->app.schema_ready, true);
    make_accounts();
    make_books();
    snapshot_take(f->pool);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assistant_close(f->app.assistant);
    s3_close(f->app.s3);
    aws_credentials_close(f->app.credentials);
    turns_free(f->app.turns);
    rate_local_free(f->app.rate_local);
    redis_close(f->app.redis);
    db_pool_close(f->app.db_pool);
    token_keys_free(f->app.token_keys);
    zone_free(f->app.config.zone);
    db_pool_close(f->pool);
    server_remove(&f->redis);
    server_remove(&f->server);
    free(f);
    return 0;
}

/* ---- one question, again and again ---- */

enum way { BY_MALLOC, BY_ARENA };

/* What the question gives when nothing fails. */
struct expected {
    int status;
    char counts[1024];
    struct buf body;
};

static void check_form(const struct question *q, long n)
{
    struct text head = buf_view(&f->x.head);
    struct err err = {0};
    char length[48];
    if (head.n < 8 || memcmp(head.p, "Status: ", 8) != 0 || memcmp(head.p + head.n - 4, "\r\n\r\n", 4) != 0)
        fail_msg("%s %s, allocation %ld: no whole head: %s", q->method, q->path, n, head.p);
    if (f->x.res.status == 204)
        return;
    size_t size = f->x.res.has_file ? (size_t)f->x.res.file_size : f->x.body.n;
    snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", size);
    if (!strstr(head.p, length))
        fail_msg("%s %s, allocation %ld: not its length: %s", q->method, q->path, n, head.p);
    if (!strstr(head.p, "json"))
        return;
    struct json_doc *doc = json_parse(buf_view(&f->x.body), &err);
    if (!doc)
        fail_msg("%s %s, allocation %ld: no JSON: %s", q->method, q->path, n, f->x.body.p);
    json_doc_free(doc);
}

static void check_nothing_taken(const struct question *q, long n)
{
    struct db_pool_stats stats;
    db_pool_stats(f->app.db_pool, &stats);
    if (stats.busy)
        fail_msg("%s %s, allocation %ld: keeps a connection", q->method, q->path, n);
    if (!turn_take(f->app.turns, 1, 0))
        fail_msg("%s %s, allocation %ld: keeps the turn", q->method, q->path, n);
    turn_give(f->app.turns, 1);
}

/* A refusal leaves the database as it was; a success did everything. */
static void check_fate(const struct question *q, const struct expected *e, long n)
{
    int status = f->x.res.status;
    bool reads = strcmp(q->method, "GET") == 0;
    if (status != e->status && status != 500 && status != 503)
        fail_msg("%s %s, allocation %ld: %d %s", q->method, q->path, n, status, f->x.body.p);
    if (q->counts_tries)
        database_run(f->pool, "UPDATE otp_codes SET tries = 0");
    bool changed = snapshot_differs(f->pool);
    if (status != e->status && changed)
        fail_msg("%s %s, allocation %ld: %d, and yet it changed something", q->method, q->path, n, status);
    if (status == e->status && strcmp(snapshot_counts(f->pool), e->counts) != 0)
        fail_msg("%s %s, allocation %ld: half of it is missing: %s, not %s", q->method, q->path, n,
                 snapshot_counts(f->pool), e->counts);
    if (status == e->status && reads && status / 100 == 2 && !text_eq(buf_view(&f->x.body), buf_view(&e->body)))
        fail_msg("%s %s, allocation %ld: another answer: %s", q->method, q->path, n, f->x.body.p);
    if (changed)
        snapshot_restore(f->pool);
}

/* Everything of the request is fresh: the exchange, and with `cold` the connections with their statements too. True
 * when the n-th allocation (from 0) did fail; n < 0: none. */
static bool once(const struct question *q, enum way way, bool cold, long n)
{
    struct err err = {0};
    if (cold) {
        db_pool_close(f->app.db_pool);
        f->app.db_pool = app_pool(&f->server);
    }
    assert_true(exchange_init(&f->x, &f->app, &err));
    if (way == BY_ARENA)
        arena_fail_after(f->x.mem, n);
    malloc_fail_after(way == BY_MALLOC ? n : -1);
    ask(q);
    bool failed = malloc_failed;
    malloc_fail_after(-1);
    return failed || (way == BY_ARENA && n >= 0 && !arena_alloc(f->x.mem, 1));
}

static void expect(const struct question *q, struct expected *e)
{
    once(q, BY_MALLOC, true, -1);
    check_form(q, -1);
    if (f->x.res.status != q->status)
        fail_msg("%s %s: %d %s", q->method, q->path, f->x.res.status, f->x.body.p);
    e->status = f->x.res.status;
    snprintf(e->counts, sizeof e->counts, "%s", snapshot_counts(f->pool));
    buf_init(&e->body, RESPONSE_BODY_MAX);
    buf_text(&e->body, buf_view(&f->x.body));
    exchange_release(&f->x);
    snapshot_restore(f->pool);
}

static long try_all(const struct question *q, const struct expected *e, enum way way, bool cold)
{
    for (long n = 0;; n++) {
        bool hit = once(q, way, cold, n);
        check_form(q, n);
        check_nothing_taken(q, n);
        check_fate(q, e, n);
        exchange_release(&f->x);
        if (!hit)
            return n;
    }
}

static void try_question(const struct question *q, enum way way, bool cold)
{
    struct expected e;
    snapshot_restore(f->pool);
    expect(q, &e);
    long n = try_all(q, &e, way, cold);
    if (getenv("MM_VERBOSE"))
        fprintf(stderr, "%s %s: %ld allocations\n", q->method, q->path, n);
    buf_release(&e.body);
}

/* ---- tests ---- */

static void test_every_route_is_asked(void **state)
{
    (void)state;
    assert_int_equal(ARRAY_LEN(QUESTIONS), ROUTE_COUNT);
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        struct route_match match = {0};
        char path[LINE_MAX];
        fill(QUESTIONS[i].path, path);
        route_find(method_read(text_of(QUESTIONS[i].method)), text_of(path), &match);
        if (match.route != &ROUTES[i])
            fail_msg("%s %s is not the question of %s", QUESTIONS[i].method, path, ROUTES[i].path);
    }
}

static void test_each_failed_allocation_of_the_process_gives_a_clean_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++)
        try_question(&QUESTIONS[i], BY_MALLOC, true);
}

static void test_each_failed_allocation_of_the_arena_gives_a_clean_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++)
        try_question(&QUESTIONS[i], BY_ARENA, false);
}

/* The cache's way: session, generation and answer come from Redis. */
static void test_the_same_with_a_cache(void **state)
{
    static const char *const PATHS[] = {"/categories", "/expenses", "/login", "/logout", "/profile", "/jars/transfer"};
    (void)state;
    redis_close(f->app.redis);
    f->app.redis = app_redis(f->redis.socket);
    for (size_t i = 0; i < ARRAY_LEN(QUESTIONS); i++)
        for (size_t k = 0; k < ARRAY_LEN(PATHS); k++)
            if (strcmp(QUESTIONS[i].path, PATHS[k]) == 0) {
                try_question(&QUESTIONS[i], BY_MALLOC, false);
                try_question(&QUESTIONS[i], BY_ARENA, false);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_route_is_asked),
        cmocka_unit_test(test_each_failed_allocation_of_the_process_gives_a_clean_answer),
        cmocka_unit_test(test_each_failed_allocation_of_the_arena_gives_a_clean_answer),
        cmocka_unit_test(test_the_same_with_a_cache),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
