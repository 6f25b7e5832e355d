"""Random commands over one household: after each of them the books are in order."""

import random

import pytest

from harness.books import check_balances, check_months, household_of
from harness.dates import day_in

STEPS = 60


class Player:
    """Does one random thing at a time and remembers what exists."""

    def __init__(self, user, seed):
        self.user = user
        self.random = random.Random(seed)
        self.pay = user.category_of("income")
        self.food = user.category_of("expense")
        self.jars, self.deleted_jars, self.incomes, self.expenses, self.deleted = [], [], {}, {}, []
        self.names = 0

    def step(self):
        moves = (
            [self.add_income] * 3
            + [self.add_expense] * 5
            + [self.change_income, self.change_expense] * 2
            + [self.delete, self.restore, self.transfer, self.transfer, self.add_jar, self.change_jar, self.delete_jar]
        )
        move = self.random.choice(moves)
        move()
        return move.__name__

    def amount(self):
        return self.random.choice([1, 7, 99, 101, 1_000, 12_345, 333_333, 1_000_001])

    def date(self):
        return day_in(self.random.randint(-3, 1), self.random.randint(1, 28))

    def jar(self):
        return self.random.choice([*self.jars, None])

    def add_income(self):
        amount, more = self.amount(), {}
        if self.jars and self.random.random() < 0.4:
            chosen = self.random.sample(self.jars, min(2, len(self.jars)))
            parts = [amount // 2, amount // 3]
            more["allocations"] = [
                {"jarId": jar, "amount": part} for jar, part in zip(chosen, parts, strict=False) if part > 0
            ] or None
        made = self.user.income(amount, self.pay, date=self.date(), **more)
        self.incomes[made["id"]] = made
        if not self.jars:
            self.jars = list(self.user.jars())

    def add_expense(self):
        made = self.user.expense(self.amount(), self.food, date=self.date(), jarId=self.jar())
        self.expenses[made["id"]] = made

    def change_income(self):
        if self.incomes:
            id = self.random.choice(list(self.incomes))
            self.user.put(f"/incomes/{id}", {"name": "Đổi", "categoryId": self.pay, "amount": self.amount(), "date": self.date()})

    def change_expense(self):
        if self.expenses:
            id = self.random.choice(list(self.expenses))
            path = self.random.choice(["/expenses", "/transactions"])
            body = {"name": "Đổi", "categoryId": self.food, "amount": self.amount(), "date": self.date(), "jarId": self.jar()}
            self.user.put(f"{path}/{id}", body)

    def delete(self):
        kind, known = self.random.choice([("incomes", self.incomes), ("expenses", self.expenses)])
        if known:
            id = self.random.choice(list(known))
            self.user.delete(f"/{self.random.choice([kind, 'transactions'])}/{id}", expect=204)
            self.deleted.append((known, id, known.pop(id)))

    def restore(self):
        if self.deleted:
            known, id, row = self.deleted.pop(self.random.randrange(len(self.deleted)))
            self.user.post(f"/transactions/{id}/restore", expect=200)
            known[id] = row

    def transfer(self):
        source, target = self.jar(), self.jar()
        if source != target:
            answer = self.user.post("/jars/transfer", {"fromJarId": source, "toJarId": target, "amount": self.amount()})
            assert answer.status in (200, 409)

    def add_jar(self):
        self.names += 1
        if len(self.jars) < 9:
            balance = self.random.choice([0, 0, 500, 77_777])
            rollover = self.random.choice(["carry", "carry", "reset"])
            target = self.random.choice([0, 5, 33, 100])
            made = self.user.jar(f"Hũ {self.names}", target, currentBalance=balance, rollover=rollover)
            self.jars.append(made["id"])

    def change_jar(self):
        if self.jars:
            change = {"targetPercentage": self.random.choice([0, 1, 10, 50, 99])}
            if self.random.random() < 0.3:
                change["rollover"] = self.random.choice(["carry", "reset"])
            self.user.put(f"/jars/{self.random.choice(self.jars)}", change)

    def delete_jar(self):
        if len(self.jars) > 2 and self.random.random() < 0.6:
            jar = self.jars.pop(self.random.randrange(len(self.jars)))
            self.user.delete(f"/jars/{jar}", expect=200)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_books_are_in_order_after_every_command(users, database, seed):
    user = users.take()
    player = Player(user, seed)
    household = household_of(database, user)
    for number in range(STEPS):
        name = player.step()
        try:
            check_balances(database, household)
            check_months(database, household, user if number % 15 == 14 else None)
        except AssertionError as fault:
            raise AssertionError(f"seed {seed}, step {number} ({name}): {fault}") from fault
    balances = {
        row["id"]: row["balance"]
        for row in database.rows("SELECT id, balance FROM jars WHERE household_id = %s AND active = 1", household)
    }
    assert user.balances() == balances
    assert user.unassigned() == database.one("SELECT unassigned FROM households WHERE id = %s", household)["unassigned"]


def test_a_deleted_category_leaves_the_books_in_order(users, database):
    user = users.take()
    player = Player(user, 4)
    household = household_of(database, user)
    for _ in range(25):
        player.step()
    for category in (player.food, player.pay):
        user.delete(f"/categories/{category}", expect=204)
        check_balances(database, household)
        check_months(database, household, user)
    moved = sum(1 for row in user.get("/transactions").json if row["kind"] != "transfer")
    assert moved == 0
    assert user.total() == 0
