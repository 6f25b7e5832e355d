"""Registration, codes, login, sessions, profile, preferences."""

import base64
import concurrent.futures
import hashlib
import hmac
import json
import uuid

import pytest

from harness.client import Client, random_address
from harness.limits import until_limited
from harness.users import PASSWORD, fresh_email, register
from harness.wait import until


def from_anywhere(client):
    """The same client from another address, so that only the account's own rules count."""
    return client.with_(address=random_address())


def decode(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def encode(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


# Registration and activation


def test_the_whole_way_from_registration_to_the_first_login(guest, mailbox):
    email = fresh_email("way")
    body = {"fullName": "Trần Thị Bình", "email": email, "password": PASSWORD, "profileImageUrl": ""}
    answer = guest.post("/register", body, expect=201)
    assert answer.json["user"] == {"fullName": "Trần Thị Bình", "email": email, "profileImageUrl": None}
    guest.post("/login", {"email": email, "password": PASSWORD}, expect=403, code="not_activated")
    guest.post("/verify-activation", {"email": email, "otp": mailbox.code(email)}, expect=200)
    signed_in = guest.post("/login", {"email": email, "password": PASSWORD}, expect=200)
    assert signed_in.json["user"]["email"] == email
    assert signed_in.json["user"]["fullName"] == "Trần Thị Bình"


def test_registering_makes_exactly_one_mail_with_text_and_html(stack, mailbox):
    user = register(stack)
    mail = mailbox.wait(user.email)[0]
    assert mail.code in mail.html
    assert mail.message.get_content_type() == "multipart/alternative"
    assert len(mailbox.to(user.email)) == 1


def test_the_code_is_kept_hashed_and_stays_out_of_queue_and_ledger(stack, mailbox, database):
    user = register(stack)
    code = mailbox.code(user.email)
    for table in ("otp_codes", "outbox", "mail_ledger"):
        for row in database.rows(f"SELECT * FROM {table} ORDER BY 1 DESC LIMIT 50"):
            values = [str(value) for value in row.values() if isinstance(value, (str, bytes))]
            assert not any(value == code or f'"{code}"' in value for value in values), table


def test_an_address_is_compared_in_lower_case(guest, mailbox):
    email = fresh_email("Mixed.Case")
    guest.post("/register", {"fullName": "A", "email": f" {email.upper()} ", "password": PASSWORD}, expect=201)
    guest.post("/verify-activation", {"email": email.upper(), "otp": mailbox.code(email)}, expect=200)
    assert guest.post("/login", {"email": email, "password": PASSWORD}, expect=200).json["user"]["email"] == email.lower()


def test_the_e_mail_alone_is_enough_to_register(guest):
    answer = guest.post("/register", {"email": fresh_email()}, expect=201)
    assert answer.json["user"]["profileImageUrl"] is None


@pytest.mark.parametrize(
    "email",
    [
        "",
        "plain",
        "a@",
        "@b.test",
        "a b@c.test",
        "a@b@c.test",
        "a" * 250 + "@b.test",
        7,
        None,
        "a\n@b.test",
        "a@b.test\r\nBcc: x@y.test",
    ],
)
def test_a_bad_address_is_refused(guest, email):
    guest.invalid("POST", "/register", {"email": email, "password": PASSWORD}, "email")


@pytest.mark.parametrize("password", ["1234567", "x" * 129, 12345678.5, ["a"]])
def test_a_bad_password_is_refused(guest, password):
    guest.invalid("POST", "/register", {"email": fresh_email(), "password": password}, "password")


@pytest.mark.parametrize("password", ["12345678", "x" * 128, "ẩ" * 128, "  spaces  "])
def test_passwords_of_8_to_128_characters_work_as_sent(stack, mailbox, password):
    user = register(stack, password=password)
    user.post("/verify-activation", {"email": user.email, "otp": mailbox.code(user.email)}, expect=200)
    user.sign_in()
    if password != password.strip():
        user.post("/login", {"email": user.email, "password": password.strip()}, expect=400)


def test_all_bad_fields_of_a_registration_are_named_together(guest):
    guest.invalid(
        "POST", "/register", {"fullName": "x" * 256, "email": "no", "password": "short"}, "fullName", "email", "password"
    )


def test_a_wrong_code_and_an_unknown_address_get_one_answer(stack, mailbox):
    user = register(stack)
    right = mailbox.code(user.email)
    wrong = "000000" if right != "000000" else "111111"
    refused = user.post("/verify-activation", {"email": user.email, "otp": wrong}, expect=422).json
    unknown = user.post("/verify-activation", {"email": fresh_email(), "otp": wrong}, expect=422).json
    assert (refused["message"], refused["code"]) == (unknown["message"], unknown["code"])
    assert set(refused) == set(unknown)
    user.post("/verify-activation", {"email": user.email, "otp": right}, expect=200)


def test_a_code_works_once(stack, mailbox):
    user = register(stack)
    body = {"email": user.email, "otp": mailbox.code(user.email)}
    user.post("/verify-activation", body, expect=200)
    user.post("/verify-activation", body, expect=422)


def test_after_five_wrong_tries_the_right_code_is_worthless(stack, mailbox):
    user = register(stack)
    right = mailbox.code(user.email)
    for n in range(5):
        wrong = f"{(int(right) + 1 + n) % 1_000_000:06d}"
        from_anywhere(user).post("/verify-activation", {"email": user.email, "otp": wrong}, expect=422)
    from_anywhere(user).post("/verify-activation", {"email": user.email, "otp": right}, expect=422)


@pytest.mark.parametrize("otp", ["", "12345", "1234567", "abcdef", None, "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused(guest, otp):
    guest.post("/verify-activation", {"email": fresh_email(), "otp": otp}, expect=422)


def test_two_tries_at_once_use_a_code_once(stack, mailbox):
    user = register(stack)
    body = {"email": user.email, "otp": mailbox.code(user.email)}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        clients = [from_anywhere(user) for _ in range(4)]
        answers = list(pool.map(lambda client: client.post("/verify-activation", body).status, clients))
    assert sorted(answers) == [200, 422, 422, 422]


def test_a_code_is_valid_for_210_seconds(stack, mailbox, database):
    user = register(stack)
    body = {"email": user.email, "otp": mailbox.code(user.email)}
    row = until(lambda: otp_row(database, user)["expires_at"] and otp_row(database, user), what="the code's row")
    now = database.one("SELECT UTC_TIMESTAMP(3) AS now")["now"]
    assert 120 < (row["expires_at"] - now).total_seconds() <= 210
    database.run("UPDATE otp_codes SET expires_at = expires_at - INTERVAL 211 SECOND WHERE user_id = %s", row["user_id"])
    user.post("/verify-activation", body, expect=422)


# Codes again


def otp_row(database, user):
    return database.one(
        "SELECT o.* FROM otp_codes o JOIN users u ON u.id = o.user_id WHERE u.email = %s AND o.purpose = 'activate'", user.email
    )


def test_a_new_code_is_sent_after_180_seconds_and_voids_the_old_one(stack, mailbox, database):
    user = register(stack)
    old = mailbox.code(user.email)
    row = otp_row(database, user)
    from_anywhere(user).post("/otp/resend", {"email": user.email}, expect=200)
    assert otp_row(database, user)["event_id"] == row["event_id"]
    database.run("UPDATE otp_codes SET requested_at = requested_at - INTERVAL 181 SECOND WHERE user_id = %s", row["user_id"])
    from_anywhere(user).post("/otp/resend", {"email": user.email}, expect=200)
    new = mailbox.code(user.email, after=1)
    if new != old:
        from_anywhere(user).post("/verify-activation", {"email": user.email, "otp": old}, expect=422)
    from_anywhere(user).post("/verify-activation", {"email": user.email, "otp": new}, expect=200)
    assert len(mailbox.to(user.email)) == 2


def test_resend_answers_alike_for_known_and_unknown_addresses(stack):
    user = register(stack)
    known = from_anywhere(user).post("/otp/resend", {"email": user.email}, expect=200)
    unknown = from_anywhere(user).post("/otp/resend", {"email": fresh_email()}, expect=200)
    assert known.json == unknown.json


def test_the_fourth_resend_in_a_minute_is_429(guest):
    answer = until_limited(guest, "/otp/resend", {"email": fresh_email()}, 3)
    assert 1 <= answer.json["retryAfterSeconds"] <= 60


def test_registering_again_before_activation_replaces_the_data_and_voids_the_code(stack, mailbox, database):
    user = register(stack, name="Tên Cũ")
    old = mailbox.code(user.email)
    row = otp_row(database, user)
    database.run("UPDATE otp_codes SET requested_at = requested_at - INTERVAL 181 SECOND WHERE user_id = %s", row["user_id"])
    body = {"fullName": "Tên Mới", "email": user.email, "password": "mật khẩu khác"}
    from_anywhere(user).post("/register", body, expect=201)
    new = mailbox.code(user.email, after=1)
    if new != old:
        from_anywhere(user).post("/verify-activation", {"email": user.email, "otp": old}, expect=422)
    from_anywhere(user).post("/verify-activation", {"email": user.email, "otp": new}, expect=200)
    from_anywhere(user).post("/login", {"email": user.email, "password": user.password}, expect=400)
    user.password = "mật khẩu khác"
    user.sign_in()
    assert user.profile["fullName"] == "Tên Mới"


def test_registering_twice_at_once_makes_one_account(guest, database):
    body = {"fullName": "Song Sinh", "email": fresh_email(), "password": PASSWORD}
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        clients = [from_anywhere(guest) for _ in range(3)]
        assert set(pool.map(lambda client: client.post("/register", body).status, clients)) == {201}
    user = database.one("SELECT id FROM users WHERE email = %s", body["email"])
    database.one("SELECT household_id FROM household_members WHERE user_id = %s", user["id"])


# Enumeration


def test_registering_a_known_address_looks_the_same_and_changes_nothing(user, mailbox):
    body = {"fullName": "Kẻ Lạ", "email": user.email, "password": "another password"}
    known = from_anywhere(user).with_(token=None).post("/register", body, expect=201)
    unknown = from_anywhere(user).with_(token=None).post("/register", {**body, "email": fresh_email()}, expect=201)
    assert known.json["message"] == unknown.json["message"]
    assert known.json["user"] == {"fullName": "Kẻ Lạ", "email": user.email, "profileImageUrl": None}
    mailbox.wait(user.email, 2)
    user.sign_in()
    assert user.profile["fullName"] != "Kẻ Lạ"
    from_anywhere(user).post("/login", {"email": user.email, "password": "another password"}, expect=400)


def test_login_has_one_text_for_a_wrong_password_and_an_unknown_address(user, guest):
    wrong = guest.post(
        "/login", {"email": user.email, "password": "not the password"}, expect=400, code="invalid_credentials"
    ).json
    unknown = guest.post(
        "/login", {"email": fresh_email(), "password": "not the password"}, expect=400, code="invalid_credentials"
    ).json
    assert wrong["message"] == unknown["message"]
    assert set(wrong) == set(unknown)


def test_only_the_right_password_tells_that_an_account_is_not_activated(stack):
    user = register(stack)
    user.post("/login", {"email": user.email, "password": "not the password"}, expect=400, code="invalid_credentials")
    answer = user.post("/login", {"email": user.email, "password": PASSWORD}, expect=403, code="not_activated")
    assert answer.json["needsActivation"] is True
    assert answer.json["email"] == user.email


# Login and sessions


def test_login_gives_a_token_a_cookie_and_the_profile(user):
    answer = user.sign_in()
    cookie = next(c for c in answer.cookies if c.startswith("mm_token="))
    value, *attributes = [part.strip() for part in cookie.split(";")]
    assert value == f"mm_token={answer.json['token']}"
    attributes = {a.lower() for a in attributes}
    assert {"httponly", "secure", "samesite=none", "path=/", "max-age=36000"} <= attributes
    assert not any(a.startswith("domain=") for a in attributes)


def test_the_token_is_an_hs256_jwt_of_ten_hours(user):
    head, claims, _ = user.token.split(".")
    assert decode(head)["alg"] == "HS256"
    claims = decode(claims)
    assert claims["exp"] - claims["iat"] == 36000
    assert PASSWORD not in json.dumps(claims)


def test_each_login_is_a_session_of_its_own(user):
    first = user.token
    user.sign_in()
    assert user.token != first
    user.with_(token=first).get("/profile")


def test_logout_ends_this_session_and_no_other(user):
    first = user.with_()
    user.sign_in()
    answer = first.post("/logout", expect=200)
    cookie = next(c for c in answer.cookies if c.startswith("mm_token="))
    assert "max-age=0" in cookie.lower() or "expires=thu, 01 jan 1970" in cookie.lower()
    first.get("/profile", expect=401, code="unauthorized")
    user.get("/profile")


def test_logout_without_a_session_is_200(guest):
    guest.post("/logout", expect=200)
    guest.post("/logout", expect=200, headers={"Authorization": "Bearer nonsense"})


def test_logout_by_cookie_revokes_it(user):
    cookie = user.with_(token=None, headers={"Cookie": f"mm_token={user.token}", "Origin": user.stack.web_origin})
    cookie.post("/logout", expect=200)
    user.get("/profile", expect=401)


def signed(stack, header, claims, secret=None):
    kid, _, key = stack.env["JWT_KEYS"].split(",")[0].partition(":")
    text = f"{encode({'kid': kid, **header})}.{encode(claims)}"
    return f"{text}.{encode(hmac.new((secret or key).encode(), text.encode(), hashlib.sha256).digest())}"


def test_a_token_made_by_the_right_key_shows_that_the_forger_below_works(user):
    claims = decode(user.token.split(".")[1])
    user.with_(token=signed(user.stack, decode(user.token.split(".")[0]), claims)).get("/profile")


FORGERIES = {
    "expired": (lambda c: c.update(iat=c["iat"] - 40000, exp=c["iat"] - 4000), {}, None),
    "another secret": (lambda c: None, {}, "x" * 64),
    "unknown key id": (lambda c: None, {"kid": "nobody"}, None),
    "unknown session": (lambda c: c.update(sid=str(uuid.uuid4())), {}, None),
    "no expiry": (lambda c: c.pop("exp"), {}, None),
    "no session": (lambda c: c.pop("sid"), {}, None),
    "another algorithm": (lambda c: None, {"alg": "HS512"}, None),
    "a public-key algorithm": (lambda c: None, {"alg": "RS256"}, None),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_token_is_401(user, name):
    change, header, secret = FORGERIES[name]
    claims = decode(user.token.split(".")[1])
    change(claims)
    token = signed(user.stack, {**decode(user.token.split(".")[0]), **header}, claims, secret)
    user.with_(token=token).get("/profile", expect=401, code="unauthorized")


def test_the_session_of_another_user_does_not_fit(user, other):
    claims = {**decode(user.token.split(".")[1]), "sub": decode(other.token.split(".")[1])["sub"]}
    user.with_(token=signed(user.stack, {"alg": "HS256", "typ": "JWT"}, claims)).get("/profile", expect=401)


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE"])
@pytest.mark.parametrize("keep_signature", [False, True])
def test_alg_none_is_401(lasting, alg, keep_signature):
    head, claims, signature = lasting.token.split(".")
    forged = f"{encode({**decode(head), 'alg': alg})}.{claims}.{signature if keep_signature else ''}"
    lasting.with_(token=forged).get("/profile", expect=401, code="unauthorized")


def test_a_changed_token_is_401(lasting):
    head, claims, signature = lasting.token.split(".")
    changed = {**decode(claims), "role": "admin"}
    for token in (
        f"{head}.{encode(changed)}.{signature}",
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}",
        f"{head}.{claims}.",
        f"{head}.{claims}.{signature}.x",
        lasting.token + "x",
    ):
        lasting.with_(token=token).get("/profile", expect=401, code="unauthorized")


# Limits


def test_the_sixth_login_of_one_account_in_a_minute_is_429(user, guest):
    body = {"email": user.email, "password": "not the password"}
    answer = until_limited(guest, "/login", body, 5, otherwise=400)
    assert 1 <= answer.json["retryAfterSeconds"] <= 60
    upper = {**body, "email": body["email"].upper()}
    assert until_limited(guest, "/login", upper, 0, otherwise=400, at_most=3)
    from_anywhere(guest).post("/login", {"email": user.email, "password": user.password}, expect=200)


def test_the_sixth_registration_of_one_address_in_a_minute_is_429(guest):
    until_limited(guest, "/register", {"email": fresh_email(), "password": PASSWORD}, 5, otherwise=201)


def test_one_address_may_not_try_many_accounts(guest):
    until_limited(guest, "/verify-activation", lambda: {"email": fresh_email(), "otp": "123456"}, 60, otherwise=422, at_most=300)


# Profile


def test_the_profile_has_all_its_fields(user):
    profile = user.get("/profile").json
    assert profile["email"] == user.email
    assert profile["role"] == "user"
    assert profile["autoRenew"] is False
    assert profile == user.sign_in().json["user"]


def test_the_name_and_picture_can_be_changed(user):
    url = "https://pictures.example.test/a.png"
    answer = user.put(
        "/profile", {"fullName": "Tên Mới", "email": user.email, "profileImageUrl": url, "currentPassword": "", "newPassword": ""}
    )
    assert answer.json["user"]["fullName"] == "Tên Mới"
    assert answer.json["user"]["profileImageUrl"] == url
    assert any(c.startswith("mm_token=") for c in answer.cookies)
    user.with_(token=answer.json["token"]).get("/profile")
    fresh = user.with_(token=answer.json["token"])
    assert (
        fresh.put("/profile", {"fullName": "Tên Mới", "email": user.email, "profileImageUrl": ""}).json["user"]["profileImageUrl"]
        is None
    )


def test_a_change_of_password_ends_the_other_sessions_at_once(user):
    old = user.token
    elsewhere = user.with_(token=user.sign_in().json["token"])
    answer = user.put(
        "/profile", {"fullName": "A", "email": user.email, "currentPassword": user.password, "newPassword": "mật khẩu mới"}
    )
    elsewhere.with_(token=old).get("/profile", expect=401)
    user.with_(token=answer.json["token"]).get("/profile")
    from_anywhere(user).post(
        "/login", {"email": user.email, "password": user.password}, expect=400, headers={"Authorization": None}
    )
    user.password = "mật khẩu mới"
    user.sign_in()


def test_the_present_password_guards_a_new_one(user):
    body = {"fullName": "A", "email": user.email, "newPassword": "mật khẩu mới"}
    user.invalid("PUT", "/profile", {**body, "currentPassword": "not the password"}, "currentPassword")
    user.invalid("PUT", "/profile", body, "currentPassword")
    user.invalid("PUT", "/profile", {**body, "currentPassword": user.password, "newPassword": "short"}, "newPassword")
    user.get("/profile")
    user.sign_in()


def test_a_new_address_applies_only_after_its_link_is_opened(user, other):
    wanted = fresh_email("new")
    user.invalid("PUT", "/profile", {"fullName": "A", "email": wanted}, "currentPassword")
    for email in (wanted, other.email):
        answer = user.put("/profile", {"fullName": "A", "email": email, "currentPassword": user.password}).json
        assert answer["user"]["email"] == user.email
        assert email in (answer.get("pendingEmail"), answer["user"].get("pendingEmail"))
        user.token = answer["token"]
    assert user.get("/profile").json["email"] == user.email


def test_bad_fields_of_a_profile(user):
    user.invalid(
        "PUT", "/profile", {"fullName": " ", "email": "no", "profileImageUrl": "x" * 501}, "fullName", "email", "profileImageUrl"
    )


# Preferences


def test_preferences_start_with_vietnamese_and_the_general_amount(user):
    assert user.get("/profile/preferences").json == {"language": "vi", "largeTransactionAmount": None}


def test_preferences_are_kept(user):
    wanted = {"language": "en", "largeTransactionAmount": 250000}
    assert user.put("/profile/preferences", wanted).json == wanted
    assert user.get("/profile/preferences").json == wanted
    assert (
        user.put("/profile/preferences", {"language": "vi", "largeTransactionAmount": None}).json["largeTransactionAmount"]
        is None
    )


def test_bad_preferences_are_named_together(user):
    user.invalid(
        "PUT", "/profile/preferences", {"language": "fr", "largeTransactionAmount": -1}, "language", "largeTransactionAmount"
    )
    user.invalid("PUT", "/profile/preferences", {"language": "vi", "largeTransactionAmount": 0}, "largeTransactionAmount")


def test_preferences_refuse_unknown_fields(user):
    user.invalid("PUT", "/profile/preferences", {"language": "vi", "colour": "red"}, "colour")
    assert user.get("/profile/preferences").json["language"] == "vi"


def test_a_new_user_starts_with_nothing(user):
    for path in ("/categories", "/jars", "/incomes", "/expenses", "/transactions"):
        assert user.get(path).json == [], path
    assert user.unassigned() == 0


def test_clients_may_name_their_platform(stack, user):
    for platform in ("mobile", "web", "x" * 300):
        Client(stack, user.token).get("/profile", headers={"X-Client-Platform": platform})
