"""A mail server that greets, takes a login and lets go. It accepts no mail."""

from __future__ import annotations

import base64
import binascii

from tests.fleet.session import Lines, Trouble

USER, PASSWORD = "monitor", "a password that only the fleet knows"


class SmtpSession(Lines):
    """``starttls`` offers TLS and takes a login only after it."""

    greeting = b"220 mail.fleet.example ESMTP ready\r\n"

    def __init__(self, starttls: bool = False, secured: bool = False) -> None:
        super().__init__()
        self._starttls = starttls
        self._secured = secured
        self._asked: list[str] = []
        self._answers: list[str] = []
        if secured:
            self.greeting = b""

    def line(self, line: bytes, trouble: Trouble | None) -> bytes:
        if trouble is not None and trouble.kind == "5xx":
            self.closing = True
            return b"421 4.3.2 mail.fleet.example Service not available\r\n"
        if trouble is not None and trouble.kind == "body":
            self.closing = True
            return b"-ERR this is a POP3 server\r\n"
        if self._asked:
            return self._login(line)
        word, _, rest = line.decode("utf-8", "replace").partition(" ")
        word = word.upper()
        if word == "EHLO":
            return self._features()
        if word == "AUTH":
            return self._auth(rest)
        if word == "STARTTLS" and self._starttls and not self._secured:
            self.upgrade = True
            return b"220 2.0.0 Ready to start TLS\r\n"
        if word == "QUIT":
            self.closing = True
        return {
            "HELO": b"250 mail.fleet.example\r\n",
            "NOOP": b"250 2.0.0 Ok\r\n",
            "RSET": b"250 2.0.0 Ok\r\n",
            "QUIT": b"221 2.0.0 Bye\r\n",
            "MAIL": b"550 5.7.1 This server takes no mail\r\n",
        }.get(word, b"502 5.5.2 Error: command not recognized\r\n")

    def _features(self) -> bytes:
        names = ["mail.fleet.example", "PIPELINING", "8BITMIME"]
        if self._starttls and not self._secured:
            names.append("STARTTLS")
        else:
            names.append("AUTH PLAIN LOGIN")
        ends = ["250-"] * (len(names) - 1) + ["250 "]
        return "".join(f"{end}{name}\r\n" for end, name in zip(ends, names, strict=True)).encode()

    def _auth(self, rest: str) -> bytes:
        if self._starttls and not self._secured:
            return b"530 5.7.0 Must issue a STARTTLS command first\r\n"
        kind, _, initial = rest.partition(" ")
        if kind.upper() == "PLAIN":
            self._asked = [""]
            return self._login(initial.encode()) if initial else b"334 \r\n"
        if kind.upper() == "LOGIN":
            # base64 of "Username:" and "Password:", as clients expect them
            self._asked = ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"]
            return self._login(initial.encode()) if initial else b"334 VXNlcm5hbWU6\r\n"
        return b"504 5.5.4 Unrecognized authentication type\r\n"

    def _login(self, line: bytes) -> bytes:
        try:
            text = base64.b64decode(line, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            self._asked, self._answers = [], []
            return b"501 5.5.2 cannot decode\r\n"
        self._answers.extend(text.split("\0")[-2:] if "\0" in text else [text])
        self._asked.pop(0)
        if self._asked:
            return f"334 {self._asked[0]}\r\n".encode()
        right = self._answers == [USER, PASSWORD]
        self._answers = []
        if right:
            return b"235 2.7.0 Authentication successful\r\n"
        return b"535 5.7.8 Error: authentication failed\r\n"
