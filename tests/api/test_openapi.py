"""docs/openapi.yaml says what the program serves: no route more, none less, and answers as documented to whatever is sent."""

import re
import subprocess

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from openapi_spec_validator import validate

from harness import openapi
from harness.client import Answer, check_problem
from harness.stack import ROOT

SLOW_OR_ENDING_SESSIONS = (
    r"^/(login|logout|register|register/cancel|activate|verify-activation|otp/resend|complete-profile|forgot-password"
    r"|verify-reset-otp|reset-password|auth/google|profile)$"
)
fuzzed = schemathesis.openapi.from_path(str(ROOT / "docs/openapi.yaml")).exclude(path_regex=SLOW_OR_ENDING_SESSIONS)


@pytest.fixture(scope="module")
def served():
    """{(METHOD, path): the other columns} as the program prints its routes."""
    done = subprocess.run(
        [ROOT / "build/release/moneymanager-api", "--routes"], capture_output=True, text=True, check=True, timeout=30
    )
    rows = [line.split("\t") for line in done.stdout.splitlines() if line.strip()]
    return {(row[0], row[1]): row[2:] for row in rows if row[0] not in ("HEAD", "OPTIONS")}


def plain(path):
    """A path with its parameters unnamed, for they have no names in the table of routes."""
    return re.sub(r"\{\w+\}", "{}", path)


def test_the_document_is_valid():
    validate(openapi.document())


def test_every_route_is_documented_and_every_documented_route_is_served(served):
    documented = {(method, plain(path)) for method, path, _ in openapi.operations()}
    routes = {(method, plain(path)) for method, path in served}
    assert sorted(routes - documented) == [], "served, but not documented"
    assert sorted(documented - routes) == [], "documented, but not served"


def test_who_may_call_is_documented(served):
    columns = {(method, plain(path)): rest for (method, path), rest in served.items()}
    for method, path, operation in openapi.operations():
        public = operation.get("security") == []
        assert (columns[method, plain(path)][0] == "public") == public, f"{method} {path}"
        assert public == ("401" not in operation["responses"]), f"{method} {path}: 401"


def test_where_an_idempotency_key_counts_is_documented(served):
    counts = {(method, plain(path)) for (method, path), rest in served.items() if rest[2] == "yes"}
    documented = {
        (method, plain(path))
        for method, path, operation in openapi.operations()
        if any(p["name"] == "Idempotency-Key" for p in openapi.parameters(path, operation))
    }
    assert counts == documented


def test_operations_are_named_once():
    names = [operation["operationId"] for _, _, operation in openapi.operations()]
    assert len(names) == len(set(names))


def test_every_reference_is_used():
    text = (ROOT / "docs/openapi.yaml").read_text(encoding="utf-8")
    for kind, entries in openapi.document()["components"].items():
        if kind != "securitySchemes":
            for name in entries:
                assert f'#/components/{kind}/{name}"' in text, f"{kind}/{name} is used nowhere"


@fuzzed.parametrize()
@settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_any_request_gets_a_documented_answer(case, lasting):
    sent = case.as_transport_kwargs(base_url=lasting.stack.base)
    headers = {
        name: value
        for name, value in dict(sent.pop("headers", {}) or {}).items()
        if name.lower() not in ("authorization", "cookie")
    }
    sent.pop("cookies", None)
    headers |= {"Authorization": f"Bearer {lasting.token}", "X-Forwarded-For": lasting.address}
    answer = Answer(lasting.session.request(**sent, headers=headers, timeout=30))
    assert answer.status < 500, f"{case.method} {case.path}: {answer!r}"
    if answer.status >= 400:
        check_problem(answer)
    openapi.check(case.method.upper(), case.path.replace("{id}", "1").replace("{type}", "income"), answer)
