"""Who may call: people and their logins, API keys, embedded pages; and what a repeated call is
answered."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Json, Moment


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    password_hash: Mapped[str] = mapped_column(String(300))
    role: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[float] = mapped_column(Moment)


class LoginSession(Base):
    """A browser's login; only the SHA-256 of its cookie is kept."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[float] = mapped_column(Moment)
    expires_at: Mapped[float] = mapped_column(Moment, index=True)


class ApiKey(Base):
    """A key of a script; only its SHA-256 is kept, and the ``prefix`` by which people tell keys
    apart. ``tenants`` limits its holder (None: everything)."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    prefix: Mapped[str] = mapped_column(String(16))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    tenants: Mapped[list[str] | None] = mapped_column(Json)
    created_at: Mapped[float] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[float | None] = mapped_column(Moment)
    revoked_at: Mapped[float | None] = mapped_column(Moment)
    last_used_at: Mapped[float | None] = mapped_column(Moment)


class Embed(Base):
    """A one-time token for an embedded page, and the session that it opened: ``cookie_hash`` is
    filled in when it is spent. ``maker`` is the identity of who asked for it; ``seconds`` the
    life of the session. Until it is spent ``expires_at`` is the end of the token, then that of
    the session. ``tenants``, ``vps`` and ``pages`` narrow what is seen (None: they do not)."""

    __tablename__ = "embeds"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    cookie_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    maker: Mapped[str] = mapped_column(String(120), index=True)
    name: Mapped[str] = mapped_column(String(100))
    tenants: Mapped[list[str] | None] = mapped_column(Json)
    vps: Mapped[list[str] | None] = mapped_column(Json)
    pages: Mapped[list[str] | None] = mapped_column(Json)
    seconds: Mapped[float] = mapped_column(Moment)
    created_at: Mapped[float] = mapped_column(Moment)
    expires_at: Mapped[float] = mapped_column(Moment, index=True)


class GivenAnswer(Base):
    """What was answered to a request with an ``Idempotency-Key``. ``id`` is the digest of caller,
    operation, path and key, ``request_hash`` that of the body. Without a ``status`` it is being
    carried out; without a ``body`` the answer told a secret."""

    __tablename__ = "given_answers"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]
    media: Mapped[str] = mapped_column(String(100))
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float] = mapped_column(Moment)
    expires_at: Mapped[float] = mapped_column(Moment, index=True)
