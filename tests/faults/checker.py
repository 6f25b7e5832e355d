"""What must hold after any faults, read from the rows, the queues and the mail folder."""

import collections
import email
import email.policy

from harness import queue
from harness.books import check_balances, check_months, household_of


def mails_by_event(mail_dir):
    """How many mails came for each (event, recipient)."""
    found = collections.Counter()
    for path in mail_dir.glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        event = message.get("X-Money-Manager-Event")
        if event:
            found[(str(event), str(message.get("X-Envelope-To")))] += 1
    return found


def mails_in_doubt(database):
    """Mails whose last line was out when their worker died: those may be doubled, once each doubt."""
    return {
        row["event_id"]: int(row["doubts"])
        for row in database.rows("SELECT event_id, in_doubt AS doubts FROM mail_ledger WHERE in_doubt > 0")
    }


def settled(database):
    """Why the system is not at rest yet; '' when it is."""
    waiting = database.one("SELECT COUNT(*) AS n FROM outbox WHERE state IN ('recorded', 'sent')")["n"]
    mails = database.one("SELECT COUNT(*) AS n FROM mail_ledger WHERE state IN ('pending', 'sending')")["n"]
    return f"{waiting} events, {mails} mails" if waiting or mails else ""


class Report:
    def __init__(self):
        self.figures = {}
        self.broken = []

    def check(self, what, run):
        try:
            self.figures[what] = run()
        except AssertionError as fault:
            self.broken.append(f"{what}: {fault}")

    def __str__(self):
        lines = [f"{name:40} {value}" for name, value in self.figures.items()]
        return "\n".join(lines + [f"BROKEN {line}" for line in self.broken])


def check_all(stack, database, load, users, large):
    """large: amount from which an expense or income is mailed."""
    report = Report()
    report.check("acknowledged writes", lambda: load.acknowledged)
    report.check("rows kept, requests without an answer", lambda: load.check_writes(database))
    households = [household_of(database, user) for user in users]

    def books():
        for household in households:
            check_balances(database, household)
            check_months(database, household)
        return f"{len(households)} households add up"

    def effects():
        made = database.one("SELECT COUNT(*) AS n FROM transactions WHERE kind <> 'transfer' AND amount >= %s", large)["n"]
        events = database.one("SELECT COUNT(*) AS n FROM outbox WHERE type = 'transaction.large'")["n"]
        told = database.one("SELECT COUNT(*) AS n FROM notifications WHERE type IN ('EXPENSE', 'INCOME')")["n"]
        assert events == made, f"{made} large transactions, {events} events"
        assert told == events, f"{events} events, {told} notifications"
        return f"{events} events, each effect once"

    def mails():
        found, doubts = mails_by_event(stack.mail_dir), mails_in_doubt(database)
        ledger = database.rows("SELECT event_id, recipient, state FROM mail_ledger")
        lost = [row["event_id"] for row in ledger if row["state"] == "sent" and not found[(row["event_id"], row["recipient"])]]
        open_rows = [row["event_id"] for row in ledger if row["state"] not in ("sent", "refused")]
        doubled = {key: n for key, n in found.items() if n > 1 + doubts.get(key[0], 0)}
        assert not lost, f"{len(lost)} mails never came: {lost[:3]}"
        assert not open_rows, f"{len(open_rows)} mails still wait"
        assert not doubled, f"doubled beyond the counted window: {list(doubled.items())[:3]}"
        return f"{len(found)} mails, {sum(n - 1 for n in found.values() if n > 1)} doubled within the counted window"

    def queues():
        dead = queue.dead_letters(stack)
        parked = database.one("SELECT COUNT(*) AS n FROM parked_messages")["n"]
        waiting = settled(database)
        assert not dead, f"{len(dead)} messages in the DLQ"
        assert not parked, f"{parked} parked messages"
        assert not waiting, f"not at rest: {waiting}"
        return "DLQ, parked messages and outbox are empty"

    for what, run in (("books", books), ("effects", effects), ("mails", mails), ("queues", queues)):
        report.check(what, run)
    return report
