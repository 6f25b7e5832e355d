#include "http/params.h"

#include <stddef.h>

#include "base/attr.h"

/* TEXT() is no constant initializer. */
#define ROW(name, member) {{(name), sizeof(name) - 1}, offsetof(struct params, member)}

static const struct {
    struct text name;
    size_t offset;
} ROWS[] = {
    ROW("REQUEST_METHOD", method),
    ROW("SCRIPT_NAME", path),
    ROW("QUERY_STRING", query),
    ROW("CONTENT_TYPE", content_type),
    ROW("CONTENT_LENGTH", content_length),
    ROW("REMOTE_ADDR", remote_addr),
    ROW("REQUEST_ID", request_id),
    ROW("HTTP_AUTHORIZATION", authorization),
    ROW("HTTP_COOKIE", cookie),
    ROW("HTTP_ORIGIN", origin),
    ROW("HTTP_USER_AGENT", user_agent),
    ROW("HTTP_ACCEPT", accept),
    ROW("HTTP_IF_MATCH", if_match),
    ROW("HTTP_IF_NONE_MATCH", if_none_match),
    ROW("HTTP_IDEMPOTENCY_KEY", idempotency_key),
    ROW("HTTP_X_CLIENT_PLATFORM", platform),
    ROW("HTTP_HOST", host),
    ROW("HTTP_X_FORWARDED_PROTO", forwarded_proto),
    ROW("HTTP_RANGE", range),
    ROW("HTTP_IF_RANGE", if_range),
    ROW("STORAGE_STATUS", storage_status),
    ROW("HTTP_SEC_FETCH_SITE", fetch_site),
    ROW("HTTP_ACCESS_CONTROL_REQUEST_METHOD", asked_method),
};

static void put(struct params *out, struct text name, struct text value)
{
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++) {
        if (ROWS[i].name.n != name.n || memcmp(ROWS[i].name.p, name.p, name.n) != 0)
            continue;
        struct text *target = (struct text *)(void *)((char *)out + ROWS[i].offset);
        if (!target->p)
            *target = value;
        return;
    }
}

void params_read(const char *const *envp, struct params *out)
{
    *out = (struct params){0};
    for (; *envp; envp++) {
        const char *sign = strchr(*envp, '=');
        if (sign && sign[1])
            put(out, (struct text){*envp, (size_t)(sign - *envp)}, text_of(sign + 1));
    }
}
