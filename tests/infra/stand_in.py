"""The AWS stand-in with an account of its own, and copies of the templates without what it does not know."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import urllib.request

import boto3
from botocore.config import Config
from templates import INFRA, ROOT

REGION = "ap-southeast-1"
ROOT_KEY = ("AKIALOCALROOT0000000", "stand-in")
BIN = ROOT / "build/venv/bin"
# Refused by its CloudFormation; cfn-lint and the rules are what checks them.
UNKNOWN = {
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::CustomerGateway",
    "AWS::EC2::VPNConnection",
    "AWS::EC2::VPNConnectionRoute",
    "AWS::EC2::VPNGateway",
    "AWS::EC2::VPNGatewayRoutePropagation",
    "AWS::Route53Resolver::ResolverEndpoint",
}
# Refuses what does not come by TLS, and the stand-in speaks none: its queues would be closed to everybody.
NEEDS_TLS = {"AWS::SQS::QueuePolicy"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class StandIn:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "MINISTACK_"))}
        self.env = {
            **clean,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.dir),
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_SQS": self.url,
            "AWS_ACCESS_KEY_ID": ROOT_KEY[0],
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY[1],
            "AWS_DEFAULT_REGION": REGION,
            "POLL_SECONDS": "0.2",
        }
        own = {"GATEWAY_PORT": str(self.port), "BIND_HOST": "127.0.0.1", "AUTH": "true", "MINISTACK_REGION": REGION}
        own |= {"SFTP_ENABLED": "0", "IOT_MTLS_ENABLED": "0", "LOG_LEVEL": "WARNING"}
        self.log = open(self.dir / "stand-in.log", "wb")
        self.process = subprocess.Popen(
            [BIN / "ministack"], env={**self.env, **own}, stdout=self.log, stderr=self.log, cwd=self.dir
        )
        self.wait()

    def wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2):
                    return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()

    def client(self, name, region=REGION, key=ROOT_KEY):
        config = Config(connect_timeout=3, read_timeout=20, retries={"max_attempts": 2})
        return boto3.client(
            name,
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=key[0],
            aws_secret_access_key=key[1],
            config=config,
        )

    def run(self, *command, **env):
        return subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=240, env={**self.env, **env}, cwd=self.dir
        )


def without(text, types):
    """A template's text without the resources of these types and those that name one of them; what went, by type."""
    head, body = text.split("\nResources:\n")
    body, outputs, tail = body.partition("\nOutputs:\n")
    blocks = {b.split(":")[0].strip(): b for b in re.split(r"(?m)^(?=  [A-Za-z])", body) if re.match(r"  [A-Za-z]", b)}
    kinds = {name: re.search(r"^    Type: (\S+)", block, re.M).group(1) for name, block in blocks.items()}
    gone = {name for name, kind in kinds.items() if kind in types}
    grown = True
    while grown:
        more = {n for n, b in blocks.items() if n not in gone and any(re.search(rf"\b{g}\b", b) for g in gone)}
        gone |= more
        grown = bool(more)
    kept = "".join(block for name, block in blocks.items() if name not in gone)
    return f"{head}\nResources:\n{kept}{outputs}{tail}", {name: kinds[name] for name in gone}


def copy_infra(directory):
    """infra/ beside the compose file, as deploy.sh finds them. Returns the folder and what was left out."""
    target = pathlib.Path(directory) / "infra"
    target.mkdir()
    shutil.copy(ROOT / "docker-compose.yml", directory)
    shutil.copy(INFRA / "deploy.sh", target)
    left_out = {}
    for path in INFRA.glob("*.yaml"):
        text, gone = without(path.read_text(), UNKNOWN | NEEDS_TLS)
        (target / path.name).write_text(text)
        left_out |= gone
    return target, left_out
