"""The programs behind a small script each, to run them under other conditions: a folder for stack.py's --build."""

import pathlib
import shlex

from harness.stack import ROOT

PROGRAMS = ("moneymanager-api", "moneymanager-worker")


def wrap(folder, lines, build="build/release", command=""):
    """`lines` of shell run first; `command` goes before the program (valgrind ...)."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    for name in PROGRAMS:
        program = shlex.quote(str(ROOT / build / name))
        file = folder / name
        file.write_text(
            "\n".join(["#!/bin/bash", f"NAME={name}", *lines, f'exec {command} {program} "$@"', ""]), encoding="utf-8"
        )
        file.chmod(0o755)
    return str(folder)
