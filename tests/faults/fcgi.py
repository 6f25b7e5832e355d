"""A FastCGI client that speaks to one pool's socket, past nginx: for tests that must say which pool gets a request."""

import json
import socket
import struct

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
BASE = "/api/v1.0"


def record(kind, content=b""):
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def pair(name, value):
    name, value = name.encode(), value.encode()
    return b"".join(struct.pack(">I", len(part) | 0x80000000) for part in (name, value)) + name + value


class FcgiAnswer:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        self.headers = {name: value for name, value in lines if name != "Status"}
        self.status = int(dict(lines)["Status"].split()[0])

    @property
    def json(self):
        return json.loads(self.body)


def receive(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise ConnectionError("the pool closed the connection without an answer")
        data += part
    return data


def ask(path_of_socket, user, method, path, body=None, key=None, timeout=30):
    data = json.dumps(body).encode() if body is not None else b""
    params = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": BASE + path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(data)),
        "REMOTE_ADDR": user.address,
        "HTTP_AUTHORIZATION": f"Bearer {user.token}",
        **({"HTTP_IDEMPOTENCY_KEY": key} if key else {}),
    }
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        connection.connect(path_of_socket)
        connection.sendall(
            record(BEGIN, struct.pack(">HB5x", 1, 0))
            + record(PARAMS, b"".join(pair(name, value) for name, value in params.items()))
            + record(PARAMS)
            + (record(STDIN, data) if data else b"")
            + record(STDIN)
        )
        out = b""
        while True:
            _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", receive(connection, 8))
            content = receive(connection, length + padding)[:length]
            if kind == STDOUT:
                out += content
            elif kind == END:
                return FcgiAnswer(out)
