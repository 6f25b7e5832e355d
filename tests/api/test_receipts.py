"""Receipts: read from PDF files and pictures, confirmed into expenses, all or none."""

import base64
import concurrent.futures
import json
import random
import struct
import time
import zlib

import pytest

from fake_provider import Provider
from harness import pdf
from harness.books import check_balances, household_of
from harness.dates import day_in, today
from harness.own_api import OwnApi
from harness.wait import until

ANALYZE = "/expenses/import-receipt/analyze"
CONFIRM = "/expenses/import-receipt/confirm"

CAFE = [
    "HIGHLANDS COFFEE",
    "Địa chỉ: 12 Lê Lợi, Quận 1",
    "Ngày: {day} 09:15",
    "Tên món           SL    Đơn giá   Thành tiền",
    "Cà phê sữa đá      2     29.000       58.000",
    "Bánh mì thịt       1     35.000       35.000",
    "Tổng cộng:                            93.000",
    "Tiền khách đưa:                      100.000",
]

INVOICE = """<?xml version="1.0" encoding="UTF-8"?><HDon><DLHDon><TTChung><NLap>{day}</NLap><DVTTe>VND</DVTTe></TTChung><NDHDon>
<NBan><Ten>Nhà sách Phương Nam</Ten><DChi>Đà Nẵng</DChi></NBan><DSHHDVu>
<HHDVu><TChat>1</TChat><THHDVu>Sách toán</THHDVu><ThTien>100000</ThTien></HHDVu>
<HHDVu><TChat>1</TChat><THHDVu>Bút mực</THHDVu><ThTien>50000.00</ThTien></HHDVu>
</DSHHDVu><TToan><TgTTTBSo>165000</TgTTTBSo></TToan></NDHDon></DLHDon></HDon>"""

LAUGHS = """<?xml version="1.0"?><!DOCTYPE HDon [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><HDon><DLHDon><NDHDon><DSHHDVu><HHDVu><THHDVu>&c;</THHDVu><ThTien>1000</ThTien>
</HHDVu></DSHHDVu></NDHDon></DLHDon></HDon>"""


def cafe(**more):
    return pdf.document([line.format(day=today().strftime("%d/%m/%Y")) for line in CAFE], **more)


def png(extra=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + extra + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + chunk(b"IEND", b"")


def analyze(client, content, name="receipt.pdf", **more):
    return client.upload(ANALYZE, content, name=name, **more)


# ---- analyze ----


def test_the_text_of_a_pdf_becomes_items(user):
    food = user.category("expense", "Ăn uống", icon="🍜")
    found = analyze(user, cafe(), expect=200).json
    assert (found["merchant"], found["location"]) == ("HIGHLANDS COFFEE", "12 Lê Lợi, Quận 1")
    assert (found["receiptDate"], found["detectedItemCount"], found["receiptImageUrl"]) == (today().isoformat(), 2, None)
    assert found["items"] == [
        {
            "name": name,
            "amount": amount,
            "categoryId": food["id"],
            "categoryHint": "Ăn uống",
            "icon": "🍜",
            "date": today().isoformat(),
        }
        for name, amount in (("Cà phê sữa đá", 58_000), ("Bánh mì thịt", 35_000))
    ]


def test_a_category_that_the_user_has_not_is_only_a_hint(user):
    item = analyze(user, cafe(), expect=200).json["items"][0]
    assert (item["categoryId"], item["categoryHint"], item["icon"]) == (None, "Ăn uống", None)


def test_an_attached_e_invoice_goes_before_the_text(user):
    xml = INVOICE.format(day=day_in(-1)).encode()
    found = analyze(user, cafe(attached=[("a.txt", b"no"), ("hoa-don.xml", xml)]), expect=200).json
    assert (found["merchant"], found["location"], found["receiptDate"]) == ("Nhà sách Phương Nam", "Đà Nẵng", day_in(-1))
    assert [(item["name"], item["amount"]) for item in found["items"]] == [("Sách toán", 110_000), ("Bút mực", 55_000)]


@pytest.mark.parametrize("xml", [LAUGHS.encode(), b"<HDon>", b"", b"\xff\xfe\0", b"<a/>" * 9])
def test_an_attachment_that_is_no_invoice_leaves_the_text(user, xml):
    found = analyze(user, cafe(attached=[("hoa-don.xml", xml)]), expect=200).json
    assert found["merchant"] == "HIGHLANDS COFFEE"


def test_analyzing_saves_nothing(user):
    analyze(user, cafe(), expect=200)
    assert user.get("/expenses").json == []
    assert user.get("/categories").json == []


def test_what_was_found_can_be_confirmed_as_it_is(user):
    found = analyze(user, cafe(), expect=200).json
    done = user.post(CONFIRM, found, expect=200).json
    assert done["importedCount"] == found["detectedItemCount"]
    assert sum(expense["amount"] for expense in user.get("/expenses").json) == 93_000


def broken(part, instead):
    """The café's receipt with one part changed."""
    whole = cafe()
    assert part in whole
    return whole.replace(part, instead)


UNREADABLE = {
    "a page that is its own parent": lambda: broken(b"/Kids [3 0 R]", b"/Kids [2 0 R]"),
    "a thousand million pages": lambda: broken(b"/Kids [3 0 R] /Count 1", b"/Kids [2 0 R 2 0 R] /Count 999999999"),
    "a table of places that is its own": lambda: broken(b"startxref", b"%" * 3 + b"startxref").replace(
        b"/Root 1 0 R", b"/Root 9 0 R"
    ),
    "nested without end": lambda: broken(b"/Kids [3 0 R]", b"/Kids " + b"[" * 100_000),
    "protected by a password": lambda: cafe(password="geheim"),
    "cut": lambda: cafe()[:200],
    "only its first bytes": lambda: b"%PDF-1.7\n",
    "without a receipt": lambda: pdf.document(["Xin chào", "đây không phải hóa đơn"]),
    "empty page": lambda: pdf.document([]),
    "garbage": lambda: b"%PDF-1.4\n" + bytes(range(256)) * 100,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_pdf_that_cannot_be_read_says_so(user, kind):
    answer = analyze(user, UNREADABLE[kind](), expect=422, code="receipt_unreadable")
    assert "tmp" not in answer.text and "poppler" not in answer.text


def bomb():
    """A page of a hundred MB that is 100 kB in the file."""
    content = zlib.compress(b"BT /F 8 Tf 20 820 Td <00410042> Tj ET\n" * 2_800_000, 9)
    return pdf.document([]).replace(pdf.stream(pdf.page([])), pdf.stream(content, b"/Filter /FlateDecode"))


def test_a_bomb_is_unreadable_in_time(user):
    answer = analyze(user, bomb(), expect=422, code="receipt_unreadable")
    assert answer.json["message"]
    user.get("/health")


def test_one_user_may_not_read_without_end(stack, user):
    api = OwnApi(stack, RATE_CHAT_PER_MINUTE=2)
    try:
        client = user.with_(stack=api.stack)
        for _ in range(2):
            analyze(client, cafe(), expect=200)
        analyze(client, cafe(), expect=429, code="rate_limited")
    finally:
        api.stop()


def test_pictures_need_a_provider(user):
    analyze(user, png(), name="r.png", expect=422, code="receipt_unsupported")


@pytest.mark.parametrize("content", [b"hello", b"PK\x03\x04zip", b"<?xml version='1.0'?><HDon/>", b"GIF", b"\0"])
def test_other_files_are_415_whatever_their_name(user, content):
    analyze(user, content, name="receipt.pdf", expect=415, code="unsupported_media_type")


def test_an_empty_file_is_a_bad_field(user):
    answer = analyze(user, b"", expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {"file"}


def test_no_file_is_a_bad_field(user):
    body = b'--b\r\nContent-Disposition: form-data; name="kind"\r\n\r\nx\r\n--b--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = user.request("POST", ANALYZE, data=body, headers=headers, expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {"file"}


def test_json_is_415(user):
    user.post(ANALYZE, {}, expect=415, code="unsupported_media_type")


def test_a_file_over_the_limit_is_413(user):
    analyze(user, cafe() + b"\0" * (10 * 1024 * 1024), expect=413, code="payload_too_large")


def test_a_session_is_needed(guest):
    analyze(guest, cafe(), expect=401)
    guest.post(CONFIRM, {"items": [{"name": "A", "amount": 1}]}, expect=401)


# ---- the provider ----


@pytest.fixture
def provider():
    started = Provider()
    yield started
    started.stop()


@pytest.fixture
def asker(stack, user, provider):
    api = OwnApi(
        stack,
        RECEIPT_PROVIDER_URL=provider.url,
        RECEIPT_PROVIDER_MODEL="eyes-1",
        RECEIPT_PROVIDER_KEYS="key-a",
        CHAT_TIMEOUT_SECONDS=6,
    )
    yield user.with_(stack=api.stack)
    api.stop()


RECEIPT = {
    "merchant": "Quán Ngon",
    "location": None,
    "receiptDate": "2026-03-05",
    "total": 80000,
    "items": [
        {"name": "Phở bò", "amount": 50000, "category": "Ăn uống"},
        {"name": "Trà sữa", "amount": "30000"},
        {"name": "Sai", "amount": -1},
    ],
}


def test_a_picture_is_read_by_the_provider(provider, user, asker):
    food = user.category("expense", "Ăn uống")
    provider.says = "Đây:\n```json\n" + json.dumps(RECEIPT) + "\n```"
    found = analyze(asker, png(), name="r.png", expect=200).json
    assert [(item["name"], item["amount"], item["categoryId"]) for item in found["items"]] == [
        ("Phở bò", 50_000, food["id"]),
        ("Trà sữa", 30_000, food["id"]),
    ]
    system, said = provider.asked[0]["messages"]
    assert (system["role"], provider.asked[0]["model"]) == ("system", "eyes-1")
    assert said["content"][1]["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_the_provider_does_not_see_what_the_picture_tells_beside(provider, asker):
    provider.says = json.dumps(RECEIPT)
    text = b"Comment\0GPS 10.77,106.69"
    extra = struct.pack(">I", len(text)) + b"tEXt" + text + struct.pack(">I", zlib.crc32(b"tEXt" + text))
    analyze(asker, png(extra), name="r.png", expect=200)
    sent = provider.asked[0]["messages"][1]["content"][1]["image_url"]["url"]
    assert b"GPS" not in base64.b64decode(sent.split(",", 1)[1])


def test_a_scanned_page_is_shown_to_the_provider(provider, asker):
    provider.says = json.dumps(RECEIPT)
    found = analyze(asker, pdf.document([]), expect=200).json
    assert found["merchant"] == "Quán Ngon"
    assert provider.asked[0]["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("says", ["không biết", "{broken", "[]", "7", "{" * 50_000])
def test_a_provider_that_does_not_answer_in_json_is_503(provider, asker, says):
    provider.says = says
    analyze(asker, png(), name="r.png", expect=503, code="unavailable")


@pytest.mark.parametrize("says", [{}, {"items": []}, {"items": [{"name": "A"}]}, {"items": "x"}])
def test_a_provider_that_finds_nothing_is_422(provider, asker, says):
    provider.says = json.dumps(says)
    analyze(asker, png(), name="r.png", expect=422, code="receipt_unreadable")


@pytest.mark.parametrize("script", ["500", "429", "cut", "garbage", "hang"])
def test_a_provider_that_fails_is_503(provider, asker, script):
    provider.does = script
    answer = analyze(asker, png(), name="r.png", expect=503, code="unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert analyze(asker, cafe(), expect=200).json["detectedItemCount"] == 2, "PDF files need no provider"


def test_a_picture_of_ten_megabytes_is_read(provider, asker):
    provider.says = json.dumps(RECEIPT)
    data = random.randbytes(10 * 1024 * 1024 - 1000)
    chunk = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    analyze(asker, png(chunk), name="r.png", expect=200)
    sent = provider.asked[0]["messages"][1]["content"][1]["image_url"]["url"]
    assert data in base64.b64decode(sent.split(",", 1)[1])


def test_the_program_stops_in_time_while_the_provider_hangs(stack, user, provider):
    provider.does = "hang"
    api = OwnApi(stack, RECEIPT_PROVIDER_URL=provider.url, RECEIPT_PROVIDER_MODEL="eyes-1", CHAT_TIMEOUT_SECONDS=25)
    client = user.with_(stack=api.stack)
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(analyze, client, png(), "r.png")
        until(lambda: provider.asked, 10, "the provider to be asked")
        begun = time.monotonic()
        api.api.terminate()
        assert api.api.wait(15) == 0
        assert time.monotonic() - begun < 10
        assert waiting.result().status == 503
    api.stop()


def test_receipts_that_wait_hold_up_no_chat(stack, user, provider):
    provider.does = "hang"
    settings = {"RECEIPT_PROVIDER_URL": provider.url, "RECEIPT_PROVIDER_MODEL": "eyes-1", "RECEIPT_THREADS": 1}
    api = OwnApi(stack, CHAT_THREADS=1, CHAT_TIMEOUT_SECONDS=5, **settings)
    client = user.with_(stack=api.stack)
    try:
        with concurrent.futures.ThreadPoolExecutor(3) as threads:
            waiting = [threads.submit(analyze, client.with_(), png(), "r.png") for _ in range(3)]
            until(lambda: provider.asked, 10, "the provider to be asked")
            begun = time.monotonic()
            body = {"provider": "gemini", "messages": [{"role": "user", "content": "chào"}]}
            client.post("/ai/chat", body, expect=200)
            assert time.monotonic() - begun < 3
            assert {answer.result().status for answer in waiting} == {503}
    finally:
        api.stop()


def test_a_broken_picture_is_415(provider, asker):
    analyze(asker, png()[:30], name="r.png", expect=415)
    assert provider.asked == []


# ---- confirm ----


def test_all_items_become_expenses(user, database):
    category, jar = user.category("expense", "Ăn uống"), user.jar(target=100)
    user.income(1_000_000)
    body = {
        "merchant": "Quán Ngon",
        "location": "12 Lê Lợi",
        "receiptDate": day_in(-1),
        "jarId": jar["id"],
        "receiptImageUrl": "https://example.test/r.png",
        "items": [
            {"name": 'Phở "bò" 🍜', "amount": 50_000, "categoryId": category["id"], "icon": "🍜"},
            {"name": "Trà", "amount": "30000", "categoryId": str(category["id"]), "date": day_in(0)},
        ],
    }
    done = user.post(CONFIRM, body, expect=200).json
    assert (done["merchant"], done["receiptDate"]) == ("Quán Ngon", day_in(-1))
    assert (done["detectedItemCount"], done["importedCount"]) == (2, 2)
    first, second = done["importedExpenses"]
    assert (first["name"], first["amount"], first["icon"], first["date"]) == ('Phở "bò" 🍜', 50_000, "🍜", day_in(-1))
    assert (first["categoryName"], first["jarName"], first["receiptLocation"]) == ("Ăn uống", jar["name"], "12 Lê Lợi")
    assert (second["name"], second["icon"], second["date"]) == ("Trà", None, day_in(0))
    listed = {expense["id"]: expense for expense in user.get("/expenses?all=true").json}
    assert listed == {expense["id"]: expense for expense in (first, second)}
    assert user.balances()[jar["id"]] == 1_000_000 - 80_000
    check_balances(database, household_of(database, user))


@pytest.mark.parametrize("none", [None, 0, "", "0"])
def test_without_a_category_it_is_the_users_other_one(user, none):
    items = [{"name": "A", "amount": 1, "categoryId": none}, {"name": "B", "amount": 2}]
    done = user.post(CONFIRM, {"items": items}, expect=200).json
    assert {expense["categoryName"] for expense in done["importedExpenses"]} == {"Khác"}
    assert [category["name"] for category in user.get("/categories").json] == ["Khác"]
    user.post(CONFIRM, {"items": items}, expect=200)
    assert len(user.get("/categories").json) == 1


def test_an_income_category_of_that_name_is_not_it(user):
    income = user.category("income", "Khác")
    done = user.post(CONFIRM, {"items": [{"name": "A", "amount": 1}]}, expect=200).json
    assert done["importedExpenses"][0]["categoryId"] != income["id"]


def test_dates_default_to_today(user):
    done = user.post(CONFIRM, {"items": [{"name": "A", "amount": 1}]}, expect=200).json
    assert (done["importedExpenses"][0]["date"], done["receiptDate"], done["merchant"]) == (today().isoformat(), None, None)


def test_a_hundred_items_are_the_most(user, database):
    items = [{"name": f"Món {n}", "amount": n} for n in range(1, 101)]
    done = user.post(CONFIRM, {"items": items}, expect=200).json
    assert [expense["amount"] for expense in done["importedExpenses"]] == list(range(1, 101))
    check_balances(database, household_of(database, user))
    user.invalid("POST", CONFIRM, {"items": [*items, items[0]]}, "items")


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, ["items"]),
        ({"items": []}, ["items"]),
        ({"items": [{"name": "A", "amount": 1}, {"name": "B", "amount": 1}, {"name": "C", "amount": 0}]}, ["items[2].amount"]),
        ({"items": [{"name": "", "amount": 1}, {"amount": -5}]}, ["items[0].name", "items[1].name", "items[1].amount"]),
        ({"items": [{"name": "A", "amount": 1.5}]}, ["items[0].amount"]),
        ({"items": [{"name": "A", "amount": 1, "date": "2026-02-30"}]}, ["items[0].date"]),
        ({"items": [{"name": "A", "amount": 1}], "receiptDate": "x", "jarId": "y"}, ["receiptDate", "jarId"]),
    ],
)
def test_bad_fields_name_their_item(user, body, fields):
    user.invalid("POST", CONFIRM, body, *fields)
    assert user.get("/expenses").json == []


def test_a_category_of_incomes_names_its_item(user):
    income, expense = user.category("income")["id"], user.category("expense")["id"]
    items = [{"name": "A", "amount": 1, "categoryId": id} for id in (expense, income, income)]
    user.invalid("POST", CONFIRM, {"items": items}, "items[1].categoryId", "items[2].categoryId")
    assert user.get("/expenses").json == []


def test_what_is_not_the_users_is_404_and_nothing_is_saved(user, other):
    mine, foreign, jar = user.category("expense")["id"], other.category("expense")["id"], other.jar()["id"]
    items = [{"name": "A", "amount": 1, "categoryId": mine}, {"name": "B", "amount": 1, "categoryId": foreign}]
    user.post(CONFIRM, {"items": items}, expect=404)
    user.post(CONFIRM, {"items": items[:1], "jarId": jar}, expect=404)
    user.post(CONFIRM, {"items": [{"name": "B", "amount": 1}, items[1]]}, expect=404)
    assert user.get("/expenses").json == []
    assert [category["id"] for category in user.get("/categories").json] == [mine]


def test_a_large_item_is_told(user, database):
    items = [{"name": "Nhỏ", "amount": 4_999_999}, {"name": "Lớn", "amount": 5_000_000}]
    done = user.post(CONFIRM, {"items": items}, expect=200).json
    rows = database.rows(
        "SELECT body FROM outbox WHERE household_id = %s AND type = 'transaction.large'", household_of(database, user)
    )
    assert [json.loads(row["body"])["subjectId"] for row in rows] == [done["importedExpenses"][1]["id"]]


def test_a_repeat_of_a_hundred_items_gives_them_again(user):
    items = [{"name": f"Món {n} " + "ố" * 200, "amount": n, "icon": "🍜" * 100} for n in range(1, 101)]
    key = {"Idempotency-Key": "hundred"}
    first = user.post(CONFIRM, {"items": items}, headers=key, expect=200)
    again = user.post(CONFIRM, {"items": items}, headers=key, expect=200)
    assert again.json == first.json and again.headers["Idempotency-Replayed"] == "true"
    assert len(user.get("/expenses").json) == 100
