"""A steady load of reads and writes from several users that keeps account of every answer."""

import collections
import http.client
import json
import random
import threading
import time
import urllib.parse
import uuid

from harness.client import random_address

READS = ("/expenses", "/jars", "/categories", "/transactions?limit=20", "/incomes")
NO_ANSWER = (http.client.HTTPException, OSError)


# Rows and kept keys found; writes that never got an answer; rows of those, which nobody was told of.
Written = collections.namedtuple("Written", "rows unanswered untold")


class Actor:
    """One connection of one user. Writes carry an Idempotency-Key; with `again`, a request that got no answer or an answer
    of 409 or 5xx is sent anew with its key until `again` seconds have passed, as a client would do."""

    def __init__(self, user, seed, *, writes=0.5, keep=True, again=0.0, timeout=40.0, reads=READS):
        self.user = user
        self.where = urllib.parse.urlsplit(user.stack.base)
        self.random = random.Random(seed)
        self.share = writes
        self.keep = keep
        self.again = again
        self.timeout = timeout
        self.reads = reads
        self.connection = None
        self.name = "Tải"
        self.headers = {
            "Authorization": f"Bearer {user.token}",
            "X-Forwarded-For": random_address(),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        self.statuses = collections.Counter()
        self.failures = []  # (seconds since the start, what, why): answers of 5xx and requests without an answer
        self.repeats = 0
        self.written = {}  # id of each acknowledged row: its kind
        self.transfers = []  # key of each acknowledged transfer
        self.unknown = []  # keys of writes that never got an answer
        self.slowest = 0.0
        self.answers = []  # time of each good answer
        self.good_writes = []  # the same of writes alone

    def send(self, method, path, body, headers):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.where.hostname, self.where.port, timeout=self.timeout)
        try:
            self.connection.request(method, self.where.path + path, body=body, headers={**self.headers, **headers})
            answer = self.connection.getresponse()
            data = answer.read()
        except NO_ANSWER:
            self.close()
            raise
        if not self.keep or answer.getheader("Connection") == "close":
            self.close()
        return answer.status, data

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def once(self, method, path, body, headers, began):
        """Status and body, or None and the fault's name."""
        sent = time.monotonic()
        try:
            status, data = self.send(method, path, body, headers)
        except NO_ANSWER as fault:
            return None, type(fault).__name__
        finally:
            self.slowest = max(self.slowest, time.monotonic() - sent)
        self.statuses[status] += 1
        if status < 400:
            self.answers.append(time.monotonic() - began)
            if method == "POST":
                self.good_writes.append(self.answers[-1])
        return status, data

    def ask(self, method, path, body=None, began=0.0):
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        data = json.dumps(body).encode() if body is not None else None
        end = time.monotonic() + self.again
        while True:
            status, found = self.once(method, path, data, headers, began)
            if status is not None and status < 500 and status != 409:
                break
            why = found if status is None else f"{status} {found[:200]!r}"
            if time.monotonic() >= end:
                self.failures.append((round(time.monotonic() - began, 3), f"{method} {path}", why))
                if method == "POST":
                    self.unknown.append(headers["Idempotency-Key"])
                return status, found, headers
            self.repeats += 1
            time.sleep(0.02 + 0.1 * self.random.random())
        return status, found, headers

    def write(self, began):
        kind = self.random.choices(("expense", "income", "transfer"), (6, 2, 2))[0]
        amount = self.random.randrange(1, 1000)
        if kind == "transfer":
            first, second = self.random.sample(self.user.load_jars, 2)
            body = {"fromJarId": first, "toJarId": second, "amount": amount}
            status, found, headers = self.ask("POST", "/jars/transfer", body, began)
            if status == 200:
                self.transfers.append(headers["Idempotency-Key"])
        else:
            jar = {"jarId": self.random.choice(self.user.load_jars)} if kind == "expense" else {}
            body = {"name": self.name, "categoryId": self.user.category_of(kind), "amount": amount, **jar}
            status, found, _ = self.ask("POST", f"/{kind}s", body, began)
            if status == 201:
                self.written[json.loads(found)["id"]] = kind
        if status is not None and 400 <= status < 500 and status != 409:
            self.failures.append((round(time.monotonic() - began, 3), kind, f"{status} {found[:200]!r}"))

    def step(self, began):
        if self.random.random() < self.share:
            self.write(began)
        else:
            path = self.random.choice(self.reads)
            status, found, _ = self.ask("GET", path, began=began)
            if status is not None and 400 <= status < 500:
                self.failures.append((round(time.monotonic() - began, 3), path, f"{status} {found[:200]!r}"))


def prepare(user, jars=3):
    """What the load needs: categories, jars, and an income large enough for every transfer and expense."""
    user.category_of("expense")
    user.load_jars = [user.jar(target=100 // jars)["id"] for _ in range(jars)]
    user.income(1_000_000_000)
    return user


class Load:
    """with Load(users, connections): ... ; afterwards the figures of all connections together."""

    def __init__(self, users, connections, seed=1, **options):
        self.users = users
        self.actors = [Actor(users[i % len(users)], seed * 1000 + i, **options) for i in range(connections)]
        self.name = f"Tải {uuid.uuid4().hex[:12]}"
        for actor in self.actors:
            actor.name = self.name
        self.stopping = threading.Event()
        self.threads = []

    def run(self, actor):
        try:
            while not self.stopping.is_set():
                actor.step(self.began)
        except Exception as fault:
            actor.failures.append((round(time.monotonic() - self.began, 3), "the client itself", repr(fault)))
        finally:
            actor.close()

    def __enter__(self):
        self.began = time.monotonic()
        self.threads = [threading.Thread(target=self.run, args=[actor], daemon=True) for actor in self.actors]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(90)
        self.seconds = time.monotonic() - self.began
        assert not any(thread.is_alive() for thread in self.threads), "a request of the load does not end"

    def elapsed(self):
        return time.monotonic() - self.began

    @property
    def good(self):
        return sum(len(actor.answers) for actor in self.actors)

    @property
    def acknowledged(self):
        return sum(len(actor.written) + len(actor.transfers) for actor in self.actors)

    @property
    def failures(self):
        return sorted(failure for actor in self.actors for failure in actor.failures)

    @property
    def repeats(self):
        return sum(actor.repeats for actor in self.actors)

    @property
    def slowest(self):
        return max(actor.slowest for actor in self.actors)

    def first_answer_after(self, moment):
        """Seconds from `moment` (of elapsed()) to the first good answer after it."""
        later = [answer - moment for actor in self.actors for answer in actor.answers if answer > moment]
        return min(later, default=float("inf"))

    def writes_again_after(self, moment):
        """Seconds from `moment` until every connection has had a good write after it."""
        return max(min((at - moment for at in actor.good_writes if at > moment), default=float("inf")) for actor in self.actors)

    def check_writes(self, database):
        """Every acknowledged write is there once; every write without an answer at most once. Returns Written."""
        unknown = {key for actor in self.actors for key in actor.unknown}
        rows = untold = 0
        for user in {id(user): user for user in self.users}.values():
            mine = [actor for actor in self.actors if actor.user is user]
            acknowledged = [row for actor in mine for row in actor.written]
            assert len(acknowledged) == len(set(acknowledged)), "one row answered two requests"
            household = database.one("SELECT household_id FROM household_members WHERE user_id = %s", user.id)["household_id"]
            found = {
                row["id"]
                for row in database.rows(
                    "SELECT id FROM transactions WHERE household_id = %s AND name = %s AND deleted_at IS NULL",
                    household,
                    self.name,
                )
            }
            lost = set(acknowledged) - found
            assert not lost, f"{len(lost)} acknowledged writes are lost: {sorted(lost)[:5]}"
            open_keys = sum(len(actor.unknown) for actor in mine)
            extra = len(found) - len(acknowledged)
            assert 0 <= extra <= open_keys, f"{extra} rows that nobody was told of, {open_keys} requests without an answer"
            keys = [key for actor in mine for key in actor.transfers]
            kept = database.rows(
                "SELECT idempotency_key FROM idempotency_keys WHERE user_id = %s AND route = 'POST /jars/transfer'", user.id
            )
            assert set(keys) <= {row["idempotency_key"] for row in kept}, "an acknowledged transfer is lost"
            rows += len(found) + len(kept)
            untold += extra
        return Written(rows, len(unknown), untold)
