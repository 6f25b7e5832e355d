"""Categories."""

import pytest

from harness.dates import day_in


def test_a_category_is_made_listed_changed_and_deleted(user):
    answer = user.post("/categories", {"name": "Ăn uống", "type": "expense", "icon": "🍜"}, expect=201)
    made = answer.json
    assert (made["name"], made["type"], made["icon"], made["profileId"]) == ("Ăn uống", "expense", "🍜", user.id)
    assert answer.headers["Location"].endswith(f"/categories/{made['id']}")
    assert user.get("/categories").json == [made]
    changed = user.put(f"/categories/{made['id']}", {"name": "Ăn ngoài", "type": "expense", "icon": ""}).json
    assert (changed["id"], changed["name"], changed["icon"]) == (made["id"], "Ăn ngoài", None)
    assert user.get("/categories").json == [changed]
    assert user.delete(f"/categories/{made['id']}", expect=204).body == b""
    assert user.get("/categories").json == []
    user.delete(f"/categories/{made['id']}", expect=404)


def test_categories_are_listed_in_order_of_creation_and_by_type(user):
    made = [user.category(type, f"Z{9 - n}") for n, type in enumerate(["expense", "income", "expense", "income"])]
    assert [c["id"] for c in user.get("/categories").json] == [c["id"] for c in made]
    assert [c["id"] for c in user.get("/categories/type/income").json] == [made[1]["id"], made[3]["id"]]
    assert [c["id"] for c in user.get("/categories/type/expense").json] == [made[0]["id"], made[2]["id"]]


@pytest.mark.parametrize("type", ["other", "INCOME", "1"])
def test_another_type_is_422(lasting, type):
    lasting.request("GET", f"/categories/type/{type}", expect=422, code="validation_failed")


def test_a_name_is_used_once_in_each_type(user):
    user.category("expense", "Quà")
    user.post("/categories", {"name": " Quà ", "type": "expense"}, expect=409, code="name_in_use")
    user.category("income", "Quà")
    another = user.category("expense", "Khác")
    user.put(f"/categories/{another['id']}", {"name": "Quà", "type": "expense"}, expect=409, code="name_in_use")
    user.put(f"/categories/{another['id']}", {"name": "Khác", "type": "expense"})


def test_a_name_of_another_household_is_free(user, other):
    user.category("expense", "Chợ")
    other.category("expense", "Chợ")


def test_the_type_stays_while_transactions_exist(user):
    category = user.category("expense", "Xe")
    user.put(f"/categories/{category['id']}", {"name": "Xe", "type": "income"})
    user.put(f"/categories/{category['id']}", {"name": "Xe", "type": "expense"})
    user.expense(1000, category["id"])
    user.put(f"/categories/{category['id']}", {"name": "Xe", "type": "income"}, expect=409, code="category_in_use")
    user.put(f"/categories/{category['id']}", {"name": "Xe cộ", "type": "expense"})
    assert user.get("/expenses").json[0]["categoryName"] == "Xe cộ"


def test_a_deleted_category_takes_its_transactions_and_puts_the_jars_right(user):
    jar = user.jar(target=100)
    pay, gift = user.category("income"), user.category("income")
    food, fun = user.category("expense"), user.category("expense")
    user.income(1_000_000, pay["id"])
    user.income(500_000, gift["id"], date=day_in(-1))
    user.expense(300_000, food["id"], jarId=jar["id"])
    user.expense(50_000, fun["id"], jarId=jar["id"])
    assert user.balances() == {jar["id"]: 1_150_000}
    user.delete(f"/categories/{food['id']}", expect=204)
    assert user.balances() == {jar["id"]: 1_450_000}
    assert [e["categoryId"] for e in user.get("/expenses", query={"all": "true"}).json] == [fun["id"]]
    user.delete(f"/categories/{gift['id']}", expect=204)
    assert user.balances() == {jar["id"]: 950_000}
    current = user.jars()[jar["id"]]["current"]
    assert (current["carried"], current["allocated"], current["spent"], current["available"]) == (0, 1_000_000, 50_000, 950_000)
    assert user.unassigned() == 0
    assert len(user.get("/incomes", query={"all": "true"}).json) == 1


def test_a_change_is_seen_in_the_next_read_and_by_nobody_else(user, other):
    other.get("/categories")
    for n in range(8):
        made = user.category("expense", f"Nhanh {n}")
        assert user.get("/categories").json[-1] == made
        user.put(f"/categories/{made['id']}", {"name": f"Đổi {n}", "type": "expense"})
        assert user.get("/categories/type/expense").json[-1]["name"] == f"Đổi {n}"
    assert other.get("/categories").json == []


def test_missing_and_bad_fields_are_named_together(lasting):
    lasting.invalid("POST", "/categories", {}, "name", "type")
    lasting.invalid("POST", "/categories", {"name": " ", "type": "EXPENSE", "icon": "x" * 501}, "name", "type", "icon")
    lasting.invalid("POST", "/categories", {"name": ["x"], "type": 1}, "name", "type")
