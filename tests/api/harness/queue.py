"""Looking into the queues of the stand-in for SQS, without receiving, and sending to the main one."""

import json

import boto3
import requests
from botocore.config import Config


def messages(stack, url):
    """Bodies of all messages that the queue holds, in flight or not."""
    endpoint = stack.env.get("AWS_ENDPOINT_URL_SQS") or stack.env["AWS_ENDPOINT_URL"]
    session = requests.Session()
    session.trust_env = False
    answer = session.get(endpoint.rstrip("/") + "/_ministack/sqs/messages", params={"QueueUrl": url}, timeout=10)
    answer.raise_for_status()
    return [
        message["Body"]
        for regions in answer.json()["messages"].values()
        for queues in regions.values()
        for found in queues.values()
        for message in found
    ]


def dead_letters(stack):
    return messages(stack, stack.env["SQS_DLQ_URL"])


def send(stack, body):
    """Puts a message on the main queue, with the key that the programs have."""
    env = stack.env
    client = boto3.client(
        "sqs",
        region_name=env["AWS_REGION"],
        endpoint_url=env.get("AWS_ENDPOINT_URL_SQS") or env["AWS_ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        config=Config(proxies={}),
    )
    client.send_message(QueueUrl=env["SQS_QUEUE_URL"], MessageBody=body if isinstance(body, str) else json.dumps(body))
