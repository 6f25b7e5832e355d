"""deploy.sh and verify.sh where no cloud is needed: what is missing, and which layer refuses."""

import os
import socket
import subprocess
import threading

import pytest
from templates import INFRA, ROOT

BIN = ROOT / "build/venv/bin"


def run(*command, **env):
    base = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "DB_", "REDIS_", "SQS_"))}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=60,
        env={**base, **{k: str(v) for k, v in env.items()}},
    )


def fake_aws(tmp_path, script):
    """An `aws` that says what the test wants; first in the path."""
    aws = tmp_path / "aws"
    aws.write_text("#!/bin/bash\n" + script)
    aws.chmod(0o755)
    return f"{tmp_path}:{os.environ['PATH']}"


NO_STACKS = 'case "$*" in *describe-stacks*) echo \'{"Stacks": []}\' ;; *get-caller*) echo arn:aws:iam::123456789012:user/me ;; *) exit 9 ;; esac\n'


def test_deploy_names_every_missing_parameter_at_once(tmp_path):
    settings = tmp_path / "settings"
    settings.write_text("AlarmEmail=a@example.com\n")
    done = run(INFRA / "deploy.sh", "-f", settings, PATH=fake_aws(tmp_path, NO_STACKS))
    assert done.returncode != 0 and done.stdout == ""
    for name in ("HostedZoneId of compute", "ImageTag of compute", "ComposeSha256 of compute", "HostedZoneId of certificate"):
        assert f"the parameter {name} is missing" in done.stderr
    assert "AlarmEmail" not in done.stderr


def test_deploy_of_one_stack_names_what_it_needs_from_the_others(tmp_path):
    done = run(INFRA / "deploy.sh", "-f", "/dev/null", "data", PATH=fake_aws(tmp_path, NO_STACKS))
    assert "the parameter DataSubnets of data is missing" in done.stderr


def test_deploy_refuses_an_unknown_stack_and_a_bad_line(tmp_path):
    assert "no stack compoot" in run(INFRA / "deploy.sh", "compoot").stderr
    bad = tmp_path / "settings"
    bad.write_text("AlarmEmail\n")
    assert "not a NAME=value line" in run(INFRA / "deploy.sh", "-f", bad, "network", PATH=fake_aws(tmp_path, NO_STACKS)).stderr


@pytest.mark.parametrize("state", ["ROLLBACK_COMPLETE", "UPDATE_IN_PROGRESS"])
def test_deploy_leaves_a_stack_alone_that_is_not_at_rest(tmp_path, state):
    stacks = '{"Stacks": [{"StackName": "moneymanager-network", "StackStatus": "%s"}]}' % state
    done = run(INFRA / "deploy.sh", "-f", "/dev/null", "network", PATH=fake_aws(tmp_path, f"echo '{stacks}'\n"))
    assert done.returncode != 0 and state in done.stderr


def test_the_documents_stay_open_while_an_endpoint_is_not_ready(tmp_path):
    values = tmp_path / "settings"
    values.write_text("S3GatewayEndpointId=vpce-1\nS3InterfaceEndpointId=vpce-2\n")
    script = 'case "$*" in *describe-vpc-endpoints*) echo pending; exit ;; esac\n' + NO_STACKS
    done = run(INFRA / "deploy.sh", "-f", values, "bucket-policy", PATH=fake_aws(tmp_path, script))
    assert done.returncode != 0 and "vpce-1 is pending" in done.stderr


def test_a_secret_never_stands_on_a_command_line(tmp_path):
    values = tmp_path / "env"
    values.write_text("SMTP_PASSWORD=hush=hush\n")
    script = f'echo "$*" >>{tmp_path}/calls\ncase "$*" in *get-parameter*) exit 0 ;; esac\n'
    script += f'cat "${{4#file://}}" >{tmp_path}/body\n'
    done = run(INFRA / "deploy.sh", "settings", values, PATH=fake_aws(tmp_path, script))
    assert done.returncode == 0, done.stderr
    assert "hush" not in (tmp_path / "calls").read_text() + done.stdout
    assert '"Value": "hush=hush"' in (tmp_path / "body").read_text()
    assert '"Type": "SecureString"' in (tmp_path / "body").read_text()


# ---- verify.sh ----

WHO = "An error occurred (AccessDenied) when calling the PutObject operation: User: arn:aws:sts::1:assumed-role/m/i is not authorized to perform: s3:PutObject on resource: x"
REFUSALS = [
    (f"{WHO} because no identity-based policy allows the s3:PutObject action", "IAM: compute.yaml"),
    (f"{WHO} because no VPC endpoint policy allows the s3:PutObject action", "endpoint policy:"),
    (f"{WHO} with an explicit deny in a resource-based policy", "bucket policy:"),
    (
        "An error occurred (AccessDenied) when calling the PutObject operation: Access Denied",
        "IAM, endpoint policy or bucket policy",
    ),
    ('Connect timeout on endpoint URL: "https://sqs.ap-southeast-1.amazonaws.com/"', "security group or route"),
    ("Unable to locate credentials. You can configure credentials by running 'aws configure'.", "hop limit"),
    ("An error occurred (ExpiredToken) when calling the PutObject operation: expired", "credentials:"),
    ("An error occurred (AWS.SimpleQueueService.NonExistentQueue) when calling GetQueueAttributes", "name:"),
]


@pytest.mark.parametrize("message, layer", REFUSALS, ids=[layer for _, layer in REFUSALS])
def test_verify_says_which_layer_refuses(tmp_path, message, layer):
    path = fake_aws(tmp_path, 'printf "%s\\n" "$MESSAGE" >&2\nexit 254\n')
    done = run(INFRA / "verify.sh", "queue", PATH=path, MESSAGE=message, SQS_QUEUE_URL="https://q", AWS_REGION="ap-southeast-1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == "FAIL SQS"
    assert layer in done.stdout.splitlines()[1]


@pytest.fixture
def silent():
    """A port that answers nothing: its queue of connections is full."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    fillers = []
    for _ in range(4):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex(server.getsockname())
        fillers.append(filler)
    yield server.getsockname()[1]
    for each in (*fillers, server):
        each.close()


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_verify_tells_silence_from_refusal(silent):
    done = run(INFRA / "verify.sh", "database", DB_HOST="127.0.0.1", DB_PORT=silent, WAIT=1)
    assert "security group: DatabaseSecurityGroup" in done.stdout and done.returncode == 1
    done = run(INFRA / "verify.sh", "database", DB_HOST="127.0.0.1", DB_PORT=closed_port(), WAIT=5)
    assert "server: the network lets it through" in done.stdout
    done = run(INFRA / "verify.sh", "database", DB_HOST="no-such-host.invalid", WAIT=5)
    assert "name service" in done.stdout


class Redis(threading.Thread):
    """Knows AUTH and PING."""

    def __init__(self, token):
        super().__init__(daemon=True)
        self.token = token
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                line, _ = self.server.accept()
            except OSError:
                return
            with line, line.makefile("rb") as words:
                known = False
                for word in words:
                    if word.startswith(b"AUTH"):
                        known = word.split()[1] == self.token
                        line.sendall(b"+OK\r\n" if known else b"-WRONGPASS invalid\r\n")
                    elif word.startswith(b"PING"):
                        line.sendall(b"+PONG\r\n" if known else b"-NOAUTH\r\n")
                    else:
                        break


def test_verify_signs_in_to_redis():
    redis = Redis(b"right")
    for token, said in (("right", "ok   Redis PING"), ("wrong", "AUTH_TOKEN is not the one")):
        done = run(INFRA / "verify.sh", "cache", REDIS_URL=f"redis://:{token}@127.0.0.1:{redis.port}/0")
        assert said in done.stdout, done.stdout
    redis.server.close()


class NameServer(threading.Thread):
    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = socket.inet_aton(address)
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind(("127.0.0.1", 0))
        self.port = self.line.getsockname()[1]
        self.start()

    def run(self):
        try:
            question, who = self.line.recvfrom(512)
        except OSError:
            return
        head = question[:2] + b"\x81\x80" + question[4:6] + b"\x00\x01\x00\x00\x00\x00"
        self.line.sendto(head + question[12:] + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04" + self.address, who)


def test_verify_asks_the_resolver():
    inside, outside = NameServer("10.0.10.77"), NameServer("52.219.1.1")
    done = run(INFRA / "verify.sh", "resolver", RESOLVER=f"127.0.0.1:{inside.port}", AWS_REGION="ap-southeast-1")
    assert "S3 is 10.0.10.77" in done.stdout and done.returncode == 0
    done = run(INFRA / "verify.sh", "resolver", RESOLVER=f"127.0.0.1:{outside.port}", AWS_REGION="ap-southeast-1")
    assert "endpoint: S3InterfaceEndpoint" in done.stdout
    done = run(INFRA / "verify.sh", "resolver", RESOLVER=f"127.0.0.1:{closed_port()}", AWS_REGION="ap-southeast-1", WAIT=1)
    assert "security group: ResolverSecurityGroup" in done.stdout
