"""make valgrind: both programs under valgrind, through the main job, a short load, servers that go away, and a stop. No bad
access, no lost memory, no descriptor left open."""

import contextlib
import re
import time

import pytest
from load import Load, prepare
from own_stack import OwnStack
from talk import SETTINGS, Talk
from wrapped import wrap

from harness.mail import Mailbox
from harness.stack import Database
from harness.users import UserPool
from harness.wait import until

OPTIONS = "--leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=definite,indirect"
LOAD_S = 10


@pytest.fixture
def own(tmp_path_factory):
    reports = tmp_path_factory.mktemp("valgrind")
    for folder in (*reports.parents[:2], reports):
        folder.chmod(0o755)
    reports.chmod(0o777)
    command = f"valgrind -q --num-callers=30 --track-fds=yes {OPTIONS} --log-file={reports}/$NAME.%p"
    stack = OwnStack(
        pools=1,
        workers=1,
        build=wrap(reports / "programs", [], command=command),
        settings={**SETTINGS, "LARGE_TRANSACTION_AMOUNT": "900", "API_THREADS": "6", "WORKER_HANDLERS": "4"},
    )
    stack.reports = reports
    yield stack
    stack.down()


def complaints(path):
    """What valgrind said, without the descriptors that a program inherits."""
    text = re.sub(r"^==\d+== ?", "", path.read_text(errors="replace"), flags=re.M)
    parts = [part.strip() for part in text.split("\n\n")]
    return [part for part in parts if part and "<inherited from parent>" not in part and not part.startswith("FILE DESCRIPTORS")]


def test_clean_from_start_to_stop(own):
    pool = UserPool(own.stack, Mailbox(own.stack.mail_dir))
    users, talkers = [prepare(pool.take())], [pool.take()]
    with contextlib.closing(own.stack.sql()) as connection:
        database = Database(connection)
        with Load(users, 4, again=60) as load, Talk(talkers):
            time.sleep(LOAD_S)
            for name in ("redis", "smtp", "aws", "database"):
                own.kill(name)
                time.sleep(LOAD_S / 5)
        own.run("bootstrap")
        assert not load.failures, load.failures[:5]
    with contextlib.closing(own.stack.sql()) as connection:
        database = Database(connection)
        load.check_writes(database)
        until(lambda: database.one("SELECT COUNT(*) AS n FROM mail_ledger WHERE state <> 'sent'")["n"] == 0, 120, "mails")
    own.ctl("stop", "api:*", "worker:*")
    found = {path.name: complaints(path) for path in sorted(own.reports.glob("moneymanager-*.*"))}
    assert any(name.startswith("moneymanager-worker") for name in found)
    assert not any(found.values()), "\n\n".join(part for parts in found.values() for part in parts)[:20000]
