"""Fixtures of the API tests: black box, through nginx, over the real parts of a running stack."""

import pytest

from harness.client import Client
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
def database(stack):
    connection = stack.sql()
    yield Database(connection)
    connection.close()


@pytest.fixture(scope="session")
def users(stack, mailbox):
    """Gives new users: users.take()."""
    return UserPool(stack, mailbox)


@pytest.fixture
def guest(stack):
    """A client without a session."""
    return Client(stack)


@pytest.fixture
def user(users):
    """A signed-in user of this test alone."""
    return users.take()


@pytest.fixture
def other(users):
    """A second signed-in user."""
    return users.take()


@pytest.fixture(scope="module")
def lasting(users):
    """A signed-in user for the tests of one file that change nothing or do not mind each other."""
    return users.take()
