#!/usr/bin/env python3
"""How long does a large export take, and how much memory? Starts a stack of its own, gives one household 100,000 transactions over three
years, has the worker make each kind of file and the API one as its answer, and compares with the limits. What the files say is for
the tests to check. bench/exports.py [--rows 100000]"""

import argparse
import pathlib
import re
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/api"), str(ROOT / "tests/faults")]
sys.dont_write_bytecode = True

from own_stack import OwnStack  # noqa: E402

from harness.mail import Mailbox  # noqa: E402
from harness.rows import many_transactions  # noqa: E402
from harness.users import UserPool  # noqa: E402
from harness.wait import until  # noqa: E402

LIMIT_S = 10
LIMIT_MIB = 64
FILES = (("all", "xlsx"), ("expense", "xlsx"), ("all", "csv"), ("statement", "pdf"))


def memory(pid, field="VmHWM"):
    """MiB: the most that the process ever had (VmHWM), or has now (VmRSS)."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(rf"{field}:\s+(\d+)", status).group(1)) / 1024


def export(user, kind, format):
    asked = user.post("/exports", {"kind": kind, "format": format, "all": True}, expect=202).json
    began = time.monotonic()

    def look():
        found = user.get(f"/exports/{asked['id']}").json
        return found if found["status"] in ("done", "failed") else None

    done = until(look, 120, "the export to end")
    assert done["status"] == "done", done
    return time.monotonic() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    own = OwnStack(pools=1, processes=1, workers=1, settings={"RATE_EXPORTS_PER_MINUTE": 1000, "LOG_LEVEL": "info"})
    good = True
    try:
        user = UserPool(own.stack, Mailbox(own.stack.mail_dir)).take()
        many_transactions(user, options.rows)
        worker, api = own.pid("worker-0"), own.api_processes()[0]
        print(f"worker at rest {memory(worker):.1f} MiB, API process {memory(api):.1f} MiB; {options.rows} transactions")
        for kind, format in FILES:
            seconds = export(user, kind, format)
            peak = memory(worker)
            fits = seconds <= LIMIT_S and peak <= LIMIT_MIB
            good = good and fits
            print(
                f"{kind:9} {format:4} {seconds:6.2f} s, worker's peak so far {peak:5.1f} MiB  {'' if fits else '  OVER ITS LIMIT'}"
            )
        before = memory(api)
        began = time.monotonic()
        size = len(user.get("/excel/download/expense", query={"all": "true"}).body)
        seconds = time.monotonic() - began
        good = good and seconds <= LIMIT_S
        print(f"download  xlsx {seconds:6.2f} s, {size / 1e6:.1f} MB, API process {before:.1f} -> {memory(api):.1f} MiB at most")
        print(f"limits: {LIMIT_S} s, worker {LIMIT_MIB} MiB")
    finally:
        own.down()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
