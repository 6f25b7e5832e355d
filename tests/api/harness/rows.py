"""Many rows at once, past the API: for what is about their number."""

import datetime

BATCH = 5000


def many_transactions(user, rows, days=1095, kind="expense"):
    """Straight into the table, from today back: the ledger's sums are not asked about where this is used."""
    categories = [user.category(kind)["id"] for _ in range(8)]
    today = datetime.date.today()
    # Without a function among the values the client sends many rows a statement.
    insert = (
        "INSERT INTO transactions (household_id, kind, amount, occurred_on, category_id, name, created_by, created_at, updated_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    )
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    with user.stack.sql() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT household_id FROM household_members WHERE user_id = %s", (user.id,))
        household = cursor.fetchone()["household_id"]
        for first in range(0, rows, BATCH):
            values = [
                (
                    household,
                    kind,
                    1000 + number * 7919 % 900_000,
                    today - datetime.timedelta(number % days),
                    categories[number % len(categories)],
                    f"Khoản chi thứ {number}",
                    user.id,
                    now,
                    now,
                )
                for number in range(first, min(first + BATCH, rows))
            ]
            cursor.executemany(insert, values)
