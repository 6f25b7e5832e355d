#include "check.h"

#include "base/json.h"
#include "random.h"

struct out {
    struct buf buf;
    struct json_out j;
};

static void out_init(struct out *o)
{
    buf_init(&o->buf, 1 << 20);
    json_out_init(&o->j, &o->buf);
}

static void test_commas_stand_between_values_only(void **state)
{
    (void)state;
    struct out o;
    out_init(&o);
    json_begin_array(&o.j);
    json_begin_object(&o.j);
    json_end_object(&o.j);
    json_begin_object(&o.j);
    json_put_int(&o.j, "a", 1);
    json_key(&o.j, "b");
    json_begin_array(&o.j);
    json_int(&o.j, -2);
    json_bool(&o.j, true);
    json_null(&o.j);
    json_begin_array(&o.j);
    json_end_array(&o.j);
    json_end_array(&o.j);
    json_put_bool(&o.j, "c", false);
    json_end_object(&o.j);
    json_raw(&o.j, TEXT("{\"raw\":1}"));
    json_end_array(&o.j);
    assert_text(buf_view(&o.buf), "[{},{\"a\":1,\"b\":[-2,true,null,[]],\"c\":false},{\"raw\":1}]");
    buf_release(&o.buf);
}

static void test_each_kind_of_value_has_the_contracts_form(void **state)
{
    (void)state;
    const struct currency *vnd = currency_find(TEXT("VND")), *usd = currency_find(TEXT("USD"));
    struct out o;
    out_init(&o);
    json_begin_object(&o.j);
    json_put_id(&o.j, "id", 7);
    json_put_id(&o.j, "none", 0);
    json_put_text(&o.j, "text", TEXT("Ăn trưa"));
    json_put_text(&o.j, "noText", TEXT_NONE);
    json_put_str(&o.j, "str", "s");
    json_put_str(&o.j, "noStr", NULL);
    json_put_money(&o.j, "dong", 150000, vnd);
    json_put_money(&o.j, "cents", -1250, usd);
    json_put_percent(&o.j, "percent", 1250);
    json_put_date(&o.j, "date", 20260328);
    json_put_date(&o.j, "noDate", 0);
    json_put_month(&o.j, "month", 202603);
    json_put_month(&o.j, "noMonth", 0);
    json_put_instant(&o.j, "at", 1774664130123);
    json_put_instant(&o.j, "noAt", 0);
    json_put_null(&o.j, "null");
    json_end_object(&o.j);
    assert_text(buf_view(&o.buf),
                "{\"id\":7,\"none\":null,\"text\":\"Ăn trưa\",\"noText\":null,\"str\":\"s\",\"noStr\":null,"
                "\"dong\":150000,\"cents\":-12.50,\"percent\":12.5,\"date\":\"2026-03-28\",\"noDate\":null,"
                "\"month\":\"2026-03\",\"noMonth\":null,\"at\":\"2026-03-28T02:15:30.123Z\",\"noAt\":null,"
                "\"null\":null}");
    buf_release(&o.buf);
}

static void test_texts_are_escaped(void **state)
{
    (void)state;
    struct out o;
    out_init(&o);
    json_text(&o.j, TEXT("\"\\/\b\f\n\r\t\x01\x1F\x7F\0🍜"));
    assert_text(buf_view(&o.buf), "\"\\\"\\\\/\\u0008\\u000c\\n\\r\\t\\u0001\\u001f\\u007f\\u0000🍜\"");
    buf_reset(&o.buf);
    json_out_init(&o.j, &o.buf);
    json_text(&o.j, TEXT(""));
    assert_text(buf_view(&o.buf), "\"\"");
    buf_release(&o.buf);
}

static void test_bytes_that_are_not_utf8_become_the_replacement_character(void **state)
{
    (void)state;
    struct out o;
    out_init(&o);
    json_text(&o.j, TEXT("a\xFF"
                         "b\xE1\xBA"));
    assert_text(buf_view(&o.buf), "\"a\\ufffdb\\ufffd\\ufffd\"");
    buf_release(&o.buf);
}

static void test_any_text_comes_back_from_its_json(void **state)
{
    (void)state;
    struct random r = random_seeded(7);
    static const char *const PIECES[] = {"a", "\"", "\\", "ế", "🍜", "\n", "\x01", "/", "u0041", " "};
    for (int round = 0; round < 3000; round++) {
        struct buf plain;
        struct out o;
        struct err err = {0};
        buf_init(&plain, 1000);
        out_init(&o);
        for (int64_t n = random_up_to(&r, 30); n > 0; n--)
            buf_str(&plain, PIECES[random_up_to(&r, ARRAY_LEN(PIECES))]);
        if (round % 3 == 0)
            buf_char(&plain, '\0');
        json_text(&o.j, buf_view(&plain));
        struct json_doc *doc = json_parse(buf_view(&o.buf), &err);
        assert_non_null(doc);
        assert_true(text_eq(json_as_text(json_root(doc)), buf_view(&plain)));
        json_doc_free(doc);
        buf_release(&plain);
        buf_release(&o.buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commas_stand_between_values_only),
        cmocka_unit_test(test_each_kind_of_value_has_the_contracts_form),
        cmocka_unit_test(test_texts_are_escaped),
        cmocka_unit_test(test_bytes_that_are_not_utf8_become_the_replacement_character),
        cmocka_unit_test(test_any_text_comes_back_from_its_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
