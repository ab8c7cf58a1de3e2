"""How the settings of e-mail and SMS are read, as services.setting_values reads the others."""

from __future__ import annotations

import re
from email.utils import parseaddr
from ipaddress import ip_address
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote, urlsplit


class MailServer(NamedTuple):
    """Where mail is handed in. ``security``: STARTTLS that must succeed, TLS from the start, or
    none; ``user`` and ``password`` are empty where no login is wanted."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str
    password: str


_HOST = re.compile(r"[0-9A-Za-z:._%-]{1,253}")
_MAIL = "write smtp://user:password@host:587?starttls, smtps://user:password@host or smtp://host:25"


def mail_server(given: Any) -> MailServer:
    """``smtp://`` or ``smtps://``; what is special in a user or password is written as %40."""
    if isinstance(given, MailServer):
        return given
    try:
        parts = urlsplit(str(given).strip())
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # what no name can be is an error here and not at night
    except ValueError:
        raise ValueError(f"this is not the URL of a mail server; {_MAIL}") from None
    ways: dict[tuple[str, str], tuple[Literal["starttls", "tls", "none"], int]] = {
        ("smtp", "starttls"): ("starttls", 587),
        ("smtps", ""): ("tls", 465),
        ("smtp", ""): ("none", 25),
    }
    way = ways.get((parts.scheme, parts.query.lower()))
    if way is None or port == 0 or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(f"this is not the URL of a mail server; {_MAIL}")
    if not host or not _HOST.fullmatch(host):
        raise ValueError(f"this is not the URL of a mail server; {_MAIL}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not f"{user}{password}".isascii() or not f"{user}{password}".isprintable():
        raise ValueError("the user and the password of a mail server must be plain ASCII")
    if bool(user) is not bool(password):
        raise ValueError(f"a login needs a user and a password; {_MAIL}")
    if user and way[0] == "none" and not _is_here(host):
        raise ValueError(
            "the password would cross the network in the clear; add ?starttls, or write smtps://"
        )
    return MailServer(host, port or way[1], way[0], user, password)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def sender(given: Any) -> str:
    """``alerts@example.com`` or ``Healthdeck <alerts@example.com>``."""
    text = str(given).strip()
    name, address = parseaddr(text)
    known = re.fullmatch(r"[^@\s<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}", address)
    if not known or not address.isascii() or text not in (address, f"{name} <{address}>"):
        raise ValueError(
            "this is not a sender; write alerts@example.com or Healthdeck <alerts@example.com>"
        )
    return text


_ACCOUNT = re.compile(r"AC[0-9a-fA-F]{32}")
_FROM = re.compile(
    r"\+[1-9][0-9]{6,14}|MG[0-9a-fA-F]{32}|[0-9]{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}"
)


def twilio_account(given: Any) -> str:
    text = str(given).strip()
    if not _ACCOUNT.fullmatch(text):
        raise ValueError("an account SID of Twilio is AC and 32 hexadecimal digits")
    return text


def twilio_sender(given: Any) -> str:
    text = str(given).strip()
    if not _FROM.fullmatch(text):
        raise ValueError(
            f"'{text}' is no sender of Twilio; write a number as +31600000000, the SID of a "
            "messaging service (MG and 32 hexadecimal digits), or a name of at most 11 letters"
        )
    return text
