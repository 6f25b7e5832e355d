"""Both programs are killed with -9 in the middle of 200 large transactions. Afterwards each acknowledged one is there once and
is mailed once, save the mails whose last line was out when their worker died: the ledger counts those as in doubt."""

import collections
import contextlib
import json
import os
import pathlib
import re
import signal
import threading
import time
import uuid

import pytest
import requests
from own_stack import OwnStack, children

from harness import queue
from harness.books import check_balances, check_months, household_of
from harness.mail import Mailbox
from harness.stack import Database
from harness.users import UserPool
from harness.wait import until

USERS = 5
EACH = 40
GIVE_UP_S = 30
SETTLE_S = 100  # a killed worker's messages and mails are free again after 60 s


@pytest.fixture(scope="module")
def own():
    stack = OwnStack(pools=2, processes=1, workers=2, settings={"LARGE_TRANSACTION_AMOUNT": "1000"})
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def database(own):
    connection = own.stack.sql()
    yield Database(connection)
    connection.close()


def new_user(pool, database):
    user = pool.take()
    user.spent_from = user.jar("Chi tiêu", 100)["id"]
    user.food = user.category_of("expense")
    user.household = household_of(database, user)
    return user


class Spender(threading.Thread):
    """Spends EACH times. A request without a good answer is sent again with its key, as a client would."""

    def __init__(self, user, prefix, count):
        super().__init__(daemon=True)
        self.user = user
        self.names = [f"{prefix}{number:03d}." for number in range(count)]
        self.acknowledged = {}
        self.repeated = 0
        self.fault = None

    def run(self):
        try:
            for name in self.names:
                self.acknowledged[name] = self.spend(name)
        except Exception as fault:
            self.fault = fault

    def spend(self, name):
        user, key, end = self.user, str(uuid.uuid4()), time.monotonic() + GIVE_UP_S
        body = {"name": name, "categoryId": user.food, "amount": 2_000, "jarId": user.spent_from}
        while True:
            try:
                answer = user.post("/expenses", body, headers={"Idempotency-Key": key})
                if answer.status == 201:
                    return answer.json["id"]
                assert answer.status in (409, 502, 503, 504), answer
            except requests.RequestException:
                pass
            assert time.monotonic() < end, f"{name} is not acknowledged within {GIVE_UP_S} s"
            self.repeated += 1
            time.sleep(0.05)


class Crowd:
    def __init__(self, users):
        self.spenders = [Spender(user, f"K{n}-", EACH) for n, user in enumerate(users)]
        for spender in self.spenders:
            spender.start()

    def acknowledged(self):
        return sum(len(spender.acknowledged) for spender in self.spenders)

    def reach(self, count):
        """Waits until so many are acknowledged, or a spender gave up."""
        until(lambda: self.acknowledged() >= count or self.faults(), 60, f"{count} acknowledged transactions", every=0.002)

    def faults(self):
        return [spender.fault for spender in self.spenders if spender.fault]

    def join(self):
        for spender in self.spenders:
            spender.join(60)
        assert not self.faults()
        assert self.acknowledged() == USERS * EACH


class Programs:
    """The stack's processes, found without asking supervisor: that takes longer than many transactions."""

    def __init__(self, own):
        run = pathlib.Path(own.stack.env["DB_SOCKET"]).parents[1]
        self.supervisor = int((run / "supervisord.pid").read_text("ascii"))

    def named(self, word):
        return [pid for pid in children(self.supervisor) if word in command_of(pid)]

    def workers(self):
        return self.named("moneymanager-worker")

    def keepers(self):
        return self.named("multiwatch")

    def apis(self):
        return [pid for keeper in self.keepers() for pid in children(keeper)]


def command_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""


def kill(pids):
    assert pids
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def hold_one_mail(own, database, user):
    """Lets a mail's last line go out and the server keep silent: who dies now leaves it in doubt."""
    control = own.stack.env["SMTP_CONTROL_FILE"]
    with open(control + ".part", "w", encoding="utf-8") as file:
        json.dump({"hang": True, "match": user.email}, file)
    os.replace(control + ".part", control)
    user.expense(2_000, user.food, "Không rõ.", jarId=user.spent_from)
    question = "SELECT id FROM mail_ledger WHERE household_id = %s AND finishing_at IS NOT NULL"
    until(lambda: database.rows(question, user.household), 15, "a mail that waits for its answer", every=0.01)
    return control


def all_done(database):
    events = database.one("SELECT COUNT(*) AS n FROM outbox WHERE processed_at IS NULL")["n"]
    mails = database.one("SELECT COUNT(*) AS n FROM mail_ledger WHERE state <> 'sent'")["n"]
    return events == 0 and mails == 0


def test_nothing_is_lost_and_nothing_comes_twice_when_both_programs_are_killed(own, database):
    mailbox = Mailbox(own.stack.mail_dir)
    pool = UserPool(own.stack, mailbox)
    users = [new_user(pool, database) for _ in range(USERS)]
    doubtful = new_user(pool, database)
    control = hold_one_mail(own, database, doubtful)
    programs = Programs(own)
    crowd = Crowd(users)
    crowd.reach(10)
    kill(programs.workers())
    os.unlink(control)
    crowd.reach(40)
    kill(programs.apis())
    crowd.reach(70)
    until(lambda: len(programs.workers()) == 2, 10, "both workers", every=0.002)
    kill(programs.workers()[:1])
    crowd.reach(100)
    kill(programs.apis() + programs.keepers())
    assert crowd.acknowledged() < USERS * EACH
    crowd.join()
    until(lambda: all_done(database), SETTLE_S, "the end of all work", every=0.2)

    check_rows(database, crowd)
    check_effects(database, [*users, doubtful])
    check_mails(own, database, mailbox, crowd, doubtful)
    for user in [*users, doubtful]:
        check_balances(database, user.household)
        check_months(database, user.household, user)
    assert queue.dead_letters(own.stack) == []
    assert database.rows("SELECT reason FROM parked_messages") == []


def check_rows(database, crowd):
    for spender in crowd.spenders:
        rows = database.rows(
            "SELECT id, name FROM transactions WHERE household_id = %s AND kind = 'expense' AND deleted_at IS NULL",
            spender.user.household,
        )
        assert sorted(row["name"] for row in rows) == spender.names
        assert {row["name"]: row["id"] for row in rows} == spender.acknowledged


def check_effects(database, users):
    """One event, one notification, one row in the ledger for each transaction."""
    for user in users:
        spent = database.one("SELECT COUNT(*) AS n FROM transactions WHERE household_id = %s", user.household)["n"]
        for question in (
            "SELECT id FROM outbox WHERE household_id = %s AND type = 'transaction.large'",
            "SELECT event_id AS id FROM notifications WHERE household_id = %s AND type = 'EXPENSE'",
            "SELECT event_id AS id FROM mail_ledger WHERE household_id = %s AND template = 'transaction_large'",
        ):
            ids = [row["id"] for row in database.rows(question, user.household)]
            assert len(ids) == len(set(ids)) == spent, question


def check_mails(own, database, mailbox, crowd, doubtful):
    """Each mail came, and more than once only where the ledger counts a doubt, which the log tells too."""
    rows = database.rows("SELECT id, event_id, in_doubt FROM mail_ledger")
    doubts = {row["event_id"]: row["in_doubt"] for row in rows}
    for user in [*(spender.user for spender in crowd.spenders), doubtful]:
        came = collections.Counter(mail.message["X-Money-Manager-Event"] for mail in mailbox.to(user.email))
        sent = [row["event_id"] for row in database.rows("SELECT event_id FROM mail_ledger WHERE user_id = %s", user.id)]
        assert set(came) == set(sent)
        assert {event: n for event, n in came.items() if n > 1 + doubts[event]} == {}
    told = collections.Counter()
    for log in own.stack.log_dir.glob("worker-*"):
        told.update(int(number) for number in re.findall(r"mail (\d+) goes out again, in doubt", log.read_text("utf-8")))
    assert told == {row["id"]: row["in_doubt"] for row in rows if row["in_doubt"]}
    held = database.one("SELECT in_doubt FROM mail_ledger WHERE user_id = %s AND template = 'transaction_large'", doubtful.id)
    assert held["in_doubt"] == 1
    # Three workers died; each leaves at most one mail in doubt.
    assert sum(doubts.values()) <= 3
