"""What messages say by default, for channels that are tested without an installation."""

from __future__ import annotations

from services.notify.channels import Message, Words
from services.notify.templates.defaults import standard
from services.notify.templates.parts import Rendered
from services.notify.templates.variables import Surroundings, context

NOW = 1_763_634_600.0


def default_words(channel: str, address: str = "https://ops.example/hd", now: float = NOW) -> Words:
    """``address``: where the dashboard is reached, empty when nobody said; ``now`` in seconds since
    the epoch."""
    around = Surroundings(base_url=address)

    def words(message: Message) -> Rendered:
        event = message.event
        return standard(
            channel, event, context(event, message.body, message.recipient, around, now)
        )

    return words
