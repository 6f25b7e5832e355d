"""A file of 10 MiB up and down through the API, each beside nginx taking or serving the same bytes by itself in the same run,
and what the API's memory grows by. The object store here is an nginx too, so that it is no slower than what it stands beside.
Needs: make build, scripts/install.sh run test bench. bench/documents.py [--rounds N]"""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/api"), str(ROOT / "tests/faults")]

from own_stack import OwnStack  # noqa: E402

from harness.mail import Mailbox  # noqa: E402
from harness.own_api import SBIN, free_port  # noqa: E402
from harness.users import UserPool  # noqa: E402

BYTES = 10 * 1024 * 1024
SHARE = 0.5  # of nginx alone
GROWTH_KIB = 1024  # of the API's memory by a transfer
TOGETHER = 4

# Parts of an upload go where the object goes; what is read is always the one file.
CONF = """worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    client_max_body_size 20m;
    client_body_buffer_size 64k;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {dir}/store;
        location / {{
            dav_methods PUT DELETE;
            create_full_put_path on;
            add_header ETag '"1"' always;
            if ($request_method = POST) {{
                return 200 '<A><UploadId>u</UploadId></A><CompleteMultipartUploadResult></CompleteMultipartUploadResult>';
            }}
            if ($request_method = GET) {{
                rewrite ^ /file.pdf break;
            }}
        }}
    }}
}}
"""


class Store:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="mm-bench-"))
        self.dir.chmod(0o755)
        (self.dir / "store").mkdir()
        for name in ("store", "."):
            (self.dir / name).chmod(0o777)
        self.file = self.dir / "store/file.pdf"
        self.file.write_bytes(b"%PDF-1.4\n" + os.urandom(BYTES - 9))
        self.file.chmod(0o644)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        (self.dir / "nginx.conf").write_text(CONF.format(dir=self.dir, port=port), encoding="utf-8")
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":" + SBIN)
        self.process = subprocess.Popen([nginx, "-c", self.dir / "nginx.conf", "-g", "daemon off;"])

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def curl(*arguments):
    """Seconds of a transfer."""
    command = ["curl", "-sS", "--fail", "-o", "/dev/null", "-H", "Expect:", "-w", "%{time_total}", *map(str, arguments)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


def memory(own, field):
    """KiB of the API's processes together: VmRSS now, VmHWM at the most so far."""
    text = [pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8") for pid in own.api_processes()]
    return sum(int(line.split()[1]) for status in text for line in status.splitlines() if line.startswith(field + ":"))


def forget_peak(own):
    """Sign-ins took more memory than any transfer does: VmHWM counts from here."""
    for pid in own.api_processes():
        pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")


def run_together(transfer, count):
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        for done in [pool.submit(transfer) for _ in range(count)]:
            done.result()


def measure(ways, rounds):
    """{name: MiB a second}: the ways take turns, so that what else the machine does meets all."""
    seconds = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seconds[name].append(way())
    return {name: BYTES / 1024 / 1024 / statistics.median(times) for name, times in seconds.items()}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=15)
    rounds = options.parse_args().rounds
    store = Store()
    settings = {"AWS_ENDPOINT_URL_S3": store.url, "RATE_API_PER_MINUTE": "1000000", "DOCUMENTS_QUOTA_MB": "100000"}
    own = None
    try:
        own = OwnStack(pools=1, processes=1, workers=1, settings=settings)
        user = UserPool(own.stack, Mailbox(own.stack.mail_dir)).take()
        token = f"Authorization: Bearer {user.token}"
        documents = f"{own.stack.base}/documents"
        made = user.upload("/documents", store.file.read_bytes(), name="file.pdf", expect=201).json
        ways = {
            "nginx takes the file": lambda: curl("-T", store.file, f"{store.url}/direct"),
            "POST /documents": lambda: curl("-H", token, "-F", f"file=@{store.file}", documents),
            "nginx serves the file": lambda: curl(f"{store.url}/file.pdf"),
            "GET /documents/{id}/content": lambda: curl("-H", token, f"{documents}/{made['id']}/content"),
        }
        run_together(lambda: user.with_().get("/documents"), 40)
        forget_peak(own)
        idle = memory(own, "VmRSS")
        speed = measure(ways, rounds)
        growth = {}
        for name in ("GET /documents/{id}/content", "POST /documents"):
            run_together(ways[name], 5 * TOGETHER)
            growth[name] = (memory(own, "VmHWM") - idle) / TOGETHER
        missed = []
        for name, beside in (
            ("POST /documents", "nginx takes the file"),
            ("GET /documents/{id}/content", "nginx serves the file"),
        ):
            share = speed[name] / speed[beside]
            print(
                f"{name}: {speed[name]:.0f} MiB/s, {share:.0%} of the {speed[beside]:.0f} MiB/s of nginx alone; "
                f"memory {growth[name]:+.0f} KiB for each of {TOGETHER} at a time, {idle} KiB when idle"
            )
            missed += [name] if growth[name] > GROWTH_KIB or share < SHARE else []
        print("missed: " + ", ".join(missed) if missed else "kept: half of nginx's throughput, 1 MiB a transfer")
    finally:
        if own:
            own.down()
        store.stop()
    return 1 if missed else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
