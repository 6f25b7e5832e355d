"""The keys of the machine's role change under load: no send fails, no event is lost."""

import time

import pytest
from checker import check_all, settled
from imds import Imds, KeyGate
from load import Load, prepare
from own_stack import OwnStack

from harness.mail import Mailbox
from harness.stack import Database, Stack
from harness.users import UserPool
from harness.wait import until

LARGE = 900
LIFE_S = 8  # a set is fetched anew at half of it


class World:
    def __init__(self):
        self.own = OwnStack(pools=1, processes=2, workers=2, settings={"LARGE_TRANSACTION_AMOUNT": LARGE})
        self.imds = self.gate = None
        env = self.own.stack.env
        self.direct = Stack(dict(env))
        self.imds = Imds(self.own.dir, env["AWS_ENDPOINT_URL"], LIFE_S)
        self.gate = KeyGate(env["AWS_ENDPOINT_URL"], env["SQS_QUEUE_URL"], self.imds)
        values = {
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.imds.url,
            "AWS_ENDPOINT_URL_SQS": self.gate.url,
        }
        self.own.up(*(word for name, value in values.items() for word in ("--set", f"{name}={value}")))
        self.database = Database(self.direct.sql())
        pool = UserPool(self.own.stack, Mailbox(self.own.stack.mail_dir))
        self.users = [prepare(pool.take()) for _ in range(3)]

    def close(self):
        self.own.down()
        for part in (self.gate, self.imds):
            part.close()

    def rest(self, load):
        until(lambda: not settled(self.database), 60, "all events and mails", every=0.2)
        report = check_all(self.direct, self.database, load, self.users, LARGE)
        assert not report.broken, str(report)


@pytest.fixture(scope="module")
def world():
    found = World()
    yield found
    found.close()


def test_keys_that_end_are_replaced_before_and_no_send_fails(world):
    began, before = time.monotonic(), set(world.gate.used)
    with Load(world.users, 6, seed=3, writes=0.8) as load:
        # Each of the four processes has come to its third set and more.
        until(lambda: len(world.gate.used - before) >= 16, 60, "the keys to change", every=0.2)
    world.rest(load)
    assert not load.failures, load.failures[:5]
    assert world.gate.expired == []
    sent = world.gate.seen("SendMessageBatch", began)
    assert len(sent) > 20
    assert {call.status for call in sent} == {200}
    assert all(not call.answer.get("Failed") for call in sent)


def test_keys_that_are_taken_back_cost_one_refused_call_a_process_and_no_event(world):
    with Load(world.users, 6, seed=4, writes=0.8) as load:
        until(lambda: load.acknowledged > 100, 60, "the load")
        moment = time.monotonic()
        world.imds.revoke()
        until(lambda: any(call.at > moment for call in world.gate.seen("SendMessageBatch", moment)), 20, "a send")
        wanted = load.acknowledged + 100
        until(lambda: load.acknowledged > wanted, 60, "the load")
    world.rest(load)
    assert not load.failures, load.failures[:5]
    refused = [action for at, action in world.gate.expired if at >= moment]
    # A process may have several calls under way at the same time.
    assert 1 <= len(refused) <= 24, refused
