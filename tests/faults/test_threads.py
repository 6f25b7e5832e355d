"""Both programs under ThreadSanitizer: a mixed load while Redis and the queue go away and come back, then a stop."""

import contextlib
import subprocess
import time

import pytest
from load import Load, prepare
from own_stack import OwnStack
from talk import SETTINGS, Talk
from wrapped import wrap

from harness.mail import Mailbox
from harness.stack import ROOT, Database
from harness.users import UserPool
from harness.wait import until

SECONDS = 4  # of each of three spells
REPORT = "WARNING: ThreadSanitizer"


@pytest.fixture(scope="module")
def built():
    programs = ["build/tsan/moneymanager-api", "build/tsan/moneymanager-worker"]
    command = ["flock", "build/.lock", "make", "-s", "-j2", *programs]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture
def own(built, tmp_path_factory):
    reports = tmp_path_factory.mktemp("tsan")
    for folder in (reports, *reports.parents[:2]):
        folder.chmod(0o755)
    reports.chmod(0o777)
    lines = [f'export TSAN_OPTIONS="log_path={reports}/$NAME exitcode=66 history_size=4"']
    stack = OwnStack(
        build=wrap(reports / "programs", lines, "build/tsan"),
        settings={**SETTINGS, "LARGE_TRANSACTION_AMOUNT": "900", "API_THREADS": "8"},
    )
    stack.reports = reports
    yield stack
    stack.down()


def found(own):
    files = [*own.reports.glob("moneymanager-*.*"), *own.stack.log_dir.glob("*")]
    texts = [path.read_text(errors="replace") for path in sorted(files) if path.is_file()]
    return [text for text in texts if REPORT in text]


def test_no_race_under_load_with_servers_that_come_and_go(own):
    mailbox = Mailbox(own.stack.mail_dir)
    pool = UserPool(own.stack, mailbox)
    users = [prepare(pool.take()) for _ in range(3)]
    talkers = [pool.take() for _ in range(2)]
    with contextlib.closing(own.stack.sql()) as connection:
        database = Database(connection)
        with Load(users, 9, seed=1, again=30) as load, Talk(talkers) as talk:
            time.sleep(SECONDS)
            own.kill("redis")
            time.sleep(SECONDS)
            own.kill("aws")
            time.sleep(SECONDS)
        own.run("bootstrap")
        assert load.acknowledged > 50
        assert talk.answered > 0
        assert not load.failures, load.failures[:5]
        load.check_writes(database)
        until(lambda: database.one("SELECT COUNT(*) AS n FROM mail_ledger WHERE state = 'sent'")["n"] > 3, 60, "mails to be sent")
    own.ctl("stop", "api:*", "worker:*")
    assert not found(own), found(own)[0][:6000]
