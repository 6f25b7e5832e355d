#!/usr/bin/env python3
"""make failover: the primary of MySQL, then of Redis goes away under load, and a table tells what the clients saw of it.

planned: the old primary refuses writes first, then the replica is promoted and the name moves, then the old one is killed
crash:   the old primary is killed in the middle, then the replica is promoted and the name moves
frozen:  the old primary stands still with all connections open, as a machine that has lost its network; promoted after 10 s,
         sooner than RDS would decide

A client sends a request without a good answer again, with its Idempotency-Key. The load, the name and the two servers of each
pair are real; the promotion itself is done here, as RDS and ElastiCache do it. docs/operations.md has the table."""

import argparse
import contextlib
import pathlib
import signal
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "api")]

from checker import Report, check_all, settled  # noqa: E402
from faults import SteadyLoad, keep  # noqa: E402
from load import prepare  # noqa: E402
from own_stack import OwnStack  # noqa: E402
from replicas import CachePair, DatabasePair, Names  # noqa: E402
from wrapped import wrap  # noqa: E402

from harness.books import check_balances, household_of  # noqa: E402
from harness.mail import Mailbox  # noqa: E402
from harness.stack import Database, Stack  # noqa: E402
from harness.users import UserPool  # noqa: E402
from harness.wait import until  # noqa: E402

USERS = 4
CONNECTIONS = 8
LARGE = 900  # amounts of the load are below 1000, so one in ten is mailed
CLIENT_PATIENCE_S = 40
DECIDE_S = 10  # from the standstill of a primary to the promotion
LIMIT_S = 5.0  # without good answers after the new primary accepts writes
SETTLE_S = 150
ROWS = "rows kept"
WAYS = ("planned", "crash", "frozen")
COLUMNS = ("failover", "writes kept", "sent again", "lost", "doubled", "write again after", "longest answer", "steps by hand")


class World:
    """The programs behind names that lead to the primaries."""

    def __init__(self):
        with contextlib.ExitStack() as stack:
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mm-failover-")))
            self.folder.chmod(0o755)
            self.names = Names(self.folder / "names")
            self.database = DatabasePair(self.folder / "db", self.names, "db.test")
            stack.callback(self.database.close)
            self.cache = CachePair(self.folder / "cache", self.names, "cache.test")
            stack.callback(self.cache.close)
            settings = {"LARGE_TRANSACTION_AMOUNT": str(LARGE), "RATE_API_PER_MINUTE": "1000000"}
            settings |= {"OUTBOX_RESEND_AFTER_SECONDS": "20", **self.database.settings(), **self.cache.settings()}
            build = wrap(self.folder / "programs", self.names.lines)
            self.own = OwnStack(pools=2, processes=2, workers=2, settings=settings, build=build)
            stack.callback(self.own.down)
            pool = UserPool(self.own.stack, Mailbox(self.own.stack.mail_dir))
            self.loads = []
            self.users = [prepare(pool.take()) for _ in range(USERS)]
            self.stack = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()

    @property
    def direct(self):
        """The stack as seen by who knows where the primary is."""
        return Stack({**self.own.stack.env, "DB_HOST": self.database.primary.address})

    def processes(self):
        return [*self.own.api_processes(), *(self.own.pid(f"worker-{number}") for number in range(2))]


def steady(load, writes=120):
    wanted = load.acknowledged + writes
    until(lambda: load.acknowledged >= wanted, 90, "the load")


def database_goes(world, way):
    """Returns when the new primary accepts writes; the answer is how the old one is ended later."""
    pair = world.database
    old = pair.primary
    if way == "planned":
        pair.demote()
        pair.catch_up(pair.replica, pair.tell(old, "SELECT @@gtid_binlog_pos AS pos")["pos"])
        time.sleep(1)  # the programs meet error 1290, and find the same server again
        pair.promote()
    elif way == "crash":
        old.kill()
        pair.promote()
    else:
        old.signal(signal.SIGSTOP)
        time.sleep(DECIDE_S)
        pair.promote()
    return old.kill


def cache_goes(world, way):
    pair = world.cache
    old = pair.primary
    if way == "planned":
        pair.promote()
        pair.demote()
    elif way == "crash":
        old.kill()
        pair.promote()
    else:
        old.signal(signal.SIGSTOP)
        time.sleep(DECIDE_S)
        pair.promote()
    return old.kill


def believed_again(world, epoch):
    """A program has renewed the epoch in the new primary, so it uses it."""
    return world.cache.connect(world.cache.primary).get("mm:epoch") != epoch


class Outcome:
    """Figures of one failover, and what of it is not as it must be."""

    def __init__(self, name, load, after, report, restarted):
        found = report.figures.get(ROWS)
        self.row = {
            "failover": name,
            "writes kept": load.acknowledged,
            "sent again": load.repeats,
            "lost": 0 if found else "?",
            "doubled": found.untold if found else "?",
            "write again after": f"{after:.2f} s",
            "longest answer": f"{load.slowest:.1f} s",
            "steps by hand": restarted,
        }
        self.broken = list(report.broken)
        if after > LIMIT_S:
            self.broken.append(f"{name}: {after:.1f} s without good writes after the new primary accepted them")
        if restarted:
            self.broken.append(f"{name}: {restarted} processes had to start anew")
        refused = [failure for failure in load.failures if "client itself" in failure[1] or failure[2].startswith("4")]
        if refused:
            self.broken.append(f"{name}: refused {refused[:3]}")
        if load.failures:
            self.broken.append(f"{name}: never answered {load.failures[:3]}")


def run(world, part, way, say=print):
    """One failover under load."""
    name = f"{'MySQL' if part == 'database' else 'Redis'}, {way}"
    before = world.processes()
    load = SteadyLoad(world.users, CONNECTIONS, seed=len(name), writes=0.7, again=CLIENT_PATIENCE_S, timeout=20.0)
    with load:
        steady(load)
        epoch = world.cache.connect(world.cache.primary).get("mm:epoch")
        bury = (database_goes if part == "database" else cache_goes)(world, way)
        accepts = load.elapsed()
        until(lambda: load.writes_again_after(accepts) < 60, 60, "good writes of every connection")
        after = load.writes_again_after(accepts)
        if part == "cache":
            until(lambda: believed_again(world, epoch), 20, "the programs to use the new Redis")
        if way != "planned":
            steady(load)
        bury()
        steady(load)
    say(f"{name}: every connection wrote again {after:.2f} s after the promotion")
    report = Report()
    with contextlib.closing(world.direct.sql()) as connection:
        database = Database(connection)
        report.check(ROWS, lambda: load.check_writes(database))
        for user in world.users:
            report.check("books", lambda user=user: check_balances(database, household_of(database, user)))
    outcome = Outcome(name, load, after, report, sum(pid not in world.processes() for pid in before))
    world.loads.append(load)
    if outcome.broken:
        keep(world, say)
    return outcome


def rest(world, say=print):
    """What is not as it must be when all events and mails of all failovers have come to their end. A mail that was on its way
    when the database went waits for the end of its lease, a minute."""
    with contextlib.closing(world.direct.sql()) as connection:
        database = Database(connection)
        with contextlib.suppress(AssertionError):
            until(lambda: not settled(database), SETTLE_S, "rest", every=0.2)
        report = check_all(world.direct, database, world.loads[-1], world.users, LARGE)
    say(str(report))
    if report.broken:
        keep(world, say)
    return report.broken


def table(outcomes):
    lines = ["| " + " | ".join(COLUMNS) + " |", "| " + " | ".join("---" for _ in COLUMNS) + " |"]
    lines += ["| " + " | ".join(str(outcome.row[column]) for column in COLUMNS) + " |" for outcome in outcomes]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()

    def say(text):
        print(text, flush=True)

    outcomes = []
    with World() as world:
        for part in ("database", "cache"):
            for way in WAYS:
                outcomes.append(run(world, part, way, say))
                if (part, way) != ("cache", WAYS[-1]):
                    (world.database if part == "database" else world.cache).rejoin()
        broken = [line for outcome in outcomes for line in outcome.broken] + rest(world, say)
    say(table(outcomes))
    for line in broken:
        say(f"BROKEN {line}")
    say("BROKEN" if broken else f"nothing lost, nothing twice, writes within {LIMIT_S:g} s")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
