"""Programs that are started anew in the middle of the work: no request fails, no message is left half done."""

import os
import pathlib
import signal
import subprocess

import checker
import pytest
from checker import settled
from load import Load, prepare
from own_stack import OwnStack, children

from harness.books import check_balances, check_months, household_of
from harness.mail import Mailbox
from harness.stack import ROOT, Database
from harness.users import UserPool
from harness.wait import until

CONNECTIONS = 24
LARGE = 900  # a tenth of the expenses and incomes of the load


@pytest.fixture(scope="module")
def own():
    settings = {"RATE_API_PER_MINUTE": "1000000", "LARGE_TRANSACTION_AMOUNT": str(LARGE)}
    stack = OwnStack(pools=2, processes=2, workers=2, settings=settings)
    yield stack
    stack.down()


@pytest.fixture
def database(own):
    connection = own.stack.sql()
    yield Database(connection)
    connection.close()


@pytest.fixture(scope="module")
def pools(own):
    """The process ids of the two multiwatch processes."""
    return [own.pid(f"api-{number}") for number in (0, 1)]


@pytest.fixture(scope="module")
def users(own):
    pool = UserPool(own.stack, Mailbox(own.stack.mail_dir))
    return [prepare(pool.take()) for _ in range(6)]


def check_all(load, database, capfd, what):
    """No request failed and the books are right; prints the figures."""
    written = load.check_writes(database)
    for user in load.users:
        household = household_of(database, user)
        check_balances(database, household)
        check_months(database, household)
    with capfd.disabled():
        print(
            f"\n{what}: {load.good} requests in {load.seconds:.1f} s, {load.acknowledged} writes acknowledged, "
            f"{len(load.failures)} failed, {load.repeats} repeated, slowest {load.slowest * 1000:.0f} ms"
        )
    assert not load.failures, load.failures[:5]
    assert written.untold == 0


def test_a_rolling_restart_at_full_load_fails_no_request(own, users, database, capfd):
    before = set(own.api_processes())
    assert len(before) == 4
    with Load(users, CONNECTIONS) as load:
        until(lambda: load.good > 200, 20, "the load")
        own.run("roll")
        until(lambda: len(own.api_processes()) == 4, 10, "the new processes")
    assert not before & set(own.api_processes())
    check_all(load, database, capfd, "rolling restart of two pools")


def test_processes_stopped_in_any_order_fail_no_request(pools, users, database, capfd):
    """SIGTERM to half of each pool at once, again and again, without waiting for anything."""
    with Load(users, CONNECTIONS) as load:
        for round in range(6):
            wanted = load.good + 100
            until(lambda wanted=wanted: load.good > wanted, 20, "the load")
            for pool in pools:
                for pid in children(pool)[round % 2 :: 2]:
                    os.kill(pid, signal.SIGTERM)
    check_all(load, database, capfd, "six times half of the processes")


def test_all_processes_stopped_at_once_fail_no_request(pools, users, database, capfd):
    """While nobody accepts, connections wait in the socket's own queue."""
    with Load(users, CONNECTIONS) as load:
        until(lambda: load.good > 100, 20, "the load")
        for _ in range(3):
            for pid in [pid for pool in pools for pid in children(pool)]:
                os.kill(pid, signal.SIGTERM)
            wanted = load.good + 100
            until(lambda wanted=wanted: load.good > wanted, 20, "the load")
    check_all(load, database, capfd, "three times all processes at once")


def test_a_reload_of_nginx_fails_no_request_on_new_connections(own, users, database, capfd):
    with Load(users, CONNECTIONS, keep=False) as load:
        reload_often(own, load)
    check_all(load, database, capfd, "four reloads of nginx, a connection a request")


def test_a_request_on_a_kept_connection_that_nginx_closes_at_its_reload_was_never_begun(own, users, database, capfd):
    """A client sees the connection end and asks again; with its key nothing could be done twice, and nothing is."""
    with Load(users, CONNECTIONS, again=10) as load:
        reload_often(own, load)
    check_all(load, database, capfd, "four reloads of nginx, kept connections")


def reload_often(own, load):
    pid = own.pid("nginx")
    for _ in range(4):
        wanted = load.good + 100
        until(lambda wanted=wanted: load.good > wanted, 20, "the load")
        os.kill(pid, signal.SIGHUP)


def test_a_request_finds_the_siblings_of_frozen_processes(pools, users):
    """The kernel may wake a frozen process for a connection; another one finds it by itself."""
    frozen = [children(pool)[0] for pool in pools]
    user = users[0]
    try:
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        for _ in range(6):
            assert user.with_().get("/jars", expect=200)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)


def name(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()


def test_the_script_stops_at_a_process_that_does_not_come_back(own, tmp_path):
    """Here it is handed a parent that starts nothing anew."""
    child = tmp_path / "moneymanager-api"
    child.write_text("#!/bin/sh\nsleep 60 & wait\n")
    child.chmod(0o755)
    with subprocess.Popen(["/bin/sh", "-c", f"{child} & {child} & wait"], start_new_session=True) as parent:
        try:
            until(lambda: [name(pid) for pid in children(parent.pid)] == [child.name[:15]] * 2, 10, "the children")
            first, second = children(parent.pid)
            result = subprocess.run(
                [ROOT / "scripts/rolling-restart.sh", str(parent.pid)],
                env={**os.environ, "ROLLING_WAIT_SECONDS": "1"},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert result.returncode == 1 and "nothing serves" in result.stderr
            assert children(parent.pid) == [second], "the other one had to be left alone"
        finally:
            os.killpg(parent.pid, signal.SIGKILL)


def test_workers_restarted_in_the_middle_leave_no_message_half_done(own, users, database, capfd):
    """Each large expense has one effect and one mail, though every worker was stopped several times meanwhile."""
    with Load(users, 6, writes=1) as load:
        for round in range(4):
            wanted = load.acknowledged + 40
            until(lambda wanted=wanted: load.acknowledged > wanted, 30, "the load")
            own.ctl("restart", f"worker:worker-{round % 2}")
    until(lambda: not settled(database), 90, "all events and mails", every=0.2)
    report = checker.check_all(own.stack, database, load, users, LARGE)
    with capfd.disabled():
        print(f"\nworkers restarted four times:\n{report}")
    assert not report.broken, str(report)
    assert not load.failures, load.failures[:5]
    assert not any(count > 1 for count in checker.mails_by_event(own.stack.mail_dir).values()), "a mail came twice"
