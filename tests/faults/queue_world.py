"""What the tests of the queue share: a stack of their own whose programs reach SQS through a gate, and short words for what they
look at."""

import contextlib
import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid

import boto3
from botocore.config import Config
from own_stack import OwnStack
from sqs_gate import Gate

from harness import queue
from harness.books import household_of
from harness.mail import Mailbox
from harness.stack import ROOT, Database, Stack, read_env
from harness.users import UserPool
from harness.wait import until

sys.path.append(str(ROOT / "local"))
from settings import Settings  # noqa: E402

LARGE_EVENT = "transaction.large"
LARGE = 1000  # amounts from here on are mailed
ERROR = re.compile(r" ERROR ")


@dataclasses.dataclass
class Saver:
    """A signed-in user with an own household, and what it spends from."""

    user: object
    household: int
    jar: int
    food: int

    def spend(self, name, amount=LARGE):
        return self.user.expense(amount, self.food, name, jarId=self.jar)


class World:
    def __init__(self, **settings):
        self.gate = None
        self.own = OwnStack(
            pools=1, processes=1, workers=2, settings={"LARGE_TRANSACTION_AMOUNT": LARGE, "LOG_FORMAT": "text", **settings}
        )
        try:
            env = read_env(self.own.dir / "env")
            self.gate = Gate(env["AWS_ENDPOINT_URL"], env["SQS_QUEUE_URL"])
            self.own.up("--set", f"AWS_ENDPOINT_URL_SQS={self.gate.url}")
        except BaseException:
            self.close()
            raise
        # The tests themselves reach the stand-in without the gate.
        env = read_env(self.own.dir / "env")
        env.pop("AWS_ENDPOINT_URL_SQS")
        self.stack = Stack(env)
        self.mailbox = Mailbox(self.stack.mail_dir)
        self.users = UserPool(self.stack, self.mailbox)
        self.database = Database(self.stack.sql())

    def close(self):
        if self.gate:
            self.gate.close()
        self.own.down()

    def reconnect(self):
        """After the database server was away."""
        with contextlib.suppress(Exception):
            self.database.connection.close()
        self.database.connection = until(self.try_to_connect, 60, "MariaDB to answer")

    def try_to_connect(self):
        with contextlib.suppress(Exception):
            return self.stack.sql()
        return None

    # ---- users, events, mails ----

    def saver(self):
        user = self.users.take()
        jar = user.jar(target=100)["id"]
        found = Saver(user, household_of(self.database, user), jar, user.category_of("expense"))
        user.income(900)
        return found

    def events(self, saver, type=LARGE_EVENT):
        return self.database.rows("SELECT * FROM outbox WHERE household_id = %s AND type = %s ORDER BY id", saver.household, type)

    def settled(self, saver, seconds=30):
        """Every event of the household processed, every mail out."""

        def done():
            mails = self.database.rows(
                "SELECT id FROM mail_ledger WHERE household_id = %s AND state NOT IN ('sent', 'refused')", saver.household
            )
            events = self.database.rows("SELECT processed_at FROM outbox WHERE household_id = %s", saver.household)
            return not mails and all(event["processed_at"] for event in events)

        until(done, seconds, f"the work of household {saver.household}", every=0.1)

    def mails(self, saver, name):
        return [mail for mail in self.mailbox.to(saver.user.email) if name in mail.text]

    def told(self, event):
        """Notifications that tell of the event's transaction."""
        return self.database.rows("SELECT id FROM notifications WHERE event_id = %s AND title = 'Giao dịch lớn'", event)

    def record(self, saver, body):
        """An event as a command would have left it, to be sent by the relay."""
        found = json.loads(body)
        self.database.run(
            "INSERT INTO outbox (id, type, household_id, body, next_try_at, created_at)"
            " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3))",
            found["id"],
            found["type"],
            saver.household,
            body,
        )
        return found["id"]

    def status(self):
        """GET /status as the loopback sees it."""
        with urllib.request.urlopen(self.stack.base + "/status", timeout=10) as answer:
            return json.load(answer)

    def parked(self, event=None, body=None):
        """Parked rows of an event, or whose body contains a text."""
        return self.database.rows(
            "SELECT * FROM parked_messages WHERE event_id = %s OR body LIKE %s ORDER BY id",
            event,
            None if body is None else f"%{body}%",
        )

    def waiting(self):
        """Bodies in the main queue, in flight or not."""
        return queue.messages(self.stack, self.stack.env["SQS_QUEUE_URL"])

    def dead(self):
        return queue.dead_letters(self.stack)

    def send(self, body):
        queue.send(self.stack, body)

    def deliveries(self, event, least=0):
        """The messages of an event that workers got, once there are at least so many."""
        found = [message for message in self.gate.handed_out() if event in message["Body"]]
        return found if len(found) >= least else None

    def operator(self):
        """SQS with the key of the whole account, which the programs do not have."""
        key_id, secret = Settings(self.own.dir).root_key()
        return boto3.client(
            "sqs",
            region_name=self.stack.env["AWS_REGION"],
            endpoint_url=self.stack.env["AWS_ENDPOINT_URL"],
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(proxies={}),
        )

    # ---- the worker program by hand, its logs, its processes ----

    def worker(self, *arguments, expect=0):
        env = {**os.environ, **read_env(self.own.dir / "env")}
        program = ROOT / "build/release/moneymanager-worker"
        result = subprocess.run([program, *arguments], env=env, capture_output=True, text=True, check=False, timeout=60)
        assert result.returncode == expect, f"{arguments}: {result.returncode}\n{result.stdout}{result.stderr}"
        return result.stdout if expect == 0 else result.stdout + result.stderr

    def errors(self, word):
        """Lines of level ERROR with this word in the logs of all workers."""
        return [
            line
            for path in sorted(self.stack.log_dir.glob("worker-*.log"))
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
            if ERROR.search(line) and word in line
        ]

    @contextlib.contextmanager
    def one_worker(self):
        """Only worker-0 runs."""
        self.own.ctl("stop", "worker:worker-1")
        try:
            yield self.own.pid("worker-0")
        finally:
            self.own.ctl("start", "worker:worker-1")

    @contextlib.contextmanager
    def locked(self, statement, *values):
        """A transaction of the test's own that holds the rows of a SELECT ... FOR UPDATE."""
        connection = self.stack.sql()
        try:
            connection.begin()
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
            yield connection
        finally:
            connection.close()

    def running(self, pattern):
        """Whether a statement like this is under way in the database."""
        return self.database.rows("SELECT id FROM information_schema.processlist WHERE info LIKE %s", pattern)


@contextlib.contextmanager
def frozen(pid):
    os.kill(pid, signal.SIGSTOP)
    until(lambda: state_of(pid) in "Tt", 10, f"process {pid} to be stopped")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]


def anew(body):
    """The same event under an id of its own."""
    return changed(body, id=str(uuid.uuid4()))


def changed(body, **fields):
    """A message's body with other fields; None takes one out."""
    found = {**json.loads(body), **fields}
    return json.dumps({name: value for name, value in found.items() if value is not None})


def seconds_since(moment):
    return time.monotonic() - moment
