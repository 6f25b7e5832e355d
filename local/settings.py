"""What a local stack remembers: its ports, secrets and options (stack.json), and the env file that the programs, the
tests and people read."""

import getpass
import hashlib
import json
import os
import secrets
import socket
import stat
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REGION = "ap-southeast-1"
DATABASE = "moneymanager"
LOG_GROUP = "/aws/ec2/moneymanager-app"
API_PORT = 8080
# Below the ports that the kernel hands out for outgoing connections.
PORT_RANGE = range(18100, 32000)
ORIGINS = "http://localhost:5173,http://localhost:3000,http://localhost:8081"
DEFAULTS = {"processes": 2, "pools": 1, "workers": 1, "build": "build/release", "overrides": {}, "api_port": None}


class StackError(Exception):
    """Something that the person at the keyboard can understand and mend."""


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Settings:
    def __init__(self, directory):
        self.dir = os.path.abspath(directory)
        self.state_file = self.path("stack.json")
        self.state = {"ports": {}, "secrets": {}, **DEFAULTS}
        if os.path.exists(self.state_file):
            with open(self.state_file, encoding="utf-8") as file:
                self.state.update(json.load(file))
        # The paths of Unix sockets may have 107 bytes, so sockets do not live below the checkout.
        name = hashlib.sha256(self.dir.encode()).hexdigest()[:10]
        self.run_dir = f"/tmp/mm-{os.getuid()}-{name}"

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def run_path(self, name):
        return os.path.join(self.run_dir, name)

    def port(self, name):
        return self.state["ports"][name]

    def secret(self, name):
        """Made once, then kept."""
        return self.state["secrets"].setdefault(name, secrets.token_hex(24))

    def save(self):
        write_private(self.state_file, json.dumps(self.state, indent=2) + "\n")

    def make_directories(self):
        for name in ("", "log", "mail", "certs", "aws"):
            os.makedirs(self.path(name), exist_ok=True)
        os.makedirs(self.run_dir, mode=0o711, exist_ok=True)
        found = os.lstat(self.run_dir)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise StackError(f"{self.run_dir} belongs to someone else")
        # Others may pass through to the sockets made for them, and see nothing.
        os.chmod(self.run_dir, 0o711)

    def choose_ports(self, api_port):
        """Keeps the ports of the last run while they are free. `api_port`: a number, 0 for any, None for what was said
        last, at first 8080 or the next free one."""
        if api_port is None:
            api_port = self.state["api_port"]
        self.state["api_port"] = api_port
        taken = set()
        ports = self.state["ports"]
        candidates = iter(PORT_RANGE[int(self.run_dir[-4:], 16) % 12000 :])
        for name in ("database", "redis", "aws", "smtp", "metrics", "worker_metrics"):
            ports[name] = self.choose_port(ports.get(name), candidates, taken)
        if api_port:
            if not port_is_free(api_port):
                raise StackError(f"port {api_port} is in use; choose another one with PORT=...")
            ports["api"] = api_port
        elif api_port == 0:
            ports["api"] = self.choose_port(ports.get("api"), candidates, taken)
        else:
            ports["api"] = self.choose_port(API_PORT, iter(range(API_PORT, API_PORT + 20)), taken)

    @staticmethod
    def choose_port(wanted, candidates, taken):
        if not (wanted and wanted not in taken and port_is_free(wanted)):
            wanted = next((port for port in candidates if port not in taken and port_is_free(port)), None)
        if wanted is None:
            raise StackError("no free port found")
        taken.add(wanted)
        return wanted

    @property
    def api_url(self):
        return f"http://127.0.0.1:{self.port('api')}"

    @property
    def aws_url(self):
        return f"http://127.0.0.1:{self.port('aws')}"

    @property
    def database_user(self):
        """The account that may administrate the database server: whoever runs the stack, over the socket."""
        return getpass.getuser()

    def env(self):
        state = self.state
        values = {
            "API_URL": self.api_url,
            "DB_HOST": "127.0.0.1",
            "DB_PORT": self.port("database"),
            "DB_SOCKET": self.run_path("db/mariadb.sock"),
            "DB_NAME": DATABASE,
            "DB_USER": DATABASE,
            "DB_PASSWORD": self.secret("database"),
            "REDIS_URL": f"redis://:{self.secret('redis')}@127.0.0.1:{self.port('redis')}/0",
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.aws_url,
            "AWS_ACCESS_KEY_ID": state["secrets"].get("aws_key_id", ""),
            "AWS_SECRET_ACCESS_KEY": state["secrets"].get("aws_secret", ""),
            "SQS_QUEUE_URL": state.get("queue_url", ""),
            "SQS_DLQ_URL": state.get("dlq_url", ""),
            "SMTP_HOST": "localhost",
            "SMTP_PORT": self.port("smtp"),
            "SMTP_USER": DATABASE,
            "SMTP_PASSWORD": self.secret("smtp"),
            "SMTP_CA_FILE": self.path("certs/ca.pem"),
            "MAIL_FROM": "no-reply@moneymanager.example",
            "JWT_KEYS": f"local:{self.secret('jwt')}",
            "WEB_ORIGINS": ORIGINS,
            "WEB_BASE_URL": "http://localhost:5173",
            "API_BASE_URL": self.api_url,
            "LOG_LEVEL": "info",
            "LOG_FORMAT": "text",
            "LOG_GROUP": LOG_GROUP,
            "METRICS_DIR": self.run_dir,
            "METRICS_PORT": self.port("metrics"),
            "WORKER_METRICS_PORT": self.port("worker_metrics"),
            "MAIL_DIR": self.path("mail"),
            "LOG_DIR": self.path("log"),
            "SMTP_CONTROL_FILE": self.path("smtp-control.json"),
        }
        values.update(state["overrides"])
        return {name: str(value) for name, value in values.items()}

    def write_env(self):
        """True when the file changed."""
        text = "".join(f"{name}={value}\n" for name, value in self.env().items())
        changed = read_text(self.path("env")) != text
        write_private(self.path("env"), text)
        # The sink stays where it is when the programs are told another way to it.
        smtp = {
            "SMTP_PORT": self.port("smtp"),
            "SMTP_CERT_FILE": self.path("certs/server.pem"),
            "SMTP_KEY_FILE": self.path("certs/server.key"),
            "PYTHONWARNINGS": "ignore",
        }
        write_private(self.path("smtp.env"), text + "".join(f"{name}={value}\n" for name, value in smtp.items()))
        return changed

    def root_key(self):
        """The stand-in's root key; only the bootstrap uses it."""
        return "AKIAROOT" + self.secret("aws_root_id")[:12].upper(), self.secret("aws_root")

    def write_aws_env(self):
        key_id, secret = self.root_key()
        values = {
            "GATEWAY_PORT": self.port("aws"),
            "BIND_HOST": "127.0.0.1",
            "AUTH": "true",
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "MINISTACK_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": self.path("aws/state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": self.path("aws/s3"),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }
        write_private(self.path("aws.env"), "".join(f"{name}={value}\n" for name, value in values.items()))

    def make_certificates(self, host="localhost"):
        """A certificate authority of this stack and the mail server's certificate for `host`, made once."""
        certs = self.path("certs")
        if os.path.exists(os.path.join(certs, "server.pem")):
            return
        names = f"subjectAltName=DNS:{host},IP:127.0.0.1,IP:::1"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        commands = [
            ["req", "-x509", *curve, "-days", "3650", "-subj", "/CN=Money Manager local CA"]
            + ["-keyout", "ca.key", "-out", "ca.pem"],
            ["req", *curve, "-subj", "/CN=localhost", "-addext", names, "-keyout", "server.key", "-out", "server.csr"],
            ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650"]
            + ["-extfile", "names.cnf", "-out", "server.pem"],
        ]
        with open(os.path.join(certs, "names.cnf"), "w", encoding="utf-8") as file:
            file.write(names + "\n")
        for command in commands:
            subprocess.run(["openssl", *command], cwd=certs, check=True, capture_output=True)
        for name in ("ca.key", "server.key"):
            os.chmod(os.path.join(certs, name), 0o600)


def read_text(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return None


def write_private(path, text):
    """Replaces the file in one step, readable by its owner only."""
    part = path + ".part"
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(part, path)
