"""GET /metrics on the loopback ports: what all processes of a program counted, and nobody else's business."""

import re
import socket
import uuid

import pytest
import requests

from harness.wait import until

SAMPLE = re.compile(r"^moneymanager_([a-z_]+)(?:\{(.*)\})? (-?\d+(?:\.\d+)?)$")
LABEL = re.compile(r'([a-z]+)="([^"]*)"')
PORTS = ["METRICS_PORT", "WORKER_METRICS_PORT"]


def address(stack, port="METRICS_PORT"):
    return f"http://127.0.0.1:{stack.env[port]}/metrics"


def scrape(stack, port="METRICS_PORT"):
    """(name, labels as a sorted tuple) -> value. Every line is a comment or a sample, and no series comes twice."""
    answer = requests.get(address(stack, port), timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    found, typed = {}, set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2].removeprefix("moneymanager_"))
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in found
        assert name in typed or re.sub("_(bucket|sum|count)$", "", name) in typed
        found[key] = float(value)
    return found


def value(found, name, **labels):
    return found.get((name, tuple(sorted(labels.items()))), 0)


def test_requests_of_all_processes_are_counted_by_route_and_status(stack, guest, user):
    before = scrape(stack)
    for _ in range(20):
        user.get("/jars")
    guest.get("/jars", expect=401)
    guest.get("/no-such-route-at-all", expect=404)
    after = scrape(stack)

    def rise(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    # Other tests ask the same processes meanwhile.
    assert rise("requests_total", route="GET /jars", status="2xx") >= 20
    assert rise("requests_total", route="GET /jars", status="4xx") >= 1
    assert rise("requests_total", route="other", status="4xx") >= 1
    assert rise("request_seconds_count", route="GET /jars") >= 21
    assert rise("request_seconds_bucket", route="GET /jars", le="+Inf") >= 21
    assert rise("request_seconds_sum", route="GET /jars") > 0
    assert rise("cache_total", cache="sessions", result="hit") >= 1


def test_refusals_of_a_limit_are_counted_by_its_name(stack, guest):
    before = value(scrape(stack), "rate_limited_total", limit="sign_in")
    body = {"email": f"{uuid.uuid4().hex}@example.com", "password": "not-the-password"}
    answers = [guest.post("/login", body).status for _ in range(7)]
    assert 429 in answers
    assert value(scrape(stack), "rate_limited_total", limit="sign_in") - before >= answers.count(429)


def test_whichever_process_answers_tells_the_sum(stack, user):
    """Two pools of one process each: counts never fall from one answer to the next, and all know of both processes."""
    last = 0
    for _ in range(30):
        user.get("/jars")
        found = scrape(stack)
        now = value(found, "requests_total", route="GET /jars", status="2xx")
        assert now >= last + 1
        last = now
        assert value(found, "processes") >= 2


def test_buckets_only_rise_and_end_with_the_count(stack, user):
    user.get("/jars")
    found = scrape(stack)
    routes = {dict(labels)["route"] for name, labels in found if name == "request_seconds_count"}
    assert "GET /jars" in routes
    for route in routes:
        buckets = [
            (dict(labels)["le"], n)
            for (name, labels), n in found.items()
            if name == "request_seconds_bucket" and dict(labels)["route"] == route
        ]
        assert [n for _, n in buckets] == sorted(n for _, n in buckets)
        assert buckets[-1] == ("+Inf", value(found, "request_seconds_count", route=route))


def test_the_state_of_the_process_and_of_what_it_needs_is_shown(stack):
    def ready():
        found = scrape(stack)
        return found if value(found, "dependency_up", dependency="mysql") == 1 else None

    found = until(ready, what="the probes' figures")
    assert value(found, "resident_memory_bytes") > 2**20
    assert value(found, "database_connections") >= 1
    for name in ("outbox_age_seconds", "outbox_pending", "parked_events", "database_pool_waits_total", "log_lines_lost_total"):
        assert (name, ()) in found


def test_the_worker_counts_jobs_and_mails(stack, user):
    before = scrape(stack, "WORKER_METRICS_PORT")
    user.income(60_000_000)

    def done():
        found = scrape(stack, "WORKER_METRICS_PORT")
        jobs = sum(n - before.get(key, 0) for key, n in found.items() if key[0] == "jobs_total" and ("result", "done") in key[1])
        mails = value(found, "mails_total", result="sent") - value(before, "mails_total", result="sent")
        return jobs >= 1 and mails >= 1 and found

    found = until(done, what="a job and a mail to be counted")
    assert value(found, "processes") >= 2
    assert value(found, "receive_breaker_open") == 0


@pytest.mark.parametrize("path", ["/metrics", "/api/v1.0/metrics", "/api/v1.0/../metrics", "/api/v1.0/metrics/"])
def test_the_public_address_knows_no_metrics(stack, path):
    answer = requests.get(stack.origin + path, timeout=10)
    assert answer.status_code == 404
    assert "moneymanager_" not in answer.text


@pytest.mark.parametrize("port", PORTS)
def test_the_port_is_on_the_loopback_address_alone(stack, port):
    number = f"{int(stack.env[port]):04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        listening = [row.split()[1] for row in file if row.split()[3] == "0A"]
    assert {local.split(":")[0] for local in listening if local.split(":")[1] == number} == {"0100007F"}
    with open("/proc/net/tcp6", encoding="ascii") as file:
        assert not [row for row in file if row.split()[3] == "0A" and row.split()[1].endswith(":" + number)]


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", b"405"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 8192, b"400"),
    ],
)
def test_bad_requests_are_refused(stack, port, request_bytes, status):
    with socket.create_connection(("127.0.0.1", int(stack.env[port])), timeout=10) as connection:
        connection.sendall(request_bytes)
        assert connection.recv(64).startswith(b"HTTP/1.0 " + status)


@pytest.mark.parametrize("port", PORTS)
def test_a_silent_client_does_not_keep_others_out(stack, port):
    with socket.create_connection(("127.0.0.1", int(stack.env[port])), timeout=20) as silent:
        scrape(stack, port)
        assert silent.recv(1) == b""
