"""Makes queue, tables, bucket and role in the AWS stand-in, then hands out the role's keys as EC2's metadata service does
(IMDSv2), so that the containers get and refresh their keys as they do on a server."""

import http.server
import json
import os
import secrets
import time

from botocore.exceptions import BotoCoreError, ClientError

from bootstrap import Account

PORT = 8169
ROLE = "moneymanager"
KEYS_PATH = "/latest/meta-data/iam/security-credentials/"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def make_role(account):
    """The role's address in the stand-in."""
    iam = account.client("iam")
    try:
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(TRUST))
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise
    iam.put_role_policy(RoleName=ROLE, PolicyName="programs", PolicyDocument=json.dumps(account.policy()))
    return iam.get_role(RoleName=ROLE)["Role"]["Arn"]


def prepare(account):
    """Waits for the stand-in, and makes in it what the programs expect."""
    while True:
        try:
            account.make_queues()
            break
        except (BotoCoreError, ClientError) as error:
            print("waiting for the AWS stand-in:", error)
            time.sleep(1)
    account.make_tables()
    account.make_bucket()
    return make_role(account)


class Metadata(http.server.BaseHTTPRequestHandler):
    account = None
    role = None
    tokens = set()

    def answer(self, text, status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        if self.path != "/latest/api/token":
            return self.answer("", 404)
        token = secrets.token_hex(16)
        self.tokens.add(token)
        return self.answer(token)

    def do_GET(self):
        if self.path == "/health":
            return self.answer("ready")
        if self.headers.get("X-aws-ec2-metadata-token") not in self.tokens:
            return self.answer("", 401)
        if self.path == KEYS_PATH:
            return self.answer(ROLE)
        if self.path == KEYS_PATH + ROLE:
            return self.answer(json.dumps(self.keys()))
        return self.answer("", 404)

    def keys(self):
        got = self.account.client("sts").assume_role(RoleArn=self.role, RoleSessionName="local", DurationSeconds=3600)
        keys = got["Credentials"]
        return {
            "Code": "Success",
            "Type": "AWS-HMAC",
            "AccessKeyId": keys["AccessKeyId"],
            "SecretAccessKey": keys["SecretAccessKey"],
            "Token": keys["SessionToken"],
            "Expiration": keys["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    key = (os.environ["ROOT_KEY_ID"], os.environ["ROOT_KEY"])
    Metadata.account = Account(os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_REGION"], *key)
    Metadata.role = prepare(Metadata.account)
    http.server.ThreadingHTTPServer(("0.0.0.0", PORT), Metadata).serve_forever()
