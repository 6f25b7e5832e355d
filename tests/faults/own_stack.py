"""A stack that one test file starts for itself, to stop, freeze and kill its parts."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from harness.stack import ROOT, Stack, read_env
from harness.wait import until

STACK = str(ROOT / "local/stack.py")


class OwnStack:
    def __init__(self, *, pools=2, processes=1, workers=2, settings=None, build=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mm-faults-"))
        # The database server runs under an account of its own.
        self.dir.chmod(0o755)
        options = ["--port", "0", "--pools", str(pools), "--processes", str(processes), "--workers", str(workers)]
        if build:
            options += ["--build", build]
        for name, value in (settings or {}).items():
            options += ["--set", f"{name}={value}"]
        try:
            self.up(*options)
        except BaseException:
            self.down()
            raise

    def up(self, *options):
        """Starts what does not run; options as of stack.py up."""
        self.run("up", *options)
        self.stack = Stack(read_env(self.dir / "env"))
        return self.stack

    def run(self, command, *arguments):
        result = subprocess.run(
            [sys.executable, STACK, command, str(self.dir), *arguments], capture_output=True, text=True, check=False, timeout=180
        )
        assert result.returncode == 0, f"stack.py {command} {' '.join(arguments)}:\n{result.stdout}{result.stderr}"
        return result.stdout

    def ctl(self, *arguments):
        """supervisorctl; names as "redis:*" or "worker:worker-0"."""
        return self.run("ctl", *arguments)

    def pid(self, name):
        """Process id of one process under supervisor: "database", "api-1"; 0 while it does not run."""
        group = name.rsplit("-", 1)[0]
        number = name if name != group else f"{name}-0"
        text = self.ctl("pid", f"{group}:{number}").strip()
        return int(text) if text.isdigit() else 0

    def api_processes(self, pool=None):
        """Process ids of the API programs of one pool, or of all."""
        pools = range(len(self.sockets())) if pool is None else [pool]
        return [child for number in pools for child in children(self.pid(f"api-{number}"))]

    def sockets(self):
        """The pools' listening sockets, in order."""
        conf = (self.dir / "nginx.conf").read_text(encoding="utf-8")
        found = [line.split("unix:")[1].split()[0].rstrip(";") for line in conf.splitlines() if "server unix:" in line]
        return list(dict.fromkeys(found))

    def kill(self, name, number=signal.SIGKILL):
        """Sends a signal; returns the process id it went to."""
        pid = until(lambda: self.pid(name), 20, f"{name} to run")
        os.kill(pid, number)
        return pid

    def worker_task(self, name):
        """Runs one of the worker's periodic tasks now; returns what it said."""
        done = subprocess.run(
            [ROOT / "build/release/moneymanager-worker", "--run-task", name],
            env={**os.environ, **self.stack.env},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def down(self):
        subprocess.run([sys.executable, STACK, "down", str(self.dir)], capture_output=True, check=False, timeout=180)
        shutil.rmtree(self.dir, ignore_errors=True)


def children(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]
