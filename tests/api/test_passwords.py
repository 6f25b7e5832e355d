"""Forgotten passwords, links of mails, accounts registered by their address alone, and what older pages and plans answer."""

import concurrent.futures
import re

import pytest

from harness.client import random_address
from harness.limits import until_limited
from harness.users import PASSWORD, User, fresh_email, register

NEW = "mật khẩu hoàn toàn mới"


def from_anywhere(client):
    return client.with_(address=random_address())


def link_token(mail, page):
    found = re.search(rf"/{page}\?token=([\w-]+)", mail.text)
    assert found, f"no link to /{page} in the mail: {mail.text}"
    return found.group(1)


def mail_of(mailbox, address, page):
    return mailbox.wait(address, choose=lambda mail: f"/{page}?token=" in mail.text)[-1]


def forgot(user, mailbox):
    """Asks for a new password; the mail that comes."""
    from_anywhere(user).post("/forgot-password", {"email": user.email}, expect=200)
    return mail_of(mailbox, user.email, "reset-password")


# Forgotten passwords


def test_a_reset_by_code_changes_the_password_and_ends_every_session(user, mailbox):
    code = forgot(user, mailbox).code
    client = from_anywhere(user).with_(token=None)
    for _ in range(2):
        client.post("/verify-reset-otp", {"email": user.email, "otp": code}, expect=200)
    user.get("/profile")
    client.post("/reset-password", {"email": user.email, "otp": code, "newPassword": NEW}, expect=200)
    user.get("/profile", expect=401)
    client.post("/login", {"email": user.email, "password": user.password}, expect=400)
    client.post("/reset-password", {"email": user.email, "otp": code, "newPassword": PASSWORD}, expect=422)
    user.password = NEW
    user.sign_in()


def test_a_reset_by_link_works_once(user, mailbox):
    token = link_token(forgot(user, mailbox), "reset-password")
    client = from_anywhere(user).with_(token=None)
    client.get("/activate", expect=404, query={"token": token})
    client.post("/reset-password", {"token": token, "newPassword": NEW}, expect=200)
    client.post("/reset-password", {"token": token, "newPassword": PASSWORD}, expect=422, code="wrong_code")
    user.password = NEW
    user.sign_in()


def test_the_owner_hears_of_a_new_password(user, mailbox):
    code = forgot(user, mailbox).code
    before = len(mailbox.to(user.email))
    from_anywhere(user).post("/reset-password", {"email": user.email, "otp": code, "newPassword": NEW}, expect=200)
    told = mailbox.wait(user.email, before + 1)[-1]
    assert NEW not in told.text
    assert told.code is None


def test_a_reset_needs_a_token_or_an_address_with_its_code(guest):
    guest.invalid("POST", "/reset-password", {"newPassword": NEW}, "email", "otp")
    guest.invalid("POST", "/reset-password", {"newPassword": NEW, "email": fresh_email()}, "otp")
    guest.invalid("POST", "/reset-password", {"newPassword": "short", "token": "x"}, "newPassword")
    guest.post("/reset-password", {"newPassword": NEW, "token": "x"}, expect=422, code="wrong_code")


def test_an_activation_code_resets_no_password(stack, mailbox):
    user = register(stack)
    code = mailbox.code(user.email)
    user.post("/reset-password", {"email": user.email, "otp": code, "newPassword": NEW}, expect=422, code="wrong_code")


def test_asking_for_a_reset_answers_alike_for_known_and_unknown_addresses(user):
    known = from_anywhere(user).post("/forgot-password", {"email": user.email}, expect=200).json
    unknown = from_anywhere(user).post("/forgot-password", {"email": fresh_email()}, expect=200).json
    assert known == unknown
    wrong = from_anywhere(user).post("/verify-reset-otp", {"email": user.email, "otp": "abcdef"}, expect=422).json
    nobody = from_anywhere(user).post("/verify-reset-otp", {"email": fresh_email(), "otp": "abcdef"}, expect=422).json
    assert (wrong["code"], wrong["message"]) == (nobody["code"], nobody["message"])


def test_the_sixth_reset_of_one_account_in_a_minute_is_429(guest):
    until_limited(guest, "/forgot-password", {"email": fresh_email()}, 5)


# Links


def test_the_link_of_a_registration_activates_it_and_answers_the_same_again(stack, mailbox):
    user = register(stack)
    token = link_token(mail_of(mailbox, user.email, "activate"), "activate")
    assert user.request("HEAD", f"/activate?token={token}").body == b""
    user.post("/login", {"email": user.email, "password": user.password}, expect=403)
    first = user.get("/activate", query={"token": token})
    assert first.headers["Content-Type"].startswith("text/plain")
    assert user.get("/activate", query={"token": token}).text == first.text
    user.sign_in()


def test_a_link_is_worthless_ten_minutes_after_its_use(stack, mailbox, database):
    user = register(stack)
    token = link_token(mail_of(mailbox, user.email, "activate"), "activate")
    user.get("/activate", query={"token": token})
    database.run(
        "UPDATE otp_codes o JOIN users u ON u.id = o.user_id SET o.used_at = o.used_at - INTERVAL 601 SECOND WHERE u.email = %s",
        user.email,
    )
    user.get("/activate", expect=404, query={"token": token})


@pytest.mark.parametrize("query", [None, {"token": ""}, {"token": "x" * 43}, {"token": "a' OR '1'='1"}])
def test_a_link_that_opens_nothing_is_plain_text_too(guest, query):
    answer = guest.get("/activate", expect=404, query=query)
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert not answer.text.startswith("{")


def test_the_link_to_a_new_address_applies_it(user, mailbox):
    wanted = fresh_email("wanted")
    answer = user.put("/profile", {"fullName": "A", "email": wanted, "currentPassword": user.password})
    user.token = answer.json["token"]
    token = link_token(mail_of(mailbox, wanted, "activate"), "activate")
    user.get("/activate", query={"token": token})
    assert user.get("/profile").json["email"] == wanted
    user.email = wanted
    user.sign_in()


# Registered by the address alone


def test_a_profile_is_completed_once_after_activation(stack, mailbox):
    user = User(stack, fresh_email("mobile"), address=random_address())
    user.post("/register", {"email": user.email}, expect=201)
    body = {"email": user.email, "fullName": "Lê Văn Di Động", "password": PASSWORD}
    code = mailbox.code(user.email)
    user.put("/complete-profile", body, expect=422)
    user.post("/verify-activation", {"email": user.email, "otp": code}, expect=200)
    user.put("/complete-profile", body)
    refused = user.put("/complete-profile", {**body, "password": NEW}, expect=422).json
    unknown = user.put("/complete-profile", {**body, "email": fresh_email()}, expect=422).json
    assert (refused["code"], refused["message"]) == (unknown["code"], unknown["message"])
    user.sign_in()
    assert user.profile["fullName"] == "Lê Văn Di Động"


def test_a_profile_is_not_completed_later_than_a_quarter_of_an_hour(stack, mailbox, database):
    user = User(stack, fresh_email("late"), address=random_address())
    user.post("/register", {"email": user.email}, expect=201)
    user.post("/verify-activation", {"email": user.email, "otp": mailbox.code(user.email)}, expect=200)
    database.run("UPDATE users SET activated_at = activated_at - INTERVAL 901 SECOND WHERE email = %s", user.email)
    user.put("/complete-profile", {"email": user.email, "fullName": "A", "password": PASSWORD}, expect=422)


def test_two_completions_at_once_set_one_password(stack, mailbox):
    user = User(stack, fresh_email("twice"), address=random_address())
    user.post("/register", {"email": user.email}, expect=201)
    user.post("/verify-activation", {"email": user.email, "otp": mailbox.code(user.email)}, expect=200)
    bodies = [{"email": user.email, "fullName": "A", "password": password} for password in (PASSWORD, NEW)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        clients = [from_anywhere(user) for _ in bodies]
        answers = pool.map(
            lambda pair: pair[0].put("/complete-profile", pair[1], expect=None).status, zip(clients, bodies, strict=True)
        )
        assert sorted(answers) == [200, 422]


def test_only_a_registration_never_activated_can_be_cancelled(stack, user, database):
    pending = register(stack)
    for email in (pending.email, user.email, fresh_email()):
        from_anywhere(user).with_(token=None).post("/register/cancel", expect=200, query={"email": email})
    assert database.rows("SELECT id FROM users WHERE email = %s", pending.email) == []
    user.get("/profile")
    pending.post("/register/cancel", data="null", expect=200, query={"email": pending.email})


# The rest of the accounts' routes


@pytest.mark.parametrize("path", ["/complete-profile", "/reset-password?token=abc"])
def test_pages_of_older_mails_are_gone(guest, path):
    guest.get(path, expect=410, code="gone")


def test_google_is_told_as_not_configured(guest):
    guest.post("/auth/google", {"idToken": "x"}, expect=503, code="unavailable")
    guest.invalid("POST", "/auth/google", {}, "idToken")


def test_everybody_has_the_one_plan_and_pays_nothing(guest, user):
    assert guest.get("/subscription-plans").json[0]["subscriptionPlan"] == "PREMIUM"
    assert user.get("/payments").json == []
    guest.get("/payments", expect=401)
    assert user.put("/profile/subscription/auto-renew", {"enabled": True}).json == user.get("/profile").json
    user.invalid("PUT", "/profile/subscription/auto-renew", {}, "enabled")
