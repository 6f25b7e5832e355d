#include "http/cors.h"

void cors_headers(struct buf *head, const struct config *config, struct text origin)
{
    buf_str(head, "Vary: Origin\r\n");
    if (!config_origin_allowed(config, origin))
        return;
    buf_str(head, "Access-Control-Allow-Origin: ");
    buf_text(head, origin);
    buf_str(head, "\r\nAccess-Control-Allow-Credentials: true\r\n"
                  "Access-Control-Expose-Headers: Link, Location, Retry-After, Content-Disposition, ETag, "
                  "X-Request-Id, Idempotency-Replayed\r\n");
}

void cors_preflight(struct buf *head, const struct config *config, struct text origin)
{
    if (!config_origin_allowed(config, origin))
        return;
    buf_str(head, "Access-Control-Allow-Methods: GET, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
                  "Access-Control-Allow-Headers: Authorization, Content-Type, Accept, Accept-Language, "
                  "X-Client-Platform, Idempotency-Key, If-Match, If-None-Match\r\n"
                  "Access-Control-Max-Age: 7200\r\n");
}
