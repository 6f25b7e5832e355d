#!/usr/bin/env python3
"""A bank statement from upload to shown in the lists, and what the API's processes take for it. Its own stack, loopback only."""

import argparse
import datetime
import os
import sys
import tempfile
import threading
import time

import requests

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench import Stack  # noqa: E402

KIB = 1024


def statement(rows):
    start = datetime.date(2019, 1, 1)
    lines = ["Ngày giao dịch;Số tiền;Nội dung;Số tham chiếu"]
    for n in range(rows):
        day = start + datetime.timedelta(days=n % 2500)
        amount = 5_000_000 + n if n % 12 == 0 else -(20_000 + n % 977 * 1000)
        lines.append(f"{day:%d/%m/%Y};{amount};Thanh toán tại cửa hàng số {n % 313} thẻ 4*1234 {n};")
    return "\n".join(lines).encode()


def anonymous_kib(pid):
    """What only this process holds: its heap and stacks, not the pages of files."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0])


def processes(stack, name):
    """Of this stack alone: their environment names its directory."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                named = os.path.basename(file.read().split(b"\0")[0].decode()) == name
            with open(f"/proc/{pid}/environ", "rb") as file:
                if named and stack.directory.encode() in file.read():
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Peak(threading.Thread):
    """The largest growth of any of the processes while it runs."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.before = {pid: anonymous_kib(pid) for pid in pids}
        self.grown = dict.fromkeys(pids, 0)
        self.stop = threading.Event()

    def run(self):
        while not self.stop.wait(0.02):
            for pid, before in self.before.items():
                self.grown[pid] = max(self.grown[pid], anonymous_kib(pid) - before)

    def end(self):
        self.stop.set()
        self.join()
        return max(self.grown.values(), default=0)


def sign_in(stack):
    """A user made in the database as the programs make one, with a session by the API itself."""
    email, password = "bench@example.test", "Mật-khẩu-123"
    requests.post(stack.url + "/register", json={"fullName": "Bench", "email": email, "password": password}, timeout=30)
    database = stack.database()
    with database.cursor() as cursor:
        cursor.execute("UPDATE users SET status = 'active', activated_at = UTC_TIMESTAMP(3) WHERE email = %s", (email,))
    answer = requests.post(stack.url + "/login", json={"email": email, "password": password}, timeout=30)
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + answer.json()["token"]
    return session


def until(session, url, status):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        seen = session.get(url, timeout=30).json()
        if seen["status"] == status:
            return seen
        time.sleep(0.1)
    raise SystemExit(f"{url} is not {status}: {seen}")


def measure(stack, session, rows):
    content = statement(rows)
    api, worker = Peak(processes(stack, "moneymanager-api")), Peak(processes(stack, "moneymanager-worker"))
    api.start()
    worker.start()
    begun = time.monotonic()
    answer = session.post(stack.url + "/imports", files={"file": ("a.csv", content)}, timeout=60)
    assert answer.status_code == 201, answer.text
    uploaded = time.monotonic()
    url = f"{stack.url}/imports/{answer.json()['id']}"
    confirmed = session.post(url + "/confirm", json={}, timeout=60)
    assert confirmed.status_code in (200, 202), confirmed.text
    first = time.monotonic()
    done = until(session, url, "confirmed")
    assert done["counts"]["added"] == rows, done["counts"]
    assert session.get(stack.url + "/transactions", params={"limit": 1}, timeout=30).json()
    shown = time.monotonic()
    again = session.post(stack.url + "/imports", files={"file": ("a.csv", content)}, timeout=60).json()
    assert again["counts"]["new"] == 0 and again["counts"]["duplicate"] == rows, again["counts"]
    second = time.monotonic()
    session.delete(url, timeout=60)
    until(session, url, "undone")
    undone = time.monotonic()
    print(
        f"{rows} rows ({len(content) // KIB} KiB): upload and preview {uploaded - begun:.1f} s, confirmation answered {first - uploaded:.1f} s, "
        f"all shown {shown - begun:.1f} s; second upload {second - shown:.1f} s (0 new); undo {undone - second:.1f} s; "
        f"memory of one process over idle: API {api.end() / KIB:.1f} MiB, worker {worker.end() / KIB:.1f} MiB"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 100_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mm-") as directory:
        stack = Stack(os.path.join(directory, "s"))
        stack.up()
        try:
            session = sign_in(stack)
            for rows in arguments.rows:
                measure(stack, session, rows)
        finally:
            stack.down()


if __name__ == "__main__":
    main()
