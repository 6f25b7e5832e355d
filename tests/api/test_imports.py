"""Bank statements: upload, preview with a verdict for each row, confirmation, undo; a second upload adds none."""

import concurrent.futures
import unicodedata
from datetime import date, timedelta

import pytest

from harness.books import check_balances, household_of
from harness.wait import until

HEADER = "Ngày giao dịch;Số tiền;Nội dung"
COFFEES = f"{HEADER}\n28/03/2026;-45.000;Cà phê Trung Nguyên\n28/03/2026;-45.000;Cà phê Trung Nguyên\n"


def csv(*rows, header=HEADER):
    return "\n".join([header, *rows]) + "\n"


def upload(user, content, name="sao-ke.csv", expect=201, **fields):
    content = content if isinstance(content, bytes) else content.encode()
    return user.upload("/imports", content, name=name, fields=fields, expect=expect)


def preview(user, content, **fields):
    return upload(user, content, **fields).json


def rows(user, imported, **query):
    return user.get(f"/imports/{imported['id']}/rows", query=query).json


def confirm(user, imported, body=None, expect=200):
    return user.post(f"/imports/{imported['id']}/confirm", body, expect=expect).json


def transactions(user):
    return user.get("/transactions", query={"limit": 200}).json


def counts(imported, *names):
    return tuple(imported["counts"][name] for name in names)


def test_two_equal_rows_are_two_and_a_second_upload_adds_none(user, database):
    first = preview(user, COFFEES)
    assert counts(first, "total", "new", "duplicate", "probable", "bad") == (2, 2, 0, 0, 0)
    done = confirm(user, first)
    assert done["status"] == "confirmed" and done["counts"]["added"] == 2
    assert [(t["name"], t["amount"], t["date"]) for t in transactions(user)] == [("Cà phê Trung Nguyên", 45000, "2026-03-28")] * 2
    second = preview(user, COFFEES)
    assert counts(second, "new", "duplicate") == (0, 2)
    assert {row["duplicateOf"] for row in rows(user, second)} == {t["id"] for t in transactions(user)}
    assert confirm(user, second)["counts"]["added"] == 0
    assert len(transactions(user)) == 2
    check_balances(database, household_of(database, user))


def test_overlapping_files_add_each_row_once(user):
    confirm(user, preview(user, csv("01/03/2026;-10.000;A", "13/03/2026;-20.000;B", "13/03/2026;-20.000;B")))
    later = preview(user, csv("13/03/2026;-20.000;B", "13/03/2026;-20.000;b ", "13/03/2026;-20.000;B", "14/03/2026;-5.000;C"))
    assert [row["verdict"] for row in rows(user, later)] == ["duplicate", "duplicate", "new", "new"]
    confirm(user, later)
    assert sorted(t["amount"] for t in transactions(user)) == [5000, 10000, 20000, 20000, 20000]


def test_two_confirmations_at_once_take_the_rows_once(user, database):
    imports = [preview(user, COFFEES) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda i: user.with_().post(f"/imports/{i['id']}/confirm", expect=200).json, imports))
    assert sorted(answer["counts"]["added"] for answer in answers) == [0, 0, 0, 2]
    assert len(transactions(user)) == 2
    check_balances(database, household_of(database, user))


def test_confirming_twice_is_once(user):
    first = preview(user, COFFEES)
    assert confirm(user, first) == confirm(user, first)
    assert len(transactions(user)) == 2


def test_a_file_that_is_half_valid_offers_its_good_rows(user):
    bad = csv("28/03/2026;-45.000;A", "32/03/2026;-1.000;B", "29/03/2026;xyz;C", "29/03/2026;0;D", "30/03/2026;100.000;E")
    seen = preview(user, bad)
    assert counts(seen, "new", "bad") == (2, 3)
    told = {row["line"]: row["reason"] for row in rows(user, seen, verdict="bad")}
    assert set(told) == {3, 4, 5} and all(told.values())
    assert confirm(user, seen)["counts"]["added"] == 2
    assert {(t["kind"], t["amount"]) for t in transactions(user)} == {("expense", 45000), ("income", 100000)}


def test_what_was_entered_by_hand_is_probably_a_duplicate(user):
    category = user.category_of("expense")
    body = {"name": "Bún chả", "categoryId": category, "amount": 50000, "date": "2026-03-27"}
    mine = user.post("/expenses", body, expect=201).json["id"]
    seen = preview(user, csv("29/03/2026;-50.000;POS 1234 BUN CHA", "28/03/2026;-50.000;POS 99", "01/04/2026;-50.000;POS 5"))
    assert [(row["verdict"], row["duplicateOf"]) for row in rows(user, seen)] == [
        ("new", None),
        ("probable", mine),
        ("new", None),
    ]
    assert confirm(user, seen)["counts"]["added"] == 2


def test_probable_rows_are_taken_when_asked(user):
    body = {"name": "A", "categoryId": user.category_of("expense"), "amount": 50000, "date": "2026-03-28"}
    user.post("/expenses", body, expect=201)
    seen = preview(user, csv("28/03/2026;-50.000;B"))
    assert counts(seen, "probable", "included") == (1, 0)
    assert confirm(user, seen, {"includeProbable": True})["counts"]["added"] == 1
    assert len(transactions(user)) == 2


def test_undo_takes_a_whole_import_back(user, database):
    jar = user.jar(target=100)
    user.income(1_000_000)
    before = (user.get("/jars").json, user.get("/jars/unassigned").json, transactions(user))
    seen = preview(user, csv("28/03/2026;-45.000;A", "29/03/2026;2.000.000;Lương"))
    user.put(f"/imports/{seen['id']}/rows/1", {"jarId": jar["id"]})
    confirm(user, seen)
    assert user.get("/jars").json[0]["currentBalance"] == 1_000_000 - 45_000 + 2_000_000
    undone = user.delete(f"/imports/{seen['id']}", expect=200).json
    assert undone["status"] == "undone"
    assert counts(undone, "removed", "kept") == (2, 0)
    after = (user.get("/jars").json, user.get("/jars/unassigned").json, transactions(user))
    assert [j["currentBalance"] for j in after[0]] == [j["currentBalance"] for j in before[0]]
    assert after[1:] == before[1:]
    check_balances(database, household_of(database, user))
    again = preview(user, csv("28/03/2026;-45.000;A", "29/03/2026;2.000.000;Lương"))
    assert counts(again, "new", "duplicate") == (2, 0)


def test_undo_keeps_what_was_edited_and_says_so(user, database):
    seen = preview(user, csv("28/03/2026;-45.000;A", "29/03/2026;-50.000;B"))
    confirm(user, seen)
    edited = next(t for t in transactions(user) if t["name"] == "A")
    user.put(f"/transactions/{edited['id']}", {"name": "Quà", "amount": 45000})
    undone = user.delete(f"/imports/{seen['id']}", expect=200).json
    assert counts(undone, "removed", "kept") == (1, 1)
    assert undone["keptTransactionIds"] == [edited["id"]]
    assert [t["id"] for t in transactions(user)] == [edited["id"]]
    again = preview(user, csv("28/03/2026;-45.000;A", "29/03/2026;-50.000;B"))
    assert [row["verdict"] for row in rows(user, again)] == ["duplicate", "new"]
    check_balances(database, household_of(database, user))
    assert user.delete(f"/imports/{seen['id']}", expect=200).json == undone


def test_a_preview_is_removed_without_a_trace(user):
    seen = preview(user, COFFEES)
    user.delete(f"/imports/{seen['id']}", expect=204)
    user.get(f"/imports/{seen['id']}", expect=404)
    assert transactions(user) == [] and user.get("/imports").json == []


def test_rows_without_a_category_get_the_one_that_stands_for_none(user):
    own = user.category("income", "Lương")["id"]
    seen = preview(user, csv("28/03/2026;-45.000;A", "28/03/2026;9.000;B", "28/03/2026;7.000;C"))
    user.put(f"/imports/{seen['id']}/rows/3", {"categoryId": own, "name": "Tháng ba"})
    confirm(user, seen)
    assert {(t["name"], t["kind"], t["categoryName"], t["note"]) for t in transactions(user)} == {
        ("A", "expense", "Khác", None),
        ("B", "income", "Khác", None),
        ("Tháng ba", "income", "Lương", "C"),
    }
    confirm(user, preview(user, csv("30/03/2026;-1.000;D")))
    assert len([c for c in user.get("/categories").json if c["name"] == "Khác"]) == 2


def test_incomes_are_allocated_unless_told_otherwise(user, database):
    user.jar(target=60), user.jar(target=40)
    confirm(user, preview(user, csv("28/03/2026;1.001;A", "28/03/2026;999;B")))
    assert [jar["currentBalance"] for jar in user.get("/jars").json] == [1200, 800]
    confirm(user, preview(user, csv("29/03/2026;5.000;C")), {"allocate": False})
    assert [jar["currentBalance"] for jar in user.get("/jars").json] == [1200, 800]
    assert user.get("/jars/unassigned").json["amount"] == 5000
    check_balances(database, household_of(database, user))


def test_a_row_can_be_left_out_and_a_duplicate_taken(user):
    confirm(user, preview(user, csv("28/03/2026;-45.000;A")))
    seen = preview(user, csv("28/03/2026;-45.000;A", "29/03/2026;-1.000;B"))
    assert user.put(f"/imports/{seen['id']}/rows/1", {"include": True}).json["include"] is True
    assert user.put(f"/imports/{seen['id']}/rows/2", {"include": False}).json["include"] is False
    assert confirm(user, seen)["counts"]["added"] == 1
    assert [t["name"] for t in transactions(user)] == ["A", "A"]
    user.put(f"/imports/{seen['id']}/rows/2", {"include": True}, expect=409, code="conflict")


def test_what_a_row_names_must_be_the_households(user, other):
    seen = preview(user, csv("28/03/2026;-45.000;A", "28/03/2026;45.000;B", "x;1;C"))
    path = f"/imports/{seen['id']}/rows/"
    user.put(path + "1", {"categoryId": other.category_of("expense")}, expect=404)
    user.put(path + "1", {"jarId": other.jar()["id"]}, expect=404)
    user.put(path + "9", {"name": "X"}, expect=404)
    user.invalid("PUT", path + "1", {"categoryId": user.category_of("income")}, "categoryId")
    user.invalid("PUT", path + "2", {"jarId": user.jar()["id"]}, "jarId")
    user.invalid("PUT", path + "3", {"include": True}, "include")
    user.invalid("PUT", path + "1", {"amount": 5}, "amount")


def test_imports_of_others_are_not_there(user, other):
    seen = preview(user, COFFEES)
    path = f"/imports/{seen['id']}"
    for call in (
        lambda: other.get(path, expect=404),
        lambda: other.get(path + "/rows", expect=404),
        lambda: other.post(path + "/confirm", expect=404),
        lambda: other.put(path + "/mapping", {"dayFirst": True}, expect=404),
        lambda: other.put(path + "/rows/1", {"name": "X"}, expect=404),
        lambda: other.delete(path, expect=404),
    ):
        call()
    assert other.get("/imports").json == []
    assert preview(other, COFFEES)["counts"]["new"] == 2


def test_an_order_of_day_and_month_that_nothing_tells_is_asked(user):
    seen = preview(user, csv("05/03/2026;-1.000;A", "06/04/2026;-2.000;B"))
    assert seen["questions"] == ["dayFirst"]
    user.post(f"/imports/{seen['id']}/confirm", expect=409, code="conflict")
    told = user.put(f"/imports/{seen['id']}/mapping", {"dayFirst": False}).json
    assert told["questions"] == []
    assert [row["date"] for row in rows(user, seen)] == ["2026-05-03", "2026-06-04"]
    confirm(user, told)
    # The answer is kept for files of this header; a day beyond 12 goes before it.
    assert preview(user, csv("07/08/2026;-1.000;A"))["mapping"]["dayFirst"] is False
    assert preview(user, csv("27/08/2026;-1.000;A"))["mapping"]["dayFirst"] is True


def test_columns_that_nothing_tells_are_asked(user):
    content = "a,b,c\n2026-03-28,x,100\n2026-03-29,y,200\n"
    odd = "foo,bar\nhello,world\nfine,day\n"
    assert preview(user, content)["questions"] == []
    seen = preview(user, odd)
    assert seen["questions"] == ["columns"] and seen["columns"] == ["foo", "bar"]
    again = user.put(f"/imports/{seen['id']}/mapping", {"dateColumn": 1, "amountColumn": 2}).json
    assert again["questions"] == [] and counts(again, "new", "bad") == (0, 2)


def test_the_mapping_can_be_said_with_the_upload(user):
    content = "d,x,y\n2026-03-28,100,hello\n2026-03-29,1.5,there\n"
    seen = preview(user, content, dateColumn="1", amountColumn="2", textColumn="3", decimal=".")
    assert [(row["amount"], row["verdict"]) for row in rows(user, seen)] == [(100, "new"), (0, "bad")]
    user.upload("/imports", content.encode(), fields={"dateColumn": "0"}, expect=422)
    user.upload("/imports", content.encode(), fields={"decimal": "x"}, expect=422)
    user.upload("/imports", content.encode(), fields={"unknown": "x"}, expect=422)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1258"])
def test_encodings_are_found_out(user, encoding):
    text = "Ngày;Số tiền;Nội dung\n28/03/2026;-45.000;Cà phê sữa\n"
    if encoding == "cp1258":  # tones are marks of their own there
        text = "".join(c if c in "âăđêôơưÂĂĐÊÔƠƯàèùéáíóúý" else unicodedata.normalize("NFD", c) for c in text)
        content = text.encode("cp1258", "ignore")
    else:
        content = text.encode(encoding)
    row = rows(user, preview(user, content))[0]
    assert (row["amount"], row["date"]) == (-45000, "2026-03-28")
    assert row["text"].startswith("C") and "ph" in row["text"]


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04" + b"\0" * 200,
        b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        b"%PDF-1.7 \x00\x01\x02",
        b"hello",
        b"\x00" * 5000,
    ],
    ids=["zip", "png", "pdf", "no statement", "zeros"],
)
def test_what_is_no_statement_is_refused(user, content):
    upload(user, content, expect=422)
    assert user.get("/imports").json == []


def test_an_empty_file_is_refused(user):
    upload(user, b"", expect=422)
    upload(user, csv(), expect=422)


def test_lists_go_on_by_their_links(user):
    for _ in range(3):
        preview(user, csv(*(f"28/03/2026;-{n}.000;R{n}" for n in range(1, 8))))
    first = user.get("/imports", query={"limit": 2})
    assert len(first.json) == 2 and first.json[0]["counts"] is None
    assert first.next_link()
    seen = first.json[0]
    page = user.get(f"/imports/{seen['id']}/rows", query={"limit": 5})
    assert [row["row"] for row in page.json] == [1, 2, 3, 4, 5]
    rest = user.get(page.next_link().split("/api/v1.0", 1)[1])
    assert [row["row"] for row in rest.json] == [6, 7] and not rest.next_link()
    last = user.get(first.next_link().split("/api/v1.0", 1)[1])
    assert len(last.json) == 1


def test_a_long_statement_goes_in_by_steps(user, database, stack):
    start = date(2020, 1, 1)
    lines = [f"{start + timedelta(days=n % 2000):%d/%m/%Y};{-1000 - n if n % 10 else 5000 + n};R {n}" for n in range(25000)]
    seen = preview(user, csv(*lines))
    assert counts(seen, "total", "new") == (25000, 25000)
    answer = confirm(user, seen, expect=202)
    assert answer["status"] == "confirming" and answer["counts"]["added"] == 10000
    done = until(lambda: (i := user.get(f"/imports/{seen['id']}").json)["status"] == "confirmed" and i)
    assert done["counts"]["added"] == 25000
    household = household_of(database, user)
    check_balances(database, household)
    made = database.one("SELECT COUNT(*) AS n FROM transactions WHERE household_id = %s AND deleted_at IS NULL", household)
    assert made["n"] == 25000
    user.delete(f"/imports/{seen['id']}", expect=202)
    until(lambda: user.get(f"/imports/{seen['id']}").json["status"] == "undone")
    check_balances(database, household)
    assert transactions(user) == []


FORMATS = {
    "ofx": "<OFX><CURDEF>VND<ACCTID>12<STMTTRN><DTPOSTED>20260328<TRNAMT>-45000<FITID>A1<NAME>Cà phê</STMTTRN>"
    "<STMTTRN><DTPOSTED>20260329<TRNAMT>7000<FITID>A2<NAME>Lương</STMTTRN></OFX>",
    "qif": "!Type:Bank\nD28/03/2026\nT-45000\nPCà phê\n^\nD29/03/2026\nT7,000\nPLương\n^\n",
    "mt940": ":20:X\n:25:12\n:60F:C260301VND0,\n:61:260328D45000,NTRFNONREF//B1\n:86:Cà phê\n:61:260329C7000,NTRFNONREF//B2\n"
    ":86:Lương\n:62F:C260331VND0,\n-\n",
    "camt": '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt><Acct><Id><IBAN>12</IBAN></Id></Acct>'
    + "".join(
        f'<Ntry><Amt Ccy="VND">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd><Sts>BOOK</Sts><BookgDt><Dt>{day}</Dt></BookgDt>'
        f"<AcctSvcrRef>{ref}</AcctSvcrRef><AddtlNtryInf>{text}</AddtlNtryInf></Ntry>"
        for amount, way, day, ref, text in (
            (45000, "DBIT", "2026-03-28", "R1", "Cà phê"),
            (7000, "CRDT", "2026-03-29", "R2", "Lương"),
        )
    )
    + "</Stmt></BkToCstmrStmt></Document>",
}


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_goes_all_the_way(user, format):
    seen = preview(user, FORMATS[format])
    assert (seen["format"], seen["account"]) == (format, "" if format == "qif" else "12")
    confirm(user, seen)
    assert [(t["kind"], t["amount"], t["date"], t["name"]) for t in transactions(user)] == [
        ("income", 7000, "2026-03-29", "Lương"),
        ("expense", 45000, "2026-03-28", "Cà phê"),
    ]
    assert counts(preview(user, FORMATS[format]), "new", "duplicate") == (0, 2)


def test_a_format_that_is_told_must_be_the_files(user):
    assert preview(user, FORMATS["ofx"], format="ofx")["format"] == "ofx"
    answer = upload(user, FORMATS["ofx"], expect=422, format="mt940")
    assert set(answer.json["errors"]) == {"format"}


def test_entities_are_not_expanded(user):
    laughs = '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'
    upload(user, '<?xml version="1.0"?>' + laughs + FORMATS["camt"], expect=422)
    assert user.get("/imports").json == []


def rule(user, pattern, expect=201, **more):
    return user.post("/import-rules", {"pattern": pattern, **more}, expect=expect).json


def test_rules_decide_about_new_rows(user):
    food, wage, jar = user.category("expense", "Ăn")["id"], user.category("income", "Lương")["id"], user.jar()["id"]
    rule(user, "ca phe", categoryId=food, jarId=jar, name="Cà phê", priority=5)
    rule(user, r"^pos \d+ (trà|sữa)", regex=True, categoryId=food, priority=2)
    rule(user, "lương", categoryId=wage)
    rule(user, "lương", kind="expense", name="Trả lương", priority=9)
    seen = preview(
        user,
        csv(
            "28/03/2026;-1.000;POS 12 CÀ PHÊ",
            "28/03/2026;-2.000;pos 7 TRÀ đá",
            "28/03/2026;3.000;LUONG T3",
            "28/03/2026;-4.000;Lương",
        ),
    )
    assert [(row["categoryId"], row["jarId"], row["name"]) for row in rows(user, seen)] == [
        (food, jar, "Cà phê"),
        (food, None, None),
        (wage, None, None),
        (None, None, "Trả lương"),
    ]
    confirm(user, seen)
    assert {(t["name"], t["categoryName"]) for t in transactions(user)} == {
        ("Cà phê", "Ăn"),
        ("pos 7 TRÀ đá", "Ăn"),
        ("LUONG T3", "Lương"),
        ("Trả lương", "Khác"),
    }


def test_rules_are_applied_to_the_past_but_not_over_an_edit(user, database):
    food, jar = user.category("expense", "Ăn")["id"], user.jar(target=100)["id"]
    seen = preview(user, csv(*(f"{day:02}/03/2026;-{day}.000;Cà phê {day}" for day in range(10, 20)), "20/03/2026;5.000;Thưởng"))
    confirm(user, seen)
    edited = next(t for t in transactions(user) if t["name"] == "Cà phê 12")
    user.put(f"/transactions/{edited['id']}", {"name": "Của tôi", "amount": edited["amount"]})
    made = rule(user, "ca phe", categoryId=food)
    done = user.post("/import-rules/apply", expect=200).json
    assert done == {"scanned": 10, "changed": 9, "more": False}
    assert sorted(t["categoryName"] for t in transactions(user) if t["kind"] == "expense") == ["Khác"] + ["Ăn"] * 9
    user.put(f"/import-rules/{made['id']}", {"pattern": "ca phe", "categoryId": food, "jarId": jar, "name": "Cà phê"})
    assert user.post("/import-rules/apply", {"from": "2026-03-15"}, expect=200).json["changed"] == 5
    assert user.balances()[jar] == 5000 - sum(range(15, 20)) * 1000
    assert user.post("/import-rules/apply", expect=200).json["changed"] == 4
    assert user.post("/import-rules/apply", expect=200).json["changed"] == 0
    check_balances(database, household_of(database, user))
    undone = user.delete(f"/imports/{seen['id']}", expect=200).json
    assert counts(undone, "removed", "kept") == (10, 1)
    check_balances(database, household_of(database, user))


def test_many_rows_are_changed_by_steps(user, database):
    jar = user.jar()["id"]
    confirm(user, preview(user, csv(*(f"{1 + n % 28:02}/03/2026;-{n + 1};Cà phê {n}" for n in range(450)))))
    rule(user, "cà phê", jarId=jar)
    assert user.post("/import-rules/apply", expect=202).json == {"scanned": 200, "changed": 200, "more": True}
    until(lambda: user.balances()[jar] == -sum(range(1, 451)), 30)
    check_balances(database, household_of(database, user))


def test_rules_are_checked(user, other):
    assert rule(user, "ab", name="A")["priority"] == 0
    for body, field in (
        ({"pattern": "a", "name": "A"}, "pattern"),
        ({"pattern": "ab"}, "categoryId"),
        ({"pattern": "(ab", "regex": True, "name": "A"}, "pattern"),
        ({"pattern": "ab", "categoryId": user.category_of("income"), "kind": "expense"}, "kind"),
        ({"pattern": "ab", "categoryId": user.category_of("income"), "jarId": user.jar()["id"]}, "jarId"),
        ({"pattern": "ab", "name": "A", "x": 1}, "x"),
    ):
        user.invalid("POST", "/import-rules", body, field)
    rule(user, "ab", expect=404, categoryId=other.category_of("expense"))
    id = user.get("/import-rules").json[0]["id"]
    other.put(f"/import-rules/{id}", {"pattern": "ab", "name": "B"}, expect=404)
    other.delete(f"/import-rules/{id}", expect=404)
    user.delete(f"/import-rules/{id}", expect=204)
    assert user.get("/import-rules").json == []


def test_an_expression_that_never_ends_holds_nothing_up(user):
    rule(user, "(a+)+$", regex=True, name="A")
    rule(user, "aaa", name="B", priority=1)
    lines = [f"28/03/2026;-{n + 1};{'a' * 60}b {n}" for n in range(500)]
    assert {row["name"] for row in rows(user, preview(user, csv(*lines)))} == {"B"}
