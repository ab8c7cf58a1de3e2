"""What a message consists of on each channel, and how large a template and its result may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

#: The parts of a message by channel. A webhook's body is fixed, so it has no template.
PARTS: Mapping[str, tuple[str, ...]] = {
    "email": ("subject", "text", "html"),
    "sms": ("text",),
    "inApp": ("title", "text"),
    "apprise": ("title", "text"),
}
EVENTS = (
    "alert.fired",
    "alert.escalated",
    "alert.acknowledged",
    "alert.resolved",
    "alert.digest",
    "test",
)
#: Bytes of one part of a template.
LONGEST_SOURCE = 16 * 1024
#: Characters that all parts of a rendered message may have together.
LONGEST_RESULT = 500_000
_LONGEST = {"subject": 250, "title": 250}
_LONGEST_SMS = 1600
#: What no mail, no SMS and no page shows: control characters other than tab and line break, what
#: turns the direction of the text around it, and surrogates that stand alone.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words. Parts that its channel does not have are empty. ``note`` says that, and
    why, it is not what the admin's template would have said; else it is empty."""

    subject: str = ""
    title: str = ""
    text: str = ""
    html: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a template: in which ``part``, and in which ``line`` where that is
    known."""

    part: str
    line: int | None
    problem: str

    def __str__(self) -> str:
        where = f"{self.part}, line {self.line}" if self.line else self.part
        return f"{where}: {self.problem}"


class TemplateError(Exception):
    """A template that cannot be rendered, and why."""

    def __init__(self, problem: Problem, *more: Problem) -> None:
        super().__init__(str(problem))
        self.problems = (problem, *more)


def one_line(text: str) -> str:
    """A text as a subject may have it: a line break in one could add headers to a mail."""
    return " ".join(_UNSHOWN.sub("", text.replace("\r\n", "\n")).split())


def rendered(channel: str, texts: Mapping[str, str], note: str = "") -> Rendered:
    """What was rendered as the channel can send it: subjects and titles are one short line, and an
    SMS has at most 1,600 characters."""
    tidy = {}
    for part in PARTS[channel]:
        longest = _LONGEST_SMS if channel == "sms" else _LONGEST.get(part)
        text = texts[part]
        if part in _LONGEST:
            text = one_line(text)
        else:
            text = _UNSHOWN.sub("", text.replace("\r\n", "\n")).strip()
        if longest and len(text) > longest:
            text = f"{text[: longest - 3]}..."
        tidy[part] = text
    return Rendered(**tidy, note=note)
