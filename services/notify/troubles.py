"""Which receivers keep failing, so that somebody is told who can mend it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from services.notify import outbox
from services.notify.claims import Claim, Outcome
from services.notify.retry import Reason, Status
from services.rule import Channel, Severity
from services.times import span

log = structlog.get_logger(__name__)

#: Permanent failures in a row, and seconds of failures without a success between them.
REFUSALS = 10
LASTING = 3600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A receiver's trouble began, or ended; in words for admins."""

    began: bool
    title: str
    message: str

    def __str__(self) -> str:
        return f"{self.title}: {self.message[:1].lower()}{self.message[1:]}"


@dataclass(slots=True)
class _Failing:
    since: float
    refusals: int = 0
    told: bool = False


class Troubles:
    """Counts for each channel and recipient, from the start of the process on. A success between
    two failures ends what was counted before it."""

    def __init__(self) -> None:
        self._failing: dict[tuple[str, str], _Failing] = {}
        self._lock = threading.Lock()

    def note(self, channel: str, recipient: str, outcome: Outcome, now: float) -> Trouble | None:
        """Takes down how a send went; tells when trouble begins or ends with it."""
        with self._lock:
            if outcome.status in (Status.SENT, Status.DELIVERED):
                before = self._failing.pop((channel, recipient), None)
                return _ended(channel, recipient) if before and before.told else None
            failing = self._failing.setdefault((channel, recipient), _Failing(now))
            if outcome.status is Status.FAILED and outcome.reason is not Reason.GAVE_UP:
                failing.refusals += 1
            lasts = now - failing.since
            if failing.told or (failing.refusals < REFUSALS and lasts < LASTING):
                return None
            failing.told = True
        if lasts >= LASTING:
            how = f"For {span(lasts)} nothing could be sent"
        else:
            how = f"{failing.refusals} messages in a row were refused"
        return Trouble(
            True,
            f"{recipient} cannot be reached by {channel}",
            f"{how}. The latest failure: {outcome.detail or outcome.reason}",
        )


class Desk:
    """Tells of receivers that keep failing: by ``troubled`` (channel, recipient, a text, None when
    they work again), and on the dashboard, where ``in_app`` says that there is something to show;
    None without that channel."""

    def __init__(
        self,
        database: Database,
        clock: Callable[[], float],
        troubled: Callable[[str, str, str | None], None],
        in_app: Callable[[], None] | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._troubled = troubled
        self._in_app = in_app
        self._troubles = Troubles()

    def judge(self, claim: Claim, outcome: Outcome) -> None:
        """Takes down what became of a message. Never raises for the database's sake."""
        now, recipient = self._clock(), claim.message.recipient
        trouble = self._troubles.note(claim.channel, recipient, outcome, now)
        if trouble is None:
            return
        self._troubled(claim.channel, recipient, str(trouble) if trouble.began else None)
        if self._in_app is None or claim.channel == Channel.IN_APP:
            return
        severity = Severity.WARNING if trouble.began else Severity.INFO
        try:
            with self._database.write() as session:
                outbox.enqueue_notice(
                    session,
                    title=trouble.title,
                    message=trouble.message,
                    severity=severity,
                    now=now,
                )
        except SQLAlchemyError as error:
            log.warning("notification_trouble_untold", reason=type(error).__name__)
        self._in_app()


def _ended(channel: str, recipient: str) -> Trouble:
    return Trouble(
        False,
        f"{recipient} can be reached by {channel} again",
        "The latest message was taken.",
    )
