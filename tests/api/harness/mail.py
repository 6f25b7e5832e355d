"""Reading the mails that the stack's SMTP sink took: one .eml file a mail."""

import email
import email.policy
import os
import re

from harness.wait import until

CODE = re.compile(r"(?<!\d)(\d{6})(?!\d)")


class Mail:
    def __init__(self, raw):
        self.raw = raw
        self.message = email.message_from_bytes(raw, policy=email.policy.default)
        self.subject = str(self.message["Subject"] or "")
        self.to = {a.addr_spec.lower() for a in self.message["To"].addresses} if self.message["To"] else set()

    def part(self, kind):
        found = self.message.get_body(preferencelist=(kind,))
        assert found is not None, f"the mail has no {kind} part"
        return found.get_content()

    @property
    def text(self):
        return self.part("plain")

    @property
    def html(self):
        return self.part("html")

    @property
    def code(self):
        found = CODE.search(self.text)
        return found.group(1) if found else None


class Mailbox:
    """All mails of the sink; each file is read once."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = {}

    def _read_new(self):
        with os.scandir(self.folder) as entries:
            names = sorted(e.name for e in entries if e.name.endswith(".eml") and e.name not in self.seen)
        for name in names:
            self.seen[name] = Mail((self.folder / name).read_bytes())

    def to(self, address):
        self._read_new()
        return [mail for name, mail in sorted(self.seen.items()) if address.lower() in mail.to]

    def wait(self, address, count=1, seconds=60, choose=lambda mail: True):
        """At least `count` mails to the address that `choose` likes."""

        def enough():
            found = [mail for mail in self.to(address) if choose(mail)]
            return found if len(found) >= count else None

        return until(enough, seconds, f"{count} mail(s) to {address}")

    def code(self, address, after=0, seconds=60):
        """The newest code for the address, once more than `after` mails with a code are there."""
        return self.wait(address, after + 1, seconds, lambda mail: mail.code)[-1].code
