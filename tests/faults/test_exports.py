"""Exports while their worker dies and while S3 is away: each is done once, with one mail, and none is lost."""

import os
import signal

import pytest
from own_stack import OwnStack

from harness.mail import Mailbox
from harness.rows import many_transactions
from harness.stack import Database
from harness.users import UserPool
from harness.wait import until

ROWS = 120_000  # enough for a worker to be killed in the middle


@pytest.fixture(scope="module")
def own():
    stack = OwnStack(pools=1, processes=1, workers=2)
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def mailbox(own):
    return Mailbox(own.stack.mail_dir)


@pytest.fixture(scope="module")
def users(own, mailbox):
    """All made before anything is stopped."""
    return UserPool(own.stack, mailbox)


@pytest.fixture
def user(users):
    return users.take()


@pytest.fixture
def database(own):
    connection = own.stack.sql()
    yield Database(connection)
    connection.close()


def row(database, id):
    database.run("COMMIT")
    return database.one("SELECT * FROM exports WHERE id = %s", id)


def logs(own):
    return "".join(path.read_text(encoding="utf-8") for path in own.stack.log_dir.glob("worker-*.log"))


def reports(mailbox, user):
    return [mail for mail in mailbox.to(user.email) if "Báo cáo của bạn" in mail.subject]


def check_done_once(database, mailbox, user, id):
    export = until(lambda: (lambda e: e if e["state"] == "done" else None)(row(database, id)), 60, "the export to be done")
    until(lambda: reports(mailbox, user), 100, "its mail")
    documents = database.rows("SELECT * FROM documents WHERE household_id = %s", export["household_id"])
    assert [(d["id"], d["state"], d["kind"]) for d in documents] == [(export["document_id"], "stored", "report")]
    assert len(database.rows("SELECT * FROM notifications WHERE event_id = %s", export["event_id"])) == 1
    [mail] = database.rows("SELECT * FROM mail_ledger WHERE event_id = %s", export["event_id"])
    assert mail["in_doubt"] == 0 and len(reports(mailbox, user)) == 1
    return export


def test_a_worker_killed_in_the_middle_is_followed_by_another(own, user, mailbox, database):
    many_transactions(user, ROWS)
    workers = [own.pid(f"worker-{n}") for n in range(2)]
    id = user.post("/exports", {"kind": "all", "format": "xlsx", "all": True, "email": True}, expect=202).json["id"]
    until(lambda: row(database, id)["progress"] >= 5, 30, "the export to be in the middle")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    left = row(database, id)
    assert (left["state"], left["attempts"]) == ("running", 1)
    until(lambda: all(own.pid(f"worker-{n}") not in (0, *workers) for n in range(2)), 30, "the workers to be back")
    assert row(database, id)["state"] == "running"  # its lease lasts on
    database.run("UPDATE exports SET next_try_at = UTC_TIMESTAMP(3) WHERE id = %s AND state = 'running'", id)
    assert check_done_once(database, mailbox, user, id)["attempts"] == 2


def test_without_s3_an_export_stays_queued_and_is_done_later(own, user, mailbox, database):
    user.expense(5_000)
    own.ctl("stop", "aws:*")
    try:
        asked = user.post("/exports", {"kind": "expense", "format": "csv", "email": True}, expect=202).json
        began = row(database, asked["id"])["next_try_at"]
        until(lambda: row(database, asked["id"])["next_try_at"] > began, 30, "a worker to have tried")
        until(lambda: row(database, asked["id"])["state"] == "queued", 30, "it to be queued again")
        assert user.get(f"/exports/{asked['id']}").json["status"] == "queued"
        user.post("/documents/report/expense", {}, expect=503)
        assert database.rows("SELECT id FROM documents WHERE user_id = %s", user.id) == []
        user.get("/excel/download/expense", expect=200)
    finally:
        own.ctl("start", "aws:*")
    check_done_once(database, mailbox, user, asked["id"])


def test_without_s3_only_the_mail_with_a_file_waits(own, user, mailbox, database):
    user.expense(5_000)
    own.ctl("stop", "smtp:*")
    asked = user.post("/exports", {"kind": "expense", "format": "csv", "email": True}, expect=202).json
    until(lambda: row(database, asked["id"])["state"] == "done", 30, "the export to be done")
    own.ctl("stop", "aws:*")
    try:
        own.ctl("start", "smtp:*")
        until(lambda: "a mail waits for the file" in logs(own), 100, "the mail to wait for its file")
        assert reports(mailbox, user) == []
    finally:
        own.ctl("start", "aws:*")
    check_done_once(database, mailbox, user, asked["id"])
