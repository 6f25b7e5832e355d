#!/usr/bin/env python3
"""make faults [SEED=n] [SECONDS=s]: a steady load of mixed writes while parts are killed, frozen and cut off, chosen by a printed seed; then the checker.

Two pools, two workers, and a proxy in front of MySQL, Redis, SQS and SMTP. The last lines are the report; docs/operations.md tells how to read it."""

import argparse
import collections
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "api")]

from checker import check_all, settled  # noqa: E402
from load import Load, prepare  # noqa: E402
from own_stack import OwnStack  # noqa: E402
from proxy import Proxy  # noqa: E402

from harness.mail import Mailbox  # noqa: E402
from harness.stack import ROOT, Database, Stack  # noqa: E402
from harness.users import UserPool  # noqa: E402
from harness.wait import until  # noqa: E402

USERS = 4
CONNECTIONS = 6
PAUSE_S = 0.04  # of each connection between two requests: a steady load, not a flood
LARGE = 900  # amounts of the load are below 1000, so one in ten is mailed
CLIENT_PATIENCE_S = 40
SETTLE_S = 200  # leases of a minute, and the second sending after RESEND_S
RESEND_S = 20


class SteadyLoad(Load):
    def run(self, actor):
        steps = actor.step

        def step(began):
            steps(began)
            time.sleep(PAUSE_S)

        actor.step = step
        super().run(actor)


class World:
    """The stack behind the proxy, and everything that can go wrong with it."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.own = OwnStack(pools=2, processes=2, workers=2, settings={"LARGE_TRANSACTION_AMOUNT": str(LARGE)})
        self.direct = Stack(dict(self.own.stack.env))
        env = self.direct.env
        self.proxy = Proxy(
            {
                "mysql": ("127.0.0.1", int(env["DB_PORT"])),
                "redis": ("127.0.0.1", int(env["REDIS_URL"].rsplit(":", 1)[1].split("/")[0])),
                "sqs": ("127.0.0.1", int(env["AWS_ENDPOINT_URL"].rsplit(":", 1)[1])),
                "smtp": ("127.0.0.1", int(env["SMTP_PORT"])),
            }
        )
        self.done = collections.Counter()

    def __enter__(self):
        self.proxy.__enter__()
        redis_port = self.proxy.routes["redis"].target[1]
        values = {
            "DB_SOCKET": "",
            "DB_HOST": "127.0.0.1",
            "DB_PORT": self.proxy.port("mysql"),
            "REDIS_URL": self.direct.env["REDIS_URL"].replace(f":{redis_port}/", f":{self.proxy.port('redis')}/"),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.port('sqs')}",
            "SMTP_PORT": self.proxy.port("smtp"),
            "OUTBOX_RESEND_AFTER_SECONDS": RESEND_S,
        }
        self.own.up(*(word for name, value in values.items() for word in ("--set", f"{name}={value}")))
        return self

    def __exit__(self, *_):
        self.own.down()
        self.proxy.__exit__()

    # ---- what can go wrong ----

    def faults(self):
        return [
            (3, self.kill_api),
            (3, self.kill_worker),
            (2, self.kill_database),
            (2, self.kill_redis),
            (1, self.kill_smtp),
            (1, self.kill_aws),
            (2, self.freeze_worker),
            (2, self.freeze_api),
            (1, self.freeze_database),
            (4, self.bad_line),
            (1, self.reload_nginx),
            (1, self.rolling_restart),
        ]

    def one(self):
        weights, choices = zip(*self.faults(), strict=True)
        fault = self.random.choices(choices, weights)[0]
        what = fault()
        self.done[what.split(" ")[0]] += 1
        return what

    def kill_api(self):
        pids = self.own.api_processes(self.random.randrange(2))
        chosen = pids if self.random.random() < 0.3 else self.random.sample(pids, min(1, len(pids)))
        for pid in chosen:
            self.signal(pid, signal.SIGKILL)
        return f"kill_api {len(chosen)}"

    def kill_worker(self):
        self.own.kill(f"worker-{self.random.randrange(2)}")
        return "kill_worker"

    def kill_database(self):
        self.own.kill("database")
        return "kill_database"

    def kill_redis(self):
        self.own.kill("redis")
        return "kill_redis"

    def kill_smtp(self):
        self.own.kill("smtp")
        return "kill_smtp"

    def kill_aws(self):
        """The stand-in forgets what it had accepted; the second sending has to heal that."""
        self.own.kill("aws")
        self.again(lambda: self.own.run("bootstrap"))
        return "kill_aws"

    def freeze_worker(self):
        return self.freeze(self.own.pid(f"worker-{self.random.randrange(2)}"), 2 + 5 * self.random.random(), "freeze_worker")

    def freeze_api(self):
        pids = self.own.api_processes()
        return self.freeze(self.random.choice(pids) if pids else 0, 0.5 + 2 * self.random.random(), "freeze_api")

    def freeze_database(self):
        return self.freeze(self.own.pid("database"), 0.5 + 2 * self.random.random(), "freeze_database")

    def freeze(self, pid, seconds, name):
        if pid:
            self.signal(pid, signal.SIGSTOP)
            time.sleep(seconds)
            self.signal(pid, signal.SIGCONT)
        return f"{name} {seconds:.1f} s"

    def bad_line(self):
        route = self.random.choice(list(self.proxy.routes))
        fault, value = self.random.choice(
            (
                ("latency", 0.3),
                ("cut", self.random.randrange(1, 400)),
                ("reset", 0),
                ("blackhole", 0),
                ("trickle", 0.01),
                ("refuse", 0),
            )
        )
        seconds = 0.5 + 3 * self.random.random()
        self.proxy.set(route, fault, value)
        time.sleep(seconds)
        self.proxy.heal()
        return f"line_{route}_{fault} {seconds:.1f} s"

    def reload_nginx(self):
        self.signal(self.own.pid("nginx"), signal.SIGHUP)
        return "reload_nginx"

    def rolling_restart(self):
        keepers = [str(pid) for pid in (self.own.pid("api-0"), self.own.pid("api-1")) if pid]
        subprocess.run([ROOT / "scripts/rolling-restart.sh", *keepers], capture_output=True, check=False, timeout=120)
        return "rolling_restart"

    @staticmethod
    def signal(pid, number):
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    @staticmethod
    def again(work, seconds=30):
        end = time.monotonic() + seconds
        while True:
            try:
                return work()
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)


def run(seed, seconds, say=print):
    say(f"seed {seed}, {seconds} s of load")
    with World(seed) as world:
        pool = UserPool(world.own.stack, Mailbox(world.direct.mail_dir))
        users = [prepare(pool.take()) for _ in range(USERS)]
        load = SteadyLoad(users, CONNECTIONS, seed=seed, writes=0.7, again=CLIENT_PATIENCE_S, timeout=15.0)
        with load:
            while load.elapsed() < seconds:
                time.sleep(0.3 + 1.5 * world.random.random())
                say(f"{load.elapsed():6.1f} s  {world.one()}")
            world.proxy.heal()
            time.sleep(1)
        say(f"load ends: {load.acknowledged} writes acknowledged, {load.repeats} requests sent again")
        connection = until(lambda: connect(world.direct), 60, "the database", every=0.2)
        database = Database(connection)
        with contextlib.suppress(AssertionError):
            until(lambda: not settled(database), SETTLE_S, "rest", every=0.5)
        report = check_all(world.direct, database, load, users, LARGE)
        hard = [failure for failure in load.failures if "client itself" in failure[1] or failure[2].startswith("4")]
        report.check("refused requests", lambda: refused(hard))
        report.figures["faults"] = f"{sum(world.done.values())}: " + ", ".join(
            f"{name} {n}" for name, n in sorted(world.done.items())
        )
        report.figures["slowest answer"] = f"{load.slowest:.1f} s"
        connection.close()
        if report.broken:
            keep(world, say)
    say(str(report))
    return report, load


def keep(world, say):
    """The logs of a broken run are for reading."""
    directory = ROOT / "build" / "faults"
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(world.direct.log_dir, directory)
    say(f"logs kept in {directory.relative_to(ROOT)}")


def connect(stack):
    try:
        return stack.sql()
    except Exception:
        return None


def refused(failures):
    assert not failures, f"{len(failures)} requests were refused: {failures[:3]}"
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    report, _ = run(options.seed, options.seconds, say=lambda text: print(text, flush=True))
    print(f"seed {options.seed}: " + ("BROKEN" if report.broken else "nothing lost, nothing twice"))
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
