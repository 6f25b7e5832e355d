"""Every POST route that the program serves, asked twice with one Idempotency-Key: those that count it answer the same again
and change nothing; the others ignore it and answer anew."""

import subprocess
import uuid

import pytest

from harness.stack import ROOT
from harness.users import PASSWORD, fresh_email
from test_idempotency import DRIVERS, REPLAYED, state


def post_routes():
    """{path: True when its row counts the key}"""
    out = subprocess.run(
        [ROOT / "build/release/moneymanager-api", "--routes"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    rows = [line.split("\t") for line in out.splitlines()]
    return {row[1]: row[4] == "yes" for row in rows if row[0] == "POST"}


ROUTES = post_routes()
IGNORING = sorted(path for path, counts in ROUTES.items() if not counts)
CODE = {"otp": "000000"}

# Good bodies of the routes that ignore a key; another one is asked with an empty object.
BODIES = {
    "/login": lambda user: {"email": user.email, "password": user.password},
    "/register": lambda user: {"fullName": "Người mới", "email": fresh_email(), "password": PASSWORD},
    "/forgot-password": lambda user: {"email": user.email},
    "/otp/resend": lambda user: {"email": user.email},
    "/verify-activation": lambda user: {"email": user.email, **CODE},
    "/verify-reset-otp": lambda user: {"email": user.email, **CODE},
    "/reset-password": lambda user: {"email": user.email, "newPassword": PASSWORD, **CODE},
}


def test_each_route_that_counts_a_key_is_driven():
    assert {path for path, counts in ROUTES.items() if counts} == set(DRIVERS)


@pytest.mark.parametrize("route", sorted(DRIVERS))
def test_a_route_that_counts_the_key_works_once(user, route):
    path, body, _ = DRIVERS[route](user)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    first = user.post(path, body, headers=headers)
    after = state(user)
    again = user.post(path, body, headers=headers)
    assert first.status in (200, 201, 202) and (again.status, again.body) == (first.status, first.body)
    assert REPLAYED not in first.headers and again.headers[REPLAYED] == "true"
    assert state(user) == after


@pytest.mark.parametrize("route", IGNORING)
def test_a_route_that_ignores_the_key_answers_anew(user, route):
    body = BODIES.get(route, lambda user: {})(user)
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    path = route.replace("{id}", "999999999")
    answers = [user.post(path, body, headers=headers) for _ in range(2)]
    for answer in answers:
        assert answer.status < 500 and REPLAYED not in answer.headers
    if route == "/login":
        assert answers[0].json["token"] != answers[1].json["token"]
