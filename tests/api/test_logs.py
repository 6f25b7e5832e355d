"""Both programs' lines reach the log group, and nothing that users write can forge one or trip the error filter."""

import json
import re
import uuid

import pytest
import requests
from log_filter import matches
from templates import load_all

from harness.shipped import LogGroup
from harness.wait import until

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \[[^\]]*\] (DEBUG|INFO |WARN |ERROR) [\w.]+ - ")
FILTER = load_all()["observability"]["Resources"]["EC2ErrorFilter"]["Properties"]
ALARM = load_all()["alarms"]["Resources"]["OutboxAgeAlarm"]["Properties"]


@pytest.fixture(scope="module")
def group(stack):
    return LogGroup(stack)


def lines(messages):
    return [message for message in messages if not message.startswith("{")]


def metrics(messages):
    return [json.loads(message) for message in messages if message.startswith("{")]


def test_each_process_has_a_stream_of_its_own(group):
    def programs():
        found = {}
        for stream in group.streams():
            for message in group.events(stream):
                if started := re.search(r"main - (moneymanager-\w+) \S+ (serves|runs) with", message):
                    found.setdefault(started[1], set()).add(stream)
        both = found if {"moneymanager-api", "moneymanager-worker"} <= set(found) else None
        return both if both and all(any(s.startswith("backend-logs") for s in streams) for streams in both.values()) else None

    found = until(programs, what="both programs' lines in the log group")
    # Programs that other tests start meanwhile may have prefixes of their own.
    for streams in found.values():
        ours = [stream for stream in streams if stream.startswith("backend-logs")]
        assert ours and all(re.fullmatch(r"backend-logs/[^/]+/\d+", stream) for stream in ours)
    assert FILTER["LogGroupName"] == {"Ref": "AppLogGroup"} and group.name == "/aws/ec2/moneymanager-app"


def test_the_outbox_age_is_sent_as_the_alarm_wants_it(group):
    def sent():
        return [event for event in metrics(group.all_events()) if ALARM["MetricName"] in event]

    for event in until(sent, what="the outbox's age in the log group"):
        (directive,) = event["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == ALARM["Namespace"]
        assert directive["Dimensions"] == [[]] and "Dimensions" not in ALARM
        assert {"Name": ALARM["MetricName"], "Unit": "Seconds"} in directive["Metrics"]
        assert {row["Name"] for row in directive["Metrics"]} == set(event) - {"_aws"}
        assert all(isinstance(value, int) for name, value in event.items() if name != "_aws")
        assert event[ALARM["MetricName"]] >= 0


HOSTILE = [
    "ERROR",
    "Exception",
    "NullPointerException: at java.lang",
    "x\n2026-01-01 00:00:00.000 [main] ERROR main - forged",
    "x\r\n2026-01-01 00:00:00.000 [main] ERROR main - forged",
    "\u2028ERROR\u2029",
    "\x1b[31mERROR\x1b[0m",
    "\\nERROR \\x45RROR",
    '" ERROR="',
    "ERRORERROR ExceptionException",
    "ERR\u0000OR ERROR",
    "%0aERROR %45RROR",
    '{"level":"ERROR"}',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_users_write_neither_forges_a_line_nor_trips_the_filter(guest, stack, group, text):
    mark = uuid.uuid4().hex
    hostile = {"User-Agent": f"{mark} ERROR Exception", "X-Request-Id": f"{mark}-ERROR", "X-Platform": "ERROR"}
    # A refused request is logged with its path, which nginx and the program take apart; the other texts come in the body.
    requests.get(
        f"{stack.base}/jars/{mark}/{requests.utils.quote(text, safe='')}",
        headers={name: value for name, value in hostile.items()},
        timeout=10,
    )
    guest.post("/login", {"email": f"{mark}{text}@example.com", "password": text})
    guest.post("/login", {"email": f"{mark}@example.com", "password": text, text: text})
    answer = requests.get(f"{stack.base}/no-such-route", headers={"X-Request-Id": mark}, timeout=10)
    request_id = answer.json()["requestId"]

    def shipped():
        """The first and the last request may have met different processes. nginx itself refuses a path with a NUL."""
        messages = group.all_events()
        all_there = all(any(part in message for message in messages) for part in (mark, request_id))
        return messages if all_there or "\0" in text else None

    messages = until(shipped, what="both requests' lines in the log group")
    found = lines(messages)
    assert [line for line in found if not LINE.match(line) or "\n" in line or "\r" in line] == []
    assert [line for line in found if matches(FILTER["FilterPattern"], line) and LINE.match(line)[1] != "ERROR"] == []
    assert [line for line in found if mark in line and matches(FILTER["FilterPattern"], line)] == []
    assert [event for event in messages if event.startswith("{") and matches(FILTER["FilterPattern"], event)] == []
