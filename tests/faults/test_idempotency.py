"""Idempotency-Key under fire: twins on two pools, a household that is locked, connections lost during COMMIT, pruning."""

import concurrent.futures
import contextlib
import datetime
import getpass
import subprocess
import threading
import time
import uuid

import pymysql
import pytest
from commit_proxy import CommitProxy
from fcgi import ask
from own_stack import OwnStack

from harness.books import check_balances, check_months, household_of
from harness.mail import Mailbox
from harness.stack import ROOT, Database
from harness.users import UserPool
from harness.wait import until

REPLAYED = "Idempotency-Replayed"


@pytest.fixture(scope="module")
def own():
    """A stack whose programs reach MySQL through the proxy; the tests themselves do not."""
    stack = OwnStack(pools=2, processes=1, workers=1)
    direct = dict(stack.stack.env)
    stack.proxy = CommitProxy(("127.0.0.1", int(direct["DB_PORT"])))
    stack.up("--set", "DB_SOCKET=", "--set", f"DB_PORT={stack.proxy.port}")
    stack.stack.env.update({name: direct[name] for name in ("DB_SOCKET", "DB_PORT")})
    yield stack
    stack.down()
    stack.proxy.close()


@pytest.fixture(scope="module")
def pool(own):
    return UserPool(own.stack, Mailbox(own.stack.mail_dir))


@pytest.fixture
def database(own):
    connection = own.stack.sql()
    yield Database(connection)
    connection.close()


@pytest.fixture
def user(pool, database):
    user = pool.take()
    user.jar_ids = [user.jar(target=50)["id"] for _ in range(2)]
    user.income(1_000_000)
    user.food = user.category_of("expense")
    user.household = household_of(database, user)
    return user


def spend(user, name="Bún chả"):
    return {"name": name, "categoryId": user.food, "amount": 700, "jarId": user.jar_ids[0]}


def rows(database, user, name):
    return database.rows("SELECT id FROM transactions WHERE household_id = %s AND name = %s", user.household, name)


def audits(database, user, action):
    found = database.one("SELECT COUNT(*) AS n FROM audit_log WHERE household_id = %s AND action = %s", user.household, action)
    return found["n"]


class Locked:
    """Holds the household's row, as a long transaction of another machine would."""

    def __init__(self, own, household):
        self.connection = own.stack.sql()
        self.household = household

    def __enter__(self):
        with self.connection.cursor() as cursor:
            cursor.execute("START TRANSACTION")
            cursor.execute("SELECT id FROM households WHERE id = %s FOR UPDATE", (self.household,))
        return self

    def __exit__(self, *_):
        self.connection.rollback()
        self.connection.close()


def waiting_for_lock(database):
    return database.one("SELECT COUNT(*) AS n FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")["n"]


# ---- twins ----


def test_twins_at_the_same_instant_on_two_pools_do_the_work_once(own, user, database):
    database = Database(root_connection(own))
    sockets = own.sockets()
    assert len(sockets) == 2
    key = uuid.uuid4().hex
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        with Locked(own, user.household):
            twins = [threads.submit(ask, path, user, "POST", "/expenses", spend(user), key) for path in sockets]
            until(lambda: waiting_for_lock(database) == 2, 4, "both pools to wait for the household", every=0.15)
        answers = [twin.result() for twin in twins]
    assert [answer.status for answer in answers] == [201, 201]
    assert sorted(REPLAYED in answer.headers for answer in answers) == [False, True]
    assert answers[0].json == answers[1].json
    assert len(rows(database, user, "Bún chả")) == 1


def root_connection(own):
    """The lock waits are shown to the server's administrator only."""
    return pymysql.connect(
        unix_socket=own.stack.env["DB_SOCKET"],
        user=getpass.getuser(),
        database=own.stack.env["DB_NAME"],
        autocommit=True,
        cursorclass=pymysql.cursors.DictCursor,
    )


def test_a_twin_that_waits_too_long_is_told_that_the_first_runs_and_may_come_again(own, user, database):
    key = uuid.uuid4().hex
    sockets = own.sockets()
    with Locked(own, user.household):
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda path: ask(path, user, "POST", "/expenses", spend(user), key), sockets))
        assert time.monotonic() - began < 14
        for answer in answers:
            assert answer.status == 409
            assert answer.json["code"] == "idempotency_in_progress"
    answer = ask(sockets[0], user, "POST", "/expenses", spend(user), key)
    assert answer.status == 201 and REPLAYED not in answer.headers
    again = ask(sockets[1], user, "POST", "/expenses", spend(user), key)
    assert (again.status, again.json, again.headers[REPLAYED]) == (201, answer.json, "true")
    assert len(rows(database, user, "Bún chả")) == 1


def test_the_same_key_with_another_body_is_refused_on_the_other_pool(own, user, database):
    key = uuid.uuid4().hex
    first, second = own.sockets()
    assert ask(first, user, "POST", "/expenses", spend(user), key).status == 201
    refused = ask(second, user, "POST", "/expenses", spend(user, "Phở"), key)
    assert (refused.status, refused.json["code"]) == (422, "idempotency_mismatch")
    assert not rows(database, user, "Phở")


# ---- the connection is lost during COMMIT ----


def income(user, key):
    body = {"name": "Thưởng", "categoryId": user.category_of("income"), "amount": 1_000}
    return user.post("/incomes", body, headers=key, expect=201)


def expense(user, key):
    return user.post("/expenses", spend(user), headers=key, expect=201)


def transfer(user, key):
    body = {"fromJarId": user.jar_ids[0], "toJarId": user.jar_ids[1], "amount": 300}
    return user.post("/jars/transfer", body, headers=key, expect=200)


def removal(user, key):
    return user.delete(f"/expenses/{user.spent}", expect=204)


def change(user, key):
    return user.put(f"/expenses/{user.spent}", {**spend(user, "Cũ"), "amount": 900}, expect=200)


COMMANDS = {
    "POST /incomes": income,
    "POST /expenses": expense,
    "POST /jars/transfer": transfer,
    "DELETE /expenses/{id}": removal,
    "PUT /expenses/{id}": change,
}


def run_spoilt(own, user, database, action, key, mode, **options):
    """The command meets a COMMIT that is spoilt, and is done once all the same."""
    user.spent = user.expense(500, jarId=user.jar_ids[0], name="Cũ")["id"]
    before = audits(database, user, action)
    own.proxy.arm(mode, action, **options)
    answer = COMMANDS[action](user, key)
    assert own.proxy.spoilt == options.get("times", 1)
    assert audits(database, user, action) == before + 1
    check_balances(database, user.household)
    check_months(database, user.household, user)
    return answer


@pytest.mark.parametrize("mode", ["before", "after"])
@pytest.mark.parametrize("keyed", [True, False], ids=["key", "no-key"])
@pytest.mark.parametrize("action", COMMANDS)
def test_a_connection_lost_during_commit_is_resolved_by_look_up(own, user, database, action, keyed, mode):
    key = {"Idempotency-Key": uuid.uuid4().hex} if keyed else {}
    answer = run_spoilt(own, user, database, action, key, mode)
    assert REPLAYED not in answer.headers
    if keyed and action.startswith("POST"):
        again = COMMANDS[action](user, key)
        assert again.headers[REPLAYED] == "true" and again.json == answer.json


def test_a_commit_lost_several_times_in_a_row_is_still_done_once(own, user, database):
    run_spoilt(own, user, database, "POST /expenses", {}, "before", times=3)
    assert len(rows(database, user, "Bún chả")) == 1


@pytest.mark.parametrize("mode", ["before", "after"])
def test_a_server_killed_in_the_middle_of_commit_is_asked_again_when_it_is_back(own, user, database, mode):
    user.spent = user.expense(500, jarId=user.jar_ids[0], name="Cũ")["id"]
    own.proxy.arm(mode, "POST /expenses", then=lambda: own.kill("database"))
    answer = expense(user, {"Idempotency-Key": uuid.uuid4().hex})
    database = Database(until(lambda: connected(own), 20, "MariaDB"))
    found = rows(database, user, "Bún chả")
    assert [row["id"] for row in found] == [answer.json["id"]]
    assert audits(database, user, "POST /expenses") == 2
    check_balances(database, user.household)


def connected(own):
    try:
        return own.stack.sql()
    except pymysql.Error:
        return None


def test_a_commit_that_vanishes_in_the_net_does_not_lock_the_household(own, user, database):
    """Both ends stay open, so only the server's own limit ends the transaction that holds the household."""
    own.proxy.arm("hang", "POST /expenses")
    body, key = spend(user), {"Idempotency-Key": uuid.uuid4().hex}
    answer = until(lambda: good(user.post("/expenses", body, headers=key)), 60, "the expense", every=0.2)
    assert [row["id"] for row in rows(database, user, "Bún chả")] == [answer.json["id"]]
    check_balances(database, user.household)


def good(answer):
    assert answer.status in (201, 409, 503), answer
    return answer if answer.status == 201 else None


def test_losses_at_random_instants_double_and_lose_nothing(own, user, database):
    """Connections of the API are killed by the server at any instant, while several clients write with keys."""
    root = Database(root_connection(own))
    stop = threading.Event()

    def killer():
        while not stop.is_set():
            for row in root.rows("SELECT id FROM information_schema.processlist WHERE user = %s", own.stack.env["DB_USER"]):
                with contextlib.suppress(pymysql.OperationalError):  # it has ended by itself
                    root.run(f"KILL CONNECTION {row['id']}")
                if stop.wait(0.015):
                    return

    def client(number):
        name, own_user, answers = f"Lần {number}.", user.with_(), []
        for i in range(15):
            body, key = {**spend(user, f"{name}{i}"), "amount": 1}, {"Idempotency-Key": uuid.uuid4().hex}
            answers.append(until(lambda b=body, k=key: good(own_user.post("/expenses", b, headers=k)), 30, "a write", every=0.01))
        return [answer.json["id"] for answer in answers]

    thread = threading.Thread(target=killer, daemon=True)
    thread.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as clients:
            ids = [id for answered in clients.map(client, range(4)) for id in answered]
    finally:
        stop.set()
        thread.join()
    found = Database(own.stack.sql()).rows(
        "SELECT id FROM transactions WHERE household_id = %s AND name LIKE 'Lần %%'", user.household
    )
    assert sorted(row["id"] for row in found) == sorted(ids)
    check_balances(Database(own.stack.sql()), user.household)


# ---- pruning ----


def prune(own, at):
    result = subprocess.run(
        [ROOT / "build/release/moneymanager-worker", "--run-task", "prune", "--at", at.strftime("%Y-%m-%dT%H:%M:%SZ")],
        env=own.stack.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_keys_are_kept_for_a_day_and_then_pruned_by_the_worker(own, user, database):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = user.post("/expenses", spend(user), headers=key, expect=201)
    now = datetime.datetime.now(datetime.timezone.utc)
    prune(own, now + datetime.timedelta(hours=24))
    assert user.post("/expenses", spend(user), headers=key, expect=201).json == first.json
    prune(own, now + datetime.timedelta(hours=25, minutes=5))
    again = user.post("/expenses", spend(user), headers=key, expect=201)
    assert REPLAYED not in again.headers and again.json["id"] != first.json["id"]
    assert database.one("SELECT COUNT(*) AS n FROM idempotency_keys")["n"] == 1
