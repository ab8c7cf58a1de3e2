"""``/api/admin/notifications/templates``: what messages say, and how they would look."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from services.container import acting, current
from services.errors import ValidationError
from services.notify.templates.desk import Entry
from services.notify.templates.parts import LONGEST_SOURCE, PARTS, Rendered
from services.notify.templates.variables import VARIABLES
from services.times import iso
from services.web.rest.ids import ID
from services.web.rest.operation import Answer, Body, Routes

PREFIX = "/api/admin/notifications/templates"
routes = Routes("Notifications")

#: In a path every letter is small: ``inapp``.
_CHANNELS = {channel.lower(): channel for channel in PARTS}


class TemplateParts(Body):
    """Jinja2 sources: of an e-mail ``subject``, ``text`` and ``html``, of an SMS ``text``, of the
    others ``title`` and ``text``. What is left out stays the default's."""

    subject: str | None = Field(None, max_length=LONGEST_SOURCE)
    title: str | None = Field(None, max_length=LONGEST_SOURCE)
    text: str | None = Field(None, max_length=LONGEST_SOURCE)
    html: str | None = Field(None, max_length=LONGEST_SOURCE)

    def given(self) -> dict[str, str]:
        return self.model_dump(exclude_none=True)


class TemplatePreview(Body):
    """Without ``parts`` the template in force; without ``alertId`` an example. ``recipient`` is a
    contact, in whose time zone times are written."""

    channel: str = Field(max_length=16)
    event: str = Field(max_length=32)
    parts: TemplateParts | None = None
    alert_id: str | None = Field(None, pattern=f"^{ID.pattern}$")
    recipient: str = Field("Ops", min_length=1, max_length=320)


class Sources(Answer):
    """Null for a part that the channel does not have."""

    subject: str | None
    title: str | None
    text: str | None
    html: str | None


class Template(Answer):
    """``parts`` are in force, ``default`` what a deletion brings back. ``edited``: ``updatedBy``
    wrote it differently at ``updatedAt``."""

    channel: str
    event: str
    edited: bool
    parts: Sources
    default: Sources
    updated_at: str | None
    updated_by: str | None


class TemplateVariable(Answer):
    """``name`` as a template writes it; a star in it stands for a moment: triggered, fired,
    acknowledged, snoozedUntil, resolved."""

    name: str
    meaning: str


class Templates(Answer):
    templates: list[Template]
    variables: list[TemplateVariable]


@routes.get(PREFIX, who="whole", answer=Templates)
def list_templates() -> dict[str, Any]:
    """What messages say, by channel and event, and the variables that they may use.

    A webhook's body is fixed, so it has none."""
    return {
        "templates": [_body(entry) for entry in current().templates.all()],
        "variables": [{"name": name, "meaning": meaning} for name, meaning in VARIABLES],
    }


@routes.put(f"{PREFIX}/<channel>/<event>", who="whole", body=TemplateParts, answer=Template)
def change_template(channel: str, event: str, body: TemplateParts) -> dict[str, Any]:
    """Write a template anew.

    It is refused, with part and line, when it cannot be read, names what there is not, or does not
    render an example within its limits of time and memory."""
    if not body.given():
        raise ValidationError("Give at least one part; to bring the default back, delete it.")
    return _body(current().templates.save(_channel(channel), event, body.given(), acting()))


@routes.delete(f"{PREFIX}/<channel>/<event>", who="whole")
def reset_template(channel: str, event: str) -> None:
    """Bring the default back.

    The audit keeps what was there."""
    current().templates.reset(_channel(channel), event, acting())


@routes.post(f"{PREFIX}/preview", who="whole", body=TemplatePreview, answer=Sources, errors=(404,))
def preview_template(body: TemplatePreview) -> dict[str, Any]:
    """What a template would say of an alert, or of an example.

    Nothing is sent. 400 says what is wrong with it, part and line, as saving it would."""
    channel = _channel(body.channel)
    parts = None if body.parts is None else body.parts.given()
    found = current().templates.preview(channel, body.event, parts, body.alert_id, body.recipient)
    return _sources(channel, found)


def _channel(written: str) -> str:
    return _CHANNELS.get(written.lower(), written)


def _body(entry: Entry) -> dict[str, Any]:
    return {
        "channel": entry.channel,
        "event": entry.event,
        "edited": entry.edited,
        "parts": _sources(entry.channel, Rendered(**entry.parts)),
        "default": _sources(entry.channel, Rendered(**entry.default)),
        "updatedAt": iso(entry.at),
        "updatedBy": entry.by,
    }


def _sources(channel: str, texts: Rendered) -> dict[str, str | None]:
    return {
        part: getattr(texts, part) if part in PARTS[channel] else None
        for part in ("subject", "title", "text", "html")
    }
