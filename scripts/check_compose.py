"""Checks docker-compose.yml and the Dockerfiles without an engine: what compose itself says about the file, and this
project's rules for images and services. Prints each fault; ends with 1 when there is one."""

import os
import re
import shutil
import subprocess
import sys

import yaml

COMPOSE_FILE = "docker-compose.yml"
DOCKERFILES = ("docker/Dockerfile", "docker/local.Dockerfile")
BASE = "debian:trixie-slim"
PROGRAMS = ("moneymanager-api", "moneymanager-worker")
LOCAL = {"mysql", "redis", "aws", "metadata", "smtp"}
INSTRUCTIONS = {"FROM", "WORKDIR", "COPY", "RUN", "ARG", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "CMD"}


def ask_compose():
    """Compose's own reading of the file."""
    command = ["docker-compose"] if shutil.which("docker-compose") else ["docker", "compose"]
    environment = dict(os.environ, ENV_FILE=".env.example")
    ran = subprocess.run(
        [*command, "--profile", "local", "--profile", "demo", "config", "-q"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return [f"{COMPOSE_FILE}: {line}" for line in (ran.stdout + ran.stderr).splitlines()] if ran.returncode else []


def service_rules(name, service):
    """What every service must keep to."""
    if not service.get("read_only"):
        yield "the root file system is not read-only"
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        yield "capabilities or new privileges are allowed"
    if service.get("privileged") or service.get("network_mode"):
        yield "leaves its container"
    if name in PROGRAMS:
        if service.get("profiles"):
            yield "is not part of every start"
        for key in ("mem_limit", "pids_limit", "stop_grace_period", "env_file"):
            if key not in service:
                yield f"has no {key}"
    elif "healthcheck" not in service and service["profiles"] != ["demo"]:
        yield "has no health check"


def compose_faults():
    with open(COMPOSE_FILE, encoding="utf-8") as file:
        services = yaml.safe_load(file)["services"]
    faults = [f"{name} {fault}" for name, service in services.items() for fault in service_rules(name, service)]
    faults += [f"{name} is missing" for name in PROGRAMS if name not in services]
    local = {name for name, service in services.items() if service.get("profiles") == ["local"]}
    if local != LOCAL:
        faults.append(f"the profile local is {sorted(local)}")
    if "ports" in services.get("moneymanager-worker", {}):
        faults.append("the worker has a port")
    return [f"{COMPOSE_FILE}: {fault}" for fault in faults]


def instructions(path):
    """(word, rest) of each instruction, continued lines joined."""
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def ignored(path):
    """True when .dockerignore keeps the path out of the build."""
    with open(".dockerignore", encoding="utf-8") as file:
        return "!" + path.split("/")[0] not in file.read().splitlines()


def copy_faults(rest):
    """Sources that are missing; a copy from another stage is not looked at."""
    if "--from=" in rest:
        return
    for source in rest.split()[:-1]:
        if source != "." and (not os.path.exists(source) or ignored(source)):
            yield f"COPY of {source}, which is missing or in .dockerignore"


def instruction_faults(word, rest, stages):
    if word not in INSTRUCTIONS:
        yield f"{word} is not used here"
    if word == "FROM" and rest.split()[0] != BASE and rest.split()[0] not in stages:
        yield f"{rest} is not made from {BASE}"
    if word == "RUN" and re.search(r"apt-get( -q)? install", rest) and "--no-install-recommends" not in rest:
        yield f"installs what is only recommended: {rest[:60]}"
    if word == "CMD" and not rest.startswith("["):
        yield f"CMD {rest} runs under a shell, which passes no signal on"
    if word == "COPY":
        yield from copy_faults(rest)


def stage_faults(name, words):
    """An image that is run (it has a health check) has an account of its own."""
    if "HEALTHCHECK" in words and not re.fullmatch(r"[1-9]\d*:[1-9]\d*", words.get("USER", "")):
        yield f"the image {name} runs as {words.get('USER', 'root')}"


def dockerfile_faults(path):
    stages, faults = {}, []
    for word, rest in instructions(path):
        faults += instruction_faults(word, rest, stages)
        if word == "FROM":
            name = rest.split()[-1]
            stages[name] = {}
        stages[name][word] = rest
    for name, words in stages.items():
        faults += stage_faults(name, words)
    if "HEALTHCHECK" not in stages[name]:
        faults.append(f"the image {name} says nothing about its health")
    return [f"{path}: {fault}" for fault in faults]


def main():
    faults = ask_compose() + compose_faults()
    for path in DOCKERFILES:
        faults += dockerfile_faults(path)
    print(*faults, sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
