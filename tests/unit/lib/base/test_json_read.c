#include "check.h"

#include "base/json.h"
#include "random.h"

static struct json_doc *parse(const char *s)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(text_of(s), &err);
    if (!doc)
        fail_msg("%s: %s", s, err.detail);
    return doc;
}

static void refuse(struct text t)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(t, &err);
    if (doc)
        fail_msg("\"%.*s\" was read", TEXT_ARG(t));
    assert_int_equal(err.code, ERR_MALFORMED_JSON);
    assert_true(err.detail[0]);
}

static void test_what_is_not_json_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",           " ",          "{",         "}",           "[",
        "]",          "[1",         "[1,",       "[1,]",        "[,1]",
        "[1 2]",      "{\"a\"}",    "{\"a\":}",  "{\"a\":1,}",  "{\"a\":1 \"b\":2}",
        "{a:1}",      "{'a':1}",    "{1:2}",     "[1}",         "{]",
        "1 2",        "{} {}",      "{}x",       "[]]",         "nul",
        "nulll",      "tru",        "True",      "NULL",        "undefined",
        "NaN",        "[NaN]",      "-NaN",      "Infinity",    "-Infinity",
        "[Infinity]", "+1",         "01",        "-01",         "1.",
        ".5",         "-",          "-.5",       "1e",          "1e+",
        "1.e5",       "0x10",       "1_000",     "1,5",         "\"a",
        "\"a\\\"",    "\"\\x41\"",  "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"",
        "\"a\tb\"",   "/* c */ 1",  "// c\n1",   "1 // c",      "[1] #",
        "\f1",        "\v[]",       ":",         ",",           "\xEF\xBB\xBF{}",
        "{\"a\":1}}", "\"a\"\"b\"", "\\",        "'a'",         "{\"a\":1;}",
        "{,}",        "{\"a\"::1}", "[1::2]",    "{\"a\",1}",   "[\"a\":1]",
        "\"\x7F\" 1", "--1",        "1-1",       "true false",  "truefalse",
        "1e5.5",      "{\"a\" 1}",
    };
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++)
        refuse(text_of(BAD[i]));
    refuse(TEXT_NONE);
    refuse(TEXT("{}\0"));
    refuse(TEXT("\0"));
    refuse(TEXT("[1,\0 2]"));
    refuse(TEXT("\"a\0b\""));
}

static void test_text_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    refuse(TEXT("\"\xFF\""));
    refuse(TEXT("\"\xC0\x80\""));
    refuse(TEXT("\"\xED\xA0\x80\""));
    refuse(TEXT("\"\xE1\xBA\""));
}

static void test_nesting_has_a_limit(void **state)
{
    (void)state;
    char deep[2 * JSON_DEPTH_MAX + 3];
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(deep, '[', depth);
        memset(deep + depth, ']', depth);
        struct text t = {deep, 2 * depth};
        if (depth > JSON_DEPTH_MAX) {
            refuse(t);
        } else {
            struct err err = {0};
            struct json_doc *doc = json_parse(t, &err);
            assert_non_null(doc);
            json_doc_free(doc);
        }
    }
    static char tower[100000];
    memset(tower, '[', sizeof(tower));
    refuse((struct text){tower, sizeof(tower)});
    for (size_t i = 0; i + 5 < sizeof(tower); i += 5)
        memcpy(tower + i, "{\"a\":", 5);
    refuse((struct text){tower, sizeof(tower)});
}

static void test_any_value_may_be_the_root(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        enum json_kind kind;
    } CASES[] = {
        {"null", JSON_NULL},     {"true", JSON_BOOL},  {" false ", JSON_BOOL},    {"12", JSON_NUMBER},
        {"-1.5e3", JSON_NUMBER}, {"\"a\"", JSON_TEXT}, {"\t[ ]\r\n", JSON_ARRAY}, {"{}", JSON_OBJECT},
    };
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct json_doc *doc = parse(CASES[i].json);
        assert_int_equal(json_kind(json_root(doc)), CASES[i].kind);
        json_doc_free(doc);
    }
}

static void test_numbers_keep_the_text_they_came_as(void **state)
{
    (void)state;
    static const char *const NUMBERS[] = {
        "0",
        "1",
        "-1",
        "150000",
        "1.0",
        "1.50",
        "1e5",
        "1E+5",
        "1e400",
        "-1e-400",
        "0.1",
        "0.30000000000000004",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345678901234567890",
        "-123456789012345678901234567890",
        "0.1234567890123456789012345",
        "1234567890123456789.5",
        "-0.0",
        "12345678901234567890e5",
    };
    for (size_t i = 0; i < ARRAY_LEN(NUMBERS); i++) {
        char json[200];
        struct json_doc *doc = parse(NUMBERS[i]);
        assert_text(json_as_text(json_root(doc)), NUMBERS[i]);
        json_doc_free(doc);
        snprintf(json, sizeof(json), "{\"a\": [\"%s\",%s,%s]}", NUMBERS[i], NUMBERS[i], NUMBERS[i]);
        doc = parse(json);
        const struct json_node *list = NULL;
        assert_true(json_get(json_root(doc), "a", &list));
        for (size_t at = 0; at < 3; at++)
            assert_text(json_as_text(json_at(list, at)), NUMBERS[i]);
        json_doc_free(doc);
    }
}

static void test_long_integers_leave_texts_around_them_alone(void **state)
{
    (void)state;
    struct json_doc *doc =
        parse("{\"\\\"12345678901234567890\":12345678901234567890,\"b\":\"\\\\ 12345678901234567890\"}");
    const struct json_node *root = json_root(doc), *v = NULL;
    assert_true(json_get(root, "\"12345678901234567890", &v));
    assert_text(json_as_text(v), "12345678901234567890");
    assert_text(json_get_text(root, "b"), "\\ 12345678901234567890");
    json_doc_free(doc);
}

static void test_minus_zero_is_a_zero(void **state)
{
    (void)state;
    struct json_doc *doc = parse("-0");
    int64_t minor = 1;
    assert_int_equal(money_parse(json_as_text(json_root(doc)), currency_find(TEXT("VND")), &minor), MONEY_OK);
    assert_int_equal(minor, 0);
    json_doc_free(doc);
}

static void test_null_differs_from_absent(void **state)
{
    (void)state;
    struct json_doc *doc = parse("{\"a\":null}");
    const struct json_node *v = json_root(doc);
    assert_true(json_get(json_root(doc), "a", &v));
    assert_int_equal(json_kind(v), JSON_NULL);
    assert_false(json_get(json_root(doc), "b", &v));
    assert_false(json_get(NULL, "a", &v));
    json_doc_free(doc);
    doc = parse("[1]");
    assert_false(json_get(json_root(doc), "a", &v));
    json_doc_free(doc);
}

static void test_texts_come_with_their_true_length(void **state)
{
    (void)state;
    struct json_doc *doc = parse("[\"a\\u0000b\",\"\\u1ebf\",\"\\ud83c\\udf5c\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\"]");
    const struct json_node *root = json_root(doc);
    assert_true(text_eq(json_as_text(json_at(root, 0)), TEXT("a\0b")));
    assert_text(json_as_text(json_at(root, 1)), "ế");
    assert_text(json_as_text(json_at(root, 2)), "🍜");
    assert_text(json_as_text(json_at(root, 3)), "\"\\/\b\f\n\r\t");
    assert_text(json_as_text(json_at(root, 4)), "");
    json_doc_free(doc);
}

static void test_half_a_surrogate_pair_is_refused(void **state)
{
    (void)state;
    static const char *const CASES[] = {"\"\\ud83c\"",        "\"\\udf5c\"",        "\"\\ud83cx\"",
                                        "\"\\ud83c\\u0041\"", "\"\\ud83c\\ud83c\"", "\"\\uDF5C\\uD83C\"",
                                        "\"\\uDBFF\\uE000\"", "{\"\\ud83c\":1}",    "\"\\ud83c\\udf5\""};
    for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
        struct err err = {0};
        assert_null(json_parse(text_of(CASES[i]), &err));
        assert_int_equal(err.code, ERR_MALFORMED_JSON);
    }
}

static void test_members_are_listed_in_order(void **state)
{
    (void)state;
    struct json_doc *doc = parse("{\"b\":1,\"a\":null,\"c\":[true]}");
    struct text key;
    const struct json_node *v;
    const struct json_node *root = json_root(doc);
    static const char *const KEYS[] = {"b", "a", "c"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(json_member(root, i, &key, &v));
        assert_text(key, KEYS[i]);
    }
    assert_true(json_as_bool(json_at(v, 0)));
    assert_false(json_member(root, 3, &key, &v));
    assert_int_equal(json_count(root), 3);
    assert_int_equal(json_count(v), 1);
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_at(v, 1));
    assert_null(json_at(root, 0));
    json_doc_free(doc);
}

static void test_values_of_another_kind_give_the_default(void **state)
{
    (void)state;
    struct json_doc *doc = parse("{\"n\":7,\"s\":\"x\",\"f\":1.5,\"z\":null}");
    const struct json_node *root = json_root(doc);
    assert_int_equal(json_get_int(root, "n", -1), 7);
    assert_int_equal(json_get_int(root, "s", -1), -1);
    assert_int_equal(json_get_int(root, "f", -1), -1);
    assert_int_equal(json_get_int(root, "z", -1), -1);
    assert_int_equal(json_get_int(root, "none", -1), -1);
    assert_text(json_get_text(root, "s"), "x");
    assert_null(json_get_text(root, "n").p);
    assert_null(json_get_text(root, "none").p);
    assert_null(json_as_text(root).p);
    assert_false(json_as_bool(root));
    json_doc_free(doc);
    json_doc_free(NULL);
}

static void test_the_last_of_a_repeated_name_wins(void **state)
{
    (void)state;
    struct json_doc *doc = parse("{\"a\":1,\"a\":2}");
    assert_int_equal(json_get_int(json_root(doc), "a", -1), 2);
    assert_int_equal(json_count(json_root(doc)), 1);
    json_doc_free(doc);
}

/* Broken copies of a good text: whatever comes out, nothing is read beyond its end and nothing leaks. */
static void test_random_damage_is_survived(void **state)
{
    (void)state;
    static const char GOOD[] =
        "{\"name\":\"Ăn \\u1ebf\",\"amount\":12345678901234567890,\"list\":[1.5,true,null,{\"a\":[]}]}";
    struct random r = random_seeded(8);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof(GOOD) - 1];
        size_t n = 1 + (size_t)random_up_to(&r, sizeof(text));
        char *p = text + sizeof(text) - n;
        memcpy(p, GOOD, n);
        for (int64_t hits = random_up_to(&r, 4); hits > 0; hits--)
            p[random_up_to(&r, (int64_t)n)] = "{}[]\",:0e.-\\ntx \xE1"[random_up_to(&r, 18)];
        struct err err = {0};
        struct json_doc *doc = json_parse((struct text){p, n}, &err);
        assert_true(doc ? err.code == ERR_NONE : err.code == ERR_MALFORMED_JSON);
        json_doc_free(doc);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_json_is_refused),
        cmocka_unit_test(test_text_that_is_not_utf8_is_refused),
        cmocka_unit_test(test_nesting_has_a_limit),
        cmocka_unit_test(test_any_value_may_be_the_root),
        cmocka_unit_test(test_numbers_keep_the_text_they_came_as),
        cmocka_unit_test(test_long_integers_leave_texts_around_them_alone),
        cmocka_unit_test(test_minus_zero_is_a_zero),
        cmocka_unit_test(test_null_differs_from_absent),
        cmocka_unit_test(test_texts_come_with_their_true_length),
        cmocka_unit_test(test_half_a_surrogate_pair_is_refused),
        cmocka_unit_test(test_members_are_listed_in_order),
        cmocka_unit_test(test_values_of_another_kind_give_the_default),
        cmocka_unit_test(test_the_last_of_a_repeated_name_wins),
        cmocka_unit_test(test_random_damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
