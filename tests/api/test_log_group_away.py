"""CloudWatch Logs swallows every byte and answers nothing: requests go on, every line is on stderr, and what
the copy lost is counted and told."""

import re
import statistics
import time
import uuid
from urllib.parse import urlsplit

import pytest
import requests
from proxy import Proxy

from harness.own_api import OwnApi, free_port
from harness.shipped import LogGroup
from harness.wait import until

BUFFER_KB = 16
# Each is logged with a line of about 150 bytes: many times what the buffer holds.
REQUESTS = 1500
# The longest that a call to the log group may hang: no request may wait for one.
CALL_SECONDS = 10


@pytest.fixture
def away(stack):
    """The proxy before the log group, an API behind it, and the port of that API's figures."""
    aws = urlsplit(stack.env["AWS_ENDPOINT_URL"])
    port = free_port()
    with Proxy({"logs": (aws.hostname, aws.port)}) as proxy:
        proxy.set("logs", "blackhole")
        own = OwnApi(
            stack,
            AWS_ENDPOINT_URL_LOGS=f"http://127.0.0.1:{proxy.port('logs')}",
            LOG_STREAM_PREFIX=f"away-{uuid.uuid4().hex}",
            LOG_SHIP_BUFFER_KB=BUFFER_KB,
            METRICS_PORT=port,
        )
        try:
            yield proxy, own, port
        finally:
            proxy.heal()
            own.stop()


def figure(port, name):
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    found = re.search(rf"^moneymanager_{name} (\d+)$", text, re.M)
    return int(found[1]) if found else None


def ask(session, url):
    began = time.monotonic()
    assert session.get(url, timeout=30).status_code == 404
    return time.monotonic() - began


def test_a_dead_log_group_costs_lines_of_the_copy_alone(stack, away):
    proxy, own, port = away
    session = requests.Session()
    times = [ask(session, f"{own.stack.base}/away/{number}") for number in range(REQUESTS)]

    assert max(times) < CALL_SECONDS / 2
    # With a full buffer as quick as with an empty one.
    assert statistics.median(times[-100:]) < 3 * statistics.median(times[:100])
    least = REQUESTS - BUFFER_KB * 1024 // 100
    until(lambda: figure(port, "log_lines_lost_total") >= least, what="lost lines to be counted")
    assert figure(port, "log_lines_lost_total") < REQUESTS
    written = own.log.read_text(encoding="utf-8")
    assert len(re.findall(r"404 GET /api/v1.0/away/\d+: ", written)) == REQUESTS

    proxy.heal()
    group = LogGroup(stack)

    def told():
        streams = [name for name in group.streams() if name.startswith(own.env["LOG_STREAM_PREFIX"])]
        messages = [message for name in streams for message in group.events(name)]
        return messages if any("did not reach the log group so far" in message for message in messages) else None

    messages = until(told, 40, "the lost lines to be told in the log group")
    assert any(re.search("404 GET /api/v1.0/away/0: ", message) for message in messages), "the oldest lines are kept"
    # The shipper's own trouble is on stderr and nowhere else.
    assert "the log group takes no lines" in own.log.read_text(encoding="utf-8")
    assert not any("the log group takes no lines" in message for message in messages)
