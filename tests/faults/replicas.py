"""Two MariaDB servers and two Redis servers, one the replica of the other, and names that move from one to the other as the
endpoints of RDS and ElastiCache do: programs that look the name up find the server that it names now, connections that exist
stay where they are. Both servers of a pair listen on one port of two loopback addresses."""

import os
import pathlib
import secrets
import shutil
import signal
import socket
import subprocess
import sys

import pymysql
import redis

from harness.stack import ROOT
from harness.wait import until

sys.path.append(str(ROOT / "local"))

import processes  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ADDRESSES = ("127.0.0.1", "127.0.0.2")
NAME = USER = "moneymanager"


def free_port():
    """One that is free on both addresses."""
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind((ADDRESSES[0], 0))
            try:
                second.bind((ADDRESSES[1], first.getsockname()[1]))
            except OSError:
                continue
            return first.getsockname()[1]
    raise AssertionError("no port is free on both addresses")


class Names:
    """What NAME.test means, for programs that run with `environment`."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.folder.chmod(0o755)
        library = self.folder / "names.so"
        subprocess.run(
            ["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", library, HERE / "names.c"], check=True
        )
        self.lines = [f"export MM_NAMES={self.folder} LD_PRELOAD={library}"]

    def move(self, name, address):
        part = self.folder / f"{name}.part"
        part.symlink_to(address)
        os.replace(part, self.folder / name)


class Server:
    def __init__(self, address, folder):
        self.address = address
        self.folder = pathlib.Path(folder)
        self.process = None

    def start(self, command):
        log = (self.folder.parent / f"{self.folder.name}.log").open("ab")
        bound = ["setpriv", "--pdeathsig", "TERM"]
        self.process = subprocess.Popen([*bound, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.close()

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)


class Pair:
    """Primary, replica, and the name that leads to the primary."""

    def __init__(self, folder, names, name):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.names, self.name = names, name
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self.servers = [Server(address, self.folder / f"server-{number}") for number, address in enumerate(ADDRESSES)]
        self.primary, self.replica = self.servers
        for server in self.servers:
            self.make(server)
        self.names.move(name, self.primary.address)
        self.follow(self.replica, self.primary)

    def promote(self):
        """The replica takes writes, and only then the name leads to it."""
        self.primary, self.replica = self.replica, self.primary
        self.lead(self.primary)
        self.names.move(self.name, self.primary.address)

    def close(self):
        for server in self.servers:
            if server.process and server.process.poll() is None:
                server.signal(signal.SIGCONT)
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class DatabasePair(Pair):
    """Semi-synchronous: a commit is acknowledged when the replica has it too, as with Multi-AZ. Without that no program could
    keep what it acknowledged before the primary went."""

    def settings(self):
        return {"DB_SOCKET": "", "DB_HOST": self.name, "DB_PORT": self.port, "DB_USER": USER, "DB_PASSWORD": self.password}

    def make(self, server):
        seed = self.folder / "seed"
        if not seed.exists():
            command = [processes.tool("mariadb-install-db"), "--no-defaults", f"--datadir={seed}", "--skip-test-db"]
            command += ["--auth-root-authentication-method=normal", *self.account()]
            subprocess.run(command, check=True, capture_output=True)
        shutil.rmtree(server.folder, ignore_errors=True)
        shutil.copytree(seed, server.folder)
        self.run(server)

    @staticmethod
    def account():
        return ["--user=root"] if os.getuid() == 0 else []

    def run(self, server):
        number = self.servers.index(server) + 1
        server.start(
            [
                *[processes.tool("mariadbd"), "--no-defaults", *self.account(), f"--datadir={server.folder}"],
                *[f"--bind-address={server.address}", f"--port={self.port}", f"--socket={self.folder}/{number}.sock"],
                *[f"--pid-file={self.folder}/{number}.pid", "--skip-name-resolve", "--performance-schema=OFF"],
                *["--innodb-buffer-pool-size=48M", "--innodb-log-file-size=24M", "--max-connections=100"],
                *["--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci", "--default-time-zone=+00:00"],
                *[
                    f"--server-id={number}",
                    "--log-bin=binlog",
                    "--binlog-format=ROW",
                    "--log-slave-updates",
                    "--skip-slave-start",
                ],
                *["--gtid-strict-mode=ON", "--rpl-semi-sync-slave-enabled=ON", "--slave-net-timeout=5"],
                *["--rpl-semi-sync-master-timeout=600000", "--rpl-semi-sync-master-wait-point=AFTER_SYNC"],
            ]
        )
        until(lambda: self.answers(server), 60, "MariaDB", every=0.1)

    def connect(self, server):
        number = self.servers.index(server) + 1
        return pymysql.connect(unix_socket=f"{self.folder}/{number}.sock", user="root", autocommit=True, read_timeout=30)

    def answers(self, server):
        assert server.process.poll() is None, "MariaDB ended at once"
        try:
            self.connect(server).close()
            return True
        except pymysql.Error:
            return False

    def tell(self, server, *statements):
        """Runs the statements; the first row of the last one."""
        with self.connect(server) as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()

    def follow(self, server, primary):
        """`server` becomes the replica of `primary`, and each commit waits for it from then on."""
        known = self.tell(primary, f"SELECT COUNT(*) AS n FROM mysql.user WHERE User = '{USER}'")["n"]
        self.tell(server, "SET GLOBAL read_only = ON")
        self.tell(
            server,
            f"CHANGE MASTER TO MASTER_HOST = '{primary.address}', MASTER_PORT = {self.port}, MASTER_USER = 'replica',"
            f" MASTER_PASSWORD = '{self.password}', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
        )
        if not known:
            self.tell(
                primary,
                f"CREATE DATABASE {NAME} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
                f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{self.password}'",
                f"GRANT ALL ON {NAME}.* TO '{USER}'@'%'",
                f"CREATE USER 'replica'@'%' IDENTIFIED BY '{self.password}'",
                "GRANT REPLICATION SLAVE ON *.* TO 'replica'@'%'",
            )
        self.tell(server, "START SLAVE")
        self.tell(primary, "SET GLOBAL rpl_semi_sync_master_enabled = ON")
        until(lambda: self.status(primary, "Rpl_semi_sync_master_clients") == "1", 30, "the replica to follow")
        self.catch_up(server, self.tell(primary, "SELECT @@gtid_binlog_pos AS pos")["pos"])

    def status(self, server, name):
        return self.tell(server, f"SHOW GLOBAL STATUS LIKE '{name}'")["Value"]

    def catch_up(self, server, position):
        assert self.tell(server, f"SELECT MASTER_GTID_WAIT('{position}', 30) AS behind")["behind"] == 0

    def lead(self, server):
        """Applies all that it has received, then takes writes; no commit waits for a replica, since there is none."""
        self.catch_up(server, self.tell(server, "SHOW SLAVE STATUS")["Gtid_IO_Pos"])
        self.tell(server, "STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF")

    def demote(self):
        """The primary refuses writes, as it does at the begin of a planned failover."""
        self.tell(self.primary, "SET GLOBAL read_only = ON")

    def rejoin(self):
        """The server that is gone begins anew, empty, and gets everything from the other one's log. What it had is not trusted:
        a commit that nobody acknowledged may be in it alone."""
        self.make(self.replica)
        self.follow(self.replica, self.primary)


class CachePair(Pair):
    """Asynchronous, as ElastiCache is: nothing in it may be needed."""

    def settings(self):
        return {"REDIS_URL": f"redis://:{self.password}@{self.name}:{self.port}/0"}

    def make(self, server):
        server.folder.mkdir()
        self.run(server)

    def run(self, server):
        lines = [f"bind {server.address}", f"port {self.port}", f"requirepass {self.password}", f"masterauth {self.password}"]
        lines += ['save ""', "appendonly no", f"dir {server.folder}", "repl-diskless-sync-delay 0", "maxmemory 64mb"]
        file = server.folder / "redis.conf"
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        server.start([processes.tool("redis-server"), file])
        until(lambda: self.answers(server), 20, "Redis")

    def connect(self, server):
        return redis.Redis(host=server.address, port=self.port, password=self.password, socket_timeout=5)

    def answers(self, server):
        try:
            return self.connect(server).ping()
        except redis.RedisError:
            return False

    def follow(self, server, primary):
        self.connect(server).replicaof(primary.address, self.port)
        until(lambda: self.connect(server).info("replication")["master_link_status"] == "up", 30, "the replica to follow")

    def lead(self, server):
        self.connect(server).replicaof("NO", "ONE")

    def demote(self):
        """The old primary, a replica of the new one now: it answers reads and refuses writes."""
        self.connect(self.replica).replicaof(self.primary.address, self.port)

    def rejoin(self):
        self.run(self.replica)
        self.follow(self.replica, self.primary)
