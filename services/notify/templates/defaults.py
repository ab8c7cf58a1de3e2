"""What messages say unless an admin writes it differently.

For somebody who is woken by it and reads it on a phone: what is broken, whom it hurts, since when,
what was seen, who is on it, and where to go. An SMS has plain characters, of which 160 fit into
one; what was seen gives way to the link.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.notify.templates import sandbox
from services.notify.templates.default_html import DIGEST, page
from services.notify.templates.parts import EVENTS, Rendered, rendered

Row = tuple[str, str]

_SINCE: Row = ("Since", "alert.times.fired.both or alert.times.triggered.both")
_HURTS: Row = ("Hurts", "alert.hurts")
_SEEN: Row = ("Seen", "alert.message")
_ON_IT: Row = ("On it", "alert.acknowledgedBy or 'nobody yet'")
_AGAIN: Row = (
    "Note",
    (
        "'It comes and goes: this is time ' ~ alert.occurrences if alert.flapping else "
        "'It came back: this is time ' ~ alert.occurrences if (alert.occurrences or 1) > 1"
    ),
)
_RULE: Row = ("Rule", "alert.ruleName")
_LINKS: tuple[Row, ...] = (
    ("Alert", "alert.links.alert"),
    ("Server", "alert.links.vps"),
    ("Runbook", "alert.links.runbook"),
)
#: For each event: the line above all, and what is told below it.
_MAILS: Mapping[str, tuple[str, tuple[Row, ...]]] = {
    "alert.fired": (
        "{{ alert.severity|upper }}: {{ alert.title }}",
        (_HURTS, _SINCE, _SEEN, _ON_IT, _AGAIN, _RULE),
    ),
    "alert.escalated": (
        "STILL OPEN: {{ alert.title }}",
        (
            (
                "Why you",
                "'Nobody took it on for ' ~ alert.lasted ~ '.' if not alert.acknowledgedBy",
            ),
            ("Severity", "alert.severity"),
            _HURTS,
            _SINCE,
            _SEEN,
            _ON_IT,
            _AGAIN,
            _RULE,
        ),
    ),
    "alert.acknowledged": (
        "TAKEN ON: {{ alert.title }}",
        (("By", "alert.acknowledgedBy"), ("At", "alert.times.acknowledged.both"), _HURTS, _SINCE),
    ),
    "alert.resolved": (
        "RESOLVED: {{ alert.title }}",
        (
            ("Ended", "alert.times.resolved.both"),
            ("Lasted", "alert.lasted"),
            ("How", "alert.resolution"),
            ("By", "alert.resolvedBy"),
            ("Hurt", "alert.hurts"),
            _RULE,
        ),
    ),
    "test": (
        "Test message from Healthdeck",
        (
            ("For", "contact.name"),
            ("It means", "'This channel works. Nothing is wrong.'"),
        ),
    ),
}
_DIGEST_HEAD = (
    "{{ count }} alert{{ 's' if count != 1 }}"
    "{{ ', ' ~ counts.critical ~ ' critical' if counts.critical }}"
    "{% set ended = counts.resolved - counts.cameAndWent %}"
    "{{ ', ' ~ ended ~ ' resolved' if ended }}"
    "{{ ', ' ~ counts.cameAndWent ~ ' came and went' if counts.cameAndWent }}"
)
_DIGEST_TEXT = f"""{_DIGEST_HEAD}
{{% for alert in alerts %}}

{{{{ 'CAME AND WENT' if alert.cameAndWent else 'RESOLVED' if alert.status == 'resolved' \
else alert.severity|upper }}}}: {{{{ alert.title }}}}
  {{{{ (alert.times.resolved or alert.times.triggered).both }}}}\
{{{{ ', hurts ' ~ alert.hurts if alert.hurts }}}}
{{% if alert.message and alert.status != 'resolved' %}}
  {{{{ alert.message|truncate(200) }}}}
{{% endif %}}
{{% if alert.links.alert %}}
  {{{{ alert.links.alert }}}}
{{% endif %}}
{{% endfor %}}
"""
_TITLE = "alert.title|truncate(90, true, '...', 0)"
_BEGAN = "(alert.times.fired or alert.times.triggered)"
_WHO = "{{ alert.acknowledgedBy or 'nobody' }}"
_ENDED = (
    "{{ 'Ended ' ~ alert.times.resolved.clock ~ ', lasted' if alert.times.resolved else 'Lasted' }}"
)
_SEEN_SMS = "'. Hurts ' ~ alert.hurts if alert.hurts", "'. ' ~ alert.message if alert.message"
#: For each event: what an SMS says in any case, and what it says as far as there is room.
_SMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "alert.fired": (
        f"{{{{ alert.severity|upper }}}}: {{{{ {_TITLE} }}}} since {{{{ {_BEGAN}.clock }}}}",
        _SEEN_SMS,
    ),
    "alert.escalated": (
        f"STILL OPEN for {{{{ alert.lasted }}}}, {_WHO} on it: {{{{ {_TITLE} }}}}",
        _SEEN_SMS,
    ),
    "alert.acknowledged": (
        f"TAKEN ON by {{{{ alert.acknowledgedBy or 'somebody' }}}}: {{{{ {_TITLE} }}}}",
        (),
    ),
    "alert.resolved": (
        f"RESOLVED: {{{{ {_TITLE} }}}}. {_ENDED} {{{{ alert.lasted }}}}",
        ("'. ' ~ alert.resolution if alert.resolution",),
    ),
    "alert.digest": (_DIGEST_HEAD, ("': ' ~ alerts|map(attribute='title')|join(', ')",)),
    "test": ("Test message from Healthdeck for {{ contact.name }}: this channel works", ()),
}


def _text(event: str) -> str:
    """The subject in its first line, then one line for each thing that is known."""
    if event == "alert.digest":
        return _DIGEST_TEXT
    head, rows = _MAILS[event]
    lines = [head, ""]
    for label, value in rows:
        lines += [
            f"{{% set it = {value} %}}",
            "{% if it %}",
            f"{label}: {{{{ it }}}}",
            "{% endif %}",
        ]
    if event != "test":
        lines.append("")
        for label, value in _LINKS:
            lines += [f"{{% if {value} %}}", f"{label}: {{{{ {value} }}}}", "{% endif %}"]
    return "\n".join(lines)


def _sms(event: str) -> str:
    """One part after the other as long as all, with the link, have 160 characters."""
    head, parts = _SMS[event]
    link = "''" if event in ("test", "alert.digest") else "alert.links.alert or ''"
    lines = [f"{{% set said %}}{head}{{% endset %}}", f"{{% set link = {link} %}}"]
    for part in parts:
        lines += [
            f"{{% set more = {part} or '' %}}",
            "{% set room = 159 - said|length - link|length %}",
            "{% if more and room >= 16 %}",
            "{% set said = said ~ more|truncate(room, false, '...', 0) %}",
            "{% endif %}",
        ]
    return "\n".join([*lines, "{{ said }}{{ ' ' ~ link if link }}"])


def _in_app(event: str) -> dict[str, str]:
    title = _subject(event)
    match event:
        case "alert.fired":
            title = "{{ alert.title }}"
            text = "{{ alert.message }}{% if alert.hurts %} Hurts {{ alert.hurts }}.{% endif %}"
        case "alert.escalated":
            text = "Open for {{ alert.lasted }}, {{ alert.acknowledgedBy or 'nobody' }} on it."
        case "alert.acknowledged":
            title = "{{ alert.acknowledgedBy or 'Somebody' }} is on it: {{ alert.title }}"
            text = "{{ alert.message }}"
        case "alert.resolved":
            title, text = "Resolved: {{ alert.title }}", "{{ alert.resolution or alert.message }}"
        case "alert.digest":
            text = "{{ alerts|map(attribute='title')|join(', ')|truncate(500) }}"
        case _:
            text = "This channel works. Nothing is wrong."
    return {"title": title, "text": text}


def _subject(event: str) -> str:
    return _DIGEST_HEAD if event == "alert.digest" else _MAILS[event][0]


def _email(event: str) -> dict[str, str]:
    if event == "alert.digest":
        html = page(_DIGEST_HEAD, DIGEST)
    else:
        head, rows = _MAILS[event]
        html = page(head, rows, () if event == "test" else _LINKS)
    return {"subject": _subject(event), "text": _text(event), "html": html}


#: The sources of each channel's parts, by channel and event.
DEFAULTS: Mapping[tuple[str, str], Mapping[str, str]] = {
    (channel, event): parts
    for event in EVENTS
    for channel, parts in (
        ("email", _email(event)),
        ("sms", {"text": _sms(event)}),
        ("inApp", _in_app(event)),
        # What follows the title need not say it again.
        ("apprise", {"title": _subject(event), "text": _text(event).partition("\n")[2]}),
    )
}


def standard(channel: str, event: str, variables: dict[str, Any], note: str = "") -> Rendered:
    """What a message says where nobody has written it differently. ``variables`` as
    ``variables.context`` gives them; KeyError for what has no templates."""
    return rendered(channel, sandbox.render(DEFAULTS[channel, event], [variables]), note)
