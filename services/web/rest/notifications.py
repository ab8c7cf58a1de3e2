"""``/api/admin/notifications``: what was sent, or was not, and why; sent again, and tried out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

from flask import g
from pydantic import Field

from models.notifications import NotificationRow
from services.container import acting, current
from services.errors import ValidationError
from services.identity import Scope
from services.notify.address import EVERYONE
from services.notify.listing import Wanted
from services.notify.retry import Reason
from services.notify.trial import Tried
from services.times import iso
from services.web.rest import cursors, ranges
from services.web.rest.audit import TEXT
from services.web.rest.cursors import PageQuery
from services.web.rest.ids import ID
from services.web.rest.operation import Answer, Body, Routes

PREFIX = "/api/admin/notifications"
routes = Routes("Notifications")

State = Literal["queued", "sending", "sent", "delivered", "failed", "undeliverable", "suppressed"]
Way = Literal["email", "sms", "webhook", "inApp", "apprise"]


class NotificationsQuery(PageQuery):
    status: tuple[State, ...] = Field((), description="in one of these states")
    channel: tuple[Way, ...] = Field((), description="by one of these channels")
    event: tuple[str, ...] = Field(
        (), max_length=20, description="of one of these events, such as alert.fired"
    )
    recipient: str | None = Field(
        None, max_length=320, pattern=TEXT, description="as in the answer: a contact's name"
    )
    alert_id: str | None = Field(None, pattern=f"^{ID.pattern}$", description="about this alert")
    from_: str | None = Field(
        None, alias="from", max_length=40, description="not before: ISO 8601, or now-6h"
    )
    to: str | None = Field(None, max_length=40, description="not after; likewise")


class TestMessage(Body):
    """``recipient``: the name of a contact, group or rotation, or an address that the channel
    takes; inApp needs none, since it is for everybody who has the dashboard open."""

    channel: Way
    recipient: str | None = Field(None, min_length=1, max_length=320, pattern=TEXT)


class Notification(Answer):
    """One message to one recipient on one channel. ``reason`` says in a word, ``detail`` in words,
    why it stands where it stands; ``via``: through what the recipient was meant, such as a
    rotation. ``alertTitle`` and ``text`` are those of the message, ``message`` the id that several
    notifications share which went in one. ``resentFrom`` is the notification that ``resentBy`` had
    sent again, ``insteadOf`` the one that failed before this one took its place."""

    id: str
    alert_id: str | None
    alert_title: str
    text: str
    severity: str
    event: str
    channel: str
    recipient: str
    via: str
    status: str
    reason: str
    detail: str
    attempts: int
    created_at: str
    next_attempt_at: str | None
    sent_at: str | None
    provider_id: str | None
    message: str | None
    resent_from: str | None
    resent_by: str | None
    instead_of: str | None


class Notifications(Answer):
    notifications: list[Notification]
    next_cursor: str | None


class TestResult(Answer):
    """What the provider said; ``id`` is the notification's. ``ok``: it took the message."""

    id: str
    recipient: str
    ok: bool
    status: str
    reason: str
    detail: str
    provider_id: str | None
    seconds: float


class TestResults(TestResult):
    """Of one recipient; of a group all are in ``results``, and here is one that failed, if one
    did."""

    results: list[TestResult]


@routes.get(PREFIX, query=NotificationsQuery, answer=Notifications, errors=(404,))
def list_notifications(query: NotificationsQuery) -> dict[str, Any]:
    """Notifications, newest first.

    A caller limited to tenants gets those about alerts that it may know of."""
    now = time.time()
    wanted = Wanted(
        query.status,
        query.channel,
        query.event,
        query.recipient,
        query.alert_id,
        None if query.from_ is None else ranges.moment(query.from_, "from", now),
        None if query.to is None else ranges.moment(query.to, "to", now),
    )
    after = cursors.unpack("notifications", query.cursor, float, str) if query.cursor else None
    scope = g.principal.scope
    page = current().notifications.list(wanted, query.limit, after, scope)
    return {
        "notifications": [_body(row, page.together, scope) for row in page.rows],
        "nextCursor": cursors.pack("notifications", page.last) if page.last else None,
    }


@routes.post(
    f"{PREFIX}/<notification_id>/resend",
    who="whole",
    answer=Notification,
    status=202,
    errors=(404, 409),
)
def resend_notification(notification_id: str) -> dict[str, Any]:
    """Send a notification once more.

    The same content to the same recipient by the same channel, at once and alone, as a new
    notification, which is the answer. 409 while it is still being sent, or when its channel is not
    set up."""
    return _body(current().notifications.resend(notification_id, acting()))


@routes.post(f"{PREFIX}/test", who="whole", body=TestMessage, answer=TestResults, errors=(404, 503))
def test_notification(body: TestMessage) -> dict[str, Any]:
    """Send a test message and wait for what the provider says of it, 12 s at most.

    200 also when it refused (``ok`` is false), or when the channel is not set up (``detail`` names
    the settings that are missing). 404 for a recipient that there is not, 400 for one that the
    channel cannot use, 503 while too many tests are under way."""
    written = EVERYONE if body.channel == "inApp" else body.recipient
    if written is None:
        problem = {"field": "recipient", "problem": "is missing"}
        raise ValidationError(f"A test by {body.channel} needs a recipient.", [problem])
    results = [_result(one) for one in current().trials.send(body.channel, written, acting())]
    first = next((one for one in results if not one["ok"]), results[0])
    return {**first, "results": results}


def _body(
    row: NotificationRow, together: frozenset[str] = frozenset(), scope: Scope = None
) -> dict[str, Any]:
    """Who sees less is not told how much else went in the same message."""
    body: Mapping[str, Any] = row.body
    shared = row.batch if row.batch in together and scope is None else None
    detail = row.detail if scope is None or row.reason != Reason.BATCHED else ""
    return {
        "id": row.id,
        "alertId": row.alert_id,
        "alertTitle": str(body.get("title") or ""),
        "text": str(body.get("resolution") or body.get("message") or "")[:2000],
        "severity": str(body.get("severity") or "info"),
        "event": row.event,
        "channel": row.channel,
        "recipient": row.recipient,
        "via": row.via,
        "status": row.status,
        "reason": row.reason,
        "detail": detail,
        "attempts": row.attempts,
        "createdAt": iso(row.created_at),
        "nextAttemptAt": iso(row.next_attempt_at),
        "sentAt": iso(row.sent_at),
        "providerId": row.provider_id,
        "message": shared,
        "resentFrom": row.resent_from,
        "resentBy": row.resent_by,
        "insteadOf": row.instead_of,
    }


def _result(tried: Tried) -> dict[str, Any]:
    outcome = tried.outcome
    return {
        "id": tried.id,
        "recipient": tried.recipient,
        "ok": tried.ok,
        "status": outcome.status.value,
        "reason": outcome.reason.value,
        "detail": outcome.detail,
        "providerId": outcome.provider_id,
        "seconds": round(tried.seconds, 3),
    }
