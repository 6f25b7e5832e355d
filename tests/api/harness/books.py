"""The rules that hold for every household at any time, computed from its rows alone."""

from collections import defaultdict

from harness.dates import month, month_text


def household_of(database, user):
    return database.one("SELECT household_id FROM household_members WHERE user_id = %s", user.id)["household_id"]


def check_balances(database, household):
    """Balances are the sums of their entries; jars + unassigned = incomes - expenses."""
    entries = {
        row["jar_id"]: int(row["total"])
        for row in database.rows(
            "SELECT jar_id, SUM(amount) AS total FROM jar_entries WHERE household_id = %s GROUP BY jar_id", household
        )
    }
    jars = {row["id"]: row for row in database.rows("SELECT id, balance, active FROM jars WHERE household_id = %s", household)}
    for id, jar in jars.items():
        assert jar["balance"] == entries.get(id, 0), f"jar {id}: balance {jar['balance']}, entries {entries.get(id, 0)}"
        assert jar["active"] or jar["balance"] == 0, f"deleted jar {id} still holds {jar['balance']}"
    made = database.one(
        "SELECT COALESCE(SUM(CASE kind WHEN 'income' THEN amount WHEN 'expense' THEN -amount ELSE 0 END), 0) AS total"
        " FROM transactions WHERE household_id = %s AND deleted_at IS NULL",
        household,
    )
    unassigned = database.one("SELECT unassigned FROM households WHERE id = %s", household)["unassigned"]
    held = sum(jar["balance"] for jar in jars.values())
    assert held + unassigned == int(made["total"]), f"jars {held} + unassigned {unassigned} != incomes - expenses {made['total']}"


def months_from_entries(database, household, jar):
    """{yyyymm: figures} of every month in which something happened, carried along (for a jar that carries)."""
    parts = defaultdict(lambda: {"allocated": 0, "moved": 0, "spent": 0})
    for row in database.rows(
        "SELECT kind, amount, occurred_on FROM jar_entries WHERE household_id = %s AND jar_id = %s", household, jar
    ):
        figures = parts[row["occurred_on"].year * 100 + row["occurred_on"].month]
        match row["kind"]:
            case "allocation":
                figures["allocated"] += row["amount"]
            case "spend" | "refund":
                figures["spent"] -= row["amount"]
            case _:
                figures["moved"] += row["amount"]
    carried, result = 0, {}
    for number in sorted(parts):
        figures = parts[number]
        limit = carried + figures["allocated"] + figures["moved"]
        result[number] = {"carried": carried, **figures, "limit": limit, "available": limit - figures["spent"]}
        carried = result[number]["available"]
    return result


def derived(months, number):
    """The figures of a month, from the latest one at or before it when it has none of its own."""
    if number in months:
        return months[number]
    left = next((months[m]["available"] for m in sorted(months, reverse=True) if m < number), 0)
    return {"carried": left, "allocated": 0, "moved": 0, "spent": 0, "limit": left, "available": left}


def check_months(database, household, user=None):
    """Every stored month equals the recomputation, and an ended month of a jar that resets is empty; with a user, the months
    that the API shows are those too."""
    this_month = int(month_text().replace("-", ""))
    for jar in database.rows("SELECT id, rollover, reset_from FROM jars WHERE household_id = %s AND active = 1", household):
        months = months_from_entries(database, household, jar["id"])
        resets = jar["rollover"] == "reset"
        for number, figures in months.items():
            closed = resets and (jar["reset_from"] or 0) <= number < this_month
            assert not closed or figures["available"] == 0, f"reset jar {jar['id']} month {number}: {figures}"
        for row in database.rows("SELECT * FROM jar_months WHERE household_id = %s AND jar_id = %s", household, jar["id"]):
            expected = derived(months, row["month"])
            got = {name: row[name] for name in ("carried", "allocated", "moved", "spent")}
            assert got == {name: expected[name] for name in got}, f"jar {jar['id']} month {row['month']}"
        if user is not None and not resets:
            check_shown(user, jar["id"], months)


def check_shown(user, jar, months):
    span = [month(offset) for offset in range(-4, 3)]
    query = {"from": "{:04d}-{:02d}".format(*span[0]), "to": "{:04d}-{:02d}".format(*span[-1])}
    shown = user.get(f"/jars/{jar}/months", query=query).json
    expected = [{"month": f"{year:04d}-{number:02d}", **derived(months, year * 100 + number)} for year, number in span]
    assert shown == expected
