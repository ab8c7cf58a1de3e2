"""Rules in the database: those that can be changed here, and every version that any rule had."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic import ValidationError as Invalid
from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from models.alerts import RuleRow, RuleVersion
from services.alerts.rules.files import shown
from services.rule import Rule

#: Who changes rules besides people.
BY_FILE, BY_US = "inventory file", "Healthdeck"

#: Ids in one statement.
_BATCH = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """A rule in force, and who wrote this version of it, at ``at`` (seconds since the epoch)."""

    rule: Rule
    version: int
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Past:
    """What a rule was from ``at`` on; ``spec`` None: it was taken away."""

    version: int
    spec: dict[str, Any] | None
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What there is: ``here`` can be changed, ``file`` is the inventory file's and wins. ``stamp``
    differs after every change."""

    stamp: int
    here: Mapping[str, Kept]
    file: Mapping[str, Kept]

    def after(self, versions: int, new: Iterable[Kept] = (), gone: Iterable[str] = ()) -> Stored:
        """What there is after a change that added so many versions."""
        here = {**self.here, **{kept.rule.id: kept for kept in new}}
        for rule_id in gone:
            del here[rule_id]
        return Stored(self.stamp + versions, here, self.file)


def lock(session: Session) -> None:
    """Nobody else changes rules until this transaction ends. On SQLite there is one writer
    anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("LOCK TABLE rules IN SHARE ROW EXCLUSIVE MODE"))


def stamp(session: Session) -> int:
    """Grows with every change of any rule, whoever made it: versions are only ever added."""
    return session.scalar(select(func.count()).select_from(RuleVersion)) or 0


def stored(session: Session, file: Mapping[str, Rule]) -> Stored:
    """What there is, with the rules of the inventory file."""
    here = {}
    for row in session.scalars(select(RuleRow).order_by(RuleRow.id)):
        try:
            rule = Rule.model_validate(row.spec)
        except Invalid as error:
            log.error("rule_unreadable", rule=row.id, reason=str(error))
        else:
            here[row.id] = Kept(rule, row.version, row.updated_at, row.updated_by)
    last = _latest(session) if file else {}
    of_file = {}
    for rule in file.values():
        past = last.get(rule.id, Past(1, None, 0.0, BY_FILE))
        of_file[rule.id] = Kept(rule, past.version, past.at, past.by)
    return Stored(stamp(session), here, of_file)


def numbers(session: Session, rule_id: str | None = None) -> dict[str, int]:
    """The number of the latest version of each rule, or of one, also of those that are gone."""
    latest = func.max(RuleVersion.version).label("latest")
    query = select(RuleVersion.rule_id, latest).group_by(RuleVersion.rule_id)
    if rule_id is not None:
        query = query.where(RuleVersion.rule_id == rule_id)
    return {one.rule_id: one.latest for one in session.execute(query)}


def versions(session: Session, rule_id: str, limit: int, before: int | None) -> list[Past]:
    """The versions that a rule had, older than ``before``, the newest first."""
    query = select(RuleVersion).filter_by(rule_id=rule_id).order_by(RuleVersion.version.desc())
    if before is not None:
        query = query.where(RuleVersion.version < before)
    rows = session.scalars(query.limit(limit))
    return [Past(row.version, row.spec, row.at, row.by) for row in rows]


def put(session: Session, rules: Sequence[Kept]) -> None:
    """Adds rules or writes them anew, each as its version."""
    _forget(session, [kept.rule.id for kept in rules])
    specs = [shown(kept.rule) for kept in rules]
    if rules:
        session.execute(
            insert(RuleRow),
            [
                {
                    "id": kept.rule.id, "version": kept.version, "spec": spec,
                    "updated_at": kept.at, "updated_by": kept.by,
                }
                for kept, spec in zip(rules, specs, strict=True)
            ],
        )  # fmt: skip
    _note(
        session,
        [
            (kept.rule.id, Past(kept.version, spec, kept.at, kept.by))
            for kept, spec in zip(rules, specs, strict=True)
        ],
    )


def remove(session: Session, gone: Mapping[str, int], at: float, by: str) -> None:
    """Takes rules away; ``gone`` has the version that says so, by id."""
    _forget(session, list(gone))
    _note(session, [(rule_id, Past(version, None, at, by)) for rule_id, version in gone.items()])


def take_file(session: Session, file: Mapping[str, Rule], now: float) -> None:
    """Notes what the inventory file changed: a rule of it is new or another, or it is gone, so
    that the one that is kept here is in force again, when there is one."""
    last = _latest(session)
    new: list[tuple[str, Past]] = []
    for rule in file.values():
        past, spec = last.get(rule.id), shown(rule)
        if past is None or past.spec != spec:
            version = past.version + 1 if past else 1
            new.append((rule.id, Past(version, spec, now, BY_FILE)))
    here = {row.id: row for row in session.scalars(select(RuleRow))}
    for rule_id, past in last.items():
        if rule_id in file:
            continue
        row = here.get(rule_id)
        if row is not None and row.version != past.version:
            new.append((rule_id, Past(past.version + 1, row.spec, now, BY_FILE)))
            row.version = past.version + 1
        elif row is None and past.spec is not None:
            new.append((rule_id, Past(past.version + 1, None, now, BY_FILE)))
    _note(session, new)


def _latest(session: Session) -> dict[str, Past]:
    """The latest version of every rule there ever was."""
    newest = (
        select(RuleVersion.rule_id, func.max(RuleVersion.version).label("version"))
        .group_by(RuleVersion.rule_id)
        .subquery()
    )
    rows = session.scalars(
        select(RuleVersion).join(
            newest,
            (RuleVersion.rule_id == newest.c.rule_id) & (RuleVersion.version == newest.c.version),
        )
    )
    return {row.rule_id: Past(row.version, row.spec, row.at, row.by) for row in rows}


def _note(session: Session, new: Iterable[tuple[str, Past]]) -> None:
    rows = [
        {"rule_id": rule_id, "version": p.version, "spec": p.spec, "at": p.at, "by": p.by}
        for rule_id, p in new
    ]
    if rows:
        session.execute(insert(RuleVersion), rows)


def _forget(session: Session, ids: Sequence[str]) -> None:
    for at in range(0, len(ids), _BATCH):
        session.execute(delete(RuleRow).where(RuleRow.id.in_(ids[at : at + _BATCH])))
