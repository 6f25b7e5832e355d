"""A demo account with three months of money in it, made through the API as a client would. Nothing happens when the
account can log in already."""

import datetime
import email
import email.policy
import os
import re
import time

import requests

EMAIL = "demo@moneymanager.example"
PASSWORD = "demo-password"
MAIL_SECONDS = 30

# name, type, icon
CATEGORIES = (
    ("Lương", "income", "💼"),
    ("Thưởng", "income", "🎁"),
    ("Ăn uống", "expense", "🍜"),
    ("Đi lại", "expense", "🛵"),
    ("Nhà cửa", "expense", "🏠"),
    ("Học tập", "expense", "📚"),
)
# months back, day, category, name, amount; an expense's jar is the first one
ENTRIES = (
    (2, 1, "Lương", "Lương tháng", 18_000_000),
    (2, 3, "Nhà cửa", "Tiền nhà", 4_500_000),
    (2, 9, "Ăn uống", "Đi chợ", 850_000),
    (2, 20, "Đi lại", "Xăng xe", 200_000),
    (1, 1, "Lương", "Lương tháng", 18_000_000),
    (1, 3, "Nhà cửa", "Tiền nhà", 4_500_000),
    (1, 12, "Ăn uống", "Ăn tối cùng gia đình", 1_250_000),
    (1, 15, "Học tập", "Khóa học tiếng Anh", 1_900_000),
    (0, 1, "Lương", "Lương tháng", 18_000_000),
    (0, 1, "Thưởng", "Thưởng dự án", 3_000_000),
    (0, 1, "Ăn uống", "Phở sáng", 55_000),
)


class DemoError(Exception):
    pass


class Client:
    def __init__(self, base):
        self.base = base
        self.session = requests.Session()

    def call(self, method, path, body=None, expect=(200,)):
        answer = self.session.request(method, self.base + path, json=body, timeout=20)
        if answer.status_code not in expect:
            raise DemoError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json() if answer.content else None

    def login(self):
        answer = self.session.post(self.base + "/login", json={"email": EMAIL, "password": PASSWORD}, timeout=20)
        if answer.status_code != 200:
            return False
        self.session.headers["Authorization"] = "Bearer " + answer.json()["token"]
        return True


def mails_to(mail_dir, address):
    """The parsed mails to an address, newest first."""
    for name in sorted(os.listdir(mail_dir), reverse=True):
        if not name.endswith(".eml"):
            continue
        with open(os.path.join(mail_dir, name), "rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        if address in str(mail["To"]):
            yield mail


def wait_for_code(mail_dir, address):
    end = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < end:
        for mail in mails_to(mail_dir, address):
            found = re.search(r"\b\d{6}\b", mail.get_body(("plain",)).get_content())
            if found:
                return found.group()
        time.sleep(0.1)
    raise DemoError(f"no mail with a code came within {MAIL_SECONDS} s")


def day_of(today, months_back, day):
    month = today.year * 12 + today.month - 1 - months_back
    return datetime.date(month // 12, month % 12 + 1, day).isoformat()


def fill(client):
    ids = {}
    for name, kind, icon in CATEGORIES:
        body = {"name": name, "type": kind, "icon": icon}
        ids[name] = client.call("POST", "/categories", body, (201,))["id"]
    kinds = {name: kind for name, kind, _ in CATEGORIES}
    today = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=7)).date()
    jar = None
    for months_back, day, category, name, amount in ENTRIES:
        body = {"name": name, "categoryId": ids[category], "amount": amount, "date": day_of(today, months_back, day)}
        if kinds[category] == "income":
            client.call("POST", "/incomes", body, (201,))
            jar = jar or client.call("GET", "/jars")[0]["id"]
        else:
            client.call("POST", "/expenses", {**body, "jarId": jar}, (201,))


def ensure(base, mail_dir):
    client = Client(base)
    if client.login():
        return
    body = {"fullName": "Người dùng thử", "email": EMAIL, "password": PASSWORD, "profileImageUrl": ""}
    client.call("POST", "/register", body, (201,))
    client.call("POST", "/verify-activation", {"email": EMAIL, "otp": wait_for_code(mail_dir, EMAIL)})
    if not client.login():
        raise DemoError("the new account cannot log in")
    fill(client)
