"""Another household's ids answer like missing ones, in paths and in bodies, and nothing of theirs is seen or changed."""

import pytest

MISSING = 999_999_999


@pytest.fixture(scope="module")
def both(users):
    """Two users, and what belongs to the first (theirs) and the second (ours)."""
    owner, stranger = users.take(), users.take()
    return owner, stranger, things(owner), things(stranger)


def things(user):
    jar, spare = user.jar(target=100)["id"], user.jar()["id"]
    income = user.income(1_000_000)["id"]
    expense = user.expense(10_000, jarId=jar)["id"]
    user.post("/jars/transfer", {"fromJarId": jar, "toJarId": spare, "amount": 5}, expect=200)
    gone = user.expense(7)["id"]
    user.delete(f"/transactions/{gone}", expect=204)
    return {
        "jar": jar,
        "spare": spare,
        "income": income,
        "expense": expense,
        "gone": gone,
        "pay": user.category_of("income"),
        "food": user.category_of("expense"),
    }


def snapshot(user):
    return [
        user.get(path).text for path in ("/categories", "/jars", "/jars/unassigned", "/transactions", "/incomes", "/expenses")
    ]


def in_paths(t):
    """Requests whose path names somebody's thing; the bodies are those of the caller."""
    return [
        ("PUT", f"/categories/{t['food']}", {"name": "Chiếm", "type": "expense"}),
        ("DELETE", f"/categories/{t['food']}", None),
        ("PUT", f"/jars/{t['jar']}", {"name": "Chiếm"}),
        ("DELETE", f"/jars/{t['jar']}", None),
        ("GET", f"/jars/{t['jar']}/months", None),
        ("DELETE", f"/incomes/{t['income']}", None),
        ("DELETE", f"/expenses/{t['expense']}", None),
        ("GET", f"/transactions/{t['expense']}", None),
        ("DELETE", f"/transactions/{t['income']}", None),
        ("POST", f"/transactions/{t['gone']}/restore", None),
    ]


def in_bodies(ours, t):
    """Requests on one's own things whose body names somebody else's."""
    good = {"name": "A", "amount": 5}
    return [
        ("POST", "/incomes", {**good, "categoryId": t["pay"]}),
        ("POST", "/incomes", {**good, "categoryId": ours["pay"], "allocations": [{"jarId": t["jar"], "amount": 1}]}),
        (
            "POST",
            "/incomes",
            {
                **good,
                "categoryId": ours["pay"],
                "allocations": [{"jarId": ours["jar"], "amount": 1}, {"jarId": t["jar"], "amount": 1}],
            },
        ),
        ("PUT", f"/incomes/{ours['income']}", {**good, "categoryId": t["pay"]}),
        (
            "PUT",
            f"/incomes/{ours['income']}",
            {**good, "categoryId": ours["pay"], "allocations": [{"jarId": t["jar"], "amount": 1}]},
        ),
        ("POST", "/expenses", {**good, "categoryId": t["food"]}),
        ("POST", "/expenses", {**good, "categoryId": ours["food"], "jarId": t["jar"]}),
        ("PUT", f"/expenses/{ours['expense']}", {**good, "categoryId": t["food"]}),
        ("PUT", f"/expenses/{ours['expense']}", {**good, "categoryId": ours["food"], "jarId": t["jar"]}),
        ("PUT", f"/transactions/{ours['expense']}", {**good, "categoryId": t["food"]}),
        ("PUT", f"/transactions/{ours['expense']}", {**good, "categoryId": ours["food"], "jarId": t["jar"]}),
        ("POST", "/jars/transfer", {"fromJarId": t["jar"], "toJarId": ours["jar"], "amount": 1}),
        ("POST", "/jars/transfer", {"fromJarId": ours["jar"], "toJarId": t["jar"], "amount": 1}),
        ("POST", "/jars/transfer", {"fromJarId": None, "toJarId": t["jar"], "amount": 1}),
    ]


def writes_with_both(ours, t):
    return [
        ("PUT", f"/incomes/{t['income']}", {"name": "A", "amount": 5, "categoryId": ours["pay"]}),
        ("PUT", f"/expenses/{t['expense']}", {"name": "A", "amount": 5, "categoryId": ours["food"]}),
        ("PUT", f"/transactions/{t['expense']}", {"name": "A", "amount": 5, "categoryId": ours["food"]}),
    ]


def missing_like(t):
    return {name: MISSING for name in t}


def test_foreign_ids_answer_exactly_like_missing_ones(both):
    owner, stranger, theirs, ours = both
    before, own_before = snapshot(owner), snapshot(stranger)
    foreign = [*in_paths(theirs), *in_bodies(ours, theirs), *writes_with_both(ours, theirs)]
    none = missing_like(theirs)
    missing = [*in_paths(none), *in_bodies(ours, none), *writes_with_both(ours, none)]
    for (method, path, body), (_, other_path, other_body) in zip(foreign, missing, strict=True):
        answer = stranger.request(method, path, body, expect=404, code="not_found")
        like = stranger.request(method, other_path, other_body, expect=404, code="not_found")
        for field in ("type", "title", "message", "code"):
            assert answer.json[field] == like.json[field], (method, path)
        assert set(answer.json) == set(like.json), (method, path)
    assert snapshot(owner) == before
    assert snapshot(stranger) == own_before


def test_filters_by_foreign_ids_show_nothing(both):
    _, stranger, theirs, _ = both
    for query in ({"jarId": theirs["jar"]}, {"categoryId": theirs["food"]}):
        answer = stranger.request("GET", "/transactions", query=query)
        assert answer.status == 404 or answer.json == []


def test_lists_show_only_ones_own(both):
    owner, stranger, _, _ = both
    for path in ("/categories", "/jars", "/incomes", "/expenses", "/transactions"):
        ids = {row["id"] for row in stranger.get(path, query={"all": "true"} if path in ("/incomes", "/expenses") else None).json}
        assert not ids & {row["id"] for row in owner.get(path).json}, path


def test_without_a_session_everything_of_a_user_is_401(guest, both):
    _, _, theirs, ours = both
    for method, path, body in [
        *in_paths(theirs),
        *in_bodies(ours, theirs),
        ("GET", "/profile", None),
        ("GET", "/transactions", None),
        ("GET", "/jars", None),
    ]:
        guest.request(method, path, body, expect=401, code="unauthorized")
