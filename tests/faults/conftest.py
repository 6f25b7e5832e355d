"""Fixtures of the fault tests. The stack of `make faults` serves those that leave it as it was; a file that needs its own
makes an OwnStack."""

import pytest

from harness.mail import Mailbox
from harness.stack import Database, Stack
from harness.users import UserPool


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
