"""The channel inApp: everybody who has the dashboard open."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.events import Bus, InAppMessage
from services.notify.channels import Message, Receipt, Words
from services.rule import Channel, Severity


class InApp:
    """Publishes each message in process, as ``words`` puts it; the stream carries it to the
    browsers. ``clock`` in seconds since the epoch."""

    name = Channel.IN_APP.value

    def __init__(self, bus: Bus, words: Words, clock: Callable[[], float] = time.time) -> None:
        self._bus = bus
        self._words = words
        self._clock = clock

    def send(self, message: Message) -> Receipt:
        """A resolution is good news, so it is shown as information whatever the alert was."""
        resolved = message.event == "alert.resolved"
        said = self._words(message)
        self._bus.publish(
            InAppMessage(
                id=message.id,
                alert_id=message.alert_id,
                event=message.event,
                severity=Severity.INFO if resolved else str(message.body["severity"]),
                title=said.title,
                text=said.text,
                at=self._clock(),
            )
        )
        return Receipt(delivered=True, note=said.note)
