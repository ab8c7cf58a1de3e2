"""The channel apprise: Slack, Teams, Telegram, PagerDuty and a hundred more by a service URL.

Each message is sent by a process of its own (``apprise_child``). Where a service URL leads is
known only when its plug-in connects, so the guard against private addresses has to stand there;
and what such a plug-in keeps, hangs on or breaks ends with it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from services.notify.address_guard import Network
from services.notify.channels import DeliveryError, Message, Receipt, Words
from services.notify.channels.recipient import Contacts, contact_of, gone
from services.notify.outbound import LIMIT
from services.notify.retry import Reason
from services.rule import Channel

_CHILD = "services.notify.channels.apprise_child"
#: Of our environment nothing else is for plug-ins: neither secrets nor a proxy, which would hide
#: where a connection leads.
_PASSED_ON = ("LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "TZ")
_LONGEST_ANSWER = 64 * 1024


class Apprise:
    """``words`` writes the messages; ``allow``: special networks that may be reached; ``limit``:
    seconds for all."""

    name = Channel.APPRISE.value

    def __init__(
        self,
        contacts: Contacts,
        words: Words,
        allow: Sequence[Network] = (),
        limit: float = LIMIT,
    ) -> None:
        self._contacts = contacts
        self._allow = [str(network) for network in allow]
        self._words = words
        self._limit = limit

    def send(self, message: Message) -> Receipt:
        if find_spec("apprise") is None:
            raise DeliveryError(
                "The package apprise is not installed here: install requirements-apprise.txt.",
                permanent=True,
                reason=Reason.CHANNEL_UNAVAILABLE,
            )
        said = self._words(message)
        task = {
            "url": self._url(message.recipient),
            "allow": self._allow,
            "title": said.title,
            "body": said.text,
            "type": _kind(message),
        }
        _judge(_run(json.dumps(task).encode(), self._limit))
        return Receipt(note=said.note)

    def _url(self, recipient: str) -> str:
        contact = contact_of(recipient, self._contacts())
        if contact is None and "://" in recipient:
            return recipient.strip()
        if contact is None or contact.apprise is None:
            gone(recipient, "a service URL")
        return contact.apprise.get_secret_value()


def _kind(message: Message) -> str:
    if message.event == "alert.resolved":
        return "success"
    return {"critical": "failure", "warning": "warning"}.get(
        str(message.body.get("severity")), "info"
    )


def _run(task: bytes, limit: float) -> dict[str, Any]:
    """What the process says of the task; it is killed when it takes longer than ``limit``."""
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["PYTHONSAFEPATH"] = "1"
    environment["PYTHONPATH"] = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", _CHILD],
            input=task,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=limit,
            check=False,
            start_new_session=True,
        )
        answer = json.loads(done.stdout[:_LONGEST_ANSWER])
    except subprocess.TimeoutExpired:
        raise DeliveryError(
            f"The service did not take the message within {limit:g} s.",
            permanent=False,
            reason=Reason.TIMEOUT,
        ) from None
    except ValueError:
        answer = {"said": "apprise broke off without an answer"}
    return dict(answer)


def _judge(answer: dict[str, Any]) -> None:
    """Raises DeliveryError unless the service has taken the message."""
    if answer.get("sent"):
        return
    permanent, reason = False, Reason.RECEIVER_ERROR
    said = str(answer.get("said") or "the service did not take the message, and does not say why")
    if refused := answer.get("refused"):
        permanent, reason = True, Reason.ADDRESS_REFUSED
        said = (
            f"its address is not called: {refused}. WEBHOOK_ALLOW names the networks that may be "
            "called all the same"
        )
    elif answer.get("unusable"):
        permanent, reason = True, Reason.ADDRESS_INVALID
        said = "this is no service URL that apprise knows"
    elif found := re.search(r"error=(\d{3})\b", said):
        status = int(found[1])
        permanent = 400 <= status < 500 and status not in (408, 425, 429)
        reason = Reason.REJECTED if permanent else Reason.RECEIVER_ERROR
        reason = Reason.THROTTLED if status == 429 else reason
    raise DeliveryError(f"Apprise: {said[:300].rstrip('.')}.", permanent=permanent, reason=reason)
