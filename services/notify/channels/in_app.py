"""The channel inApp: everybody who has the dashboard open."""

from __future__ import annotations

from services.events import Bus, InAppMessage
from services.notify.channels import Message, Receipt
from services.rule import Channel, Severity


class InApp:
    """Publishes each message in process; the stream carries it to the browsers."""

    name = Channel.IN_APP.value

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def send(self, message: Message) -> Receipt:
        """A resolution is good news, so it is shown as information whatever the alert was."""
        body = message.body
        resolved = message.event == "alert.resolved"
        title = str(body.get("title", ""))
        self._bus.publish(
            InAppMessage(
                alert_id=message.alert_id,
                severity=Severity.INFO if resolved else str(body["severity"]),
                title=f"Resolved: {title}" if resolved else title,
                text=str(body.get("message", "")),
            )
        )
        return Receipt(delivered=True)
