"""Users: who may log in, as what, and the end of it."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, exists, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from models.database import Database
from models.identity import LoginSession, User
from services.errors import Conflict, NotFound, ValidationError
from services.identity.audit import Actor, audit
from services.identity.embeds import end_of_maker
from services.identity.passwords import Passwords
from services.identity.principal import ROLES
from services.identity.tokens import MAX_NAME
from services.times import iso

COMMAND_LINE = Actor("command line")

#: Told after the commit: the digests of the logins that ended, and the keys of embedded sessions.
Ended = Callable[[list[str], list[str]], None]


class Users:
    """``ended`` is called after a change that ends logins. ``clock`` gives seconds since the
    epoch."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        ended: Ended,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._ended = ended
        self._clock = clock

    def any(self) -> bool:
        """Whether there is one."""
        with self._database.read() as session:
            return _any_user(session)

    def all(self, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """The users that follow the one with the id ``after``."""
        query = select(User).where(User.id > after).order_by(User.id).limit(limit)
        with self._database.read() as session:
            return [_described(user) for user in session.scalars(query)]

    def create(
        self, name: str, password: str, role: str, actor: Actor, *, first: bool = False
    ) -> dict[str, Any]:
        """Raises ValidationError, or Conflict when the name is taken; with ``first`` also when
        there is a user already."""
        name = _clean_name(name)
        _check_role(role)
        hashed, now = self._passwords.hash(password), self._clock()
        user = User(name=name, password_hash=hashed, role=role, created_at=now)
        try:
            with self._database.write() as session:
                if first:
                    self._hold_still(session)
                    if _any_user(session):
                        raise Conflict("Healthdeck is set up already: the set-up link works once.")
                session.add(user)
                session.flush()
                audit(session, actor, "user.create", name, now, {"role": role})
                return _described(user)
        except IntegrityError:
            raise Conflict(f"There is a user named {name!r} already.") from None

    def change(
        self, user_id: int, actor: Actor, role: str | None = None, password: str | None = None
    ) -> dict[str, Any]:
        """Another role, another password, or both; either ends the user's logins. Raises NotFound,
        ValidationError, or Conflict for the last super_admin."""
        if role is None and password is None:
            raise ValidationError("Give a role, a password, or both.")
        if role is not None:
            _check_role(role)
        hashed = None if password is None else self._passwords.hash(password)
        now, logins = self._clock(), list[str]()
        with self._database.write() as session:
            self._hold_still(session)
            user = _found(session, user_id)
            detail: dict[str, Any] = {}
            if role is not None and role != user.role:
                _refuse_the_last(session, user)
                detail["role"] = [user.role, role]
                user.role = role
            if hashed is not None:
                detail["password"] = "changed"  # noqa: S105 - a word for the audit
                user.password_hash = hashed
            if detail:
                logins = _end_logins(session, user.id)
                audit(session, actor, "user.change", user.name, now, detail)
            described = _described(user)
        self._ended(logins, [])
        return described

    def delete(self, user_id: int, actor: Actor) -> None:
        """Takes a user away, with the logins and with what was embedded in the user's name.
        Raises NotFound, or Conflict for the last super_admin."""
        now = self._clock()
        with self._database.write() as session:
            self._hold_still(session)
            user = _found(session, user_id)
            _refuse_the_last(session, user)
            logins = _end_logins(session, user.id)
            embedded = end_of_maker(session, f"user:{user.name}")
            audit(session, actor, "user.delete", user.name, now, {"role": user.role})
            session.delete(user)
        self._ended(logins, embedded)

    def reset_password(self, name: str, password: str, actor: Actor = COMMAND_LINE) -> None:
        """A new password for a user by name; ends the user's logins. Raises NotFound,
        ValidationError."""
        wanted = normal_name(name)
        with self._database.read() as session:
            user_id = session.scalar(select(User.id).where(User.name == wanted))
            known = session.scalars(select(User.name).order_by(User.name).limit(10)).all()
        if user_id is None:
            names = ", ".join(known) or "none"
            raise NotFound(f"There is no user named {wanted!r}; there are: {names}.")
        self.change(user_id, actor, password=password)

    def _hold_still(self, session: Session) -> None:
        """What is counted must not change before it is acted on. SQLite's write transactions run
        one after the other; PostgreSQL's must be made to."""
        if self._database.dialect == "postgresql":
            session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))


def normal_name(name: str) -> str:
    """The same letters typed differently are the same name."""
    return unicodedata.normalize("NFC", name.strip())


def _found(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no user {user_id}.")
    return user


def _refuse_the_last(session: Session, user: User) -> None:
    chiefs = select(func.count()).select_from(User).where(User.role == "super_admin")
    if user.role == "super_admin" and session.scalars(chiefs).one() == 1:
        raise Conflict(
            f"{user.name!r} is the last super_admin; make somebody else one first, or nobody "
            "could manage this installation."
        )


def _end_logins(session: Session, user_id: int) -> list[str]:
    gone = delete(LoginSession).where(LoginSession.user_id == user_id)
    return list(session.scalars(gone.returning(LoginSession.token_hash)).all())


def _any_user(session: Session) -> bool:
    return bool(session.scalar(select(exists(select(User.id)))))


def _described(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "name": user.name,
        "role": user.role,
        "createdAt": iso(user.created_at),
    }


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise ValidationError(f"The role must be one of {', '.join(ROLES)}, not {role!r}.")


def _clean_name(name: str) -> str:
    name = normal_name(name)
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise ValidationError(f"The name must have 1 to {MAX_NAME} printable characters.")
    return name
