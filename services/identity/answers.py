"""What was answered to requests with an ``Idempotency-Key``: carried out once, told again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from models.database import Database
from models.identity import GivenAnswer
from services.errors import Conflict

KEEP_SECONDS = 24 * 3600.0
#: A request that has been carried out for longer than this is not any more: its process ended.
LOST_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it was: ``body`` is None when it told a secret."""

    status: int
    media: str
    body: str | None


class Answers:
    """Thread-safe, also between processes: the table decides who is first."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def claim(self, id_: str, request: str) -> Given | None:
        """None for whoever is to carry it out, and has to ``keep`` or ``release`` it; else what was
        answered. ``id_`` is a digest of who asks for what by which key, ``request`` one of the
        body. Raises Conflict while another carries it out, and for another body."""
        now = self._clock()
        row = GivenAnswer(
            id=id_,
            request_hash=request,
            media="",
            created_at=now,
            expires_at=now + KEEP_SECONDS,
        )
        try:
            with self._database.write() as session:
                old = delete(GivenAnswer).where(GivenAnswer.id == id_)
                session.execute(old.where(GivenAnswer.expires_at <= now))
                session.add(row)
        except IntegrityError:
            return self._given(id_, request, now)
        return None

    def keep(self, id_: str, answer: Given) -> None:
        """It is done, and this was answered."""
        with self._database.write() as session:
            session.execute(
                update(GivenAnswer)
                .where(GivenAnswer.id == id_)
                .values(status=answer.status, media=answer.media, body=answer.body)
            )

    def release(self, id_: str) -> None:
        """It failed: the same key may be tried again."""
        with self._database.write() as session:
            session.execute(delete(GivenAnswer).where(GivenAnswer.id == id_))

    def forget_expired(self) -> None:
        """Deletes the answers whose keys are too old. For the scheduler."""
        with self._database.write() as session:
            session.execute(delete(GivenAnswer).where(GivenAnswer.expires_at <= self._clock()))

    def _given(self, id_: str, request: str, now: float) -> Given:
        with self._database.read() as session:
            row = session.get(GivenAnswer, id_)
        if row is not None and row.request_hash != request:
            raise Conflict("This Idempotency-Key was used with another body; use a new one.")
        if row is not None and row.status is not None:
            return Given(row.status, row.media, row.body)
        if row is not None and now - row.created_at > LOST_SECONDS:
            raise Conflict(
                "The request with this Idempotency-Key was begun and never answered, so nobody "
                "knows whether it was done. Look, and use a new key to do it again."
            )
        raise Conflict(
            "The request with this Idempotency-Key is in progress; ask again in a moment."
        )
