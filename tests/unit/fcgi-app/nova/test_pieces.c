/* The reply as it grows, and what of a conversation goes to a provider or into a title. */
#include "check.h"

#include <stdlib.h>

#include "base/attr.h"
#include "http/exchange.h"
#include "nova/assistant.h"
#include "nova/history.h"
#include "nova/reply.h"

struct fixture {
    struct app app;
    struct assistant assistant;
    struct exchange x;
    struct buf sent;
    int writes;
    bool gone;
};

static bool write_bytes(void *to, struct text bytes)
{
    struct fixture *f = to;
    f->writes++;
    buf_text(&f->sent, bytes);
    return !f->gone;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err err = {0};
    f->app.config.web_origins = "";
    f->app.assistant = &f->assistant;
    f->assistant.own_host = TEXT("app.example.com");
    assert_true(exchange_init(&f->x, &f->app, &err));
    f->x.call = (struct call){
        .app = &f->app, .scope = {.mem = f->x.mem}, .stream = &f->x.stream, .accept = TEXT("text/event-stream")};
    f->x.stream.x = &f->x;
    f->x.in.write = write_bytes;
    f->x.in.to = f;
    f->x.res.body = &f->x.body;
    buf_init(&f->sent, 1024 * 1024);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    exchange_release(&f->x);
    buf_release(&f->sent);
    free(f);
    return 0;
}

/* Gives the text in pieces of n bytes; the reply in the exchange's arena. */
static struct text grow(struct fixture *f, struct text t, size_t n)
{
    struct pieces p;
    struct err err = {0};
    struct text reply;
    pieces_init(&p, &f->x.call);
    for (size_t i = 0; i < t.n; i += n)
        pieces_add(text_slice(t, i, i + n < t.n ? i + n : t.n), &p);
    assert_true(pieces_end(&p, &reply, &err));
    reply = arena_text(f->x.mem, reply);
    pieces_release(&p);
    return reply;
}

static void test_links_are_masked_however_they_are_cut(void **state)
{
    struct fixture *f = *state;
    for (size_t n = 1; n < 40; n++) {
        struct text reply = grow(f, TEXT("Xem https://evil.example/x?a=1 và\nhttps://app.example.com/jars nhé"), n);
        assert_text(reply, "Xem [liên kết đã ẩn] và\nhttps://app.example.com/jars nhé");
    }
}

static void test_events_carry_the_same_reply(void **state)
{
    struct fixture *f = *state;
    stream_begin(&f->x.call);
    struct text reply = grow(f, TEXT("một \"hai\" https://evil.example ba"), 5);
    assert_text(reply, "một \"hai\" [liên kết đã ẩn] ba");
    assert_non_null(strstr(f->sent.p, "Content-Type: text/event-stream\r\n"));
    assert_non_null(strstr(f->sent.p, "X-Accel-Buffering: no\r\n"));
    assert_non_null(strstr(f->sent.p, "event: token\ndata: {\"text\":\"một "));
    assert_null(strstr(f->sent.p, "evil"));
}

static void test_a_client_that_went_away_is_written_to_no_more_and_the_reply_is_whole(void **state)
{
    struct fixture *f = *state;
    stream_begin(&f->x.call);
    f->gone = true;
    assert_text(grow(f, TEXT("một hai ba bốn năm"), 3), "một hai ba bốn năm");
    assert_int_equal(f->writes, 2);
}

static void test_events_come_only_where_they_are_asked_for_first(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *accept;
        bool events;
    } CASES[] = {
        {"text/event-stream", true},
        {"Text/Event-Stream; q=0.9", true},
        {"text/event-stream, application/json", true},
        {"application/json, text/event-stream", false},
        {"application/json", false},
        {"*/*", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        f->x.call.accept = text_of(CASES[i].accept);
        assert_int_equal(stream_wanted(&f->x.call), CASES[i].events);
    }
}

static void test_the_window_holds_the_last_messages_that_fit(void **state)
{
    (void)state;
    static char big[WINDOW_TOKENS_MAX * 2];
    struct said said[50];
    for (size_t i = 0; i < ARRAY_LEN(said); i++)
        said[i] = (struct said){ROLE_USER, TEXT("x")};
    assert_int_equal(window_begin(said, 1), 0);
    assert_int_equal(window_begin(said, 50), 50 - WINDOW_MESSAGES_MAX);
    said[45].content = (struct text){big, sizeof(big)};
    said[44].content = (struct text){big, sizeof(big)};
    assert_int_equal(window_begin(said, 50), 45);
    /* The message itself always goes. */
    said[49].content = (struct text){big, sizeof(big)};
    assert_int_equal(window_begin(said, 50), 45);
}

static void test_a_title_is_fifty_characters_of_the_first_message(void **state)
{
    struct fixture *f = *state;
    assert_text(history_title(TEXT("ngắn"), f->x.mem), "ngắn");
    assert_text(history_title(TEXT("dòng\nhai\tba"), f->x.mem), "dòng hai ba");
    struct text cut = history_title(TEXT("ăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăăă"), f->x.mem);
    assert_int_equal(text_length(cut), 53);
    assert_true(text_eq(text_slice(cut, cut.n - 3, cut.n), TEXT("...")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_links_are_masked_however_they_are_cut),
        T(test_events_carry_the_same_reply),
        T(test_a_client_that_went_away_is_written_to_no_more_and_the_reply_is_whole),
        T(test_events_come_only_where_they_are_asked_for_first),
        T(test_the_window_holds_the_last_messages_that_fit),
        T(test_a_title_is_fifty_characters_of_the_first_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
