"""Bad input gets a clear answer that names the field, and saves nothing; lenient input is read as the clients send it."""

from decimal import Decimal

import pytest

from harness.client import Raw
from harness.dates import day_in, today

MOST = 9_999_999_999_999

NO_AMOUNTS = {
    "zero": 0,
    "negative": -1,
    "below zero by a fraction": Raw("-0.5"),
    "too fine": Raw("1500.5"),
    "too fine as text": "0.01",
    "above the limit": MOST + 1,
    "far above": Raw("9" * 40),
    "far above as text": "9" * 400,
    "exponent": Raw("1e5"),
    "capital exponent": Raw("1E5"),
    "exponent as text": "1e5",
    "NaN as text": "NaN",
    "infinity as text": "Infinity",
    "leading garbage": "x15",
    "trailing garbage": "15x",
    "thousands separators": "1,000",
    "dotted thousands": "1.000.000",
    "hexadecimal": "0x10",
    "two signs": "--5",
    "only a sign": "-",
    "other digits": "１５",
    "empty": "",
    "null": None,
    "true": True,
    "list": [5],
    "object": {"amount": 5},
}

NO_DATES = [
    "2026-02-30",
    "2025-02-29",
    "2026-13-01",
    "2026-00-10",
    "2026-01-00",
    "2026-1-2",
    "20260102",
    "01/02/2026",
    "2026-01-02T00:00:00Z",
    "1969-12-31",
    "2101-01-01",
    "0000-01-01",
    "today",
    20260102,
    True,
    ["2026-01-02"],
    "2026-01-02 ",
    "２０２６-01-02",
]

NO_NAMES = {
    "missing": None,
    "empty": "",
    "blank": "  \t ",
    "too long": "x" * 256,
    "too long in many bytes": "ữ" * 256,
    "bell": "a\u0007b",
    "nul": "a\u0000b",
    "delete": "a\u007fb",
    "line break": "a\nb",
    "number list": [1],
    "object": {},
    "true": True,
}


@pytest.fixture(scope="module")
def world(users):
    """A user with one category of each type and a jar that holds 1,000."""
    user = users.take()
    jar = user.jar(target=100)["id"]
    user.income(1_000)
    other_jar = user.jar()["id"]
    income = user.get("/incomes").json[0]["id"]
    expense = user.expense(1, jarId=jar)["id"]
    return user, {
        "income": ("POST", "/incomes", {"name": "A", "categoryId": user.category_of("income"), "amount": 5}),
        "expense": ("POST", "/expenses", {"name": "A", "categoryId": user.category_of("expense"), "amount": 5}),
        "income change": ("PUT", f"/incomes/{income}", {"name": "A", "categoryId": user.category_of("income"), "amount": 5}),
        "expense change": ("PUT", f"/expenses/{expense}", {"name": "A", "categoryId": user.category_of("expense"), "amount": 5}),
        "transaction change": (
            "PUT",
            f"/transactions/{expense}",
            {"name": "A", "categoryId": user.category_of("expense"), "amount": 5},
        ),
        "transfer": ("POST", "/jars/transfer", {"fromJarId": jar, "toJarId": other_jar, "amount": 5}),
        "category": ("POST", "/categories", {"name": "A", "type": "income"}),
        "jar": ("POST", "/jars", {"name": "A", "targetPercentage": 1}),
    }


def state(user):
    return (
        user.balances(),
        user.unassigned(),
        [t["id"] for t in user.get("/transactions").json],
        [c["id"] for c in user.get("/categories").json],
    )


def refused(world, request, field, value):
    user, requests = world
    method, path, body = requests[request]
    before = state(user)
    user.invalid(method, path, {**body, field: value}, field)
    assert state(user) == before


# Amounts


@pytest.mark.parametrize("value", NO_AMOUNTS.values(), ids=NO_AMOUNTS.keys())
@pytest.mark.parametrize("request_name", ["income", "expense", "transfer"])
def test_what_is_no_amount_is_refused(world, request_name, value):
    refused(world, request_name, "amount", value)


@pytest.mark.parametrize("value", [0, -1, Raw("0.5"), MOST + 1, Raw("1e2"), "x"], ids=str)
@pytest.mark.parametrize("request_name", ["income change", "expense change", "transaction change"])
def test_changes_check_the_amount_too(world, request_name, value):
    refused(world, request_name, "amount", value)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "+5", "1_000", ".5", "5.", "0x10"])
def test_numbers_that_json_does_not_know_are_refused(world, text):
    user, requests = world
    method, path, body = requests["expense"]
    before = state(user)
    assert user.request(method, path, {**body, "amount": Raw(text)}).status in (400, 422)
    assert state(user) == before


@pytest.mark.parametrize(
    "sent, kept",
    [(1, 1), (MOST, MOST), ("150000", 150_000), (Raw("1500.00"), 1_500), ("1500.0", 1_500), ("007", 7), (str(MOST), MOST)],
    ids=str,
)
def test_amounts_are_read_and_written_exactly(user, sent, kept):
    expense = user.expense(sent)
    assert expense["amount"] == kept
    assert f'"amount":{kept},' in user.get("/expenses").text.replace(" ", "")


def test_large_amounts_keep_every_digit(user):
    jar = user.jar(target=100)
    user.income(MOST)
    user.income(MOST - 1)
    user.expense(1_234_567_890_123, jarId=jar["id"])
    assert user.balances() == {jar["id"]: 2 * MOST - 1 - 1_234_567_890_123}
    assert isinstance(user.jars()[jar["id"]]["currentBalance"], (int, Decimal))


# Dates


@pytest.mark.parametrize("value", NO_DATES, ids=str)
def test_what_is_no_date_is_refused(world, value):
    user, requests = world
    method, path, body = requests["expense"]
    if value == "2026-01-02 ":
        assert user.request(method, path, {**body, "date": value}).status in (201, 422)  # trimming is allowed
        return
    refused(world, "expense", "date", value)


@pytest.mark.parametrize("value", ["2024-02-29", "1970-01-01", "2100-12-31"])
def test_dates_at_the_borders_are_accepted(user, value):
    assert user.expense(1, date=value)["date"] == value
    assert user.income(1, date=value)["date"] == value


@pytest.mark.parametrize("value", [None, ""])
def test_no_date_is_today(user, value):
    assert user.expense(1, date=value)["date"] == today().isoformat()
    assert user.income(1, date=value)["date"] == today().isoformat()


# Names and other text


@pytest.mark.parametrize("value", NO_NAMES.values(), ids=NO_NAMES.keys())
@pytest.mark.parametrize("request_name", ["income", "expense", "category", "jar"])
def test_what_is_no_name_is_refused(world, request_name, value):
    refused(world, request_name, "name", value)


@pytest.mark.parametrize("name", ["\ud800", "a\udfffb"], ids=["high", "low"])
def test_half_a_surrogate_pair_is_refused(world, name):
    user, requests = world
    method, path, _ = requests["category"]
    escaped = name.encode("unicode-escape").decode().replace("\\U", "\\u")
    answer = user.request(method, path, data=f'{{"name": "{escaped}", "type": "income"}}'.encode("ascii"))
    assert answer.status in (400, 422)


@pytest.mark.parametrize("raw", [b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\xff", b"a\x80"], ids=repr)
def test_names_that_are_not_utf_8_are_refused(world, raw):
    user, _ = world
    before = state(user)
    assert user.request("POST", "/categories", data=b'{"type": "income", "name": "' + raw + b'"}').status in (400, 422)
    assert state(user) == before


@pytest.mark.parametrize(
    "name",
    [
        "x" * 255,
        "ữ" * 255,
        "👨‍👩‍👧‍👦 Gia đình",
        "<b>\"quoted\" & 'single'</b>",
        "'; DROP TABLE jars; --",
        "%s%n",
        "\\",
        "Tiền ăn\u00a0trưa",
    ],
)
def test_names_are_kept_as_they_are(user, name):
    assert user.expense(1, name=name)["name"] == name
    assert user.get("/expenses").json[0]["name"] == name
    assert user.category("expense", name)["name"] == name
    assert user.jar(name)["name"] == name


def test_escapes_in_json_are_read(user):
    body = b'{"name": "\\u0110i ch\\u1ee3 \\ud83c\\udf5c \\/ \\"x\\"", "type": "expense"}'
    assert user.request("POST", "/categories", data=body, expect=201).json["name"] == 'Đi chợ 🍜 / "x"'


def test_names_are_trimmed(user):
    assert user.expense(1, name=" \t Cà phê  ")["name"] == "Cà phê"
    assert user.expense(1, name=" " * 50 + "x" * 255 + " " * 50)["name"] == "x" * 255


@pytest.mark.parametrize("field, most", [("note", 2_000), ("icon", 500)])
def test_text_has_a_longest_length_in_characters(user, field, most):
    assert user.expense(1, **{field: "ữ" * most})[field] == "ữ" * most
    body = {"name": "A", "categoryId": user.category_of("expense"), "amount": 5, field: "x" * (most + 1)}
    user.invalid("POST", "/expenses", body, field)


def test_a_note_may_have_lines_but_no_other_control_characters(user):
    note = "Dòng một\nDòng hai\tcột"
    assert user.expense(1, note=note)["note"] == note
    user.invalid(
        "POST", "/expenses", {"name": "A", "categoryId": user.category_of("expense"), "amount": 5, "note": "a\u0000b"}, "note"
    )


def test_empty_text_means_null(user):
    jar = user.jar()
    expense = user.expense(5, jarId="", note="", icon="", receiptLocation="", receiptImageUrl="", date="")
    for field in ("jarId", "note", "icon", "receiptLocation", "receiptImageUrl"):
        assert expense[field] is None, field
    assert user.balances() == {jar["id"]: 0}


# Ids


@pytest.mark.parametrize("value", ["abc", "-", Raw("1.5"), "1.5", True, [1], {"id": 1}, "1e3", Raw("1e3")], ids=str)
def test_what_is_no_id_is_refused(world, value):
    refused(world, "expense", "categoryId", value)
    refused(world, "expense", "jarId", value)


@pytest.mark.parametrize("value", [-1, 0, "0", 999_999_999, "-7", Raw("9" * 30), "9" * 30], ids=str)
@pytest.mark.parametrize("field", ["categoryId", "jarId"])
def test_an_id_that_nothing_has_is_404(world, field, value):
    user, requests = world
    before = state(user)
    for request in ("expense", "expense change", "transaction change"):
        method, path, body = requests[request]
        user.request(method, path, {**body, field: value}, expect=404, code="not_found")
    assert state(user) == before


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_id_must_be_there(world, value):
    refused(world, "expense", "categoryId", value)


def test_ids_may_be_digit_strings(user):
    jar = user.jar()
    expense = user.expense("5", str(user.category_of("expense")), jarId=str(jar["id"]))
    assert (expense["jarId"], expense["amount"]) == (jar["id"], 5)


# Together


def test_all_faults_are_reported_together(world):
    user, requests = world
    before = state(user)
    user.invalid(
        "POST",
        "/expenses",
        {
            "name": "",
            "categoryId": "x",
            "amount": "1e5",
            "date": "2026-02-30",
            "note": "x" * 2_001,
            "icon": "x" * 501,
            "jarId": "y",
        },
        "name",
        "categoryId",
        "amount",
        "date",
        "note",
        "icon",
        "jarId",
    )
    user.invalid("POST", "/incomes", {}, "name", "categoryId", "amount")
    user.invalid("POST", "/jars", {"color": "blue"}, "name", "targetPercentage", "color")
    user.invalid("POST", "/jars/transfer", {"fromJarId": "x", "toJarId": "y", "amount": 0}, "fromJarId", "toJarId", "amount")
    user.invalid(
        "PUT",
        requests["transaction change"][1],
        {"name": 5, "categoryId": "x", "amount": None, "else": 1},
        "categoryId",
        "name",
        "amount",
        "else",
    )
    assert state(user) == before


def test_field_texts_are_vietnamese_whatever_the_browser_asks_for(world):
    user, _ = world
    texts = [
        user.invalid("POST", "/expenses", {}, "name", "categoryId", "amount", headers={"Accept-Language": language}).json[
            "errors"
        ]
        for language in ("vi", "en-US,en;q=0.9")
    ]
    assert texts[0] == texts[1]
    assert any(ord(ch) > 127 for ch in texts[0]["amount"])


def test_unknown_fields_are_ignored_on_the_old_routes(user):
    assert user.expense(5, splitExpense=True, nothing={"a": [1]})["amount"] == 5
    assert user.jar(target=5, someDisplayField="x")["targetPercentage"] == 5
    user.post("/categories", {"name": "A", "type": "income", "profileId": 999}, expect=201)


def test_an_authorization_token_may_be_missing_or_empty(user):
    assert user.expense(5, transactionAuthorizationToken=None)["amount"] == 5
    assert user.expense(5, transactionAuthorizationToken="")["amount"] == 5


def test_a_date_outside_this_month_does_not_change_this_months_list(user):
    user.expense(5, date=day_in(-1))
    assert user.get("/expenses").json == []
