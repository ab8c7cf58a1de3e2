"""Questions to a name server and its answers, as bytes (RFC 1035). Pure."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Mapping
from dataclasses import dataclass

RECORDS: Mapping[str, int] = {"A": 1, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28}

_HEADER = struct.Struct("!6H")
_INTERNET = 1
_RESPONSE, _TRUNCATED, _RECURSION_DESIRED = 0x8000, 0x0200, 0x0100
_LONGEST_NAME = 255
#: Aliases that lead from one to the next; more are a circle.
_MOST_ALIASES = 16


class BadMessage(Exception):
    """These bytes are no answer that can be read."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``code`` is the server's verdict (0: no error, 3: no such name). ``values`` are the records
    that were asked for, aliases followed, as people write them."""

    code: int
    truncated: bool
    values: tuple[str, ...]


def question(name: str, record: str, number: int) -> bytes:
    """A recursive question with the id ``number``. Raises ValueError for what is no name."""
    header = _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + _wire_name(name) + struct.pack("!2H", RECORDS[record], _INTERNET)


def answers(message: bytes, asked: bytes) -> bool:
    """Whether a message is an answer to this very question: its id, and the question repeated
    (RFC 5452, section 9.1). Anything else may be anybody's."""
    if len(message) < _HEADER.size or message[:2] != asked[:2]:
        return False
    _, flags, questions, *_ = _HEADER.unpack_from(message)
    repeated = message[_HEADER.size : len(asked)]
    same = repeated.lower() == asked[_HEADER.size :].lower()
    # A server that could not read the question, or refuses it, may leave it out.
    return bool(flags & _RESPONSE) and (same or (questions == 0 and flags & 0xF != 0))


def parse(message: bytes, asked: bytes) -> Answer:
    """What an answer says (see ``answers``). Raises BadMessage."""
    try:
        _, flags, questions, count, _, _ = _HEADER.unpack_from(message)
        truncated = bool(flags & _TRUNCATED)
        if truncated or not questions:
            return Answer(flags & 0xF, truncated, ())
        return Answer(flags & 0xF, truncated, _values(message, asked, count))
    except (struct.error, IndexError, ValueError) as error:
        raise BadMessage from error


def _values(message: bytes, asked: bytes, count: int) -> tuple[str, ...]:
    (wanted,) = struct.unpack("!H", asked[-4:-2])
    name, _ = _read_name(asked, _HEADER.size)
    at = len(asked)
    found: list[tuple[str, str]] = []
    aliases: dict[str, str] = {}
    for _ in range(count):
        owner, at = _read_name(message, at)
        kind, group, _, size = struct.unpack_from("!2HIH", message, at)
        at += 10
        if at + size > len(message):
            raise ValueError("cut off")
        if group == _INTERNET and kind == RECORDS["CNAME"]:
            aliases[owner] = _read_name(message, at)[0]
        if group == _INTERNET and kind == wanted:
            found.append((owner, _value(message, at, size, kind)))
        at += size
    names = {name}
    for _ in range(_MOST_ALIASES if wanted != RECORDS["CNAME"] else 0):
        name = aliases.get(name, name)
        names.add(name)
    return tuple(value for owner, value in found if owner in names)


def _value(message: bytes, at: int, size: int, kind: int) -> str:
    data = message[at : at + size]
    if kind == RECORDS["A"]:
        return str(ipaddress.IPv4Address(data))
    if kind == RECORDS["AAAA"]:
        return str(ipaddress.IPv6Address(data))
    if kind == RECORDS["CNAME"]:
        return _read_name(message, at)[0]
    if kind == RECORDS["MX"]:
        (preference,) = struct.unpack_from("!H", data)
        return f"{preference} {_read_name(message, at + 2)[0]}"
    text = bytearray()
    start = 0
    while start < size:
        length = data[start]
        text += data[start + 1 : start + 1 + length]
        start += 1 + length
    return text.decode("utf-8", "replace")


def _wire_name(name: str) -> bytes:
    wire = bytearray()
    for label in name.rstrip(".").split("."):
        raw = label.encode("ascii")
        if not 1 <= len(raw) <= 63:
            raise ValueError("a label has 1 to 63 characters")
        wire += bytes((len(raw),)) + raw
    if len(wire) >= _LONGEST_NAME:
        raise ValueError("a name has at most 253 characters")
    return bytes(wire) + b"\0"


def _read_name(message: bytes, at: int) -> tuple[str, int]:
    """The name at ``at``, in small letters, and where what follows it begins."""
    labels: list[str] = []
    end = None
    length = 0
    while size := message[at]:
        if size >= 0xC0:  # the rest stands earlier in the message
            end = at + 2 if end is None else end
            back = (size & 0x3F) << 8 | message[at + 1]
            if back >= at:
                raise ValueError("a name that leads forward")
            at = back
            continue
        if size > 63 or (length := length + size + 1) > _LONGEST_NAME:
            raise ValueError("not a name")
        if at + 1 + size > len(message):
            raise ValueError("cut off")
        labels.append(message[at + 1 : at + 1 + size].decode("ascii", "replace").lower())
        at += 1 + size
    return ".".join(labels), at + 1 if end is None else end
