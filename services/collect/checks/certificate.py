"""The certificate that a server showed: who issued it and until when it holds. Read from its DER
form, for the ssl module tells nothing of a certificate that it did not accept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from services.observation import Status

DAY = 86400

#: Fewer days left than this is worth a word where the check names no figure of its own.
DAYS = 14

_SEQUENCE, _SET, _OID, _UTC_TIME, _GENERALIZED_TIME, _VERSION = 0x30, 0x31, 0x06, 0x17, 0x18, 0xA0
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
#: BMPString and UniversalString; every other kind of text is read as UTF-8.
_ENCODINGS = {0x1E: "utf-16-be", 0x1C: "utf-32-be"}


@dataclass(frozen=True, slots=True)
class Certificate:
    """``until``: seconds since the epoch; ``issuer``: its organisation and name."""

    until: float
    issuer: str

    @property
    def date(self) -> str:
        """The day on which it ends, such as 2026-03-01."""
        return datetime.fromtimestamp(self.until, UTC).date().isoformat()

    def days_left(self, now: float) -> int:
        """Whole days from ``now`` (seconds since the epoch); negative when it has ended."""
        return math.floor((self.until - now) / DAY)

    def judge(self, days: int, now: float) -> tuple[Status, str]:
        """Unhealthy when it has ended, degraded with fewer than ``days`` days left, and words."""
        left = self.days_left(now)
        if self.until <= now:
            ago = math.floor((now - self.until) / DAY)
            since = f"{_days(ago)} ago" if ago else "today"
            return Status.UNHEALTHY, f"certificate ended {since} ({self.date}){self._by}"
        text = f"certificate ends in {_days(left)} ({self.date}){self._by}"
        return (Status.DEGRADED if left < days else Status.HEALTHY), text

    def evidence(self, now: float) -> dict[str, str | int | float]:
        """What stands in a check's evidence."""
        return {
            "tlsDaysLeft": self.days_left(now),
            "tlsUntil": self.date,
            "tlsIssuer": self.issuer or "not named",
        }

    @property
    def _by(self) -> str:
        return f", issued by {self.issuer}" if self.issuer else ""


@lru_cache(maxsize=4096)
def read(der: bytes) -> Certificate | None:
    """What a certificate (X.509, RFC 5280) says; None when it cannot be read."""
    try:
        return _read(der)
    except (ValueError, IndexError, OverflowError):
        return None


def _read(der: bytes) -> Certificate:
    certificate = _one(der, _SEQUENCE)
    fields = list(_items(_one(certificate, _SEQUENCE)))
    if fields[0][0] == _VERSION:
        fields = fields[1:]
    _serial, _algorithm, (_, issuer), (_, validity), *_ = fields
    kind, until = list(_items(validity))[1]
    return Certificate(_moment(kind, until.decode("ascii")), _name(issuer))


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The (tag, content) pairs of DER, one after the other."""
    at = 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            size, at = int.from_bytes(data[at : at + count], "big"), at + count
        if at + size > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + size]
        at += size


def _one(data: bytes, expected: int) -> bytes:
    tag, content = next(_items(data), (0, b""))
    if tag != expected:
        raise ValueError("not what was expected here")
    return content


def _moment(kind: int, text: str) -> float:
    if kind == _UTC_TIME:  # two digits for the year: 1950 to 2049 (RFC 5280, 4.1.2.5.1)
        text = ("20" if int(text[:2]) < 50 else "19") + text
    elif kind != _GENERALIZED_TIME:
        raise ValueError("not a time")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _name(issuer: bytes) -> str:
    """``Let's Encrypt R3``: organisation and common name, one line, no name twice."""
    found: dict[bytes, str] = {}
    for tag, group in _items(issuer):
        if tag != _SET:
            continue
        for _, pair in _items(group):
            (kind, oid), (form, value) = list(_items(pair))[:2]
            if kind == _OID:
                found[oid] = value.decode(_ENCODINGS.get(form, "utf-8"), "replace")
    names = [found[oid] for oid in (_ORGANIZATION, _COMMON_NAME) if found.get(oid)]
    text = " ".join(dict.fromkeys(names))
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:100]


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
