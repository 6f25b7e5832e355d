"""The HTTP client of the tests. Each client comes from an address of its own, so that no test uses up another's rate limits."""

import json as jsonlib
import random
from decimal import Decimal

import requests
import urllib3.filepost

from harness import openapi

_random = random.SystemRandom()
PROBLEM = "application/problem+json"
PLAIN_TEXT_PATH = "/activate"  # a client puts its body straight on the page, refusals too


def random_address():
    return f"10.{_random.randrange(256)}.{_random.randrange(256)}.{_random.randrange(1, 255)}"


class Raw(str):
    """A number written into a JSON body exactly as it stands (1e5, 1.50)."""


def dumps(value):
    """JSON text in which Raw stands unquoted."""
    marks = {}

    def mark(node):
        if isinstance(node, Raw):
            key = f"@raw{len(marks)}@"
            marks[f'"{key}"'] = str(node)
            return key
        if isinstance(node, dict):
            return {name: mark(item) for name, item in node.items()}
        if isinstance(node, (list, tuple)):
            return [mark(item) for item in node]
        return node

    text = jsonlib.dumps(mark(value), ensure_ascii=False)
    for key, raw in marks.items():
        text = text.replace(key, raw)
    return text.encode("utf-8", "surrogatepass")


class Answer:
    """One answer; numbers with a fraction are Decimals, so money is compared exactly."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.body = response.content
        self.text = response.content.decode("utf-8", "replace")
        self.cookies = response.raw.headers.getlist("Set-Cookie")

    @property
    def json(self):
        if not hasattr(self, "_json"):
            self._json = jsonlib.loads(self.body.decode("utf-8"), parse_float=Decimal)
        return self._json

    def __repr__(self):
        return f"<{self.status} {self.text[:300]}>"

    def next_link(self):
        """The target of Link rel=next, or None."""
        links = requests.utils.parse_header_links(self.headers.get("Link", ""))
        return next((link["url"] for link in links if link.get("rel") == "next"), None)


class Client:
    def __init__(self, stack, token=None, address=None, headers=None):
        self.stack = stack
        self.token = token
        self.address = address or random_address()
        self.headers = dict(headers or {})
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.set_policy(_NoCookies())

    def with_(self, **changes):
        """A client like this one but for the named settings; it shares the address unless told otherwise."""
        return Client(**{"stack": self.stack, "token": self.token, "address": self.address, "headers": self.headers, **changes})

    def request(self, method, path, body=None, *, data=None, expect=None, code=None, headers=None, query=None, url=None):
        """body is sent as JSON, data as it is. expect: the status there must be; code: the problem's code."""
        sent = {"X-Forwarded-For": self.address, "Accept": "application/json", **self.headers}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            data = dumps(body)
        if data is not None:
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        response = self.session.request(
            method, url or self.stack.base + path, data=data, headers=sent, params=query, timeout=30, allow_redirects=False
        )
        answer = Answer(response)
        if url is None:
            openapi.check(method, path.split("?")[0], answer)
        if answer.status >= 400 and method != "HEAD" and path.split("?")[0] != PLAIN_TEXT_PATH:
            check_problem(answer)
        if expect is not None:
            assert answer.status == expect, f"{method} {path}: {answer.status} instead of {expect}: {answer.text[:600]}"
        if code is not None:
            assert answer.json["code"] == code, (
                f"{method} {path}: code {answer.json['code']} instead of {code}: {answer.text[:600]}"
            )
        return answer

    def get(self, path, expect=200, query=None, **more):
        return self.request("GET", path, query=query, expect=expect, **more)

    def post(self, path, body=None, expect=None, **more):
        return self.request("POST", path, body, expect=expect, **more)

    def put(self, path, body=None, expect=200, **more):
        return self.request("PUT", path, body, expect=expect, **more)

    def delete(self, path, expect=None, **more):
        return self.request("DELETE", path, expect=expect, **more)

    def upload(self, path, content, name="file.png", expect=None, fields=None, **more):
        """POSTs a file, and text fields, as multipart/form-data."""
        body, kind = urllib3.filepost.encode_multipart_formdata([*(fields or {}).items(), ("file", (name, content))])
        headers = {**(more.pop("headers", None) or {}), "Content-Type": kind}
        return self.request("POST", path, data=body, headers=headers, expect=expect, **more)

    def invalid(self, method, path, body, *fields, **more):
        """The request is refused with 422 and exactly names these fields."""
        answer = self.request(method, path, body, expect=422, code="validation_failed", **more)
        named = set(answer.json.get("errors", {}))
        assert named == set(fields), f"{method} {path} {body!r}: errors for {sorted(named)} instead of {sorted(fields)}"
        return answer


def check_problem(answer):
    """The one shape of all errors, nginx's own included (contract 1.3)."""
    assert answer.headers.get("Content-Type", "").startswith(PROBLEM), (
        f"an error that is no problem+json: {answer!r} {answer.headers}"
    )
    problem = answer.json
    for name in ("type", "title", "status", "detail", "instance", "code", "message", "error", "success", "requestId"):
        assert name in problem, f"the problem lacks {name}: {problem}"
    assert problem["status"] == answer.status
    assert problem["error"] == problem["message"]
    assert problem["success"] is False
    assert problem["requestId"] == answer.headers["X-Request-Id"]
    if answer.status == 429:
        assert problem["retryAfterSeconds"] == int(answer.headers["Retry-After"]) >= 1
    if answer.status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    if answer.status == 503:
        assert int(answer.headers["Retry-After"]) >= 1


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):
    """Tests send cookies by hand; the jar would hide what the server did."""

    def set_ok(self, cookie, request):
        return False
