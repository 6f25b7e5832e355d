#include "check.h"

#include "base/fields.h"

struct item {
    int64_t jar_id;
    int64_t amount;
};

static const struct field ITEM_FIELDS[] = {
    FIELD_ID("jarId", struct item, jar_id, FF_REQUIRED),
    FIELD_MONEY("amount", struct item, amount, FF_REQUIRED, 1),
    FIELD_END,
};

struct body {
    struct text name, note, email, color, password;
    int64_t category_id, jar_id, amount, start, count, kind;
    int32_t percent, date, month;
    bool all, has_note;
    struct field_list items;
    struct field_ids ids;
};

static const char *const KINDS[] = {"income", "expense", NULL};

static const struct field FIELDS[] = {
    FIELD_TEXT("name", struct body, name, FF_REQUIRED, 1, 5),
    {.name = "note",
     .kind = FK_TEXT,
     .flags = FF_MULTILINE,
     .offset = offsetof(struct body, note),
     .given_offset = offsetof(struct body, has_note),
     .max = 10},
    FIELD_TEXT("password", struct body, password, FF_RAW, 8, 128),
    FIELD_EMAIL("email", struct body, email, 0),
    FIELD_COLOR("color", struct body, color, 0),
    FIELD_ID("categoryId", struct body, category_id, 0),
    FIELD_ID("jarId", struct body, jar_id, FF_ZERO_IS_NULL),
    FIELD_MONEY("amount", struct body, amount, 0, 1),
    FIELD_MONEY("start", struct body, start, FF_NOT_NULL, 0),
    FIELD_INT("count", struct body, count, 0, 1, 12),
    FIELD_CHOICE("type", struct body, kind, 0, KINDS),
    FIELD_PERCENT("percent", struct body, percent, 0, 0, 10000),
    FIELD_DATE("date", struct body, date, 0),
    FIELD_MONTH("month", struct body, month, 0),
    FIELD_BOOL("all", struct body, all, 0),
    FIELD_LIST("items", struct body, items, 0, ITEM_FIELDS, struct item, 1, 3),
    FIELD_IDS("ids", struct body, ids, 0, 1, 3),
    FIELD_END,
};

/* One reading: its target, its error and the memory of both. */
struct reading {
    struct body body;
    struct err err;
    struct arena *mem;
    struct field_ctx ctx;
    bool ok;
};

static void start(struct reading *r, const char *currency)
{
    memset(r, 0, sizeof(*r));
    r->mem = arena_new(4096, 1 << 20);
    r->ctx = (struct field_ctx){.mem = r->mem, .currency = currency_find(text_of(currency))};
}

static void read_json_text(struct reading *r, const char *json)
{
    struct err err = {0};
    struct json_doc *doc = json_parse(text_of(json), &err);
    if (!doc)
        fail_msg("%s: %s", json, err.detail);
    r->ok = fields_read_json(FIELDS, json_root(doc), &r->body, &r->ctx, &r->err);
    json_doc_free(doc); /* before the target is looked at: texts must be copies */
}

static void read_body(struct reading *r, const char *json)
{
    start(r, "VND");
    read_json_text(r, json);
}

static void end(struct reading *r)
{
    arena_free(r->mem);
}

static const char *fault_of(const struct err *err, const char *name)
{
    for (size_t i = 0; i < err->field_count; i++)
        if (strcmp(err->fields[i].name, name) == 0)
            return err->fields[i].text;
    return NULL;
}

static void test_a_whole_body_is_read(void **state)
{
    (void)state;
    struct reading r;
    read_body(
        &r,
        "{\"name\":\" Ăn trưa\\t\",\"note\":\"a\\nb\",\"password\":\" mật khẩu \",\"email\":\" Ten@Mail.VN \",\"color\":\"#aB12cd\","
        "\"categoryId\":7,\"jarId\":8,\"amount\":150000,\"start\":0,\"count\":3,\"type\":\"expense\",\"percent\":9.899999999,"
        "\"date\":\"2026-03-28\",\"month\":\"2026-03\",\"all\":true,\"items\":[{\"jarId\":1,\"amount\":2},{\"jarId\":3,\"amount\":\"4\"}],"
        "\"ids\":[5,\"6\"],\"splitExpense\":false}");
    assert_false(r.ok); /* the name has seven characters */
    assert_int_equal(r.err.field_count, 1);
    assert_string_equal(fault_of(&r.err, "name"), "Tối đa 5 ký tự");
    assert_true(r.body.has_note);
    assert_text(r.body.note, "a\nb");
    assert_text(r.body.password, " mật khẩu ");
    assert_text(r.body.email, "ten@mail.vn");
    assert_text(r.body.color, "#aB12cd");
    assert_int_equal(r.body.category_id, 7);
    assert_int_equal(r.body.jar_id, 8);
    assert_int_equal(r.body.amount, 150000);
    assert_int_equal(r.body.count, 3);
    assert_int_equal(r.body.kind, 1);
    assert_int_equal(r.body.percent, 990);
    assert_int_equal(r.body.date, 20260328);
    assert_int_equal(r.body.month, 202603);
    assert_true(r.body.all);
    assert_int_equal(r.body.items.count, 2);
    assert_int_equal(((struct item *)r.body.items.items)[1].amount, 4);
    assert_int_equal(r.body.ids.count, 2);
    assert_int_equal(r.body.ids.ids[1], 6);
    end(&r);
}

static void test_success_leaves_the_error_untouched(void **state)
{
    (void)state;
    struct reading r;
    read_body(&r, "{\"name\":\"Ví\"}");
    assert_true(r.ok);
    assert_int_equal(r.err.code, ERR_NONE);
    assert_text(r.body.name, "Ví");
    assert_null(r.body.note.p);
    assert_false(r.body.has_note);
    assert_false(r.body.items.given);
    end(&r);
}

static void test_all_faults_are_told_together(void **state)
{
    (void)state;
    struct reading r;
    read_body(
        &r,
        "{\"note\":\"12345678901\",\"amount\":0,\"count\":13,\"date\":\"2026-02-30\",\"items\":[{\"jarId\":\"x\"},5]}");
    assert_false(r.ok);
    assert_int_equal(r.err.code, ERR_VALIDATION);
    assert_string_equal(fault_of(&r.err, "name"), "Không được để trống");
    assert_string_equal(fault_of(&r.err, "note"), "Tối đa 10 ký tự");
    assert_string_equal(fault_of(&r.err, "amount"), "Phải lớn hơn 0");
    assert_string_equal(fault_of(&r.err, "count"), "Phải từ 1 đến 12");
    assert_string_equal(fault_of(&r.err, "date"), "Ngày không hợp lệ");
    assert_string_equal(fault_of(&r.err, "items[0].jarId"), "Mã số không hợp lệ");
    assert_string_equal(fault_of(&r.err, "items[0].amount"), "Không được để trống");
    assert_string_equal(fault_of(&r.err, "items[1]"), "Phải là một đối tượng");
    assert_int_equal(r.err.field_count, 8);
    end(&r);
}

/* One value for one field: the fault's text, or NULL when it is read. */
struct value_case {
    const char *field, *json, *fault;
};

static void check_values(const char *currency, const struct value_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char json[400];
        struct reading r;
        bool is_name = strcmp(cases[i].field, "name") == 0;
        snprintf(json, sizeof(json), "{\"%s\":%s%s}", cases[i].field, cases[i].json, is_name ? "" : ",\"name\":\"x\"");
        start(&r, currency);
        read_json_text(&r, json);
        const char *fault = r.ok ? NULL : fault_of(&r.err, cases[i].field);
        if (r.ok != !cases[i].fault || (fault && strcmp(fault, cases[i].fault) != 0))
            fail_msg("%s: %s", json, fault ? fault : "no fault");
        end(&r);
    }
}

static void test_each_kind_refuses_what_it_cannot_be(void **state)
{
    (void)state;
    static const struct value_case CASES[] = {
        {"name", "\"\"", "Không được để trống"},
        {"name", "\"  \\u3000\"", "Không được để trống"},
        {"name", "null", "Không được để trống"},
        {"name", "5", "Phải là văn bản"},
        {"name", "true", "Phải là văn bản"},
        {"name", "[\"a\"]", "Phải là văn bản"},
        {"name", "\"a\\u0000b\"", "Không được chứa ký tự điều khiển"},
        {"name", "\"a\\nb\"", "Không được chứa ký tự điều khiển"},
        {"name", "\"a\\u0085b\"", "Không được chứa ký tự điều khiển"},
        {"name", "\"🍜🍜🍜🍜🍜\"", NULL},
        {"name", "\"🍜🍜🍜🍜🍜🍜\"", "Tối đa 5 ký tự"},
        {"note", "\"a\\tb\\r\\n\"", NULL},
        {"note", "\"a\\u001bb\"", "Không được chứa ký tự điều khiển"},
        {"note", "\"\"", NULL},
        {"password", "\"1234567\"", "Tối thiểu 8 ký tự"},
        {"password", "\"        \"", NULL},
        {"email", "\"a@b\"", "Địa chỉ email không hợp lệ"},
        {"email", "7", "Phải là văn bản"},
        {"color", "\"red\"", "Màu phải có dạng #RRGGBB"},
        {"color", "\"#12345g\"", "Màu phải có dạng #RRGGBB"},
        {"categoryId", "\"7\"", NULL},
        {"categoryId", "-5", NULL},
        {"categoryId", "123456789012345678901234567890", NULL},
        {"categoryId", "\"abc\"", "Mã số không hợp lệ"},
        {"categoryId", "1.5", "Mã số không hợp lệ"},
        {"categoryId", "true", "Mã số không hợp lệ"},
        {"categoryId", "{}", "Mã số không hợp lệ"},
        {"count", "\"03\"", NULL},
        {"count", "0", "Phải từ 1 đến 12"},
        {"count", "123456789012345678901234567890", "Phải từ 1 đến 12"},
        {"count", "1.0", "Phải là số nguyên"},
        {"count", "false", "Phải là số nguyên"},
        {"type", "\"income\"", NULL},
        {"type", "\"Income\"", "Phải là một trong các giá trị: income, expense"},
        {"type", "1", "Phải là một trong các giá trị: income, expense"},
        {"percent", "100", NULL},
        {"percent", "\"12.5\"", NULL},
        {"percent", "5.551115123125783e-17", NULL},
        {"percent", "100.01", "Phải từ 0 đến 100"},
        {"percent", "-1", "Phải từ 0 đến 100"},
        {"percent", "123456789012345678901234567890", "Phải từ 0 đến 100"},
        {"percent", "\"x\"", "Phải là số phần trăm hợp lệ"},
        {"percent", "[]", "Phải là số phần trăm hợp lệ"},
        {"date", "\"2026-13-01\"", "Ngày không hợp lệ"},
        {"date", "20260301", "Ngày không hợp lệ"},
        {"month", "\"2026-13\"", "Tháng không hợp lệ"},
        {"all", "\"true\"", "Phải là true hoặc false"},
        {"all", "1", "Phải là true hoặc false"},
        {"items", "{}", "Phải là một danh sách"},
        {"items", "[]", "Cần từ 1 đến 3 mục"},
        {"ids", "\"1,2\"", "Phải là một danh sách"},
        {"ids", "[1,2,3,4]", "Cần từ 1 đến 3 mục"},
        {"start", "null", "Không được để trống"},
        {"start", "\"\"", "Không được để trống"},
    };
    check_values("VND", CASES, ARRAY_LEN(CASES));
}

static void test_amounts_follow_the_contract(void **state)
{
    (void)state;
    static const struct value_case DONG[] = {
        {"amount", "1", NULL},
        {"amount", "\"150000\"", NULL},
        {"amount", "\" 150000 \"", NULL},
        {"amount", "1.0", NULL},
        {"amount", "9999999999999", NULL},
        {"amount", "null", NULL},
        {"amount", "\"\"", NULL},
        {"amount", "0", "Phải lớn hơn 0"},
        {"amount", "-0", "Phải lớn hơn 0"},
        {"amount", "-5", "Phải lớn hơn 0"},
        {"amount", "-123456789012345678901234567890", "Phải lớn hơn 0"},
        {"amount", "10000000000000", "Không được lớn hơn 9999999999999"},
        {"amount", "123456789012345678901234567890", "Không được lớn hơn 9999999999999"},
        {"amount", "1500.5", "Số tiền không được có phần lẻ"},
        {"amount", "1e5", "Phải là số tiền hợp lệ"},
        {"amount", "\"1e5\"", "Phải là số tiền hợp lệ"},
        {"amount", "\"NaN\"", "Phải là số tiền hợp lệ"},
        {"amount", "\"1.500.000\"", "Phải là số tiền hợp lệ"},
        {"amount", "true", "Phải là số tiền hợp lệ"},
        {"amount", "[1]", "Phải là số tiền hợp lệ"},
        {"start", "0", NULL},
        {"start", "-1", "Không được nhỏ hơn 0"},
    };
    static const struct value_case CENTS[] = {
        {"amount", "0.01", NULL},
        {"amount", "12.5", NULL},
        {"amount", "0.001", "Số tiền chỉ được có tối đa 2 chữ số thập phân"},
        {"amount", "9999999999999.99", NULL},
        {"amount", "10000000000000", "Không được lớn hơn 9999999999999.99"},
    };
    check_values("VND", DONG, ARRAY_LEN(DONG));
    check_values("USD", CENTS, ARRAY_LEN(CENTS));
}

static void test_ids_that_cannot_exist_are_not_taken_for_none(void **state)
{
    (void)state;
    struct reading r;
    read_body(&r, "{\"name\":\"x\",\"categoryId\":0,\"jarId\":0,\"ids\":[0]}");
    assert_true(r.ok);
    assert_int_equal(r.body.category_id, -1);
    assert_int_equal(r.body.jar_id, 0); /* this row says that 0 is none */
    assert_int_equal(r.body.ids.ids[0], -1);
    end(&r);
}

static void test_null_resets_and_absence_keeps_the_default(void **state)
{
    (void)state;
    struct reading r;
    start(&r, "VND");
    r.body.note = TEXT("default");
    r.body.date = 20260101;
    r.body.amount = 5;
    r.body.kind = 1;
    r.body.all = true;
    read_json_text(&r, "{\"name\":\"x\",\"note\":null,\"date\":\"\",\"type\":null}");
    assert_true(r.ok);
    assert_null(r.body.note.p);
    assert_true(r.body.has_note);
    assert_int_equal(r.body.date, 0);
    assert_int_equal(r.body.amount, 5);
    assert_int_equal(r.body.kind, 1);
    assert_true(r.body.all);
    end(&r);
}

static void test_an_empty_text_is_kept_where_the_row_says_so(void **state)
{
    (void)state;
    static const struct field ROWS[] = {FIELD_TEXT("picture", struct body, note, FF_EMPTY_OK, 1, 10), FIELD_END};
    struct reading r;
    start(&r, "VND");
    struct json_doc *doc = json_parse(TEXT("{\"picture\":\"\"}"), &r.err);
    assert_non_null(doc);
    assert_true(fields_read_json(ROWS, json_root(doc), &r.body, &r.ctx, &r.err));
    assert_text(r.body.note, "");
    json_doc_free(doc);
    end(&r);
}

static void test_unknown_fields_are_refused_only_when_asked(void **state)
{
    (void)state;
    struct reading r;
    read_body(&r, "{\"name\":\"x\",\"bogus\":1}");
    assert_true(r.ok);
    end(&r);
    start(&r, "VND");
    r.ctx.refuse_unknown = true;
    read_json_text(&r, "{\"name\":\"x\",\"bogus\":1,\"items\":[{\"jarId\":1,\"amount\":1,\"more\":2}]}");
    assert_false(r.ok);
    assert_int_equal(r.err.field_count, 2);
    assert_string_equal(fault_of(&r.err, "bogus"), "Trường này không được hỗ trợ");
    assert_non_null(fault_of(&r.err, "items[0].more"));
    end(&r);
}

static void test_a_body_that_is_no_object_has_no_fields(void **state)
{
    (void)state;
    static const char *const BODIES[] = {"[]", "null", "5", "\"a\""};
    for (size_t i = 0; i < ARRAY_LEN(BODIES); i++) {
        struct reading r;
        read_body(&r, BODIES[i]);
        assert_false(r.ok);
        assert_int_equal(r.err.code, ERR_VALIDATION);
        assert_int_equal(r.err.field_count, 0);
        end(&r);
    }
}

static bool read_list_body(struct reading *r, const char *json, struct field_list *list)
{
    start(r, "VND");
    struct json_doc *doc = json_parse(text_of(json), &r->err);
    assert_non_null(doc);
    r->ok = fields_read_json_list(ITEM_FIELDS, sizeof(struct item), json_root(doc), 1, 2, list, &r->ctx, &r->err);
    json_doc_free(doc);
    return r->ok;
}

static void test_a_bare_array_names_its_elements(void **state)
{
    (void)state;
    struct reading r;
    struct field_list list = {0};
    assert_true(read_list_body(&r, "[{\"jarId\":1,\"amount\":5},{\"jarId\":2,\"amount\":6}]", &list));
    assert_int_equal(list.count, 2);
    assert_int_equal(((struct item *)list.items)[1].jar_id, 2);
    end(&r);
    assert_false(read_list_body(&r, "[{\"jarId\":1,\"amount\":5},{\"jarId\":2}]", &list));
    assert_string_equal(fault_of(&r.err, "[1].amount"), "Không được để trống");
    end(&r);
    static const char *const BAD[] = {"[]", "[1]", "{}", "[{\"jarId\":1,\"amount\":5},{},{}]"};
    for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
        assert_false(read_list_body(&r, BAD[i], &list));
        assert_int_equal(r.err.code, ERR_VALIDATION);
        end(&r);
    }
}

static void read_query(struct reading *r, struct text query)
{
    start(r, "VND");
    r->ok = fields_read_query(FIELDS, query, &r->body, &r->ctx, &r->err);
}

static void test_a_query_is_decoded(void **state)
{
    (void)state;
    struct reading r;
    read_query(&r,
               TEXT("&name=%C4%82n+%31&count=03&all=true&amount=&date=2026-03-28&n%6fte=a%0Ab&name=second&x&=y&month"));
    assert_true(r.ok);
    assert_text(r.body.name, "Ăn 1");
    assert_int_equal(r.body.count, 3);
    assert_true(r.body.all);
    assert_int_equal(r.body.amount, 0);
    assert_int_equal(r.body.date, 20260328);
    assert_text(r.body.note, "a\nb");
    assert_int_equal(r.body.month, 0);
    end(&r);
}

static void test_faults_in_a_query_are_told_like_those_of_a_body(void **state)
{
    (void)state;
    struct reading r;
    read_query(&r, TEXT("count=x&all=yes&note=%ZZ&password=%FF%FE+++++++&ids=1&categoryId=%00"));
    assert_false(r.ok);
    assert_string_equal(fault_of(&r.err, "name"), "Không được để trống");
    assert_string_equal(fault_of(&r.err, "count"), "Phải là số nguyên");
    assert_string_equal(fault_of(&r.err, "all"), "Phải là true hoặc false");
    assert_string_equal(fault_of(&r.err, "note"), "Giá trị không hợp lệ");
    assert_string_equal(fault_of(&r.err, "password"), "Văn bản không đúng mã UTF-8");
    assert_string_equal(fault_of(&r.err, "ids"), "Giá trị không hợp lệ");
    assert_string_equal(fault_of(&r.err, "categoryId"), "Mã số không hợp lệ");
    end(&r);
}

static void test_broken_escapes_are_not_read_beyond_the_end(void **state)
{
    (void)state;
    static const struct text QUERIES[] = {{"name=%", 6}, {"name=%4", 7}, {"%=1", 3}, {"%4=1", 4},
                                          {"=", 1},      {"&&", 2},      {"", 0},    {NULL, 0}};
    for (size_t i = 0; i < ARRAY_LEN(QUERIES); i++) {
        struct reading r;
        read_query(&r, QUERIES[i]);
        assert_false(r.ok);
        assert_non_null(fault_of(&r.err, "name"));
        end(&r);
    }
}

static void test_unknown_names_in_a_query_are_refused_when_asked(void **state)
{
    (void)state;
    struct reading r;
    start(&r, "VND");
    r.ctx.refuse_unknown = true;
    assert_false(fields_read_query(FIELDS, TEXT("name=x&bogus=1&%FF=2"), &r.body, &r.ctx, &r.err));
    assert_int_equal(r.err.field_count, 2);
    assert_non_null(fault_of(&r.err, "bogus"));
    assert_non_null(fault_of(&r.err, "?"));
    end(&r);
}

static void test_every_failed_allocation_is_told(void **state)
{
    (void)state;
    static const char JSON[] =
        "{\"name\":\"x\",\"note\":\"a\",\"email\":\"a@b.vn\",\"ids\":[1],\"items\":[{\"jarId\":1,\"amount\":1}]}";
    for (long n = 0;; n++) {
        struct reading r;
        start(&r, "VND");
        arena_fail_after(r.mem, n);
        read_json_text(&r, JSON);
        bool done = r.ok;
        if (!done)
            assert_int_equal(r.err.code, ERR_NO_MEMORY);
        end(&r);
        if (done) {
            assert_true(n >= 5);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_whole_body_is_read),
        cmocka_unit_test(test_success_leaves_the_error_untouched),
        cmocka_unit_test(test_all_faults_are_told_together),
        cmocka_unit_test(test_each_kind_refuses_what_it_cannot_be),
        cmocka_unit_test(test_amounts_follow_the_contract),
        cmocka_unit_test(test_ids_that_cannot_exist_are_not_taken_for_none),
        cmocka_unit_test(test_null_resets_and_absence_keeps_the_default),
        cmocka_unit_test(test_an_empty_text_is_kept_where_the_row_says_so),
        cmocka_unit_test(test_unknown_fields_are_refused_only_when_asked),
        cmocka_unit_test(test_a_body_that_is_no_object_has_no_fields),
        cmocka_unit_test(test_a_bare_array_names_its_elements),
        cmocka_unit_test(test_a_query_is_decoded),
        cmocka_unit_test(test_faults_in_a_query_are_told_like_those_of_a_body),
        cmocka_unit_test(test_broken_escapes_are_not_read_beyond_the_end),
        cmocka_unit_test(test_unknown_names_in_a_query_are_refused_when_asked),
        cmocka_unit_test(test_every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
