/* The provider's client against a scripted server. */
#include "check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/service/fake_http.h"
#include "service/http.h"
#include "service/llm.h"
#include "service/llm_stream.h"

#define EVENT(delta) "data: {\"choices\":[{\"delta\":" delta "}]}\n\n"
#define STREAM "Content-Type: text/event-stream\r\n"
#define JSON "Content-Type: application/json\r\n"
#define HELLO                                                                                                          \
    {.headers = STREAM, .body = EVENT("{\"content\":\"Xin \"}") EVENT("{\"content\":\"chào\"}") "data: [DONE]\n\n"}

struct fixture {
    struct fake_http *server;
    struct llm *llm;
    struct arena *mem;
    struct err err;
    struct llm_reply reply;
};

static void open_with(struct fixture *f, const char *keys)
{
    const struct llm_options opts = {.base_url = fake_http_url(f->server),
                                     .model = "m-1",
                                     .keys = keys,
                                     .concurrency = 2,
                                     .connect_timeout_ms = 500,
                                     .total_timeout_ms = 5000};
    llm_close(f->llm);
    f->llm = llm_open(&opts, &f->err);
    assert_non_null(f->llm);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_true(http_global_init(&f->err));
    f->server = fake_http_start();
    f->mem = arena_new(64 * 1024, 16 * 1024 * 1024);
    open_with(f, "k1,k2");
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    llm_close(f->llm);
    fake_http_stop(f->server);
    arena_free(f->mem);
    free(f);
    return 0;
}

static bool collect(struct text piece, void *to)
{
    buf_text(to, piece);
    return true;
}

static bool chat(struct fixture *f, struct buf *pieces, int timeout_ms)
{
    const struct llm_message messages[] = {{.role = "system", .content = TEXT("s")},
                                           {.role = "user", .content = TEXT("hi")}};
    const struct llm_request req = {.messages = messages,
                                    .message_count = 2,
                                    .tools = TEXT("[]"),
                                    .timeout_ms = timeout_ms,
                                    .piece = pieces ? collect : NULL,
                                    .to = pieces};
    err_clear(&f->err);
    return llm_chat(f->llm, &req, f->mem, &f->reply, &f->err);
}

#define SCRIPT(f, ...)                                                                                                 \
    const struct fake_reply script[] = {__VA_ARGS__};                                                                  \
    fake_http_script((f)->server, script, ARRAY_LEN(script))

static void test_a_streamed_answer_comes_in_pieces_and_whole(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) struct buf pieces;
    buf_init(&pieces, 1024);
    SCRIPT(f, HELLO);
    assert_true(chat(f, &pieces, 0));
    assert_text(f->reply.content, "Xin chào");
    assert_text(buf_view(&pieces), "Xin chào");
    struct fake_request sent = fake_http_request(f->server, 0);
    assert_true(fake_http_head_has(f->server, 0, "POST /chat/completions "));
    assert_true(fake_http_head_has(f->server, 0, "Authorization: Bearer k1"));
    assert_non_null(strstr(sent.body, "\"model\":\"m-1\""));
    assert_non_null(strstr(sent.body, "{\"role\":\"user\",\"content\":\"hi\"}"));
}

/* More than one piece, and no multiple of three. */
static void test_a_picture_goes_as_a_data_url(void **state)
{
    enum { SIZE = 40001 };
    struct fixture *f = *state;
    char *bytes = malloc(SIZE);
    int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    SCRIPT(f, HELLO);
    memset(bytes, 'a', SIZE);
    assert_true(write(fd, bytes, SIZE) == SIZE);
    const struct llm_image image = {"image/png", fd, SIZE};
    const struct llm_message messages[] = {{.role = "user", .content = TEXT("see"), .image = &image}};
    const struct llm_request req = {.messages = messages, .message_count = 1};
    assert_true(llm_chat(f->llm, &req, f->mem, &f->reply, &f->err));
    struct fake_request sent = fake_http_request(f->server, 0);
    const char *url =
        strstr(sent.body, "{\"type\":\"text\",\"text\":\"see\"},{\"type\":\"image_url\",\"image_url\":{\"url\":"
                          "\"data:image/png;base64,YWFh");
    assert_non_null(url);
    size_t text = strspn(strstr(url, "base64,") + 7, "WYFhYWE");
    assert_int_equal(text, (SIZE + 2) / 3 * 4 - 1);
    assert_non_null(strstr(url, "YWE=\"}}]}"));
    close(fd);
    free(bytes);
}

static void test_a_picture_that_cannot_be_read_is_no_call(void **state)
{
    struct fixture *f = *state;
    const struct llm_image image = {"image/png", -1, 10};
    const struct llm_message messages[] = {{.role = "user", .content = TEXT("see"), .image = &image}};
    const struct llm_request req = {.messages = messages, .message_count = 1};
    assert_false(llm_chat(f->llm, &req, f->mem, &f->reply, &f->err));
    assert_int_equal(fake_http_count(f->server), 0);
}

static void test_a_whole_json_answer_is_read_too(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f,
           {.headers = JSON,
            .body = "{\"model\":\"m-9\",\"choices\":[{\"message\":{\"content\":\"ok\"},\"finish_reason\":\"stop\"}]}"});
    assert_true(chat(f, NULL, 0));
    assert_text(f->reply.content, "ok");
    assert_text(f->reply.model, "m-9");
}

static void test_tool_calls_are_put_together_from_their_parts(void **state)
{
    struct fixture *f = *state;
    SCRIPT(
        f,
        {.headers = STREAM,
         .body = EVENT(
             "{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"spent\",\"arguments\":\"{\\\"x\\\"\"}}]}")
             EVENT("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\":1}\"}}]}") "data: [DONE]\n\n"});
    assert_true(chat(f, NULL, 0));
    assert_int_equal(f->reply.tool_call_count, 1);
    assert_text(f->reply.tool_calls[0].id, "a");
    assert_text(f->reply.tool_calls[0].name, "spent");
    assert_text(f->reply.tool_calls[0].arguments, "{\"x\":1}");
}

static void test_another_key_is_tried_when_one_is_throttled(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 429, .headers = "Retry-After: 7\r\n"}, HELLO, HELLO);
    assert_true(chat(f, NULL, 0));
    assert_true(chat(f, NULL, 0));
    assert_true(fake_http_head_has(f->server, 1, "Bearer k2"));
    assert_true(fake_http_head_has(f->server, 2, "Bearer k2")); /* k1 rests */
}

static void test_when_every_key_rests_nothing_is_asked(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.status = 429, .headers = "Retry-After: 9\r\n"}, {.status = 500});
    assert_false(chat(f, NULL, 0));
    assert_int_equal(f->err.code, ERR_UNAVAILABLE);
    assert_in_range(f->err.retry_after_seconds, 1, 9);
    assert_false(chat(f, NULL, 0));
    assert_int_equal(fake_http_count(f->server), 2);
}

static void test_answers_that_cannot_be_used_are_refused(void **state)
{
    struct fixture *f = *state;
    static const struct fake_reply BAD[] = {
        {.headers = STREAM, .body = EVENT("{\"content\":\"half\"}")},
        {.headers = STREAM, .body = "data: {no json\n\n"},
        {.headers = STREAM, .body = "data: {\"error\":{\"message\":\"x\"}}\n\n"},
        {.headers = STREAM, .body = "data: [DONE]\n\n"},
        {.headers = JSON, .body = "[]"},
        {.headers = JSON, .body = "{\"choices\":[]}"},
        {.headers = STREAM, .body = EVENT("{\"tool_calls\":[{\"index\":99,\"id\":\"a\"}]}")},
        {.headers = STREAM, .body = EVENT("{\"content\":\"half\"}"), .truncate = true},
        {.status = 400, .body = "{}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        open_with(f, "k");
        fake_http_script(f->server, &BAD[i], 1);
        if (chat(f, NULL, 0))
            fail_msg("answer %zu was taken", i);
        assert_int_equal(f->err.code, ERR_UNAVAILABLE);
        assert_true(f->err.retry_after_seconds > 0);
    }
}

static void test_a_hanging_provider_is_left_in_time(void **state)
{
    struct fixture *f = *state;
    SCRIPT(f, {.hang = true});
    assert_false(chat(f, NULL, 200));
    assert_int_equal(f->err.code, ERR_UNAVAILABLE);
}

static void test_a_reply_without_end_is_cut(void **state)
{
    struct fixture *f = *state;
    AUTO(buf) struct buf body;
    buf_init(&body, 1024 * 1024);
    for (int i = 0; i < 9000; i++)
        buf_str(&body, EVENT("{\"content\":\"mười byte\"}"));
    SCRIPT(f, {.headers = STREAM, .body = body.p});
    assert_true(chat(f, NULL, 0));
    assert_in_range(f->reply.content.n, LLM_REPLY_MAX - 4, LLM_REPLY_MAX);
    assert_true(text_is_utf8(f->reply.content));
}

static void test_an_answer_of_any_bytes_ends(void **state)
{
    (void)state;
    static const char *const PIECES[] = {
        "data: ", "{", "}", "\n", "\"choices\":[", "]", "[DONE]", ":", "\\u", "\xFF", "{\"delta\":{\"content\":\"x\"}}",
        "\r"};
    struct arena *mem = arena_new(16 * 1024, 1024 * 1024);
    const struct llm_request req = {0};
    for (unsigned i = 1; i < 4000; i++) {
        struct llm_stream s;
        struct llm_reply out;
        struct err err = {0};
        unsigned r = i * 2654435761u;
        llm_stream_init(&s, &req, i % 2);
        for (unsigned k = 0; k < i % 30 && llm_stream_feed(&s, text_of(PIECES[r % ARRAY_LEN(PIECES)])); k++)
            r = r * 1103515245u + 12345u;
        arena_reset(mem);
        if (!llm_stream_end(&s, mem, &out, &err))
            assert_int_equal(err.code, ERR_UNAVAILABLE);
        llm_stream_release(&s);
    }
    arena_free(mem);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_a_picture_goes_as_a_data_url),
        T(test_a_picture_that_cannot_be_read_is_no_call),
        T(test_a_streamed_answer_comes_in_pieces_and_whole),
        T(test_a_whole_json_answer_is_read_too),
        T(test_tool_calls_are_put_together_from_their_parts),
        T(test_another_key_is_tried_when_one_is_throttled),
        T(test_when_every_key_rests_nothing_is_asked),
        T(test_answers_that_cannot_be_used_are_refused),
        T(test_a_hanging_provider_is_left_in_time),
        T(test_a_reply_without_end_is_cut),
        cmocka_unit_test(test_an_answer_of_any_bytes_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
