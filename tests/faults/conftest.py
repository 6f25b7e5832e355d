"""Fixtures of the fault tests. The stack of `make faults` serves those that leave it as it was; a file that needs its own
makes an OwnStack."""

import time

import pytest
from queue_world import World
from sqs_gate import ALLOWED

from harness.mail import Mailbox
from harness.stack import Database, Stack
from harness.users import UserPool

HANDLERS = 4  # of a worker, when nothing else is set


@pytest.fixture(scope="session")
def stack():
    return Stack.from_environment()


@pytest.fixture(scope="session")
def mailbox(stack):
    return Mailbox(stack.mail_dir)


@pytest.fixture(scope="session")
def users(stack, mailbox):
    return UserPool(stack, mailbox)


@pytest.fixture
def user(users):
    return users.take()


@pytest.fixture(scope="session")
def database(stack):
    connection = stack.sql()
    yield Database(connection)
    connection.close()


@pytest.fixture(scope="session")
def world():
    """A stack of its own for the tests of the queue."""
    found = World()
    yield found
    found.close()


@pytest.fixture
def saver(world):
    return world.saver()


@pytest.fixture
def fair(world):
    """Whatever a test of the queue does: no dead letter, no call beyond the granted ones, no more asked for than handlers can take."""
    began = time.monotonic()
    world.gate.swallow = world.gate.dry = False
    yield
    assert world.dead() == []
    assert world.gate.refused == []
    assert {call.action for call in world.gate.seen()} <= ALLOWED
    for call in world.gate.seen("ReceiveMessage", began):
        assert call.request["MaxNumberOfMessages"] <= HANDLERS
        assert call.request["VisibilityTimeout"] == 60
