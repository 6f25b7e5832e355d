"""What must hold for the templates. A rule takes all of them and yields one line a fault; RULES is the list."""

import ast
import ipaddress
import json
import re

from templates import ROOT, listed, resources, statements, text

RULES = []
OPEN = ("0.0.0.0/0", "::/0")
APP = {"Ref": "AppSecurityGroup"}


def rule(function):
    RULES.append(function)
    return function


def props(stacks, stack, name):
    """Of one resource; an empty dictionary when it is missing, so that the rule tells what it misses."""
    return stacks.get(stack, {}).get("Resources", {}).get(name, {}).get("Properties", {})


def differs(where, found, **wanted):
    for name, value in wanted.items():
        if found.get(name) != value:
            yield f"{where}: {name} is {found.get(name)!r} and must be {value!r}"


# ---- the mission's list ----

# What, its type, the property that carries the name, the name.
MISSION = [
    ("network", "AWS::EC2::VPC", "CidrBlock", "10.0.0.0/16"),
    ("network", "AWS::Logs::LogGroup", "LogGroupName", "/aws/vpc/flow-logs"),
    ("messaging", "AWS::SQS::Queue", "QueueName", "moneymanager-async-jobs"),
    ("messaging", "AWS::SQS::Queue", "QueueName", "moneymanager-async-jobs-dlq"),
    ("messaging", "AWS::DynamoDB::Table", "TableName", "chat_sessions"),
    ("messaging", "AWS::DynamoDB::Table", "TableName", "chat_messages"),
    ("storage", "AWS::S3::Bucket", "BucketName", "botdevgroup-documents"),
    ("site", "AWS::S3::Bucket", "BucketName", "botdevgroup.me"),
    ("data", "AWS::RDS::DBInstance", "DBInstanceIdentifier", "moneymanager-db"),
    ("data", "AWS::RDS::DBInstance", "DBInstanceClass", "db.t3.micro"),
    ("data", "AWS::ElastiCache::ReplicationGroup", "CacheNodeType", "cache.t3.micro"),
    ("compute", "AWS::ElasticLoadBalancingV2::TargetGroup", "HealthCheckPath", "/api/v1.0/health"),
    ("observability", "AWS::Logs::LogGroup", "LogGroupName", "/aws/ec2/moneymanager-app"),
    ("observability", "AWS::Logs::LogGroup", "LogGroupName", "/aws/rds/moneymanager-db"),
    ("observability", "AWS::Logs::MetricFilter", "FilterName", "EC2ErrorFilter"),
    ("observability", "AWS::Logs::MetricFilter", "FilterName", "RDSLogErrorFilter"),
    ("observability", "AWS::CloudWatch::Alarm", "AlarmName", "EC2ErrorAlarm"),
    ("observability", "AWS::CloudWatch::Alarm", "MetricName", "EC2ErrorCount"),
]
# How many of a type a stack must hold at least.
COUNTS = [
    ("network", "AWS::EC2::Subnet", 6),
    ("network", "AWS::EC2::InternetGateway", 1),
    ("network", "AWS::EC2::NatGateway", 2),
    ("network", "AWS::EC2::FlowLog", 1),
    ("network", "AWS::Route53Resolver::ResolverEndpoint", 1),
    ("compute", "AWS::EC2::LaunchTemplate", 1),
    ("compute", "AWS::ElasticLoadBalancingV2::LoadBalancer", 1),
    ("compute", "AWS::AutoScaling::AutoScalingGroup", 1),
    ("compute", "AWS::AutoScaling::ScalingPolicy", 1),
    ("compute", "AWS::IAM::InstanceProfile", 1),
    ("site", "AWS::CloudFront::Distribution", 1),
    ("site", "AWS::CloudFront::OriginAccessControl", 1),
    ("certificate", "AWS::CertificateManager::Certificate", 1),
    ("registry", "AWS::ECR::Repository", 2),
    ("observability", "AWS::SNS::Topic", 1),
    ("observability", "AWS::Logs::SubscriptionFilter", 1),
    ("alarms", "AWS::CloudWatch::Dashboard", 1),
]


def value_of(template, value):
    """A name that is a parameter stands for its default."""
    if isinstance(value, dict) and "Ref" in value:
        return template.get("Parameters", {}).get(value["Ref"], {}).get("Default", value)
    return value


@rule
def missions_list_is_there(stacks):
    for stack, kind, prop, name in MISSION:
        template = stacks[stack]
        found = [value_of(template, r["Properties"].get(prop)) for _, _, r in resources({stack: template}, kind)]
        if name not in found:
            yield f"{stack}: no {kind} with {prop} {name}"
    for stack, kind, least in COUNTS:
        found = len(list(resources({stack: stacks[stack]}, kind)))
        if found < least:
            yield f"{stack}: {found} of {kind}, and {least} are needed"


# ---- network ----


def ingress(stacks):
    for stack, name, resource in resources(stacks, "AWS::EC2::SecurityGroup"):
        for entry in resource["Properties"].get("SecurityGroupIngress", []):
            yield stack, name, entry
    for stack, _, resource in resources(stacks, "AWS::EC2::SecurityGroupIngress"):
        yield stack, text(resource["Properties"]["GroupId"]), resource["Properties"]


def egress(stacks):
    for stack, name, resource in resources(stacks, "AWS::EC2::SecurityGroup"):
        for entry in resource["Properties"].get("SecurityGroupEgress", [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}]):
            yield stack, name, entry
    for stack, _, resource in resources(stacks, "AWS::EC2::SecurityGroupEgress"):
        yield stack, text(resource["Properties"]["GroupId"]), resource["Properties"]


def covers(entry, port):
    return str(entry["IpProtocol"]) == "-1" or entry.get("FromPort", 0) <= port <= entry.get("ToPort", 65535)


@rule
def only_the_programs_reach_mysql_and_redis(stacks):
    for port, group in ((3306, "DatabaseSecurityGroup"), (6379, "CacheSecurityGroup")):
        hits = [(name, entry) for _, name, entry in ingress(stacks) if covers(entry, port)]
        if not hits:
            yield f"nothing may reach {port}"
        for name, entry in hits:
            if name != group or entry.get("SourceSecurityGroupId") != APP:
                yield f"{name}: {port} is open to {entry.get('CidrIp', entry.get('SourceSecurityGroupId'))}"


@rule
def only_the_load_balancer_is_open(stacks):
    for _, name, entry in ingress(stacks):
        if OPEN[0] == entry.get("CidrIp") or OPEN[1] == entry.get("CidrIpv6"):
            if name != "AlbSecurityGroup" or entry.get("FromPort") not in (80, 443) or entry["FromPort"] != entry["ToPort"]:
                yield f"{name}: open to all on {entry.get('FromPort')}-{entry.get('ToPort')}"
    for _, name, entry in ingress(stacks):
        if covers(entry, 8080) and (
            name != "AppSecurityGroup" or entry.get("SourceSecurityGroupId") != {"Ref": "AlbSecurityGroup"}
        ):
            yield f"{name}: the programs are reached around the load balancer"


@rule
def little_gets_out(stacks):
    for _, name, entry in egress(stacks):
        if entry.get("CidrIp") in OPEN and (name != "AppSecurityGroup" or entry.get("FromPort") not in (443, 587)):
            yield f"{name}: out to everywhere on {entry.get('FromPort', 'all ports')}"


@rule
def subnets_lie_apart_in_two_zones(stacks):
    zones, nets = {}, []
    for _, name, resource in resources(stacks, "AWS::EC2::Subnet"):
        zones.setdefault(name[:-1], set()).add(str(resource["Properties"]["AvailabilityZone"]))
        nets.append((name, ipaddress.ip_network(resource["Properties"]["CidrBlock"])))
        if resource["Properties"].get("MapPublicIpOnLaunch"):
            yield f"{name}: gives public addresses"
    for kind, found in zones.items():
        if len(found) != 2:
            yield f"{kind}: in {len(found)} zone"
    for i, (name, net) in enumerate(nets):
        if not net.subnet_of(ipaddress.ip_network("10.0.0.0/16")):
            yield f"{name}: {net} is outside the VPC"
        yield from (f"{name} overlaps {other}" for other, its in nets[:i] if net.overlaps(its))


@rule
def data_has_no_way_out(stacks):
    for _, name, resource in resources(stacks, "AWS::EC2::Route"):
        if resource["Properties"]["RouteTableId"] == {"Ref": "DataRouteTable"}:
            yield f"{name}: a route out of the data subnets"
    for zone in "AB":
        found = props(stacks, "network", f"DataSubnet{zone}Routes").get("RouteTableId")
        if found != {"Ref": "DataRouteTable"}:
            yield f"DataSubnet{zone} uses {found}"


@rule
def private_subnets_leave_through_nat(stacks):
    for zone in "AB":
        found = props(stacks, "network", f"AppRoute{zone}")
        if "NatGatewayId" not in found or "GatewayId" in found:
            yield f"AppRoute{zone}: not through a NAT gateway"


@rule
def flow_logs_are_complete(stacks):
    found = props(stacks, "network", "FlowLog")
    yield from differs("FlowLog", found, TrafficType="ALL", ResourceId={"Ref": "Vpc"}, LogGroupName={"Ref": "FlowLogGroup"})


# ---- endpoints ----

ENDPOINTS = {
    "Gateway": {"s3", "dynamodb"},
    "Interface": {"s3", "sqs", "logs", "ssm", "ssmmessages", "ecr.api", "ecr.dkr"},
}
# The only resources that an endpoint's policy may name besides "*" for actions that know none.
ENDPOINT_RESOURCES = re.compile(
    r"arn:\$\{AWS::Partition\}:("
    r"s3:::\$\{DocumentsBucketName\}(/\*)?"
    r"|s3:::al2023-repos-\$\{AWS::Region\}-de612dc2/\*"
    r"|s3:::prod-\$\{AWS::Region\}-starport-layer-bucket/\*"
    r"|(sqs|dynamodb|logs|ssm|ecr):\$\{AWS::Region\}:\$\{AWS::AccountId\}:("
    r"moneymanager-async-jobs|table/chat_(sessions|messages)(/index/\*)?|log-group:/aws/ec2/moneymanager-app(:\*)?"
    r"|parameter/moneymanager/\*|repository/moneymanager-(api|worker)))"
)
UNBOUND = {"PullOurImages": (), "SignIn": ("ecr:GetAuthorizationToken",), "Agent": ("ssm:", "ssmmessages:")}


@rule
def endpoints_are_all_there_in_two_zones(stacks):
    found = {"Gateway": set(), "Interface": set()}
    for _, name, resource in resources(stacks, "AWS::EC2::VPCEndpoint"):
        p = resource["Properties"]
        kind = p.get("VpcEndpointType", "Gateway")
        found[kind].add(text(p["ServiceName"]).split("${AWS::Region}.")[1])
        if kind == "Gateway" and p.get("RouteTableIds") != [{"Ref": "AppRouteTableA"}, {"Ref": "AppRouteTableB"}]:
            yield f"{name}: not for both app subnets"
        if kind == "Interface":
            yield from differs(name, p, PrivateDnsEnabled=True, SubnetIds=[{"Ref": "AppSubnetA"}, {"Ref": "AppSubnetB"}])
    for kind, wanted in ENDPOINTS.items():
        if found[kind] != wanted:
            yield f"{kind} endpoints: {sorted(found[kind] ^ wanted)}"


@rule
def s3_over_the_vpn(stacks):
    endpoint = stacks["network"]["Resources"].get("S3InterfaceEndpoint", {})
    if "S3GatewayEndpoint" not in listed(endpoint.get("DependsOn", [])):
        yield "S3InterfaceEndpoint must wait for the gateway endpoint"
    options = endpoint.get("Properties", {}).get("DnsOptions")
    if options != {"PrivateDnsOnlyForInboundResolverEndpoint": "OnlyInboundResolver"}:
        yield f"S3InterfaceEndpoint: DnsOptions {options}"
    resolver = props(stacks, "network", "InboundResolver")
    zones = [text(address["SubnetId"]) for address in resolver.get("IpAddresses", [])]
    if resolver.get("Direction") != "INBOUND" or zones != ["AppSubnetA", "AppSubnetB"]:
        yield f"InboundResolver: {resolver.get('Direction')} in {zones}"
    offered = {(e["IpProtocol"], e["FromPort"]) for _, n, e in ingress(stacks) if n == "ResolverSecurityGroup" and "CidrIp" in e}
    if offered != {("tcp", 53), ("udp", 53)}:
        yield f"ResolverSecurityGroup: the office may ask {sorted(offered)}"


@rule
def endpoint_policies_know_only_what_is_ours(stacks):
    for _, name, resource in resources(stacks, "AWS::EC2::VPCEndpoint"):
        document = resource["Properties"].get("PolicyDocument")
        if not document:
            yield f"{name}: no policy, so it lets everything through"
            continue
        for s in statements(document):
            for action in listed(s["Action"]):
                if "*" in action:
                    yield f"{name}/{s.get('Sid')}: action {action}"
            for where in map(text, listed(s["Resource"])):
                allowed = UNBOUND.get(s.get("Sid"), ())
                if where == "*" and allowed and all(a.startswith(allowed) for a in listed(s["Action"])):
                    continue
                if not ENDPOINT_RESOURCES.fullmatch(where):
                    yield f"{name}/{s.get('Sid')}: resource {where}"


# ---- permissions ----

MAIN_QUEUE = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
ITEMS = ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "BatchGetItem", "BatchWriteItem"]
AGENT = ["ssm:UpdateInstanceInformation", "ssm:ListAssociations", "ssm:ListInstanceAssociations"]
AGENT += [f"ssmmessages:{verb}{what}Channel" for verb in ("Create", "Open") for what in ("Control", "Data")]
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
WRITE_LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]


def arns(service, *names):
    return [f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}" for name in names]


# Role, Sid -> actions, resources: every statement there is.
PERMISSIONS = {
    ("MachineRole", "Queue"): (MAIN_QUEUE, ["JobQueueArn"]),
    ("MachineRole", "Objects"): (OBJECTS, ["arn:${AWS::Partition}:s3:::${DocumentsBucketName}/*"]),
    ("MachineRole", "ListObjects"): (["s3:ListBucket"], ["arn:${AWS::Partition}:s3:::${DocumentsBucketName}"]),
    ("MachineRole", "Tables"): (
        [f"dynamodb:{name}" for name in [*ITEMS, "DescribeTable", "DescribeTimeToLive"]],
        arns("dynamodb", "table/chat_sessions", "table/chat_messages"),
    ),
    ("MachineRole", "Indexes"): (
        ["dynamodb:Query"],
        arns("dynamodb", "table/chat_sessions/index/by_user", "table/chat_messages/index/by_session"),
    ),
    ("MachineRole", "WriteLogs"): (
        ["logs:CreateLogGroup", *WRITE_LOGS],
        arns("logs", "log-group:/aws/ec2/moneymanager-app", "log-group:/aws/ec2/moneymanager-app:*"),
    ),
    ("MachineRole", "ReadSettings"): (
        ["ssm:GetParameter", "ssm:GetParametersByPath"],
        arns("ssm", *(f"parameter/moneymanager/{name}" for name in ("env", "env/*", "redis/*", "files/*"))),
    ),
    ("MachineRole", "PullImages"): (PULL, arns("ecr", "repository/moneymanager-api", "repository/moneymanager-worker")),
    ("MachineRole", "SignInToRegistry"): (["ecr:GetAuthorizationToken"], ["*"]),
    ("MachineRole", "Agent"): (AGENT, ["*"]),
    ("FlowLogRole", "WriteFlowLogs"): (
        [*WRITE_LOGS, "logs:DescribeLogStreams"],
        arns("logs", "log-group:/aws/vpc/flow-logs", "log-group:/aws/vpc/flow-logs:*"),
    ),
    ("FlowLogRole", "FindGroup"): (["logs:DescribeLogGroups"], ["*"]),
    ("ForwarderRole", "WriteDatabaseLogs"): (WRITE_LOGS, arns("logs", "log-group:/aws/rds/moneymanager-db:*")),
    ("ForwarderRole", "WriteOwnLogs"): (WRITE_LOGS, arns("logs", "log-group:/aws/lambda/moneymanager-rds-log-forwarder:*")),
}
ASSUMED_BY = {"MachineRole": "ec2", "FlowLogRole": "vpc-flow-logs", "ForwarderRole": "lambda"}


@rule
def roles_may_do_what_the_table_says_and_no_more(stacks):
    seen = set()
    for _, name, resource in resources(stacks, "AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::User"):
        if resource["Type"] != "AWS::IAM::Role":
            yield f"{name}: permissions belong into a role"
            continue
        p = resource["Properties"]
        if p.get("ManagedPolicyArns"):
            yield f"{name}: policies of AWS's are wider than what is needed"
        trusted = [s["Principal"] for s in statements(p["AssumeRolePolicyDocument"])]
        if trusted != [{"Service": ASSUMED_BY.get(name, "?") + ".amazonaws.com"}]:
            yield f"{name}: may be assumed by {trusted}"
        for policy in p.get("Policies", []):
            for s in statements(policy["PolicyDocument"]):
                key = (name, s.get("Sid"))
                seen.add(key)
                found = (listed(s.get("Action", [])), [text(r) for r in listed(s.get("Resource", []))])
                if s["Effect"] != "Allow" or "NotAction" in s or "NotResource" in s or found != PERMISSIONS.get(key):
                    yield f"{name}/{s.get('Sid')}: {found} is not in the table"
    yield from (f"{role}/{sid} is missing" for role, sid in PERMISSIONS.keys() - seen)


# ---- storage ----

CLOSED = dict.fromkeys(("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True)


@rule
def buckets_are_private_encrypted_and_versioned(stacks):
    for _, name, resource in resources(stacks, "AWS::S3::Bucket"):
        p = resource["Properties"]
        yield from differs(name, p, PublicAccessBlockConfiguration=CLOSED, VersioningConfiguration={"Status": "Enabled"})
        if "AES256" not in str(p.get("BucketEncryption")):
            yield f"{name}: not encrypted by S3's own key"
        if not p.get("LifecycleConfiguration"):
            yield f"{name}: keeps old versions for ever"


@rule
def documents_are_closed_to_all_but_the_endpoints(stacks):
    if "DocumentsBucketPolicy" in stacks["storage"]["Resources"]:
        yield "the policy comes last, in a stack of its own"
    document = props(stacks, "bucket-policy", "DocumentsBucketPolicy").get("PolicyDocument", {"Statement": []})
    by_sid = {s["Sid"]: s for s in statements(document)}
    if any(s["Effect"] != "Deny" for s in by_sid.values()):
        yield "the policy only denies: what is allowed stands in the role"
    s = by_sid.get("EndpointsOnly", {"Action": [], "Condition": {}})
    condition = s["Condition"]
    wanted = {"aws:SourceVpce": [{"Ref": "S3GatewayEndpointId"}, {"Ref": "S3InterfaceEndpointId"}]}
    if condition.get("StringNotEquals") != wanted:
        yield f"EndpointsOnly: {condition.get('StringNotEquals')}"
    if {"Ref": "DeployerArn"} not in condition.get("ArnNotEquals", {}).get("aws:PrincipalArn", []):
        yield "EndpointsOnly: locks the deployer out"
    for action in listed(s["Action"]):
        if action == "s3:*" or "Policy" in action or "BucketP" in action:
            yield f"EndpointsOnly: {action} could not be taken back"
    for action in ("s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:ListBucket"):
        if action not in listed(s["Action"]):
            yield f"EndpointsOnly: {action} is free"
    if by_sid.get("TlsOnly", {}).get("Condition") != {"Bool": {"aws:SecureTransport": "false"}}:
        yield "requests without TLS are taken"


@rule
def site_is_read_by_cloudfront_alone(stacks):
    config = props(stacks, "site", "Site").get("DistributionConfig", {})
    if config.get("DefaultCacheBehavior", {}).get("ViewerProtocolPolicy") != "redirect-to-https":
        yield "Site: not only HTTPS"
    origins = config.get("Origins", [{}])
    if origins[0].get("OriginAccessControlId") != {"Fn::GetAtt": ["SiteAccess", "Id"]}:
        yield "Site: no origin access control"
    if config.get("ViewerCertificate", {}).get("AcmCertificateArn") != {"Ref": "SiteCertificateArn"}:
        yield "Site: not the certificate of us-east-1"
    for s in statements(props(stacks, "site", "SiteBucketPolicy").get("PolicyDocument", {"Statement": []})):
        if s["Effect"] == "Allow" and (
            s["Principal"] != {"Service": "cloudfront.amazonaws.com"} or "aws:SourceArn" not in str(s.get("Condition"))
        ):
            yield f"SiteBucketPolicy/{s['Sid']}: others than our distribution read"


# ---- data ----


@rule
def mysql_survives_a_zone_and_speaks_tls(stacks):
    p = props(stacks, "data", "Database")
    yield from differs(
        "Database",
        p,
        MultiAZ=True,
        StorageEncrypted=True,
        PubliclyAccessible=False,
        VPCSecurityGroups=[{"Ref": "DatabaseSecurityGroupId"}],
        DBSubnetGroupName={"Ref": "DatabaseSubnetGroup"},
        DBParameterGroupName={"Ref": "DatabaseParameters"},
        EnableCloudwatchLogsExports=["error"],
        MasterUserPassword="{{resolve:ssm-secure:/moneymanager/env/DB_PASSWORD}}",
    )
    if props(stacks, "data", "DatabaseParameters").get("Parameters", {}).get("require_secure_transport") != "ON":
        yield "DatabaseParameters: takes connections without TLS"
    version = stacks["data"]["Parameters"].get("DatabaseEngineVersion", {})
    if version.get("Default") != "8.0" or version.get("AllowedValues") != ["8.0", "8.4"]:
        yield f"DatabaseEngineVersion: {version}"
    if props(stacks, "data", "DatabaseParameters").get("Family") != {"Fn::Sub": "mysql${DatabaseEngineVersion}"}:
        yield "DatabaseParameters: of another version than the database"


@rule
def redis_fails_over_and_speaks_tls(stacks):
    yield from differs(
        "Cache",
        props(stacks, "data", "Cache"),
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        TransitEncryptionEnabled=True,
        AtRestEncryptionEnabled=True,
        AuthToken="{{resolve:ssm-secure:/moneymanager/redis/AUTH_TOKEN}}",
        SecurityGroupIds=[{"Ref": "CacheSecurityGroupId"}],
    )


STATEFUL = {
    "AWS::RDS::DBInstance": "Snapshot",
    "AWS::S3::Bucket": "Retain",
    "AWS::DynamoDB::Table": "Retain",
    "AWS::SQS::Queue": "Retain",
    "AWS::ECR::Repository": "Retain",
}


@rule
def data_outlives_its_stack(stacks):
    for _, name, resource in resources(stacks, *STATEFUL):
        wanted = STATEFUL[resource["Type"]]
        yield from differs(name, resource, DeletionPolicy=wanted, UpdateReplacePolicy=wanted)
    for _, name, resource in resources(stacks, "AWS::DynamoDB::Table"):
        if resource["Properties"].get("DeletionProtectionEnabled") is not True:
            yield f"{name}: can be deleted"


@rule
def no_secret_stands_in_a_template(stacks):
    for stack, template in stacks.items():
        for name, parameter in template.get("Parameters", {}).items():
            if re.search("password|secret|token", name, re.I):
                yield f"{stack}: {name} would carry a secret"
            if parameter.get("NoEcho"):
                yield f"{stack}: {name} would carry a secret"
    for stack, name, resource in resources(stacks, "AWS::SSM::Parameter"):
        if re.search("PASSWORD|SECRET|TOKEN|KEYS", str(resource["Properties"]["Name"])):
            yield f"{stack}: {name} stores a secret in the open"


# ---- messaging ----


@rule
def queue_spares_its_dead_letters(stacks):
    main, dead = props(stacks, "messaging", "JobQueue"), props(stacks, "messaging", "DeadLetterQueue")
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetterQueue", "Arn"]}, "maxReceiveCount": 3}
    yield from differs("JobQueue", main, RedrivePolicy=redrive, VisibilityTimeout=60, ReceiveMessageWaitTimeSeconds=20)
    if dead.get("MessageRetentionPeriod", 345600) <= main.get("MessageRetentionPeriod", 345600):
        yield "DeadLetterQueue: its messages die before the main queue's"
    yield from differs(
        "DeadLetterAlarm",
        props(stacks, "messaging", "DeadLetterAlarm"),
        MetricName="ApproximateNumberOfMessagesVisible",
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        Dimensions=[{"Name": "QueueName", "Value": {"Fn::GetAtt": ["DeadLetterQueue", "QueueName"]}}],
    )


def tables_of_the_programs():
    """name -> (index, hash, range, ttl), as lib/store says them."""
    source = (ROOT / "lib/store/chat.c").read_text() + (ROOT / "lib/store/chat_internal.h").read_text()
    names = dict(re.findall(r'#define (CHAT_\w+) "(\w+)"', source))
    rows = re.findall(r'\.name = (\w+|"\w+"),?\s*\.index = \{(\w+), "(\w+)", "(\w+)"[^}]*\},\s*\.ttl = "(\w+)"', source)
    return {names.get(name, name.strip('"')): (names[index], *rest) for name, index, *rest in rows}


@rule
def tables_are_what_the_programs_ask(stacks):
    wanted = tables_of_the_programs()
    seen = set()
    for _, name, resource in resources(stacks, "AWS::DynamoDB::Table"):
        p = resource["Properties"]
        seen.add(p["TableName"])
        yield from differs(
            name,
            p,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
        indexes = [
            (i["IndexName"], *(key["AttributeName"] for key in i["KeySchema"]), p["TimeToLiveSpecification"]["AttributeName"])
            for i in p["GlobalSecondaryIndexes"]
        ]
        if indexes != [wanted.get(p["TableName"])]:
            yield f"{name}: {indexes}, and the programs ask {wanted.get(p['TableName'])}"
    if seen != set(wanted):
        yield f"tables {sorted(seen)}, and the programs use {sorted(wanted)}"


# ---- compute ----


@rule
def machines_guard_their_metadata(stacks):
    data = props(stacks, "compute", "LaunchTemplate").get("LaunchTemplateData", {})
    yield from differs("LaunchTemplate", data.get("MetadataOptions", {}), HttpTokens="required", HttpPutResponseHopLimit=2)
    for device in data.get("BlockDeviceMappings", [{}]):
        if device.get("Ebs", {}).get("Encrypted") is not True:
            yield "LaunchTemplate: a disk that is not encrypted"
    if "NetworkInterfaces" in data or data.get("SecurityGroupIds") != [{"Ref": "AppSecurityGroupId"}]:
        yield "LaunchTemplate: not in the programs' group alone"


@rule
def balancer_asks_health_and_speaks_tls(stacks):
    yield from differs(
        "TargetGroup", props(stacks, "compute", "TargetGroup"), Port=8080, Protocol="HTTP", HealthCheckPath="/api/v1.0/health"
    )
    https = props(stacks, "compute", "HttpsListener")
    yield from differs("HttpsListener", https, Port=443, Protocol="HTTPS")
    if "TLS13" not in str(https.get("SslPolicy")):
        yield f"HttpsListener: {https.get('SslPolicy')}"
    if [a.get("Type") for a in props(stacks, "compute", "HttpListener").get("DefaultActions", [])] != ["redirect"]:
        yield "HttpListener: answers without TLS"
    attributes = {a["Key"]: a["Value"] for a in props(stacks, "compute", "LoadBalancer").get("LoadBalancerAttributes", [])}
    if attributes.get("routing.http.drop_invalid_header_fields.enabled") != "true":
        yield "LoadBalancer: hands on invalid headers"
    if int(attributes.get("idle_timeout.timeout_seconds", 60)) >= 75:
        yield "LoadBalancer: waits longer than nginx keeps a connection"


@rule
def group_spans_two_zones_and_heals(stacks):
    group = props(stacks, "compute", "Machines")
    yield from differs("Machines", group, HealthCheckType="ELB", VPCZoneIdentifier={"Ref": "AppSubnets"})
    if not group.get("HealthCheckGracePeriod"):
        yield "Machines: no time to start"
    if "DesiredCapacity" in group:
        yield "Machines: a size that fights the scaling policy"
    if stacks["compute"]["Parameters"].get("MachinesMin", {}).get("Default", 0) < 2:
        yield "MachinesMin: one zone is not enough"
    yield from differs("ScaleByCpu", props(stacks, "compute", "ScaleByCpu"), PolicyType="TargetTrackingScaling")


# ---- observability ----


@rule
def log_groups_end(stacks):
    for _, name, resource in resources(stacks, "AWS::Logs::LogGroup"):
        if "RetentionInDays" not in resource["Properties"]:
            yield f"{name}: kept for ever"


@rule
def errors_are_counted_and_told(stacks):
    for name, group, pattern in (
        ("EC2ErrorFilter", "AppLogGroup", "?ERROR ?Exception"),
        ("RDSLogErrorFilter", "DatabaseErrorLogGroup", "?ERROR ?Error"),
    ):
        yield from differs(name, props(stacks, "observability", name), LogGroupName={"Ref": group}, FilterPattern=pattern)
    for filter_name, metric, alarm in (
        ("EC2ErrorFilter", "EC2ErrorCount", "EC2ErrorAlarm"),
        ("RDSLogErrorFilter", "RDSLogErrorCount", "RDSLogErrorAlarm"),
    ):
        emitted = props(stacks, "observability", filter_name).get("MetricTransformations", [{}])[0]
        yield from differs(filter_name, emitted, MetricName=metric, MetricNamespace="MoneyManager", MetricValue="1")
        yield from differs(
            alarm,
            props(stacks, "observability", alarm),
            MetricName=metric,
            Namespace="MoneyManager",
            Statistic="Sum",
            Period=300,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanOrEqualToThreshold",
            TreatMissingData="notBreaching",
        )


@rule
def every_alarm_is_told(stacks):
    for stack, name, resource in resources(stacks, "AWS::CloudWatch::Alarm"):
        p = resource["Properties"]
        if [text(a) for a in p.get("AlarmActions", [])] not in (["AlarmTopic"], ["AlarmTopicArn"]):
            yield f"{name}: nobody hears it"
        if p.get("AlarmName") != name or not p.get("AlarmDescription") or "TreatMissingData" not in p:
            yield f"{stack}/{name}: name, description and the meaning of silence belong to an alarm"
        if p.get("ActionsEnabled") is False:
            yield f"{name}: is switched off"


WATCHED = {
    "DeadLetterAlarm",
    "JobAgeAlarm",
    "OutboxAgeAlarm",
    "ServerErrorsAlarm",
    "BalancerErrorsAlarm",
    "SlowAnswersAlarm",
    "UnhealthyMachinesAlarm",
    "EC2ErrorAlarm",
    "RDSLogErrorAlarm",
}


@rule
def dashboard_is_whole(stacks):
    found = {name for _, name, _ in resources(stacks, "AWS::CloudWatch::Alarm")}
    yield from (f"{name} is missing" for name in WATCHED - found)
    body = props(stacks, "alarms", "Dashboard").get("DashboardBody", {}).get("Fn::Sub", "")
    try:
        widgets = json.loads(body)["widgets"]
    except (ValueError, KeyError) as error:
        yield f"Dashboard: {error!r}"
        return
    taken = set()
    for w in widgets:
        title = w["properties"].get("title")
        if w["type"] != "alarm" and w["properties"].get("region") != "${AWS::Region}":
            yield f"Dashboard: {title} names no region"
        cells = {(x, y) for x in range(w["x"], w["x"] + w["width"]) for y in range(w["y"], w["y"] + w["height"])}
        if w["x"] + w["width"] > 24 or cells & taken:
            yield f"Dashboard: {title} lies over another"
        taken |= cells
    shown = body[body.rindex('"Alarms"') :] if '"Alarms"' in body else ""
    yield from (f"Dashboard: {name} is not shown" for name in WATCHED if name not in shown)


@rule
def database_log_is_forwarded(stacks):
    yield from differs(
        "DatabaseLogSubscription",
        props(stacks, "observability", "DatabaseLogSubscription"),
        LogGroupName={"Ref": "DatabaseErrorLogGroup"},
        DestinationArn={"Fn::GetAtt": ["Forwarder", "Arn"]},
    )
    if props(stacks, "observability", "DatabaseErrorLogGroup").get("LogGroupName") != "/aws/rds/instance/moneymanager-db/error":
        yield "DatabaseErrorLogGroup: not the one RDS writes to"
    code = props(stacks, "observability", "Forwarder").get("Code", {}).get("ZipFile", "")
    try:
        ast.parse(code)
    except SyntaxError as error:
        yield f"Forwarder: {error}"
