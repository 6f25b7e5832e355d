"""Users for the tests: each is registered, activated by the mailed code and signed in, as a real one would be."""

import uuid

from harness.client import Client, random_address

PASSWORD = "Mật-khẩu-123"


def fresh_email(prefix="user"):
    return f"{prefix}.{uuid.uuid4().hex[:16]}@example.test"


class User(Client):
    """A signed-in client that knows who it is, with short words for what most tests do first."""

    def __init__(self, stack, email, password=PASSWORD, **settings):
        super().__init__(stack, **settings)
        self.email = email
        self.password = password
        self.profile = None

    def sign_in(self):
        answer = self.post(
            "/login", {"email": self.email, "password": self.password}, expect=200, headers={"Authorization": None}
        )
        self.token = answer.json["token"]
        self.profile = answer.json["user"]
        return answer

    @property
    def id(self):
        return self.profile["id"]

    def category(self, type="expense", name=None, **more):
        return self.post("/categories", {"name": name or f"Loại {uuid.uuid4().hex[:8]}", "type": type, **more}, expect=201).json

    def jar(self, name=None, target=0, **more):
        return self.post(
            "/jars", {"name": name or f"Hũ {uuid.uuid4().hex[:8]}", "targetPercentage": target, **more}, expect=201
        ).json

    def income(self, amount, category=None, name="Lương", **more):
        category = category or self.category_of("income")
        return self.post("/incomes", {"name": name, "categoryId": category, "amount": amount, **more}, expect=201).json

    def expense(self, amount, category=None, name="Ăn trưa", **more):
        category = category or self.category_of("expense")
        return self.post("/expenses", {"name": name, "categoryId": category, "amount": amount, **more}, expect=201).json

    def category_of(self, type):
        """Id of a category of that type, made at first need."""
        known = self.__dict__.setdefault("_categories", {})
        if type not in known:
            known[type] = self.category(type)["id"]
        return known[type]

    def jars(self):
        return {jar["id"]: jar for jar in self.get("/jars").json}

    def balances(self):
        return {id: jar["currentBalance"] for id, jar in self.jars().items()}

    def unassigned(self):
        return self.get("/jars/unassigned").json["amount"]

    def total(self):
        """Sum of the jars and what no jar holds."""
        return sum(self.balances().values()) + self.unassigned()


def register(stack, email=None, password=PASSWORD, name="Nguyễn Văn Thử"):
    user = User(stack, email or fresh_email(), password, address=random_address())
    user.post("/register", {"fullName": name, "email": user.email, "password": password, "profileImageUrl": ""}, expect=201)
    return user


class UserPool:
    """Users made a few at a time: the mails of a batch are awaited together."""

    BATCH = 5

    def __init__(self, stack, mailbox):
        self.stack = stack
        self.mailbox = mailbox
        self.ready = []

    def take(self):
        if not self.ready:
            batch = [register(self.stack) for _ in range(self.BATCH)]
            for user in batch:
                user.post("/verify-activation", {"email": user.email, "otp": self.mailbox.code(user.email)}, expect=200)
            self.ready = batch
        user = self.ready.pop()
        user.sign_in()
        return user
