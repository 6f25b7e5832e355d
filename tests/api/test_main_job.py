"""The main job: a large transaction is committed, mailed once, told in the app, and the jars' limits are recalculated."""

import json
import uuid

import pytest

from harness import queue
from harness.books import check_balances, check_months, household_of
from harness.dates import day_in, month, month_text
from harness.wait import until

LARGE = "transaction.large"
RECALCULATE = "jars.recalculate"


def events(database, household, type=None):
    rows = database.rows("SELECT * FROM outbox WHERE household_id = %s ORDER BY id", household)
    return [row for row in rows if type in (None, row["type"])]


def settled(database, household, seconds=60):
    """Waits until every event of the household is processed and every mail of it has gone out."""

    def done():
        # The events first: a mail is in the ledger once its event is processed, and not before.
        if not all(row["processed_at"] for row in events(database, household)):
            return False
        return not database.rows("SELECT id FROM mail_ledger WHERE household_id = %s AND state <> 'sent'", household)

    until(done, seconds, f"the work of household {household}")


def mails_about(mailbox, user, name):
    return [mail for mail in mailbox.to(user.email) if name in mail.text]


class Log:
    """What the worker wrote since this was made."""

    def __init__(self, stack):
        self.files = {path: path.stat().st_size for path in stack.log_dir.glob("*worker*")}
        assert self.files, f"no log of the worker in LOG_DIR: {sorted(p.name for p in stack.log_dir.iterdir())}"

    def lines(self):
        for path, start in self.files.items():
            with path.open("rb") as file:
                file.seek(start)
                yield from file.read().decode("utf-8", "replace").splitlines()

    def errors_about(self, household):
        return [line for line in self.lines() if "error" in line.lower() and str(household) in line]


@pytest.fixture
def saver(user, database):
    """A user with 12,000,000 in a jar called Du lịch, put there by incomes that are not large."""
    user.spent_from = user.jar("Du lịch", 100)["id"]
    for _ in range(3):
        user.income(4_000_000)
    user.household = household_of(database, user)
    user.food = user.category("expense", "Khách sạn")["id"]
    return user


def test_a_large_expense_is_mailed_within_seconds(saver, mailbox, database, stack):
    expense = saver.expense(7_200_000, saver.food, "Phòng ở Đà Lạt", jarId=saver.spent_from)
    mail = mailbox.wait(saver.email, 1, 20, lambda mail: "Phòng ở Đà Lạt" in mail.text)[0]
    assert mail.message.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_type(), part.get_content_charset()) for part in mail.message.iter_parts()]
    assert parts == [("text/plain", "utf-8"), ("text/html", "utf-8")]
    for text in (mail.text, mail.html):
        for told in ("Phòng ở Đà Lạt", "7.200.000", "Du lịch", "Khách sạn", "4.800.000"):
            assert told in text, f"{told} is not told in {text}"
    year, number, day = expense["date"].split("-")
    assert f"{day}/{number}/{year}" in mail.text or expense["date"] in mail.text
    assert mail.subject
    headers = mail.raw.split(b"\r\n\r\n" if b"\r\n\r\n" in mail.raw else b"\n\n")[0]
    assert headers.isascii()
    assert mail.message["From"].addresses[0].addr_spec == stack.env["MAIL_FROM"]
    for name in ("Date", "Message-ID", "MIME-Version"):
        assert mail.message[name], f"the mail has no {name}"
    settled(database, saver.household)
    assert len(mails_about(mailbox, saver, "Phòng ở Đà Lạt")) == 1
    assert queue.dead_letters(stack) == []


def test_a_large_expense_is_told_in_the_app_once(saver, database):
    saver.expense(7_200_000, saver.food, "Vé máy bay", jarId=saver.spent_from)
    settled(database, saver.household)
    [event] = events(database, saver.household, LARGE)
    rows = database.rows("SELECT * FROM notifications WHERE user_id = %s AND event_id = %s", saver.id, event["id"])
    told = [row for row in rows if "Vé máy bay" in row["title"] + row["message"] and "7.200.000" in row["title"] + row["message"]]
    assert len(told) == 1
    assert told[0]["household_id"] == saver.household
    assert told[0]["read_at"] is None


def test_the_limits_show_it_at_once_and_after_the_recalculation(saver, database):
    expected = {
        "month": month_text(),
        "carried": 0,
        "allocated": 12_000_000,
        "moved": 0,
        "limit": 12_000_000,
        "spent": 7_200_000,
        "available": 4_800_000,
    }
    saver.expense(7_200_000, saver.food, jarId=saver.spent_from)
    assert saver.jars()[saver.spent_from]["current"] == expected
    settled(database, saver.household)
    assert saver.jars()[saver.spent_from]["current"] == expected
    check_balances(database, saver.household)
    check_months(database, saver.household, saver)


def test_the_event_is_recorded_with_the_command(saver, database):
    expense = saver.expense(5_000_000, saver.food, jarId=saver.spent_from)
    [event] = events(database, saver.household, LARGE)
    body = json.loads(event["body"])
    assert (body["id"], body["type"], body["householdId"], body["userId"], body["subjectId"]) == (
        event["id"],
        LARGE,
        saver.household,
        saver.id,
        expense["id"],
    )
    assert {"version", "occurredAt", "data", "attempt", "firstSentAt"} <= set(body)
    settled(database, saver.household)
    assert events(database, saver.household, LARGE)[0]["state"] == "processed"


def test_less_than_large_is_not_mailed(saver, database):
    saver.expense(4_999_999, saver.food, jarId=saver.spent_from)
    assert events(database, saver.household, LARGE) == []


def test_a_large_income_is_large_too(user, database, mailbox):
    user.income(6_000_000, name="Thưởng Tết")
    household = household_of(database, user)
    settled(database, household)
    assert len(events(database, household, LARGE)) == 1
    assert len(mails_about(mailbox, user, "Thưởng Tết")) == 1


def test_the_users_own_threshold_counts(saver, database, mailbox):
    saver.put("/profile/preferences", {"language": "vi", "largeTransactionAmount": 100_000})
    saver.expense(99_999, saver.food, "Vừa thiếu", jarId=saver.spent_from)
    saver.expense(100_000, saver.food, "Vừa đủ", jarId=saver.spent_from)
    settled(database, saver.household)
    assert len(mails_about(mailbox, saver, "Vừa đủ")) == 1
    assert mails_about(mailbox, saver, "Vừa thiếu") == []
    saver.put("/profile/preferences", {"language": "vi", "largeTransactionAmount": 50_000_000})
    saver.expense(6_000_000, saver.food, "Không lớn", jarId=saver.spent_from)
    assert len(events(database, saver.household, LARGE)) == 1


def test_the_mail_speaks_the_users_language(saver, database, mailbox):
    saver.put("/profile/preferences", {"language": "en", "largeTransactionAmount": None})
    saver.expense(7_200_000, saver.food, "Hotel", jarId=saver.spent_from)
    settled(database, saver.household)
    [mail] = mails_about(mailbox, saver, "Hotel")
    assert "7,200,000" in mail.text
    assert mail.subject.isascii()


def test_a_name_cannot_break_the_mail(saver, database, mailbox):
    name = "<script>alert(1)</script> & {{amount}} %s {name}"
    saver.expense(7_200_000, saver.food, name, jarId=saver.spent_from)
    settled(database, saver.household)
    [mail] = mails_about(mailbox, saver, name)
    assert "<script" not in mail.html
    assert "&lt;script&gt;" in mail.html


def test_without_a_jar_the_mail_comes_all_the_same(saver, database, mailbox):
    saver.expense(6_000_000, saver.food, "Không hũ")
    settled(database, saver.household)
    assert len(mails_about(mailbox, saver, "Không hũ")) == 1


def test_many_large_transactions_are_each_mailed_once(saver, database, mailbox, stack):
    saver.put("/profile/preferences", {"language": "vi", "largeTransactionAmount": 1_000})
    names = [f"Khoản thứ {n:02d}." for n in range(15)]
    for name in names:
        saver.expense(2_000, saver.food, name, jarId=saver.spent_from)
    settled(database, saver.household)
    assert [len(mails_about(mailbox, saver, name)) for name in names] == [1] * len(names)
    assert queue.dead_letters(stack) == []


def test_a_copy_of_the_message_does_nothing(saver, database, mailbox, stack):
    saver.expense(7_200_000, saver.food, "Một lần thôi", jarId=saver.spent_from)
    settled(database, saver.household)
    [event] = events(database, saver.household, LARGE)
    told = database.rows("SELECT id FROM notifications WHERE user_id = %s", saver.id)
    queue.send(stack, event["body"])
    queue.send(stack, event["body"])
    until(
        lambda: not any(event["id"] in body for body in queue.messages(stack, stack.env["SQS_QUEUE_URL"])),
        60,
        "the copies being taken",
    )
    settled(database, saver.household)
    assert len(mails_about(mailbox, saver, "Một lần thôi")) == 1
    assert database.rows("SELECT id FROM notifications WHERE user_id = %s", saver.id) == told


def test_a_message_that_can_never_succeed_is_parked_and_not_a_dead_letter(stack, database):
    marker = f"nonsense-{uuid.uuid4().hex}"
    queue.send(stack, f"this is no JSON {marker}")
    queue.send(stack, {"id": marker, "type": "no.such.type", "version": 1})

    def parked():
        rows = database.rows("SELECT reason, body FROM parked_messages WHERE body LIKE %s", f"%{marker}%")
        return rows if len(rows) == 2 else None

    assert all(row["reason"] for row in until(parked, 60, "two parked messages"))
    assert not any(marker in body for body in queue.dead_letters(stack))


# The recalculation


@pytest.mark.parametrize("column, offset", [("allocated", 0), ("carried", 0), ("spent", 0), ("moved", 0), ("allocated", -1)])
def test_a_corrupted_month_is_repaired_and_told_as_an_error(saver, database, stack, column, offset):
    saver.income(1_000_000, date=day_in(-1))
    settled(database, saver.household)
    log = Log(stack)
    year, number = month(offset)
    changed = database.run(
        f"UPDATE jar_months SET {column} = {column} + 777 WHERE household_id = %s AND jar_id = %s AND month = %s",
        saver.household,
        saver.spent_from,
        year * 100 + number,
    )
    assert changed == 1
    saver.expense(6_000_000, saver.food, jarId=saver.spent_from, date=day_in(offset))
    settled(database, saver.household)
    check_months(database, saver.household, saver)
    check_balances(database, saver.household)
    until(lambda: log.errors_about(saver.household), 10, "an ERROR in the worker's log")


def test_a_change_in_an_earlier_month_queues_a_recalculation(saver, database):
    saver.expense(1_000, saver.food, jarId=saver.spent_from)
    assert events(database, saver.household, RECALCULATE) == []
    saver.expense(1_000, saver.food, jarId=saver.spent_from, date=day_in(-2))
    assert len(events(database, saver.household, RECALCULATE)) == 1
    settled(database, saver.household)
    check_months(database, saver.household, saver)


def test_a_sound_household_logs_no_error(saver, database, stack):
    log = Log(stack)
    saver.expense(6_000_000, saver.food, jarId=saver.spent_from)
    saver.expense(2_000, saver.food, jarId=saver.spent_from, date=day_in(-1))
    settled(database, saver.household)
    assert not [line for line in log.errors_about(saver.household) if "repair" in line.lower()]


def test_the_thresholds_of_a_jar_are_told_once_a_month(saver, database):
    def told():
        return sorted(
            row["threshold"]
            for row in database.rows(
                "SELECT threshold FROM threshold_alerts WHERE household_id = %s AND subject = 'jar' AND subject_id = %s",
                saver.household,
                saver.spent_from,
            )
        )

    saver.expense(9_700_000, saver.food, jarId=saver.spent_from)
    settled(database, saver.household)
    assert told() == [80]
    saver.expense(5_000_000, saver.food, jarId=saver.spent_from)
    settled(database, saver.household)
    assert told() == [80, 100]
    before = len(database.rows("SELECT id FROM notifications WHERE user_id = %s", saver.id))
    saver.expense(5_000_000, saver.food, jarId=saver.spent_from)
    settled(database, saver.household)
    assert told() == [80, 100]
    assert len(database.rows("SELECT id FROM notifications WHERE user_id = %s", saver.id)) == before + 1
