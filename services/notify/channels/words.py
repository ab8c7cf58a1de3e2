"""What a message says where no template says it. Pure.

A recipient reads first what is wrong, then since when, whom it hurts, and what was found. Texts
come from checks, rules and servers, so everything that could play a trick on a mail program is
taken out of them here, once for all channels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from services.notify.channels import Message
from services.notify.templates.parts import Rendered

#: How a channel comes to its words: a template's, or those below.
Words = Callable[[Message], Rendered]

_LONGEST_TITLE = 200
_OPENINGS = {
    "alert.fired": "[{severity}] {title}",
    "alert.escalated": "[{severity}] Not acknowledged yet: {title}",
    "alert.acknowledged": "Acknowledged: {title}",
    "alert.resolved": "Resolved: {title}",
    "test": "Test message of Healthdeck",
}
_COLOURS = {"critical": "#b42318", "warning": "#b54708", "info": "#175cd3"}
_RESOLVED = "#067647"
#: Control characters, what turns the direction of the text around it, and halves of characters.
_TRICKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Notice:
    """A message taken apart: the ``headline`` is one line, ``evidence`` may have several."""

    headline: str
    evidence: str
    since: str
    tenants: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    colour: str


def notice(message: Message, address: str | None) -> Notice:
    """``address``: where the dashboard is reached, None when nobody said."""
    body = message.body
    resolved = message.event == "alert.resolved"
    severity = line(body.get("severity"))
    opening = _OPENINGS.get(message.event, "{title}")
    title = line(body.get("title")) or "Healthdeck"
    since = moment(body.get("firedAt") or body.get("triggeredAt"))
    tenants = _tenants(body)
    facts = [("Since", since)]
    if resolved:
        facts.append(("Until", moment(body.get("resolvedAt"))))
        facts.append(("Ended by", line(body.get("resolvedBy"))))
    facts += [
        ("Tenants hurt", tenants),
        ("Server", line(body.get("vpsId"))),
        ("Service", line(body.get("serviceName"))),
        ("Rule", line(body.get("ruleName"))),
    ]
    links = [("Open Healthdeck", f"{address}/health" if address else "")]
    links.append(("Runbook", _web(body.get("runbookUrl"))))
    evidence = body.get("resolution") if resolved else None
    return Notice(
        headline=_cut(opening.format(severity=severity, title=title)),
        evidence=text(evidence or body.get("message")) or _said_by_itself(message.event),
        since=since,
        tenants=tenants,
        facts=tuple((name, said) for name, said in facts if said),
        links=tuple((name, url) for name, url in links if url),
        colour=_RESOLVED if resolved else _COLOURS.get(severity, _COLOURS["info"]),
    )


def letter(message: Message, address: str | None) -> Rendered:
    """A mail: its subject, its text, and the same as HTML that a phone can show."""
    told = notice(message, address)
    lines = [told.headline, "", told.evidence, ""]
    lines += [f"{name}: {said}" for name, said in told.facts]
    lines += ["", *(f"{name}: {url}" for name, url in told.links)]
    return Rendered(subject=told.headline, text="\n".join(lines).strip() + "\n", html=_page(told))


def _page(told: Notice) -> str:
    """No picture, no style sheet, nothing to be fetched: it looks the same in every reader."""
    rows = "".join(
        f'<tr><td style="padding:2px 16px 2px 0;color:#667085;vertical-align:top;'
        f'white-space:nowrap">{escape(name)}</td><td dir="auto">{escape(said)}</td></tr>'
        for name, said in told.facts
    )
    links = "".join(
        f'<p style="margin:8px 0"><a href="{escape(url)}" style="color:#175cd3">'
        f"{escape(name)}</a></p>"
        for name, url in told.links
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(told.headline)}</title></head>"
        '<body style="margin:0;padding:16px;background:#ffffff;color:#101828;'
        'font:16px/1.5 -apple-system,Segoe UI,Roboto,Arial,sans-serif">'
        f'<div style="max-width:600px;border-left:6px solid {told.colour};padding:0 0 0 16px;'
        'overflow-wrap:anywhere">'
        f'<h1 dir="auto" style="font-size:20px;line-height:1.3;margin:0 0 12px">'
        f"{escape(told.headline)}</h1>"
        f'<p dir="auto" style="margin:0 0 12px;white-space:pre-line">{escape(told.evidence)}</p>'
        f'<table role="presentation" style="border-collapse:collapse;font-size:15px">{rows}'
        f"</table>{links}</div></body></html>\n"
    )


def text(value: Any) -> str:
    """A text of several lines without what could play tricks."""
    return _TRICKS.sub(" ", "" if value is None else str(value)).strip()


def line(value: Any) -> str:
    """The same in one line."""
    return " ".join(text(value).split())


def moment(value: Any) -> str:
    """``2025-11-20 10:30 UTC`` from how the API writes a time."""
    found = re.match(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)", str(value or ""))
    return f"{found[1]} {found[2]} UTC" if found else ""


def _tenants(body: Mapping[str, Any]) -> str:
    impact = body.get("impact")
    if not isinstance(impact, Mapping):
        return ""
    names = [line(name) for name in impact.get("tenants", ())]
    return f"{len(names)}: {', '.join(names)}" if names else "none"


def _said_by_itself(event: str) -> str:
    return "If you can read this, the channel works." if event == "test" else ""


def _web(value: Any) -> str:
    url = line(value)
    return url if re.match(r"https?://\S+\Z", url) else ""


def _cut(said: str) -> str:
    return said if len(said) <= _LONGEST_TITLE else f"{said[: _LONGEST_TITLE - 3]}..."
