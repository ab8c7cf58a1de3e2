"""``/api/admin/alerts/config``: who can be told, and by which channels."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from flask import Response, current_app, jsonify, request

from services.container import acting, current
from services.errors import ValidationError
from services.inventory.people import Rotation
from services.notify.config_desk import Config, Entry
from services.notify.oncall import who_is_on_call
from services.notify.trial import missing
from services.rule import Channel
from services.times import iso
from services.web.rest.operation import CHECK_ANSWERS, Answer, Routes, told_apart

PATH = "/api/admin/alerts/config"
routes = Routes("Alert configuration")

_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})(?:-[0-9a-f]+)?"')


class AlertWebhook(Answer):
    """``secret`` is never told: ``********`` when there is one."""

    url: str
    secret: str


class AlertContact(Answer):
    """``apprise`` is ``********`` when there is one. ``timeZone`` is that of its quiet hours and of
    the times in its messages, null for UTC. ``readOnly``: the inventory file has it. ``problem``
    says what is wrong with it."""

    name: str
    email: str | None
    phone: str | None
    webhook: AlertWebhook | None
    apprise: str | None
    time_zone: str | None
    quiet_hours: list[dict[str, Any]]
    fallback: dict[str, Any] | None
    read_only: bool
    problem: str | None


class AlertGroup(Answer):
    name: str
    members: list[str]
    read_only: bool
    problem: str | None


class OnCallNow(Answer):
    """``until`` is null when it never changes."""

    contact: str | None
    until: str | None


class AlertRotation(Answer):
    """``now``: who is on call at the time of the answer."""

    name: str
    time_zone: str
    handover: dict[str, str]
    members: list[str]
    since: str
    overrides: list[dict[str, str]]
    now: OnCallNow
    read_only: bool
    problem: str | None


class AlertChannel(Answer):
    """``why`` says what is missing where it is not ready."""

    name: str
    ready: bool
    why: str | None


class AlertConfig(Answer):
    """``version`` is 0 while nothing was written here."""

    version: int
    updated_at: str | None
    updated_by: str | None
    contacts: list[AlertContact]
    groups: list[AlertGroup]
    on_call: list[AlertRotation]
    channels: list[AlertChannel]


@routes.get(PATH, who="whole", answer=AlertConfig)
def get_alert_config() -> Response:
    """Contacts, groups, rotations and channels.

    Its ETag is what a change may send as If-Match."""
    return told_apart(_answer(current().recipients.config))


@routes.put(PATH, who="chief", free_body=True, answer=AlertConfig, errors=(409,))
def change_alert_config(body: dict[str, Any]) -> Response:
    """Put contacts, groups and rotations in the place of all that were written here.

    All or nothing; each mistake is told with its field. What was read may be sent back: a secret
    that is masked or left out stays, unless its webhook's address is another one. With If-Match
    (the ETag, or the version in quotes) 409 when somebody else has changed it since. 409 for a
    change of what the inventory file has. What changes nothing makes no version."""
    return _answer(current().recipients.save(body, acting(), _expected()))


def _answer(config: Config) -> Response:
    now = time.time()
    found = {
        "version": config.version,
        "updatedAt": iso(config.at),
        "updatedBy": config.by,
        "contacts": [_shown(one) for one in config.contacts],
        "groups": [_shown(one) for one in config.groups],
        "onCall": [{**_shown(one), "now": _now(one, now)} for one in config.rotations],
        "channels": [_channel(channel) for channel in Channel],
    }
    if current_app.config.get(CHECK_ANSWERS):
        AlertConfig.model_validate(found)
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]
    response = jsonify(found)
    response.set_etag(f"{config.version}-{digest}")
    return response


def _shown(entry: Entry) -> dict[str, Any]:
    return {**entry.spec, "readOnly": entry.read_only, "problem": entry.problem}


def _now(entry: Entry, now: float) -> Mapping[str, str | None]:
    if not isinstance(entry.model, Rotation):
        return {"contact": None, "until": None}
    duty = who_is_on_call(entry.model, now)
    return {"contact": duty.contact, "until": iso(duty.until)}


def _channel(channel: Channel) -> dict[str, Any]:
    why = _why_not(channel)
    return {"name": str(channel), "ready": why is None, "why": why}


def _why_not(channel: Channel) -> str | None:
    names: Sequence[str] = missing(current().settings, channel)
    if names:
        return f"Set {', '.join(names)}."
    if channel is Channel.APPRISE and find_spec("apprise") is None:
        return "Install requirements-apprise.txt."
    return None


def _expected() -> int | None:
    """The version that a change is made of; None when nobody says. Raises ValidationError."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise ValidationError(
            'If-Match must be the ETag of the configuration, such as "3", in quotes.'
        )
    return int(found[1])
