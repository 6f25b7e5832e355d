"""The mail server of the local stack: takes mail only over STARTTLS and after AUTH, and files each one as an .eml.

Settings come from the environment: SMTP_BIND (the loopback addresses), SMTP_PORT, SMTP_USER, SMTP_PASSWORD, MAIL_DIR,
SMTP_CERT_FILE, SMTP_KEY_FILE and SMTP_CONTROL_FILE. The control file, read before each answer, lets a test make the server misbehave:
    {"rcpt": "451 4.3.0 Try later"}     this answer to every RCPT (also "mail" and "data")
    {"hang": true}                      no answer to DATA until the file changes or the client goes away
    {"match": "someone@example.com"}    only for recipients that contain this text
Without the file, or with an empty object, mail is taken.
"""

import asyncio
import json
import logging
import os
import secrets
import signal
import ssl
import time

from aiosmtpd.smtp import SMTP, AuthResult

MAX_MAIL_BYTES = 30 * 1024 * 1024


class Sink:
    def __init__(self, environment):
        self.user = environment["SMTP_USER"].encode()
        self.password = environment["SMTP_PASSWORD"].encode()
        self.mail_dir = environment["MAIL_DIR"]
        self.control_file = environment.get("SMTP_CONTROL_FILE", "")
        self.number = 0

    def authenticate(self, server, session, envelope, mechanism, data):
        user = getattr(data, "login", b"") or b""
        password = getattr(data, "password", b"") or b""
        good = secrets.compare_digest(user, self.user) and secrets.compare_digest(password, self.password)
        return AuthResult(success=good, handled=False)

    def control(self, recipients):
        """What the control file tells for these recipients; an unreadable file tells nothing."""
        try:
            with open(self.control_file, encoding="utf-8") as file:
                told = json.load(file)
        except (OSError, ValueError, TypeError):
            return {}
        match = told.get("match")
        if match and not any(match in recipient for recipient in recipients):
            return {}
        return told

    async def handle_MAIL(self, server, session, envelope, address, options):
        told = self.control([])
        if "mail" in told:
            return told["mail"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        told = self.control([address])
        if "rcpt" in told:
            return told["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        while self.control(envelope.rcpt_tos).get("hang"):
            await asyncio.sleep(0.1)
        told = self.control(envelope.rcpt_tos)
        if "data" in told:
            return told["data"]
        return "250 2.0.0 OK " + self.file_mail(envelope)

    def file_mail(self, envelope):
        self.number += 1
        name = f"{time.time_ns()}-{os.getpid()}-{self.number}.eml"
        path = os.path.join(self.mail_dir, name)
        head = f"X-Envelope-From: {envelope.mail_from}\r\nX-Envelope-To: {', '.join(envelope.rcpt_tos)}\r\n"
        # A reader that lists *.eml never sees half a mail.
        with open(path + ".part", "wb") as file:
            file.write(head.encode() + envelope.content)
        os.rename(path + ".part", path)
        return name


async def listen(connection, address, port):
    """On `address`, or on both loopback ones, since `localhost` may mean either; a machine may lack the second."""
    loop = asyncio.get_running_loop()
    if address:
        return [await loop.create_server(connection, address, port)]
    servers = [await loop.create_server(connection, "127.0.0.1", port)]
    try:
        servers.append(await loop.create_server(connection, "::1", port))
    except OSError:
        pass
    return servers


async def serve(environment):
    sink = Sink(environment)
    os.makedirs(sink.mail_dir, exist_ok=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(environment["SMTP_CERT_FILE"], environment["SMTP_KEY_FILE"])
    loop = asyncio.get_running_loop()

    def connection():
        return SMTP(
            sink,
            hostname="localhost",
            tls_context=tls,
            require_starttls=True,
            auth_required=True,
            authenticator=sink.authenticate,
            data_size_limit=MAX_MAIL_BYTES,
            enable_SMTPUTF8=True,
            loop=loop,
        )

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    servers = await listen(connection, environment.get("SMTP_BIND"), int(environment["SMTP_PORT"]))
    await stop.wait()
    for server in servers:
        server.close()


if __name__ == "__main__":
    # The library warns of its own past at every login.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    asyncio.run(serve(os.environ))
