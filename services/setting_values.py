"""How the text of a setting is read. Each reader takes what was given and returns its value, or
raises ValueError with what would be right; none repeats a value that may hold a password."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent.parent
MIN_SECRET_BYTES = 32

Network = IPv4Network | IPv6Network

#: The first parts of our own paths: a prefix that looks like one could not be told from it.
OWN_PATHS = frozenset(
    (
        "agent.pyz", "api", "assets", "auth", "embed", "health", "healthz",
        "login", "logout", "metrics", "readyz", "setup", "vendor",
    )
)  # fmt: skip

_ADDRESS = re.compile(
    r"(?P<host>\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^\s:/@?#\[\]]+)(?::(?P<port>[0-9]{1,5}))?"
)


class Address(NamedTuple):
    """Where a TCP connection goes."""

    host: str
    port: int


def address(text: str, port: int | None = None) -> Address:
    """``host:port``, an IPv6 address in brackets. ``port`` holds where none is written; without
    it one must be."""
    found = _ADDRESS.fullmatch(text)
    number = int(found["port"] or port or 0) if found else 0
    if not found or not 1 <= number <= 65535:
        right = "db.example:5432" if port is None else f"db.example or db.example:{port}"
        raise ValueError(f"'{text}' is no address; write it as host:port, such as {right}")
    return Address(found["host"].strip("[]"), number)


def addresses(given: Any) -> tuple[Address, ...]:
    return tuple(
        Address(*word) if isinstance(word, tuple) else address(word)
        for word in dict.fromkeys(given if isinstance(given, tuple) else _words(given))
    )


def whole(low: int, high: int) -> BeforeValidator:
    def parse(given: Any) -> int:
        text = str(given).strip()
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"'{given}' is not a whole number from {low} to {high}")
        return int(text)

    return BeforeValidator(parse)


def seconds(low: float, high: float) -> BeforeValidator:
    def parse(given: Any) -> float:
        try:
            value = float(given)
        except (TypeError, ValueError):
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"'{given}' is not a number of seconds from {low:g} to {high:g}")
        return value

    return BeforeValidator(parse)


def one_of(*words: str) -> BeforeValidator:
    def parse(given: Any) -> str:
        word = str(given).strip().lower()
        if word not in words:
            raise ValueError(f"'{given}' is not one of {', '.join(words)}")
        return word

    return BeforeValidator(parse)


_RATES = re.compile(r"[1-9][0-9]{0,8} ?(?:per|/) ?(?:second|minute|hour|day)")


def rate(given: Any) -> str:
    """``60 per minute``; several (``;`` between them) all hold."""
    rates = [" ".join(part.split()) for part in str(given).lower().split(";")]
    for one in rates:
        if not _RATES.fullmatch(one):
            raise ValueError(
                f"'{one}' is not a rate; write it as 60 per minute (or second, hour, day), and "
                "a semicolon between several"
            )
    return "; ".join(rates)


def host(given: Any) -> str:
    text = str(given).strip().removeprefix("[").removesuffix("]")
    if not re.fullmatch(r"[0-9A-Za-z:._%-]{1,253}", text):
        raise ValueError(
            f"'{given}' is not an address to listen on; write 127.0.0.1 for this machine only, "
            "0.0.0.0 for every interface, or a host name"
        )
    return text


def database(given: Any) -> str:
    """A URL that SQLAlchemy opens; a relative SQLite path lies below the folder of app.py."""
    right = "write sqlite:///path/to/file.db or postgresql://user:password@host/database"
    try:
        url = make_url(str(given).strip())
    except (ArgumentError, ValueError):
        raise ValueError(f"this is not a database URL; {right}") from None
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.render_as_string(hide_password=False)
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise ValueError(f"there is no support for '{url.drivername}'; {right}")
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError(
            "an SQLite database needs a plain file, for every thread opens it anew; "
            "write sqlite:///path/to/file.db"
        )
    return url.set(database=str(ROOT / url.database)).render_as_string(hide_password=False)


def redis(given: Any) -> str:
    text = str(given).strip()
    try:
        parts = urlsplit(text)
        usable = (parts.scheme in ("redis", "rediss") and parts.hostname and parts.port != 0) or (
            parts.scheme == "unix" and parts.path
        )
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("this is not a Redis URL; write redis://host:6379/0")
    return text


def secret(given: Any) -> str:
    text = str(given)
    if (size := len(text.encode())) < MIN_SECRET_BYTES:
        raise ValueError(
            f"a secret of {size} bytes is too short; give at least {MIN_SECRET_BYTES} random "
            "bytes, or leave it out and one is made"
        )
    return text


def web_address(given: Any) -> str:
    """``https://host/path``; the text of a mistake does not repeat it, for it may be a secret."""
    text = str(given).strip()
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise ValueError("this is not a web address; write https://host/path")
    return text


def origin(given: Any) -> str:
    """``https://host`` or ``https://host:port``."""
    return _origin(str(given).strip())


def origins(given: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_origin(word) for word in _words(given)))


def _origin(text: str) -> str:
    """An origin as browsers write it: lower case, without the scheme's own port."""
    problem = f"'{_without_login(text)}' is not an origin; write https://host or https://host:port"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(problem) from None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or not re.fullmatch(r"[0-9a-z:._-]+", host)
        or "@" in parts.netloc
        or port == 0
    ):
        raise ValueError(problem)
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"'{text}' has a path; an origin ends after the host and port")
    name = f"[{host}]" if ":" in host else host
    own = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{name}" + (f":{port}" if port and port != own else "")


def _without_login(text: str) -> str:
    return re.sub(r"//[^/@]*@", "//***@", text)


def prefix(given: Any) -> str:
    """A sub-path without its last slash; "" for none."""
    text = str(given).strip().rstrip("/")
    if not text:
        return ""
    if len(text) > 200 or not re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._~-]*)+", text):
        raise ValueError(f"'{given}' is not a sub-path; write it as /healthdeck")
    if (first := text.split("/")[1]) in OWN_PATHS:
        raise ValueError(
            f"'/{first}' is how addresses of our own begin; take another sub-path, as /healthdeck"
        )
    return text


def networks(given: Any) -> tuple[Network, ...]:
    return tuple(_network(word) for word in _words(given))


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        hint = f"write {ip_network(text, strict=False)} for the network that it lies in"
    except ValueError:
        hint = "write it as 10.0.0.0/8 or 192.168.1.7"
    raise ValueError(f"'{text}' is not a network; {hint}")


def _words(given: Any) -> Iterable[str]:
    if isinstance(given, str):
        return re.split(r"[,\s]+", given.strip(", \t\r\n")) if given.strip(", \t\r\n") else ()
    return [str(word) for word in given]


def path(given: Any) -> Path:
    """Relative to the folder in which the command was given."""
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError:
        raise ValueError(f"'{given}' names the folder of a user who is not known here") from None
