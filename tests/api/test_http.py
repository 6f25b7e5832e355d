"""What holds for every request: transport, limits, headers, CORS, the shape of errors."""

import gzip
import json

import pytest

from harness.client import Client, Raw, check_problem
from harness.wait import until

KIB = 1024
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
ASKED_HEADERS = {
    "authorization",
    "content-type",
    "accept",
    "accept-language",
    "x-client-platform",
    "idempotency-key",
    "if-match",
    "if-none-match",
}
EXPOSED_HEADERS = {"link", "location", "retry-after", "content-disposition", "etag", "x-request-id"}
LOGIN = {"email": "nobody@example.test", "password": "not the password"}


def names(header):
    return {part.strip().lower() for part in header.split(",") if part.strip()}


# Health and status


def test_health_is_ok_for_everyone(guest):
    assert guest.get("/health").json == {"status": "ok"}


def test_health_is_also_served_at_the_root(guest):
    answer = guest.request("GET", "", url=guest.stack.origin + "/health", expect=200)
    assert answer.json == {"status": "ok"}


def test_status_tells_the_public_nothing_but_the_status(guest):
    assert set(guest.get("/status").json) == {"status"}


def test_status_tells_the_loopback_more(stack):
    answer = Client(stack).get("/status", headers={"X-Forwarded-For": None})
    assert len(answer.json) > 1


@pytest.mark.parametrize("name", ["mysql", "redis", "sqs", "s3"])
def test_status_knows_that_each_dependency_answers(stack, name):
    client = Client(stack)
    until(lambda: client.get("/status", headers={"X-Forwarded-For": None}).json[name]["state"] == "up")


def test_a_spoofed_forwarded_address_is_not_the_loopback(guest):
    answer = guest.get("/status", headers={"X-Forwarded-For": f"127.0.0.1, {guest.address}"})
    assert set(answer.json) == {"status"}


# Unknown paths, wrong methods


@pytest.mark.parametrize("path", ["/nothing", "/jars/1/nothing", "/health/more", "/healthy"])
def test_an_unknown_path_is_404(lasting, path):
    lasting.request("GET", path, expect=404, code="not_found")


@pytest.mark.parametrize("path", ["/", "/nothing", "/api", "/api/v2.0/health", "/api/v1.0"])
def test_a_path_outside_the_api_is_404_in_the_same_shape(guest, path):
    guest.request("GET", "", url=guest.stack.origin + path, expect=404, code="not_found")


@pytest.mark.parametrize(
    "method, path, allowed",
    [
        ("DELETE", "/health", {"GET", "HEAD"}),
        ("GET", "/login", {"POST"}),
        ("PATCH", "/jars", {"GET", "POST"}),
        ("POST", "/transactions/1", {"GET", "PUT", "DELETE"}),
        ("GET", "/transactions/1/restore", {"POST"}),
    ],
)
def test_a_wrong_method_is_405_with_the_allowed_ones(lasting, method, path, allowed):
    answer = lasting.request(method, path, expect=405, code="method_not_allowed")
    told = {name.upper() for name in names(answer.headers["Allow"])}
    assert allowed <= told
    assert method not in told


@pytest.mark.parametrize("path", ["/health", "/profile", "/jars", "/expenses"])
def test_head_is_get_without_the_body(lasting, path):
    answer = lasting.request("HEAD", path, expect=200)
    assert answer.body == b""
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("id", ["abc", "0", "-1", "1.5", "99999999999999999999", "9007199254740993", "1e3", "%20", "1%2f2"])
def test_a_bad_id_in_the_path_is_404(lasting, id):
    lasting.request("GET", "", url=f"{lasting.stack.base}/transactions/{id}", expect=404, code="not_found")


def test_a_nul_in_the_path_is_refused_by_the_proxy(lasting):
    lasting.request("GET", "", url=f"{lasting.stack.base}/transactions/%00", expect=400, code="bad_request")


# Bodies


def test_a_body_over_the_limit_is_413(lasting):
    big = json.dumps({"name": "x", "type": "expense", "filler": "y" * (256 * KIB)}).encode()
    lasting.request("POST", "/categories", data=big, expect=413, code="payload_too_large")


def test_a_body_below_the_limit_is_read(lasting):
    big = json.dumps({"name": "Vừa đủ", "type": "expense", "filler": "y" * (250 * KIB)}).encode()
    lasting.request("POST", "/categories", data=big, expect=201)


def test_a_body_over_the_proxys_limit_is_413_in_the_same_shape(lasting):
    answer = lasting.request(
        "POST",
        "/categories",
        data=b" " * (12 * KIB * KIB),
        expect=413,
        code="payload_too_large",
        headers={"Origin": lasting.stack.web_origin},
    )
    assert answer.headers["Access-Control-Allow-Origin"] == lasting.stack.web_origin


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"email":',
        b'{"email": "a"} x',
        b"{'email': 'a'}",
        b'{"email": "a",}',
        b"{email: 1}",
        b"nonsense",
        b"[1,",
        b'{"a": "\x01"}',
        b'{"a": 01}',
        b"// c\n{}",
        b'"unended',
    ],
    ids=str,
)
def test_broken_json_is_400(guest, body):
    guest.request("POST", "/login", data=body, expect=400, code="malformed_json")


def test_bytes_that_are_not_utf_8_are_refused(lasting):
    answer = lasting.request("POST", "/categories", data=b'{"name": "\xff\xfe", "type": "expense"}')
    assert answer.status in (400, 422)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"true"], ids=str)
def test_json_that_is_no_object_is_refused(guest, body):
    assert guest.request("POST", "/login", data=body).status in (400, 422)
    assert guest.request("POST", "/login", data=body).json["code"] in ("malformed_json", "validation_failed", "bad_request")


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
@pytest.mark.parametrize("depth", [40, 10_000])
def test_json_nested_too_deep_is_400(lasting, opening, closing, depth):
    body = b'{"name": "x", "type": "expense", "extra": ' + opening * depth + b"1" + closing * depth + b"}"
    lasting.request("POST", "/categories", data=body, expect=400, code="malformed_json")


def test_json_nested_moderately_is_read(lasting):
    body = b'{"name": "Sau", "type": "expense", "extra": ' + b"[" * 25 + b"]" * 25 + b"}"
    lasting.request("POST", "/categories", data=body, expect=201)


@pytest.mark.parametrize(
    "type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"]
)
def test_another_content_type_is_415(guest, type):
    guest.request(
        "POST",
        "/login",
        data=json.dumps(LOGIN).encode(),
        headers={"Content-Type": type},
        expect=415,
        code="unsupported_media_type",
    )


@pytest.mark.parametrize("type", ["application/json;charset=UTF-8", "application/json; charset=utf-8", "APPLICATION/JSON"])
def test_the_ways_to_write_json_are_accepted(guest, type):
    guest.request(
        "POST", "/login", data=json.dumps(LOGIN).encode(), headers={"Content-Type": type}, expect=400, code="invalid_credentials"
    )


def test_missing_fields_are_named_together(guest):
    guest.invalid("POST", "/login", {}, "email", "password")


def test_a_body_may_come_in_chunks(lasting):
    def parts():
        yield b'{"name": "In parts",'
        yield b' "type": "expense"}'

    assert lasting.request("POST", "/categories", data=parts()).status == 201


# Headers of every answer


def test_each_answer_has_a_request_id_of_its_own(guest):
    seen = {guest.get("/health").headers["X-Request-Id"] for _ in range(5)}
    assert len(seen) == 5


@pytest.mark.parametrize("path", ["/health", "/nothing", "/profile"])
def test_security_headers(guest, path):
    headers = guest.request("GET", path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Referrer-Policy" in headers
    assert not any(ch.isdigit() for ch in headers.get("Server", ""))
    assert "X-Powered-By" not in headers


def test_strict_transport_security_comes_with_https_only(guest):
    assert "Strict-Transport-Security" not in guest.get("/health").headers
    assert "max-age=" in guest.get("/health", headers={"X-Forwarded-Proto": "https"}).headers["Strict-Transport-Security"]


def test_personal_answers_are_not_kept_by_shared_caches(lasting):
    for path in ("/profile", "/jars", "/expenses", "/transactions"):
        told = names(lasting.get(path).headers["Cache-Control"])
        assert {"private", "no-cache"} <= told or "no-store" in told, path


def test_tokens_are_stored_by_no_cache(lasting):
    assert "no-store" in names(lasting.sign_in().headers["Cache-Control"])


def test_long_answers_are_compressed_when_asked_for(user):
    category = user.category_of("expense")
    for n in range(12):
        user.expense(1000 + n, category, note="Cơm trưa ở quán quen, thêm trà đá " * 4)
    response = user.session.get(
        user.stack.base + "/expenses",
        stream=True,
        timeout=30,
        headers={"Authorization": f"Bearer {user.token}", "Accept-Encoding": "gzip", "X-Forwarded-For": user.address},
    )
    packed = response.raw.read(decode_content=False)
    assert response.headers["Content-Encoding"] == "gzip"
    assert "accept-encoding" in names(response.headers["Vary"])
    assert json.loads(gzip.decompress(packed)) == json.loads(user.get("/expenses", headers={"Accept-Encoding": "identity"}).body)


def test_json_is_utf_8_without_needless_escapes(user):
    user.category(name="Đi chợ 🍜")
    assert "Đi chợ 🍜" in user.get("/categories").body.decode("utf-8")


# CORS


def preflight(client, origin, method="POST", path="/expenses"):
    return client.request(
        "OPTIONS",
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
        },
    )


def test_preflight_of_an_allowed_origin(guest):
    answer = preflight(guest, guest.stack.web_origin)
    assert answer.status == 204
    assert answer.body == b""
    assert answer.headers["Access-Control-Allow-Origin"] == guest.stack.web_origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert {m.upper() for m in names(answer.headers["Access-Control-Allow-Methods"])} >= METHODS - {"OPTIONS"}
    assert names(answer.headers["Access-Control-Allow-Headers"]) >= ASKED_HEADERS
    assert "origin" in names(answer.headers["Vary"])


@pytest.mark.parametrize(
    "origin", ["https://evil.test", "null", "http://localhost:5173.evil.test", "http://localhost:51730", "https://localhost:5173"]
)
def test_a_foreign_origin_gets_no_permission(guest, origin):
    for answer in (preflight(guest, origin), guest.get("/health", headers={"Origin": origin})):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_configured_origin_is_echoed(guest):
    for origin in guest.stack.env.get("WEB_ORIGINS", guest.stack.web_origin).split(","):
        assert guest.get("/health", headers={"Origin": origin}).headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("path, status", [("/health", 200), ("/nothing", 404), ("/profile", 401)])
def test_answers_and_errors_carry_the_cors_headers_once(guest, path, status):
    answer = guest.request("GET", path, headers={"Origin": guest.stack.web_origin}, expect=status)
    assert answer.headers["Access-Control-Allow-Origin"] == guest.stack.web_origin
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert names(answer.headers["Access-Control-Expose-Headers"]) >= EXPOSED_HEADERS
    assert "origin" in names(answer.headers["Vary"])


def test_no_origin_no_permission_but_vary(guest):
    answer = guest.get("/health")
    assert "Access-Control-Allow-Origin" not in answer.headers


# The cookie, and writes that ride on it


@pytest.fixture(scope="module")
def by_cookie(lasting):
    """The same user, known by the cookie alone."""
    return lasting.with_(token=None, headers={"Cookie": f"mm_token={lasting.token}"})


def test_the_cookie_alone_reads(by_cookie):
    by_cookie.get("/profile")
    by_cookie.get("/profile", headers={"Origin": "https://evil.test"})


def test_a_cookie_write_needs_an_allowed_origin(by_cookie):
    body = {"name": "Từ bánh quy", "type": "expense"}
    for origin in (None, "https://evil.test", "null", "http://localhost:5173.evil.test"):
        by_cookie.post("/categories", body, headers={"Origin": origin}, expect=403, code="forbidden_origin")
    by_cookie.post("/categories", body, headers={"Origin": by_cookie.stack.web_origin}, expect=201)


@pytest.mark.parametrize("method, path", [("PUT", "/profile/preferences"), ("DELETE", "/jars/1")])
def test_every_writing_method_is_guarded(by_cookie, method, path):
    by_cookie.request(method, path, {} if method == "PUT" else None, expect=403, code="forbidden_origin")


def test_a_bearer_write_needs_no_origin(lasting):
    lasting.post("/categories", {"name": "Từ ứng dụng", "type": "expense"}, expect=201, headers={"Origin": None})
    lasting.post(
        "/categories",
        {"name": "Từ ứng dụng kèm bánh quy", "type": "expense"},
        expect=201,
        headers={"Cookie": f"mm_token={lasting.token}"},
    )


def test_a_bearer_header_decides_alone(by_cookie):
    by_cookie.get("/profile", headers={"Authorization": "Bearer nonsense"}, expect=401)


def test_a_bad_token_on_a_public_path_is_ignored(guest):
    bad = {"Authorization": "Bearer nonsense", "Cookie": "mm_token=nonsense"}
    guest.get("/health", headers=bad)
    guest.post("/login", LOGIN, headers=bad, expect=400, code="invalid_credentials")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "Bearer " + "x" * 4000])
def test_no_session_is_401(guest, header):
    guest.get("/profile", headers={"Authorization": header}, expect=401, code="unauthorized")


# The proxy's own errors


def test_a_request_that_nginx_refuses_has_the_same_shape(guest):
    answer = guest.request("GET", "", url=guest.stack.base + "/health", headers={"X-Filler": "x" * 60_000})
    assert answer.status in (400, 431)


def test_a_url_that_is_too_long_has_the_same_shape(guest):
    answer = guest.request("GET", "", url=guest.stack.base + "/transactions?keyword=" + "x" * 60_000)
    assert answer.status in (400, 414, 431)
    check_problem(answer)


def test_a_number_may_be_written_in_any_exact_way(lasting):
    lasting.post("/jars", {"name": "Số", "targetPercentage": Raw("12.50")}, expect=201)
