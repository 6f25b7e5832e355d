"""Waiting by polling with a deadline."""

import time


def until(probe, seconds=15.0, what="the condition", every=0.03):
    """The first true value of probe(); fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds:g} s; last value {value!r}")
        time.sleep(every)
