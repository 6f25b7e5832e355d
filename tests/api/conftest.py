"""Fixtures of the API tests: black box, through nginx, over the real parts of a running stack."""

import functools
import subprocess

import boto3
import pytest

from harness.client import Client
from harness.mail import Mailbox
from harness.stack import ROOT, Database, Stack
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


@pytest.fixture(scope="session")
def aws(stack):
    """Clients of the AWS stand-in with the stack's own keys: aws("s3")."""
    return functools.partial(
        boto3.client,
        endpoint_url=stack.env["AWS_ENDPOINT_URL"],
        region_name=stack.env["AWS_REGION"],
        aws_access_key_id=stack.env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=stack.env["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="session")
def run_worker_task(stack):
    """Runs one of the worker's periodic tasks now, by hand."""

    def run(name, **settings):
        subprocess.run(
            [ROOT / "build/release/moneymanager-worker", "--run-task", name],
            env={**stack.env, **settings},
            check=True,
            timeout=60,
            capture_output=True,
        )

    return run
