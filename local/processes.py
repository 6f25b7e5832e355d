"""The processes of a local stack, as a supervisor configuration. One row a process; supervisor restarts what dies."""

import os
import pwd
import shlex
import shutil
import subprocess

from settings import ROOT, write_private

# Programs of packages that are not on every user's path.
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
SERVICES = ("database", "redis", "aws", "smtp")
PROGRAMS = ("nginx", "api", "worker")
# multiwatch gives up on a child after so many early deaths.
RETRIES = "1000000"


def tool(name):
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":" + SBIN)
    if not found:
        raise FileNotFoundError(f"{name} is not installed; scripts/install.sh installs it")
    return found


# Every process ends when its parent is killed, so nothing outlives the stack. multiwatch wants whole paths.
BOUND = [tool("setpriv"), "--pdeathsig", "TERM"]


def account(name):
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def database_account(settings):
    """The account for the database server when root starts the stack: mysql, where it can reach the directory."""
    if os.getuid() != 0:
        return None
    entry = account("mysql")
    if not entry:
        return None
    os.makedirs(settings.path("db"), exist_ok=True)
    seen = subprocess.run(
        ["setpriv", "--reuid", "mysql", "--regid", "mysql", "--clear-groups", "test", "-x", settings.path("db")], check=False
    )
    return entry if seen.returncode == 0 else None


def nginx_account():
    return "www-data" if os.getuid() == 0 and account("www-data") else ""


def database_command(settings):
    entry = database_account(settings)
    command = list(BOUND)
    if entry:
        command += ["--reuid", "mysql", "--regid", "mysql", "--init-groups"]
    command += [tool("mariadbd"), "--no-defaults"]
    if os.getuid() == 0 and not entry:
        command.append("--user=root")
    return command + [
        f"--datadir={settings.path('db')}",
        f"--socket={settings.run_path('db/mariadb.sock')}",
        f"--pid-file={settings.run_path('db/mariadb.pid')}",
        # A server that starts removes the temporary tables that it finds there, other servers' too.
        f"--tmpdir={settings.run_path('db')}",
        f"--port={settings.port('database')}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
        "--skip-log-bin",
        "--performance-schema=OFF",
        "--innodb-buffer-pool-size=96M",
        "--innodb-log-file-size=48M",
        "--max-connections=300",
        "--character-set-server=utf8mb4",
        "--collation-server=utf8mb4_unicode_ci",
        "--default-time-zone=+00:00",
    ]


def redis_command(settings):
    lines = [
        "bind 127.0.0.1",
        f"port {settings.port('redis')}",
        f"requirepass {settings.secret('redis')}",
        f"dir {settings.run_dir}",
        'save ""',
        "appendonly no",
        "maxmemory 64mb",
        "maxmemory-policy allkeys-lru",
        "daemonize no",
    ]
    write_private(settings.path("redis.conf"), "\n".join(lines) + "\n")
    return [*BOUND, tool("redis-server"), settings.path("redis.conf")]


def with_env(env_file, *command):
    return [*BOUND, os.path.join(ROOT, "local/with-env.sh"), env_file, *command]


def aws_command(settings):
    return with_env(settings.path("aws.env"), os.path.join(ROOT, "build/venv/bin/ministack"))


def smtp_command(settings):
    python = os.path.join(ROOT, "build/venv/bin/python")
    return with_env(settings.path("smtp.env"), python, os.path.join(ROOT, "local/smtp_sink.py"))


def nginx_command(settings):
    env = settings.env()
    render = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LISTEN": f"127.0.0.1:{settings.port('api')}",
        "RUN_DIR": settings.run_dir,
        "API_SOCKETS": " ".join(settings.run_path(f"api-{number}.sock") for number in range(settings.state["pools"])),
        "TRUSTED_PROXIES": "127.0.0.1",
        "WEB_ORIGINS": env["WEB_ORIGINS"],
        "NGINX_WORKERS": str(min(os.cpu_count() or 1, 4)),
        "NGINX_USER": nginx_account(),
        "ACCESS_LOG": settings.path("log/nginx-access.log"),
        "ERROR_LOG": settings.path("log/nginx-error.log"),
    }
    conf = settings.path("nginx.conf")
    subprocess.run([os.path.join(ROOT, "nginx/render.sh"), conf], env=render, check=True)
    return [*BOUND, tool("nginx"), "-c", conf, "-g", "daemon off;"]


def binary(settings, name):
    return os.path.join(ROOT, settings.state["build"], name)


def api_command(settings):
    """spawn-fcgi opens the socket and becomes multiwatch, which keeps the API processes on it alive."""
    socket = settings.run_path("api-%(process_num)d.sock")
    spawn = [tool("spawn-fcgi"), "-n", "-s", socket, "-b", "1024", "-M", "0660"]
    if nginx_account():
        spawn += ["-U", nginx_account(), "-G", nginx_account()]
    pool = [tool("multiwatch"), "-r", RETRIES, "-s", "TERM", "-f", str(settings.state["processes"])]
    return with_env(settings.path("env"), *spawn, "--", *pool, "--", *BOUND, binary(settings, "moneymanager-api"))


def worker_command(settings):
    return with_env(settings.path("env"), binary(settings, "moneymanager-worker"))


ROWS = {
    # name: (command, how many, seconds that a stop may take)
    "database": (database_command, lambda state: 1, 30),
    "redis": (redis_command, lambda state: 1, 10),
    "aws": (aws_command, lambda state: 1, 15),
    "smtp": (smtp_command, lambda state: 1, 5),
    "nginx": (nginx_command, lambda state: 1, 10),
    "api": (api_command, lambda state: state["pools"], 15),
    "worker": (worker_command, lambda state: state["workers"], 20),
}


def quote(command):
    """For supervisor: a shell's quoting, and only %(process_num)d expanded."""
    text = " ".join(shlex.quote(part) for part in command)
    return text.replace("%", "%%").replace("%%(process_num)d", "%(process_num)d")


def program(settings, name):
    command, how_many, stop_seconds = ROWS[name]
    log = settings.path("log", f"{name}-%(process_num)d.log" if name in ("api", "worker") else f"{name}.log")
    return f"""
[program:{name}]
command={quote(command(settings))}
process_name={name}-%(process_num)d
numprocs={how_many(settings.state)}
directory={ROOT}
autostart=false
autorestart=true
startsecs=0
stopsignal={"QUIT" if name == "nginx" else "TERM"}
stopwaitsecs={stop_seconds}
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={log.replace("%", "%%").replace("%%(process_num)d", "%(process_num)d")}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


def write_configuration(settings):
    text = f"""[unix_http_server]
file={settings.run_path("supervisor.sock")}
chmod=0700

[supervisord]
logfile={settings.path("log/supervisord.log").replace("%", "%%")}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={settings.run_path("supervisord.pid")}
directory={ROOT.replace("%", "%%")}
nodaemon=true
silent=true
minfds=4096

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{settings.run_path("supervisor.sock")}
"""
    text += "".join(program(settings, name) for name in SERVICES + PROGRAMS)
    write_private(settings.path("supervisord.conf"), text)
