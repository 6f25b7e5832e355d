"""The mail server of the profile `local`: local/smtp_sink.py with a certificate for the name `smtp`. Mails and keys are
kept in /state; the certificate authority is given to the worker in /certs."""

import os
import shutil

from settings import Settings

STATE = "/state"

if __name__ == "__main__":
    os.umask(0o077)
    settings = Settings(STATE)
    os.makedirs(settings.path("certs"), exist_ok=True)
    settings.make_certificates("smtp")
    shutil.copyfile(settings.path("certs/ca.pem"), "/certs/ca.pem")
    os.chmod("/certs/ca.pem", 0o644)
    os.environ.update(
        SMTP_BIND="0.0.0.0",
        MAIL_DIR=settings.path("mail"),
        SMTP_CERT_FILE=settings.path("certs/server.pem"),
        SMTP_KEY_FILE=settings.path("certs/server.key"),
        SMTP_CONTROL_FILE=settings.path("smtp-control.json"),
    )
    os.execvp("python3", ["python3", "local/smtp_sink.py"])
