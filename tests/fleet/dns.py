"""A name server that knows one domain (RFC 1035, the part that monitors use)."""

from __future__ import annotations

import socket
import struct

from tests.fleet.session import Trouble

DOMAIN = "app.fleet.example"
ADDRESS, ADDRESS6 = "192.0.2.10", "2001:db8::10"
MAIL, ALIAS, TXT = f"mail.{DOMAIN}", f"www.{DOMAIN}", "v=spf1 -all"
_WRONG = "203.0.113.66"

_A, _CNAME, _MX, _TXT, _AAAA = 1, 5, 15, 16, 28
_NO_SUCH_NAME, _SERVER_FAILURE = 3, 2
_TTL = 60


def answer(query: bytes, trouble: Trouble | None) -> bytes | None:
    """The reply to a query; None for what is no query of one question."""
    try:
        asked, flags, questions = struct.unpack_from("!HHH", query)
        if questions != 1 or flags & 0x8000:
            return None
        name, end = _name(query, 12)
        (kind,) = struct.unpack_from("!H", query, end)
        question = query[12 : end + 4]
    except (struct.error, IndexError, UnicodeDecodeError):
        return None
    code, records = _records(name.lower(), kind, trouble)
    # an answer, authoritative, and whether recursion was wanted
    head = struct.pack("!HHHHHH", asked, 0x8400 | (flags & 0x0100) | code, 1, len(records), 0, 0)
    body = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", type_, 1, _TTL, len(data)) + data
        for type_, data in records
    )
    return head + question + body


def _records(name: str, kind: int, trouble: Trouble | None) -> tuple[int, list[tuple[int, bytes]]]:
    if trouble is not None and trouble.kind == "5xx":
        return _SERVER_FAILURE, []
    address = _WRONG if trouble is not None and trouble.kind == "body" else ADDRESS
    if name == ALIAS:
        # The alias alone: who asks for an address asks again for its target.
        return 0, [(_CNAME, _encoded(DOMAIN))]
    if name != DOMAIN:
        return _NO_SUCH_NAME, []
    known = {
        _A: socket.inet_aton(address),
        _AAAA: socket.inet_pton(socket.AF_INET6, ADDRESS6),
        _MX: struct.pack("!H", 10) + _encoded(MAIL),
        _TXT: bytes([len(TXT)]) + TXT.encode(),
    }
    return 0, [(kind, known[kind])] if kind in known else []


def _name(data: bytes, at: int) -> tuple[str, int]:
    labels = []
    while (size := data[at]) and size < 64:
        labels.append(data[at + 1 : at + 1 + size].decode("ascii"))
        at += size + 1
    return ".".join(labels), at + 1


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
