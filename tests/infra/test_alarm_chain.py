"""From an ERROR line of a program to a message for people: log group, filter, metric, alarm, topic, as observability.yaml deploys
them. The stand-in's filters count nothing, so the filter that it was given is evaluated here over the lines that it was sent."""

import json
import re
import time

import pytest
from log_filter import matches, terms
from stand_in import ROOT_KEY, StandIn
from templates import INFRA, ROOT, load_all

GROUP = "/aws/ec2/moneymanager-app"
# The programs with settings of which every one is right, and no database behind them.
SETTINGS = {
    "DB_SOCKET": "/nonexistent/mariadb.sock",
    "DB_NAME": "m",
    "DB_USER": "m",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "AWS_REGION": "ap-southeast-1",
    "AWS_ACCESS_KEY_ID": ROOT_KEY[0],
    "AWS_SECRET_ACCESS_KEY": ROOT_KEY[1],
    "SQS_QUEUE_URL": "http://127.0.0.1:1/000000000000/moneymanager-async-jobs",
    "SMTP_HOST": "localhost",
    "SMTP_PORT": "1",
    "MAIL_FROM": "a@example.com",
    "JWT_KEYS": "k:0123456789abcdef0123456789abcdef",
    "WEB_ORIGINS": "http://localhost",
    "WEB_BASE_URL": "http://localhost",
    "LOG_GROUP": GROUP,
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    """The stand-in with the stack `observability`."""
    found = StandIn(tmp_path_factory.mktemp("observability"))
    try:
        cloudformation = found.client("cloudformation")
        cloudformation.create_stack(
            StackName="observability",
            TemplateBody=(INFRA / "observability.yaml").read_text(),
            Parameters=[{"ParameterKey": "AlarmEmail", "ParameterValue": "alarms@example.com"}],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName="observability", WaiterConfig={"Delay": 1})
        yield found
    finally:
        found.stop()


def lines(aws):
    logs = aws.client("logs")
    streams = [s["logStreamName"] for s in logs.describe_log_streams(logGroupName=GROUP)["logStreams"]]
    return {
        name: [e["message"] for e in logs.get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]]
        for name in streams
    }


def subscriber(aws, topic):
    """A queue that the topic writes to; reads what came."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="subscriber")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    may_write = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}
    may_write["Condition"] = {"ArnEquals": {"aws:SourceArn": topic}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_write]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def read():
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1).get("Messages", [])
        return [json.loads(json.loads(m["Body"])["Message"]) for m in found]

    return read


def filter_of(aws, name):
    (found,) = [
        f for f in aws.client("logs").describe_metric_filters(logGroupName=GROUP)["metricFilters"] if f["filterName"] == name
    ]
    return found


@pytest.mark.parametrize("program", ["moneymanager-api", "moneymanager-worker"])
def test_an_error_of_a_program_reaches_who_listens_to_the_topic(aws, program):
    cloudwatch = aws.client("cloudwatch")
    (alarm,) = cloudwatch.describe_alarms(AlarmNames=["EC2ErrorAlarm"])["MetricAlarms"]
    cloudwatch.set_alarm_state(AlarmName="EC2ErrorAlarm", StateValue="OK", StateReason="the test begins")
    read = subscriber(aws, alarm["AlarmActions"][0])
    before = set(lines(aws))

    # The program itself writes the line, and its copy is there when the program has ended.
    done = aws.run(ROOT / "build/release" / program, "--migrate", **SETTINGS)
    assert done.returncode == 1
    (stream,) = set(lines(aws)) - before
    assert re.fullmatch(r"backend-logs/[^/]+/\d+", stream)
    written = lines(aws)[stream]
    assert [line + "\n" for line in written] == done.stderr.splitlines(keepends=True)

    # The filter as deployed finds just this line, and its transformation makes the datapoint.
    error_filter = filter_of(aws, "EC2ErrorFilter")
    hits = [line for line in written if matches(error_filter["filterPattern"], line)]
    assert len(hits) == 1
    assert " ERROR main - " in hits[0]
    (to,) = error_filter["metricTransformations"]
    assert (to["metricNamespace"], to["metricName"]) == (alarm["Namespace"], alarm["MetricName"])
    value = float(to["metricValue"]) * len(hits)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold" and value >= alarm["Threshold"]
    cloudwatch.put_metric_data(Namespace=to["metricNamespace"], MetricData=[{"MetricName": to["metricName"], "Value": value}])

    told, deadline = [], time.monotonic() + 20
    while not told and time.monotonic() < deadline:
        told = [m for m in read() if m.get("AlarmName") == "EC2ErrorAlarm" and m.get("NewStateValue") == "ALARM"]
    assert told, "nobody was told"


def test_without_an_error_nothing_is_found(aws):
    """The worker told to stop while it waits for its database: lines of every level but ERROR."""
    pattern = filter_of(aws, "EC2ErrorFilter")["filterPattern"]
    before = set(lines(aws))
    done = aws.run("timeout", "-s", "TERM", "1.5", ROOT / "build/release/moneymanager-worker", **SETTINGS)
    (stream,) = set(lines(aws)) - before
    written = lines(aws)[stream]
    assert any(" WARN " in line for line in written), done.stderr
    assert [line for line in written if matches(pattern, line)] == []


def test_the_outbox_alarm_has_the_name_that_the_programs_send():
    alarm = load_all()["alarms"]["Resources"]["OutboxAgeAlarm"]["Properties"]
    assert "Dimensions" not in alarm
    assert alarm["Namespace"] == re.search(r'EMF_NAMESPACE "(\w+)"', (ROOT / "lib/service/emf.h").read_text())[1]
    for source in ("fcgi-app/probes.c", "worker/sweep.c"):
        assert f'"{alarm["MetricName"]}", "Seconds"' in (ROOT / source).read_text()


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("?ERROR ?Exception", "2026-01-01 [main] ERROR x - y", True),
        ("?ERROR ?Exception", "a NullPointerException", True),
        ("?ERROR ?Exception", "an error, an exception, Errors5xx", False),
        ("ERROR Exception", "ERROR alone", False),
        ("ERROR Exception", "Exception and ERROR", True),
        ("ERROR -main", "[main] ERROR", False),
        ("ERROR -main", "[http] ERROR", True),
        ('"two words"', "these two words", True),
        ('"two words"', "two other words", False),
        (r'"a \"quote\""', 'with a "quote"', True),
        ("", "anything", True),
    ],
)
def test_patterns_mean_what_cloudwatch_says(pattern, line, found):
    assert matches(pattern, line) is found


@pytest.mark.parametrize("pattern", ['{ $.level = "ERROR" }', "[a, b]", "ERROR ?Exception", 'an "open'])
def test_patterns_of_another_kind_are_refused(pattern):
    with pytest.raises(ValueError):
        terms(pattern)
