"""A backup made under load, brought into another stack: what was acknowledged before it is there, all sums are right, and the
programs go on with it."""

import gzip
import os
import pathlib
import shutil
import subprocess

import pytest
from checker import settled
from load import Load, prepare
from own_stack import OwnStack

from harness.books import check_balances, check_months
from harness.mail import Mailbox
from harness.stack import ROOT, Database
from harness.users import UserPool
from harness.wait import until

LARGE = 900
SETTINGS = {"LARGE_TRANSACTION_AMOUNT": str(LARGE), "OUTBOX_RESEND_AFTER_SECONDS": "5"}


@pytest.fixture(scope="module")
def source():
    stack = OwnStack(pools=1, processes=2, workers=1, settings=SETTINGS)
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def target():
    stack = OwnStack(pools=1, processes=1, workers=1, settings=SETTINGS)
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def users(source):
    pool = UserPool(source.stack, Mailbox(source.stack.mail_dir))
    return [prepare(pool.take()) for _ in range(3)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "backups"


def run(script, *arguments, force=None):
    environment = {**os.environ, "FORCE": force or ""}
    return subprocess.run(
        [ROOT / "scripts" / script, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def backup(own, folder):
    made = run("backup.sh", own.dir / "env", folder)
    assert made.returncode == 0, made.stderr
    return pathlib.Path(made.stdout.strip())


def restore(own, saved, force="1"):
    return run("restore.sh", own.dir / "env", saved, force=force)


class Stopped:
    """The programs of a stack are stopped meanwhile."""

    def __init__(self, own):
        self.own = own

    def __enter__(self):
        self.own.ctl("stop", "api:*", "worker:*")

    def __exit__(self, *_):
        self.own.up()


def content(own):
    """Every row of every table."""
    database = Database(own.stack.sql())
    tables = [
        row["name"]
        for row in database.rows(
            "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"
        )
    ]
    found = {table: sorted(repr(row) for row in database.rows(f"SELECT * FROM `{table}`")) for table in tables}
    database.connection.close()
    return found


def saved_under_load(source, users, folder):
    with Load(users, 6, seed=8) as load:
        until(lambda: load.acknowledged > 100, 60, "the load")
        before = {row for actor in load.actors for row in list(actor.written)}
        saved = backup(source, folder)
        wanted = load.acknowledged + 50
        until(lambda: load.acknowledged > wanted, 60, "the load")
    assert not load.failures, load.failures[:5]
    return saved, before


def test_a_backup_under_load_is_consistent_and_the_programs_go_on_with_it(source, target, users, folder):
    saved, before = saved_under_load(source, users, folder)
    with Stopped(target):
        brought = restore(target, saved)
        assert brought.returncode == 0, brought.stderr
        database = Database(target.stack.sql())
        found = {row["id"] for row in database.rows("SELECT id FROM transactions")}
        assert before <= found
        for row in database.rows("SELECT id FROM households"):
            check_balances(database, row["id"])
            check_months(database, row["id"])
    there = UserPool(target.stack, Mailbox(target.stack.mail_dir)).take()
    there.email, there.password = users[0].email, users[0].password
    there.sign_in()
    assert set(there.jars()) == set(users[0].jars())
    made = there.expense(LARGE)["id"]
    told = "SELECT processed_at FROM outbox WHERE type = 'transaction.large' AND body LIKE %s AND processed_at IS NOT NULL"
    until(lambda: database.rows(told, f'%"subjectId":{made},%'), 20, "the event of a new expense")
    database.connection.close()


def test_at_rest_every_row_of_every_table_comes_back_as_it_was(source, target, users, folder):
    here = Database(source.stack.sql())
    users[0].expense(1, name="Bánh mì 'q' \"d\" \\ `b` 🙂")
    here.run("UPDATE users SET full_name = %s WHERE id = %s", "một\nINSERT INTO `jars` VALUES (1);\r\n\t\\", users[0].id)
    until(lambda: not settled(here), 60, "all events and mails", every=0.2)
    here.connection.close()
    with Stopped(source), Stopped(target):
        before = content(source)
        brought = restore(target, backup(source, folder))
        assert brought.returncode == 0, brought.stderr
        after = content(target)
        assert list(after) == list(before)
        for table, rows in before.items():
            assert after[table] == rows, table


def test_a_database_with_content_or_with_programs_is_left_alone(source, target, users, folder):
    saved = backup(source, folder)
    refused = restore(target, saved)
    assert refused.returncode == 1 and "stop the API" in refused.stderr
    with Stopped(target):
        before = content(target)
        refused = restore(target, saved, force=None)
        assert refused.returncode == 1 and "not empty" in refused.stderr
        for spoil, words in SPOILS:
            bad = folder / "bad"
            shutil.copytree(saved, bad)
            spoil(bad)
            refused = restore(target, bad)
            assert refused.returncode == 1 and words in refused.stderr, words
            shutil.rmtree(bad)
        assert content(target) == before


def cut(saved):
    file = saved / "dump.sql.gz"
    file.write_bytes(file.read_bytes()[:-100])


def other_format(saved):
    file = saved / "manifest"
    file.write_text(file.read_text().replace("format 1", "format 2"))


SPOILS = [
    (cut, "was changed or cut"),
    (other_format, "does not know"),
    (lambda saved: (saved / "manifest").unlink(), "no whole backup"),
]


def forge(saved, change):
    """Another content under a checksum that fits."""
    file, manifest = saved / "dump.sql.gz", saved / "manifest"
    file.write_bytes(gzip.compress(change(gzip.decompress(file.read_bytes()))))
    lines = [line for line in manifest.read_text().splitlines() if not line.startswith("dump_sha256")]
    digest = subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0]
    manifest.write_text("\n".join([*lines, f"dump_sha256 {digest}", ""]))


def without_one(table):
    def change(text):
        lines = text.splitlines(keepends=True)
        at = 1 + lines.index(b"INSERT INTO `" + table + b"` VALUES\n")
        assert lines[at].endswith(b"),\n")
        return b"".join(lines[:at] + lines[at + 1 :])

    return change


@pytest.mark.parametrize(
    "table, words", [("jar_entries", "sum of their entries"), ("schema_migrations", "schema is not"), ("jars", "rows instead of")]
)
def test_a_restored_database_that_is_not_what_was_saved_is_told(source, target, users, folder, table, words):
    saved = backup(source, folder)
    forge(saved, without_one(table.encode()))
    with Stopped(target):
        brought = restore(target, saved)
        assert brought.returncode == 1
        assert "DIFFERS" in brought.stderr and words in brought.stderr
        assert restore(target, backup(source, folder / "whole")).returncode == 0


def test_a_backup_that_fails_leaves_nothing_behind(source, folder):
    env = folder.parent / "env"
    text = (source.dir / "env").read_text()
    env.write_text(text + "DB_PASSWORD=wrong\n")
    for file, words in ((env, "cannot be read"), (folder.parent / "none", "cannot be read")):
        failed = run("backup.sh", file, folder)
        assert failed.returncode == 1 and words in failed.stderr
    database = Database(source.stack.sql())
    last = database.one("SELECT version, step FROM schema_migrations ORDER BY version DESC, step DESC LIMIT 1")
    database.run("UPDATE schema_migrations SET done_at = NULL WHERE version = %s AND step = %s", *last.values())
    try:
        failed = run("backup.sh", source.dir / "env", folder)
        assert failed.returncode == 1 and "a migration has not ended" in failed.stderr
    finally:
        done = "UPDATE schema_migrations SET done_at = UTC_TIMESTAMP(3) WHERE version = %s AND step = %s"
        database.run(done, *last.values())
        database.connection.close()
    assert not folder.exists() or list(folder.iterdir()) == []


def test_no_password_is_on_a_command_line_and_nobody_else_can_read_a_backup(source, folder):
    saved = backup(source, folder)
    assert saved.stat().st_mode & 0o077 == 0
    assert (saved / "dump.sql.gz").stat().st_mode & 0o077 == 0
    password = source.stack.env["DB_PASSWORD"].encode()
    assert password not in gzip.decompress((saved / "dump.sql.gz").read_bytes())
    for name in ("backup.sh", "restore.sh", "database.sh"):
        assert "--password" not in (ROOT / "scripts" / name).read_text()
