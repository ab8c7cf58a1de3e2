"""Who can be told: contacts, groups and rotations of the inventory file, and those that are written
in the UI. One directory of both is in force, and replaced as a whole by each change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError as Invalid
from sqlalchemy.orm import Session

from models.database import Database
from services.errors import Conflict
from services.identity.audit import Actor, audit
from services.inventory.people import Contact, Group, Rotation
from services.inventory.references import plain_name
from services.inventory.schema import Inventory
from services.notify import config_rows, outbox
from services.notify.config_rows import Kept
from services.notify.config_secrets import Secrets, masked
from services.notify.config_written import PARTS, Refusal, Sent
from services.notify.directory import Directory
from services.sealing import Sealer

log = structlog.get_logger(__name__)

#: Names that the audit has of one change.
_NAMED = 100

Person = Contact | Group | Rotation


@dataclass(frozen=True, slots=True)
class Entry:
    """A contact, group or rotation as it is shown (``spec``, without secrets). ``model`` is what
    is in force, None when nothing is; ``read_only``: the inventory file has it; ``problem``: what
    is wrong with it, in words."""

    spec: Mapping[str, Any]
    model: Person | None
    read_only: bool
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Everything, the file's first. ``version`` counts what was written here, at ``at`` (seconds
    since the epoch) by ``by``; 0 and None when nothing was."""

    version: int
    at: float | None
    by: str | None
    contacts: Sequence[Entry]
    groups: Sequence[Entry]
    rotations: Sequence[Entry]


class ConfigDesk:
    """Holds who can be told. ``refusal`` says why a webhook's URL may not be called; ``warn`` is
    told what an admin should see to, and None when there is nothing. Thread-safe.

    What the inventory file has wins over what is called the same here, which comes back when it
    leaves the file.
    """

    def __init__(
        self,
        database: Database,
        file: Inventory,
        sealer: Sealer,
        refusal: Refusal = lambda url: None,
        warn: Callable[[str | None], None] = lambda text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._refusal = refusal
        self._warn = warn
        self._clock = clock
        self._lock = threading.RLock()
        with database.read() as session:
            kept = config_rows.latest(session)
        self._take(file, kept)

    def people(self) -> Directory:
        """Who can be told now. Take it anew each time: it is replaced by a change."""
        return self._directory

    def contacts(self) -> Sequence[Contact]:
        """The contacts among them."""
        return self._directory.contacts

    @property
    def config(self) -> Config:
        """What there is, as it is shown."""
        return self._config

    def take_file(self, file: Inventory) -> None:
        """Puts other people of the inventory file in force."""
        with self._lock:
            before = self._directory
            self._take(file, self._kept)
            if self._directory != before:
                with self._database.write() as session:
                    outbox.judge_what_is_held(session, self._directory, self._clock())

    def save(self, given: Mapping[str, Any], actor: Actor, expected: int | None = None) -> Config:
        """Puts what was sent in the place of what was written here, all or nothing. ``expected`` is
        the version that it was made of (None: whichever). What changes nothing makes no version.
        Raises ValidationError with a detail for each mistake, and Conflict."""
        with self._lock:
            before = self._kept
            if expected is not None and expected != before.version:
                raise _stale(before, expected)
            secrets = Secrets(self._sealer, before)
            sent = Sent(given, self._shown_of_file())
            found = sent.check(secrets, self._refusal, _urls(before))
            spec = _spec(found)
            sealed = {
                plain_name(one["name"]): fields
                for one in sent.entries["contacts"]
                if (fields := secrets.sealed(one))
            }
            if spec == dict(before.spec) and sealed == dict(before.sealed):
                return self._config
            now = self._clock()
            kept = Kept(before.version + 1, spec, sealed, now, actor.name[:100])
            detail = _changes(before, kept)
            detail["secrets"] = [
                f"{one['name']}: {field}"
                for one in sent.entries["contacts"]
                for field in secrets.changed(one)
            ][:_NAMED]
            with self._database.write() as session:
                self._write(session, before, kept, actor, detail)
            self._take(self._file, kept)
        log.info("recipients_taken", version=kept.version, by=actor.name)
        return self._config

    def _write(
        self, session: Session, before: Kept, kept: Kept, actor: Actor, detail: Mapping[str, Any]
    ) -> None:
        config_rows.lock(session)
        found = config_rows.latest(session)
        if found.version != before.version:
            raise _stale(found, before.version)
        config_rows.put(session, kept)
        now = self._clock()
        audit(session, actor, "config.change", "alerts/config", now, detail)
        _, directory, _ = self._joined(self._file, kept)
        outbox.judge_what_is_held(session, directory, now)

    def _take(self, file: Inventory, kept: Kept) -> None:
        self._file, self._kept = file, kept
        self._config, self._directory, unreadable = self._joined(file, kept)
        if not unreadable:
            self._warn(None)
            return
        names = ", ".join(unreadable[:5]) + (" and others" if len(unreadable) > 5 else "")
        self._warn(
            f"Contacts have secrets that cannot be read, for SECRET_KEY was changed: {names}. "
            "Write them anew, or bring the old SECRET_KEY back."
        )

    def _joined(self, file: Inventory, kept: Kept) -> tuple[Config, Directory, list[str]]:
        """What is shown, what is in force, and the contacts whose secrets cannot be read."""
        secrets = Secrets(self._sealer, kept)
        of_file = [
            [Entry(_plain(model), model, True) for model in models]
            for models in (file.contacts, file.groups, file.on_call)
        ]
        taken = {plain_name(str(one.spec["name"])) for part in of_file for one in part}
        ours = [
            [_entry(part, spec, secrets, taken) for spec in kept.spec.get(part, ())]
            for part in PARTS
        ]
        both = [[*one, *other] for one, other in zip(of_file, ours, strict=True)]
        directory = Directory(_of(Contact, both[0]), _of(Group, both[1]), _of(Rotation, both[2]))
        contacts, groups, rotations = (_judged(part, directory) for part in both)
        config = Config(kept.version, kept.at, kept.by, contacts, groups, rotations)
        unreadable = [str(one.spec["name"]) for one in ours[0] if one.problem and one.model]
        return config, directory, unreadable

    def _shown_of_file(self) -> dict[str, list[Mapping[str, Any]]]:
        config = self._config
        parts = (config.contacts, config.groups, config.rotations)
        return {
            name: [one.spec for one in part if one.read_only]
            for name, part in zip(PARTS, parts, strict=True)
        }


def _of(kind: type[Any], entries: Sequence[Entry]) -> tuple[Any, ...]:
    return tuple(one.model for one in entries if isinstance(one.model, kind))


def _entry(part: str, spec: Mapping[str, Any], secrets: Secrets, taken: set[str]) -> Entry:
    if plain_name(str(spec.get("name"))) in taken:
        return Entry(spec, None, False, "The inventory file has this name too, and that one holds.")
    model: Person | None
    if part == "contacts":
        model, problem = secrets.opened(spec)
        return Entry(spec, model, False, problem)
    try:
        model = (Group if part == "groups" else Rotation).model_validate(spec)
    except Invalid:
        return Entry(spec, None, False, "It cannot be read; write it anew.")
    return Entry(spec, model, False)


def _judged(entries: Sequence[Entry], directory: Directory) -> list[Entry]:
    """The same with a word on those whose members there are not."""
    return [
        Entry(one.spec, one.model, one.read_only, _lacking(one.model, directory) or one.problem)
        for one in entries
    ]


def _lacking(model: Person | None, directory: Directory) -> str | None:
    if model is None or isinstance(model, Contact):
        return None
    if not model.members:
        what = "group" if isinstance(model, Group) else "rotation"
        return f"The {what} has no members, so nobody is told by it."
    gone = [name for name in model.members if directory.contact(name) is None]
    return f"There is no contact {', '.join(map(repr, gone))}." if gone else None


def _plain(model: Person) -> dict[str, Any]:
    return (
        masked(model)
        if isinstance(model, Contact)
        else model.model_dump(mode="json", by_alias=True)
    )


def _spec(found: Inventory) -> dict[str, list[dict[str, Any]]]:
    parts: tuple[Sequence[Person], ...] = (found.contacts, found.groups, found.on_call)
    return {
        name: [_plain(model) for model in models] for name, models in zip(PARTS, parts, strict=True)
    }


def _urls(kept: Kept) -> frozenset[str]:
    """The URLs that were judged when they were written."""
    webhooks = (spec.get("webhook") for spec in kept.spec.get("contacts", ()))
    return frozenset(webhook["url"] for webhook in webhooks if webhook)


def _changes(before: Kept, after: Kept) -> dict[str, Any]:
    detail: dict[str, Any] = {"version": after.version}
    for part in PARTS:
        old = {spec["name"]: spec for spec in before.spec.get(part, ())}
        new = {spec["name"]: spec for spec in after.spec.get(part, ())}
        detail[part] = dict(_differences(old, new))
    return detail


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    yield "added", [name for name in new if name not in old][:_NAMED]
    yield "changed", [name for name in new if name in old and new[name] != old[name]][:_NAMED]
    yield "removed", [name for name in old if name not in new][:_NAMED]


def _stale(found: Kept, expected: int) -> Conflict:
    return Conflict(
        f"The configuration is at version {found.version} by now (by {found.by}), and you changed "
        f"version {expected}. Read it again, and make your change to that."
    )
