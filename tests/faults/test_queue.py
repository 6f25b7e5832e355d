"""The queue is fair to jobs: nothing is lost, nothing has its effect twice, and no message ends in the dead letter queue but one
that kills its worker again and again. MM_OUTAGE_SECONDS makes the outages longer."""

import json
import os
import time
from functools import partial

import pytest
from queue_world import anew, frozen, seconds_since

from harness.wait import until

OUTAGE_S = float(os.environ.get("MM_OUTAGE_SECONDS", "4"))
WRITES = 12 if OUTAGE_S < 60 else 200
RECOVERY_S = 60  # all mails are out within this after an outage
pytestmark = pytest.mark.usefixtures("fair")
LOCK_HOUSEHOLD = "SELECT id FROM households WHERE id = %s FOR UPDATE"


def receives(message):
    return int(message["Attributes"]["ApproximateReceiveCount"])


def pass_time(seconds, since):
    until(lambda: seconds_since(since) > seconds, seconds + 30, "the time to pass", every=0.05)


# ---- the way of an event ----


def test_the_inner_status_tells_depth_parked_and_the_oldest_event(world, saver):
    world.gate.dry_up()
    for n in range(3):
        saver.spend(f"Xếp hàng {n}.")

    def told():
        # A probe asks the queue every 15 s.
        status = world.status()
        depth, outbox = status["queueDepth"], status["outbox"]
        return depth["visible"] + depth["inFlight"] >= 3 and outbox["pending"] >= 3 and outbox["oldestAgeMilliseconds"] > 0

    until(told, 40, "the inner status to tell of three events", every=0.2)
    assert world.status()["outbox"]["parked"] == len(world.parked(body=""))
    world.gate.dry = False
    world.settled(saver)
    until(lambda: world.status()["outbox"]["pending"] == 0, 20, "the outbox to be empty in the status", every=0.2)


def test_an_event_that_the_queue_lost_is_sent_again(world, saver):
    world.gate.swallow = True
    saver.spend("Mất trong hàng đợi")
    [event] = until(lambda: [e for e in world.events(saver) if e["state"] == "sent"], 10, "the event to be sent")
    world.gate.swallow = False
    assert (event["next_try_at"] - event["sent_at"]).total_seconds() == 20 * 60
    assert world.mails(saver, "Mất trong hàng đợi") == []
    world.database.run("UPDATE outbox SET next_try_at = UTC_TIMESTAMP(3) WHERE id = %s", event["id"])
    world.settled(saver)
    assert len(world.mails(saver, "Mất trong hàng đợi")) == 1
    assert world.events(saver)[0]["send_count"] == 2


def test_copies_of_an_old_message_are_ignored(world, saver):
    saver.spend("Bản sao")
    world.settled(saver)
    [event] = world.events(saver)
    for _ in range(3):
        world.send(event["body"])
    until(lambda: not any(event["id"] in body for body in world.waiting()), 20, "the copies to be taken")
    world.settled(saver)
    assert len(world.told(event["id"])) == 1
    assert len(world.mails(saver, "Bản sao")) == 1
    assert world.parked(event["id"]) == []
    assert world.errors(event["id"]) == []


def test_a_job_that_hangs_is_cut_and_comes_again_as_a_delayed_copy(world, saver):
    saver.spend("Treo")
    world.settled(saver)

    def copies():
        found = [(call, e) for call, e in world.gate.sent() if id in e["MessageBody"]]
        return [(call, e) for call, e in found if json.loads(e["MessageBody"])["attempt"] == 1]

    with world.locked(LOCK_HOUSEHOLD, saver.household):
        id = world.record(saver, anew(world.events(saver)[0]["body"]))
        until(lambda: world.running("UPDATE households SET change_seq%"), 20, "the job to wait in the middle of its work")
        began = time.monotonic()
        [(sending, copy)] = until(copies, 30, "a delayed copy")
    assert 9 <= sending.at - began <= 15  # a handler has ten seconds
    assert 1 <= copy["DelaySeconds"] <= 2
    assert json.loads(copy["MessageBody"])["firstSentAt"]
    original = next(m for m in world.gate.handed_out() if id in m["Body"])
    [deleted] = until(
        lambda: [c for c in world.gate.seen("DeleteMessage") if c.request["ReceiptHandle"] == original["ReceiptHandle"]],
        10,
        "the original to be deleted",
    )
    assert sending.at < deleted.at
    world.settled(saver)
    # The copy is a message of its own: not one receive was spent on the failure.
    assert {receives(m) for m in world.gate.handed_out() if id in m["Body"]} == {1}
    assert len(world.told(id)) == 1


def test_only_a_message_that_kills_its_worker_each_time_ends_as_a_dead_letter(world, saver):
    """Three receives are for crashes alone. The outbox still has the event and sends it again."""
    saver.spend("Vòng lặp chết")
    world.settled(saver)
    operator, where = world.operator(), {"QueueUrl": world.stack.env["SQS_QUEUE_URL"]}
    with world.locked(LOCK_HOUSEHOLD, saver.household):
        id = world.record(saver, anew(world.events(saver)[0]["body"]))
        for receive in (1, 2, 3):
            handed = until(partial(world.deliveries, id, receive), 30, f"receive {receive}")
            for number in range(2):
                world.own.kill(f"worker-{number}")
            # As the queue would when the visibility has passed.
            operator.change_message_visibility(**where, ReceiptHandle=handed[-1]["ReceiptHandle"], VisibilityTimeout=0)
        until(lambda: any(id in body for body in world.dead()), 30, "the message to be a dead letter")
    assert [receives(m) for m in world.deliveries(id)] == [1, 2, 3]
    world.gate.dry_up()  # or what a dead worker still asks for would take the message
    world.gate.dry = False
    operator.purge_queue(QueueUrl=world.stack.env["SQS_DLQ_URL"])
    world.database.run("UPDATE outbox SET next_try_at = UTC_TIMESTAMP(3) WHERE id = %s", id)
    world.settled(saver)
    assert len(world.told(id)) == 1


# ---- outages ----


def test_while_mysql_is_down_nothing_is_received_and_no_receive_is_spent(world, saver):
    names = [f"Khi MySQL nghỉ {n:03d}." for n in range(WRITES)]
    world.gate.dry_up()
    for name in names:
        saver.spend(name)
    until(lambda: len(world.waiting()) >= len(names), 40, "the events to be in the queue")
    world.own.ctl("stop", "database:*")
    down = time.monotonic()
    pass_time(2, down)  # the last poll has ended by then, since the gate keeps none for long
    world.gate.dry = False
    pass_time(OUTAGE_S, down)
    assert world.gate.seen("ReceiveMessage", down + 2) == []
    assert world.gate.sent(down) == []
    up = time.monotonic()
    world.own.ctl("start", "database:*")
    world.reconnect()
    world.settled(saver, RECOVERY_S)
    print(f"MySQL away for {up - down:.0f} s: {len(names)} mails out {seconds_since(up):.1f} s after it was back")
    assert [len(world.mails(saver, name)) for name in names] == [1] * len(names)
    polls = world.gate.seen("ReceiveMessage", up)
    assert polls[0].request["MaxNumberOfMessages"] == 1  # half-open: one message decides
    assert max(poll.request["MaxNumberOfMessages"] for poll in polls) > 1
    assert {receives(m) for m in world.gate.handed_out(up)} == {1}


def test_a_database_that_dies_in_the_middle_of_jobs_spends_no_receive(world, saver):
    names = [f"Đứt giữa chừng {n:02d}." for n in range(8)]
    began = time.monotonic()
    world.gate.dry_up()
    for name in names:
        saver.spend(name)
    until(lambda: len(world.waiting()) >= len(names), 40, "the events to be in the queue")
    with world.locked(LOCK_HOUSEHOLD, saver.household):
        world.gate.dry = False
        until(lambda: world.running("UPDATE households SET change_seq%"), 10, "a job to wait in the middle of its work")
        world.own.kill("database")
    world.reconnect()
    world.settled(saver, RECOVERY_S)
    assert [len(world.mails(saver, name)) for name in names] == [1] * len(names)
    handed = world.gate.handed_out(began)
    assert {receives(m) for m in handed} == {1}
    assert any(json.loads(m["Body"])["attempt"] > 0 for m in handed)


def test_while_smtp_is_down_jobs_go_on_and_mails_wait_in_the_ledger(world, saver):
    names = [f"Khi SMTP nghỉ {n:03d}." for n in range(WRITES)]
    down = time.monotonic()
    world.own.ctl("stop", "smtp:*")
    try:
        for name in names:
            saver.spend(name)
        until(lambda: all(event["processed_at"] for event in world.events(saver)), 60, "the jobs to be done without SMTP")
        pass_time(OUTAGE_S, down)
        assert world.waiting() == []
        held = world.database.rows(
            "SELECT id FROM mail_ledger WHERE household_id = %s AND state IN ('pending', 'sending')", saver.household
        )
        assert len(held) == len(names)
    finally:
        up = time.monotonic()
        world.own.ctl("start", "smtp:*")
    world.settled(saver, RECOVERY_S)
    print(f"SMTP away for {up - down:.0f} s: {len(names)} mails out {seconds_since(up):.1f} s after it was back")
    assert [len(world.mails(saver, name)) for name in names] == [1] * len(names)
    assert {receives(m) for m in world.gate.handed_out(down)} == {1}


# ---- workers that freeze ----


def test_a_worker_frozen_in_a_job_holds_nobody_up_and_repeats_nothing(world, saver):
    """Its transaction is ended by the server, another worker takes a copy, and what it does when it wakes comes to nothing."""
    saver.spend("Đóng băng")
    world.settled(saver)
    body = anew(world.events(saver)[0]["body"])
    with world.one_worker() as worker:
        with world.locked(LOCK_HOUSEHOLD, saver.household) as lock:
            id = world.record(saver, body)
            until(lambda: world.running("UPDATE households SET change_seq%"), 15, "the job to wait for the household")
            world.gate.dry_up()  # or the frozen worker's own poll would take the copy
            with frozen(worker):
                lock.rollback()  # the frozen worker's statement gets the row now, and nobody ends its transaction
                world.gate.dry = False
                world.own.ctl("start", "worker:worker-1")
                world.send(body)  # as the queue would once the visibility has passed
                until(lambda: world.told(id), 40, "the other worker to do the job")
                saver.spend("Ghi được ngay", 5)
        world.settled(saver)
    assert len(world.told(id)) == 1
    assert len(world.database.rows("SELECT id FROM mail_ledger WHERE event_id = %s", id)) == 1
    assert len(world.mails(saver, "Đóng băng")) == 2  # of two events


def test_a_mailer_frozen_past_its_lease_does_not_send_what_another_has_sent(world, saver):
    """It is frozen before the last line of a mail, where it looks at its lease once more."""
    with world.one_worker() as worker:
        sink = world.own.pid("smtp")
        with frozen(sink):
            saver.spend("Thư đóng băng")
            [mail] = until(
                lambda: world.database.rows(
                    "SELECT id FROM mail_ledger WHERE household_id = %s AND state = 'sending'", saver.household
                ),
                15,
                "the mail to be in hand",
            )
            lock = world.stack.sql()
            lock.begin()
            lock.cursor().execute("SELECT id FROM mail_ledger WHERE id = %s FOR UPDATE", (mail["id"],))
        until(lambda: world.running("UPDATE mail_ledger SET finishing_at%"), 9, "the mailer to ask for its lease")
        with frozen(worker):
            lock.cursor().execute(
                "UPDATE mail_ledger SET lease_until = UTC_TIMESTAMP(3), next_try_at = UTC_TIMESTAMP(3) WHERE id = %s",
                (mail["id"],),
            )
            lock.commit()
            lock.close()
            world.own.ctl("start", "worker:worker-1")
            world.settled(saver)
            assert len(world.mails(saver, "Thư đóng băng")) == 1
        # Woken, it finds its lease gone; the next mail that it sends shows that it is through.
        world.own.ctl("stop", "worker:worker-1")
        saver.spend("Thư sau đó")
        world.settled(saver)
        assert world.own.pid("worker-0") == worker
    assert len(world.mails(saver, "Thư đóng băng")) == 1
    assert world.database.one("SELECT in_doubt FROM mail_ledger WHERE id = %s", mail["id"])["in_doubt"] == 0
