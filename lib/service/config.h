/*
 * Settings from the environment: one setting is one row of the table in config.c (name, kind, default, needed by which
 * program, limits). All faults are reported together (--check-config). Read once at start, then read-only.
 */
#ifndef SERVICE_CONFIG_H
#define SERVICE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/date.h"
#include "base/log_line.h"
#include "base/money.h"
#include "base/text.h"

enum program { PROGRAM_API = 1, PROGRAM_WORKER = 2 };

struct config {
    const char *db_host, *db_socket, *db_name, *db_user, *db_password, *db_ssl_ca;
    int64_t db_port, db_pool_size;
    const char *redis_url;
    const char *aws_region, *aws_endpoint_url, *aws_endpoint_url_sqs, *aws_endpoint_url_dynamodb, *sqs_queue_url;
    const char *aws_endpoint_url_s3, *aws_endpoint_url_logs, *s3_bucket;
    const char *smtp_host, *smtp_user, *smtp_password, *smtp_ca_file, *mail_from, *mail_from_name;
    int64_t smtp_port;
    const char *jwt_keys;
    const char *app_timezone;
    struct zone *zone;                /* loaded from app_timezone */
    const struct currency *currency;  /* APP_CURRENCY: default of new households */
    int64_t large_transaction_amount; /* minor units */
    int64_t outbox_resend_after_seconds;
    const char *web_origins, *web_base_url;
    const char *api_base_url; /* how clients reach the API, without a closing slash; NULL: as the request says */
    int64_t api_threads, worker_handlers;
    int64_t documents_quota_mb;     /* of a household */
    const char *s3_office_endpoint; /* where clients in the office network reach S3; NULL: no S3 address leaves */
    const char *heartbeat_file;     /* the worker's; NULL: none */
    const char *spool_dir;          /* of the files that are under way */
    int64_t upload_threads;
    enum log_level log_level;
    bool log_json;
    const char *log_group, *log_stream_prefix; /* of the copy in CloudWatch Logs; log_group NULL: none */
    int64_t log_ship_buffer_kb;
    const char *metrics_dir; /* where a program's processes share what they count; NULL: they do not */
    int64_t metrics_port, worker_metrics_port; /* on the loopback address; 0: none */
    int64_t rate_sign_in_per_minute, rate_sign_in_address_per_minute, rate_api_per_minute, rate_otp_resend_per_minute;
    /* the assistant; chat_provider_url NULL: the embedded one alone */
    const char *chat_provider_url, *chat_provider_model, *chat_provider_keys;
    int64_t chat_provider_concurrency, chat_provider_key_per_minute;
    /* who reads pictures of receipts; receipt_provider_url NULL: nobody */
    const char *receipt_provider_url, *receipt_provider_model, *receipt_provider_keys;
    int64_t receipt_threads;
    int64_t chat_threads, chat_waiting, chat_timeout_seconds, chat_ttl_days;
    int64_t rate_exports_per_minute, rate_exports_block_seconds;
    int64_t rate_chat_per_minute, rate_chat_per_day, rate_gemini_chat_per_minute, rate_tips_per_minute;
};

/* Reads and checks everything; on faults prints each to `faults` (one a line, never a value of a secret) and returns
   false: exit 2. Strings live as long as the process environment. */
bool config_load(struct config *cfg, enum program program, FILE *faults);
void config_release(struct config *cfg);
/* True when `origin` is one of web_origins, exactly. */
bool config_origin_allowed(const struct config *cfg, struct text origin);

#endif
