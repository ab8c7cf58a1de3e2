"""Months of UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from services.errors import ValidationError

#: Months that reports go back.
MOST = 36
_NAME = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Month:
    """``name`` is ``2026-11``; ``start`` and ``end`` seconds since the epoch, UTC."""

    name: str
    start: float
    end: float

    @classmethod
    def of(cls, year: int, number: int) -> Month:
        start = datetime(year, number, 1, tzinfo=UTC)
        after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
        return cls(f"{year:04}-{number:02}", start.timestamp(), after.timestamp())

    @classmethod
    def named(cls, name: str) -> Month:
        """Raises ValidationError."""
        year = int(name[:4]) if _NAME.fullmatch(name) else 0
        if not 1970 <= year < 9999:
            raise ValidationError(f"'{name[:20]}' is no month; write it as 2026-11.")
        return cls.of(year, int(name[5:]))


def back(first: float, now: float) -> Iterator[Month]:
    """The months from now back to the one of ``first``, at most MOST."""
    moment = datetime.fromtimestamp(now, UTC)
    year, number = moment.year, moment.month
    for _ in range(MOST):
        month = Month.of(year, number)
        yield month
        if month.start <= first:
            return
        year, number = (year, number - 1) if number > 1 else (year - 1, 12)
