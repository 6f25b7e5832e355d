"""Machines whose clock is wrong or jumps, by libfaketime: requests are answered, events and mails get through, and no periodic
task runs at a time that is not."""

import contextlib
import glob
import pathlib
import time

import pytest
from load import Load, prepare
from own_stack import OwnStack
from wrapped import wrap

from harness.mail import Mailbox
from harness.stack import Database
from harness.users import UserPool
from harness.wait import until

LIBRARY = "/usr/lib/*/faketime/libfaketime.so.1"
HOUR = 3600


class Clock:
    """The clock of both programs."""

    def __init__(self, file):
        self.file = pathlib.Path(file)
        self.jump(0)

    def jump(self, seconds):
        part = self.file.with_suffix(".part")
        part.write_text(f"{seconds:+d}\n")
        part.chmod(0o644)
        part.replace(self.file)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    for above in (folder, *folder.parents[:2]):
        above.chmod(0o755)
    library = next(iter(glob.glob(LIBRARY)))
    clock = Clock(folder / "offset")
    # The monotonic clock, which time-outs count by, does not jump.
    lines = [
        f"export LD_PRELOAD={library} FAKETIME_TIMESTAMP_FILE={clock.file} FAKETIME_NO_CACHE=1",
        "export FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1",
    ]
    stack = OwnStack(
        pools=1, processes=2, workers=2, build=wrap(folder / "programs", lines), settings={"LARGE_TRANSACTION_AMOUNT": "900"}
    )
    stack.clock = clock
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def users(own):
    pool = UserPool(own.stack, Mailbox(own.stack.mail_dir))
    return [prepare(pool.take()) for _ in range(3)]


def open_work(database):
    return database.one(
        "SELECT (SELECT COUNT(*) FROM outbox WHERE state <> 'processed') + "
        "(SELECT COUNT(*) FROM mail_ledger WHERE state <> 'sent') AS n"
    )["n"]


def test_a_clock_that_jumps_stops_nothing(own, users):
    with contextlib.closing(own.stack.sql()) as connection:
        database = Database(connection)
        tasks = database.rows("SELECT name, due_at FROM periodic_tasks ORDER BY name, due_at")
        with Load(users, 6, seed=3, again=20) as load:
            for seconds in (2 * HOUR, -2 * HOUR, 5, 7 * HOUR, 0):
                time.sleep(1)
                own.clock.jump(seconds)
            time.sleep(2)
        assert not load.failures, load.failures[:5]
        assert load.slowest < 10
        load.check_writes(database)
        # What was left for a later hour is found within a minute.
        until(lambda: open_work(database) == 0, 100, "events and mails of the wrong hours")
        seen = database.one("SELECT COUNT(*) AS n FROM periodic_tasks WHERE due_at > UTC_TIMESTAMP(3)")
        assert seen["n"] == 0, "a task ran for a time that is not yet"
        assert database.rows("SELECT name, due_at FROM periodic_tasks ORDER BY name, due_at")[: len(tasks)] == tasks


def test_no_task_runs_by_a_clock_that_is_ahead(own):
    with contextlib.closing(own.stack.sql()) as connection:
        database = Database(connection)
        own.ctl("stop", "worker:*")
        own.clock.jump(40 * 24 * HOUR)
        try:
            own.ctl("start", "worker:*")
            logs = [own.stack.log_dir / f"worker-{number}.log" for number in range(2)]
            until(lambda: all("clock differs from the database's" in log.read_text() for log in logs), 30, "the clock to be told")
        finally:
            own.clock.jump(0)
        assert database.one("SELECT COUNT(*) AS n FROM periodic_tasks WHERE due_at > UTC_TIMESTAMP(3)")["n"] == 0
