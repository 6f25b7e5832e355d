/* Conversations over the AWS stand-in: real conditions, transactions, indexes and cursors. */
#include "check.h"
#include "stand_in.h"

#include "base/clock.h"
#include "service/aws/credentials.h"
#include "service/http.h"
#include "store/chat.h"
#include "store/chat_internal.h"

#include <stdlib.h>

enum { OTHERS = 10000, DAY_MS = 24 * 3600 * 1000, USER = 7, OTHER_USER = 8 };

static struct stand_in stand_in;
static struct arena *mem;
static struct aws_credentials *creds;
static struct chat_store store = {.ttl_ms = 365LL * DAY_MS};
static int64_t now_ms;
static struct err err;

static void must(bool ok)
{
    if (!ok)
        fail_msg("%s [%s]", err.detail, err.cause);
}

static void make_tables(void)
{
    for (size_t i = 0; i < CHAT_TABLES; i++) {
        struct dynamodb_state s;
        must(dynamodb_create_table(store.db, &CHAT_TABLE_ROWS[i], &err));
        must(dynamodb_create_table(store.db, &CHAT_TABLE_ROWS[i], &err));
        must(dynamodb_set_ttl(store.db, &CHAT_TABLE_ROWS[i], &err));
        must(dynamodb_describe(store.db, &CHAT_TABLE_ROWS[i], &s, &err));
        assert_true(s.exists && s.active && s.index_exists && s.index_active && !s.index_differs);
        must(dynamodb_describe_ttl(store.db, &CHAT_TABLE_ROWS[i], &s, &err));
        assert_true(s.ttl_on);
    }
}

static int start(void **state)
{
    (void)state;
    must(http_global_init(&err));
    if (!stand_in_start(&stand_in))
        return 0;
    const struct aws_credentials_options keys = {.access_key_id = "AKID", .secret_access_key = "secret"};
    const struct dynamodb_options opts = {.region = "ap-southeast-1",
                                          .endpoint_url = stand_in.url,
                                          .connect_timeout_ms = 5000,
                                          .total_timeout_ms = 20000,
                                          .deadline_ms = 60000,
                                          .handles = 2};
    creds = aws_credentials_open(&keys, &err);
    store.db = dynamodb_open(&opts, creds, &err);
    must(creds && store.db);
    make_tables();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    dynamodb_close(store.db);
    aws_credentials_close(creds);
    stand_in_stop(&stand_in);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    if (!stand_in.pid)
        skip();
    mem = arena_new(64 * 1024, 64 * 1024 * 1024);
    now_ms = clock_now_ms();
    err = (struct err){0};
    return mem ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(mem);
    return 0;
}

/* A user of this test alone. */
static int64_t new_user(void)
{
    static int64_t last = 1000;
    return ++last;
}

static struct chat_session create(int64_t user, const char *title)
{
    struct chat_session s;
    must(chat_session_create(&store, user, text_of(title), now_ms++, mem, &s, &err));
    return s;
}

static struct chat_session find(int64_t user, const char *id)
{
    struct chat_session s;
    must(chat_session_find(&store, user, text_of(id), mem, &s, &err));
    return s;
}

static void append(struct chat_session *s, const char *question, const char *answer)
{
    struct chat_message turn[] = {{.role = CHAT_USER, .content = text_of(question)},
                                  {.role = CHAT_ASSISTANT, .content = text_of(answer)}};
    must(chat_turn_append(&store, s, turn, 2, NULL, now_ms++, mem, &err));
}

static size_t list_messages(const struct chat_session *s, struct chat_message out[CHAT_PAGE_MAX])
{
    struct text next;
    size_t n;
    must(chat_message_list(&store, s, TEXT_NONE, CHAT_PAGE_MAX, mem, out, &n, &next, &err));
    assert_null(next.p);
    return n;
}

static size_t list_sessions(int64_t user, struct chat_session out[CHAT_PAGE_MAX])
{
    struct text next;
    size_t n;
    must(chat_session_list(&store, user, TEXT(""), CHAT_PAGE_MAX, mem, out, &n, &next, &err));
    return n;
}

/* ---- sessions ---- */

static void test_a_session_is_found_by_its_owner_only(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "Ăn uống tháng này"), out;
    assert_text(find(USER, s.id).title, "Ăn uống tháng này");
    static const char *const UNKNOWN[] = {"01890000-0000-7000-8000-000000000000", "nothing", ""};
    assert_false(chat_session_find(&store, OTHER_USER, text_of(s.id), mem, &out, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(chat_session_rename(&store, OTHER_USER, text_of(s.id), TEXT("x"), now_ms, mem, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(chat_session_delete(&store, OTHER_USER, text_of(s.id), mem, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    for (size_t i = 0; i < ARRAY_LEN(UNKNOWN); i++) {
        assert_false(chat_session_find(&store, USER, text_of(UNKNOWN[i]), mem, &out, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
        assert_false(chat_session_delete(&store, USER, text_of(UNKNOWN[i]), mem, &err));
        assert_int_equal(err.code, ERR_NOT_FOUND);
    }
    assert_text(find(USER, s.id).title, "Ăn uống tháng này");
}

static void test_sessions_are_listed_by_their_last_change(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_session a = create(user, "a"), b = create(user, "b"), c = create(user, "c"), got[CHAT_PAGE_MAX];
    append(&a, "?", "!");
    must(chat_session_rename(&store, user, text_of(b.id), TEXT("b2"), now_ms++, mem, &err));
    assert_int_equal(list_sessions(user, got), 3);
    assert_string_equal(got[0].id, b.id);
    assert_text(got[0].title, "b2");
    assert_string_equal(got[1].id, a.id);
    assert_int_equal(got[1].message_count, 2);
    assert_string_equal(got[2].id, c.id);
}

static void test_pages_of_sessions_join_to_the_whole_list(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_session got[CHAT_PAGE_MAX], page[4];
    struct text next = TEXT_NONE;
    size_t all = 0, n;
    now_ms += 1000;
    for (int i = 0; i < 12; i++) {
        create(user, "s");
        now_ms -= i % 3 == 0; /* some share their instant */
    }
    size_t whole = list_sessions(user, got);
    assert_int_equal(whole, 12);
    do {
        must(chat_session_list(&store, user, next, 4, mem, page, &n, &next, &err));
        for (size_t i = 0; i < n; i++)
            assert_string_equal(page[i].id, got[all++].id);
    } while (next.p);
    assert_int_equal(all, whole);
}

static void test_a_cursor_is_of_its_user_and_its_list(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_session s = create(user, "a"), got[1];
    struct chat_message messages[1];
    struct text next, after;
    size_t n;
    create(user, "b");
    append(&s, "?", "!");
    must(chat_session_list(&store, user, TEXT_NONE, 1, mem, got, &n, &next, &err));
    must(chat_message_list(&store, &s, TEXT_NONE, 1, mem, messages, &n, &after, &err));
    assert_true(next.p && after.p);
    const struct text bad[] = {after, TEXT("x"), TEXT("====")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(chat_session_list(&store, user, bad[i], 1, mem, got, &n, &next, &err));
        assert_int_equal(err.code, ERR_VALIDATION);
        assert_string_equal(err.fields[0].name, "cursor");
        err_clear(&err);
    }
    must(chat_session_list(&store, user, TEXT_NONE, 1, mem, got, &n, &next, &err));
    assert_false(chat_session_list(&store, user + 1, next, 1, mem, got, &n, &after, &err));
    assert_int_equal(err.code, ERR_VALIDATION);
}

static void test_a_deleted_session_is_gone_with_its_messages(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_session s = create(user, "a"), out, got[CHAT_PAGE_MAX];
    struct chat_message messages[CHAT_PAGE_MAX];
    for (int i = 0; i < 60; i++)
        append(&s, "?", "!");
    must(chat_session_delete(&store, user, text_of(s.id), mem, &err));
    assert_false(chat_session_find(&store, user, text_of(s.id), mem, &out, &err));
    assert_int_equal(list_sessions(user, got), 0);
    assert_int_equal(list_messages(&s, messages), 0);
    assert_false(chat_session_delete(&store, user, text_of(s.id), mem, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_a_deletion_that_stopped_half_way_is_ended_by_the_next(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_session s = create(user, "a"), out, got[CHAT_PAGE_MAX];
    struct chat_message messages[CHAT_PAGE_MAX], turn = {.content = TEXT("?")};
    append(&s, "?", "!");
    const struct dynamodb_attr value = DYNAMODB_N(":since", now_ms / 1000);
    struct dynamodb_write mark = {.verb = DYNAMODB_UPDATE,
                                  .table = CHAT_SESSIONS,
                                  .id = text_of(s.id),
                                  .update = "SET deleting_since = :since",
                                  .values = &value,
                                  .value_count = 1};
    must(dynamodb_write(store.db, &mark, &err));
    assert_int_equal(list_sessions(user, got), 0);
    assert_false(chat_session_find(&store, user, text_of(s.id), mem, &out, &err));
    assert_false(chat_turn_append(&store, &s, &turn, 1, NULL, now_ms, mem, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    must(chat_session_delete(&store, user, text_of(s.id), mem, &err));
    assert_int_equal(list_messages(&s, messages), 0);
}

static void test_what_is_expired_is_not_seen(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_store past = {.db = store.db, .ttl_ms = -DAY_MS};
    struct chat_session old, s = create(user, "b"), out, got[CHAT_PAGE_MAX];
    struct chat_message messages[CHAT_PAGE_MAX], turn[] = {{.content = TEXT("old")}};
    must(chat_session_create(&past, user, TEXT("a"), now_ms, mem, &old, &err));
    assert_false(chat_session_find(&store, user, text_of(old.id), mem, &out, &err));
    assert_int_equal(list_sessions(user, got), 1);
    struct chat_session again = s;
    must(chat_turn_append(&past, &again, turn, 1, NULL, now_ms++, mem, &err));
    s.recent = again.recent;
    assert_int_equal(list_messages(&s, messages), 0);
}

/* ---- messages ---- */

static void test_messages_come_oldest_first_with_their_roles(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "a");
    struct chat_message got[CHAT_PAGE_MAX];
    append(&s, "Tháng này ăn uống hết bao nhiêu?", "1.250.000 ₫ \"đúng\"\n😀");
    append(&s, "Cảm ơn", "");
    s = find(USER, s.id);
    assert_int_equal(s.message_count, 4);
    assert_int_equal(list_messages(&s, got), 4);
    assert_text(got[0].content, "Tháng này ăn uống hết bao nhiêu?");
    assert_int_equal(got[0].role, CHAT_USER);
    assert_text(got[1].content, "1.250.000 ₫ \"đúng\"\n😀");
    assert_int_equal(got[1].role, CHAT_ASSISTANT);
    assert_text(got[3].content, "");
    assert_true(got[0].at_ms <= got[3].at_ms && got[0].at_ms > 0);
}

static void test_pages_of_messages_join_to_the_whole(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "a");
    struct chat_message all[CHAT_PAGE_MAX], page[7];
    for (int i = 0; i < 15; i++)
        append(&s, "?", "!");
    size_t n = list_messages(&s, all), got, seen = 0;
    struct text next = TEXT_NONE;
    assert_int_equal(n, 30);
    do {
        must(chat_message_list(&store, &s, next, ARRAY_LEN(page), mem, page, &got, &next, &err));
        for (size_t i = 0; i < got; i++)
            assert_string_equal(page[i].id, all[seen++].id);
    } while (next.p);
    assert_int_equal(seen, n);
}

static void test_a_session_knows_its_newest_messages(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "a");
    struct chat_message got[CHAT_PAGE_MAX];
    for (int i = 0; i < CHAT_RECENT_TURN; i++)
        append(&s, "?", "!");
    struct text rest = find(USER, s.id).recent, id;
    assert_true(text_eq(rest, s.recent));
    size_t n = list_messages(&s, got), i = n - CHAT_RECENT_TURN;
    while (text_split(&rest, ',', &id))
        assert_text(id, got[i++].id);
    assert_int_equal(i, n);
}

static void test_a_token_appends_once(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "a"), b = create(OTHER_USER, "b");
    struct chat_message turn = {.content = TEXT("?")}, got[CHAT_PAGE_MAX];
    must(chat_turn_append(&store, &s, &turn, 1, "key-1", now_ms++, mem, &err));
    assert_false(chat_turn_append(&store, &s, &turn, 1, "key-1", now_ms++, mem, &err));
    assert_int_equal(err.code, ERR_DUPLICATE);
    err_clear(&err);
    must(chat_turn_append(&store, &b, &turn, 1, "key-1", now_ms++, mem, &err));
    assert_int_equal(list_messages(&s, got), 1);
    assert_int_equal(list_messages(&b, got), 1);
}

static void test_a_replaced_conversation_shows_only_what_is_new(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "a"), stale;
    struct chat_message got[CHAT_PAGE_MAX], turn = {.content = TEXT("?")};
    struct chat_message fresh[] = {
        {.content = TEXT("x")}, {.role = CHAT_ASSISTANT, .content = TEXT("y")}, {.content = TEXT("z")}};
    append(&s, "1", "2");
    append(&s, "3", "4");
    stale = s;
    must(chat_replace(&store, &s, fresh, 3, now_ms++, mem, &err));
    assert_int_equal(list_messages(&s, got), 3);
    assert_text(got[1].content, "y");
    s = find(USER, s.id);
    assert_int_equal(s.message_count, 3);
    assert_int_equal(list_messages(&s, got), 3);
    assert_int_equal(list_messages(&stale, got), 0);
    assert_false(chat_turn_append(&store, &stale, &turn, 1, NULL, now_ms++, mem, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_false(chat_replace(&store, &stale, fresh, 1, now_ms++, mem, &err));
    assert_int_equal(err.code, ERR_CONFLICT);
    err_clear(&err);
    append(&s, "5", "6");
    assert_int_equal(list_messages(&s, got), 5);
    assert_text(got[4].content, "6");
    must(chat_replace(&store, &s, fresh, 0, now_ms++, mem, &err));
    assert_int_equal(list_messages(&s, got), 0);
}

static void test_a_long_conversation_is_replaced_whole(void **state)
{
    (void)state;
    struct chat_session s = create(USER, "a");
    struct chat_message *fresh = calloc(CHAT_REPLACE_MAX, sizeof(*fresh)), page[CHAT_PAGE_MAX];
    struct text next = TEXT_NONE;
    size_t n, seen = 0;
    for (size_t i = 0; i < CHAT_REPLACE_MAX; i++)
        fresh[i].content = TEXT("x");
    must(chat_replace(&store, &s, fresh, CHAT_REPLACE_MAX, now_ms++, mem, &err));
    do {
        must(chat_message_list(&store, &s, next, CHAT_PAGE_MAX, mem, page, &n, &next, &err));
        for (size_t i = 0; i < n; i++)
            assert_string_equal(page[i].id, fresh[seen++].id);
    } while (next.p);
    assert_int_equal(seen, CHAT_REPLACE_MAX);
    free(fresh);
}

/* ---- cost ---- */

static void add_others(void)
{
    static char ids[OTHERS][UUID_TEXT_MAX], keys[OTHERS][CHAT_KEY_MAX];
    static struct dynamodb_attr attrs[OTHERS][4];
    static struct dynamodb_write writes[2 * OTHERS];
    for (size_t i = 0; i < OTHERS; i++) {
        uuid7(now_ms, ids[i]);
        snprintf(keys[i], sizeof(keys[i]), "%s#0", ids[i]);
        attrs[i][0] = (struct dynamodb_attr)DYNAMODB_N("user_id", (int64_t)(100000 + i % 500));
        attrs[i][1] = (struct dynamodb_attr)DYNAMODB_N("updated_at", now_ms);
        attrs[i][2] = (struct dynamodb_attr)DYNAMODB_N("expires_at", now_ms / 1000 + 3600);
        attrs[i][3] = (struct dynamodb_attr)DYNAMODB_S("session_id", text_of(keys[i]));
        writes[i] =
            (struct dynamodb_write){.table = CHAT_SESSIONS, .id = text_of(ids[i]), .item = attrs[i], .item_count = 3};
        writes[OTHERS + i] =
            (struct dynamodb_write){.table = CHAT_MESSAGES, .id = text_of(ids[i]), .item = attrs[i], .item_count = 4};
    }
    must(dynamodb_write_many(store.db, writes, ARRAY_LEN(writes), &err));
}

static int64_t cost_of_lists(int64_t user, const struct chat_session *s)
{
    struct chat_session sessions[CHAT_PAGE_MAX];
    struct chat_message messages[CHAT_PAGE_MAX];
    int64_t before = dynamodb_looked_at(store.db);
    assert_int_equal(list_sessions(user, sessions), 3);
    assert_int_equal(list_messages(s, messages), 4);
    return dynamodb_looked_at(store.db) - before;
}

static void test_lists_cost_the_same_beside_ten_thousand_items_of_others(void **state)
{
    (void)state;
    int64_t user = new_user();
    struct chat_session s = create(user, "a");
    create(user, "b");
    create(user, "c");
    append(&s, "1", "2");
    append(&s, "3", "4");
    assert_int_equal(cost_of_lists(user, &s), 3 + 4);
    add_others();
    assert_int_equal(cost_of_lists(user, &s), 3 + 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_session_is_found_by_its_owner_only),
        TEST(test_sessions_are_listed_by_their_last_change),
        TEST(test_pages_of_sessions_join_to_the_whole_list),
        TEST(test_a_cursor_is_of_its_user_and_its_list),
        TEST(test_a_deleted_session_is_gone_with_its_messages),
        TEST(test_a_deletion_that_stopped_half_way_is_ended_by_the_next),
        TEST(test_what_is_expired_is_not_seen),
        TEST(test_messages_come_oldest_first_with_their_roles),
        TEST(test_pages_of_messages_join_to_the_whole),
        TEST(test_a_session_knows_its_newest_messages),
        TEST(test_a_token_appends_once),
        TEST(test_a_replaced_conversation_shows_only_what_is_new),
        TEST(test_a_long_conversation_is_replaced_whole),
        TEST(test_lists_cost_the_same_beside_ten_thousand_items_of_others),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
