"""The task that makes the assistant's tables. The stand-in keeps a name space for each region, so each test has one."""

import os
import pathlib
import subprocess

import boto3
import pytest
from botocore.config import Config

from harness.stack import read_env

KEYS = {"chat_sessions": ("by_user", "user_id", "updated_at"), "chat_messages": ("by_session", "session_id", "id")}


@pytest.fixture(scope="module")
def root(stack):
    """The stand-in's root key: what an operator would have."""
    directory = os.environ.get("MM_STACK_DIR") or pathlib.Path(os.environ["MM_STACK_ENV"]).parent
    env = read_env(pathlib.Path(directory) / "aws.env")
    return {name: env[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}


def ensure(stack, **env):
    program = stack.api.with_name("moneymanager-worker")
    arguments = [program, "--run-task", "ensure-tables"]
    return subprocess.run(arguments, env={**stack.env, **env}, capture_output=True, text=True, timeout=60, check=False)


def tables(stack, root, region):
    return boto3.client(
        "dynamodb",
        endpoint_url=stack.env["AWS_ENDPOINT_URL"],
        region_name=region,
        aws_access_key_id=root["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=root["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 2}),
    )


def assert_complete(client):
    for name, (index, *keys) in KEYS.items():
        table = client.describe_table(TableName=name)["Table"]
        assert [row["AttributeName"] for row in table["KeySchema"]] == ["id"]
        (found,) = table["GlobalSecondaryIndexes"]
        assert (found["IndexName"], [row["AttributeName"] for row in found["KeySchema"]]) == (index, keys)
        expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")


def test_the_tables_of_the_local_stack_are_what_the_program_wants(stack):
    done = ensure(stack)
    assert (done.returncode, done.stdout.strip()) == (0, "ensure-tables: everything is there"), done.stderr


def test_missing_tables_are_made_and_twice_is_once(stack, root):
    region = "us-east-1"
    done = ensure(stack, AWS_REGION=region, **root)
    assert (done.returncode, done.stdout.strip()) == (0, "ensure-tables: made what was missing (4 steps)"), done.stderr
    assert_complete(tables(stack, root, region))
    assert ensure(stack, AWS_REGION=region, **root).stdout.strip() == "ensure-tables: everything is there"


def test_tables_without_index_and_expiry_are_completed(stack, root):
    region = "us-east-2"
    client = tables(stack, root, region)
    for name in KEYS:
        client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    done = ensure(stack, AWS_REGION=region, **root)
    assert done.returncode == 0, done.stderr
    assert_complete(client)


def test_what_may_not_be_made_is_told(stack):
    done = ensure(stack, AWS_REGION="us-west-1")
    assert done.returncode == 1
    for name in KEYS:
        assert name in done.stderr
    assert "AccessDenied" in done.stderr


def test_an_index_with_other_keys_is_left_alone_and_told(stack, root):
    region = "us-west-2"
    tables(stack, root, region).create_table(
        TableName="chat_sessions",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}, {"AttributeName": "owner", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_user",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    done = ensure(stack, AWS_REGION=region, **root)
    assert done.returncode == 1
    assert "chat_sessions: the index by_user (it has other keys)" in done.stderr
