#!/usr/bin/env python3
"""make bench: the API through nginx beside its floors, on one machine in one run.

Floors: nginx `return 200`; a plain C loop of the list's SELECT; a plain C loop of the write's statements. The figures of one run are
ratios worth comparing; absolute ones belong to the machine. Everything runs on loopback, for a bounded time.
"""

import argparse
import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

import pymysql

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOUSEHOLDS = 64
ROWS = 60
THREADS = 8  # of the floors: as many as the API's database connections
HERTZ = os.sysconf("SC_CLK_TCK")
ZONE = datetime.timezone(datetime.timedelta(hours=7))
# Requests per CPU second of the system that this one re-implements, and of the lightest peer, measured on two such cores.
ORIGINAL = {"list": (406, 473), "post": (339, 939)}


class Stack:
    def __init__(self, directory):
        self.directory = directory

    def up(self):
        self.run("up", "--port", "0", "--processes", "2", "--set", "RATE_API_PER_MINUTE=1000000",
                 "--set", "RATE_SIGN_IN_PER_MINUTE=100000", "--set", "RATE_SIGN_IN_ADDRESS_PER_MINUTE=100000")
        with open(os.path.join(self.directory, "env"), encoding="utf-8") as file:
            self.env = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
        self.url = self.env["API_URL"] + "/api/v1.0"

    def down(self):
        self.run("down")

    def run(self, command, *options):
        subprocess.run([sys.executable, os.path.join(ROOT, "local/stack.py"), command, self.directory, *options], check=True,
                       stdout=subprocess.DEVNULL)

    def database(self):
        return pymysql.connect(unix_socket=self.env["DB_SOCKET"], user=self.env["DB_USER"], password=self.env["DB_PASSWORD"],
                               database=self.env["DB_NAME"], charset="utf8mb4", autocommit=True)


# ---- data ----


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(env, user, household, session):
    kid, _, secret = env["JWT_KEYS"].split(",")[0].partition(":")
    now = int(time.time())
    header = {"alg": "HS256", "kid": kid, "typ": "JWT"}
    claims = {"iss": "moneymanager", "aud": "moneymanager-api", "sub": str(user), "sid": session, "role": "user", "hid": household,
              "iat": now, "exp": now + 36000}
    signed = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    return signed + "." + base64url(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())


def seed(stack):
    """HOUSEHOLDS households with an account, two categories, a jar and ROWS expenses of this month. Returns (first id, lines of tokens)."""
    today = datetime.datetime.now(ZONE).date()
    now = datetime.datetime.utcnow().strftime("%Y-%m-%d %H:%M:%S.000")
    first, lines = None, []
    with stack.database() as db, db.cursor() as cursor:
        for number in range(HOUSEHOLDS):
            cursor.execute("INSERT INTO households (currency, created_at) VALUES ('VND', %s)", (now,))
            household = cursor.lastrowid
            first = first or household
            cursor.execute("INSERT INTO users (email, status, activated_at, created_at, updated_at) VALUES (%s, 'active', %s, %s, %s)",
                           (f"bench{number}-{uuid.uuid4().hex}@example.com", now, now, now))
            user = cursor.lastrowid
            cursor.execute("INSERT INTO household_members (household_id, user_id, joined_at) VALUES (%s, %s, %s)", (household, user, now))
            session = str(uuid.uuid4())
            cursor.execute("INSERT INTO sessions (id, user_id, household_id, created_at, expires_at) VALUES (%s, %s, %s, %s, '2100-01-01')",
                           (session, user, household, now))
            cursor.execute("INSERT INTO categories (household_id, name, type, created_at, updated_at) VALUES (%s, 'Lương', 'income', %s, %s)",
                           (household, now, now))
            cursor.execute("INSERT INTO categories (household_id, name, icon, type, created_at, updated_at)"
                           " VALUES (%s, 'Ăn uống', '🍜', 'expense', %s, %s)", (household, now, now))
            category = cursor.lastrowid
            cursor.execute("INSERT INTO jars (household_id, name, color, target_bp, created_at, updated_at)"
                           " VALUES (%s, 'Nhu cầu thiết yếu', '#EF4444', 5500, %s, %s)", (household, now, now))
            rows = [(household, 1000 + i, today.replace(day=1), category, f"Khoản chi số {i}", user, now, now) for i in range(ROWS)]
            cursor.executemany("INSERT INTO transactions (household_id, kind, amount, occurred_on, category_id, name, created_by, created_at,"
                               " updated_at) VALUES (%s, 'expense', %s, %s, %s, %s, %s, %s, %s)", rows)
            lines.append((token(stack.env, user, household, session), category))
        cursor.execute("ANALYZE TABLE transactions, categories, jars")
    return first, lines


# ---- the processes of the API tier ----


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def api_tier(stack):
    """nginx and the pool: everything below supervisord with these names."""
    found, wanted = [], ("nginx", "multiwatch", "moneymanager-api"[:15])  # the kernel keeps 15 characters
    out = subprocess.run([sys.executable, os.path.join(ROOT, "local/stack.py"), "ctl", stack.directory, "pid"], capture_output=True,
                         text=True, check=True).stdout
    left = [int(out.split()[-1])]
    while left:
        pid = left.pop()
        left += children(pid)
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().strip() in wanted:
                    found.append(pid)
        except OSError:
            continue
    return found


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / HERTZ


def pss_mib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total / 1024


# ---- load ----


def milliseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60000}[unit]


def wrk(url, options, connections, lua=None, close=False, env=None):
    command = ["wrk", "-t2", f"-c{connections}", f"-d{options.seconds}s", "--latency", "--timeout", "10s"]
    command += ["-s", os.path.join(ROOT, "bench", lua)] if lua else []
    command += ["-H", "Connection: close"] if close else []
    out = subprocess.run([*command, url], capture_output=True, text=True, check=True, env={**os.environ, **(env or {})}).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    socket = re.search(r"Socket errors: (.*)", out)
    return {
        "per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
        "requests": int(re.search(r"(\d+) requests in", out).group(1)),
        "p50_ms": milliseconds(re.search(r"(?m)^ +50%\s+(\S+)", out).group(1)),
        "p99_ms": milliseconds(re.search(r"(?m)^ +99%\s+(\S+)", out).group(1)),
        "failed": int(bad.group(1)) if bad else 0,
        "socket_errors": socket.group(1) if socket else "",
    }


def measured(pids, load):
    """The load's figures with the API tier's CPU time; its memory halfway through."""
    before = cpu_seconds(pids)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(load)
        time.sleep(1)
        memory = pss_mib(pids)
        result = running.result()
    used = cpu_seconds(pids) - before
    result["cpu_per_1000"] = used / result["requests"] * 1000
    result["per_cpu_second"] = result["requests"] / used if used else 0
    result["pss_mib"] = memory
    return result


def nginx_floor(directory, options):
    """nginx alone, answering the same bytes."""
    conf = os.path.join(directory, "floor.conf")
    port = 20100 + os.getpid() % 800
    with open(conf, "w", encoding="ascii") as file:
        file.write(f"""worker_processes {min(os.cpu_count() or 1, 4)}; pid {directory}/floor.pid; error_log stderr crit; daemon off;
events {{ worker_connections 2048; }}
http {{ access_log off; client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s; default_type application/json;
server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{{"status":"ok"}}'; }} }} }}
""")
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    child = subprocess.Popen([nginx, "-c", conf], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        return wrk(f"http://127.0.0.1:{port}/", options, options.connections, close=True)
    finally:
        child.terminate()
        child.wait()


def database_floor(name, stack, first, options):
    today = datetime.datetime.now(ZONE).date()
    last = (today.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)
    command = [os.path.join(ROOT, "build/bench", f"floor_{name}"), stack.env["DB_SOCKET"], stack.env["DB_USER"], stack.env["DB_PASSWORD"],
               stack.env["DB_NAME"], str(THREADS), str(options.seconds), str(first), str(HOUSEHOLDS), str(today.replace(day=1)), str(last)]
    out = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {"per_second": out["per_second"], "p50_ms": out["p50_us"] / 1000, "p99_ms": out["p99_us"] / 1000}


def request(url, body=None, bearer=None):
    headers = {"Content-Type": "application/json"}
    if bearer:
        headers["Authorization"] = f"Bearer {bearer}"
    call = urllib.request.Request(url, data=json.dumps(body).encode() if body is not None else None, headers=headers)
    with urllib.request.urlopen(call, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def sign_in_peak(stack, pids):
    """Memory while one password is hashed after the other."""
    email = f"peak-{uuid.uuid4().hex}@example.com"
    request(stack.url + "/register", {"email": email, "fullName": "Bench", "password": "correct horse"})
    with stack.database() as db, db.cursor() as cursor:
        cursor.execute("UPDATE users SET status = 'active', activated_at = NOW(3) WHERE email = %s", (email,))
    peak = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(request, stack.url + "/login", {"email": email, "password": "correct horse"}) for _ in range(24)]
        while not all(call.done() for call in running):
            peak = max(peak, pss_mib(pids))
            time.sleep(0.01)
        for call in running:
            call.result()
    return peak


def commit_to_mail(stack, lines, count):
    """Milliseconds from the event's record in the commit to the mail's acceptance, on the otherwise idle stack."""
    with stack.database() as db, db.cursor() as cursor:
        cursor.execute("SELECT COALESCE(MAX(id), 0) FROM mail_ledger")
        last = cursor.fetchone()[0]
        for number in range(count):
            bearer, category = lines[number % len(lines)]
            request(stack.url + "/expenses", {"name": "Tivi", "categoryId": category, "amount": 6000000}, bearer)
            end = time.monotonic() + 30
            while time.monotonic() < end:
                cursor.execute("SELECT COUNT(*) FROM mail_ledger WHERE id > %s AND state = 'sent' AND template = 'transaction_large'", (last,))
                if cursor.fetchone()[0] > number:
                    break
                time.sleep(0.02)
        cursor.execute("SELECT TIMESTAMPDIFF(MICROSECOND, o.created_at, m.sent_at) / 1000 FROM mail_ledger m JOIN outbox o ON o.id = m.event_id"
                       " WHERE m.id > %s AND m.template = 'transaction_large' AND m.state = 'sent'", (last,))
        times = sorted(float(row[0]) for row in cursor.fetchall())
    if len(times) < count:
        raise RuntimeError(f"only {len(times)} of {count} mails were sent")
    return {"mails": len(times), "p50_ms": times[len(times) // 2], "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)]}


def start_time(stack):
    """Seconds from exec to the first answer of a fresh API process on the migrated database."""
    directory = tempfile.mkdtemp(prefix="mm-bench-")
    socket = os.path.join(directory, "s")
    env = {**os.environ, **stack.env}
    spawn = shutil.which("spawn-fcgi")
    begin = time.monotonic()
    child = subprocess.Popen([spawn, "-n", "-s", socket, "--", os.path.join(ROOT, "build/release/moneymanager-api")], env=env,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                answer = fastcgi_get(socket, "/api/v1.0/health")
                if b'"status":"ok"' in answer:
                    return time.monotonic() - begin
            except OSError:
                pass
            if time.monotonic() - begin > 10:
                raise RuntimeError("the API did not answer within 10 s")
            time.sleep(0.005)
    finally:
        child.terminate()
        child.wait()
        shutil.rmtree(directory, ignore_errors=True)


def fastcgi_get(path, uri):
    """One FastCGI request by hand (FastCGI specification 1.0, sections 3 and 4)."""
    import socket as sockets

    def record(kind, content):
        return bytes([1, kind, 0, 1, len(content) >> 8, len(content) & 255, 0, 0]) + content

    params = b"".join(bytes([len(k), len(v)]) + k + v for k, v in
                      {b"REQUEST_METHOD": b"GET", b"SCRIPT_NAME": uri.encode(), b"REMOTE_ADDR": b"127.0.0.1"}.items())
    with sockets.socket(sockets.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(path)
        connection.sendall(record(1, b"\0\1\0\0\0\0\0\0") + record(4, params) + record(4, b"") + record(5, b""))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


# ---- report ----


def report(results, options):
    rows = []
    for name, label, floor in (("health", "GET /health", "nginx return 200"), ("list", "GET /expenses (60 rows)", "plain C loop, same SELECT"),
                               ("post", "POST /expenses", "plain C loop, same writes")):
        r, f = results[name], results[name + "_floor"]
        rows.append((label, f"{r['per_second']:,.0f}", f"{r['p50_ms']:.1f}", f"{r['p99_ms']:.1f}", floor, f"{f['per_second']:,.0f}",
                     f"{r['per_second'] / f['per_second'] * 100:.0f} %", f"{r['cpu_per_1000']:.2f}", f"{r['per_cpu_second']:,.0f}"))
    head = ("route", "requests/s", "p50 ms", "p99 ms", "floor", "floor/s", "of the floor", "CPU s per 1,000", "per CPU second")
    print("| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()
    for name in ("list", "post"):
        original, peer = ORIGINAL[name]
        per_cpu = results[name]["per_cpu_second"]
        print(f"{name}: {per_cpu / original:.1f} times the original system ({original} per CPU second), {per_cpu / peer:.1f} times the lightest peer ({peer})")
    print(f"memory of the API tier (nginx and pool, PSS) at {options.connections} connections: {results['list']['pss_mib']:.1f} MiB; "
          f"peak while passwords are hashed: {results['sign_in_peak_mib']:.1f} MiB")
    print(f"first answer after exec: {results['start_seconds'] * 1000:.0f} ms")
    mail = results["commit_to_mail"]
    print(f"commit of a large transaction to the accepted mail, {mail['mails']} mails one by one: p50 {mail['p50_ms']:.0f} ms, p99 {mail['p99_ms']:.0f} ms")
    bad = {name: r for name, r in results.items() if isinstance(r, dict) and (r.get("failed") or r.get("socket_errors"))}
    for name, r in bad.items():
        print(f"NOTE {name}: {r['failed']} failed answers {r['socket_errors']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=128)
    parser.add_argument("--mails", type=int, default=100)
    parser.add_argument("--json", default=os.path.join(ROOT, "build/bench/result.json"))
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="mm-bench-stack-")
    stack, results = Stack(directory), {}
    try:
        stack.up()
        first, lines = seed(stack)
        tokens = os.path.join(directory, "tokens")
        with open(tokens, "w", encoding="ascii") as file:
            file.writelines(f"{bearer} {category}\n" for bearer, category in lines)
        pids, env = api_tier(stack), {"TOKENS": tokens}
        results["start_seconds"] = start_time(stack)
        results["health_floor"] = nginx_floor(directory, options)
        results["health"] = measured(pids, lambda: wrk(stack.url + "/health", options, options.connections, close=True))
        results["list_floor"] = database_floor("list", stack, first, options)
        results["list"] = measured(pids, lambda: wrk(stack.url, options, options.connections, "get.lua", env=env))
        results["commit_to_mail"] = commit_to_mail(stack, lines, options.mails)
        results["sign_in_peak_mib"] = sign_in_peak(stack, pids)
        results["post_floor"] = database_floor("write", stack, first, options)
        results["post"] = measured(pids, lambda: wrk(stack.url, options, options.connections, "post.lua", env=env))
        report(results, options)
        with open(options.json, "w", encoding="ascii") as file:
            json.dump(results, file, indent=1)
        print(f"as JSON: {os.path.relpath(options.json, ROOT)}")
    finally:
        stack.down()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
