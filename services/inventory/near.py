"""What was meant, where somebody wrote a name that there is not."""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Iterable

_SHOWN = 20
_FEW = 40


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean 'x'?``, or everything that is known."""
    known = list(known)
    near = difflib.get_close_matches(word, _around(word, known), n=2, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(repr(name) for name in near)}?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"known: {', '.join(known[:_SHOWN])}{more}" if known else "none is known"


def _around(word: str, known: list[str]) -> list[str]:
    """Of a long list, the names that sort near ``word``: to compare it with thousands takes
    too long where thousands are wrong."""
    if len(known) <= _FEW:
        return known
    known = sorted(known)
    at = bisect.bisect(known, word)
    return known[max(at - _FEW // 2, 0) : at + _FEW // 2]
