"""As much of PostgreSQL's protocol (version 3) as it takes to connect and to ask SELECT 1.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct

from tests.fleet.session import Trouble

VERSION = "17.2"
_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_PARAMETERS = {
    "server_version": VERSION,
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}
_INT4, _TEXT = 23, 25


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def error(code: str, text: str) -> bytes:
    fields = f"SFATAL\0VFATAL\0C{code}\0M{text}\0\0"
    return message(b"E", fields.encode())


class PostgresSession:
    """Trusts everybody; knows ``SELECT <number>``, ``SHOW``, transactions and ``SET``."""

    greeting = b""

    def __init__(self) -> None:
        self.closing = False
        self.upgrade = False
        self._held = b""
        self._started = False
        self._transaction = b"I"
        self._statement = ""

    def received(self, data: bytes, trouble: Trouble | None) -> bytes | None:
        if trouble is not None and trouble.kind == "body":
            self.closing = True
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        self._held += data
        reply = b""
        while not self.closing and (found := self._take()):
            kind, body = found
            reply += self._start(body, trouble) if kind == b"" else self._answer(kind, body)
        return reply or None

    def _take(self) -> tuple[bytes, bytes] | None:
        """One whole message: its kind (empty for those before the start) and its body."""
        at = 1 if self._started else 0
        if len(self._held) < at + 4:
            return None
        (size,) = struct.unpack_from("!I", self._held, at)
        if not 4 <= size <= 65536:
            self.closing = True
            return None
        if len(self._held) < at + size:
            return None
        kind, body = self._held[:at], self._held[at + 4 : at + size]
        self._held = self._held[at + size :]
        return kind, body

    def _start(self, body: bytes, trouble: Trouble | None) -> bytes:
        (code,) = struct.unpack_from("!I", body.ljust(4, b"\0"))
        if code in (_SSL, _GSS):
            return b"N"
        if code == _CANCEL:
            self.closing = True
            return b""
        if trouble is not None and trouble.kind == "5xx":
            self.closing = True
            return error("57P03", "the database system is starting up")
        self._started = True
        said = [message(b"R", struct.pack("!I", 0))]
        said += [message(b"S", f"{k}\0{v}\0".encode()) for k, v in _PARAMETERS.items()]
        said.append(message(b"K", struct.pack("!II", 4711, 815)))
        return b"".join(said) + self._ready()

    def _ready(self) -> bytes:
        return message(b"Z", self._transaction)

    def _answer(self, kind: bytes, body: bytes) -> bytes:
        if kind == b"X":
            self.closing = True
            return b""
        if kind == b"Q":
            text = body.rstrip(b"\0").decode("utf-8", "replace")
            return self._described(text) + self._run(text) + self._ready()
        if kind == b"P":
            self._statement = body.split(b"\0")[1].decode("utf-8", "replace")
            return message(b"1", b"")
        if kind == b"D":
            # 'S' asks for the parameters of a statement too: there are none
            before = message(b"t", struct.pack("!H", 0)) if body[:1] == b"S" else b""
            return before + (self._described(self._statement) or message(b"n", b""))
        return {
            b"B": lambda: message(b"2", b""),
            b"C": lambda: message(b"3", b""),
            b"E": lambda: self._run(self._statement),
            b"S": self._ready,
        }.get(kind, lambda: b"")()

    def _described(self, text: str) -> bytes:
        found = _result(text)
        if found is None:
            return b""
        name, type_, _ = found
        size = 4 if type_ == _INT4 else -1
        column = name.encode() + b"\0" + struct.pack("!IhIhih", 0, 0, type_, size, -1, 0)
        return message(b"T", struct.pack("!H", 1) + column)

    def _run(self, text: str) -> bytes:
        found = _result(text)
        word = (text.split() or ["SELECT"])[0].upper().rstrip(";")
        if found is None:
            states = {"BEGIN": b"T", "START": b"T", "COMMIT": b"I", "ROLLBACK": b"I"}
            self._transaction = states.get(word, self._transaction)
            return message(b"C", word.encode() + b"\0")
        value = found[2].encode()
        row = struct.pack("!HI", 1, len(value)) + value
        tag = b"SHOW\0" if word == "SHOW" else b"SELECT 1\0"
        return message(b"D", row) + message(b"C", tag)


def _result(text: str) -> tuple[str, int, str] | None:
    """Column, type and value of the one row that a query gives; None when it gives none."""
    words = text.strip().rstrip(";").split(None, 1)
    head, rest = (words[0].upper() if words else ""), (words[1] if len(words) > 1 else "")
    if head == "SHOW":
        return rest, _TEXT, _PARAMETERS.get(rest, VERSION)
    if head != "SELECT":
        return None
    if rest.strip().isdigit():
        return "?column?", _INT4, rest.strip()
    return "version", _TEXT, f"PostgreSQL {VERSION}"
