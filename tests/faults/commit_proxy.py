"""A proxy in front of MySQL that spoils COMMITs of chosen commands: `before` the server sees it, `after` the server did it,
or it `hang`s in between with both ends open."""

import contextlib
import socket
import socketserver
import struct
import threading

COMMIT = b"\x03COMMIT"
BEGIN = b"\x03START TRANSACTION"


class CommitProxy:
    def __init__(self, target):
        self.target = target
        self.lock = threading.Lock()
        self.mode, self.marker, self.left, self.then = None, b"", 0, None
        self.spoilt = 0
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                Line(proxy, self.request).run()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def arm(self, mode, action, times=1, then=None):
        """Spoils the next `times` COMMITs of transactions that write this action to the audit log; `then` is called when
        one was."""
        with self.lock:
            self.mode, self.marker, self.left, self.then = mode, action.encode(), times, then
            self.spoilt = 0

    def take(self):
        with self.lock:
            if self.left == 0:
                return None
            self.left -= 1
            self.spoilt += 1
            return self.mode

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Line:
    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.swallow = False
        self.answered = threading.Event()

    def answers(self):
        with contextlib.suppress(OSError):
            while data := self.server.recv(65536):
                if self.swallow:
                    self.answered.set()
                else:
                    self.client.sendall(data)
        self.answered.set()
        cut(self.client)

    def run(self):
        try:
            self.server = socket.create_connection(self.proxy.target, 5)
        except OSError:
            cut(self.client)
            return
        self.server.settimeout(None)
        threading.Thread(target=self.answers, daemon=True).start()
        marked = False
        with contextlib.suppress(OSError):
            while data := self.client.recv(65536):
                if data.endswith(BEGIN):
                    marked = False
                marked = marked or (self.proxy.left > 0 and self.proxy.marker in data)
                mode = self.proxy.take() if marked and data.endswith(COMMIT) else None
                if mode:
                    self.spoil(mode, data)
                    break
                self.server.sendall(data)
        cut(self.server)
        cut(self.client)

    def spoil(self, mode, data):
        if mode == "after":
            self.swallow = True
            self.server.sendall(data)
            self.answered.wait(20)
        if self.proxy.then:
            self.proxy.then()
        if mode == "hang":
            # Both ends stay open; the server hears nothing more, the client gives up at some time.
            with contextlib.suppress(OSError):
                while self.client.recv(65536):
                    pass
            self.answered.wait(60)


def cut(end):
    """A reset, so that neither side takes it for an orderly end."""
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    end.close()
