"""Files of a household: stored, shown, attached, streamed back, deleted; nobody else's."""

import concurrent.futures
import contextlib
import hashlib
import socket

import pytest

from harness.books import household_of
from harness.own_api import OwnApi, free_port
from harness.pictures import PDF, jpeg, png
from harness.wait import until

MiB = 1024 * 1024
BUCKET = "botdevgroup-documents"


@contextlib.contextmanager
def own_api(stack, **settings):
    own = OwnApi(stack, **settings)
    try:
        yield own
    finally:
        own.stop()


def store(user, content=None, name="biên lai.png", **fields):
    return user.upload("/documents", png() if content is None else content, name, expect=201, fields=fields or None).json


def content(user, id, expect=200, **more):
    return user.get(f"/documents/{id}/content", expect=expect, **more)


def objects(database, id):
    return database.one("SELECT object_key, state FROM documents WHERE id = %s", id)


# Storing


def test_a_picture_is_stored_and_comes_back_as_it_was(user):
    picture = png(width=100)
    made = store(user, picture)
    assert made["name"] == "biên lai.png" and made["contentType"] == "image/png" and made["status"] == "stored"
    assert made["size"] == len(picture) and made["sha256"] == hashlib.sha256(picture).hexdigest()
    assert user.get(f"/documents/{made['id']}").json == made
    answer = content(user, made["id"])
    assert answer.body == picture
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["ETag"] == f'"{made["sha256"]}"'
    assert answer.headers["Content-Disposition"] == "inline; filename=\"file\"; filename*=UTF-8''bi%C3%AAn%20lai.png"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_object_lies_under_the_household_and_is_encrypted(user, aws, database):
    made = store(user)
    row = database.one("SELECT object_key, household_id FROM documents WHERE id = %s", made["id"])
    assert row["object_key"].startswith(f"h/{row['household_id']}/image/")
    found = aws("s3").head_object(Bucket=BUCKET, Key=row["object_key"])
    assert found["ServerSideEncryption"] == "AES256" and found["ContentType"] == "image/png"


def test_nothing_of_s3_leaves(user):
    answer = content(user, store(user)["id"])
    told = " ".join(f"{name}: {value}" for name, value in answer.headers.items()).lower()
    for word in ("amz", "x-mm", "x-accel", "botdevgroup", "signature", "minist"):
        assert word not in told


@pytest.mark.parametrize("secret", [b"GPS 10.7769N 106.7009E"])
def test_pictures_lose_what_they_do_not_show(user, secret):
    for whole, bare in ((png(secret), png()), (jpeg(secret), jpeg())):
        made = store(user, whole)
        back = content(user, made["id"]).body
        assert secret not in back
        assert back == bare


def test_a_pdf_file_is_kept_as_it_is(user):
    made = store(user, PDF, "Hóa đơn tháng 3.pdf")
    assert (made["kind"], made["contentType"]) == ("file", "application/pdf")
    assert content(user, made["id"]).body == PDF


def test_the_type_is_what_the_content_says(user):
    assert store(user, jpeg(), "picture.png")["contentType"] == "image/jpeg"
    for bad in (b"MZ\x90\x00" + b"\0" * 100, b"<html><script>", b"PK\x03\x04" + b"\0" * 60, b"GIF89", b"\xff\xd8\xff"):
        user.upload("/documents", bad, "a.png", expect=415, code="unsupported_media_type")
    assert user.get("/documents").json and len(user.get("/documents").json) == 1


def test_names_lose_their_paths(user):
    assert store(user, name="../../etc/passwd.png")["name"] == "passwd.png"
    assert store(user, name="C:\\Users\\x\\a.png")["name"] == "a.png"


def test_empty_missing_and_doubled_files_are_told(user):
    answer = user.upload("/documents", b"", expect=422, code="validation_failed")
    assert set(answer.json["errors"]) == {"file"}
    body = b'--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\nimage\r\n--x--\r\n'
    answer = user.post(
        "/documents", data=body, headers={"Content-Type": "multipart/form-data; boundary=x"}, expect=422, code="validation_failed"
    )
    assert set(answer.json["errors"]) == {"file"}
    user.upload("/documents", png(), fields={"kind": "report"}, expect=422, code="validation_failed")
    user.upload("/documents", png(), fields={"unknown": "1"}, expect=422, code="validation_failed")
    user.post("/documents", {"file": "x"}, expect=415)


def test_too_large_is_413_before_the_body_is_read(user):
    host, port = user.stack.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(
            (
                f"POST /api/v1.0/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.token}\r\n"
                f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {64 * MiB}\r\n\r\n"
            ).encode()
        )
        assert s.recv(100).startswith(b"HTTP/1.1 413 ")
    user.upload("/documents", png() + b"\0" * (10 * MiB), expect=413, code="payload_too_large")
    assert user.get("/documents").json == []


def test_ten_mebibytes_go_up_and_come_back(user):
    whole = PDF + b"%" * (10 * MiB - len(PDF))
    made = store(user, whole, "a.pdf")
    assert hashlib.sha256(content(user, made["id"]).body).hexdigest() == made["sha256"] == hashlib.sha256(whole).hexdigest()


def test_an_upload_that_is_cut_leaves_nothing(user):
    host, port = user.stack.origin.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as s:
        s.sendall(
            (
                f"POST /api/v1.0/documents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {user.token}\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n"
                '--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
            ).encode()
            + png()
        )
    assert user.get("/documents").json == []


# Who sees what


def test_another_household_sees_nothing(user, other):
    id = store(user)["id"]
    for method, path in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
        other.request(method, f"/documents/{id}{path}", expect=404)
    other.put(f"/transactions/{other.expense(5)['id']}/receipt", {"documentId": id}, expect=404)
    user.with_(token=None).get(f"/documents/{id}/content", expect=401)
    content(user, id)


def test_the_list_has_pages(user):
    ids = [store(user)["id"] for _ in range(5)]
    seen, url = [], None
    answer = user.get("/documents", query={"limit": 2})
    while True:
        seen += [row["id"] for row in answer.json]
        url = answer.next_link()
        if not url:
            break
        answer = user.request("GET", "/documents", url=user.stack.origin + url, expect=200)
    assert seen == ids[::-1]


# Downloads


def test_ranges_and_conditions(user):
    whole = png(width=500)
    made = store(user, whole)
    etag = f'"{made["sha256"]}"'
    part = content(user, made["id"], 206, headers={"Range": "bytes=10-19"})
    assert part.body == whole[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert part.headers["ETag"] == etag
    assert content(user, made["id"], 206, headers={"Range": "bytes=-5"}).body == whole[-5:]
    content(user, made["id"], 416, headers={"Range": f"bytes={len(whole)}-"})
    assert content(user, made["id"], 206, headers={"Range": "bytes=0-3", "If-Range": etag}).body == whole[:4]
    assert content(user, made["id"], 200, headers={"Range": "bytes=0-3", "If-Range": '"other"'}).body == whole
    unchanged = content(user, made["id"], 304, headers={"If-None-Match": etag})
    assert unchanged.body == b"" and unchanged.headers["ETag"] == etag
    assert content(user, made["id"], 200, headers={"If-None-Match": '"other"'}).body == whole


def test_head_tells_the_length_without_the_bytes(user):
    made = store(user)
    answer = user.request("HEAD", f"/documents/{made['id']}/content", expect=200)
    assert answer.body == b"" and answer.headers["Content-Length"] == str(made["size"])


def test_a_page_of_the_web_client_may_read_it(user):
    made = store(user)
    answer = content(user, made["id"], headers={"Origin": user.stack.web_origin})
    assert answer.headers["Access-Control-Allow-Origin"] == user.stack.web_origin
    assert "Access-Control-Allow-Origin" not in content(user, made["id"], headers={"Origin": "https://evil.example"}).headers


def test_the_internal_addresses_are_nobodys(guest):
    for path in ("/_storage/", "/_storage_fault"):
        guest.request("GET", path, url=guest.stack.origin + path, expect=404)
        guest.request("GET", path, url=guest.stack.base + path, expect=404)


def test_an_object_that_is_gone_is_404_and_told_in_the_log(user, aws, database):
    made = store(user)
    key = objects(database, made["id"])["object_key"]
    aws("s3").delete_object(Bucket=BUCKET, Key=key)
    content(user, made["id"], 404)
    line = f"document {made['id']} has no object {key}"
    logs = list(user.stack.log_dir.glob("api-*.log"))
    until(lambda: any(line in path.read_text(encoding="utf-8", errors="replace") for path in logs), what=f"the line: {line}")


@pytest.mark.parametrize("public", [True, False])
def test_what_an_object_would_have_been_told_with_does_not_stand_by_its_error(user, aws, database, public):
    if public:
        path = user.upload("/files/upload", png(), expect=200).json["secure_url"].removeprefix(user.stack.base)
        key = database.one("SELECT object_key FROM documents WHERE public_key = %s", path.rsplit("/", 1)[1])["object_key"]
    else:
        made = store(user)
        path, key = f"/documents/{made['id']}/content", objects(database, made["id"])["object_key"]
    good = user.session.get(user.stack.base + path, headers={"Authorization": f"Bearer {user.token}"}, timeout=20)
    assert good.status_code == 200
    for name in ("Cache-Control", "Content-Disposition", "ETag", "Content-Type"):
        assert len(good.raw.headers.getlist(name)) == 1
    aws("s3").delete_object(Bucket=BUCKET, Key=key)
    gone = user.session.get(user.stack.base + path, headers={"Authorization": f"Bearer {user.token}"}, timeout=20)
    assert gone.status_code == 404
    assert gone.raw.headers.getlist("Cache-Control") == ["no-store"]
    assert not {"Content-Disposition", "ETag"} & set(gone.headers)


# Receipts of transactions


def test_a_receipt_is_attached_shown_and_taken_off(user):
    expense = user.expense(50_000)
    made = store(user, transactionId=str(expense["id"]))
    assert (made["kind"], made["transactionId"]) == ("receipt", expense["id"])
    shown = user.get(f"/transactions/{expense['id']}").json
    assert shown["receiptImageUrl"].endswith(f"/api/v1.0/documents/{made['id']}/content")
    assert shown["version"] == 2
    answer = user.request("GET", "", url=shown["receiptImageUrl"], expect=200)
    assert answer.body == png()
    assert [d["id"] for d in user.get("/documents", query={"transactionId": expense["id"]}).json] == [made["id"]]

    taken = user.put(f"/transactions/{expense['id']}/receipt", {"documentId": None}).json
    assert taken["receiptImageUrl"] is None
    again = user.put(f"/transactions/{expense['id']}/receipt", {"documentId": made["id"]}).json
    assert again["receiptImageUrl"] == shown["receiptImageUrl"]


def test_a_receipt_moves_and_its_deletion_clears_the_transaction(user):
    first, second = (user.expense(5)["id"] for _ in range(2))
    made = store(user, transactionId=str(first))
    user.put(f"/transactions/{second}/receipt", {"documentId": made["id"]})
    assert user.get(f"/transactions/{first}").json["receiptImageUrl"] is None
    user.delete(f"/documents/{made['id']}", expect=204)
    assert user.get(f"/transactions/{second}").json["receiptImageUrl"] is None


def test_a_change_that_names_another_picture_ends_the_receipt(user, database):
    def shown():
        row = database.one("SELECT receipt_document_id, receipt_image_url FROM transactions WHERE id = %s", expense["id"])
        return row["receipt_document_id"], row["receipt_image_url"]

    expense = user.expense(50_000)
    made = store(user, transactionId=str(expense["id"]))
    url = user.get(f"/transactions/{expense['id']}").json["receiptImageUrl"]
    body = {"name": "Phở", "categoryId": expense["categoryId"], "amount": 60_000}
    for same in ({}, {"receiptImageUrl": url}):
        user.put(f"/expenses/{expense['id']}", {**body, **same})
        assert shown() == (made["id"], url)
    for path, other in (("expenses", "https://pictures.example/1.png"), ("transactions", None)):
        user.put(f"/transactions/{expense['id']}/receipt", {"documentId": made["id"]})
        user.put(f"/{path}/{expense['id']}", {**body, "receiptImageUrl": other})
        assert shown() == (None, other)


def test_a_receipt_needs_a_transaction_and_a_document_of_ones_own(user, other):
    theirs = other.expense(5)["id"]
    user.upload("/documents", png(), fields={"transactionId": str(theirs)}, expect=404)
    mine = user.expense(5)["id"]
    user.put(f"/transactions/{mine}/receipt", {"documentId": 999_999_999}, expect=404)
    user.put(f"/transactions/{theirs}/receipt", {"documentId": store(user)["id"]}, expect=404)
    user.invalid("PUT", f"/transactions/{mine}/receipt", {}, "documentId")
    assert len(user.get("/documents").json) == 1


# Deletion


def test_a_deleted_document_is_gone_with_its_object(user, database, aws):
    made = store(user)
    key = objects(database, made["id"])["object_key"]
    user.delete(f"/documents/{made['id']}", expect=204)
    user.get(f"/documents/{made['id']}", expect=404)
    content(user, made["id"], 404)
    user.delete(f"/documents/{made['id']}", expect=404)
    assert aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0
    assert database.rows("SELECT id FROM documents WHERE id = %s", made["id"]) == []


# Pictures that everyone may see


def test_a_profile_picture_is_shown_to_everyone_who_has_its_address(user, guest):
    answer = user.upload("/files/upload", png(b"taken at home"), "me.png", expect=200).json
    url = answer["secure_url"]
    assert url.startswith("http")
    shown = guest.request("GET", "", url=url, expect=200)
    assert shown.body == png() and shown.headers["Content-Type"] == "image/png"
    assert "immutable" in shown.headers["Cache-Control"] and "public" in shown.headers["Cache-Control"]
    key = url.rsplit("/", 1)[1]
    assert len(key) == 32
    guest.get(f"/files/{key[:-1]}{'0' if key[-1] != '0' else '1'}", expect=404)
    guest.get(f"/files/{key.upper() if key.upper() != key else 'a' * 32}", expect=404)
    assert guest.get(f"/files/{key}", expect=206, headers={"Range": "bytes=0-7"}).body == png()[:8]
    user.put("/profile", {"fullName": "An", "email": user.email, "profileImageUrl": url})
    assert user.get("/profile").json["profileImageUrl"] == url


def test_pictures_need_a_session_and_must_be_pictures(user, guest):
    guest.upload("/files/upload", png(), expect=401)
    user.upload("/files/upload", PDF, "a.pdf", expect=415)
    user.upload("/files/upload", b"", expect=422)


def test_keys_that_cannot_be(guest):
    for key in ("x", "a" * 33, "..%2f..", "A" * 64):
        guest.get(f"/files/{key}", expect=404)


# Room


def test_a_household_has_so_much_room(user, stack):
    with own_api(stack, DOCUMENTS_QUOTA_MB=1) as own:
        client = user.with_(stack=own.stack)
        first = store(client, PDF + b"%" * (600 * 1024), "a.pdf")
        client.upload("/documents", PDF + b"%" * (600 * 1024), "b.pdf", expect=422, code="quota_exceeded")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda i: client.with_().upload("/documents", PDF + b"%" * (300 * 1024), f"{i}.pdf"), range(4))
            )
        assert sorted(a.status for a in answers) == [201, 422, 422, 422]
        client.delete(f"/documents/{first['id']}", expect=204)
        store(client, PDF + b"%" * (600 * 1024), "c.pdf")


# The office network


def test_outside_the_office_no_address_of_s3_is_handed_out(user):
    body = {"name": "a.png", "contentType": "image/png", "size": 100}
    user.post("/documents/uploads", body, expect=404)
    assert "downloadUrl" not in user.get(f"/documents/{store(user)['id']}").json


@pytest.fixture(scope="module")
def office(stack):
    with own_api(stack, S3_OFFICE_ENDPOINT=stack.env["AWS_ENDPOINT_URL"]) as own:
        yield own.stack


def send_form(user, form, content):
    import requests

    return requests.post(form["url"], data=form["fields"], files={"file": ("a", content)}, timeout=20).status_code


def test_the_office_sends_and_reads_by_itself(user, office, stack, database, run_worker_task):
    client = user.with_(stack=office)
    whole = png(b"GPS here")
    body = {"name": "a.png", "contentType": "image/png", "size": len(whole)}
    form = client.post("/documents/uploads", body, expect=201).json
    id = form["documentId"]
    assert client.get(f"/documents/{id}").json["status"] == "pending"
    content(client, id, 404)
    assert send_form(client, form, whole + b"\0") == 400
    assert send_form(client, form, whole) in (200, 201, 204)
    run_worker_task("documents", S3_OFFICE_ENDPOINT=stack.env["AWS_ENDPOINT_URL"])
    stored = client.get(f"/documents/{id}").json
    assert stored["status"] == "stored" and stored["sha256"] == hashlib.sha256(png()).hexdigest()
    assert content(client, id).body == png()
    # As a worker leaves it that ended after it had replaced the object.
    database.run(
        "UPDATE documents SET state = 'pending', sha256 = NULL, size = %s, created_at = UTC_TIMESTAMP(3) WHERE id = %s",
        len(whole),
        id,
    )
    run_worker_task("documents", S3_OFFICE_ENDPOINT=stack.env["AWS_ENDPOINT_URL"])
    again = client.get(f"/documents/{id}").json
    assert [again[key] for key in ("status", "size", "sha256")] == [stored[key] for key in ("status", "size", "sha256")]
    there = client.session.get(stored["downloadUrl"], timeout=20)
    assert there.status_code == 200 and there.content == png()
    assert client.session.get(stored["downloadUrl"] + "0", timeout=20).status_code == 403


def test_what_the_office_sends_must_be_what_it_announced(user, office, stack, database, run_worker_task):
    client = user.with_(stack=office)
    content = b"MZ" + b"\0" * 98
    form = client.post("/documents/uploads", {"name": "a.png", "contentType": "image/png", "size": 100}, expect=201).json
    send_form(client, form, content)
    run_worker_task("documents", S3_OFFICE_ENDPOINT=stack.env["AWS_ENDPOINT_URL"])
    client.get(f"/documents/{form['documentId']}", expect=404)
    assert database.rows("SELECT id FROM documents WHERE id = %s", form["documentId"]) == []
    client.post("/documents/uploads", {"name": "a.exe", "contentType": "application/x-msdownload", "size": 100}, expect=415)
    client.invalid("POST", "/documents/uploads", {"name": "a", "contentType": "image/png", "size": 11 * MiB}, "size")


# What is left over


def test_the_worker_removes_what_failed_uploads_left(user, aws, database, stack, run_worker_task):
    kept, pending, lost = (store(user)["id"] for _ in range(3))
    s3, bucket = aws("s3"), BUCKET
    key = objects(database, pending)["object_key"]
    database.run("UPDATE documents SET state = 'pending', created_at = UTC_TIMESTAMP(3) - INTERVAL 2 HOUR WHERE id = %s", pending)
    database.run("UPDATE documents SET state = 'deleting' WHERE id = %s", lost)
    run_worker_task("documents")
    assert database.rows("SELECT id FROM documents WHERE id IN (%s, %s)", pending, lost) == []
    assert s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 0
    assert content(user, kept).body == png()


# S3 is away, or refuses


@pytest.fixture(scope="module", params=["away", "refuses"])
def broken(stack, request):
    """An API whose S3 does not listen, or refuses its signatures; and what the log must say."""
    settings = {
        "away": {"AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{free_port()}"},
        "refuses": {"AWS_SECRET_ACCESS_KEY": "not-the-key"},
    }
    with own_api(stack, **settings[request.param]) as own:
        yield own, request.param


def says(own, level, *words):
    def found():
        lines = own.log.read_text(encoding="utf-8").splitlines()
        return any(f" {level} " in line and all(word in line for word in words) for line in lines)

    until(found, what=f"a line of {level} with {words}")


def test_an_upload_without_s3_is_503_and_stores_nothing(user, broken, database, run_worker_task):
    own, how = broken
    expense = user.expense(5)["id"]
    client = user.with_(stack=own.stack)
    answer = client.upload("/documents", png(), expect=503, fields={"transactionId": str(expense)})
    assert answer.headers["Retry-After"] == str(answer.json["retryAfterSeconds"])
    client.upload("/files/upload", png(), expect=503)
    assert user.get("/documents").json == []
    assert user.get(f"/transactions/{expense}").json["receiptImageUrl"] is None
    if how == "refuses":
        says(own, "ERROR", "403", "key")
    household = household_of(database, user)
    left = "SELECT state FROM documents WHERE household_id = %s"
    assert {row["state"] for row in database.rows(left, household)} == {"deleting"}
    run_worker_task("documents")
    assert database.rows(left, household) == []


def test_a_download_without_s3_is_503_in_the_usual_form(user, broken):
    own, how = broken
    id = store(user)["id"]
    url = user.upload("/files/upload", png(), expect=200).json["secure_url"]
    client = user.with_(stack=own.stack)
    answer = content(client, id, 503)
    assert answer.json["code"] == "unavailable" and "botdevgroup" not in answer.text and "Signature" not in answer.text
    assert answer.headers["Retry-After"]
    client.get(f"/files/{url.rsplit('/', 1)[1]}", expect=503)
    if how == "refuses":
        says(own, "ERROR", "403", "policy")
    assert content(user, id).body == png()


def test_a_deletion_without_s3_is_done_and_the_worker_ends_it(user, broken, aws, database, run_worker_task):
    own, _ = broken
    id = store(user)["id"]
    key = objects(database, id)["object_key"]
    user.with_(stack=own.stack).delete(f"/documents/{id}", expect=204)
    user.get(f"/documents/{id}", expect=404)
    assert aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 1
    run_worker_task("documents")
    assert aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 0
    assert database.rows("SELECT id FROM documents WHERE id = %s", id) == []


def test_objects_are_encrypted_and_lie_under_their_household(user, aws, database):
    made = store(user)
    key = objects(database, made["id"])["object_key"]
    household = household_of(database, user)
    assert key.startswith(f"h/{household}/image/")
    assert aws("s3").head_object(Bucket=BUCKET, Key=key)["ServerSideEncryption"] == "AES256"
