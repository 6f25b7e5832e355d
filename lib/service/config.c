#include "service/config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "service/redis_url.h"
#include "service/token.h"

struct setting {
    const char *name;
    /* Reads `value` into *cfg; on a fault prints it and returns false. */
    bool (*read)(const struct setting *row, const char *value, struct config *cfg, FILE *faults);
    size_t offset;
    const char *fallback; /* NULL: none, the setting stays unset */
    unsigned needed;      /* by which programs (enum program) */
    int64_t min, max;
};

/* One line a fault. Values are never printed: the same code reads secrets. */
PRINTF_LIKE(3, 4)
static bool fault(FILE *faults, const char *name, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(faults, "%s: ", name);
    vfprintf(faults, fmt, ap);
    fputc('\n', faults);
    va_end(ap);
    return false;
}

static void put_string(const struct setting *row, const char *value, struct config *cfg)
{
    *(const char **)(void *)((char *)cfg + row->offset) = value;
}

static void put_int(const struct setting *row, int64_t value, struct config *cfg)
{
    *(int64_t *)(void *)((char *)cfg + row->offset) = value;
}

static bool read_string(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    if (text_has_control(text_of(value), false))
        return fault(faults, row->name, "holds control characters");
    put_string(row, value, cfg);
    return true;
}

static bool read_int(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    int64_t v;
    if (!text_to_int64(text_of(value), &v) || v < row->min || v > row->max)
        return fault(faults, row->name, "must be a whole number from %" PRId64 " to %" PRId64, row->min, row->max);
    put_int(row, v, cfg);
    return true;
}

/* scheme://host[:port] with nothing but what the callers allow after it; *rest is that. */
static bool http_url(struct text t, struct text *rest)
{
    struct text after;
    if (text_starts(t, TEXT("https://")))
        after = text_slice(t, 8, t.n);
    else if (text_starts(t, TEXT("http://")))
        after = text_slice(t, 7, t.n);
    else
        return false;
    size_t n = 0;
    for (; n < after.n && after.p[n] != '/'; n++)
        if (after.p[n] <= ' ' || after.p[n] == '?' || after.p[n] == '#' || after.p[n] == '@' || after.p[n] == '*')
            return false;
    *rest = text_slice(after, n, after.n);
    return n > 0;
}

static bool read_url(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    struct text rest;
    if (!http_url(text_of(value), &rest) || text_has_control(rest, false) || memchr(rest.p, ' ', rest.n))
        return fault(faults, row->name, "must be a URL that starts with http:// or https://");
    put_string(row, value, cfg);
    return true;
}

static bool read_origins(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    struct text list = text_of(value), origin, rest;
    while (text_split(&list, ',', &origin))
        if (!http_url(text_trim(origin), &rest) || rest.n)
            return fault(faults, row->name,
                         "must be a comma list of origins such as https://app.example.com "
                         "(no path, no closing slash, no wildcard)");
    put_string(row, value, cfg);
    return true;
}

static bool read_redis_url(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    struct redis_address address;
    struct err err = {0};
    if (!redis_url_parse(value, &address, &err))
        return fault(faults, row->name, "%s", err.detail);
    put_string(row, value, cfg);
    return true;
}

static bool read_jwt_keys(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    struct err err = {0};
    struct token_keys *keys = token_keys_parse(value, &err);
    if (!keys)
        return fault(faults, row->name, "%s", err.detail);
    token_keys_free(keys);
    put_string(row, value, cfg);
    return true;
}

static bool read_email(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    if (!text_is_email(text_of(value)))
        return fault(faults, row->name, "must be a mail address");
    put_string(row, value, cfg);
    return true;
}

static bool read_zone(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    struct zone *zone = zone_load(value);
    if (!zone)
        return fault(faults, row->name, "is not the name of a time zone on this machine (such as Asia/Ho_Chi_Minh)");
    put_string(row, value, cfg);
    cfg->zone = zone;
    return true;
}

static bool read_currency(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    cfg->currency = currency_find(text_of(value));
    return cfg->currency || fault(faults, row->name, "is not the ISO 4217 code of a known currency (such as VND)");
}

/* After APP_CURRENCY in the table, whose exponent it needs. */
static bool read_money(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    int64_t minor;
    if (!cfg->currency)
        return true; /* told already */
    if (money_parse(text_of(value), cfg->currency, &minor) != MONEY_OK || minor <= 0)
        return fault(faults, row->name, "must be a positive amount in %s", cfg->currency->code);
    put_int(row, minor, cfg);
    return true;
}

static bool read_log_level(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    static const char *const NAMES[] = {
        [LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error"};
    for (size_t i = 0; i < ARRAY_LEN(NAMES); i++)
        if (text_eq_nocase(text_of(value), text_of(NAMES[i]))) {
            cfg->log_level = (enum log_level)i;
            return true;
        }
    return fault(faults, row->name, "must be debug, info, warn or error");
}

static bool read_log_format(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    cfg->log_json = text_eq(text_of(value), TEXT("json"));
    return cfg->log_json || text_eq(text_of(value), TEXT("text")) || fault(faults, row->name, "must be text or json");
}

/* What CloudWatch Logs takes for the name of a group; streams may have more. */
static bool read_log_name(const struct setting *row, const char *value, struct config *cfg, FILE *faults)
{
    enum { LOG_NAME_MAX = 128 };
    struct text t = text_of(value);
    static const char LEGAL[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/#";
    if (t.n > LOG_NAME_MAX || strspn(value, LEGAL) != t.n)
        return fault(faults, row->name, "must be at most %d letters, digits and ._-/#", LOG_NAME_MAX);
    put_string(row, value, cfg);
    return true;
}

#define BOTH (PROGRAM_API | PROGRAM_WORKER)
#define AT(member) offsetof(struct config, member)

static const struct setting SETTINGS[] = {
    {"DB_HOST", read_string, AT(db_host), NULL, 0, 0, 0},
    {"DB_PORT", read_int, AT(db_port), "3306", 0, 1, 65535},
    {"DB_SOCKET", read_string, AT(db_socket), NULL, 0, 0, 0},
    {"DB_NAME", read_string, AT(db_name), NULL, BOTH, 0, 0},
    {"DB_USER", read_string, AT(db_user), NULL, BOTH, 0, 0},
    {"DB_PASSWORD", read_string, AT(db_password), NULL, 0, 0, 0},
    {"DB_SSL_CA", read_string, AT(db_ssl_ca), NULL, 0, 0, 0},
    {"DB_POOL_SIZE", read_int, AT(db_pool_size), "4", 0, 1, 64},
    {"REDIS_URL", read_redis_url, AT(redis_url), NULL, BOTH, 0, 0},
    {"AWS_REGION", read_string, AT(aws_region), NULL, BOTH, 0, 0},
    {"AWS_ENDPOINT_URL", read_url, AT(aws_endpoint_url), NULL, 0, 0, 0},
    {"AWS_ENDPOINT_URL_SQS", read_url, AT(aws_endpoint_url_sqs), NULL, 0, 0, 0},
    {"AWS_ENDPOINT_URL_DYNAMODB", read_url, AT(aws_endpoint_url_dynamodb), NULL, 0, 0, 0},
    {"AWS_ENDPOINT_URL_S3", read_url, AT(aws_endpoint_url_s3), NULL, 0, 0, 0},
    {"S3_BUCKET", read_string, AT(s3_bucket), "botdevgroup-documents", 0, 0, 0},
    {"AWS_ENDPOINT_URL_LOGS", read_url, AT(aws_endpoint_url_logs), NULL, 0, 0, 0},
    {"SQS_QUEUE_URL", read_url, AT(sqs_queue_url), NULL, BOTH, 0, 0},
    {"SMTP_HOST", read_string, AT(smtp_host), NULL, PROGRAM_WORKER, 0, 0},
    {"SMTP_PORT", read_int, AT(smtp_port), NULL, PROGRAM_WORKER, 1, 65535},
    {"SMTP_USER", read_string, AT(smtp_user), NULL, 0, 0, 0},
    {"SMTP_PASSWORD", read_string, AT(smtp_password), NULL, 0, 0, 0},
    {"SMTP_CA_FILE", read_string, AT(smtp_ca_file), NULL, 0, 0, 0},
    {"MAIL_FROM", read_email, AT(mail_from), NULL, PROGRAM_WORKER, 0, 0},
    {"MAIL_FROM_NAME", read_string, AT(mail_from_name), "Money Manager", 0, 0, 0},
    {"JWT_KEYS", read_jwt_keys, AT(jwt_keys), NULL, PROGRAM_API, 0, 0},
    {"APP_TIMEZONE", read_zone, AT(app_timezone), "Asia/Ho_Chi_Minh", 0, 0, 0},
    {"APP_CURRENCY", read_currency, 0, "VND", 0, 0, 0},
    {"LARGE_TRANSACTION_AMOUNT", read_money, AT(large_transaction_amount), "5000000", 0, 0, 0},
    {"WEB_ORIGINS", read_origins, AT(web_origins), NULL, PROGRAM_API, 0, 0},
    {"WEB_BASE_URL", read_url, AT(web_base_url), NULL, BOTH, 0, 0},
    {"API_BASE_URL", read_url, AT(api_base_url), NULL, 0, 0, 0},
    {"DOCUMENTS_QUOTA_MB", read_int, AT(documents_quota_mb), "500", 0, 1, 1000000},
    {"S3_OFFICE_ENDPOINT", read_url, AT(s3_office_endpoint), NULL, 0, 0, 0},
    {"API_THREADS", read_int, AT(api_threads), "8", 0, 1, 256},
    {"WORKER_HANDLERS", read_int, AT(worker_handlers), "4", 0, 1, 64},
    {"OUTBOX_RESEND_AFTER_SECONDS", read_int, AT(outbox_resend_after_seconds), "1200", 0, 5, 86400},
    {"HEARTBEAT_FILE", read_string, AT(heartbeat_file), NULL, 0, 0, 0},
    {"SPOOL_DIR", read_string, AT(spool_dir), "/tmp", 0, 0, 0},
    {"UPLOAD_THREADS", read_int, AT(upload_threads), "4", 0, 1, 32},
    {"LOG_LEVEL", read_log_level, 0, "info", 0, 0, 0},
    {"LOG_FORMAT", read_log_format, 0, "text", 0, 0, 0},
    {"LOG_GROUP", read_log_name, AT(log_group), NULL, 0, 0, 0},
    {"LOG_STREAM_PREFIX", read_log_name, AT(log_stream_prefix), "backend-logs", 0, 0, 0},
    {"LOG_SHIP_BUFFER_KB", read_int, AT(log_ship_buffer_kb), "512", 0, 16, 65536},
    {"METRICS_DIR", read_string, AT(metrics_dir), NULL, 0, 0, 0},
    {"METRICS_PORT", read_int, AT(metrics_port), NULL, 0, 1, 65535},
    {"WORKER_METRICS_PORT", read_int, AT(worker_metrics_port), NULL, 0, 1, 65535},
    {"RATE_SIGN_IN_PER_MINUTE", read_int, AT(rate_sign_in_per_minute), "5", 0, 1, 1000000},
    {"RATE_SIGN_IN_ADDRESS_PER_MINUTE", read_int, AT(rate_sign_in_address_per_minute), "60", 0, 1, 1000000},
    {"RATE_API_PER_MINUTE", read_int, AT(rate_api_per_minute), "3000", 0, 1, 1000000},
    {"RATE_OTP_RESEND_PER_MINUTE", read_int, AT(rate_otp_resend_per_minute), "3", 0, 1, 1000000},
    {"RATE_EXPORTS_PER_MINUTE", read_int, AT(rate_exports_per_minute), "5", 0, 1, 1000000},
    {"RATE_EXPORTS_BLOCK_SECONDS", read_int, AT(rate_exports_block_seconds), "600", 0, 1, 86400},
    {"CHAT_PROVIDER_URL", read_url, AT(chat_provider_url), NULL, 0, 0, 0},
    {"CHAT_PROVIDER_MODEL", read_string, AT(chat_provider_model), NULL, 0, 0, 0},
    {"CHAT_PROVIDER_KEYS", read_string, AT(chat_provider_keys), NULL, 0, 0, 0},
    {"CHAT_PROVIDER_CONCURRENCY", read_int, AT(chat_provider_concurrency), "8", 0, 1, 64},
    {"CHAT_PROVIDER_KEY_PER_MINUTE", read_int, AT(chat_provider_key_per_minute), "300", 0, 1, 1000000},
    {"RECEIPT_PROVIDER_URL", read_url, AT(receipt_provider_url), NULL, 0, 0, 0},
    {"RECEIPT_PROVIDER_MODEL", read_string, AT(receipt_provider_model), NULL, 0, 0, 0},
    {"RECEIPT_PROVIDER_KEYS", read_string, AT(receipt_provider_keys), NULL, 0, 0, 0},
    {"RECEIPT_THREADS", read_int, AT(receipt_threads), "3", 0, 1, 16},
    {"CHAT_THREADS", read_int, AT(chat_threads), "8", 0, 1, 64},
    {"CHAT_WAITING", read_int, AT(chat_waiting), "200", 0, 0, 1000},
    {"CHAT_TIMEOUT_SECONDS", read_int, AT(chat_timeout_seconds), "25", 0, 2, 28},
    {"CHAT_TTL_DAYS", read_int, AT(chat_ttl_days), "365", 0, 1, 3650},
    {"RATE_CHAT_PER_MINUTE", read_int, AT(rate_chat_per_minute), "30", 0, 1, 1000000},
    {"RATE_CHAT_PER_DAY", read_int, AT(rate_chat_per_day), "500", 0, 1, 1000000},
    {"RATE_GEMINI_CHAT_PER_MINUTE", read_int, AT(rate_gemini_chat_per_minute), "15", 0, 1, 1000000},
    {"RATE_TIPS_PER_MINUTE", read_int, AT(rate_tips_per_minute), "5", 0, 1, 1000000},
};

static bool read_setting(const struct setting *row, struct config *cfg, enum program program, FILE *faults)
{
    const char *value = getenv(row->name);
    /* Compose files pass an unset variable on as an empty one. */
    if (!value || !*value)
        value = row->fallback;
    if (value)
        return row->read(row, value, cfg, faults);
    if (row->needed & (unsigned)program)
        return fault(faults, row->name, "is not set");
    return true;
}

static bool check_together(const struct config *cfg, FILE *faults)
{
    bool ok = true;
    if (!cfg->db_host && !cfg->db_socket)
        ok = fault(faults, "DB_HOST", "is not set, and neither is DB_SOCKET");
    if (cfg->db_ssl_ca && cfg->db_socket)
        ok = fault(faults, "DB_SSL_CA", "has no use with DB_SOCKET");
    if (!cfg->smtp_user != !cfg->smtp_password)
        ok = fault(faults, "SMTP_USER", "and SMTP_PASSWORD must be set together");
    if (cfg->chat_provider_url && !cfg->chat_provider_model)
        ok = fault(faults, "CHAT_PROVIDER_MODEL", "is needed with CHAT_PROVIDER_URL");
    if (cfg->receipt_provider_url && !cfg->receipt_provider_model)
        ok = fault(faults, "RECEIPT_PROVIDER_MODEL", "is needed with RECEIPT_PROVIDER_URL");
    return ok;
}

bool config_load(struct config *cfg, enum program program, FILE *faults)
{
    bool ok = true;
    *cfg = (struct config){0};
    for (size_t i = 0; i < ARRAY_LEN(SETTINGS); i++)
        ok = read_setting(&SETTINGS[i], cfg, program, faults) && ok;
    ok = check_together(cfg, faults) && ok;
    if (!ok)
        config_release(cfg);
    return ok;
}

void config_release(struct config *cfg)
{
    if (!cfg)
        return;
    zone_free(cfg->zone);
    *cfg = (struct config){0};
}

bool config_origin_allowed(const struct config *cfg, struct text origin)
{
    struct text list = text_of(cfg->web_origins), one;
    if (!list.p || !origin.n)
        return false;
    while (text_split(&list, ',', &one))
        if (text_eq(text_trim(one), origin))
            return true;
    return false;
}
