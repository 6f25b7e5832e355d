"""The end of a month: what is left in the jars that reset goes to unassigned, once."""

import os
import subprocess

import pytest

from harness.books import check_balances, check_months, household_of
from harness.dates import day_in, month, month_text
from harness.wait import until


def month_end(stack, offset=0):
    """Runs the task as it is due when the month `offset` months from this one begins."""
    program = stack.api.with_name("moneymanager-worker")
    environment = {"PATH": os.environ["PATH"], **stack.env}
    return subprocess.run(
        [program, "--run-task", "month-end", "--at", f"{month_text(offset)}-01T00:10:00+07:00"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def leftover(user, database):
    """A user with two jars that hold 600 and 400 since last month; the first resets, and nobody has closed its month yet."""
    user.reset, user.carry = user.jar(target=60)["id"], user.jar(target=40)["id"]
    user.income(1_000, date=day_in(-1))
    user.income(100)
    user.household = household_of(database, user)
    until(
        lambda: not database.rows("SELECT id FROM outbox WHERE household_id = %s AND processed_at IS NULL", user.household),
        60,
        "the recalculation",
    )
    database.run("UPDATE jars SET rollover = 'reset' WHERE id = %s", user.reset)
    return user


def test_what_is_left_in_a_reset_jar_goes_to_unassigned_and_the_others_carry(leftover, database, stack):
    user = leftover
    assert user.jars()[user.reset]["current"]["carried"] == 600
    done = month_end(stack)
    assert done.returncode == 0, done.stderr
    jars = user.jars()
    assert (jars[user.reset]["current"]["carried"], jars[user.reset]["current"]["limit"]) == (0, 60)
    assert (jars[user.carry]["current"]["carried"], jars[user.carry]["current"]["limit"]) == (400, 440)
    assert (user.balances(), user.unassigned()) == ({user.reset: 60, user.carry: 440}, 600)
    closed = user.get(f"/jars/{user.reset}/months", query={"from": month_text(-1), "to": month_text(-1)}).json
    assert [(m["allocated"], m["moved"], m["available"]) for m in closed] == [(600, -600, 0)]
    check_balances(database, user.household)
    check_months(database, user.household)


def test_a_second_run_closes_nothing_again(leftover, database, stack):
    user = leftover
    assert month_end(stack).returncode == 0
    entries = database.rows("SELECT * FROM jar_entries WHERE household_id = %s ORDER BY id", user.household)
    assert [row["reason"] for row in entries if row["reason"]] == ["reset"]
    assert month_end(stack).returncode == 0
    assert database.rows("SELECT * FROM jar_entries WHERE household_id = %s ORDER BY id", user.household) == entries


def test_a_run_closes_the_month_before_it_and_no_later_one(user, database, stack):
    jar = user.jar(target=100, rollover="reset")["id"]
    household = household_of(database, user)
    for offset in (-3, -2):
        year, number = month(offset)
        database.run(
            "INSERT INTO jar_entries (household_id, jar_id, kind, amount, occurred_on, created_at)"
            " VALUES (%s, %s, 'adjustment', 70, %s, NOW(3))",
            household,
            jar,
            day_in(offset),
        )
        database.run(
            "INSERT INTO jar_months (household_id, jar_id, month, carried, moved) VALUES (%s, %s, %s, %s, 70)",
            household,
            jar,
            year * 100 + number,
            70 if offset == -2 else 0,
        )
    database.run("UPDATE jars SET balance = 140 WHERE id = %s", jar)
    database.run("UPDATE households SET unassigned = -140 WHERE id = %s", household)
    assert month_end(stack, -2).returncode == 0
    assert (user.balances(), user.unassigned()) == ({jar: 70}, -70)
    assert month_end(stack, -1).returncode == 0
    assert (user.balances(), user.unassigned()) == ({jar: 0}, 0)
    check_balances(database, household)
    check_months(database, household)


@pytest.mark.parametrize("arguments", [["no-such-task"], ["month-end", "--at", "yesterday"], []], ids=str)
def test_a_task_or_a_time_that_does_not_exist_is_told(stack, arguments):
    program = stack.api.with_name("moneymanager-worker")
    done = subprocess.run(
        [program, "--run-task", *arguments], env=stack.env, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 2
    assert done.stderr
