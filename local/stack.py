#!/usr/bin/env python3
"""The local stack: real MariaDB, Redis and nginx, the API pool, the worker, and stand-ins for AWS and for the mail server,
all below one directory with ports of their own, under supervisor.

stack.py run DIR [options]    start, print where everything is, stop at Ctrl-C
stack.py up DIR [options]     start what does not run, return when the API answers
stack.py down DIR             stop everything
stack.py roll DIR             start the API processes anew, one by one, losing no request (scripts/rolling-restart.sh)
stack.py ctl DIR ARGS...      supervisorctl; processes: database redis aws smtp nginx api:* worker:*
stack.py bootstrap DIR        make queue, tables, bucket and user again, after the stand-in lost its state

A stack keeps its options until it is told others. DIR/env holds addresses and keys as KEY=value lines.
"""

import argparse
import concurrent.futures
import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHON = os.path.join(ROOT, "build/venv/bin/python")
if os.path.exists(PYTHON) and os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(ROOT, "build/venv")):
    os.execv(PYTHON, [PYTHON, *sys.argv])

import pymysql  # noqa: E402

import demo_data  # noqa: E402
import processes  # noqa: E402
from bootstrap import bootstrap  # noqa: E402
from settings import DATABASE, REGION, Settings, StackError  # noqa: E402

API_ROOT = "/api/v1.0"


class Stack:
    def __init__(self, directory):
        self.settings = Settings(directory)

    # ---- supervisor ----

    def ctl(self, *args, check=True):
        command = [processes.tool("supervisorctl"), "-c", self.settings.path("supervisord.conf"), *args]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and result.returncode not in (0, 3):
            raise StackError(f"supervisorctl {' '.join(args)}: {result.stdout}{result.stderr}")
        return result

    def pid(self):
        """supervisord's process id, or 0 when it does not run."""
        try:
            with open(self.settings.run_path("supervisord.pid"), encoding="ascii") as file:
                pid = int(file.read())
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return pid if b"supervisord" in file.read() else 0
        except (OSError, ValueError):
            return 0

    def start_supervisor(self):
        log = open(self.settings.path("log/supervisord.out"), "ab")  # noqa: SIM115 (belongs to the child)
        command = [processes.tool("supervisord"), "-c", self.settings.path("supervisord.conf")]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "close_fds": True}
        environment = dict(os.environ, PYTHONWARNINGS="ignore")
        child = subprocess.Popen(command, start_new_session=True, env=environment, **quiet)
        log.close()

        def answers():
            if child.poll() is not None:
                raise StackError(f"supervisord ended at once; see {self.settings.path('log')}")
            return self.pid() and self.ctl("pid", check=False).stdout.strip().isdigit()

        wait_for("supervisord", answers, 15)

    # ---- start ----

    def up(self, options):
        settings = self.settings
        settings.make_directories()
        with self.locked():
            running = self.pid()
            changed = self.apply(options)
            if not running:
                settings.choose_ports(options.port)
                self.prepare()
                self.start_supervisor()
            elif options.port and options.port != settings.port("api"):
                raise StackError(f"already running at {settings.api_url}; stop it first")
            self.ctl("start", *(f"{name}:*" for name in processes.SERVICES), check=False)
            self.wait_for_services()
            self.make_accounts(first=not running)
            changed |= settings.write_env()
            changed |= self.binaries_changed()
            self.check_configuration()
            processes.write_configuration(settings)
            settings.save()
            if running and changed:
                self.ctl("reread")
                self.ctl("update")
                self.ctl("stop", *(f"{name}:*" for name in processes.PROGRAMS), check=False)
            self.ctl("start", *(f"{name}:*" for name in processes.PROGRAMS), check=False)
            self.wait_for_api()

    def apply(self, options):
        """Keeps the options given; true when one differs from before."""
        state = self.settings.state
        before = repr([state[name] for name in ("processes", "pools", "workers", "build", "overrides")])
        for name in ("processes", "pools", "workers", "build"):
            if getattr(options, name) is not None:
                state[name] = getattr(options, name)
        for pair in options.set or []:
            name, sign, value = pair.partition("=")
            if not sign:
                raise StackError(f"--set wants KEY=VALUE, not {pair}")
            state["overrides"][name] = value
        for name in options.unset or []:
            state["overrides"].pop(name, None)
        return before != repr([state[name] for name in ("processes", "pools", "workers", "build", "overrides")])

    def prepare(self):
        settings = self.settings
        settings.make_certificates()
        settings.write_aws_env()
        settings.write_env()
        self.make_database_directory()
        processes.write_configuration(settings)
        settings.save()

    def make_database_directory(self):
        settings = self.settings
        entry = processes.database_account(settings)
        sockets = settings.run_path("db")
        os.makedirs(sockets, exist_ok=True)
        if entry:
            os.chown(sockets, entry.pw_uid, entry.pw_gid)
        if os.path.isdir(settings.path("db/mysql")):
            return
        say("making the database")
        shutil.rmtree(settings.path("db"), ignore_errors=True)
        command = [processes.tool("mariadb-install-db"), "--no-defaults", f"--datadir={settings.path('db')}"]
        command.append(f"--tmpdir={sockets}")
        command += ["--skip-test-db", "--auth-root-authentication-method=socket"]
        command.append(f"--auth-root-socket-user={settings.database_user}")
        if os.getuid() == 0:
            command.append(f"--user={'mysql' if entry else 'root'}")
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise StackError(f"mariadb-install-db failed:\n{result.stdout}{result.stderr}")

    def wait_for_services(self):
        settings = self.settings
        wait_for("MariaDB", lambda: self.database_connection().close() or True, 60)
        wait_for("the AWS stand-in", lambda: get(settings.aws_url + "/_ministack/health") == 200, 30)

    def database_connection(self):
        settings = self.settings
        return pymysql.connect(unix_socket=settings.run_path("db/mariadb.sock"), user=settings.database_user, autocommit=True)

    def make_accounts(self, first):
        settings = self.settings
        with self.database_connection() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
            for host in ("localhost", "127.0.0.1"):
                cursor.execute(f"CREATE USER IF NOT EXISTS '{DATABASE}'@'{host}'")
                cursor.execute(f"ALTER USER '{DATABASE}'@'{host}' IDENTIFIED BY %s", (settings.secret("database"),))
                cursor.execute(f"GRANT ALL ON {DATABASE}.* TO '{DATABASE}'@'{host}'")
        if self.bootstrap() and first:
            # The stand-in writes its state only when it is asked to stop; a later kill -9 then finds queue and key again.
            self.ctl("restart", "aws:*")
            self.wait_for_services()
            self.bootstrap()

    def bootstrap(self):
        """True when the user got a new key."""
        settings, kept = self.settings, self.settings.state["secrets"]
        before = (kept.get("aws_key_id"), kept.get("aws_secret"))
        queue, dead, key = bootstrap(settings.aws_url, REGION, settings.root_key(), before)
        settings.state.update(queue_url=queue, dlq_url=dead)
        kept.update(aws_key_id=key[0], aws_secret=key[1])
        settings.save()
        return before != tuple(key)

    def binaries_changed(self):
        names = [processes.binary(self.settings, name) for name in ("moneymanager-api", "moneymanager-worker")]
        for name in names:
            if not os.access(name, os.X_OK):
                raise StackError(f"{os.path.relpath(name, ROOT)} is not built; run make build")
        built = [os.stat(name).st_mtime_ns for name in names]
        before, self.settings.state["built"] = self.settings.state.get("built"), built
        return before != built

    def check_configuration(self):
        """Settings that a program refuses are told now, instead of by a process that never comes up."""
        settings = self.settings
        for name in ("moneymanager-api", "moneymanager-worker"):
            command = processes.with_env(settings.path("env"), processes.binary(settings, name), "--check-config")
            result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
            if result.returncode != 0:
                raise StackError(f"{name} --check-config:\n{result.stdout}{result.stderr}")

    def wait_for_api(self):
        url = self.settings.api_url + API_ROOT
        try:
            wait_for("the API", lambda: get(url + "/health") == 200, 30)
            wait_for("the API with its database", lambda: get(url + "/status") == 200, 60)
        except StackError:
            self.print_logs()
            raise

    def roll(self):
        names = (f"api:api-{number}" for number in range(self.settings.state["pools"]))
        pools = [self.ctl("pid", name).stdout.strip() for name in names]
        if not all(pid.isdigit() and int(pid) for pid in pools):
            raise StackError("the API pools do not run")
        subprocess.run([os.path.join(ROOT, "scripts/rolling-restart.sh"), *pools], check=True)

    # ---- stop, look ----

    def down(self):
        if not os.path.isdir(self.settings.dir):
            return
        with self.locked():
            pid = self.pid()
            if pid:
                # What serves first, then what it stands on; supervisor by itself would stop one after the other.
                for names in (("nginx",), ("api", "worker"), processes.SERVICES):
                    with concurrent.futures.ThreadPoolExecutor() as threads:
                        list(threads.map(lambda name: self.ctl("stop", f"{name}:*", check=False), names))
                self.ctl("shutdown", check=False)
                wait_for("the stack's end", lambda: not self.pid(), 90)
            shutil.rmtree(self.settings.run_dir, ignore_errors=True)

    def print_logs(self, lines=40):
        """The ends of the logs of our own programs and of nginx's errors."""
        directory = self.settings.path("log")
        for name in sorted(os.listdir(directory)):
            if not name.startswith(("api-", "worker-", "nginx-error", "nginx.log", "smtp")):
                continue
            with open(os.path.join(directory, name), encoding="utf-8", errors="replace") as file:
                tail = file.readlines()[-lines:]
            if tail:
                print(f"---- {name}", *(line.rstrip() for line in tail), sep="\n", file=sys.stderr)

    @contextlib.contextmanager
    def locked(self):
        """One command at a time works on a stack."""
        with open(self.settings.path(".lock"), "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def describe(self, demo):
        settings = self.settings
        print(f"API      {settings.api_url}{API_ROOT}")
        print(f"mails    {settings.path('mail')}")
        print(f"logs     {settings.path('log')}")
        print(f"settings {settings.path('env')}")
        if demo:
            print(f"login    {demo_data.EMAIL}  password {demo_data.PASSWORD}")
        sys.stdout.flush()


def say(text):
    print(text, file=sys.stderr, flush=True)


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def wait_for(what, ready, seconds):
    """Polls; an error of the network or the database means not ready yet."""
    end = time.monotonic() + seconds
    while True:
        reason = "no answer"
        try:
            if ready():
                return
        except (OSError, pymysql.Error) as error:
            reason = str(error)
        if time.monotonic() > end:
            raise StackError(f"{what} did not come up within {seconds} s: {reason}")
        time.sleep(0.05)


def run(stack, options):
    if stack.pid():
        raise StackError(f"already running at {stack.settings.api_url}; make down stops it")
    stopped = []
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.append(True) or interrupt())

    def interrupt():
        raise KeyboardInterrupt

    try:
        stack.up(options)
        stack.describe(prepare_demo(stack, options))
        print("Ctrl-C stops everything", flush=True)
        while True:
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        say("stopping")
        stack.down()


def prepare_demo(stack, options):
    """True when the demo account can be used."""
    if not options.demo:
        return False
    try:
        demo_data.ensure(stack.settings.api_url + API_ROOT, stack.settings.path("mail"))
        return True
    except demo_data.DemoError as error:
        say(f"no demo account: {error}")
        return False


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("run", "up"):
        command = commands.add_parser(name)
        command.add_argument("dir")
        command.add_argument("--port", type=int, help="the API's port; 0: any free one; default: 8080 or the next free one")
        command.add_argument("--processes", type=int, help="API processes a pool (2)")
        command.add_argument("--pools", type=int, help="API pools (1)")
        command.add_argument("--workers", type=int, help="worker processes (1)")
        command.add_argument("--build", help="folder of the programs (build/release)")
        command.add_argument("--set", action="append", metavar="KEY=VALUE", help="a setting of the programs")
        command.add_argument("--unset", action="append", metavar="KEY", help="back to the stack's own value")
        command.add_argument("--demo", action="store_true", help="make a demo account and print its login")
    for name in ("down", "bootstrap", "logs", "roll"):
        commands.add_parser(name).add_argument("dir")
    command = commands.add_parser("ctl")
    command.add_argument("dir")
    command.add_argument("arguments", nargs=argparse.REMAINDER)
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    stack = Stack(options.dir)
    if options.command == "run":
        run(stack, options)
    elif options.command == "up":
        stack.up(options)
        stack.describe(prepare_demo(stack, options))
    elif options.command == "down":
        stack.down()
    elif options.command == "bootstrap":
        stack.wait_for_services()
        stack.bootstrap()
        stack.settings.write_env()
    elif options.command == "roll":
        stack.roll()
    elif options.command == "logs":
        stack.print_logs()
    else:
        result = stack.ctl(*options.arguments, check=False)
        sys.stdout.write(result.stdout)
        sys.stderr.write(result.stderr)
        return result.returncode
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (StackError, FileNotFoundError, subprocess.CalledProcessError) as failure:
        say(f"stack.py: {failure}")
        sys.exit(1)
