"""Which templates hold, how they are changed, and what a message says in the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from models.alerts import AlertRow
from models.database import Database
from models.templates import TemplateRow
from services.errors import NotFound, Unavailable, ValidationError
from services.identity.audit import Actor, audit
from services.notify.body import alert_body
from services.notify.channels import Message
from services.notify.templates import examples
from services.notify.templates.defaults import DEFAULTS, standard
from services.notify.templates.parts import (
    EVENTS,
    LONGEST_SOURCE,
    PARTS,
    Rendered,
    TemplateError,
    rendered,
)
from services.notify.templates.pool import LIMIT, Workers
from services.notify.templates.variables import Surroundings, context, shape

log = structlog.get_logger(__name__)

#: Sending has processes of its own, so that nobody who tries templates out keeps messages waiting.
_SENDING, _TRYING = 2, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A template in force. ``parts`` are its sources, ``default`` those that it falls back on;
    ``at`` (seconds since the epoch) and ``by`` are None unless it was edited."""

    channel: str
    event: str
    parts: Mapping[str, str]
    default: Mapping[str, str]
    at: float | None = None
    by: str | None = None

    @property
    def edited(self) -> bool:
        return self.at is not None


class Templates:
    """``limit``: seconds that a stored template may take for one message. Processes are started
    when a stored template is rendered first; the defaults are ours and need none."""

    def __init__(
        self,
        database: Database,
        around: Surroundings | None = None,
        clock: Callable[[], float] = time.time,
        limit: float = LIMIT,
    ) -> None:
        self._database = database
        self._around = around or Surroundings()
        self._clock = clock
        self.sending = Workers(_SENDING, limit)
        self.trying = Workers(_TRYING, limit)

    def render(self, channel: str, event: str, body: Mapping[str, Any], recipient: str) -> Rendered:
        """What to send. Never raises: a template that fails gives way to the default, and
        ``note`` says so. An event without templates is told by its title and text."""
        if channel not in PARTS:
            return _bare(channel, body, _UNUSUAL)
        if event not in EVENTS:
            return _bare(channel, body)
        try:
            now = self._clock()
            variables = context(event, body, recipient, self._around, now)
            own, note = self._own(channel, event, variables)
            if own is not None:
                return rendered(channel, own)
            return standard(channel, event, variables, note)
        except Exception:
            log.exception("template_default_failed", channel=channel, event_type=event)
            return _bare(channel, body, _UNUSUAL)

    def words(self, channel: str) -> Callable[[Message], Rendered]:
        """``render`` as the channel of this name takes it."""
        return lambda message: self.render(channel, message.event, message.body, message.recipient)

    def all(self) -> list[Entry]:
        """Every template, edited or not, by channel and event."""
        with self._database.read() as session:
            rows = {(row.channel, row.event): row for row in session.scalars(select(TemplateRow))}
        return [_entry(key, rows.get(key)) for key in _KEYS]

    def save(self, channel: str, event: str, parts: Mapping[str, str], actor: Actor) -> Entry:
        """Puts texts in the place of the default's. Parts that are left out, or say the same, stay
        the default's. Raises NotFound, Unavailable, and ValidationError with part and line."""
        default = _default(channel, event)
        own = {part: text for part, text in parts.items() if default.get(part) != text}
        self.preview(channel, event, own)
        if not own:
            self.reset(channel, event, actor)
            return _entry((channel, event), None)
        now = self._clock()
        with self._database.write() as session:
            row = session.get(TemplateRow, (channel, event)) or TemplateRow(
                channel=channel, event=event
            )
            row.parts, row.updated_at, row.updated_by = own, now, actor.name[:100]
            session.add(row)
            audit(session, actor, "template.change", f"{channel}/{event}", now, {"parts": own})
        return _entry((channel, event), row)

    def reset(self, channel: str, event: str, actor: Actor) -> None:
        """Back to the default; the audit keeps what was there. Raises NotFound for a template that
        there is none of."""
        _default(channel, event)
        with self._database.write() as session:
            row = session.get(TemplateRow, (channel, event))
            if row is None:
                return
            detail = {"parts": row.parts}
            session.execute(
                delete(TemplateRow).where(
                    TemplateRow.channel == channel, TemplateRow.event == event
                )
            )
            audit(session, actor, "template.reset", f"{channel}/{event}", self._clock(), detail)

    def preview(
        self,
        channel: str,
        event: str,
        parts: Mapping[str, str] | None = None,
        alert_id: str | None = None,
        recipient: str = "Ops",
    ) -> Rendered:
        """What ``parts`` (None: what is in force) would say of an alert, or of an example. Raises
        NotFound, Unavailable, and ValidationError with a detail for each mistake: an example and
        the least that there can be are rendered too."""
        default = _default(channel, event)
        if parts is None:
            parts = self._stored(channel, event)
        _measure(channel, parts)
        now = self._clock()
        bodies = [examples.example(event, now), examples.sparse(event, now)]
        if alert_id is not None:
            bodies.insert(0, self._alert(alert_id))
        around = self._around
        contexts = [context(event, body, recipient, around, now) for body in bodies]
        names = shape(context(event, examples.everything(now), recipient, around, now))
        try:
            texts = self.trying.render({**default, **parts}, contexts, names)
        except TemplateError as error:
            raise _refused(error) from None
        except OSError as error:
            raise Unavailable(f"Templates cannot be tried out at the moment: {error}.") from None
        return rendered(channel, texts)

    def close(self) -> None:
        """Ends the processes."""
        self.sending.close()
        self.trying.close()

    def _own(
        self, channel: str, event: str, variables: dict[str, Any]
    ) -> tuple[dict[str, str] | None, str]:
        """What the stored template says, if there is one; else why it does not, if there is."""
        try:
            parts = self._stored(channel, event)
            if not parts:
                return None, ""
            return self.sending.render({**DEFAULTS[channel, event], **parts}, [variables]), ""
        except TemplateError as error:
            why = f"The template of {channel} for {event} failed ({error})"
        except (SQLAlchemyError, OSError) as error:
            why = f"The template of {channel} for {event} could not be had ({type(error).__name__})"
        log.warning("template_failed", channel=channel, event_type=event, reason=why)
        return None, f"{why}: the default was sent."

    def _stored(self, channel: str, event: str) -> dict[str, str]:
        with self._database.read() as session:
            row = session.get(TemplateRow, (channel, event))
        return dict(row.parts) if row else {}

    def _alert(self, alert_id: str) -> dict[str, Any]:
        with self._database.read() as session:
            row = session.get(AlertRow, alert_id)
        if row is None:
            raise NotFound(f"There is no alert '{alert_id}'.")
        return alert_body(row)


_KEYS = sorted(DEFAULTS, key=lambda key: (tuple(PARTS).index(key[0]), EVENTS.index(key[1])))


def _default(channel: str, event: str) -> Mapping[str, str]:
    if channel not in PARTS:
        raise NotFound(f"There are no templates for '{channel}'; there are for {', '.join(PARTS)}.")
    if event not in EVENTS:
        raise NotFound(f"There is no event '{event}'; there are {', '.join(EVENTS)}.")
    return DEFAULTS[channel, event]


def _entry(key: tuple[str, str], row: TemplateRow | None) -> Entry:
    default = DEFAULTS[key]
    if row is None:
        return Entry(*key, default, default)
    return Entry(*key, {**default, **row.parts}, default, row.updated_at, row.updated_by)


def _measure(channel: str, parts: Mapping[str, str]) -> None:
    """Raises ValidationError for parts that the channel has not, and for those that are too
    long."""
    details = [
        {"field": part, "problem": f"{channel} has no {part}, only {', '.join(PARTS[channel])}"}
        for part in parts
        if part not in PARTS[channel]
    ]
    details += [
        {"field": part, "problem": f"must have at most {LONGEST_SOURCE // 1024} KiB"}
        for part, text in parts.items()
        if len(text.encode(errors="replace")) > LONGEST_SOURCE
    ]
    details += [
        {"field": part, "problem": "must not hold characters that are no text"}
        for part, text in parts.items()
        if "\x00" in text or text != text.encode(errors="ignore").decode()
    ]
    if details:
        first = details[0]
        raise ValidationError(
            f"The template is not as it should be: {first['field']}: {first['problem']}.", details
        )


def _refused(error: TemplateError) -> ValidationError:
    details = [
        {"field": each.part, "line": each.line, "problem": each.problem} for each in error.problems
    ]
    said = str(error.problems[0]).removesuffix("?")
    return ValidationError(f"The template is not as it should be: {said}.", details)


_UNUSUAL = "The message could not be written as usual; it has the alert's title and text."


def _bare(channel: str, body: Mapping[str, Any], note: str = "") -> Rendered:
    """Title and message as they are: what is left when nothing else works."""
    texts = {"subject": str(body.get("title", "")), "text": str(body.get("message", ""))}
    if channel not in PARTS:
        return Rendered(title=texts["subject"][:250], text=texts["text"][:2000], note=note)
    texts |= {"title": texts["subject"], "html": ""}
    if channel == "sms":
        texts["text"] = f"{texts['subject']} {texts['text']}"[:300]
    return rendered(channel, texts, note)
