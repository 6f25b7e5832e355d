"""Expenses and what they do to the jars."""

import concurrent.futures

import pytest

from harness.dates import day_in, month, today


def change(user, expense, **fields):
    body = {name: expense[name] for name in ("name", "categoryId", "amount", "date", "icon", "note", "jarId")}
    return user.put(f"/expenses/{expense['id']}", {**body, **fields}).json


def test_an_expense_has_all_its_fields(user):
    category = user.category("expense", "Ăn uống")
    jar = user.jar("Hằng ngày")
    body = {
        "name": "Phở bò",
        "categoryId": category["id"],
        "amount": 65_000,
        "date": day_in(0, 3),
        "icon": "🍜",
        "note": "Hai tô",
        "jarId": jar["id"],
        "receiptLocation": "12 Lý Quốc Sư",
        "receiptImageUrl": "https://pictures.example.test/1.jpg",
        "splitExpense": False,
    }
    answer = user.post("/expenses", body, expect=201)
    expense = answer.json
    for name in ("name", "amount", "date", "icon", "note", "receiptLocation", "receiptImageUrl", "jarId"):
        assert expense[name] == body[name], name
    assert (expense["categoryName"], expense["jarName"]) == ("Ăn uống", "Hằng ngày")
    assert answer.headers["Location"].endswith(f"/expenses/{expense['id']}")
    [listed] = user.get("/expenses").json
    assert listed == {name: value for name, value in expense.items() if name != "budgetStatus"}


def test_what_is_not_sent_is_null_and_the_date_is_today(user):
    expense = user.expense(1_000)
    assert expense["date"] == today().isoformat()
    for name in ("icon", "note", "receiptLocation", "receiptImageUrl", "jarId", "jarName"):
        assert expense[name] is None, name


def test_without_a_budget_the_status_says_so(user):
    expense = user.expense(1_000)
    status = expense["budgetStatus"]
    assert status["hasBudget"] is False
    assert not any(status[name] for name in ("exceeded", "isExceeded", "warning", "isWarning"))
    assert (status["usageRatio"], status["amountLimit"], status["categoryName"]) == (0, None, expense["categoryName"])
    assert change(user, expense, amount=2_000)["budgetStatus"]["hasBudget"] is False


def test_an_expense_debits_its_jar_even_below_zero(user):
    jar = user.jar(target=100)
    user.income(1_000)
    user.expense(700, jarId=jar["id"])
    assert user.balances() == {jar["id"]: 300}
    user.expense(700, jarId=jar["id"])
    assert user.balances() == {jar["id"]: -400}
    assert user.unassigned() == 0


def test_an_expense_without_a_jar_comes_out_of_unassigned(user):
    jar = user.jar()
    user.expense(700)
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 0}, -700)


def test_a_change_of_the_amount_corrects_the_jar(user):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    assert change(user, expense, amount=800)["amount"] == 800
    assert user.balances() == {jar["id"]: -800}
    current = user.jars()[jar["id"]]["current"]
    assert (current["spent"], current["available"]) == (800, -800)


def test_a_change_of_the_jar_refunds_the_old_one(user):
    first, second = user.jar(), user.jar()
    expense = user.expense(500, jarId=first["id"])
    changed = change(user, expense, jarId=second["id"], amount=600)
    assert (changed["jarId"], changed["jarName"]) == (second["id"], second["name"])
    assert user.balances() == {first["id"]: 0, second["id"]: -600}
    assert change(user, changed, jarId="")["jarId"] is None
    assert (user.balances(), user.unassigned()) == ({first["id"]: 0, second["id"]: 0}, -600)


def test_a_change_moves_the_expense_to_another_month(user):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    change(user, expense, date=day_in(-1))
    current = user.jars()[jar["id"]]["current"]
    assert (current["carried"], current["spent"]) == (-500, 0)
    assert user.get("/expenses").json == []


def test_deleting_refunds_the_jar(user):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    assert user.delete(f"/expenses/{expense['id']}", expect=204).body == b""
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 0}, 0)
    assert user.get("/expenses").json == []
    user.delete(f"/expenses/{expense['id']}", expect=404)
    current = user.jars()[jar["id"]]["current"]
    assert (current["spent"], current["available"]) == (0, 0)


def test_two_deletes_at_once_refund_once(user):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: user.with_().delete(f"/expenses/{expense['id']}").status, range(4)))
    assert sorted(answers) == [204, 404, 404, 404]
    assert user.balances() == {jar["id"]: 0}


def test_many_expenses_at_once_all_count(user):
    jar = user.jar()
    body = {"name": "Cùng lúc", "categoryId": user.category_of("expense"), "amount": 7, "jarId": jar["id"]}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: user.with_().post("/expenses", body).status, range(40))) == {201}
    assert user.balances() == {jar["id"]: -280}
    assert user.jars()[jar["id"]]["current"]["spent"] == 280


@pytest.mark.parametrize("family", ["expenses", "transactions"])
def test_a_change_keeps_what_it_does_not_mention_and_null_clears(user, family):
    jar = user.jar()
    details = {"icon": "🍜", "note": "Ghi chú", "receiptLocation": "Quán", "receiptImageUrl": "https://x.test/a.png"}
    expense = user.expense(500, jarId=jar["id"], date=day_in(-1), **details)
    path = f"/{family}/{expense['id']}"
    body = {"name": "Khác", "categoryId": expense["categoryId"], "amount": 600}
    kept = user.put(path, body).json
    assert {name: kept[name] for name in details} == details
    assert (kept["name"], kept["amount"], kept["date"], kept["jarId"]) == ("Khác", 600, day_in(-1), jar["id"])
    assert user.balances() == {jar["id"]: -600}
    cleared = user.put(path, {**body, **dict.fromkeys(details), "jarId": None}).json
    assert [cleared[name] for name in (*details, "jarId")] == [None] * 5
    assert cleared["date"] == day_in(-1)
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 0}, -600)


def test_a_refused_change_changes_nothing(user):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    path = f"/expenses/{expense['id']}"
    user.invalid(
        "PUT",
        path,
        {"name": "x" * 256, "categoryId": None, "amount": -5, "jarId": "abc"},
        "name",
        "categoryId",
        "amount",
        "jarId",
    )
    user.put(path, {"name": "A", "categoryId": expense["categoryId"], "amount": 5, "jarId": 999_999_999}, expect=404)
    user.put(path, {"name": "A", "categoryId": 999_999_999, "amount": 5}, expect=404)
    assert user.balances() == {jar["id"]: -500}
    assert user.get("/expenses").json[0]["name"] == expense["name"]


def test_the_category_must_be_one_for_expenses(user):
    answer = user.post("/expenses", {"name": "Nhầm", "categoryId": user.category_of("income"), "amount": 5}, expect=422)
    assert set(answer.json["errors"]) == {"categoryId"}


# Lists


@pytest.fixture(scope="module")
def history(users):
    """A user with 3 expenses in each of the last four months, oldest first."""
    user = users.take()
    made = [user.expense(1_000 + n, date=day_in(n // 3 - 3, 5 + n % 3)) for n in range(12)]
    return user, [expense["id"] for expense in made]


def ids(user, **query):
    return [expense["id"] for expense in user.get("/expenses", query=query).json]


def test_the_list_is_this_month_unless_told_otherwise(history):
    user, made = history
    assert ids(user) == made[:8:-1]
    year, number = month(-2)
    assert ids(user, month=number, year=year) == [made[5], made[4], made[3]]
    assert ids(user, month=f"{number:02d}", year=f"{year}") == [made[5], made[4], made[3]]


def test_all_is_everything(history):
    user, made = history
    assert ids(user, all="true") == made[::-1]
    assert ids(user, all="false") == made[:8:-1]


def test_pages_of_the_old_kind_stay_served(history):
    user, made = history
    assert ids(user, all="true", page=0, size=5) == made[::-1][:5]
    assert ids(user, all="true", page=1, size=5) == made[::-1][5:10]
    assert ids(user, all="true", page=2, size=5) == made[::-1][10:]
    assert ids(user, all="true", page=3, size=5) == []


def test_a_cut_list_names_its_next_page(history):
    user, made = history
    seen, url = [], user.stack.base + "/expenses?all=true&limit=5"
    for expected in (5, 5, 2):
        answer = user.request("GET", "", url=url, expect=200)
        assert len(answer.json) == expected
        seen += [expense["id"] for expense in answer.json]
        url = answer.next_link()
        assert (url is None) == (expected == 2)
        if url and url.startswith("/"):
            url = user.stack.origin + url
    assert seen == made[::-1]


@pytest.mark.parametrize(
    "query, field",
    [
        ({"month": 13, "year": 2026}, "month"),
        ({"month": 0, "year": 2026}, "month"),
        ({"month": "x"}, "month"),
        ({"month": 1, "year": 1969}, "year"),
        ({"month": 1, "year": 2101}, "year"),
        ({"page": -1}, "page"),
        ({"size": 0}, "size"),
        ({"size": "many"}, "size"),
        ({"limit": 0}, "limit"),
        ({"limit": "1e1"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"all": "perhaps"}, "all"),
    ],
    ids=str,
)
def test_a_bad_query_is_422(history, query, field):
    user, _ = history
    answer = user.get("/expenses", query=query, expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {field}


def test_a_month_without_expenses_is_an_empty_list(history):
    user, _ = history
    assert user.get("/expenses", query={"month": 2, "year": 1999}).json == []


def test_the_first_day_and_the_last_belong_to_the_month(user):
    first = user.expense(1, date="2024-02-01")
    last = user.expense(2, date="2024-02-29")
    user.expense(3, date="2024-03-01")
    user.expense(4, date="2024-01-31")
    assert ids(user, month=2, year=2024) == [last["id"], first["id"]]


def test_each_change_is_seen_in_the_next_read(user):
    jar = user.jar()
    for n in range(1, 9):
        expense = user.expense(n, jarId=jar["id"])
        assert user.get("/expenses").json[0]["id"] == expense["id"]
        assert user.jars()[jar["id"]]["currentBalance"] == -sum(range(1, n + 1))
