"""What the programs do when the machine runs short: descriptors, room for logs, a reader of logs that hangs. Nothing
acknowledged is lost, no answer is malformed, and everything goes on when the want is over."""

import contextlib
import os
import pathlib
import resource
import signal
import threading
import time

import pytest
from load import Load, prepare
from own_stack import OwnStack
from wrapped import wrap

from harness.client import Client
from harness.mail import Mailbox
from harness.stack import Database
from harness.users import UserPool
from harness.wait import until

SETTINGS = {"LARGE_TRANSACTION_AMOUNT": "900"}


@pytest.fixture(scope="module")
def own():
    stack = OwnStack(pools=1, processes=2, workers=1, settings=SETTINGS)
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def crowd(own):
    return UserPool(own.stack, Mailbox(own.stack.mail_dir))


@pytest.fixture
def users(crowd):
    return [prepare(crowd.take()) for _ in range(3)]


@contextlib.contextmanager
def database_of(own):
    with contextlib.closing(own.stack.sql()) as connection:
        yield Database(connection)


def settled(own):
    """Every event processed, every mail sent."""
    with database_of(own) as database:
        count = "SELECT (SELECT COUNT(*) FROM outbox WHERE state <> 'processed') + "
        count += "(SELECT COUNT(*) FROM mail_ledger WHERE state <> 'sent') AS n"
        until(lambda: database.one(count)["n"] == 0, 100, "the queue and the mails to be empty")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@contextlib.contextmanager
def starved(pids, spare):
    """No more than `spare` descriptors beyond those that are open now."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid, (_, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid) + spare, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("spare", [0, 2])
def test_without_descriptors_requests_wait_or_are_refused_and_come_back(own, users, spare):
    pids = own.api_processes()
    with Load(users, 12, seed=spare, again=30) as load:
        time.sleep(1)
        with starved(pids, spare):
            # Connections are made anew, so that descriptors are wanted.
            own.kill("redis")
            with database_of(own) as database:
                for row in database.rows("SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()"):
                    with contextlib.suppress(Exception):
                        database.run("KILL %s", row["id"])
            time.sleep(2)
        back = load.elapsed()
        time.sleep(2)
    assert load.first_answer_after(back) < 1
    assert not load.failures, load.failures[:5]
    assert own.api_processes() == pids
    assert load.repeats or "no connection could be accepted" in (own.stack.log_dir / "api-0.log").read_text()
    with database_of(own) as database:
        load.check_writes(database)


def test_a_worker_without_descriptors_goes_on_when_it_has_some(own, users):
    pid = own.pid("worker")
    child = worker_process(pid)
    with starved([child], 0):
        own.kill("smtp")
        own.run("ctl", "restart", "aws:*")
        for user in users:
            user.expense(950)
        time.sleep(3)
    settled(own)
    assert worker_process(own.pid("worker")) == child


def worker_process(pid):
    """The program itself may be a child of what supervisor knows."""
    name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    return pid if name.startswith("moneymanager") else next(iter(children_of(pid)))


def children_of(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_reader_of_logs_that_hangs_holds_no_request_up(own, users):
    """Both processes of the pool write to one pipe, which fills."""
    supervisor = int((pathlib.Path(own.stack.env["DB_SOCKET"]).parents[1] / "supervisord.pid").read_text())
    slowest = []

    def ask():
        client, worst = Client(own.stack), 0.0
        for _ in range(150):
            began = time.monotonic()
            client.get("/jars", expect=401)
            worst = max(worst, time.monotonic() - began)
        slowest.append(worst)

    os.kill(supervisor, signal.SIGSTOP)
    try:
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(slowest) == 8, "requests hang behind the log"
        assert max(slowest) < 3
        users[0].expense(100)
    finally:
        os.kill(supervisor, signal.SIGCONT)
    log = own.stack.log_dir / "api-0.log"
    for _ in range(3):
        Client(own.stack).get("/jars", expect=401)
    until(lambda: "log lines were lost" in log.read_text(errors="replace"), 10, "the loss to be told")


def test_a_full_disk_for_logs_stops_nothing(own, users):
    own.ctl("stop", "api:*", "worker:*")
    folder = own.dir / "full"
    own.up("--build", wrap(folder, ["exec 2>/dev/full"]))
    try:
        with Load(users, 6, seed=9, again=10) as load:
            time.sleep(3)
        assert not load.failures, load.failures[:5]
        assert load.repeats == 0
        with database_of(own) as database:
            load.check_writes(database)
        settled(own)  # what the tests before left, too
    finally:
        own.up("--build", "build/release")


STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1]


def test_whatever_signal_a_manager_stops_a_process_by_its_requests_are_finished(own, users):
    log = own.stack.log_dir / "api-0.log"
    before = log.read_text(errors="replace")
    with Load(users, 6, seed=2) as load:
        for number in STOPS:
            known = own.api_processes()
            os.kill(known[0], number)
            until(lambda known=known: len(set(own.api_processes()) - {known[0]}) == 2, 20, "a new process", every=0.05)
    assert not load.failures, load.failures[:5]
    for number in STOPS:
        words = f"stopping after signal {number.value}\n"
        until(lambda words=words: log.read_text(errors="replace").count(words) == before.count(words) + 1, 10, words)
