"""A new version with a migration takes over under load, process by process: no request fails, the migration runs once, and both
versions work on either schema meanwhile."""

import pathlib
import shutil
import subprocess
import time

import pytest
from checker import check_all, settled
from load import Load, prepare
from own_stack import OwnStack
from wrapped import PROGRAMS

from harness.mail import Mailbox
from harness.stack import ROOT, Database
from harness.users import UserPool
from harness.wait import until

LARGE = 900
SOURCES = ("Makefile", "lib", "fcgi-app", "worker", "sql", "scripts", "build/release", "build/gen")
MIGRATION = """-- One more step of each kind that a migration may have.
ALTER TABLE households ADD COLUMN deployed_note VARCHAR(20) NULL;
CREATE TABLE IF NOT EXISTS deployed (id BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB;
"""
STEPS = 2
VERSION = "the-next-one"


def next_version(folder):
    """Both programs of a copy of this tree with one more migration."""
    for name in SOURCES:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy2(source, target)
    (folder / "sql/999_next.sql").write_text(MIGRATION, encoding="utf-8")
    made = subprocess.run(
        ["make", "-s", "programs", "JOBS=2", f"VERSION={VERSION}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / "build/release"


def install(source, target):
    """In one step, as a package manager does: a process that starts finds the old program or the new one."""
    for name in PROGRAMS:
        part = target / f"{name}.part"
        shutil.copy2(source / name, part)
        part.replace(target / name)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The folder of installed programs; the next version."""
    folder = tmp_path_factory.mktemp("deploy")
    installed = folder / "installed"
    installed.mkdir()
    install(ROOT / "build/release", installed)
    yield installed, next_version(folder / "next")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def own(programs):
    settings = {"LARGE_TRANSACTION_AMOUNT": str(LARGE), "RATE_API_PER_MINUTE": "1000000"}
    stack = OwnStack(pools=2, processes=2, workers=2, settings=settings, build=str(programs[0]))
    yield stack
    stack.down()


def steps(database):
    return database.rows("SELECT step, done_at FROM schema_migrations WHERE version = 999")


def runs(pid, program):
    return pathlib.Path(f"/proc/{pid}/exe").readlink() == program


def test_a_new_version_with_a_migration_takes_over_and_no_request_fails(own, programs, capfd):
    installed, built = programs
    database = Database(own.stack.sql())
    pool = UserPool(own.stack, Mailbox(own.stack.mail_dir))
    users = [prepare(pool.take()) for _ in range(4)]
    # A connection for each request: none is spared because it was open before.
    with Load(users, 6, seed=5, keep=False) as load:
        until(lambda: load.acknowledged > 50, 60, "the load")
        began = load.elapsed()
        install(built, installed)
        own.run("roll")
        assert len(steps(database)) == STEPS
        for number in range(2):
            own.ctl("restart", f"worker:worker-{number}")
        took = load.elapsed() - began
        wanted = load.acknowledged + 50
        until(lambda: load.acknowledged > wanted, 60, "the load")
    assert not load.failures, load.failures[:5]
    assert load.repeats == 0
    assert [row["step"] for row in steps(database)] == list(range(1, STEPS + 1))
    assert all(row["done_at"] for row in steps(database))
    assert len(own.api_processes()) == 4
    assert all(runs(pid, installed / "moneymanager-api") for pid in own.api_processes())
    log = (own.stack.log_dir / "api-0.log").read_text(errors="replace")
    assert VERSION in log
    until(lambda: not settled(database), 60, "all events and mails", every=0.2)
    report = check_all(own.stack, database, load, users, LARGE)
    assert not report.broken, str(report)
    with capfd.disabled():
        print(
            f"\ndeploy: {load.good} requests over new connections in {load.seconds:.1f} s, 0 failed; all replaced after {took:.1f} s"
        )


def test_the_version_before_goes_back_in_and_works_on_the_newer_schema(own, programs):
    installed, _ = programs
    database = Database(own.stack.sql())
    pool = UserPool(own.stack, Mailbox(own.stack.mail_dir))
    users = [prepare(pool.take()) for _ in range(2)]
    with Load(users, 4, seed=6, keep=False) as load:
        install(ROOT / "build/release", installed)
        own.run("roll")
        time.sleep(1)
    assert not load.failures, load.failures[:5]
    assert all(runs(pid, installed / "moneymanager-api") for pid in own.api_processes())
    assert len(steps(database)) == STEPS
    load.check_writes(database)
