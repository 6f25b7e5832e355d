#include "check.h"

#include "base/attr.h"
#include "database.h"
#include "store/document.h"

static const int64_t NOW = INT64_C(1790000000000);

enum { MINE = 7, OTHERS = 8, USER = 3 };

static struct server server;
static struct db_pool *pool;
static struct db *db;
static struct arena *mem;

static int start(void **state)
{
    struct err err = {0};
    (void)state;
    pool = database_start(&server, 2);
    db = db_take(pool, &err);
    mem = arena_new(65536, 4 * 1024 * 1024);
    return db && mem ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    db_give(db);
    arena_free(mem);
    db_pool_close(pool);
    server_remove(&server);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    database_run(pool, "DELETE FROM documents");
    return 0;
}

static void must(bool ok, const struct err *err)
{
    if (!ok)
        fail_msg("%s [%s]", err->detail, err->cause);
}

static struct document add(int64_t household, const char *public_key, int64_t at_ms)
{
    static char keys[64][DOCUMENT_OBJECT_KEY];
    static size_t used;
    char *key = keys[used++ % ARRAY_LEN(keys)];
    document_object_key(household, DOCUMENT_IMAGE, at_ms, key);
    struct document d = {.household_id = household,
                         .user_id = USER,
                         .kind = DOCUMENT_IMAGE,
                         .object_key = text_of(key),
                         .public_key = text_of(public_key),
                         .name = TEXT("ảnh.png"),
                         .content_type = TEXT("image/png"),
                         .size = 100};
    struct err err = {0};
    must(document_insert(db, &d, at_ms, &err), &err);
    return d;
}

static void store(const struct document *d)
{
    struct err err = {0};
    must(document_stored(db, d->household_id, d->id, 90, TEXT("image/png"), TEXT("ab"), NOW + 5, &err), &err);
}

static size_t keys_of(struct text key)
{
    struct err err = {0};
    struct text out[4];
    size_t count = 99;
    must(document_keys_between(db, key, key, 4, mem, out, &count, &err), &err);
    assert_true(!count || text_eq(out[0], key));
    return count;
}

static void test_an_object_lies_under_its_household(void **state)
{
    (void)state;
    char key[DOCUMENT_OBJECT_KEY], other[DOCUMENT_OBJECT_KEY];
    document_object_key(INT64_MAX, DOCUMENT_RECEIPT, NOW, key);
    document_object_key(INT64_MAX, DOCUMENT_RECEIPT, NOW, other);
    assert_memory_equal(key, "h/9223372036854775807/receipt/", strlen("h/9223372036854775807/receipt/"));
    assert_string_not_equal(key, other);
    char public_key[DOCUMENT_PUBLIC_KEY];
    document_public_key(public_key);
    assert_int_equal(strlen(public_key), 32);
}

static void test_a_row_goes_from_pending_to_stored_to_gone(void **state)
{
    (void)state;
    struct err err = {0};
    struct document d = add(MINE, NULL, NOW), found;
    must(document_find(db, MINE, d.id, mem, &found, &err), &err);
    assert_int_equal(found.state, DOCUMENT_PENDING);
    assert_int_equal(found.size, 100);
    assert_null(found.sha256.p);

    store(&d);
    assert_false(document_stored(db, MINE, d.id, 1, TEXT("x"), TEXT("y"), NOW, &err)); /* only once */
    assert_int_equal(err.code, ERR_NOT_FOUND);
    must(document_find(db, MINE, d.id, mem, &found, &err), &err);
    assert_int_equal(found.state, DOCUMENT_STORED);
    assert_int_equal(found.kind, DOCUMENT_IMAGE);
    assert_int_equal(found.size, 90);
    assert_int_equal(found.stored_at_ms, NOW + 5);
    assert_text(found.name, "ảnh.png");
    assert_text(found.sha256, "ab");
    assert_true(text_eq(found.object_key, d.object_key));

    must(document_deleting(db, MINE, d.id, NOW, &err), &err);
    assert_false(document_find(db, MINE, d.id, mem, &found, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_false(document_deleting(db, MINE, d.id, NOW, &err));
    assert_int_equal(keys_of(d.object_key), 1);
    must(document_remove(db, MINE, d.id, &err), &err);
    must(document_remove(db, MINE, d.id, &err), &err);
    assert_int_equal(keys_of(d.object_key), 0);
}

static void test_another_household_sees_and_changes_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct document d = add(MINE, NULL, NOW), found;
    assert_false(document_stored(db, OTHERS, d.id, 1, TEXT("x"), TEXT("y"), NOW, &err));
    store(&d);
    assert_false(document_find(db, OTHERS, d.id, mem, &found, &err));
    assert_false(document_attach(db, OTHERS, d.id, 1, &err));
    assert_false(document_deleting(db, OTHERS, d.id, NOW, &err));
    must(document_remove(db, OTHERS, d.id, &err), &err);
    struct document_list list;
    must(document_list(db, OTHERS, 0, 10, mem, &list, &err), &err);
    assert_int_equal(list.count, 0);
    must(document_list(db, MINE, 0, 10, mem, &list, &err), &err);
    assert_int_equal(list.count, 1);
    int64_t bytes = -1;
    must(document_bytes(db, OTHERS, &bytes, &err), &err);
    assert_int_equal(bytes, 0);
    must(document_bytes(db, MINE, &bytes, &err), &err);
    assert_int_equal(bytes, 90);
}

static void test_pages_go_from_the_newest_to_the_oldest(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t ids[5];
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        struct document d = add(MINE, NULL, NOW);
        store(&d);
        ids[i] = d.id;
    }
    add(MINE, NULL, NOW); /* pending: not shown */
    struct document_list page;
    must(document_list(db, MINE, 0, 2, mem, &page, &err), &err);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[0].id, ids[4]);
    must(document_list(db, MINE, page.items[1].id, 100, mem, &page, &err), &err);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.items[2].id, ids[0]);

    must(document_attach(db, MINE, ids[1], 55, &err), &err);
    must(document_list_of_transaction(db, MINE, 55, mem, &page, &err), &err);
    assert_int_equal(page.count, 1);
    assert_int_equal(page.items[0].transaction_id, 55);
    must(document_attach(db, MINE, ids[1], 0, &err), &err);
    must(document_list_of_transaction(db, MINE, 55, mem, &page, &err), &err);
    assert_int_equal(page.count, 0);
}

static void test_a_public_key_opens_stored_files_until_they_are_deleted(void **state)
{
    (void)state;
    struct err err = {0};
    struct document d = add(MINE, "0123456789abcdef0123456789abcdef", NOW), found;
    assert_false(document_find_public(db, d.public_key, mem, &found, &err));
    store(&d);
    must(document_find_public(db, d.public_key, mem, &found, &err), &err);
    assert_int_equal(found.id, d.id);
    assert_false(document_find_public(db, TEXT("0123456789ABCDEF0123456789ABCDEF0"), mem, &found, &err));
    must(document_deleting(db, MINE, d.id, NOW, &err), &err);
    assert_false(document_find_public(db, d.public_key, mem, &found, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void test_the_sweep_sees_all_households_oldest_first(void **state)
{
    (void)state;
    struct err err = {0};
    struct document late = add(MINE, NULL, NOW + 2), early = add(OTHERS, NULL, NOW), same = add(MINE, NULL, NOW),
                    young = add(MINE, NULL, NOW + 100);
    struct document_list page;
    must(document_list_state(db, DOCUMENT_PENDING, NOW + 50, 0, 0, mem, &page, &err), &err);
    assert_int_equal(page.count, 3);
    assert_int_equal(page.items[0].id, early.id);
    assert_int_equal(page.items[1].id, same.id);
    assert_int_equal(page.items[2].id, late.id);
    must(document_list_state(db, DOCUMENT_PENDING, NOW + 50, NOW, early.id, mem, &page, &err), &err);
    assert_int_equal(page.count, 2);
    assert_int_equal(page.items[0].id, same.id);
    store(&young);
    must(document_list_state(db, DOCUMENT_DELETING, NOW + 50, 0, 0, mem, &page, &err), &err);
    assert_int_equal(page.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object_lies_under_its_household),
        cmocka_unit_test_setup(test_a_row_goes_from_pending_to_stored_to_gone, fresh),
        cmocka_unit_test_setup(test_another_household_sees_and_changes_nothing, fresh),
        cmocka_unit_test_setup(test_pages_go_from_the_newest_to_the_oldest, fresh),
        cmocka_unit_test_setup(test_a_public_key_opens_stored_files_until_they_are_deleted, fresh),
        cmocka_unit_test_setup(test_the_sweep_sees_all_households_oldest_first, fresh),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
