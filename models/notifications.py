"""The outbox: what must be sent, to whom, and how that went."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class NotificationRow(Base):
    """One message to one recipient on one channel.

    ``body`` is the message as it was when the alert changed; ``recipient`` the contact's name
    or the written recipient; ``reason`` says why it stands where it stands. ``id`` stays the
    same over all attempts and is the receiver's idempotency key. A row in ``sending`` whose
    ``lease_until`` has passed belongs to nobody and may be claimed again.

    On channels that gather messages, ``scope`` says what it is about, ``batch`` is the id of the
    row whose message it goes in (its own, where it is the first), and ``message_at`` when that
    message was made: from then on its rows are the same over all attempts.

    ``resent_from`` is the id of the row that ``resent_by`` had sent again by this one.

    ``via`` says in words through what the recipient was meant, such as a rotation. On a row that
    is written because another one failed, ``instead_of`` is the id of that one.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        Index("ix_notifications_status_next_attempt_at", "status", "next_attempt_at"),
        Index("ix_notifications_alert_id", "alert_id"),
        Index(
            "ix_notifications_channel_recipient_message_at", "channel", "recipient", "message_at"
        ),
        Index("ix_notifications_batch", "batch"),
        # What lists are filtered by is found in it, without a look at the rows.
        Index(
            "ix_notifications_list",
            *("created_at", "id", "status", "channel", "recipient", "event", "alert_id"),
        ),
        Index(
            "ix_notifications_resent_from",
            "resent_from",
            sqlite_where=text("resent_from IS NOT NULL"),
            postgresql_where=text("resent_from IS NOT NULL"),
        ),
        Index(
            "ix_notifications_instead_of",
            "instead_of",
            sqlite_where=text("instead_of IS NOT NULL"),
            postgresql_where=text("instead_of IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    alert_id: Mapped[str | None] = mapped_column(ForeignKey("alerts.id"))
    event: Mapped[str] = mapped_column(String(32))
    channel: Mapped[str] = mapped_column(String(16))
    recipient: Mapped[str] = mapped_column(String(320))
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    status: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(64))
    detail: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float] = mapped_column(Moment)
    next_attempt_at: Mapped[float | None] = mapped_column(Moment)
    claimed_by: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[float | None] = mapped_column(Moment)
    sent_at: Mapped[float | None] = mapped_column(Moment)
    provider_id: Mapped[str | None] = mapped_column(String(200))
    scope: Mapped[str | None] = mapped_column(String(320))
    batch: Mapped[str | None] = mapped_column(String(32))
    message_at: Mapped[float | None] = mapped_column(Moment)
    resent_from: Mapped[str | None] = mapped_column(String(32))
    resent_by: Mapped[str | None] = mapped_column(String(100))
    via: Mapped[str] = mapped_column(Text, default="", server_default="")
    instead_of: Mapped[str | None] = mapped_column(String(32))

    @property
    def said(self) -> str:
        """Through what, and the detail: what there is to say of it in words."""
        return " ".join(part for part in (self.via, self.detail) if part)
