/* What all threads of the worker share. Made by main, read-only afterwards; each part locks itself. The heartbeat is
 * main's until the threads start, then the receiver's. */
#ifndef WORKER_H
#define WORKER_H

#include "heartbeat.h"
#include "service/aws/credentials.h"
#include "service/aws/queue.h"
#include "service/aws/s3.h"
#include "service/config.h"
#include "service/db.h"
#include "service/redis.h"

struct exporter;
struct mailer;
struct sweep;
struct watchdog;
struct log_ship;

struct worker {
    struct config config;
    struct log_ship *log_ship; /* NULL: the log is not copied */
    struct db_pool *db_pool;
    struct redis *redis; /* only the cache's generations; may be down */
    struct aws_credentials *credentials;
    struct queue *queue;
    struct s3 *s3; /* of files; may be down */
    struct mailer *mailer;
    struct exporter *exporter;
    struct sweep *sweep;
    struct watchdog *watchdog;
    struct heartbeat heartbeat;
};

#endif
