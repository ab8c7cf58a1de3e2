"""The ways by which people are told: what each lacks, a test of it, and what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from dash.development.base_component import Component

from components import channel_settings, people_settings
from components.setting_forms import Dialog, Outcome, text
from services import container
from services.errors import ValidationError
from services.notify.address import EVERYONE
from services.notify.listing import Wanted
from services.notify.trial import missing
from services.rule import Channel

MOST_SHOWN = 50

Fields = Mapping[str, Any]


def draw(_query: Fields) -> Component:
    container.acting("whole")
    contacts = container.current().recipients.contacts()
    rows = []
    for channel in Channel:
        lacking, reach = _lacking(channel), sum(1 for c in contacts if c.address(channel))
        rows.append({
            "name": str(channel), "ready": lacking is None, "why": lacking,
            "contacts": None if channel is Channel.IN_APP else reach,
        })  # fmt: skip
    return channel_settings.channels(rows)


def _lacking(channel: Channel) -> str | None:
    if names := missing(container.current().settings, channel):
        return f"Set {', '.join(names)}."
    if channel is Channel.APPRISE and find_spec("apprise") is None:
        return "Install requirements-apprise.txt."
    return None


def draw_messages(query: Fields) -> Component:
    statuses, channels, events = (
        (query[name],) if query.get(name) else () for name in ("status", "channel", "event")
    )
    wanted = Wanted(statuses, channels, events, query.get("recipient") or None)
    at, _, id_ = query.get("before", "").partition("~")
    after = (float(at), id_) if id_ and at.replace(".", "", 1).isdigit() else None
    page = container.current().notifications.list(wanted, MOST_SHOWN, after, container.scope())
    rows = [
        {"id": row.id, "at": row.created_at, "status": row.status, "event": row.event,
         "channel": row.channel, "recipient": row.recipient, "alertId": row.alert_id,
         "reason": row.reason, "body": dict(row.body),
         "detail": row.detail if container.scope() is None else ""}
        for row in page.rows
    ]  # fmt: skip
    older = f"{page.last[0]!r}~{page.last[1]}" if page.last else None
    return channel_settings.messages(rows, query, older, container.caller().is_a("whole"))


def _test_form(key: str) -> Dialog:
    container.acting("whole")
    kind, _, name = key.partition(":")
    config = container.current().recipients.config
    entries = {str(one.spec["name"]): one.spec for one in config.contacts}
    if kind == "contact" and name in entries:
        ways = people_settings.channels_of(entries[name])
        return channel_settings.test_form(key, name, ways, ())
    who = [n for n, spec in entries.items() if name in dict(people_settings.channels_of(spec))]
    return channel_settings.test_form(key, name, (), who)


def _test(key: str, fields: Fields) -> Outcome:
    actor, (kind, _, name) = container.acting("whole"), key.partition(":")
    channel = text(fields, "channel") if kind == "contact" else name
    if channel not in list(Channel):
        raise ValidationError(f"There is no channel '{channel[:30]}'.")
    who = name if kind == "contact" else text(fields, "recipient")
    if channel == Channel.IN_APP:
        who = EVERYONE
    if not who:
        problem = {"field": "recipient", "problem": "say whom; a contact or an address"}
        raise ValidationError("A test needs a recipient.", [problem])
    found = [
        {"recipient": one.recipient, "ok": one.ok, "status": one.outcome.status.value,
         "detail": one.outcome.detail, "seconds": one.seconds}
        for one in container.current().trials.send(channel, who[:320], actor)
    ]  # fmt: skip
    return Outcome(shown=channel_settings.answers(name, found))


def _resend(key: str, _fields: Fields) -> Outcome:
    again = container.current().notifications.resend(key, container.acting("whole"))
    return Outcome(f"It is sent again to {again.recipient}.")


FORM = {"test": _test_form}
DEED = {"test": _test, "resend": _resend}
