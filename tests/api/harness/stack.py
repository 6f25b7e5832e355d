"""The running stack, as its env file tells it (MM_STACK_ENV)."""

import os
import pathlib
import shlex

import pymysql
import redis

ROOT = pathlib.Path(__file__).resolve().parents[3]
BASE_PATH = "/api/v1.0"


class Stack:
    def __init__(self, env):
        self.env = env
        self.origin = env["API_URL"].rstrip("/")
        self.base = self.origin + BASE_PATH
        self.mail_dir = pathlib.Path(env["MAIL_DIR"])
        self.log_dir = pathlib.Path(env["LOG_DIR"])
        self.api = ROOT / "build/release/moneymanager-api"
        self.web_origin = env.get("WEB_ORIGINS", "http://localhost:5173").split(",")[0]

    @classmethod
    def from_environment(cls):
        path = os.environ.get("MM_STACK_ENV")
        if not path:
            raise RuntimeError("MM_STACK_ENV names no env file: start a stack first (make test does)")
        return cls(read_env(path))

    def sql(self):
        env = self.env
        where = (
            {"unix_socket": env["DB_SOCKET"]} if env.get("DB_SOCKET") else {"host": env["DB_HOST"], "port": int(env["DB_PORT"])}
        )
        return pymysql.connect(
            user=env["DB_USER"],
            password=env["DB_PASSWORD"],
            database=env["DB_NAME"],
            autocommit=True,
            charset="utf8mb4",
            cursorclass=pymysql.cursors.DictCursor,
            **where,
        )

    def redis(self):
        return redis.Redis.from_url(self.env["REDIS_URL"])


class Database:
    """Rows of the stack's database, seen by no cache."""

    def __init__(self, connection):
        self.connection = connection

    def rows(self, statement, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def one(self, statement, *values):
        found = self.rows(statement, *values)
        assert len(found) == 1, f"{statement} {values}: {len(found)} rows"
        return found[0]

    def run(self, statement, *values):
        with self.connection.cursor() as cursor:
            return cursor.execute(statement, values)


def read_env(path):
    env = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            env[name.removeprefix("export ").strip()] = "".join(shlex.split(value))
    return env
