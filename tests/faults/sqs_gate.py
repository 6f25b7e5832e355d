"""An HTTP proxy in front of SQS that writes down each call of the programs, refuses all but the four actions that the queue's
policy grants on the main queue, and can lose or hold back messages when told."""

import collections
import http.client
import http.server
import json
import threading
import time
import urllib.parse

from harness.wait import until

# The last two are what AWS covers by the single action's grant (a batch is not an action of IAM).
ALLOWED = {"SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes", "SendMessageBatch", "DeleteMessageBatch"}
REFUSED = json.dumps({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "not granted"}).encode()

Call = collections.namedtuple("Call", "at action request status answer")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A program that is stopped or killed breaks its connection off."""


class Gate:
    def __init__(self, upstream, queue_url):
        self.upstream = urllib.parse.urlsplit(upstream)
        self.queue_url = queue_url
        self.lock = threading.Lock()
        self.calls = []
        self.refused = []
        self.swallow = False  # sent messages are acknowledged and lost
        self.dry = False  # no message is handed out
        self.polls = 0  # receives that SQS has not answered yet
        self.server = Server(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # ---- what was seen ----

    def seen(self, action=None, since=0.0):
        """Calls that began after `since` (of time.monotonic()), the oldest first."""
        with self.lock:
            return [call for call in self.calls if call.at >= since and action in (None, call.action)]

    def handed_out(self, since=0.0):
        """Every message that a receive gave to a worker."""
        return [message for call in self.seen("ReceiveMessage", since) for message in call.answer.get("Messages", [])]

    def sent(self, since=0.0):
        """(call, entry) of every message that a program sent."""
        return [
            (call, entry)
            for action in ("SendMessage", "SendMessageBatch")
            for call in self.seen(action, since)
            for entry in call.request.get("Entries", [call.request])
        ]

    def dry_up(self):
        """From now on no message is handed out, not even by a poll that was under way."""
        self.dry = True
        until(lambda: self.polls == 0, 20, "the polls to end")

    # ---- the way of a call ----

    def judge(self, action, request):
        return action in ALLOWED and request.get("QueueUrl") == self.queue_url

    def forged(self, action, request):
        """An answer that SQS did not give, or None."""
        if self.dry and action == "ReceiveMessage":
            time.sleep(0.2)
            return {}
        if self.swallow and action == "SendMessageBatch":
            return {"Successful": [{"Id": e["Id"], "MessageId": f"lost-{e['Id']}"} for e in request["Entries"]], "Failed": []}
        return None

    def forward(self, headers, body):
        connection = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=40)
        try:
            connection.request("POST", "/", body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def poll(self, headers, body):
        with self.lock:
            self.polls += 1
        try:
            return self.forward(headers, body)
        finally:
            with self.lock:
                self.polls -= 1

    def answer(self, headers, body):
        began = time.monotonic()
        action = headers.get("X-Amz-Target", "").rpartition(".")[2]
        request = json.loads(body)
        if not self.judge(action, request):
            with self.lock:
                self.refused.append((action, request.get("QueueUrl")))
            return 403, REFUSED
        forged = self.forged(action, request)
        if forged is not None:
            status, data = 200, json.dumps(forged).encode()
        elif action == "ReceiveMessage":
            status, data = self.poll(headers, body)
        else:
            status, data = self.forward(headers, body)
        with self.lock:
            self.calls.append(Call(began, action, request, status, json.loads(data or b"{}")))
        return status, data

    def handler(gate):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    status, data = gate.answer(dict(self.headers.items()), body)
                except (OSError, http.client.HTTPException):
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        return Handler
