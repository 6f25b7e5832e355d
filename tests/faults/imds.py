"""A metadata service as EC2's, of the stand-in's role, whose keys live as short as a test wants; and a gate before SQS that knows
which of them are over."""

import datetime
import http.server
import re
import sys
import threading
import time

from sqs_gate import Gate

from harness.stack import ROOT

sys.path[:0] = [str(ROOT / "local"), str(ROOT / "docker/local")]

from metadata import Metadata, make_role  # noqa: E402

from bootstrap import Account  # noqa: E402
from settings import REGION, Settings  # noqa: E402

EXPIRED = b'{"__type":"com.amazon.coral.service#ExpiredTokenException","message":"The security token is expired"}'
KEY_ID = re.compile(r"Credential=([^/]+)/")


class Imds:
    """Each answer is a new set of keys that ends after `life` seconds."""

    def __init__(self, directory, endpoint, life):
        self.life = life
        self.ends = {}  # key id -> time.time() from which it is over
        self.lock = threading.Lock()
        account = Account(endpoint, REGION, *Settings(directory).root_key())
        outer = self

        class Handler(Metadata):
            def keys(self):
                return outer.hand_out(super().keys())

        Handler.account, Handler.role, Handler.tokens = account, make_role(account), set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def hand_out(self, keys):
        # The metadata service tells whole seconds.
        ends = int(time.time() + self.life)
        with self.lock:
            self.ends[keys["AccessKeyId"]] = ends
        moment = datetime.datetime.fromtimestamp(ends, datetime.timezone.utc)
        return {**keys, "Expiration": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def revoke(self):
        """All sets so far are over, whatever was said of them."""
        with self.lock:
            self.ends = dict.fromkeys(self.ends, 0)

    def is_over(self, key_id):
        with self.lock:
            return time.time() >= self.ends.get(key_id, 0)


class KeyGate(Gate):
    """Refuses calls with keys that are over, as AWS does."""

    def __init__(self, upstream, queue_url, imds):
        self.imds = imds
        self.used = set()
        self.expired = []  # (time.monotonic(), action) of each refused call
        super().__init__(upstream, queue_url)

    def answer(self, headers, body):
        key_id = KEY_ID.search(headers.get("Authorization", ""))[1]
        self.used.add(key_id)
        if self.imds.is_over(key_id):
            self.expired.append((time.monotonic(), headers.get("X-Amz-Target", "").rpartition(".")[2]))
            return 403, EXPIRED
        return super().answer(headers, body)
