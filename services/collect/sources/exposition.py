"""The Prometheus text format (version 0.0.4), of which only the wanted families are read.

The format's own client library reads the same (the tests hold this against it) in some thirty
times the time: it makes an object of every line, and a real page has 1,500 of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

#: Pairs of name and value, by name.
Labels = tuple[tuple[str, str], ...]

_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED: Mapping[str, str] = {"n": "\n", '"': '"', "\\": "\\"}
_LONGEST_LABELS = 1000


@dataclass(slots=True)
class Family:
    """The samples of one metric. ``twice`` are those that came more than once; ``garbled`` is
    set when a line of it could not be read."""

    samples: dict[Labels, float] = field(default_factory=dict)
    twice: set[Labels] = field(default_factory=set)
    garbled: bool = False


class Wanted:
    """Reads some families out of a page; ``names`` are in the order of their places."""

    def __init__(self, prefix: str, names: Iterable[str]) -> None:
        ends = "|".join(re.escape(name.removeprefix(prefix)) for name in names)
        # Beginning with the plain text of a line's start, it runs at the speed of a search;
        # ``^`` would stop at each line.
        self._lines = re.compile(rf"\n{re.escape(prefix)}({ends})(?=[ \t{{])([^\n]*)".encode())
        self._prefix = prefix

    def read(self, page: bytes) -> dict[str, Family]:
        """The families that the page has, under their full names."""
        found: dict[bytes, Family] = {}
        for name, rest in self._lines.findall(b"\n" + page):
            family = found.get(name)
            if family is None:
                family = found[name] = Family()
            before, brace, after = rest.rpartition(b"}")
            try:
                labels = _labels(before) if brace else ()
                value = _value(after)
            except ValueError:
                family.garbled = True
                continue
            if labels in family.samples:
                family.twice.add(labels)
            family.samples[labels] = value
        return {self._prefix + name.decode(): family for name, family in found.items()}


def _value(text: bytes) -> float:
    """The value; a time may stand behind it. Raises ValueError."""
    value, *more = text.split()
    if more:
        (moment,) = more
        int(moment)
    if b"_" in value:  # Python's own way to write long numbers
        raise ValueError(value)
    return float(value)


@lru_cache(maxsize=8192)
def _labels(text: bytes) -> Labels:
    """The labels of a sample, from ``{`` up to the closing brace. Raises ValueError."""
    if len(text) > _LONGEST_LABELS:
        raise ValueError("too long")
    body = text.decode().strip(" \t")
    if not body.startswith("{"):
        raise ValueError(body)
    pairs: dict[str, str] = {}
    place = 1
    while place < len(body) and body[place:].strip(" \t"):
        match = _LABEL.match(body, place)
        if match is None or match[1] in pairs:
            raise ValueError(body)
        pairs[match[1]] = _ESCAPE.sub(_unescape, match[2])
        place = match.end()
    return tuple(sorted(pairs.items()))


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPED.get(match[1], match[0])
