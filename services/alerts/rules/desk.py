"""The rules in force: those of the inventory file and those that are changed here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import structlog
from sqlalchemy.orm import Session

from models.database import Database
from services.alerts.rules import store
from services.alerts.rules.defaults import DEFAULT_RULES
from services.alerts.rules.files import MAX_RULES, read_rule, read_rules, write_rules
from services.alerts.rules.imports import Imported, planned
from services.alerts.rules.store import BY_US, Kept, Past, Stored
from services.errors import Conflict, NotFound, ValidationError
from services.identity.audit import Actor, audit
from services.rule import Rule, Rulebook

#: Ids of rules that the audit names of one import.
_NAMED = 100

log = structlog.get_logger(__name__)

Origin = Literal["ui", "file", "default"]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule in force. ``at`` (seconds since the epoch) and ``by``: who wrote this version of it,
    and when. ``source`` says where it can be changed: a ``default`` was not changed yet."""

    rule: Rule
    version: int
    source: Origin
    at: float
    by: str


class RuleDesk:
    """Holds the rules in force; ``on_change`` is told each new rulebook, one at a time and after
    the commit. A rule of the inventory file wins over one of the same id that is kept here, which
    comes back when it leaves the file. A new installation begins with the default rules.

    The methods raise ValidationError for what is wrong in what was sent, NotFound, and Conflict
    for a rule of the file or a version that is no longer the latest. ``warn`` says what a rule,
    right in itself, will not achieve here.
    """

    def __init__(
        self,
        database: Database,
        file_rules: Iterable[Rule],
        on_change: Callable[[Rulebook], None],
        clock: Callable[[], float] = time.time,
        warn: Callable[[Rule], Sequence[str]] = lambda _rule: (),
    ) -> None:
        self._database = database
        self._on_change = on_change
        self._clock = clock
        self._warn = warn
        self._lock = threading.RLock()
        self._file: dict[str, Rule] = {}
        self.take_file(file_rules)

    @property
    def book(self) -> Rulebook:
        """The rules in force now."""
        return self._book

    def take_file(self, rules: Iterable[Rule]) -> Rulebook:
        """Puts other rules of the inventory file in force. The new rulebook is returned, and
        ``on_change`` not told of it."""
        file = {rule.id: rule for rule in rules}
        with self._lock:
            with self._database.write() as session:
                store.lock(session)
                now = self._clock()
                if not store.stamp(session):
                    store.put(session, [Kept(rule, 1, now, BY_US) for rule in DEFAULT_RULES])
                store.take_file(session, file, now)
                stored = store.stored(session, file)
            self._file = file
            return self._take(stored)

    def all(self) -> tuple[Entry, ...]:
        """Every rule in force."""
        return self._entries

    def get(self, rule_id: str) -> Entry:
        """One of them. Raises NotFound."""
        stored = self._stored
        if rule_id in stored.file:
            return _entry(stored.file[rule_id], "file")
        if rule_id in stored.here:
            return _entry(stored.here[rule_id])
        raise _unknown(rule_id)

    def warnings(self, rule: Rule) -> tuple[str, ...]:
        """What a rule will not achieve here, such as recipients that cannot be told."""
        return tuple(self._warn(rule))

    def versions(self, rule_id: str, limit: int = 100, before: int | None = None) -> list[Past]:
        """What a rule was, the newest first, also one that is gone; ``before``: only versions
        older than this one. Raises NotFound."""
        with self._database.read() as session:
            if not store.numbers(session, rule_id):
                raise _unknown(rule_id)
            return store.versions(session, rule_id, limit, before)

    def create(self, given: Mapping[str, Any], actor: Actor) -> Entry:
        """Adds a rule."""
        rule = read_rule(given)

        def work(session: Session, stored: Stored) -> tuple[Entry, Stored]:
            if rule.id in stored.here or rule.id in stored.file:
                raise Conflict(f"There already is a rule '{rule.id}'; change it or take another id")
            if len(stored.here) >= MAX_RULES:
                raise Conflict(f"There are {MAX_RULES:,} rules, and no more fit; delete some first")
            kept = self._put(session, rule, "rule.add", actor)
            return _entry(kept), stored.after(1, [kept])

        return self._write(work)

    def change(
        self, rule_id: str, given: Mapping[str, Any], actor: Actor, expected: int | None = None
    ) -> Entry:
        """Writes a rule anew; ``given`` may leave the id out. ``expected`` is the version that
        the change was made of (None: whichever). What changes nothing makes no version."""
        if given.get("id", rule_id) != rule_id:
            raise ValidationError(
                f"The id stays '{rule_id}'. For another id add another rule.",
                [{"field": "id", "problem": f"must be '{rule_id}' or left out"}],
            )
        rule = read_rule({"id": rule_id, **given})

        def work(session: Session, stored: Stored) -> tuple[Entry, Stored]:
            old = _own(stored, rule_id, expected, "change it there")
            if old.rule == rule:
                return _entry(old), stored
            kept = self._put(session, rule, "rule.change", actor)
            return _entry(kept), stored.after(1, [kept])

        return self._write(work)

    def delete(self, rule_id: str, actor: Actor, expected: int | None = None) -> None:
        """Takes a rule away; its versions stay."""

        def work(session: Session, stored: Stored) -> tuple[None, Stored]:
            old = _own(stored, rule_id, expected, "take it out there")
            now, version = self._clock(), _next(session, rule_id)
            store.remove(session, {rule_id: version}, now, actor.name[:100])
            detail = {"name": old.rule.name, "version": version}
            audit(session, actor, "rule.delete", rule_id, now, detail)
            return None, stored.after(1, gone=[rule_id])

        self._write(work)

    def export(self) -> str:
        """All rules as YAML that ``import_`` takes."""
        return write_rules([entry.rule for entry in self._entries])

    def import_(
        self, text: str, actor: Actor, replace: bool = False, dry_run: bool = False
    ) -> Imported:
        """Takes in all rules of a YAML text, or none. ``replace``: rules that are kept here and
        are not among them go; ``dry_run``: says what would be done."""
        rules = read_rules(text)

        def work(session: Session, stored: Stored) -> tuple[Imported, Stored]:
            plan = planned(rules, stored, replace)
            after = len(stored.here) + len(plan.created) - len(plan.deleted)
            if after > MAX_RULES:
                raise Conflict(
                    f"That would be {after:,} rules, and at most {MAX_RULES:,} fit; delete some "
                    "first, or replace them all"
                )
            if dry_run or not (plan.created or plan.changed or plan.deleted):
                return plan, stored
            new = self._carry_out(session, rules, plan, actor)
            return plan, stored.after(len(new) + len(plan.deleted), new, plan.deleted)

        return self._write(work)

    def _carry_out(
        self, session: Session, rules: Sequence[Rule], plan: Imported, actor: Actor
    ) -> list[Kept]:
        now, by, last = self._clock(), actor.name[:100], store.numbers(session)
        wanted = {*plan.created, *plan.changed}
        new = [Kept(r, last.get(r.id, 0) + 1, now, by) for r in rules if r.id in wanted]
        store.put(session, new)
        store.remove(session, {id_: last.get(id_, 0) + 1 for id_ in plan.deleted}, now, by)
        parts = {"created": plan.created, "changed": plan.changed, "deleted": plan.deleted}
        detail: dict[str, Any] = {f"{name}Ids": list(ids[:_NAMED]) for name, ids in parts.items()}
        detail |= {name: len(ids) for name, ids in parts.items()}
        audit(session, actor, "rule.import", "*", now, detail)
        return new

    def _put(self, session: Session, rule: Rule, action: str, actor: Actor) -> Kept:
        now = self._clock()
        kept = Kept(rule, _next(session, rule.id), now, actor.name[:100])
        store.put(session, [kept])
        detail = {"name": rule.name, "version": kept.version}
        audit(session, actor, action, rule.id, now, detail)
        return kept

    def _write(self, work: Callable[[Session, Stored], tuple[Answer, Stored]]) -> Answer:
        """Carries out a change of what is stored, which nobody else changes meanwhile; ``work``
        also gives what is stored afterwards."""
        with self._lock:
            with self._database.write() as session:
                store.lock(session)
                before = self._stored
                if store.stamp(session) != before.stamp:
                    before = store.stored(session, self._file)
                answer, after = work(session, before)
            if after is not self._stored:
                self._on_change(self._take(after))
        return answer

    def _take(self, stored: Stored) -> Rulebook:
        entries = {rule_id: _entry(kept) for rule_id, kept in stored.here.items()}
        entries |= {rule_id: _entry(kept, "file") for rule_id, kept in stored.file.items()}
        self._stored, self._entries = stored, tuple(entries.values())
        self._book = Rulebook(
            {rule_id: entry.rule for rule_id, entry in entries.items()},
            {rule_id: entry.version for rule_id, entry in entries.items()},
        )
        log.info("rules_taken", rules=len(entries))
        return self._book


def _own(stored: Stored, rule_id: str, expected: int | None, instead: str) -> Kept:
    if rule_id in stored.file:
        raise Conflict(f"The rule '{rule_id}' stands in the inventory file; {instead}.")
    kept = stored.here.get(rule_id)
    if kept is None:
        raise _unknown(rule_id)
    if expected is not None and expected != kept.version:
        raise Conflict(
            f"The rule '{rule_id}' is at version {kept.version} by now (by {kept.by}), and you "
            f"changed version {expected}. Read it again, and make your change to that."
        )
    return kept


def _next(session: Session, rule_id: str) -> int:
    return store.numbers(session, rule_id).get(rule_id, 0) + 1


def _entry(kept: Kept, source: Origin | None = None) -> Entry:
    if source is None:
        source = "default" if kept.by == BY_US else "ui"
    return Entry(kept.rule, kept.version, source, kept.at, kept.by)


def _unknown(rule_id: str) -> NotFound:
    return NotFound(f"There is no rule '{rule_id}'.")
