"""Jars: what they hold, how money moves between them, and their months."""

import concurrent.futures
from decimal import Decimal

import pytest

from harness.client import Raw
from harness.dates import day_in, month_text

ZERO_MONTH = {"carried": 0, "allocated": 0, "moved": 0, "limit": 0, "spent": 0, "available": 0}


def month_of(user, jar, offset=0):
    """The figures of one month of a jar, from its list of months."""
    [found] = user.get(f"/jars/{jar}/months", query={"from": month_text(offset), "to": month_text(offset)}).json
    return found


# Create, read, change, delete


def test_a_jar_is_made_with_its_fields_and_listed(user):
    body = {"name": "Thiết yếu", "icon": "🏠", "color": "#12abEF", "targetPercentage": 55}
    answer = user.post("/jars", body, expect=201)
    jar = answer.json
    assert (jar["name"], jar["icon"], jar["color"].upper(), jar["targetPercentage"]) == ("Thiết yếu", "🏠", "#12ABEF", 55)
    assert (jar["currentBalance"], jar["rollover"]) == (0, "carry")
    assert jar["current"] == {"month": month_text(), **ZERO_MONTH}
    assert answer.headers["Location"].endswith(f"/jars/{jar['id']}")
    assert user.get("/jars").json == [jar]


def test_jars_are_listed_in_order_of_creation(user):
    made = [user.jar(name)["id"] for name in ("C", "A", "B")]
    assert [jar["id"] for jar in user.get("/jars").json] == made


def test_looking_at_jars_makes_none(user):
    assert user.get("/jars").json == []
    assert user.get("/jars").json == []


def test_a_jar_needs_only_name_and_target(user):
    jar = user.post("/jars", {"name": "Nhỏ", "targetPercentage": "5"}, expect=201).json
    assert jar["icon"] is None
    assert jar["targetPercentage"] == 5


def test_changing_a_jar_keeps_what_is_not_sent(user):
    jar = user.jar("Cũ", 20, icon="🎁", color="#112233")
    changed = user.put(f"/jars/{jar['id']}", {"name": "Mới"}).json
    assert (changed["name"], changed["icon"], changed["color"], changed["targetPercentage"]) == ("Mới", "🎁", "#112233", 20)
    changed = user.put(f"/jars/{jar['id']}", {"targetPercentage": 30, "rollover": "reset", "icon": "🚗"}).json
    assert (changed["name"], changed["targetPercentage"], changed["rollover"], changed["icon"]) == ("Mới", 30, "reset", "🚗")
    assert user.jars()[jar["id"]] == changed


def test_the_balance_in_a_change_is_ignored(user):
    jar = user.jar(target=10)
    display = {**jar, "currentBalance": 999, "someDisplayField": True}
    assert user.put(f"/jars/{jar['id']}", display).json["currentBalance"] == 0
    assert user.unassigned() == 0


def test_a_name_is_used_once(user):
    user.jar("Học tập")
    user.post("/jars", {"name": " Học tập", "targetPercentage": 1}, expect=409, code="name_in_use")
    another = user.jar("Giải trí")
    user.put(f"/jars/{another['id']}", {"name": "Học tập"}, expect=409, code="name_in_use")
    user.put(f"/jars/{another['id']}", {"name": "Giải trí"})


def test_the_name_of_a_deleted_jar_is_free_again(user):
    jar = user.jar("Tạm")
    user.delete(f"/jars/{jar['id']}", expect=200)
    assert user.jar("Tạm")["id"] != jar["id"]


@pytest.mark.parametrize(
    "sent, kept",
    [
        (Raw("9.899999999"), "9.9"),
        (Raw("33.333"), "33.33"),
        (Raw("12.345"), "12.35"),
        (Raw("0.005"), "0.01"),
        (Raw("0.004"), "0"),
        (Raw("100"), "100"),
        (0, "0"),
        ("7.5", "7.5"),
        (Raw("99.999"), "100"),
    ],
)
def test_a_target_is_rounded_half_up_to_two_decimals(user, sent, kept):
    assert user.jar(target=sent)["targetPercentage"] == Decimal(kept)


@pytest.mark.parametrize("target", [-1, Raw("-0.01"), 101, Raw("100.01"), "x", None, True, []])
def test_a_target_outside_0_to_100_is_422(lasting, target):
    lasting.invalid("POST", "/jars", {"name": "Sai", "targetPercentage": target}, "targetPercentage")


@pytest.mark.parametrize(
    "field, value",
    [
        ("color", "red"),
        ("color", "#12345"),
        ("color", "#GGGGGG"),
        ("icon", "x" * 501),
        ("currentBalance", -1),
        ("currentBalance", Raw("0.5")),
        ("rollover", "never"),
    ],
)
def test_bad_fields_of_a_jar(lasting, field, value):
    lasting.invalid("POST", "/jars", {"name": "Sai", "targetPercentage": 1, field: value}, field)


def test_single_targets_may_add_up_to_more_than_100(user):
    first, second = user.jar(target=60), user.jar(target=40)
    user.put(f"/jars/{first['id']}", {"targetPercentage": 90})
    user.put(f"/jars/{second['id']}", {"targetPercentage": 10})
    user.jar(target=100)


# Many at once


def test_bulk_makes_all_in_order(user):
    body = [
        {"name": "Một", "targetPercentage": Raw("33.33")},
        {"name": "Hai", "targetPercentage": Raw("33.33"), "icon": "2️⃣"},
        {"name": "Ba", "targetPercentage": Raw("33.34"), "color": "#000000", "currentBalance": 0},
    ]
    made = user.post("/jars/bulk", body, expect=201).json
    assert [jar["name"] for jar in made] == ["Một", "Hai", "Ba"]
    assert user.get("/jars").json == made


@pytest.mark.parametrize("targets", [[50, 49], [50, 51], [100, Raw("0.01")], [Raw("99.99")]], ids=str)
def test_bulk_targets_must_add_up_to_exactly_100(user, targets):
    user.post(
        "/jars/bulk",
        [{"name": f"H{n}", "targetPercentage": t} for n, t in enumerate(targets)],
        expect=422,
        code="validation_failed",
    )
    assert user.get("/jars").json == []


def test_bulk_counts_only_its_own_targets(user):
    user.jar(target=80)
    user.post("/jars/bulk", [{"name": "Toàn bộ", "targetPercentage": 100}], expect=201)


def test_bulk_with_a_name_in_use_makes_nothing(user):
    user.jar("Có rồi")
    body = [{"name": "Mới", "targetPercentage": 50}, {"name": "Có rồi", "targetPercentage": 50}]
    user.post("/jars/bulk", body, expect=409, code="name_in_use")
    twice = [{"name": "Đôi", "targetPercentage": 50}, {"name": "Đôi", "targetPercentage": 50}]
    assert user.post("/jars/bulk", twice).status in (409, 422)
    assert [jar["name"] for jar in user.get("/jars").json] == ["Có rồi"]


def test_bulk_names_the_element_of_each_fault(user):
    answer = user.post("/jars/bulk", [{"name": "", "targetPercentage": 50}, {"name": "Hai", "targetPercentage": "x"}], expect=422)
    assert set(answer.json["errors"]) == {"[0].name", "[1].targetPercentage"}


def test_bulk_takes_1_to_50(user):
    user.post("/jars/bulk", [], expect=422)
    user.post("/jars/bulk", [{"name": f"H{n}", "targetPercentage": 100 if n == 0 else 0} for n in range(51)], expect=422)
    assert len(user.post("/jars/bulk", [{"name": f"H{n}", "targetPercentage": 2} for n in range(50)], expect=201).json) == 50


def test_a_starting_balance_is_a_move_from_unassigned(user):
    jar = user.jar(target=10, currentBalance=30_000)
    assert jar["currentBalance"] == 30_000
    assert user.unassigned() == -30_000
    assert jar["current"] == {"month": month_text(), **ZERO_MONTH, "moved": 30_000, "limit": 30_000, "available": 30_000}
    user.post("/jars/bulk", [{"name": "Đầy", "targetPercentage": 100, "currentBalance": 5_000}], expect=201)
    assert user.unassigned() == -35_000
    assert user.total() == 0


# Deleting


def test_what_a_deleted_jar_held_becomes_unassigned_and_its_expenses_stay(user):
    jar = user.jar(target=100)
    user.income(100_000)
    expense = user.expense(30_000, jarId=jar["id"])
    user.delete(f"/jars/{jar['id']}", expect=200)
    assert user.get("/jars").json == []
    assert user.unassigned() == 70_000
    [left] = user.get("/expenses").json
    assert (left["id"], left["jarId"], left["jarName"]) == (expense["id"], None, None)
    user.delete(f"/expenses/{expense['id']}", expect=204)
    assert user.unassigned() == 100_000
    user.delete(f"/jars/{jar['id']}", expect=404)


def test_a_jar_below_zero_can_be_deleted(user):
    jar = user.jar()
    user.expense(10_000, jarId=jar["id"])
    user.delete(f"/jars/{jar['id']}", expect=200)
    assert user.unassigned() == -10_000


def test_an_income_can_be_changed_and_deleted_after_its_jar_is_gone(user):
    jar, stays = user.jar(target=50), user.jar(target=50)
    income = user.income(100_000)
    user.delete(f"/jars/{jar['id']}", expect=200)
    assert user.total() == 100_000
    user.delete(f"/incomes/{income['id']}", expect=204)
    assert user.total() == 0
    assert user.balances() == {stays["id"]: 0}


# Transfers


@pytest.fixture
def two(user):
    """A user with 1,000 in the first jar and nothing in the second."""
    first, second = user.jar("Nguồn", 100), user.jar("Đích", 0)
    user.income(1_000)
    return user, first["id"], second["id"]


def test_a_transfer_moves_money(two):
    user, first, second = two
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": second, "amount": 400}, expect=200)
    assert user.balances() == {first: 600, second: 400}
    assert user.unassigned() == 0
    jars = user.jars()
    assert jars[first]["current"] == {
        "month": month_text(),
        **ZERO_MONTH,
        "allocated": 1000,
        "moved": -400,
        "limit": 600,
        "available": 600,
    }
    assert jars[second]["current"] == {"month": month_text(), **ZERO_MONTH, "moved": 400, "limit": 400, "available": 400}


def test_a_transfer_is_a_transaction(two):
    user, first, second = two
    user.post("/jars/transfer", {"fromJarId": str(first), "toJarId": str(second), "amount": "400"}, expect=200)
    [transfer] = user.get("/transactions", query={"kind": "transfer"}).json
    assert (transfer["fromJarId"], transfer["toJarId"], transfer["amount"]) == (first, second, 400)
    assert (transfer["categoryId"], transfer["categoryName"]) == (None, None)


def test_null_stands_for_unassigned(two):
    user, first, second = two
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": None, "amount": 300}, expect=200)
    assert (user.balances()[first], user.unassigned()) == (700, 300)
    user.post("/jars/transfer", {"fromJarId": None, "toJarId": second, "amount": 250}, expect=200)
    assert (user.balances(), user.unassigned()) == ({first: 700, second: 250}, 50)


def test_a_transfer_beyond_the_balance_is_409_and_moves_nothing(two):
    user, first, second = two
    for source, target, amount in ((first, second, 1_001), (second, first, 1), (None, second, 1)):
        body = {"fromJarId": source, "toJarId": target, "amount": amount}
        user.post("/jars/transfer", body, expect=409, code="insufficient_balance")
    assert user.balances() == {first: 1_000, second: 0}
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": second, "amount": 1_000}, expect=200)


def test_a_transfer_to_the_same_jar_is_422(two):
    user, first, _ = two
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": first, "amount": 1}, expect=422, code="validation_failed")
    user.post("/jars/transfer", {"fromJarId": None, "toJarId": None, "amount": 1}, expect=422, code="validation_failed")


def test_a_transfer_with_a_missing_jar_is_404(two):
    user, first, _ = two
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": 999_999_999, "amount": 1}, expect=404, code="not_found")
    user.post("/jars/transfer", {"fromJarId": 999_999_999, "toJarId": first, "amount": 1}, expect=404, code="not_found")


def test_simultaneous_transfers_never_take_more_than_there_is(two):
    user, first, second = two
    body = {"fromJarId": first, "toJarId": second, "amount": 300}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: user.with_().post("/jars/transfer", body).status, range(8)))
    assert sorted(answers) == [200] * 3 + [409] * 5
    assert user.balances() == {first: 100, second: 900}


def test_a_transfer_back_and_forth_at_once_ends_without_error(two):
    user, first, second = two
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": second, "amount": 500}, expect=200)

    def move(n):
        source, target = (first, second) if n % 2 else (second, first)
        return user.with_().post("/jars/transfer", {"fromJarId": source, "toJarId": target, "amount": 10}).status

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert set(pool.map(move, range(20))) == {200}
    assert user.balances() == {first: 500, second: 500}


# Months


def test_the_current_figures_of_a_jar(user):
    jar = user.jar(target=40)
    user.income(100_000)
    user.expense(15_000, jarId=jar["id"])
    found = user.jars()[jar["id"]]["current"]
    assert found == {
        "month": month_text(),
        "carried": 0,
        "allocated": 40_000,
        "moved": 0,
        "limit": 40_000,
        "spent": 15_000,
        "available": 25_000,
    }


def test_what_is_left_is_carried_into_the_next_months(user):
    jar = user.jar(target=100)
    user.income(100_000, date=day_in(-3))
    user.expense(30_000, jarId=jar["id"], date=day_in(-2))
    user.income(5_000)
    months = user.get(f"/jars/{jar['id']}/months", query={"from": month_text(-3), "to": month_text()}).json
    assert [m["month"] for m in months] == [month_text(n) for n in (-3, -2, -1, 0)]
    assert [m["carried"] for m in months] == [0, 100_000, 70_000, 70_000]
    assert [m["limit"] for m in months] == [100_000, 100_000, 70_000, 75_000]
    assert [m["spent"] for m in months] == [0, 30_000, 0, 0]
    assert [m["available"] for m in months] == [100_000, 70_000, 70_000, 75_000]
    assert user.jars()[jar["id"]]["current"] == months[-1]


def test_a_later_change_in_an_old_month_reaches_all_months_after_it(user):
    jar = user.jar(target=100)
    user.income(100_000, date=day_in(-3))
    user.income(1_000, date=day_in(-1))
    late = user.expense(20_000, jarId=jar["id"], date=day_in(-2))
    assert user.jars()[jar["id"]]["current"]["carried"] == 81_000
    user.put(
        f"/expenses/{late['id']}",
        {"name": late["name"], "categoryId": late["categoryId"], "amount": 50_000, "date": day_in(-3), "jarId": jar["id"]},
    )
    assert [month_of(user, jar["id"], n)["available"] for n in (-3, -2, -1, 0)] == [50_000, 50_000, 51_000, 51_000]
    user.delete(f"/expenses/{late['id']}", expect=204)
    assert [month_of(user, jar["id"], n)["available"] for n in (-3, -2, -1, 0)] == [100_000, 100_000, 101_000, 101_000]


def test_a_debt_is_carried_too(user):
    jar = user.jar()
    user.expense(7_000, jarId=jar["id"], date=day_in(-1))
    assert user.jars()[jar["id"]]["current"] == {
        "month": month_text(),
        **ZERO_MONTH,
        "carried": -7_000,
        "limit": -7_000,
        "available": -7_000,
    }


def test_a_reset_jar_starts_its_month_with_nothing(user):
    jar = user.jar(target=100, rollover="reset")
    user.income(9_000, date=day_in(-1))
    user.income(1_000)
    current = user.jars()[jar["id"]]["current"]
    assert (current["carried"], current["limit"]) == (0, 1_000)
    assert user.total() == 10_000


def test_what_is_added_late_to_an_ended_month_of_a_reset_jar_goes_on_to_unassigned(user):
    jar = user.jar(target=100, rollover="reset")
    income = user.income(9_000, date=day_in(-2))
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 0}, 9_000)
    expense = user.expense(2_000, jarId=jar["id"], date=day_in(-1))
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 0}, 7_000)
    assert month_of(user, jar["id"], -1) == {
        "month": month_text(-1),
        **ZERO_MONTH,
        "moved": 2_000,
        "limit": 2_000,
        "spent": 2_000,
    }
    user.delete(f"/expenses/{expense['id']}", expect=204)
    user.put(f"/incomes/{income['id']}", {"name": "A", "categoryId": income["categoryId"], "amount": 500, "date": day_in()})
    current = user.jars()[jar["id"]]["current"]
    assert (current["carried"], current["limit"], current["available"]) == (0, 500, 500)
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 500}, 0)


def test_a_jar_that_becomes_a_reset_jar_keeps_what_it_has_this_month(user):
    jar = user.jar(target=100)
    user.income(9_000, date=day_in(-1))
    user.put(f"/jars/{jar['id']}", {"rollover": "reset"})
    user.income(1_000)
    current = user.jars()[jar["id"]]["current"]
    assert (current["carried"], current["limit"]) == (9_000, 10_000)
    user.income(500, date=day_in(-1))
    assert user.jars()[jar["id"]]["current"]["carried"] == 9_500
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 10_500}, 0)


def test_a_future_expense_changes_the_balance_now_and_only_its_own_month(user):
    jar = user.jar(target=100)
    user.income(10_000)
    user.expense(4_000, jarId=jar["id"], date=day_in(1))
    found = user.jars()[jar["id"]]
    assert found["currentBalance"] == 6_000
    assert (found["current"]["spent"], found["current"]["available"]) == (0, 10_000)
    assert month_of(user, jar["id"], 1)["spent"] == 4_000
    assert month_of(user, jar["id"], 1)["available"] == 6_000


@pytest.mark.parametrize(
    "query, fields",
    [({"from": "2026-13"}, {"from"}), ({"to": "2026"}, {"to"}), ({"from": "x", "to": "2026-1-1"}, {"from", "to"})],
    ids=str,
)
def test_bad_months_are_422(user, query, fields):
    jar = user.jar()
    answer = user.get(f"/jars/{jar['id']}/months", query=query, expect=422)
    assert set(answer.json["errors"]) == fields


def test_months_that_end_before_they_begin_are_422(user):
    jar = user.jar()
    user.get(f"/jars/{jar['id']}/months", query={"from": month_text(), "to": month_text(-1)}, expect=422)


def test_an_endless_range_of_months_is_refused_or_cut(user):
    jar = user.jar()
    answer = user.request("GET", f"/jars/{jar['id']}/months", query={"from": "1970-01", "to": "2100-12"})
    assert answer.status in (200, 422)
