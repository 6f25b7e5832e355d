"""The two programs on the command line: settings are checked as a whole, before anything is served."""

import re
import socket
import subprocess

import pytest

PROGRAMS = ["moneymanager-api", "moneymanager-worker"]
NEEDED = {"DB_NAME", "DB_USER", "REDIS_URL", "AWS_REGION", "SQS_QUEUE_URL", "WEB_BASE_URL"}
WRONG = {
    "DB_PORT": "abc",
    "REDIS_URL": "ftp://127.0.0.1",
    "JWT_KEYS": "key:short",
    "APP_TIMEZONE": "Mars/Base",
    "APP_CURRENCY": "XYZ",
    "API_THREADS": "0",
    "LOG_LEVEL": "loud",
    "LOG_FORMAT": "xml",
    "SMTP_PORT": "70000",
}


@pytest.fixture(params=PROGRAMS)
def program(request, stack):
    return stack.api.with_name(request.param)


def run(program, *arguments, env=None, stdin=subprocess.DEVNULL):
    return subprocess.run(
        [program, *arguments], env=env or {}, stdin=stdin, capture_output=True, text=True, timeout=20, check=False
    )


def named(text):
    return set(re.findall(r"^([A-Z][A-Z_]+):", text, re.MULTILINE))


def test_the_settings_of_the_stack_are_right(program, stack):
    done = run(program, "--check-config", env=stack.env)
    assert (done.returncode, done.stderr) == (0, "")


def test_all_missing_settings_are_told_at_once(program):
    done = run(program, "--check-config")
    assert done.returncode == 2
    assert NEEDED <= named(done.stderr)


def test_all_wrong_settings_are_told_at_once(program, stack):
    done = run(program, "--check-config", env={**stack.env, **WRONG})
    assert done.returncode == 2
    assert named(done.stderr) == set(WRONG)


def test_a_fault_of_a_secret_does_not_show_it(program, stack):
    done = run(program, "--check-config", env={**stack.env, "JWT_KEYS": "key:only-twenty-letters"})
    assert done.returncode == 2
    assert "only-twenty-letters" not in done.stdout + done.stderr


def test_the_worker_does_not_start_with_wrong_settings(stack):
    done = run(stack.api.with_name("moneymanager-worker"), env={**stack.env, **WRONG})
    assert done.returncode == 2
    assert set(WRONG) <= named(done.stderr)


def test_the_api_does_not_start_with_wrong_settings(stack, tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "api.sock"))
        listening.listen()
        done = run(stack.api, env={**stack.env, **WRONG}, stdin=listening)
    assert done.returncode == 2
    assert set(WRONG) <= named(done.stderr)


def test_the_api_does_not_start_without_its_socket(stack):
    done = run(stack.api, env=stack.env)
    assert done.returncode == 2
    assert "socket" in done.stderr


def test_the_version_needs_no_settings(program):
    done = run(program, "--version")
    assert done.returncode == 0
    assert re.fullmatch(rf"{program.name} \S+\n", done.stdout)


def test_an_unknown_option_is_told(program):
    done = run(program, "--no-such-option")
    assert done.returncode == 2
    assert "--no-such-option" in done.stderr


def test_migrating_a_migrated_database_changes_nothing(program, stack, database):
    before = database.rows("SELECT * FROM schema_migrations")
    assert before
    assert run(program, "--migrate", env=stack.env).returncode == 0
    assert database.rows("SELECT * FROM schema_migrations") == before
