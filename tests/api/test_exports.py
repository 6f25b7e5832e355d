"""Files of the books: spreadsheets as the answer, by mail and in the background; what they say is read back by other programs."""

import csv
import io
import re
import subprocess
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest

from harness import dates
from harness.wait import until

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS = ("income", "expense")
FORMULAS = ("=1+1", "+84 901", "-5", "@SUM(A1)", '=HYPERLINK("http://evil.example","x")')


def workbook(content, values=True):
    return openpyxl.load_workbook(io.BytesIO(content), data_only=values)


def rows(sheet):
    """The rows of a sheet without its titles and sums."""
    return [row for row in sheet.iter_rows(min_row=2, values_only=True) if row[0] is not None]


def download(user, kind, **query):
    answer = user.get(f"/excel/download/{kind}", query=query)
    assert answer.headers["Content-Type"] == XLSX
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    return answer


def ask(user, **body):
    answer = user.post("/exports", body, expect=202)
    assert answer.headers["Location"].endswith(f"/exports/{answer.json['id']}")
    return answer.json


def finished(user, id):
    def look():
        export = user.get(f"/exports/{id}").json
        return export if export["status"] in ("done", "failed") else None

    return until(look, seconds=40)


def content(stack, database, export):
    """The object as it lies in S3, by the stand-in's own interface."""
    import boto3

    env = stack.env
    client = boto3.client(
        "s3",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    row = database.one("SELECT * FROM documents WHERE id = %s", export["documentId"])
    assert (row["state"], row["kind"]) == ("stored", "report")
    body = client.get_object(Bucket=env.get("S3_BUCKET", "botdevgroup-documents"), Key=row["object_key"])["Body"].read()
    assert len(body) == row["size"]
    return body


# ---- as the answer ----


@pytest.mark.parametrize("kind", KINDS)
def test_a_download_has_the_rows_and_sums_of_the_month(user, kind):
    add = getattr(user, kind)
    category = user.category(kind, "Danh mục & <thử>")
    for amount, name in ((1_500_000, "Phở"), (9_999_999_999_999, "Lớn nhất"), (7, "Nhỏ")):
        add(amount, category["id"], name)
    add(111, category["id"], "Tháng khác", date=dates.day_in(-1, 5))
    answer = download(user, kind)
    month = dates.today().strftime("%Y-%m")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{kind}-{month}.xlsx"'
    book = workbook(answer.body)
    assert book.sheetnames == [dates.today().strftime("%m-%Y"), "Tổng hợp"]
    sheet = book.worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["STT", "Tên", "Danh mục", "Số tiền", "Ngày"]
    found = rows(sheet)
    assert [row[0] for row in found] == [1, 2, 3]
    assert [(row[1], row[3]) for row in found] == [("Phở", 1_500_000), ("Lớn nhất", 9_999_999_999_999), ("Nhỏ", 7)]
    assert {row[2] for row in found} == {"Danh mục & <thử>"}
    assert all(isinstance(row[3], int) and isinstance(row[4], datetime) for row in found)
    total = list(sheet.iter_rows(values_only=True))[-1]
    assert (total[1], total[3]) == ("Tổng cộng", 1_500_000 + 9_999_999_999_999 + 7)
    assert workbook(answer.body, values=False).worksheets[0].cell(5, 4).value == "=SUM(D2:D4)"


def test_all_has_a_sheet_for_each_month_and_a_summary_with_charts(user):
    food, fun = user.category(name="Ăn")["id"], user.category(name="Chơi")["id"]
    user.expense(100, food, date="2024-02-29")
    user.expense(200, fun, date="2024-03-01")
    user.expense(300, food, date="2025-01-31")
    book = workbook(download(user, "expense", all="true").body)
    assert book.sheetnames == ["02-2024", "03-2024", "01-2025", "Tổng hợp"]
    assert [row[0] for name in book.sheetnames[:3] for row in rows(book[name])] == [1, 2, 3]
    assert rows(book["02-2024"])[0][4].date() == date(2024, 2, 29)
    summary = {row[0]: row[1] for row in rows(book["Tổng hợp"])}
    assert summary == {
        "02-2024": 100,
        "03-2024": 200,
        "01-2025": 300,
        "Tổng cộng": 600,
        "Theo danh mục": None,
        "Ăn": 400,
        "Chơi": 200,
    }
    assert len(workbook(download(user, "expense", all="true").body, values=False)["Tổng hợp"]._charts) == 2


def test_a_year_and_a_month_choose_the_period(user):
    user.income(1, date="2023-05-05")
    user.income(2, date="2023-06-05")
    user.income(4, date="2024-05-05")
    answer = download(user, "income", year=2023)
    assert workbook(answer.body).sheetnames == ["05-2023", "06-2023", "Tổng hợp"]
    assert "income-2023-01-01-2023-12-31.xlsx" in answer.headers["Content-Disposition"]
    book = workbook(download(user, "income", year=2024, month=5).body)
    assert [row[3] for row in rows(book.worksheets[0])] == [4]
    user.get("/excel/download/income", query={"month": 13}, expect=422)


def test_an_empty_period_is_still_a_book(user):
    book = workbook(download(user, "income", year=2001, month=2).body)
    assert book.sheetnames == ["02-2001", "Tổng hợp"]
    assert rows(book.worksheets[0]) == []


def test_formulas_are_neutralised_in_a_spreadsheet(user):
    for name in FORMULAS:
        user.expense(10, name=name)
    sheet = workbook(download(user, "expense").body, values=False).worksheets[0]
    cells = [sheet.cell(row, 2) for row in range(2, 2 + len(FORMULAS))]
    assert [cell.value for cell in cells] == ["'" + name for name in FORMULAS]
    assert {cell.data_type for cell in cells} <= {"s", "inlineStr"}


def test_one_user_never_sees_the_rows_of_another(user, other):
    other.income(5, name="Bí mật")
    assert rows(workbook(download(user, "income", all="true").body).worksheets[0]) == []


def test_files_need_a_session(guest):
    for path in ("/excel/download/income", "/exports", "/email/income-excel"):
        guest.get(path, expect=401)
    guest.post("/documents/report/income", {}, expect=401)


# ---- one too many ----


def test_the_sixth_export_blocks_exports_for_ten_minutes(user):
    for _ in range(5):
        download(user, "income")
    answer = user.get("/excel/download/expense", expect=429, code="rate_limited")
    assert 590 <= answer.json["retryAfterSeconds"] <= 600
    left = datetime.fromisoformat(answer.json["blockedUntil"]) - datetime.now().astimezone()
    assert 560 <= left.total_seconds() <= 640
    user.post("/exports", {"kind": "all", "format": "csv"}, expect=429)
    user.get("/email/income-excel", expect=429)
    user.post("/documents/report/income", {}, expect=429)
    user.get("/exports")
    user.get("/expenses")


# ---- in the background ----


def test_an_export_goes_from_queued_to_done_and_lies_in_s3(user, other, stack, database):
    jar = user.jar("Nhà", target=100)["id"]
    user.income(5_000_000, date="2025-03-01")
    user.expense(1_200_000, date="2025-03-02", jarId=jar)
    asked = ask(user, kind="all", format="xlsx", **{"from": "2025-03-01", "to": "2025-03-31"})
    assert (asked["status"], asked["documentId"], asked["downloadUrl"]) == ("queued", None, None)
    done = finished(user, asked["id"])
    assert (done["status"], done["progress"], done["error"]) == ("done", 100, None)
    assert done["finishedAt"] and done["downloadUrl"] == f"/api/v1.0/documents/{done['documentId']}/content"
    sheet = workbook(content(stack, database, done)).worksheets[0]
    assert [cell.value for cell in sheet[1]] == ["STT", "Ngày", "Tên", "Danh mục", "Hũ", "Thu", "Chi", "Chuyển", "Ghi chú"]
    assert [(row[4], row[5], row[6]) for row in rows(sheet)] == [(None, 5_000_000, None), ("Nhà", None, 1_200_000)]
    assert user.get("/exports").json == [done]
    downloaded = user.request("GET", "", url=stack.origin + done["downloadUrl"], expect=200)
    assert downloaded.body == content(stack, database, done)
    assert "all-2025-03.xlsx" in downloaded.headers["Content-Disposition"]
    other.request("GET", "", url=stack.origin + done["downloadUrl"], expect=404)


def test_csv_is_utf8_quoted_and_neutralised(user, stack, database):
    user.expense(1_000, name='Phở "bò", tái')
    user.expense(2_000, name="=2+5")
    done = finished(user, ask(user, kind="expense", format="csv")["id"])
    raw = content(stack, database, done)
    assert raw.startswith(b"\xef\xbb\xbf") and raw.endswith(b"\r\n")
    table = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert table[0] == ["STT", "Tên", "Danh mục", "Số tiền", "Ngày"]
    assert [(row[1], row[3]) for row in table[1:]] == [('Phở "bò", tái', "1000"), ("'=2+5", "2000")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", table[1][4])


def test_a_statement_is_a_pdf_with_the_sums_in_vietnamese(user, stack, database):
    jar = user.jar("Thiết yếu", target=100)["id"]
    user.income(10_000_000, user.category("income", "Lương tháng")["id"], date="2025-04-01")
    user.expense(2_500_000, user.category(name="Ăn uống")["id"], date="2025-04-10", jarId=jar)
    user.expense(500_000, user.category(name="Đi lại")["id"], date="2025-04-11")
    done = finished(user, ask(user, kind="statement", format="pdf", year=2025, month=4)["id"])
    raw = content(stack, database, done)
    assert raw.startswith(b"%PDF-")
    text = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=raw, capture_output=True, check=True, timeout=30
    ).stdout.decode()
    for part in (
        "Báo cáo thu chi",
        "01/04/2025 – 30/04/2025",
        "Tổng thu",
        "10.000.000",
        "3.000.000",
        "7.000.000",
        "Chi theo danh mục",
        "Ăn uống",
        "83.3 %",
        "Đi lại",
        "Chi theo hũ",
        "Thiết yếu",
        "Lương tháng",
    ):
        assert part in text, f"{part!r} is not in {text}"


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, {"kind", "format"}),
        ({"kind": "x", "format": "xlsx"}, {"kind"}),
        ({"kind": "income", "format": "pdf"}, {"format"}),
        ({"kind": "statement", "format": "xlsx"}, {"format"}),
        ({"kind": "income", "format": "csv", "from": "2025-02-02", "to": "2025-02-01"}, {"to"}),
        ({"kind": "income", "format": "csv", "from": "2025-02-30"}, {"from"}),
        ({"kind": "income", "format": "csv", "month": 13}, {"month"}),
        ({"kind": "income", "format": "csv", "color": "red"}, {"color"}),
    ],
)
def test_a_bad_request_names_its_fields(user, body, fields):
    user.invalid("POST", "/exports", body, *fields)


def test_exports_are_the_households_own_and_listed_in_pages(user, other):
    ids = [ask(user, kind="income", format="csv")["id"] for _ in range(3)]
    other.get(f"/exports/{ids[0]}", expect=404)
    assert other.get("/exports").json == []
    first = user.get("/exports", query={"limit": 2})
    assert [e["id"] for e in first.json] == [ids[2], ids[1]]
    rest = user.request("GET", "", url=user.stack.origin + first.next_link(), expect=200)
    assert [e["id"] for e in rest.json] == [ids[0]] and rest.next_link() is None


# ---- by mail ----


def files(mail):
    return [(part.get_filename(), part.get_content()) for part in mail.message.walk() if part.get_filename()]


def report_mails(mailbox, user, count):
    return mailbox.wait(user.email, count, choose=lambda mail: "Báo cáo của bạn" in mail.subject)


def test_a_spreadsheet_comes_by_mail(user, mailbox, database):
    user.income(77_000, name="Thưởng")
    user.post("/email/income-excel", expect=202)
    [mail] = report_mails(mailbox, user, 1)
    [(name, raw)] = files(mail)
    assert name == f"income-{dates.today():%Y-%m}.xlsx" and name in mail.text
    assert [row[3] for row in rows(workbook(raw).worksheets[0])] == [77_000]
    told = database.rows("SELECT * FROM notifications WHERE user_id = %s AND type = 'MONTHLY_REPORT'", user.id)
    assert len(told) == 1 and name in told[0]["message"]


def test_get_sends_one_mail_within_a_minute_and_head_none(user, mailbox, database):
    user.request("HEAD", "/email/expense-excel", expect=200)
    assert user.get("/exports").json == []
    for _ in range(2):
        assert user.get("/email/expense-excel").json["message"]
    [export] = user.get("/exports").json
    assert (export["kind"], export["format"], export["email"]) == ("expense", "xlsx", True)
    assert finished(user, export["id"])["status"] == "done"
    assert len(report_mails(mailbox, user, 1)) == 1


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "own"}, 200),
    ],
)
def test_a_cookie_alone_mails_only_from_our_own_pages(user, headers, status):
    if headers.get("Origin") == "own":
        headers = {"Origin": user.stack.web_origin}
    browser = user.with_(token=None)
    browser.get("/email/income-excel", expect=status, headers={"Cookie": f"mm_token={user.token}", **headers})
    assert len(user.get("/exports").json) == (status == 200)


# ---- behind an address ----


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_is_there_when_the_answer_is(user, guest, stack, database, kind):
    getattr(user, kind)(42_000)
    today = dates.today()
    answer = user.post(f"/documents/report/{kind}", {"month": today.month, "year": today.year}, expect=200)
    assert answer.headers["Cache-Control"] == "no-store"
    row = database.one("SELECT id FROM documents WHERE object_key = %s", answer.json["s3Key"])
    raw = content(stack, database, {"documentId": row["id"]})
    assert [row[3] for row in rows(workbook(raw).worksheets[0])] == [Decimal(42_000)]
    assert answer.json["presignedUrl"].startswith(f"{stack.env['API_BASE_URL']}/api/v1.0/files/")
    # Clients open it at once, without a token; an altered one opens nothing.
    opened = guest.request("GET", "", url=answer.json["presignedUrl"], expect=200)
    assert opened.body == raw and opened.headers["Content-Type"] == XLSX
    altered = answer.json["presignedUrl"][:-3] + ("AAA" if answer.json["presignedUrl"][-3:] != "AAA" else "BBB")
    guest.request("GET", "", url=altered, expect=404)


# ---- how long ----


def test_files_are_kept_for_a_month(user, database, run_worker_task):
    user.income(1)
    old, new = (finished(user, ask(user, kind="income", format="csv")["id"]) for _ in range(2))
    for table, id in (("exports", old["id"]), ("documents", old["documentId"])):
        database.run(f"UPDATE {table} SET created_at = created_at - INTERVAL 31 DAY WHERE id = %s", id)
    run_worker_task("prune")
    assert [export["id"] for export in user.get("/exports").json] == [new["id"]]
    states = database.rows("SELECT id, state FROM documents WHERE user_id = %s ORDER BY id", user.id)
    assert {row["id"]: row["state"] for row in states}.get(old["documentId"], "deleting") == "deleting"
    assert {row["id"]: row["state"] for row in states}[new["documentId"]] == "stored"
