/* Links to files: good as they are and until their end, and in no other form. */
#include "check.h"

#include "base/attr.h"
#include "finance/file_link.h"

#define OLD_KEY "a:0123456789abcdef0123456789abcdef"
#define NEW_KEY "b:fedcba9876543210fedcba9876543210"
static const struct file_link LINK = {.household_id = 7, .document_id = 123456789, .expires_s = 1700000000};

static struct token_keys *keys_of(const char *spec)
{
    struct err err = {0};
    struct token_keys *keys = token_keys_parse(spec, &err);
    assert_non_null(keys);
    return keys;
}

static void make(const char *spec, char out[FILE_LINK_TEXT])
{
    struct err err = {0};
    struct token_keys *keys = keys_of(spec);
    assert_true(file_link_make(keys, &LINK, out, &err));
    token_keys_free(keys);
}

static bool reads(const char *spec, struct text key, int64_t now_s)
{
    struct err err = {0};
    struct file_link read = {0};
    struct token_keys *keys = keys_of(spec);
    bool ok = file_link_read(keys, key, now_s, &read, &err);
    token_keys_free(keys);
    if (!ok)
        assert_int_equal(err.code, ERR_NOT_FOUND);
    else
        assert_memory_equal(&read, &LINK, sizeof(read));
    return ok;
}

static void test_a_link_is_good_until_its_end(void **state)
{
    (void)state;
    char key[FILE_LINK_TEXT];
    make(OLD_KEY, key);
    assert_true(reads(OLD_KEY, text_of(key), LINK.expires_s - 1));
    assert_false(reads(OLD_KEY, text_of(key), LINK.expires_s));
}

static void test_a_link_that_was_altered_anywhere_is_none(void **state)
{
    (void)state;
    char key[FILE_LINK_TEXT];
    make(OLD_KEY, key);
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++) {
        char was = key[i];
        key[i] = was == 'A' ? 'B' : 'A';
        /* The last character has bits that belong to nothing; those must be zero. */
        assert_false(reads(OLD_KEY, text_of(key), 0));
        key[i] = was;
    }
    assert_false(reads(OLD_KEY, (struct text){key, n - 1}, 0));
    assert_false(reads(OLD_KEY, TEXT(""), 0));
    assert_false(reads(NEW_KEY, text_of(key), 0));
}

static void test_links_of_an_older_key_stay_good(void **state)
{
    (void)state;
    char key[FILE_LINK_TEXT];
    make(OLD_KEY, key);
    assert_true(reads(NEW_KEY "," OLD_KEY, text_of(key), 0));
}

static void test_an_address_has_one_slash(void **state)
{
    (void)state;
    struct arena *mem = arena_new(256, 4096);
    assert_string_equal(file_link_url(TEXT("https://a.example/"), "k", mem), "https://a.example/api/v1.0/files/k");
    assert_string_equal(file_link_url(TEXT("https://a.example"), "k", mem), "https://a.example/api/v1.0/files/k");
    arena_free(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_is_good_until_its_end),
        cmocka_unit_test(test_a_link_that_was_altered_anywhere_is_none),
        cmocka_unit_test(test_links_of_an_older_key_stay_good),
        cmocka_unit_test(test_an_address_has_one_slash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
