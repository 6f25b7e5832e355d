"""Codes by mail before a write: asked for, traded for an authorization, which allows one write of just those values."""

import concurrent.futures
from datetime import datetime, timedelta

import pytest

from harness import dates
from harness.wait import until

ASK = "/transactions/otp/request"
VERIFY = "/transactions/otp/verify"
TOKEN = "transactionAuthorizationToken"


def ask(user, **body):
    return user.post(ASK, body, expect=200).json


def code_of(mailbox, user, count=1):
    return mailbox.wait(user.email, count, choose=lambda mail: mail.code and "5 phút" in mail.text)[-1].code


def authorize(user, mailbox, **body):
    asked = ask(user, **body)
    return user.post(VERIFY, {"otpRequestId": asked["otpRequestId"], "otpCode": code_of(mailbox, user)}, expect=200).json


def refused(user, path, body):
    answer = user.post(path, body, expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {TOKEN}


def count(user):
    return len(user.get("/transactions").json)


def expense_of(user, **more):
    return {"name": "Ăn trưa", "categoryId": user.category_of("expense"), "amount": 50_000, **more}


def test_the_answer_says_where_the_code_went_and_how_long_it_lives(user):
    asked = ask(user, actionType="EXPENSE", amount=50_000)
    name, domain = user.email.split("@")
    assert asked["maskedEmail"] == f"{name[:2]}***@{domain}"
    assert asked["actionType"] == "EXPENSE"
    ends, again = (datetime.fromisoformat(asked[key]) for key in ("otpExpiresAt", "resendAvailableAt"))
    assert ends - again == timedelta(minutes=4)


def test_the_mail_says_what_the_code_is_for(user, mailbox):
    ask(user, actionType="INCOME", amount=1_500_000, name="Thưởng <Tết>")
    mail = mailbox.wait(user.email, choose=lambda mail: mail.code and "5 phút" in mail.text)[-1]
    assert "Thêm khoản thu" in mail.text and "1.500.000" in mail.text and "Thưởng <Tết>" in mail.text
    assert "Thưởng &lt;Tết&gt;" in mail.html


@pytest.mark.parametrize("kind, path", [("INCOME", "/incomes"), ("EXPENSE", "/expenses")])
def test_an_authorization_allows_one_write(user, mailbox, kind, path):
    body = {
        "name": "Đúng lời",
        "categoryId": user.category_of(kind.lower()),
        "amount": 120_000,
        "date": dates.day_in(0, 1),
        "note": "một\nhai",
    }
    made = authorize(user, mailbox, actionType=kind, **body)
    user.post(path, {**body, TOKEN: made[TOKEN]}, expect=201)
    refused(user, path, {**body, TOKEN: made[TOKEN]})
    assert count(user) == 1


@pytest.mark.parametrize("kind", ["income", "expense"])
def test_an_authorization_allows_one_deletion(user, mailbox, kind):
    first, second = (getattr(user, kind)(9_000)["id"] for _ in range(2))
    made = authorize(user, mailbox, actionType=f"DELETE_{kind.upper()}", **{f"{kind}Id": first})
    token = {TOKEN: made[TOKEN]}
    user.delete(f"/{kind}s/{second}", body=token, expect=422)
    user.delete(f"/{kind}s/{first}", body=token, expect=204)
    user.delete(f"/{kind}s/{second}", body=token, expect=422)
    assert [row["id"] for row in user.get("/transactions").json] == [second]
    user.delete(f"/{kind}s/{second}", expect=204)


def test_other_values_are_refused_and_do_not_use_it_up(user, mailbox):
    other = user.category("expense", "Khác nữa")["id"]
    body = expense_of(user, date=dates.day_in(0, 1), note="ghi")
    token = authorize(user, mailbox, actionType="EXPENSE", **body)[TOKEN]
    for change in (
        {"amount": 50_001},
        {"name": "Ăn tối"},
        {"categoryId": other},
        {"date": dates.day_in(-1, 1)},
        {"note": "khác"},
        {"note": None},
    ):
        refused(user, "/expenses", {**body, **change, TOKEN: token})
    refused(user, "/incomes", {**body, "categoryId": user.category_of("income"), TOKEN: token})
    assert count(user) == 0
    user.post("/expenses", {**body, TOKEN: token}, expect=201)


def test_what_the_request_did_not_name_is_free(user, mailbox):
    token = authorize(user, mailbox, actionType="EXPENSE", amount=50_000)[TOKEN]
    user.post("/expenses", expense_of(user, note="tự do", **{TOKEN: token}), expect=201)


def test_an_authorization_is_of_its_user(user, other, mailbox):
    token = authorize(user, mailbox, actionType="EXPENSE", amount=50_000)[TOKEN]
    refused(other, "/expenses", expense_of(other, **{TOKEN: token}))
    refused(user, "/expenses", expense_of(user, **{TOKEN: token[:-1] + ("A" if token[-1] != "A" else "B")}))
    user.post("/expenses", expense_of(user, **{TOKEN: token}), expect=201)


def test_no_authorization_allows_a_change(user, mailbox):
    token = authorize(user, mailbox, actionType="EXPENSE", amount=50_000)[TOKEN]
    made = user.expense(50_000)
    user.put(f"/expenses/{made['id']}", expense_of(user, **{TOKEN: token}), expect=422)


def test_twins_spend_it_once(user, mailbox):
    body = expense_of(user)
    body[TOKEN] = authorize(user, mailbox, actionType="EXPENSE", amount=50_000)[TOKEN]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: user.with_().post("/expenses", body), range(6)))
    assert sorted(answer.status for answer in answers) == [201] + [422] * 5
    assert count(user) == 1


def test_five_wrong_tries_void_the_code(user, mailbox):
    request = ask(user, actionType="EXPENSE", amount=50_000)["otpRequestId"]
    code = code_of(mailbox, user)
    for i in range(5):
        wrong = f"{(int(code) + 1 + i) % 1_000_000:06d}"
        user.post(VERIFY, {"otpRequestId": request, "otpCode": wrong}, expect=422, code="wrong_code")
    user.post(VERIFY, {"otpRequestId": request, "otpCode": code}, expect=422, code="wrong_code")


def test_guesses_at_the_same_time_count_each(user, mailbox, database):
    request = ask(user, actionType="EXPENSE", amount=50_000)["otpRequestId"]
    code = code_of(mailbox, user)
    guesses = [f"{(int(code) + 1 + i) % 1_000_000:06d}" for i in range(12)]
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda guess: user.with_().post(VERIFY, {"otpRequestId": request, "otpCode": guess}), guesses))
    assert {answer.status for answer in answers} == {422}
    assert database.one("SELECT tries FROM transaction_codes WHERE id = %s", request) == {"tries": 5}


def test_a_right_code_can_be_sent_again_and_the_last_authorization_counts(user, mailbox):
    request = ask(user, actionType="EXPENSE", amount=50_000)["otpRequestId"]
    body = {"otpRequestId": request, "otpCode": code_of(mailbox, user)}
    first, second = (user.post(VERIFY, body, expect=200).json[TOKEN] for _ in range(2))
    refused(user, "/expenses", expense_of(user, **{TOKEN: first}))
    user.post("/expenses", expense_of(user, **{TOKEN: second}), expect=201)
    user.post(VERIFY, body, expect=422, code="wrong_code")


def test_codes_and_authorizations_end(user, mailbox, database):
    request = ask(user, actionType="EXPENSE", amount=50_000)["otpRequestId"]
    body = {"otpRequestId": request, "otpCode": code_of(mailbox, user)}
    token = user.post(VERIFY, body, expect=200).json[TOKEN]
    database.run("UPDATE transaction_codes SET token_expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND WHERE id = %s", request)
    refused(user, "/expenses", expense_of(user, **{TOKEN: token}))
    database.run("UPDATE transaction_codes SET expires_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND WHERE id = %s", request)
    user.post(VERIFY, body, expect=422, code="wrong_code")


def test_the_next_code_of_an_action_waits_a_minute_unless_the_last_was_answered(user, mailbox, database):
    asked = ask(user, actionType="EXPENSE", amount=50_000)
    limited = user.post(ASK, {"actionType": "EXPENSE", "amount": 60_000}, expect=429, code="rate_limited")
    assert 0 < limited.json["retryAfterSeconds"] <= 60
    assert limited.headers["Retry-After"] == str(limited.json["retryAfterSeconds"])
    code = code_of(mailbox, user)
    database.run(
        "UPDATE transaction_codes SET requested_at = requested_at - INTERVAL 61 SECOND WHERE id = %s", asked["otpRequestId"]
    )
    again = ask(user, actionType="EXPENSE", amount=60_000)
    user.post(VERIFY, {"otpRequestId": asked["otpRequestId"], "otpCode": code}, expect=404)
    body = {"otpRequestId": again["otpRequestId"], "otpCode": code_of(mailbox, user, 2)}
    user.post(VERIFY, body, expect=200)
    ask(user, actionType="EXPENSE", amount=70_000)


def test_requests_that_cannot_be_meant(user, other):
    theirs = other.expense(5)["id"]
    user.invalid("POST", ASK, {}, "actionType")
    user.invalid("POST", ASK, {"actionType": "TRANSFER"}, "actionType")
    for action in ("INCOME", "EXPENSE", "SAVING_GOAL_CONTRIBUTION"):
        user.invalid("POST", ASK, {"actionType": action}, "amount")
        user.invalid("POST", ASK, {"actionType": action, "amount": 0}, "amount")
    user.invalid("POST", ASK, {"actionType": "DELETE_INCOME"}, "incomeId")
    user.invalid("POST", ASK, {"actionType": "DELETE_EXPENSE"}, "expenseId")
    user.invalid("POST", ASK, {"actionType": "SAVING_GOAL_CONTRIBUTION", "amount": 5}, "goalId")
    user.post(ASK, {"actionType": "SAVING_GOAL_CONTRIBUTION", "amount": 5, "goalId": 1}, expect=404)
    user.post(ASK, {"actionType": "DELETE_EXPENSE", "expenseId": theirs}, expect=404)
    user.post(ASK, {"actionType": "DELETE_INCOME", "incomeId": user.expense(5)["id"]}, expect=404)
    user.post(ASK, {"actionType": "EXPENSE", "amount": 5, "categoryId": other.category_of("expense")}, expect=404)


def test_codes_for_unknown_requests_are_404_never_401(user, other, mailbox):
    request = ask(user, actionType="EXPENSE", amount=50_000)["otpRequestId"]
    code = code_of(mailbox, user)
    other.post(VERIFY, {"otpRequestId": request, "otpCode": code}, expect=404)
    user.post(VERIFY, {"otpRequestId": "nobody's", "otpCode": code}, expect=404)
    user.post(VERIFY, {"otpRequestId": request[:-1] + ("0" if request[-1] != "0" else "1"), "otpCode": code}, expect=404)
    user.invalid("POST", VERIFY, {}, "otpRequestId", "otpCode")
    user.post(VERIFY, {"otpRequestId": request, "otpCode": code}, expect=200)


def test_no_code_lies_readable_in_the_database(user, mailbox, database):
    request = ask(user, actionType="EXPENSE", amount=50_000)["otpRequestId"]
    code = code_of(mailbox, user)
    token = user.post(VERIFY, {"otpRequestId": request, "otpCode": code}, expect=200).json[TOKEN]
    until(lambda: database.one("SELECT code_hash FROM transaction_codes WHERE id = %s", request)["code_hash"], what="the hash")
    row = database.one("SELECT * FROM transaction_codes WHERE id = %s", request)
    assert token not in map(str, row.values()) and code not in map(str, row.values())
