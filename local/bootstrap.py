"""Makes in the AWS stand-in what the programs expect to find in the account: queue, dead letter queue, tables, bucket and
a user whose key may do no more than the programs' own role. Everything may exist already."""

import json

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from settings import LOG_GROUP

QUEUE = "moneymanager-async-jobs"
DEAD_LETTERS = QUEUE + "-dlq"
# name -> (index, its keys with their types); all attributes are projected. The same rows as in lib/store/chat.c, which
# `moneymanager-worker --run-task ensure-tables` makes in a real account.
TABLES = {
    "chat_sessions": ("by_user", (("user_id", "N"), ("updated_at", "N"))),
    "chat_messages": ("by_session", (("session_id", "S"), ("id", "S"))),
}
BUCKET = "botdevgroup-documents"
USER = "moneymanager"
MAX_RECEIVES = 3
FOURTEEN_DAYS = str(14 * 24 * 3600)

# The stand-in asks for the Batch names too, where AWS lets the plain action cover them.
QUEUE_ACTIONS = ["SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessageBatch", "DeleteMessageBatch"]
TABLE_ACTIONS = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "BatchGetItem", "BatchWriteItem"]
TABLE_ACTIONS += ["TransactWriteItems", "TransactGetItems", "ConditionCheckItem", "DescribeTable", "DescribeTimeToLive"]
LOG_ACTIONS = ["CreateLogGroup", "CreateLogStream", "PutLogEvents"]
OBJECT_ACTIONS = ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"]


class Account:
    def __init__(self, endpoint, region, key_id, secret):
        session = boto3.Session(aws_access_key_id=key_id, aws_secret_access_key=secret, region_name=region)
        config = Config(connect_timeout=3, read_timeout=10, retries={"max_attempts": 2})
        self.region = region
        self.client = lambda name: session.client(name, endpoint_url=endpoint, config=config)
        self.sqs = self.client("sqs")

    def make_queues(self):
        dead = self.make_queue(DEAD_LETTERS, {"MessageRetentionPeriod": FOURTEEN_DAYS})
        arn = self.sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
        attributes = {
            "RedrivePolicy": redrive,
            "VisibilityTimeout": "60",
            "ReceiveMessageWaitTimeSeconds": "20",
            "MessageRetentionPeriod": FOURTEEN_DAYS,
        }
        return self.make_queue(QUEUE, attributes), dead

    def make_queue(self, name, attributes):
        try:
            url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        except ClientError:
            url = self.sqs.get_queue_url(QueueName=name)["QueueUrl"]
        self.sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        return url

    def make_tables(self):
        dynamodb = self.client("dynamodb")
        for name, (index, keys) in TABLES.items():
            try:
                table = dynamodb.describe_table(TableName=name)["Table"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                table = self.make_table(dynamodb, name)
            if index not in [row["IndexName"] for row in table.get("GlobalSecondaryIndexes", [])]:
                self.make_index(dynamodb, name, index, keys)
            expiry = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            if expiry["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
                wanted = {"AttributeName": "expires_at", "Enabled": True}
                dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=wanted)

    def make_table(self, dynamodb, name):
        made = dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return made["TableDescription"]

    def make_index(self, dynamodb, name, index, keys):
        types = {"id": "S", **dict(keys)}
        schema = [{"AttributeName": key, "KeyType": kind} for (key, _), kind in zip(keys, ("HASH", "RANGE"), strict=True)]
        create = {"IndexName": index, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}
        dynamodb.update_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind} for key, kind in types.items()],
            GlobalSecondaryIndexUpdates=[{"Create": create}],
        )

    def make_bucket(self):
        s3 = self.client("s3")
        if BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": self.region})

    def make_log_group(self):
        logs = self.client("logs")
        try:
            logs.create_log_group(logGroupName=LOG_GROUP)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise

    def make_user(self):
        """The restricted user, with what it may do now."""
        iam = self.client("iam")
        try:
            iam.create_user(UserName=USER)
        except ClientError as error:
            if error.response["Error"]["Code"] != "EntityAlreadyExists":
                raise
        iam.put_user_policy(UserName=USER, PolicyName="programs", PolicyDocument=json.dumps(self.policy()))

    def make_key(self):
        iam = self.client("iam")
        for old in iam.list_access_keys(UserName=USER)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=USER, AccessKeyId=old["AccessKeyId"])
        key = iam.create_access_key(UserName=USER)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def policy(self):
        def allow(service, actions, resources):
            return {"Effect": "Allow", "Action": [f"{service}:{name}" for name in actions], "Resource": resources}

        return {
            "Version": "2012-10-17",
            "Statement": [
                allow("sqs", QUEUE_ACTIONS, [f"arn:aws:sqs:{self.region}:*:{QUEUE}"]),
                allow("dynamodb", TABLE_ACTIONS, [f"arn:aws:dynamodb:{self.region}:*:table/{name}" for name in TABLES]),
                allow("dynamodb", ["Query"], [f"arn:aws:dynamodb:{self.region}:*:table/{name}/index/*" for name in TABLES]),
                allow("s3", OBJECT_ACTIONS, [f"arn:aws:s3:::{BUCKET}/*"]),
                allow("s3", ["ListBucket"], [f"arn:aws:s3:::{BUCKET}"]),
                allow("logs", LOG_ACTIONS, [f"arn:aws:logs:{self.region}:*:log-group:{LOG_GROUP}{part}" for part in ("", ":*")]),
            ],
        }


def key_works(endpoint, region, key_id, secret, queue_url):
    if not key_id or not secret:
        return False
    try:
        Account(endpoint, region, key_id, secret).sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    except ClientError:
        return False
    return True


def bootstrap(endpoint, region, root_key, user_key):
    """Returns the queue's address, the dead letter queue's, and the user's key: the one given when it still works."""
    account = Account(endpoint, region, *root_key)
    queue, dead = account.make_queues()
    account.make_tables()
    account.make_bucket()
    account.make_log_group()
    account.make_user()
    if not key_works(endpoint, region, *user_key, queue):
        user_key = account.make_key()
    return queue, dead, user_key
