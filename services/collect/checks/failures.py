"""The words for what the network answers instead of what a check hoped for."""

from __future__ import annotations

import errno
import os
import socket
import ssl

from services.observation import CheckResult, Status

Evidence = dict[str, str | int | float]

#: Failures of this machine, not of what it looks at.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})

#: Lookup failures that say nothing of the name, only that nobody could be asked.
_UNANSWERED = frozenset({socket.EAI_AGAIN, socket.EAI_SYSTEM})

#: What OpenSSL says to a server that speaks plain text.
_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})


def where(host: str, port: int | None) -> str:
    """``host:port`` as one writes it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def unhealthy(text: str, error: str, response_ms: float | None = None) -> CheckResult:
    """A failed check; ``error`` names the sort of failure in its evidence."""
    return CheckResult(Status.UNHEALTHY, text, response_ms, evidence={"error": error})


def network_failure(
    error: OSError, host: str, port: int | None, if_plain: str = "does it speak without TLS?"
) -> CheckResult:
    """What it means that no connection came about, or that it broke.

    Unhealthy; unknown when this machine itself lacks what looking takes. ``if_plain`` is asked
    when TLS was met with plain text.
    """
    place = where(host, port)
    if isinstance(error, ssl.SSLError):
        return unhealthy(_tls_words(error, place, if_plain), type(error).__name__)
    if isinstance(error, socket.gaierror):
        text = f"the name {host} is not known"
        if error.errno in _UNANSWERED:
            text = f"the name {host} could not be looked up: the name server did not answer"
        return unhealthy(text, "gaierror")
    evidence: Evidence = {"error": type(error).__name__}
    if error.errno is not None:
        evidence["errno"] = errno.errorcode.get(error.errno, error.errno)
    if error.errno in _OURS:
        text = f"could not look at {place}: {os.strerror(error.errno or 0).lower()} here"
        return CheckResult(Status.UNKNOWN, text, evidence=evidence)
    return CheckResult(Status.UNHEALTHY, _words(error, place), evidence=evidence)


def printable(text: str, most: int) -> str:
    """Foreign text for a message: one line of at most ``most`` printable characters."""
    line = " ".join(text[: 4 * most].split())
    line = "".join(sign if sign.isprintable() else "?" for sign in line)
    return line if len(line) <= most else line[: most - 1] + "…"


def _tls_words(error: ssl.SSLError, place: str, if_plain: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate is not valid: {error.verify_message or error}"
    if isinstance(error, ssl.SSLEOFError):
        return f"no TLS with {place}: it hung up during the handshake"
    reason = error.reason or "HANDSHAKE_FAILED"
    hint = f"; {if_plain}" if reason in _PLAIN else ""
    return f"no TLS with {place}: {reason.replace('_', ' ').lower()}{hint}"


def _words(error: OSError, place: str) -> str:
    match error.errno:
        case errno.ECONNREFUSED:
            return f"connection refused by {place}"
        case errno.ECONNRESET | errno.EPIPE | errno.ECONNABORTED:
            return f"connection reset by {place}"
        case errno.EHOSTUNREACH | errno.ENETUNREACH:
            return f"no way to {place}: {os.strerror(error.errno).lower()}"
        case errno.ETIMEDOUT:
            return f"no connection to {place}: it did not react"
        case errno.EACCES | errno.EPERM:
            return f"a firewall forbids the connection to {place}"
        case int(number):
            return f"no connection to {place}: {os.strerror(number).lower()}"
    return f"no connection to {place}"
