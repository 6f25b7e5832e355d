#!/usr/bin/env python3
"""Do conversations that wait for a provider that hangs slow anything else down? Starts a stack of its own whose provider never answers, measures the p99 of GET /categories and GET /expenses by wrk, first with no
chat and then with 200 of them waiting, and compares. bench/chat_hang.py [--chats 200] [--seconds 5] [--rounds 3]"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/api"), str(ROOT / "tests/faults")]
sys.dont_write_bytecode = True

import requests  # noqa: E402
from own_stack import OwnStack  # noqa: E402

from fake_provider import Provider  # noqa: E402
from harness.mail import Mailbox  # noqa: E402
from harness.users import UserPool  # noqa: E402

LIMIT_PERCENT = 20
PATHS = ("/categories", "/expenses")
KEY_RESTS_S = 10  # after the time-outs of a round


def p99_ms(user, path, seconds):
    """p99 of one route for a client that asks without a pause."""
    command = [
        "wrk",
        "-t1",
        "-c1",
        f"-d{seconds}s",
        "--latency",
        "-H",
        f"Authorization: Bearer {user.token}",
        user.stack.base + path,
    ]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(f"{path}: not every answer was a good one\n{text}")
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def hang(user):
    """One chat that waits until the server gives up."""
    body = {"provider": "gemini", "messages": [{"role": "user", "content": "[hang]"}]}
    headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-For": user.address}
    requests.post(user.stack.base + "/ai/chat", json=body, headers=headers, timeout=60)


def measure_beside(user, chats, seconds):
    """The same figures while so many chats wait; every one of them must still wait at the end."""
    threads = [threading.Thread(target=hang, args=(user,), daemon=True) for _ in range(chats)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    figures = {path: p99_ms(user, path, seconds) for path in PATHS}
    waiting = sum(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    if waiting < chats:
        raise SystemExit(f"only {waiting} of {chats} chats waited to the end: measure for a shorter time")
    return figures


def report(alone, beside, chats):
    worst = 0
    for path in PATHS:
        before, after = (statistics.median(one[path] for one in figures) for figures in (alone, beside))
        change = 100 * (after - before) / before
        worst = max(worst, change)
        print(f"GET {path}: p99 {before:.2f} ms alone, {after:.2f} ms with {chats} chats waiting ({change:+.0f} %)")
    print("kept" if worst < LIMIT_PERCENT else "missed", f"the limit of {LIMIT_PERCENT} %")
    return 0 if worst < LIMIT_PERCENT else 1


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--chats", type=int, default=200)
    options.add_argument("--seconds", type=int, default=5)
    options.add_argument("--rounds", type=int, default=3)
    args = options.parse_args()
    provider = Provider()
    settings = {
        "CHAT_PROVIDER_URL": provider.url,
        "CHAT_PROVIDER_MODEL": "fake-1",
        "CHAT_PROVIDER_KEY_PER_MINUTE": "1000000",
        "RATE_API_PER_MINUTE": "1000000",
        "RATE_CHAT_PER_MINUTE": "1000000",
        "RATE_CHAT_PER_DAY": "1000000",
    }
    own = OwnStack(pools=1, processes=2, workers=1, settings=settings)
    try:
        user = UserPool(own.stack, Mailbox(own.stack.mail_dir)).take()
        category = user.category_of("expense")
        for number in range(30):
            user.expense(10_000 + number, category)
        alone, beside = [], []
        for number in range(args.rounds):
            if number:
                time.sleep(KEY_RESTS_S)
            alone.append({path: p99_ms(user, path, args.seconds) for path in PATHS})
            beside.append(measure_beside(user, args.chats, args.seconds))
        return report(alone, beside, args.chats)
    finally:
        own.down()
        provider.stop()


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
