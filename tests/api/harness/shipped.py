"""The copy of the log in the stand-in's log group, read with the stand-in's own root key: the programs' key may only write."""

import json

import boto3
from botocore.config import Config


class LogGroup:
    def __init__(self, stack):
        with (stack.log_dir.parent / "stack.json").open(encoding="utf-8") as file:
            kept = json.load(file)["secrets"]
        self.name = stack.env["LOG_GROUP"]
        self.logs = boto3.client(
            "logs",
            region_name=stack.env["AWS_REGION"],
            endpoint_url=stack.env["AWS_ENDPOINT_URL"],
            aws_access_key_id="AKIAROOT" + kept["aws_root_id"][:12].upper(),
            aws_secret_access_key=kept["aws_root"],
            config=Config(proxies={}),
        )

    def streams(self):
        return [
            stream["logStreamName"]
            for page in self.logs.get_paginator("describe_log_streams").paginate(logGroupName=self.name)
            for stream in page["logStreams"]
        ]

    def events(self, stream):
        """Messages of one stream, the oldest first."""
        found, token = [], {}
        while True:
            page = self.logs.get_log_events(logGroupName=self.name, logStreamName=stream, startFromHead=True, **token)
            if not page["events"]:
                return found
            found += [event["message"] for event in page["events"]]
            token = {"nextToken": page["nextForwardToken"]}

    def all_events(self):
        return [message for stream in self.streams() for message in self.events(stream)]
