"""Messages that can never be processed are parked with a reason and told once as an ERROR; the worker goes on. Operators list,
show, send again and drop them. Addresses that are none never reach SMTP."""

import json
import uuid

import pytest
from queue_world import anew, changed

from harness.wait import until

pytestmark = pytest.mark.usefixtures("fair")
QUARTER_MIB = 256 * 1024


def park(world, body, marker):
    """Sends a bad message; its parked row, once the worker is done with it."""
    world.send(body)
    [row] = until(lambda: world.parked(body=marker), 20, "the message to be parked")
    until(lambda: not any(marker in waiting for waiting in world.waiting()), 20, "the message to be deleted")
    return row


def told_once(world, row):
    """The log names a message by its event, or by its own id when it tells none."""
    lines = until(lambda: world.errors(row["event_id"] or row["message_id"]), 10, "an ERROR in the log")
    assert len(lines) == 1, lines
    assert "parked" in lines[0]


def goes_on(world, saver):
    name = f"Vẫn chạy {uuid.uuid4().hex[:8]}."
    saver.spend(name)
    world.settled(saver)
    assert len(world.mails(saver, name)) == 1


@pytest.fixture
def good(world, saver):
    """The body of an event that was processed."""
    saver.spend("Mẫu")
    world.settled(saver)
    return world.events(saver)[0]["body"]


def fresh(body, **fields):
    return changed(anew(body), **fields)


@pytest.mark.parametrize(
    "fields, reason",
    [
        ({"type": "no.such.type"}, "unknown type"),
        ({"type": None}, "type"),
        ({"type": 7}, "type"),
        ({"version": 2}, "version"),
        ({"version": None}, "version"),
        ({"householdId": None}, "household"),
        ({"userId": "4"}, "user"),
        ({"occurredAt": "yesterday"}, "occurredAt"),
        ({"data": None}, "data"),
        ({"data": {"a": {"b": 1}}}, "data"),
        ({"attempt": -1}, "attempt"),
        ({"householdId": 999_999_999}, "outbox"),
    ],
)
def test_a_message_with_a_bad_field_is_parked(world, saver, good, fields, reason):
    body = fresh(good, **fields)
    id = json.loads(body)["id"]
    row = park(world, body, id)
    assert reason in row["reason"]
    assert row["body"] == body
    told_once(world, row)


@pytest.mark.parametrize("form", ["{} is no JSON", '["{}"]', '{{"id": "{}"}}', '{{"cut": "{}"', '"{}"'])
def test_what_is_no_event_is_parked(world, saver, form):
    marker = uuid.uuid4().hex
    row = park(world, form.format(marker), marker)
    assert row["reason"]
    assert row["event_id"] is None
    told_once(world, row)


def test_the_longest_message_is_parked_whole_and_the_worker_goes_on(world, saver, good):
    marker = uuid.uuid4().hex
    body = f'{{"id": "{marker}", "padding": "'
    body += "x" * (QUARTER_MIB - len(body) - 2) + '"}'
    assert len(body) == QUARTER_MIB
    row = park(world, body, marker)
    assert len(row["body"]) == QUARTER_MIB
    told_once(world, row)
    goes_on(world, saver)


def test_a_message_of_a_foreign_household_leaves_the_event_that_it_names_alone(world, saver):
    stranger = world.saver()
    world.gate.swallow = True
    saver.spend("Của nhà khác")
    [event] = until(lambda: [e for e in world.events(saver) if e["state"] == "sent"], 10, "the event to be sent")
    world.gate.swallow = False
    row = park(world, changed(event["body"], householdId=stranger.household), f'"householdId": {stranger.household}')
    assert row["event_id"] == event["id"]
    assert world.events(saver)[0]["state"] == "sent"
    assert world.told(event["id"]) == []
    world.send(event["body"])
    world.settled(saver)
    assert len(world.told(event["id"])) == 1


def test_a_spoilt_copy_of_an_old_event_is_ignored(world, saver, good):
    id = json.loads(good)["id"]
    world.send(changed(good, version=9))
    until(lambda: not any(id in body for body in world.waiting()), 20, "the copy to be taken")
    goes_on(world, saver)
    assert world.parked(id) == []
    assert world.errors(id) == []


# ---- what operators do with them ----


@pytest.fixture
def parked(world, saver, good):
    """An event of ours whose message was of a version that this worker does not know."""
    world.gate.swallow = True
    body = anew(good)
    id = world.record(saver, body)
    until(lambda: world.database.one("SELECT state FROM outbox WHERE id = %s", id)["state"] == "sent", 10, "it to be sent")
    world.gate.swallow = False
    row = park(world, changed(body, version=2), id)
    assert world.database.one("SELECT state FROM outbox WHERE id = %s", id)["state"] == "parked"
    return row


def test_parked_messages_are_listed_and_shown(world, parked):
    listed = world.worker("--parked", "list")
    [line] = [line for line in listed.splitlines() if line.startswith(f"{parked['id']}  ")]
    assert parked["event_id"] in line
    assert parked["reason"] in line
    assert listed.splitlines()[-1] == f"{len(world.parked(body=''))} parked"
    shown = world.worker("--parked", "show", str(parked["id"]))
    for word in (parked["event_id"], parked["message_id"], parked["reason"], parked["body"]):
        assert word in shown


def test_a_retry_sends_the_event_again(world, saver, parked):
    assert parked["event_id"] in world.worker("--parked", "retry", str(parked["id"]))
    world.settled(saver)
    assert len(world.told(parked["event_id"])) == 1
    assert world.parked(parked["event_id"]) == []
    assert "nothing is parked" in world.worker("--parked", "retry", str(parked["id"]), expect=1)


def test_what_is_no_event_can_only_be_dropped(world):
    marker = uuid.uuid4().hex
    row = park(world, f"not JSON {marker}", marker)
    assert "only be dropped" in world.worker("--parked", "retry", str(row["id"]), expect=1)
    assert world.parked(body=marker)
    world.worker("--parked", "drop", str(row["id"]))
    assert world.parked(body=marker) == []
    assert "nothing is parked" in world.worker("--parked", "drop", str(row["id"]), expect=1)


@pytest.mark.parametrize("words", [[], ["show"], ["list", "7"], ["retry", "x"], ["drop", "-1"], ["eat", "7"]])
def test_other_words_are_refused(world, words):
    assert "list" in world.worker("--parked", *words, expect=2)


# ---- addresses ----

BAD_ADDRESSES = [
    "no-domain",
    "no-domain@",
    "@no-local.example",
    "two@at@example.test",
    "line@example.test\r\nRCPT TO:<victim@example.test>",
    "line@example.test\nBcc: victim@example.test",
    "space in@example.test",
    "<angle@example.test>",
    "comma@example.test,victim@example.test",
    "thư@example.test",
    "x" * 260 + "@example.test",
]


@pytest.mark.parametrize("address", [a for a in BAD_ADDRESSES if a != "thư@example.test"])
def test_a_mail_asked_for_to_no_address_is_parked(world, saver, good, address):
    data = {"template": "address_in_use", "recipient": address}
    body = fresh(good, type="mail.requested", data=data)
    id = world.record(saver, body)
    [row] = until(lambda: world.parked(id), 20, "the event to be parked")
    assert "address" in row["reason"]
    told_once(world, row)
    assert world.database.rows("SELECT id FROM mail_ledger WHERE event_id = %s", id) == []


def test_an_address_in_the_ledger_that_is_none_never_reaches_smtp(world, saver):
    before = {path.name for path in world.stack.mail_dir.iterdir()}
    ids = []
    for address in BAD_ADDRESSES:
        if len(address) > 254:
            continue
        ids.append(str(uuid.uuid4()))
        world.database.run(
            "INSERT INTO mail_ledger (event_id, household_id, user_id, recipient, template, language, data, next_try_at, created_at)"
            " VALUES (%s, %s, %s, %s, 'address_in_use', 'vi', '{}', UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            ids[-1],
            saver.household,
            saver.user.id,
            address,
        )
    states = f"SELECT state, last_error FROM mail_ledger WHERE event_id IN ({', '.join(['%s'] * len(ids))})"
    until(lambda: all(row["state"] == "refused" for row in world.database.rows(states, *ids)), 20, "all of them to be refused")
    assert all("address" in row["last_error"] for row in world.database.rows(states, *ids))
    goes_on(world, saver)
    new = [path for path in world.stack.mail_dir.iterdir() if path.name not in before]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in new]
    assert [text for text in texts if "victim" in text or "X-Envelope-To: " + saver.user.email not in text] == []
