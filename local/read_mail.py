"""read_mail.py DIR ADDRESS [TEXT]: prints subject and plain text of each mail to the address that contains TEXT, oldest
first. Needs nothing but Python."""

import email
import email.policy
import os
import sys


def main():
    directory, address = sys.argv[1:3]
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    for name in sorted(os.listdir(directory)):
        if not name.endswith(".eml"):
            continue
        with open(os.path.join(directory, name), "rb") as file:
            mail = email.message_from_binary_file(file, policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()
        if address in str(mail["To"]) and wanted in f"{mail['Subject']}\n{text}":
            print(f"Subject: {mail['Subject']}\n\n{text.rstrip()}\n")


if __name__ == "__main__":
    main()
