"""deploy.sh in the AWS stand-in: every resource that its CloudFormation says it made is asked for at the service itself."""

import json

import pytest
from botocore.exceptions import ClientError
from stand_in import UNKNOWN, StandIn, copy_infra
from templates import INFRA, load_all, resources

SETTINGS = """AlarmEmail=alarms@example.com
ImageTag=1.0.0
ComposeSha256=0000000000000000000000000000000000000000000000000000000000000000
HostedZoneId={zone}
"""
PROGRAMS = """# secrets
SMTP_HOST=smtp.example.com
SMTP_USER=user
SMTP_PASSWORD=pass=word
MAIL_FROM=a@example.com
WEB_ORIGINS=https://botdevgroup.me
WEB_BASE_URL=https://botdevgroup.me
"""


class Deployed:
    """The account after the first run of deploy.sh."""

    def __init__(self, directory):
        self.aws = StandIn(directory)
        self.infra, self.left_out = copy_infra(directory)
        self.settings = directory / "settings"
        zone = self.aws.client("route53").create_hosted_zone(Name="botdevgroup.me", CallerReference="1")["HostedZone"]["Id"]
        self.settings.write_text(SETTINGS.format(zone=zone.rsplit("/", 1)[-1]))
        (directory / "programs").write_text(PROGRAMS)
        self.stored = self.aws.run(self.infra / "deploy.sh", "settings", directory / "programs")
        self.first = self.deploy()

    def deploy(self, *stacks):
        return self.aws.run(self.infra / "deploy.sh", "-f", self.settings, *stacks)

    def made(self):
        """(type, logical name, physical id, region) of every resource in every stack."""
        for region in ("ap-southeast-1", "us-east-1"):
            cfn = self.aws.client("cloudformation", region)
            for stack in cfn.describe_stacks()["Stacks"]:
                for page in cfn.get_paginator("list_stack_resources").paginate(StackName=stack["StackName"]):
                    for r in page["StackResourceSummaries"]:
                        yield r["ResourceType"], r["LogicalResourceId"], r["PhysicalResourceId"], region


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    found = Deployed(tmp_path_factory.mktemp("account"))
    yield found
    found.aws.stop()


# ---- how each type is read back: physical id -> something that is there, or an error ----


def readers(aws):
    def one(service, call, key, **by):
        """A call that is given the id under a name, alone or in a list, and must find one."""

        def read(physical, region):
            kwargs = {name: [physical] if many else physical for name, many in by.items()}
            answer = getattr(aws.client(service, region), call)(**kwargs)
            return answer[key] if key else answer

        return read

    def ec2(call, key, argument):
        return one("ec2", call, key, **{argument: True})

    def whole(service, call, key, pick):
        """A call that lists all, and the entry whose id this is."""

        def read(physical, region):
            return [entry for entry in getattr(aws.client(service, region), call)()[key] if pick(entry) == physical]

        return read

    def association(physical, region):
        tables = aws.client("ec2").describe_route_tables()["RouteTables"]
        return [a for t in tables for a in t["Associations"] if a.get("RouteTableAssociationId") == physical]

    def default_route(physical, region):
        tables = aws.client("ec2").describe_route_tables()["RouteTables"]
        return [r for t in tables for r in t["Routes"] if r.get("GatewayId", "").startswith("igw-")]

    def attachment(physical, region):
        return [g for g in aws.client("ec2").describe_internet_gateways()["InternetGateways"] if g["Attachments"]]

    def log_group(physical, region):
        groups = aws.client("logs").describe_log_groups(logGroupNamePrefix=physical)["logGroups"]
        return [g for g in groups if g["logGroupName"] == physical and g.get("retentionInDays")]

    def subscription_filter(physical, region):
        return aws.client("logs").describe_subscription_filters(logGroupName="/aws/rds/instance/moneymanager-db/error")[
            "subscriptionFilters"
        ]

    def instance_profile(physical, region):
        # Given out as an ARN here and as a name by AWS.
        return aws.client("iam").get_instance_profile(InstanceProfileName=physical.rsplit("/", 1)[-1])["InstanceProfile"]["Roles"]

    def bucket_policy(physical, region):
        s3 = aws.client("s3")
        return [s3.get_bucket_policy(Bucket=b)["Policy"] for b in ("botdevgroup-documents", "botdevgroup.me")]

    def records(physical, region):
        zone = aws.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
        sets = aws.client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        return {s["Name"].rstrip(".") for s in sets if "AliasTarget" in s} == {"botdevgroup.me", "api.botdevgroup.me"}

    def lambda_permission(physical, region):
        policy = json.loads(aws.client("lambda").get_policy(FunctionName="moneymanager-rds-log-forwarder")["Policy"])
        return [s for s in policy["Statement"] if s["Action"] == "lambda:InvokeFunction"]

    elb = "elbv2"
    return {
        "AWS::EC2::VPC": ec2("describe_vpcs", "Vpcs", "VpcIds"),
        "AWS::EC2::Subnet": ec2("describe_subnets", "Subnets", "SubnetIds"),
        "AWS::EC2::InternetGateway": ec2("describe_internet_gateways", "InternetGateways", "InternetGatewayIds"),
        "AWS::EC2::VPCGatewayAttachment": attachment,
        "AWS::EC2::RouteTable": ec2("describe_route_tables", "RouteTables", "RouteTableIds"),
        "AWS::EC2::Route": default_route,
        "AWS::EC2::SubnetRouteTableAssociation": association,
        "AWS::EC2::SecurityGroup": ec2("describe_security_groups", "SecurityGroups", "GroupIds"),
        "AWS::EC2::VPCEndpoint": ec2("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointIds"),
        "AWS::EC2::LaunchTemplate": ec2("describe_launch_templates", "LaunchTemplates", "LaunchTemplateIds"),
        "AWS::Logs::LogGroup": log_group,
        "AWS::Logs::MetricFilter": whole("logs", "describe_metric_filters", "metricFilters", lambda f: f["filterName"]),
        "AWS::Logs::SubscriptionFilter": subscription_filter,
        "AWS::IAM::Role": one("iam", "get_role", "Role", RoleName=False),
        "AWS::IAM::InstanceProfile": instance_profile,
        "AWS::SNS::Topic": one("sns", "get_topic_attributes", "Attributes", TopicArn=False),
        "AWS::SNS::Subscription": whole("sns", "list_subscriptions", "Subscriptions", lambda s: s["SubscriptionArn"]),
        "AWS::CloudWatch::Alarm": one("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=True),
        "AWS::CloudWatch::Dashboard": one("cloudwatch", "get_dashboard", "DashboardBody", DashboardName=False),
        "AWS::Lambda::Function": one("lambda", "get_function", "Configuration", FunctionName=False),
        "AWS::Lambda::Permission": lambda_permission,
        "AWS::SQS::Queue": one("sqs", "get_queue_attributes", None, QueueUrl=False),
        "AWS::DynamoDB::Table": one("dynamodb", "describe_table", "Table", TableName=False),
        "AWS::SSM::Parameter": one("ssm", "get_parameter", "Parameter", Name=False),
        "AWS::S3::Bucket": one("s3", "get_bucket_encryption", "ServerSideEncryptionConfiguration", Bucket=False),
        "AWS::S3::BucketPolicy": bucket_policy,
        "AWS::ECR::Repository": one("ecr", "describe_repositories", "repositories", repositoryNames=True),
        "AWS::RDS::DBSubnetGroup": one("rds", "describe_db_subnet_groups", "DBSubnetGroups", DBSubnetGroupName=False),
        "AWS::RDS::DBParameterGroup": one("rds", "describe_db_parameter_groups", "DBParameterGroups", DBParameterGroupName=False),
        "AWS::RDS::DBInstance": one("rds", "describe_db_instances", "DBInstances", DBInstanceIdentifier=False),
        "AWS::ElastiCache::SubnetGroup": one(
            "elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups", CacheSubnetGroupName=False
        ),
        "AWS::ElastiCache::ParameterGroup": one(
            "elasticache", "describe_cache_parameter_groups", "CacheParameterGroups", CacheParameterGroupName=False
        ),
        "AWS::ElastiCache::ReplicationGroup": one(
            "elasticache", "describe_replication_groups", "ReplicationGroups", ReplicationGroupId=False
        ),
        "AWS::ElasticLoadBalancingV2::LoadBalancer": one(elb, "describe_load_balancers", "LoadBalancers", LoadBalancerArns=True),
        "AWS::ElasticLoadBalancingV2::TargetGroup": one(elb, "describe_target_groups", "TargetGroups", TargetGroupArns=True),
        "AWS::ElasticLoadBalancingV2::Listener": one(elb, "describe_listeners", "Listeners", ListenerArns=True),
        "AWS::CertificateManager::Certificate": one("acm", "describe_certificate", "Certificate", CertificateArn=False),
        "AWS::Route53::RecordSet": records,
        "AWS::AutoScaling::AutoScalingGroup": one(
            "autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=True
        ),
        "AWS::AutoScaling::ScalingPolicy": whole("autoscaling", "describe_policies", "ScalingPolicies", lambda p: p["PolicyARN"]),
        "AWS::CloudFront::Distribution": one("cloudfront", "get_distribution", "Distribution", Id=False),
        "AWS::CloudFront::OriginAccessControl": one("cloudfront", "get_origin_access_control", "OriginAccessControl", Id=False),
    }


def test_all_stacks_are_deployed_and_every_resource_is_read_back(deployed):
    assert deployed.stored.returncode == 0, deployed.stored.stderr
    assert deployed.first.returncode == 0, deployed.first.stdout + deployed.first.stderr
    read = readers(deployed.aws)
    missing, names = [], set()
    for kind, name, physical, region in deployed.made():
        names.add(name)
        try:
            if not read[kind](physical, region):
                missing.append(f"{kind} {name}: nothing at {physical}")
        except (ClientError, KeyError) as error:
            missing.append(f"{kind} {name} {physical}: {error!r}")
    assert missing == []
    # Nothing is missing but what the stand-in does not know, and what waits for an office.
    declared = {name for _, name, r in resources(load_all()) if "Condition" not in r}
    assert declared - names == declared & set(deployed.left_out)


def test_what_the_stand_in_does_not_know_is_what_we_think(deployed):
    """An honest list: a type it has learned goes back into the deploy."""
    with pytest.raises(ClientError) as refused:
        deployed.aws.client("cloudformation").create_stack(
            StackName="unknown",
            TemplateBody=json.dumps({"Resources": {f"R{i}": {"Type": kind} for i, kind in enumerate(sorted(UNKNOWN))}}),
        )
    assert {kind for kind in UNKNOWN if kind in str(refused.value)} == UNKNOWN


def test_queue_tables_bucket_and_alarm_are_as_the_mission_names_them(deployed):
    sqs = deployed.aws.client("sqs")
    url = sqs.get_queue_url(QueueName="moneymanager-async-jobs")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(attributes["RedrivePolicy"])
    assert int(redrive["maxReceiveCount"]) == 3
    assert redrive["deadLetterTargetArn"].endswith(":moneymanager-async-jobs-dlq")
    assert attributes["VisibilityTimeout"] == "60"
    for table, index in (("chat_sessions", "by_user"), ("chat_messages", "by_session")):
        found = deployed.aws.client("dynamodb").describe_table(TableName=table)["Table"]
        assert [i["IndexName"] for i in found["GlobalSecondaryIndexes"]] == [index]
        assert found["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    s3 = deployed.aws.client("s3")
    assert s3.get_bucket_versioning(Bucket="botdevgroup-documents")["Status"] == "Enabled"
    assert all(s3.get_public_access_block(Bucket="botdevgroup-documents")["PublicAccessBlockConfiguration"].values())
    (alarm,) = deployed.aws.client("cloudwatch").describe_alarms(AlarmNames=["EC2ErrorAlarm"])["MetricAlarms"]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("EC2ErrorCount", 1.0, 300)
    endpoints = deployed.aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    ours = {e["VpcEndpointId"] for e in endpoints if e["ServiceName"].endswith(".s3")}
    policy = json.loads(s3.get_bucket_policy(Bucket="botdevgroup-documents")["Policy"])
    (closed,) = [s for s in policy["Statement"] if s["Sid"] == "EndpointsOnly"]
    assert set(closed["Condition"]["StringNotEquals"]["aws:SourceVpce"]) == ours


def test_a_second_run_changes_nothing_and_keeps_the_secrets(deployed):
    ssm = deployed.aws.client("ssm")
    names = ["/moneymanager/env/DB_PASSWORD", "/moneymanager/redis/AUTH_TOKEN", "/moneymanager/env/SMTP_PASSWORD"]

    def secrets():
        return {p["Name"]: (p["Type"], p["Value"]) for p in ssm.get_parameters(Names=names, WithDecryption=True)["Parameters"]}

    before = secrets()
    assert [before[name][0] for name in names] == ["SecureString"] * 3
    assert before["/moneymanager/env/SMTP_PASSWORD"][1] == "pass=word"
    again = deployed.deploy("messaging", "data")
    assert again.returncode == 0, again.stderr
    assert [line.split()[0] for line in again.stdout.splitlines()] == ["same"] * 2
    assert secrets() == before


def test_a_plan_names_the_change_and_does_not_make_it(deployed):
    changed = deployed.settings.with_suffix(".changed")
    changed.write_text(deployed.settings.read_text() + "AppLogDays=30\n")
    plan = deployed.aws.run(deployed.infra / "deploy.sh", "-f", changed, "plan", "observability")
    assert plan.returncode == 0, plan.stderr
    assert "AppLogGroup" in plan.stdout
    (group,) = deployed.aws.client("logs").describe_log_groups(logGroupNamePrefix="/aws/ec2/moneymanager-app")["logGroups"]
    assert group["retentionInDays"] == 90


def test_the_machines_role_may_do_its_work_and_no_more(deployed):
    """The role's own policies on a user: verify.sh passes with them, and names IAM for what they do not give."""
    iam = deployed.aws.client("iam")
    role = [physical for _, name, physical, _ in deployed.made() if name == "MachineRole"][0]
    iam.create_user(UserName="machine")
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.put_user_policy(UserName="machine", PolicyName=name, PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="machine")["AccessKey"]
    mine = (key["AccessKeyId"], key["SecretAccessKey"])
    queue = deployed.aws.client("sqs").get_queue_url(QueueName="moneymanager-async-jobs")["QueueUrl"]
    # The endpoints' policy of the bucket would refuse a machine that is not behind them.
    deployed.aws.client("s3").delete_bucket_policy(Bucket="botdevgroup-documents")
    env = {"AWS_ACCESS_KEY_ID": mine[0], "AWS_SECRET_ACCESS_KEY": mine[1], "AWS_REGION": "ap-southeast-1", "SQS_QUEUE_URL": queue}
    verify = deployed.aws.run(INFRA / "verify.sh", "storage", "tables", "queue", **env)
    assert verify.returncode == 0, verify.stdout
    sqs = deployed.aws.client("sqs", key=mine)
    sqs.send_message(QueueUrl=queue, MessageBody="{}")
    for call in (
        lambda: sqs.purge_queue(QueueUrl=queue),
        lambda: deployed.aws.client("s3", key=mine).get_bucket_policy(Bucket="botdevgroup-documents"),
        lambda: deployed.aws.client("dynamodb", key=mine).scan(TableName="chat_messages"),
        lambda: deployed.aws.client("iam", key=mine).list_users(),
    ):
        with pytest.raises(ClientError, match="AccessDenied|not authorized"):
            call()
    iam.delete_user_policy(UserName="machine", PolicyName="documents")
    refused = deployed.aws.run(INFRA / "verify.sh", "storage", **env)
    assert refused.returncode == 1
    assert "IAM" in refused.stdout
