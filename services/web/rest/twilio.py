"""``POST /api/twilio/status``: what Twilio tells of the SMS that it has taken."""

from __future__ import annotations

import time

from flask import request

from services.container import current
from services.errors import InsufficientPermissions, NotFound
from services.events import AlertChanged
from services.notify.channels import receipts
from services.notify.channels.sms import RECEIPTS
from services.web.rest.operation import Query, Routes

routes = Routes("Alerts")


class Receipt(Query):
    notification: str = ""


@routes.post(RECEIPTS, who="anyone", query=Receipt, status=204, errors=(403, 404, 413))
def receive_sms_status(query: Receipt) -> None:
    """What became of an SMS.

    Called by Twilio, with a form that it has signed. Receipts may come twice and in any order;
    404 where SMS, or the address at which Twilio reaches us, is not set up."""
    settings = current().settings
    if not settings.twilio_auth_token or not settings.public_address:
        raise NotFound("Receipts of SMS need TWILIO_AUTH_TOKEN and PUBLIC_URL.")
    if not _is_signed(settings.twilio_auth_token, settings.public_address):
        raise InsufficientPermissions(
            "The signature is not Twilio's for this address. PUBLIC_URL must be the address that "
            "Twilio calls, and TWILIO_AUTH_TOKEN that of the account."
        )
    form = request.form
    with current().database.write() as session:
        alert_id = receipts.take(
            session,
            query.notification,
            form.get("MessageSid", "")[:64],
            form.get("MessageStatus", ""),
            form.get("ErrorCode", ""),
            time.time(),
        )
    if alert_id:
        current().bus.publish(AlertChanged(alert_id, "alert.notified"))


def _is_signed(token: str, address: str) -> bool:
    """Twilio signs the address that it was told to call, so it is that which is checked and not
    what a proxy makes of it."""
    from twilio.request_validator import RequestValidator

    url = f"{address}{RECEIPTS}?{request.query_string.decode('latin-1')}"
    shown = request.headers.get("X-Twilio-Signature", "")
    return bool(RequestValidator(token).validate(url, request.form, shown))
