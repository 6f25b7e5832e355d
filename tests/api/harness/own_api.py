"""A further API process with settings of its own, behind an nginx of its own, on the running stack's database, Redis and AWS."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import requests

from harness.stack import ROOT, Stack
from harness.wait import until

SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


class OwnApi:
    def __init__(self, stack, **settings):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mm-own-api-"))
        self.dir.chmod(0o755)
        self.port = free_port()
        # Its own figures are not the stack's.
        alone = {"METRICS_DIR": "", "METRICS_PORT": "", "WORKER_METRICS_PORT": ""}
        self.env = {**stack.env, **alone, **{name: str(value) for name, value in settings.items()}}
        self.log = self.dir / "api.log"
        self.parts = []
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    def start(self):
        path = self.dir / "api.sock"
        with socket.socket(socket.AF_UNIX) as listening, self.log.open("ab") as log:
            listening.bind(str(path))
            listening.listen(1024)
            path.chmod(0o666)
            self.api = subprocess.Popen([ROOT / "build/release/moneymanager-api"], env=self.env, stdin=listening, stderr=log)
        self.parts.append(self.api)
        self.parts.append(self.start_nginx(path))
        self.stack = Stack({**self.env, "API_URL": f"http://127.0.0.1:{self.port}"})
        until(self.answers, 20, f"the own API to answer; {self.log.read_text(encoding='utf-8')}")

    def start_nginx(self, path):
        conf = self.dir / "nginx.conf"
        env = {
            "PATH": os.environ["PATH"],
            "LISTEN": f"127.0.0.1:{self.port}",
            "RUN_DIR": str(self.dir),
            "API_SOCKETS": str(path),
            "TRUSTED_PROXIES": "127.0.0.1",
            "WEB_ORIGINS": self.env["WEB_ORIGINS"],
            "NGINX_WORKERS": "1",
            "ACCESS_LOG": str(self.dir / "access.log"),
            "ERROR_LOG": str(self.dir / "error.log"),
        }
        subprocess.run([ROOT / "nginx/render.sh", conf], env=env, check=True)
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":" + SBIN)
        return subprocess.Popen([nginx, "-c", conf, "-g", "daemon off;"], stderr=subprocess.DEVNULL)

    def answers(self):
        try:
            return requests.get(self.stack.base + "/health", timeout=2).status_code == 200
        except requests.ConnectionError:
            return False

    def stop(self):
        for part in reversed(self.parts):
            part.send_signal(signal.SIGTERM)
        for part in self.parts:
            try:
                part.wait(15)
            except subprocess.TimeoutExpired:
                part.kill()
                part.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
