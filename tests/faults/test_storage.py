"""Files while S3 is away, or refuses: 503 with the reason in the log, nothing half stored, and all the rest goes on."""

import contextlib
import http.server
import threading

import pytest
from own_stack import OwnStack

from harness.mail import Mailbox
from harness.own_api import OwnApi
from harness.pictures import PDF, png
from harness.stack import Database
from harness.users import UserPool
from harness.wait import until


@pytest.fixture(scope="module")
def own():
    stack = OwnStack(pools=1, processes=1, workers=1)
    yield stack
    stack.down()


@pytest.fixture(scope="module")
def clients(own):
    return UserPool(own.stack, Mailbox(own.stack.mail_dir))


@pytest.fixture
def books(own):
    connection = own.stack.sql()
    yield Database(connection)
    connection.close()


@contextlib.contextmanager
def s3_away(own):
    own.ctl("stop", "aws:*")
    try:
        yield
    finally:
        own.ctl("start", "aws:*")


def files_work(client):
    return client.upload("/documents", png()).status == 201


def refused(answer):
    assert answer.status == 503 and answer.json["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    assert not {"X-MM-Object-URL", "X-Accel-Redirect", "Content-Disposition"} & set(answer.headers)


def test_while_s3_is_away_nothing_is_half_stored_and_the_rest_goes_on(own, clients, books):
    user = clients.take()
    kept = user.upload("/documents", png(), expect=201).json
    picture = user.upload("/files/upload", png(), expect=200).json["secure_url"].removeprefix(own.stack.base)
    spent = user.expense(50_000)
    with s3_away(own):
        refused(user.upload("/documents", PDF, fields={"transactionId": str(spent["id"])}))
        refused(user.upload("/files/upload", png()))
        refused(user.get(f"/documents/{kept['id']}/content", expect=503))
        refused(user.with_(token=None).get(picture, expect=503))
        # What needs no object is there.
        assert kept in user.get("/documents").json
        assert user.get(f"/documents/{kept['id']}").json == kept
        assert user.get(f"/transactions/{spent['id']}").json["receiptImageUrl"] is None
        fresh = user.get(f"/documents/{kept['id']}/content", expect=304, headers={"If-None-Match": f'"{kept["sha256"]}"'})
        assert fresh.body == b""
        user.expense(1)
        user.get("/jars")
    until(lambda: files_work(user), 30, "files to be taken again")
    assert user.get(f"/documents/{kept['id']}/content").body == png()
    assert user.with_(token=None).get(picture).body == png()
    own.worker_task("documents")
    # Those that failed are gone from the table, or wait to be old enough; none is shown.
    rows = books.rows("SELECT state, name FROM documents WHERE user_id = %s AND state <> 'pending'", user.id)
    assert {row["state"] for row in rows} == {"stored"}
    assert len(user.get("/documents").json) == len(rows)


def test_what_is_deleted_while_s3_is_away_is_gone_at_once_and_its_object_later(own, clients, books):
    user = clients.take()
    made = user.upload("/documents", png(), expect=201).json
    with s3_away(own):
        user.delete(f"/documents/{made['id']}", expect=204)
        user.get(f"/documents/{made['id']}", expect=404)
        user.get(f"/documents/{made['id']}/content", expect=404)
        assert books.one("SELECT state FROM documents WHERE id = %s", made["id"])["state"] == "deleting"
    until(lambda: files_work(user), 30, "files to be taken again")
    own.worker_task("documents")
    assert books.rows("SELECT id FROM documents WHERE id = %s", made["id"]) == []


# ---- S3 refuses ----


class Refusing(http.server.BaseHTTPRequestHandler):
    """An S3 that lets nobody in."""

    protocol_version = "HTTP/1.1"
    code = "AccessDenied"
    message = "User is not authorized to perform: s3:PutObject with an explicit deny in a resource-based policy"

    def refuse(self):
        body = f"<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>".encode()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = refuse

    def log_message(self, *_):
        pass


@pytest.fixture
def refusing(own):
    """An API whose S3 answers 403 to everything, over the database of the stack. One for each test, since the line that
    names the layer comes once in a while only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    api = OwnApi(own.stack, AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{server.server_port}")
    yield api
    api.stop()
    server.shutdown()


@pytest.mark.parametrize(
    "code, message, layer",
    [
        ("AccessDenied", "... with an explicit deny in a resource-based policy", "look first at the bucket policy"),
        ("AccessDenied", "... with an explicit deny in a VPC endpoint policy", "look first at the VPC endpoint's policy"),
        ("SignatureDoesNotMatch", "The request signature does not match", "look first at the key"),
    ],
)
def test_a_403_names_the_layer_in_the_log_and_nothing_of_it_to_the_user(refusing, clients, monkeypatch, code, message, layer):
    monkeypatch.setattr(Refusing, "code", code)
    monkeypatch.setattr(Refusing, "message", message)
    user = clients.take()
    through = user.with_(stack=refusing.stack)
    before = len(refusing.log.read_text(encoding="utf-8"))
    answer = through.upload("/documents", png())
    refused(answer)
    assert code not in answer.text and "policy" not in answer.text
    lines = refusing.log.read_text(encoding="utf-8")[before:].splitlines()
    assert any(" ERROR " in line and layer in line for line in lines), lines
    assert user.get("/documents").json == []


def test_a_403_to_nginx_is_logged_and_answered_by_the_api(refusing, clients):
    user = clients.take()
    made = user.upload("/documents", png(), expect=201).json
    through = user.with_(stack=refusing.stack)
    before = len(refusing.log.read_text(encoding="utf-8"))
    answer = through.get(f"/documents/{made['id']}/content", expect=503)
    refused(answer)
    assert "Error" not in answer.text and "AccessDenied" not in answer.text
    lines = refusing.log.read_text(encoding="utf-8")[before:].splitlines()
    assert any(" ERROR " in line and "403" in line and "look first at" in line for line in lines), lines
    assert user.get(f"/documents/{made['id']}/content").body == png()
