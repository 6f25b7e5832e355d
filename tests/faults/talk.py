"""Conversations with the assistant beside a load: it has threads of its own."""

import contextlib
import threading

import requests

# Its limits, out of the way.
SETTINGS = {name: "1000000" for name in ("RATE_CHAT_PER_MINUTE", "RATE_CHAT_PER_DAY", "RATE_GEMINI_CHAT_PER_MINUTE")}
QUESTION = "Tháng này tôi đã chi bao nhiêu cho ăn uống?"


class Talk:
    """with Talk(users): ...; each user talks and looks into what was said, whatever the answers are."""

    def __init__(self, users):
        self.stopping = threading.Event()
        self.answered = 0
        self.threads = [threading.Thread(target=self.run, args=[user], daemon=True) for user in users]

    def run(self, user):
        while not self.stopping.is_set():
            with contextlib.suppress(requests.RequestException):
                self.once(user)

    @staticmethod
    def ask(user, method, path, body=None, accept="application/json"):
        headers = {"Authorization": f"Bearer {user.token}", "X-Forwarded-For": user.address, "Accept": accept}
        return requests.request(method, user.stack.base + path, json=body, headers=headers, timeout=40).status_code

    def once(self, user):
        turn = {"provider": "nova-local", "messages": [{"role": "user", "content": QUESTION}]}
        for keep in (False, True):
            self.answered += self.ask(user, "POST", "/ai/chat", {**turn, "saveHistory": keep}) == 200
        self.ask(user, "POST", "/ai/chat", turn, accept="text/event-stream")
        self.ask(user, "POST", "/gemini/chat", {"message": QUESTION})
        self.ask(user, "GET", "/ai/chat/sessions")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a conversation does not end"
