"""Who may come in, and for how long."""

from __future__ import annotations

import base64
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import jwt
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from models.database import Database
from models.identity import LoginSession, User
from services.errors import (
    AuthenticationRequired,
    Conflict,
    HealthdeckError,
    InsufficientPermissions,
    InvalidToken,
    ValidationError,
)
from services.events import Bus, Event, SessionEnded
from services.identity import SESSION_SECONDS, Identity
from services.settings import Settings
from tests.support.site import CHEAP, template

PASSWORD = "correct horse battery"
SECRET = "j" * 40


class Clock:
    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def settings(**given: Any) -> Settings:
    return Settings(**{"secret_key": "s" * 40, "jwt_secret": SECRET, **given})


def make(database: Database, bus: Bus | None = None, **given: Any) -> Identity:
    return Identity(
        database, given.pop("settings", settings()), bus or Bus(), hasher=CHEAP, **given
    )


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("template"))


@pytest.fixture
def file(tmp_path: Path, empty_file: Path) -> Path:
    """An empty SQLite database with the current schema."""
    return Path(shutil.copy(empty_file, tmp_path / "test.db"))


@pytest.fixture
def plain(file: Path) -> Iterator[Database]:
    """A database where its kind does not matter."""
    database = Database(f"sqlite:///{file}")
    yield database
    database.close()


def signed(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    now = int(time.time())
    claims = {"sub": "script", "role": "admin", "iat": now, "exp": now + 3600, **changes}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, secret, algorithm)


def nested_header() -> str:
    header = base64.urlsafe_b64encode(b"[" * 5000).decode().rstrip("=")
    return f"{header}.e30.c2ln"


# Tokens


@pytest.mark.parametrize(
    ("token", "error", "says"),
    [
        pytest.param("", InvalidToken, "not a JWT", id="empty"),
        pytest.param("garbage", InvalidToken, "not a JWT", id="garbage"),
        pytest.param("x" * 9000, InvalidToken, "too long", id="too long"),
        pytest.param(nested_header(), InvalidToken, "not a JWT", id="nested header"),
        pytest.param("ü.é.\ud800", InvalidToken, "not a JWT", id="no ASCII"),
        pytest.param(signed(secret="k" * 40), InvalidToken, "not a JWT", id="wrong key"),
        pytest.param(
            jwt.encode({"sub": "x", "role": "admin"}, "", "none"),
            InvalidToken, "not a JWT", id="alg none",
        ),
        pytest.param(
            signed(secret="j" * 64, algorithm="HS512"), InvalidToken, "not a JWT", id="HS512"
        ),
        pytest.param(signed(exp=None), InvalidToken, "'exp'", id="no exp"),
        pytest.param(signed(iat=None), InvalidToken, "'iat'", id="no iat"),
        pytest.param(signed(sub=None), InvalidToken, "'sub'", id="no sub"),
        pytest.param(signed(exp=1), InvalidToken, "expired", id="expired"),
        pytest.param(signed(exp=1e999), InvalidToken, "not a JWT", id="endless exp"),
        pytest.param(signed(exp="soon"), InvalidToken, "not a JWT", id="exp is a word"),
        pytest.param(signed(iat=time.time() + 900), InvalidToken, "future", id="iat ahead"),
        pytest.param(signed(iat=[1]), InvalidToken, "not a JWT", id="iat is a list"),
        pytest.param(signed(nbf=time.time() + 900), InvalidToken, "not a JWT", id="not yet"),
        pytest.param(signed(sub=""), InvalidToken, "sub", id="empty sub"),
        pytest.param(signed(sub="a" * 101), InvalidToken, "sub", id="long sub"),
        pytest.param(signed(sub="a\0b"), InvalidToken, "sub", id="NUL in sub"),
        pytest.param(signed(tenants="acme"), InvalidToken, "tenants", id="tenants is text"),
        pytest.param(signed(tenants=[1]), InvalidToken, "tenants", id="tenants of numbers"),
        pytest.param(signed(role="viewer"), InsufficientPermissions, "role", id="viewer"),
        pytest.param(signed(role=None), InsufficientPermissions, "role", id="no role"),
        pytest.param(signed(role=["admin"]), InsufficientPermissions, "role", id="role is a list"),
    ],
)  # fmt: skip
def test_a_token_that_is_no_good_is_refused(
    plain: Database, token: str, error: type[HealthdeckError], says: str
) -> None:
    with pytest.raises(error, match=says):
        make(plain).authenticate_token(token)


def test_a_token_names_its_holder(plain: Database) -> None:
    identity = make(plain)
    token = identity.issue_token("super_admin", "nightly", 5)
    holder = identity.authenticate_token(token)
    assert (holder.name, holder.role, holder.scope) == ("nightly", "super_admin", None)
    assert holder.via == "token"
    assert holder.expires_at == pytest.approx(time.time() + 300, abs=5)
    assert holder.key == identity.authenticate_token(token).key
    assert token not in holder.key


@pytest.mark.parametrize("tenants", [[], ["acme"], ["acme", "globex"]])
def test_a_token_may_be_limited_to_tenants(plain: Database, tenants: list[str]) -> None:
    identity = make(plain)
    token = identity.issue_token("admin", "portal", 5, tenants)
    assert identity.authenticate_token(token).scope == frozenset(tenants)


def test_audience_and_issuer_count_when_they_are_configured(plain: Database) -> None:
    strict = make(plain, settings=settings(jwt_audience="hd", jwt_issuer="portal"))
    assert strict.authenticate_token(strict.issue_token("admin", "a", 5)).name == "a"
    for changes, says in (
        ({"iss": "portal"}, "'aud'"),
        ({"iss": "portal", "aud": "other"}, "audience"),
        ({"aud": "hd"}, "'iss'"),
        ({"aud": "hd", "iss": "other"}, "issuer"),
    ):
        with pytest.raises(InvalidToken, match=says):
            strict.authenticate_token(signed(**changes))
    assert make(plain).authenticate_token(signed(aud="any", iss="any")).name == "script"


@pytest.mark.parametrize(
    ("role", "subject", "minutes"),
    [("viewer", "a", 5), ("admin", "", 5), ("admin", "a" * 101, 5), ("admin", "a", 0),
     ("admin", "a", -1), ("admin", "a", float("nan")), ("admin", "a", 1e12)],
)  # fmt: skip
def test_no_token_is_issued_for_what_makes_no_sense(
    plain: Database, role: str, subject: str, minutes: float
) -> None:
    with pytest.raises(ValidationError):
        make(plain).issue_token(role, subject, minutes)


# Users and the set-up link


def test_a_password_and_a_name_have_rules(plain: Database) -> None:
    identity = make(plain)
    for name, password, says in (
        ("ops", "short", "at least 12 characters"),
        ("ops", "x" * 1025, "at most 1024"),
        ("", PASSWORD, "name"),
        ("  ", PASSWORD, "name"),
        ("o" * 101, PASSWORD, "name"),
        ("a\0b", PASSWORD, "name"),
    ):
        with pytest.raises(ValidationError, match=says):
            identity.create_user(name, password, "admin")
    with pytest.raises(ValidationError, match="role"):
        identity.create_user("ops", PASSWORD, "viewer")
    assert not identity.has_users()


def test_a_name_is_taken_once(database: Database) -> None:
    identity = make(database)
    identity.create_user("ops", PASSWORD, "admin")
    with pytest.raises(Conflict, match="'ops'"):
        identity.create_user(" ops ", PASSWORD, "admin")


def test_the_password_is_kept_as_argon2id(plain: Database) -> None:
    Identity(plain, settings(), Bus()).create_user("ops", PASSWORD, "admin")
    with plain.read() as session:
        kept = session.scalar(select(User.password_hash)) or ""
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in kept


def test_an_old_hash_is_renewed_at_login(plain: Database) -> None:
    make(plain).create_user("ops", PASSWORD, "admin")
    today = Identity(
        plain, settings(), Bus(), hasher=PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    )
    today.log_in("ops", PASSWORD)
    with plain.read() as session:
        kept = session.scalar(select(User.password_hash)) or ""
    assert "m=16,t=2" in kept
    assert today.log_in("ops", PASSWORD)


def test_the_same_letters_typed_differently_are_the_same_password(plain: Database) -> None:
    identity = make(plain)
    identity.create_user("José", "contraseña larga", "admin")
    assert identity.log_in("José", "contraseña larga")


def test_the_set_up_link_makes_one_first_user(plain: Database) -> None:
    identity = make(plain)
    token = identity.setup_token()
    assert identity.check_setup_token(token)
    identity.create_first_user(token, "ops", PASSWORD)
    assert not identity.check_setup_token(token)
    with pytest.raises(Conflict, match="works once"):
        identity.create_first_user(token, "eve", PASSWORD)
    cookie = identity.log_in("ops", PASSWORD)
    principal = identity.authenticate_session(cookie)
    assert principal is not None
    assert principal.role == "super_admin"


def test_of_two_browsers_with_the_link_one_wins(database: Database) -> None:
    token = make(database).setup_token()
    start, results = threading.Barrier(4), []

    def run(name: str) -> None:
        identity = make(database)
        start.wait(10)
        try:
            identity.create_first_user(token, name, PASSWORD)
            results.append("won")
        except Conflict:
            results.append("lost")

    threads = [threading.Thread(target=run, args=(f"user-{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == ["lost", "lost", "lost", "won"]
    with database.read() as session:
        assert len(session.scalars(select(User)).all()) == 1


def test_only_our_own_link_of_today_sets_up(plain: Database) -> None:
    identity = make(plain)
    elsewhere = make(plain, settings=settings(secret_key="t" * 40)).setup_token()
    api = identity.issue_token("super_admin", "a", 5)
    for wrong in ("", "garbage", "x" * 9000, nested_header(), elsewhere, api, signed()):
        assert not identity.check_setup_token(wrong)
        with pytest.raises(InvalidToken):
            identity.create_first_user(wrong, "eve", PASSWORD)
    claims = jwt.decode(identity.setup_token(), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 24 * 3600
    with pytest.raises(InvalidToken):
        identity.authenticate_token(identity.setup_token())


# Sessions


def test_a_wrong_login_says_the_same_whatever_was_wrong(database: Database) -> None:
    identity = make(database)
    identity.create_user("ops", PASSWORD, "admin")
    for name, password in (
        ("ops", "wrong password"),
        ("nobody", PASSWORD),
        ("", ""),
        ("ops", ""),
        ("ops\0", PASSWORD),
        ("\ud800", PASSWORD),
        ("ops", "\ud800"),
        ("' OR 1=1 --", PASSWORD),
    ):
        with pytest.raises(AuthenticationRequired, match=r"^The name or the password is wrong\.$"):
            identity.log_in(name, password)


def test_an_unknown_name_costs_the_same_work_as_a_wrong_password(plain: Database) -> None:
    """Counted in verifications of a hash: that is what takes the time which a caller could see."""

    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            self.verified += 1
            return super().verify(hash, password)

    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    identity = Identity(plain, settings(), Bus(), hasher=hasher)
    identity.create_user("ops", PASSWORD, "admin")
    for attempts, name in enumerate(("ops", "nobody"), start=1):
        with pytest.raises(AuthenticationRequired):
            identity.log_in(name, "wrong password")
        assert hasher.verified == attempts


def test_only_the_hash_of_a_cookie_is_kept(plain: Database) -> None:
    identity = make(plain)
    identity.create_user("ops", PASSWORD, "admin")
    first, second = identity.log_in("ops", PASSWORD), identity.log_in("ops", PASSWORD)
    assert first != second
    assert len(base64.urlsafe_b64decode(first + "=")) == 32
    with plain.read() as session:
        kept = session.scalars(select(LoginSession.token_hash)).all()
    assert len(kept) == 2
    assert not any(cookie in row for cookie in (first, second) for row in kept)
    principal = identity.authenticate_session(first)
    assert principal is not None
    assert (principal.name, principal.role, principal.scope, principal.via) == (
        "ops", "admin", None, "session",
    )  # fmt: skip
    assert first not in principal.key


@pytest.mark.parametrize("cookie", ["", "x", "\ud800", "x" * 100_000])
def test_a_cookie_of_nobody_is_nobody(plain: Database, cookie: str) -> None:
    assert make(plain).authenticate_session(cookie) is None


def test_a_session_lasts_14_days(plain: Database) -> None:
    clock = Clock()
    identity = make(plain, clock=clock)
    identity.create_user("ops", PASSWORD, "admin")
    cookie = identity.log_in("ops", PASSWORD)
    clock.now += SESSION_SECONDS - 1
    assert identity.authenticate_session(cookie)
    clock.now += 1
    assert identity.authenticate_session(cookie) is None  # although it was just remembered
    identity.forget_expired()
    with plain.read() as session:
        assert session.scalars(select(LoginSession)).all() == []


def test_a_logout_holds_at_once_and_is_told(plain: Database) -> None:
    bus, told = Bus(), list[Event]()
    bus.subscribe(told.append)
    identity = make(plain, bus)
    identity.create_user("ops", PASSWORD, "admin")
    cookie, other = identity.log_in("ops", PASSWORD), identity.log_in("ops", PASSWORD)
    principal = identity.authenticate_session(cookie)
    assert principal is not None
    identity.log_out(cookie)
    assert identity.authenticate_session(cookie) is None
    assert identity.authenticate_session(other)
    assert told == [SessionEnded(principal.key)]


def test_a_logout_in_another_process_is_noticed_once_the_memory_is_old(plain: Database) -> None:
    here, there = make(plain, cache_seconds=0.05), make(plain)
    here.create_user("ops", PASSWORD, "admin")
    cookie = here.log_in("ops", PASSWORD)
    assert here.authenticate_session(cookie)
    there.log_out(cookie)
    deadline = time.monotonic() + 5
    pause = threading.Event()
    while here.authenticate_session(cookie) and time.monotonic() < deadline:
        pause.wait(0.01)
    assert here.authenticate_session(cookie) is None


class LoggingOutMeanwhile(Database):
    """A database that is slow to answer: something happens before its reader gets to see it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.meanwhile: Callable[[], None] | None = None

    def read(self) -> Any:
        session = super().read()
        if self.meanwhile:
            session.scalars(select(LoginSession)).all()  # the snapshot that the reader works on
            happens, self.meanwhile = self.meanwhile, None
            happens()
        return session


def test_a_logout_during_a_look_up_is_not_forgotten(file: Path) -> None:
    database = LoggingOutMeanwhile(f"sqlite:///{file}")
    identity = make(database)
    identity.create_user("ops", PASSWORD, "admin")
    cookie = identity.log_in("ops", PASSWORD)
    database.meanwhile = lambda: identity.log_out(cookie)
    identity.authenticate_session(cookie)  # began before the logout: either answer is right
    assert identity.authenticate_session(cookie) is None
    database.close()


def test_a_remembered_session_needs_no_database(plain: Database, file: Path) -> None:
    identity = make(plain)
    identity.create_user("ops", PASSWORD, "admin")
    cookie = identity.log_in("ops", PASSWORD)
    assert identity.authenticate_session(cookie)
    plain.close()
    for part in file.parent.glob("test.db*"):
        part.unlink()
    assert identity.authenticate_session(cookie)
