"""Incomes and how they are divided among the jars."""

import pytest

from harness.client import Raw
from harness.dates import day_in, month, month_text, today

DEFAULT_TARGETS = [55, 10, 10, 10, 10, 5]


def shares(income):
    return {part["jarId"]: part["amount"] for part in income["allocations"]}


def amounts(income):
    return [part["amount"] for part in income["allocations"]]


def change(user, income, **fields):
    body = {name: income[name] for name in ("name", "categoryId", "amount", "date", "icon", "note")}
    return user.put(f"/incomes/{income['id']}", {**body, **fields}).json


def test_an_income_has_all_its_fields(user):
    category = user.category("income", "Lương")
    jar = user.jar("Tất cả", 100)
    body = {
        "name": " Lương tháng này ",
        "categoryId": category["id"],
        "amount": 15_000_000,
        "icon": "💰",
        "note": "Cơ bản\nvà thưởng",
    }
    answer = user.post("/incomes", body, expect=201)
    income = answer.json
    assert (income["name"], income["categoryName"], income["amount"], income["icon"], income["note"]) == (
        "Lương tháng này",
        "Lương",
        15_000_000,
        "💰",
        "Cơ bản\nvà thưởng",
    )
    assert income["date"] == today().isoformat()
    assert answer.headers["Location"].endswith(f"/incomes/{income['id']}")
    [part] = income["allocations"]
    assert (part["incomeId"], part["jarId"], part["jarName"], part["amount"]) == (income["id"], jar["id"], "Tất cả", 15_000_000)
    assert user.get("/incomes").json == [income]


# Division


def test_the_first_income_of_a_user_without_jars_brings_the_six_default_ones(user):
    income = user.income(1_000_000)
    jars = user.get("/jars").json
    assert [jar["targetPercentage"] for jar in jars] == DEFAULT_TARGETS
    assert [jar["currentBalance"] for jar in jars] == [550_000, 100_000, 100_000, 100_000, 100_000, 50_000]
    assert shares(income) == {jar["id"]: jar["currentBalance"] for jar in jars}
    assert user.unassigned() == 0
    user.income(1_000)
    assert len(user.get("/jars").json) == 6


def test_an_income_of_a_user_with_jars_makes_no_others(user):
    user.jar(target=10)
    user.income(1_000)
    assert len(user.get("/jars").json) == 1


def test_the_remainder_goes_to_the_largest_fraction(user):
    income = user.income(101)
    assert amounts(income) == [56, 10, 10, 10, 10, 5]


@pytest.mark.parametrize("amount", [1, 2, 3, 7, 19, 99, 100_003, 9_999_999_999_999])
def test_parts_always_add_up(user, amount):
    user.post(
        "/jars/bulk",
        [{"name": f"H{n}", "targetPercentage": t} for n, t in enumerate([Raw("33.33"), Raw("33.33"), Raw("33.34")])],
        expect=201,
    )
    income = user.income(amount)
    assert sum(amounts(income)) == amount
    assert all(part >= 0 for part in amounts(income))
    ideal = [amount * share / 10_000 for share in (3333, 3333, 3334)]
    got = [jar["currentBalance"] for jar in user.get("/jars").json]
    assert all(abs(g - i) < 1 + 1e-3 for g, i in zip(got, ideal, strict=True))
    assert user.unassigned() == 0


def test_targets_below_100_leave_the_rest_unassigned(user):
    first, second = user.jar(target=30), user.jar(target=20)
    user.income(1_000)
    assert user.balances() == {first["id"]: 300, second["id"]: 200}
    assert user.unassigned() == 500


def test_targets_above_100_are_scaled_down(user):
    first, second = user.jar(target=80), user.jar(target=80)
    user.income(1_001)
    assert sorted(user.balances().values()) == [500, 501]
    assert user.unassigned() == 0
    user.put(f"/jars/{second['id']}", {"targetPercentage": 40})
    income = user.income(300)
    assert shares(income) == {first["id"]: 200, second["id"]: 100}


def test_jars_without_a_target_get_nothing(user):
    user.jar(target=0)
    income = user.income(500)
    assert sum(amounts(income)) == 0
    assert user.unassigned() == 500


def test_explicit_allocations_are_kept(user):
    first, second = user.jar(target=100), user.jar(target=0)
    body = [{"jarId": second["id"], "amount": 400}, {"jarId": str(first["id"]), "amount": "350"}]
    income = user.income(1_000, allocations=body)
    assert shares(income) == {first["id"]: 350, second["id"]: 400}
    assert user.unassigned() == 250


def test_explicit_allocations_may_not_exceed_the_amount(user):
    jar = user.jar(target=100)
    category = user.category_of("income")
    body = {"name": "Quá", "categoryId": category, "amount": 1_000}
    user.post("/incomes", {**body, "allocations": [{"jarId": jar["id"], "amount": 1_001}]}, expect=422, code="validation_failed")
    user.post("/incomes", {**body, "allocations": [{"jarId": jar["id"], "amount": 9_999_999_999_999}] * 2}, expect=422)
    user.post(
        "/incomes",
        {**body, "allocations": [{"jarId": jar["id"], "amount": 600}, {"jarId": jar["id"], "amount": 401}]},
        expect=422,
    )
    user.invalid("POST", "/incomes", {**body, "allocations": [{"jarId": jar["id"], "amount": -1}]}, "allocations[0].amount")
    assert user.total() == 0
    assert user.get("/incomes").json == []
    user.post("/incomes", {**body, "allocations": [{"jarId": jar["id"], "amount": 1_000}]}, expect=201)


def test_a_share_of_nothing_is_accepted_and_moves_nothing(user):
    """The clients compute a share for every jar, for those without a target too."""
    first, second = user.jar(target=100), user.jar()
    parts = [{"jarId": first["id"], "amount": 1_000}, {"jarId": second["id"], "amount": 0}]
    assert shares(user.income(1_000, allocations=parts)) == {first["id"]: 1_000}
    assert user.balances() == {first["id"]: 1_000, second["id"]: 0}


def test_an_empty_list_of_allocations_allocates_nothing(user):
    jar = user.jar(target=100)
    income = user.income(1_000, allocations=[])
    assert (income["allocations"], user.balances(), user.unassigned()) == ([], {jar["id"]: 0}, 1_000)
    allocated = change(user, income, allocations=[{"jarId": jar["id"], "amount": 900}])
    assert (shares(allocated), user.unassigned()) == ({jar["id"]: 900}, 100)
    assert change(user, income, allocations=[])["allocations"] == []
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 0}, 1_000)


def test_no_allocations_are_no_wish(user):
    jar = user.jar(target=100)
    assert shares(user.income(1_000, allocations=None)) == {jar["id"]: 1_000}


def test_an_allocation_names_its_own_faults(user):
    category = user.category_of("income")
    body = {"name": "Sai", "categoryId": category, "amount": 10, "allocations": [{"amount": 1}, {"jarId": 1, "amount": "x"}]}
    user.invalid("POST", "/incomes", body, "allocations[0].jarId", "allocations[1].amount")


def test_an_allocation_to_a_missing_jar_is_404_and_saves_nothing(user):
    user.jar(target=100)
    body = {
        "name": "Lạc",
        "categoryId": user.category_of("income"),
        "amount": 10,
        "allocations": [{"jarId": 999_999_999, "amount": 1}],
    }
    user.post("/incomes", body, expect=404, code="not_found")
    assert user.get("/incomes").json == []


# Changes


def test_a_change_without_allocations_keeps_the_shares_in_proportion(user):
    first, second = user.jar(target=30), user.jar(target=70)
    income = user.income(1_000)
    changed = change(user, income, amount=2_000)
    assert shares(changed) == {first["id"]: 600, second["id"]: 1_400}
    assert user.balances() == {first["id"]: 600, second["id"]: 1_400}
    user.put(f"/jars/{first['id']}", {"targetPercentage": 0})
    assert shares(change(user, changed, amount=500)) == {first["id"]: 150, second["id"]: 350}
    assert user.total() == 500


def test_a_change_keeps_the_unassigned_part_in_proportion_too(user):
    jar = user.jar()
    income = user.income(1_000, allocations=[{"jarId": jar["id"], "amount": 500}])
    change(user, income, amount=3_000)
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 1_500}, 1_500)


@pytest.mark.parametrize("amount", [1, 3, 101, 999_999])
def test_changed_shares_add_up_and_stay_within_one_unit_of_the_proportion(user, amount):
    user.income(1_000_000)
    [income] = user.get("/incomes").json
    changed = change(user, income, amount=amount)
    assert sum(amounts(changed)) == amount == user.total()
    by_jar = shares(changed)
    for jar in user.get("/jars").json:
        assert abs(by_jar.get(jar["id"], 0) - amount * jar["targetPercentage"] / 100) <= 1
        assert jar["currentBalance"] == by_jar.get(jar["id"], 0)


def test_a_change_with_allocations_replaces_them(user):
    first, second = user.jar(target=100), user.jar()
    income = user.income(1_000)
    changed = change(user, income, allocations=[{"jarId": second["id"], "amount": 600}])
    assert shares(changed) == {second["id"]: 600}
    assert (user.balances(), user.unassigned()) == ({first["id"]: 0, second["id"]: 600}, 400)


def test_a_change_keeps_what_it_does_not_mention_and_null_clears(user):
    income = user.income(1_000, date=day_in(-1), icon="💰", note="Ghi chú")
    body = {"name": "Khác", "categoryId": income["categoryId"], "amount": 1_000}
    kept = user.put(f"/incomes/{income['id']}", body).json
    assert (kept["name"], kept["date"], kept["icon"], kept["note"]) == ("Khác", day_in(-1), "💰", "Ghi chú")
    assert kept["allocations"] == income["allocations"]
    cleared = user.put(f"/incomes/{income['id']}", {**body, "icon": None, "note": ""}).json
    assert (cleared["icon"], cleared["note"], cleared["date"]) == (None, None, day_in(-1))


def test_a_change_of_date_moves_the_money_between_months(user):
    jar = user.jar(target=100)
    income = user.income(1_000)
    change(user, income, date=day_in(-1))
    current = user.jars()[jar["id"]]["current"]
    assert (current["carried"], current["allocated"], current["available"]) == (1_000, 0, 1_000)
    assert user.balances() == {jar["id"]: 1_000}


def test_a_change_is_refused_as_a_whole(user):
    user.jar(target=100)
    income = user.income(1_000)
    path = f"/incomes/{income['id']}"
    user.invalid(
        "PUT", path, {"name": "", "categoryId": "x", "amount": 0, "date": "2026-02-30"}, "name", "categoryId", "amount", "date"
    )
    user.put(path, {"name": "A", "categoryId": 999_999_999, "amount": 5}, expect=404)
    assert user.get("/incomes").json == [income]
    assert user.total() == 1_000


def test_deleting_takes_the_allocations_back(user):
    income = user.income(1_000_000)
    assert user.delete(f"/incomes/{income['id']}", expect=204).body == b""
    assert set(user.balances().values()) == {0}
    assert user.unassigned() == 0
    assert user.get("/incomes").json == []
    user.delete(f"/incomes/{income['id']}", expect=404)
    user.put(f"/incomes/{income['id']}", {"name": "A", "categoryId": income["categoryId"], "amount": 5}, expect=404)


def test_deleting_may_leave_a_jar_below_zero(user):
    jar = user.jar(target=100)
    income = user.income(1_000)
    user.expense(800, jarId=jar["id"])
    user.delete(f"/incomes/{income['id']}", expect=204)
    assert user.balances() == {jar["id"]: -800}


def test_a_delete_may_carry_a_body(user):
    income = user.income(1_000)
    user.request("DELETE", f"/incomes/{income['id']}", {}, expect=204)


# Lists


def test_the_list_is_this_month_unless_told_otherwise(user):
    now, last, before = user.income(1), user.income(2, date=day_in(-1)), user.income(3, date=day_in(-2))

    def ids(**query):
        return [income["id"] for income in user.get("/incomes", query=query).json]

    assert ids() == [now["id"]]
    year, number = month(-1)
    assert ids(month=number, year=year) == [last["id"]]
    assert ids(month=f"{number:02d}", year=year) == [last["id"]]
    assert ids(all="true") == [now["id"], last["id"], before["id"]]


def test_the_order_is_by_date_and_then_by_id_descending(user):
    made = [user.income(1, date=day_in(-1, day)) for day in (5, 20, 5, 12)]
    expected = [made[1]["id"], made[3]["id"], made[2]["id"], made[0]["id"]]
    year, number = month(-1)
    assert [i["id"] for i in user.get("/incomes", query={"month": number, "year": year}).json] == expected


def test_expenses_are_no_incomes(user):
    user.income(5)
    user.expense(6)
    assert [i["amount"] for i in user.get("/incomes").json] == [5]
    [expense] = user.get("/expenses").json
    user.put(f"/incomes/{expense['id']}", {"name": "A", "categoryId": user.category_of("income"), "amount": 5}, expect=404)
    user.delete(f"/incomes/{expense['id']}", expect=404)


def test_the_category_must_be_one_for_incomes(user):
    body = {"name": "Nhầm", "categoryId": user.category_of("expense"), "amount": 5}
    answer = user.post("/incomes", body, expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {"categoryId"}


def test_the_month_figures_count_by_the_incomes_own_date(user):
    jar = user.jar(target=100)
    user.income(2_000, date=day_in(-1))
    [last, now] = user.get(f"/jars/{jar['id']}/months", query={"from": month_text(-1), "to": month_text()}).json
    assert (last["allocated"], now["allocated"], now["carried"]) == (2_000, 0, 2_000)
