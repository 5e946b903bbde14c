"""A real SMTP server for tests: aiosmtpd with TLS and sign-in, which writes each mail that it takes into a file.

smtp_server.py PORT FOLDER MODE [CERTIFICATE KEY USER PASSWORD]; MODE is plain, starttls or implicit.
"""

import itertools
import os
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


class Taker:
    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_DATA(self, server, session, envelope):
        by = getattr(session.auth_data, "login", b"").decode() if session.auth_data else ""
        secure = "yes" if session.ssl else "no"
        head = f"X-Recipient: {envelope.rcpt_tos[0]}\r\nX-Signed-In: {by}\r\nX-Secure: {secure}\r\n".encode()
        name = os.path.join(self.folder, f"{next(self.numbers)}.eml")
        with open(name + ".part", "wb") as file:
            file.write(head + envelope.original_content)
        os.rename(name + ".part", name)
        return "250 taken"


def main():
    port, folder, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    options = {}
    if mode != "plain":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(sys.argv[4], sys.argv[5])
        user, password = sys.argv[6].encode(), sys.argv[7].encode()

        def sign_in(server, session, envelope, mechanism, data):
            return AuthResult(success=(data.login, data.password) == (user, password), handled=False, auth_data=data)

        options = {"authenticator": sign_in, "auth_required": True}
        if mode == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        else:
            options |= {"ssl_context": context, "auth_require_tls": False}
    Controller(Taker(folder), hostname="127.0.0.1", port=port, **options).start()
    print("ready", flush=True)
    while True:
        time.sleep(3600)


main()
