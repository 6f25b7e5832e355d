"""Fixtures of the API tests: black box, through nginx, over the real parts of a running stack."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from harness.client import Client  # noqa: E402
from harness.mail import Mailbox  # noqa: E402
from harness.stack import Database, Stack  # noqa: E402
from harness.users import UserPool  # noqa: E402


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
