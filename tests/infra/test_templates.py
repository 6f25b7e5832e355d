"""Each rule holds for the templates, and each notices a template that breaks it."""

import copy
import gzip
import json
import re
import shutil
import subprocess
import sys
import types
from base64 import b64encode

import pytest
from rules import MISSION, PERMISSIONS, RULES, tables_of_the_programs
from templates import INFRA, ROOT, load_all, resources

STACKS = load_all()
EVERYBODY = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 65535, "CidrIp": "0.0.0.0/0"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_templates_keep_the_rule(rule):
    assert list(rule(STACKS)) == []


# ---- mutations: rule, stack, path, and the value put there; DROP takes it away ----
DROP = object()
P = "Properties"
MUTATIONS = [
    ("missions_list_is_there", "messaging", ("JobQueue", P, "QueueName"), "jobs"),
    ("missions_list_is_there", "network", ("InboundResolver",), DROP),
    ("only_the_programs_reach_mysql_and_redis", "network", ("DatabaseSecurityGroup", P, "SecurityGroupIngress"), [EVERYBODY]),
    ("only_the_programs_reach_mysql_and_redis", "network", ("CacheSecurityGroup", P, "SecurityGroupIngress"), []),
    (
        "only_the_programs_reach_mysql_and_redis",
        "data",
        ("Hole",),
        {
            "Type": "AWS::EC2::SecurityGroupIngress",
            P: {"GroupId": {"Ref": "DatabaseSecurityGroupId"}, "IpProtocol": "-1", "CidrIp": "10.0.0.0/16"},
        },
    ),
    ("only_the_load_balancer_is_open", "network", ("AppSecurityGroup", P, "SecurityGroupIngress"), [EVERYBODY]),
    ("only_the_load_balancer_is_open", "network", ("AlbSecurityGroup", P, "SecurityGroupIngress", 0, "ToPort"), 443),
    ("little_gets_out", "network", ("DatabaseSecurityGroup", P, "SecurityGroupEgress"), DROP),
    ("little_gets_out", "network", ("AppSecurityGroup", P, "SecurityGroupEgress", 1, "FromPort"), 25),
    ("subnets_lie_apart_in_two_zones", "network", ("DataSubnetB", P, "CidrBlock"), "10.0.20.0/23"),
    ("subnets_lie_apart_in_two_zones", "network", ("AppSubnetB", P, "AvailabilityZone"), {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
    ("data_has_no_way_out", "network", ("AppRouteA", P, "RouteTableId"), {"Ref": "DataRouteTable"}),
    ("data_has_no_way_out", "network", ("DataSubnetARoutes", P, "RouteTableId"), {"Ref": "PublicRouteTable"}),
    ("private_subnets_leave_through_nat", "network", ("AppRouteB", P, "GatewayId"), {"Ref": "InternetGateway"}),
    ("flow_logs_are_complete", "network", ("FlowLog", P, "TrafficType"), "REJECT"),
    ("endpoints_are_all_there_in_two_zones", "network", ("SqsEndpoint", P, "SubnetIds"), [{"Ref": "AppSubnetA"}]),
    ("endpoints_are_all_there_in_two_zones", "network", ("DynamoDbGatewayEndpoint",), DROP),
    ("s3_over_the_vpn", "network", ("S3InterfaceEndpoint", "DependsOn"), DROP),
    ("s3_over_the_vpn", "network", ("S3InterfaceEndpoint", P, "DnsOptions"), DROP),
    ("s3_over_the_vpn", "network", ("ResolverSecurityGroup", P, "SecurityGroupIngress", 1, "IpProtocol"), "tcp"),
    ("endpoint_policies_know_only_what_is_ours", "network", ("S3GatewayEndpoint", P, "PolicyDocument"), DROP),
    (
        "endpoint_policies_know_only_what_is_ours",
        "network",
        ("S3InterfaceEndpoint", P, "PolicyDocument", "Statement", 0, "Resource"),
        "*",
    ),
    (
        "endpoint_policies_know_only_what_is_ours",
        "network",
        ("SqsEndpoint", P, "PolicyDocument", "Statement", 0, "Action"),
        "sqs:*",
    ),
    (
        "roles_may_do_what_the_table_says_and_no_more",
        "compute",
        ("MachineRole", P, "Policies", 0, "PolicyDocument", "Statement", 0, "Action", 0),
        "sqs:*",
    ),
    (
        "roles_may_do_what_the_table_says_and_no_more",
        "compute",
        ("MachineRole", P, "Policies", 1, "PolicyDocument", "Statement", 0, "Resource"),
        "*",
    ),
    (
        "roles_may_do_what_the_table_says_and_no_more",
        "compute",
        ("MachineRole", P, "ManagedPolicyArns"),
        ["arn:aws:iam::aws:policy/AdministratorAccess"],
    ),
    ("roles_may_do_what_the_table_says_and_no_more", "compute", ("MachineRole", P, "Policies", 0), DROP),
    ("buckets_are_private_encrypted_and_versioned", "storage", ("DocumentsBucket", P, "VersioningConfiguration"), DROP),
    (
        "buckets_are_private_encrypted_and_versioned",
        "site",
        ("SiteBucket", P, "PublicAccessBlockConfiguration", "BlockPublicPolicy"),
        False,
    ),
    (
        "documents_are_closed_to_all_but_the_endpoints",
        "bucket-policy",
        ("DocumentsBucketPolicy", P, "PolicyDocument", "Statement", 1, "Condition", "ArnNotEquals"),
        DROP,
    ),
    (
        "documents_are_closed_to_all_but_the_endpoints",
        "bucket-policy",
        ("DocumentsBucketPolicy", P, "PolicyDocument", "Statement", 1, "Action"),
        "s3:*",
    ),
    (
        "documents_are_closed_to_all_but_the_endpoints",
        "bucket-policy",
        ("DocumentsBucketPolicy", P, "PolicyDocument", "Statement", 1, "Condition", "StringNotEquals", "aws:SourceVpce"),
        [{"Ref": "S3GatewayEndpointId"}],
    ),
    ("site_is_read_by_cloudfront_alone", "site", ("SiteBucketPolicy", P, "PolicyDocument", "Statement", 0, "Principal"), "*"),
    ("site_is_read_by_cloudfront_alone", "site", ("Site", P, "DistributionConfig", "Origins", 0, "OriginAccessControlId"), DROP),
    ("mysql_survives_a_zone_and_speaks_tls", "data", ("Database", P, "MultiAZ"), False),
    ("mysql_survives_a_zone_and_speaks_tls", "data", ("Database", P, "PubliclyAccessible"), True),
    ("mysql_survives_a_zone_and_speaks_tls", "data", ("Database", P, "MasterUserPassword"), "hunter2hunter2"),
    ("mysql_survives_a_zone_and_speaks_tls", "data", ("DatabaseParameters", P, "Parameters", "require_secure_transport"), "OFF"),
    ("redis_fails_over_and_speaks_tls", "data", ("Cache", P, "AutomaticFailoverEnabled"), DROP),
    ("redis_fails_over_and_speaks_tls", "data", ("Cache", P, "TransitEncryptionEnabled"), False),
    ("data_outlives_its_stack", "data", ("Database", "UpdateReplacePolicy"), DROP),
    ("data_outlives_its_stack", "messaging", ("ChatSessions", P, "DeletionProtectionEnabled"), False),
    (
        "no_secret_stands_in_a_template",
        "data",
        ("PasswordSetting",),
        {"Type": "AWS::SSM::Parameter", P: {"Name": "/moneymanager/env/DB_PASSWORD", "Type": "String", "Value": "x"}},
    ),
    ("queue_spares_its_dead_letters", "messaging", ("JobQueue", P, "RedrivePolicy", "maxReceiveCount"), 1),
    ("queue_spares_its_dead_letters", "messaging", ("DeadLetterQueue", P, "MessageRetentionPeriod"), 345600),
    ("queue_spares_its_dead_letters", "messaging", ("DeadLetterAlarm",), DROP),
    ("tables_are_what_the_programs_ask", "messaging", ("ChatMessages", P, "GlobalSecondaryIndexes", 0, "IndexName"), "by_id"),
    ("tables_are_what_the_programs_ask", "messaging", ("ChatSessions", P, "PointInTimeRecoverySpecification"), DROP),
    (
        "machines_guard_their_metadata",
        "compute",
        ("LaunchTemplate", P, "LaunchTemplateData", "MetadataOptions", "HttpTokens"),
        "optional",
    ),
    (
        "machines_guard_their_metadata",
        "compute",
        ("LaunchTemplate", P, "LaunchTemplateData", "MetadataOptions", "HttpPutResponseHopLimit"),
        DROP,
    ),
    ("balancer_asks_health_and_speaks_tls", "compute", ("TargetGroup", P, "HealthCheckPath"), "/api/v1.0/status"),
    (
        "balancer_asks_health_and_speaks_tls",
        "compute",
        ("HttpListener", P, "DefaultActions"),
        [{"Type": "forward", "TargetGroupArn": {"Ref": "TargetGroup"}}],
    ),
    ("group_spans_two_zones_and_heals", "compute", ("Machines", P, "HealthCheckType"), DROP),
    ("group_spans_two_zones_and_heals", "compute", ("Machines", P, "DesiredCapacity"), 2),
    ("log_groups_end", "observability", ("AppLogGroup", P, "RetentionInDays"), DROP),
    ("errors_are_counted_and_told", "observability", ("EC2ErrorFilter", P, "FilterPattern"), "ERROR Exception"),
    ("errors_are_counted_and_told", "observability", ("EC2ErrorAlarm", P, "TreatMissingData"), "missing"),
    ("errors_are_counted_and_told", "observability", ("RDSLogErrorFilter", P, "LogGroupName"), {"Ref": "DatabaseLogGroup"}),
    ("every_alarm_is_told", "alarms", ("ServerErrorsAlarm", P, "AlarmActions"), []),
    ("every_alarm_is_told", "alarms", ("OutboxAgeAlarm", P, "ActionsEnabled"), False),
    ("dashboard_is_whole", "alarms", ("Dashboard", P, "DashboardBody", "Fn::Sub"), '{"widgets": [}'),
    ("dashboard_is_whole", "alarms", ("SlowAnswersAlarm",), DROP),
    ("database_log_is_forwarded", "observability", ("DatabaseLogSubscription",), DROP),
    ("database_log_is_forwarded", "observability", ("Forwarder", P, "Code", "ZipFile"), "def handler(:"),
]


def changed(stack, path, value):
    stacks = copy.deepcopy(STACKS)
    at = stacks[stack]["Resources"]
    for key in path[:-1]:
        at = at[key]
    if value is DROP:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return stacks


@pytest.mark.parametrize("name, stack, path, value", MUTATIONS, ids=[f"{m[0]}-{'.'.join(map(str, m[2]))}" for m in MUTATIONS])
def test_a_wrong_template_is_found(name, stack, path, value):
    found = {rule.__name__: rule for rule in RULES}[name](changed(stack, path, value))
    assert list(found) != []


def test_every_rule_has_a_template_that_breaks_it():
    assert {rule.__name__ for rule in RULES} == {m[0] for m in MUTATIONS}


def test_the_programs_tables_are_read_from_their_source():
    assert set(tables_of_the_programs()) == {"chat_sessions", "chat_messages"}
    assert all(PERMISSIONS[("MachineRole", sid)] for sid in ("Queue", "Tables"))


# ---- the templates fit together ----


def order():
    found = re.search(r"^STACKS=\((.*)\)$", (INFRA / "deploy.sh").read_text(), re.M)
    return found.group(1).split()


def settings():
    return set(re.findall(r"^(?:# )?([A-Z]\w+)=", (INFRA / "settings.example").read_text(), re.M))


def test_deploy_knows_every_template():
    assert sorted(order()) == sorted(STACKS)
    assert order()[-1] == "bucket-policy"


def test_every_parameter_comes_from_a_setting_or_an_earlier_stack():
    known = settings() | {"DeployerArn"}
    for stack in order():
        parameters = STACKS[stack].get("Parameters", {})
        assert {name for name, p in parameters.items() if "Default" not in p} <= known, stack
        known |= set(STACKS[stack].get("Outputs", {}))


def test_every_setting_is_a_parameter():
    assert settings() <= {name for template in STACKS.values() for name in template.get("Parameters", {})}


def test_every_template_says_what_it_is_and_has_a_line_in_the_readme():
    readme = (INFRA / "README.md").read_text()
    for stack, template in STACKS.items():
        assert template["Description"]
        assert f"`{stack}.yaml`" in readme


def test_the_readme_lists_the_mission_with_template_and_check():
    rows = re.findall(r"^\| (.+) \| `([a-z-]+)\.yaml`[^|]* \| (.+) \|$", (INFRA / "README.md").read_text(), re.M)
    rules = {rule.__name__ for rule in RULES}
    for _, stack, checks in rows:
        assert stack in STACKS
        for check in re.findall(r"`(\w+)`", checks):
            assert check in rules
    listed = " ".join(row[0] for row in rows)
    assert [name for _, _, _, name in MISSION if name not in listed] == []


# ---- the code inside the templates ----


def user_data():
    data = STACKS["compute"]["Resources"]["LaunchTemplate"]["Properties"]["LaunchTemplateData"]
    script = data["UserData"]["Fn::Base64"]["Fn::Sub"]
    script = re.sub(r"\$\{(?!!)[A-Za-z:0-9]+\}", "value", script)
    return script.replace("${!", "${")


def test_user_data_is_a_shell_script_that_fits(tmp_path):
    script = tmp_path / "user-data.sh"
    script.write_text(user_data())
    assert len(user_data()) < 16 * 1024 * 3 // 4
    inner = re.findall(r"cat >/usr/local/bin/(\S+) <<'END'\n(.*?)\nEND\n", user_data(), re.S)
    assert len(inner) == 2
    for name, text in inner:
        (tmp_path / f"{name}.sh").write_text(text + "\n")
    files = [str(path) for path in sorted(tmp_path.glob("*.sh"))]
    for file in files:
        subprocess.run(["bash", "-n", file], check=True)
    # Belongs to the tools of `make lint`.
    if shutil.which("shellcheck"):
        found = subprocess.run(["shellcheck", "-S", "warning", "-s", "bash", *files], capture_output=True, text=True)
        assert found.stdout == ""


def test_the_machine_writes_the_settings_and_fails_when_one_cannot_be_read(tmp_path):
    """moneymanager-env with an `aws` of the test's own."""
    script = re.search(r"moneymanager-env <<'END'\n(.*?)\nEND\n", user_data(), re.S).group(1).replace("/app/", f"{tmp_path}/")
    aws = tmp_path / "aws"
    aws.write_text(
        "#!/bin/bash\n"
        'case "$*" in\n'
        '*by-path*) printf "/moneymanager/env/DB_HOST\\tdb\\n/moneymanager/env/JWT_KEYS\\tk1:a=b/c\\n" ;;\n'
        '*AUTH_TOKEN*) [ -z "$BROKEN" ] && echo token ;;\n'
        "*HOST*) echo cache ;;\n"
        "*compose*) echo services ;;\n"
        "esac\n"
    )
    aws.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    subprocess.run(["bash", "-c", script], env=env, check=True)
    lines = (tmp_path / ".env").read_text().splitlines()
    assert lines[:3] == ["DB_HOST=db", "JWT_KEYS=k1:a=b/c", "REDIS_URL=rediss://:token@cache:6379/0"]
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert (tmp_path / "docker-compose.yml").read_text() == "services\n"
    (tmp_path / ".env").unlink()
    assert subprocess.run(["bash", "-c", script], env={**env, "BROKEN": "1"}).returncode != 0
    assert not (tmp_path / ".env").exists()


def test_compose_takes_the_names_that_the_machine_gives_it():
    compose = (ROOT / "docker-compose.yml").read_text()
    for name in ("API_IMAGE", "WORKER_IMAGE", "CERTS"):
        assert f"${{{name}:-" in compose and f'"{name}=' in user_data()


class FakeLogs:
    """The two calls of CloudWatch Logs that the forwarder makes."""

    class exceptions:  # noqa: N801  # as boto3 names it
        ResourceNotFoundException = KeyError
        ResourceAlreadyExistsException = ValueError

    def __init__(self):
        self.streams = {}

    def create_log_stream(self, logGroupName, logStreamName):  # noqa: N803
        self.streams[logStreamName] = []

    def put_log_events(self, logGroupName, logStreamName, logEvents):  # noqa: N803
        self.streams[logStreamName] += logEvents


def test_the_forwarder_copies_lines_in_the_order_of_their_time(monkeypatch):
    code = STACKS["observability"]["Resources"]["Forwarder"]["Properties"]["Code"]["ZipFile"]
    logs = FakeLogs()
    monkeypatch.setitem(sys.modules, "boto3", types.SimpleNamespace(client=lambda name: logs))
    monkeypatch.setenv("TARGET_GROUP", "/aws/rds/moneymanager-db")
    space = {}
    exec(code, space)  # noqa: S102  # the template's own code

    def send(kind, *lines):
        events = [{"id": str(i), "timestamp": at, "message": m} for i, (at, m) in enumerate(lines)]
        data = {"messageType": kind, "logStream": "db", "logEvents": events}
        space["handler"]({"awslogs": {"data": b64encode(gzip.compress(json.dumps(data).encode()))}}, None)

    send("CONTROL_MESSAGE", (1, "are you there"))
    assert logs.streams == {}
    send("DATA_MESSAGE", (5, "second"), (3, "first"))
    send("DATA_MESSAGE", (9, "third"))
    assert [e["message"] for e in logs.streams["db"]] == ["first", "second", "third"]


def test_names_inside_one_template_are_resolved():
    """Every Ref and Fn::GetAtt names something that is there; cfn-lint says so too, and this needs no network of versions."""
    for stack, template in STACKS.items():
        names = {*template["Resources"], *template.get("Parameters", {})}
        found = set(re.findall(r"'Ref': '(\w+)'", str(template))) | set(re.findall(r"'Fn::GetAtt': \['(\w+)'", str(template)))
        assert found <= names, stack
    assert len(list(resources(STACKS))) > 100
