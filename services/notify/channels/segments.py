"""How long an SMS is, and how to keep one short. Pure.

An SMS of more than one segment spends some of each on saying which one it is. Its alphabet is
that of GSM 03.38 (7 bits) when every character is in it, else UCS-2 (16 bits), in which one
character outside of the alphabet makes the whole message more than twice as long.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Segments that a message may have at most.
MOST = 3

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: What takes two places, the first of which is an escape.
_EXTENDED = frozenset("^{}\\[~]|€\f")
#: Typography that has a plain form.
_PLAIN = str.maketrans(
    {
        "…": "...",
        "–": "-",
        "—": "-",
        "−": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
        "\t": " ",
        "·": "-",
        "•": "-",
        "×": "x",
    }
)


def is_gsm(text: str) -> bool:
    """Whether the 7-bit alphabet has every character of it."""
    return _BASIC.union(_EXTENDED).issuperset(text)


def segments(text: str) -> int:
    """How many segments a text takes: one has 160 places, of several each has 153; in UCS-2 70
    and 67. Neither an escape nor half of an emoji ends a segment."""
    if is_gsm(text):
        sizes, single, each = [1 + (c in _EXTENDED) for c in text], 160, 153
    else:
        sizes, single, each = [1 + (ord(c) > 0xFFFF) for c in text], 70, 67
    if sum(sizes) <= single:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > each:
            count, used = count + 1, 0
        used += size
    return count


def fitted(parts: Iterable[str]) -> str:
    """The parts as lines of a text of at most 3 segments, the most important first. One that
    does not fit is cut; one with an address in it is left out instead."""
    text = ""
    for part in parts:
        plain = part.translate(_PLAIN).strip()
        longer = f"{text}\n{plain}".strip()
        if segments(longer) <= MOST:
            text = longer
        elif "//" not in plain or not text:
            return _cut(longer, len(text))
    return text


def _cut(text: str, least: int) -> str:
    """As many characters as fit before three dots; ``least`` are known to fit without."""
    low, high = 0, min(len(text), 153 * MOST)
    while low < high:
        middle = (low + high + 1) // 2
        if segments(f"{text[:middle].rstrip()}...") <= MOST:
            low = middle
        else:
            high = middle - 1
    return text[:least] if low <= least else f"{text[:low].rstrip()}..."
