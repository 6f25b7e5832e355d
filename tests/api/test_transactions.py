"""/transactions: all kinds in one list, keyset pages, concurrent edits, deletion and its undoing."""

import pytest

from harness.dates import day_in


def body_of(transaction, **changes):
    body = {name: transaction[name] for name in ("name", "categoryId", "amount", "date", "icon", "note", "jarId")}
    return {**body, **changes}


def etag_of(user, id):
    return user.get(f"/transactions/{id}").headers["ETag"]


@pytest.fixture(scope="module")
def ledger(users):
    """A user with a little of everything: ids by name."""
    user = users.take()
    pay = user.category("income", "Lương")["id"]
    food, fun = (user.category("expense", name)["id"] for name in ("Ăn uống", "Giải trí"))
    first, second = user.jar("Một", 100)["id"], user.jar("Hai", 0)["id"]
    made = {
        "pay": user.income(1_000_000, pay, "Lương chính", date=day_in(-2, 1))["id"],
        "gift": user.income(50_000, pay, "Quà 100%", date=day_in(-1, 2))["id"],
        "lunch": user.expense(45_000, food, "Bún chả", date=day_in(-1, 3), jarId=first)["id"],
        "cinema": user.expense(120_000, fun, "Xem phim", date=day_in(-1, 4), jarId=second)["id"],
        "dinner": user.expense(90_000, food, "Bún riêu_cua", date=day_in(-1, 4))["id"],
    }
    user.post("/jars/transfer", {"fromJarId": first, "toJarId": second, "amount": 10_000}, expect=200)
    made["move"] = user.get("/transactions", query={"kind": "transfer"}).json[0]["id"]
    return user, made, {"pay": pay, "food": food, "fun": fun, "first": first, "second": second}


def names_of(ledger, **query):
    user, made, _ = ledger
    by_id = {id: name for name, id in made.items()}
    return [by_id[t["id"]] for t in user.get("/transactions", query=query).json]


# Reading


def test_all_kinds_newest_first(ledger):
    assert names_of(ledger) == ["move", "dinner", "cinema", "lunch", "gift", "pay"]


def test_filters(ledger):
    _, _, ids = ledger
    assert names_of(ledger, kind="income") == ["gift", "pay"]
    assert names_of(ledger, kind="expense") == ["dinner", "cinema", "lunch"]
    assert names_of(ledger, kind="transfer") == ["move"]
    assert names_of(ledger, **{"from": day_in(-1, 3), "to": day_in(-1, 4)}) == ["dinner", "cinema", "lunch"]
    assert names_of(ledger, to=day_in(-1, 2)) == ["gift", "pay"]
    assert names_of(ledger, categoryId=ids["food"]) == ["dinner", "lunch"]
    assert names_of(ledger, minAmount=90_000, maxAmount=120_000) == ["dinner", "cinema"]
    assert names_of(ledger, minAmount=1_000_001) == []
    assert names_of(ledger, kind="expense", categoryId=ids["food"], minAmount=50_000) == ["dinner"]


def test_the_filter_by_jar(ledger):
    _, _, ids = ledger
    found = names_of(ledger, jarId=ids["second"])
    assert "cinema" in found
    assert set(found) <= {"cinema", "move"}
    assert names_of(ledger, jarId=ids["second"], kind="expense") == ["cinema"]


def test_the_keyword_is_plain_text_without_regard_to_case(ledger):
    assert names_of(ledger, keyword="bún") == ["dinner", "lunch"]
    assert names_of(ledger, keyword="LƯƠNG") == ["pay"]
    assert names_of(ledger, keyword="%") == ["gift"]
    assert names_of(ledger, keyword="_") == ["dinner"]
    assert names_of(ledger, keyword="\\") == []
    assert names_of(ledger, keyword="' OR 1=1 --") == []
    assert len(names_of(ledger, keyword="")) == 6


@pytest.mark.parametrize(
    "query, field",
    [
        ({"kind": "other"}, "kind"),
        ({"from": "2026-02-30"}, "from"),
        ({"to": "yesterday"}, "to"),
        ({"categoryId": "x"}, "categoryId"),
        ({"jarId": "1.5"}, "jarId"),
        ({"minAmount": "x"}, "minAmount"),
        ({"maxAmount": "1.5"}, "maxAmount"),
        ({"limit": 0}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
    ],
    ids=str,
)
def test_a_bad_query_is_422(ledger, query, field):
    answer = ledger[0].get("/transactions", query=query, expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {field}


def test_one_transaction_by_id(ledger):
    user, made, ids = ledger
    lunch = user.get(f"/transactions/{made['lunch']}").json
    assert (lunch["kind"], lunch["name"], lunch["amount"], lunch["jarId"], lunch["jarName"]) == (
        "expense",
        "Bún chả",
        45_000,
        ids["first"],
        "Một",
    )
    assert (lunch["categoryId"], lunch["categoryName"], lunch["deletedAt"]) == (ids["food"], "Ăn uống", None)
    move = user.get(f"/transactions/{made['move']}").json
    assert (move["fromJarId"], move["toJarId"], move["categoryId"]) == (ids["first"], ids["second"], None)
    user.get("/transactions/999999999", expect=404, code="not_found")


# Pages


def test_the_link_header_walks_through_everything_once(user):
    category = user.category_of("expense")
    made = [user.expense(100 + n, category, date=day_in(-1 - n % 3, 1 + n % 4))["id"] for n in range(23)]
    seen, pages, url = [], 0, user.stack.base + "/transactions?limit=5&kind=expense"
    while url:
        answer = user.request("GET", "", url=url, expect=200)
        assert 0 < len(answer.json) <= 5
        seen += answer.json
        pages += 1
        url = answer.next_link()
        url = user.stack.origin + url if url and url.startswith("/") else url
        if pages == 2:
            user.expense(999, category)  # a newer row must not shift what follows
    order = [(t["date"], t["id"]) for t in seen]
    assert order == sorted(order, reverse=True)
    assert sorted(t["id"] for t in seen) == sorted(made)
    assert pages == 5


def test_the_link_header_keeps_the_filters(user):
    category = user.category_of("expense")
    for n in range(4):
        user.expense(10, category, f"Cà phê {n}")
        user.expense(10, category, f"Trà {n}")
    answer = user.get("/transactions", query={"keyword": "cà phê", "limit": 3})
    url = answer.next_link()
    answer = user.request("GET", "", url=user.stack.origin + url if url.startswith("/") else url, expect=200)
    assert [t["name"] for t in answer.json] == ["Cà phê 0"]
    assert answer.next_link() is None


def test_a_full_last_page_has_no_next(user):
    for n in range(4):
        user.expense(10 + n)
    assert user.get("/transactions", query={"limit": 4}).next_link() is None
    assert user.get("/transactions", query={"limit": 3}).next_link()


def test_the_limit_is_at_most_200(user):
    answer = user.request("GET", "/transactions", query={"limit": 201})
    assert answer.status in (200, 422)
    user.get("/transactions", query={"limit": 200})


def test_a_cursor_of_another_user_shows_nothing_of_theirs(user, other):
    for n in range(3):
        user.expense(10 + n)
    url = user.get("/transactions", query={"limit": 1}).next_link()
    answer = other.request("GET", "", url=other.stack.origin + url if url.startswith("/") else url)
    assert answer.status == 422 or answer.json == []


# Concurrent edits


def test_an_edit_with_the_right_etag_is_done_and_gives_a_new_one(user):
    expense = user.expense(500)
    read = user.get(f"/transactions/{expense['id']}")
    first = read.headers["ETag"]
    assert first.startswith('"')
    answer = user.put(f"/transactions/{expense['id']}", body_of(read.json, amount=600), headers={"If-Match": first})
    assert answer.json["amount"] == 600
    assert answer.json["version"] > read.json["version"]
    assert answer.headers["ETag"] != first
    assert etag_of(user, expense["id"]) == answer.headers["ETag"]


@pytest.mark.parametrize("path", ["/transactions", "/expenses"])
def test_a_stale_etag_is_412_and_changes_nothing(user, path):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    stale = etag_of(user, expense["id"])
    read = user.get(f"/transactions/{expense['id']}").json
    user.put(f"{path}/{expense['id']}", body_of(read, amount=600), headers={"If-Match": stale})
    user.put(
        f"{path}/{expense['id']}", body_of(read, amount=700), headers={"If-Match": stale}, expect=412, code="version_conflict"
    )
    user.delete(f"{path}/{expense['id']}", headers={"If-Match": stale}, expect=412, code="version_conflict")
    assert user.balances() == {jar["id"]: -600}
    user.put(f"{path}/{expense['id']}", body_of(read, amount=800), headers={"If-Match": "*"})
    user.delete(f"{path}/{expense['id']}", headers={"If-Match": etag_of(user, expense["id"])}, expect=204)


def test_incomes_honour_if_match_too(user):
    income = user.income(1_000)
    stale = etag_of(user, income["id"])
    body = {"name": income["name"], "categoryId": income["categoryId"], "amount": 2_000}
    answer = user.put(f"/incomes/{income['id']}", body, headers={"If-Match": stale})
    assert answer.headers["ETag"] == etag_of(user, income["id"])
    user.put(f"/incomes/{income['id']}", body, headers={"If-Match": stale}, expect=412)
    user.delete(f"/incomes/{income['id']}", headers={"If-Match": stale}, expect=412)
    user.delete(f"/incomes/{income['id']}", headers={"If-Match": answer.headers["ETag"]}, expect=204)


@pytest.mark.parametrize("family", ["categories", "jars"])
def test_categories_and_jars_honour_if_match_too(user, family):
    body = {"categories": {"name": "Một", "type": "expense"}, "jars": {"name": "Một", "targetPercentage": 5}}[family]
    made = user.post(f"/{family}", body, expect=201)
    path, stale = f"/{family}/{made.json['id']}", made.headers["ETag"]
    changed = user.put(path, {**body, "name": "Hai"}, headers={"If-Match": stale})
    user.put(path, {**body, "name": "Ba"}, headers={"If-Match": stale}, expect=412, code="version_conflict")
    user.delete(path, headers={"If-Match": stale}, expect=412, code="version_conflict")
    assert [row["name"] for row in user.get(f"/{family}").json] == ["Hai"]
    assert user.delete(path, headers={"If-Match": f'"7", {changed.headers["ETag"]}'}).status in (200, 204)


def test_the_etag_of_a_compressed_answer_counts_too(user):
    expense = user.expense(500, note="Ghi chú " * 200)
    packed = user.get(f"/transactions/{expense['id']}", headers={"Accept-Encoding": "gzip"})
    assert packed.headers.get("Content-Encoding") == "gzip"
    body = {"name": "A", "categoryId": expense["categoryId"], "amount": 600}
    user.put(f"/transactions/{expense['id']}", body, headers={"If-Match": packed.headers["ETag"]})
    user.put(f"/transactions/{expense['id']}", body, headers={"If-Match": packed.headers["ETag"]}, expect=412)


def test_what_the_client_has_already_is_304(user):
    expense = user.expense(500)
    tag = etag_of(user, expense["id"])
    path = f"/transactions/{expense['id']}"
    same = user.request("GET", "", url=user.stack.base + path, headers={"If-None-Match": tag}, expect=304)
    assert (same.body, same.headers["ETag"]) == (b"", tag)
    user.get(path, headers={"If-None-Match": '"0"'})


def test_without_if_match_the_last_edit_wins(user):
    expense = user.expense(500)
    for amount in (600, 700):
        user.put(f"/transactions/{expense['id']}", {"name": "A", "categoryId": expense["categoryId"], "amount": amount})
    assert user.get(f"/transactions/{expense['id']}").json["amount"] == 700


# Editing


def test_an_expense_can_be_edited_here(user):
    first, second = user.jar(), user.jar()
    expense = user.expense(500, jarId=first["id"])
    answer = user.put(
        f"/transactions/{expense['id']}",
        {
            "name": "Khác",
            "categoryId": str(expense["categoryId"]),
            "amount": "650",
            "date": day_in(-1),
            "note": "n",
            "icon": "🎈",
            "jarId": second["id"],
        },
    )
    changed = answer.json
    assert (changed["name"], changed["amount"], changed["date"], changed["note"], changed["icon"], changed["jarId"]) == (
        "Khác",
        650,
        day_in(-1),
        "n",
        "🎈",
        second["id"],
    )
    assert user.balances() == {first["id"]: 0, second["id"]: -650}


def test_an_income_can_be_edited_here(user):
    jar = user.jar(target=50)
    income = user.income(1_000)
    user.put(f"/transactions/{income['id']}", {"name": "Lương", "categoryId": income["categoryId"], "amount": 3_000})
    assert (user.balances(), user.unassigned()) == ({jar["id"]: 1_500}, 1_500)


def test_unknown_fields_are_refused_here(user):
    expense = user.expense(500)
    user.invalid(
        "PUT",
        f"/transactions/{expense['id']}",
        {"name": "A", "categoryId": expense["categoryId"], "amount": 5, "splitExpense": True, "kind": "income"},
        "splitExpense",
        "kind",
    )
    assert user.get(f"/transactions/{expense['id']}").json["amount"] == 500


# Deletion and its undoing


def test_a_deleted_transaction_can_be_restored(user):
    jar = user.jar(target=100)
    user.income(10_000)
    expense = user.expense(4_000, jarId=jar["id"])
    before = user.jars()
    path = f"/transactions/{expense['id']}"
    user.delete(path, expect=204)
    assert user.balances() == {jar["id"]: 10_000}
    assert expense["id"] not in [t["id"] for t in user.get("/transactions").json]
    assert user.get("/expenses").json == []
    restored = user.post(f"{path}/restore", expect=200).json
    assert (restored["id"], restored["deletedAt"], restored["amount"]) == (expense["id"], None, 4_000)
    assert {id: j["current"] for id, j in user.jars().items()} == {id: j["current"] for id, j in before.items()}
    assert user.balances() == {jar["id"]: 6_000}
    assert [e["id"] for e in user.get("/expenses").json] == [expense["id"]]


def test_a_restored_income_fills_its_jars_again(user):
    income = user.income(1_000_000)
    before = user.balances()
    user.delete(f"/incomes/{income['id']}", expect=204)
    user.post(f"/transactions/{income['id']}/restore", expect=200)
    assert user.balances() == before
    [again] = user.get("/incomes").json
    assert {a["jarId"]: a["amount"] for a in again["allocations"]} == {a["jarId"]: a["amount"] for a in income["allocations"]}


def test_a_deleted_transfer_moves_the_money_back(user):
    first, second = user.jar(target=100), user.jar()
    user.income(1_000)
    user.post("/jars/transfer", {"fromJarId": first["id"], "toJarId": second["id"], "amount": 400}, expect=200)
    [move] = user.get("/transactions", query={"kind": "transfer"}).json
    user.delete(f"/transactions/{move['id']}", expect=204)
    assert user.balances() == {first["id"]: 1_000, second["id"]: 0}
    user.post(f"/transactions/{move['id']}/restore", expect=200)
    assert user.balances() == {first["id"]: 600, second["id"]: 400}


def test_only_a_deleted_transaction_can_be_restored(user):
    expense = user.expense(500)
    user.post(f"/transactions/{expense['id']}/restore", expect=404)
    user.post("/transactions/999999999/restore", expect=404)
    user.delete(f"/transactions/{expense['id']}", expect=204)
    user.post(f"/transactions/{expense['id']}/restore", expect=200)
    user.post(f"/transactions/{expense['id']}/restore", expect=404)
    assert user.unassigned() == -500


def test_a_deletion_older_than_30_days_stays(user, database):
    expense = user.expense(500)
    user.delete(f"/transactions/{expense['id']}", expect=204)
    changed = database.run("UPDATE transactions SET deleted_at = deleted_at - INTERVAL 31 DAY WHERE id = %s", expense["id"])
    assert changed == 1
    user.post(f"/transactions/{expense['id']}/restore", expect=404)
    database.run("UPDATE transactions SET deleted_at = deleted_at + INTERVAL 2 DAY WHERE id = %s", expense["id"])
    user.post(f"/transactions/{expense['id']}/restore", expect=200)


def test_a_deleted_transaction_cannot_be_edited(user):
    expense = user.expense(500)
    user.delete(f"/transactions/{expense['id']}", expect=204)
    body = {"name": "A", "categoryId": expense["categoryId"], "amount": 5}
    user.put(f"/transactions/{expense['id']}", body, expect=404)
    user.put(f"/expenses/{expense['id']}", body, expect=404)
    user.delete(f"/transactions/{expense['id']}", expect=404)


def test_an_expense_whose_jar_is_gone_is_restored_without_it(user):
    jar = user.jar()
    expense = user.expense(500, jarId=jar["id"])
    user.delete(f"/transactions/{expense['id']}", expect=204)
    user.delete(f"/jars/{jar['id']}", expect=200)
    restored = user.post(f"/transactions/{expense['id']}/restore", expect=200).json
    assert (restored["jarId"], restored["jarName"]) == (None, None)
    assert user.unassigned() == -500
