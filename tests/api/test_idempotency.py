"""Idempotency-Key: a repeat gives the first answer again and does nothing twice."""

import concurrent.futures
import uuid

import pytest

from harness import openapi

REPLAYED = "Idempotency-Replayed"


def key():
    return {"Idempotency-Key": uuid.uuid4().hex}


def statement(user):
    content = "Ngày;Số tiền;Nội dung\n28/03/2026;-45.000;Cà phê\n".encode()
    return user.upload("/imports", content, name="a.csv", expect=201).json["id"]


def deleted_expense(user):
    id = user.expense(5)["id"]
    user.delete(f"/transactions/{id}", expect=204)
    return id


# How each route with a key is driven: a function that prepares, and gives path and two different good bodies.
DRIVERS = {
    "/categories": lambda user: ("/categories", {"name": "Một", "type": "expense"}, {"name": "Hai", "type": "expense"}),
    "/jars": lambda user: ("/jars", {"name": "Một", "targetPercentage": 5}, {"name": "Hai", "targetPercentage": 5}),
    "/jars/bulk": lambda user: (
        "/jars/bulk",
        [{"name": "Một", "targetPercentage": 100}],
        [{"name": "Hai", "targetPercentage": 100}],
    ),
    "/jars/transfer": lambda user: transfer_bodies(user),
    "/incomes": lambda user: (
        "/incomes",
        *({"name": "A", "categoryId": user.category_of("income"), "amount": n} for n in (100, 200)),
    ),
    "/expenses": lambda user: (
        "/expenses",
        *({"name": "A", "categoryId": user.category_of("expense"), "amount": n} for n in (100, 200)),
    ),
    "/expenses/import-receipt/confirm": lambda user: (
        "/expenses/import-receipt/confirm",
        *({"merchant": "Quán", "items": [{"name": "A", "amount": n}, {"name": "B", "amount": n}]} for n in (100, 200)),
    ),
    "/ai/confirm-action": lambda user: (
        "/ai/confirm-action",
        *(
            {
                "intent": "CREATE_EXPENSE",
                "extractedData": {"name": "A", "amount": n, "categoryName": user.category("expense", f"Ăn {n}")["name"]},
            }
            for n in (100, 200)
        ),
    ),
    "/exports": lambda user: ("/exports", *({"kind": kind, "format": "csv"} for kind in ("income", "expense"))),
    "/email/income-excel": lambda user: ("/email/income-excel", {}, {"all": True}),
    "/email/expense-excel": lambda user: ("/email/expense-excel", {}, {"all": True}),
    "/transactions/otp/request": lambda user: (
        "/transactions/otp/request",
        {"actionType": "INCOME", "amount": 100},
        {"actionType": "EXPENSE", "amount": 100},
    ),
    "/import-rules": lambda user: ("/import-rules", {"pattern": "ca phe", "name": "A"}, {"pattern": "ca phe", "name": "B"}),
    "/import-rules/apply": lambda user: ("/import-rules/apply", {}, {"from": "2026-01-01"}),
    "/imports/{id}/confirm": lambda user: (f"/imports/{statement(user)}/confirm", None, None),
    "/transactions/{id}/restore": lambda user: (f"/transactions/{deleted_expense(user)}/restore", None, None),
}


def transfer_bodies(user):
    first, second = user.jar(target=100)["id"], user.jar()["id"]
    user.income(1_000)
    return ("/jars/transfer", *({"fromJarId": first, "toJarId": second, "amount": n} for n in (100, 200)))


def state(user):
    return [user.get(path).json for path in ("/categories", "/jars", "/jars/unassigned", "/transactions")]


def documented():
    return {
        path
        for method, path, operation in openapi.operations()
        if method == "POST" and any(p["name"] == "Idempotency-Key" for p in openapi.parameters(path, operation))
    }


def test_every_route_with_a_key_is_driven_here():
    assert documented() == set(DRIVERS)


@pytest.mark.parametrize("route", DRIVERS)
def test_a_repeat_gives_the_first_answer_and_changes_nothing(user, route):
    path, body, _ = DRIVERS[route](user)
    headers = key()
    first = user.post(path, body, headers=headers)
    assert first.status in (200, 201, 202)
    assert REPLAYED not in first.headers
    after = state(user)
    for _ in range(2):
        again = user.post(path, body, headers=headers)
        assert (again.status, again.json) == (first.status, first.json)
        assert again.headers[REPLAYED] == "true"
        assert again.headers.get("Location") == first.headers.get("Location")
        assert again.headers.get("ETag") == first.headers.get("ETag")
        assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert state(user) == after


@pytest.mark.parametrize("route", [route for route in DRIVERS if "{id}" not in route])
def test_another_body_with_the_same_key_is_422(user, route):
    path, body, another = DRIVERS[route](user)
    headers = key()
    user.post(path, body, headers=headers)
    after = state(user)
    user.post(path, another, headers=headers, expect=422, code="idempotency_mismatch")
    assert state(user) == after


@pytest.mark.parametrize("route", [route for route in DRIVERS if "{id}" not in route])
def test_another_key_is_another_request(user, route):
    path, body, another = DRIVERS[route](user)
    first = user.post(path, body, headers=key())
    second = user.post(path, another, headers=key())
    assert (first.status, second.status) in ((200, 200), (201, 201), (202, 202))
    assert REPLAYED not in second.headers


def test_without_a_key_each_request_counts(user):
    path, body, _ = DRIVERS["/expenses"](user)
    assert user.post(path, body, expect=201).json["id"] != user.post(path, body, expect=201).json["id"]


def test_twins_at_the_same_time_do_the_work_once(user):
    path, body, _ = DRIVERS["/expenses"](user)
    headers = key()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: user.with_().post(path, body, headers=headers), range(8)))
    done = [answer for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.json["id"] for answer in done}) == 1
    assert sum(REPLAYED not in answer.headers for answer in done) == 1
    assert len(user.get("/expenses").json) == 1


def test_a_refused_request_does_not_use_its_key_up(user):
    path, body, _ = DRIVERS["/expenses"](user)
    headers = key()
    user.post(path, {**body, "amount": 0}, headers=headers, expect=422, code="validation_failed")
    user.post(path, {**body, "categoryId": 999_999_999}, headers=headers, expect=404)
    assert REPLAYED not in user.post(path, body, headers=headers, expect=201).headers


def test_a_key_belongs_to_its_user(user, other):
    headers = key()
    user.post("/categories", {"name": "Một", "type": "expense"}, headers=headers, expect=201)
    answer = other.post("/categories", {"name": "Hai", "type": "expense"}, headers=headers, expect=201)
    assert answer.json["profileId"] == other.id
    assert REPLAYED not in answer.headers


def test_a_key_belongs_to_its_route(user):
    headers = key()
    user.post("/categories", {"name": "Một", "type": "expense"}, headers=headers, expect=201)
    assert REPLAYED not in user.post("/jars", {"name": "Một", "targetPercentage": 5}, headers=headers, expect=201).headers


def test_a_key_counts_after_a_new_login(user):
    path, body, _ = DRIVERS["/expenses"](user)
    headers = key()
    first = user.post(path, body, headers=headers, expect=201)
    user.sign_in()
    assert user.post(path, body, headers=headers, expect=201).json == first.json


def test_a_key_has_at_most_255_characters(user):
    path, body, _ = DRIVERS["/expenses"](user)
    user.post(path, body, headers={"Idempotency-Key": "k" * 255}, expect=201)
    assert user.post(path, body, headers={"Idempotency-Key": "k" * 256}).status in (400, 422)
    assert len(user.get("/expenses").json) == 1


def test_keys_differ_in_case(user):
    path, body, _ = DRIVERS["/expenses"](user)
    first, second = (user.post(path, body, headers={"Idempotency-Key": name}, expect=201).json["id"] for name in ("aB", "Ab"))
    assert first != second


def test_login_ignores_a_key(user):
    body = {"email": user.email, "password": user.password}
    headers = key()
    first = user.post("/login", body, headers=headers, expect=200)
    second = user.post("/login", body, headers=headers, expect=200)
    assert first.json["token"] != second.json["token"]
    assert REPLAYED not in second.headers
