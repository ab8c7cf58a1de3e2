"""The http check: a request that must be answered as expected; a health body inside is believed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yarl import URL

from services.collect.checks import certificate
from services.collect.checks.body import Verdict, expects_body, judge_body
from services.collect.checks.certificate import Certificate
from services.collect.checks.connection import Connection
from services.collect.checks.expectations import disappointments
from services.collect.checks.failures import Evidence, network_failure, where
from services.collect.checks.http_wire import (
    BrokenOff,
    Head,
    NotHttp,
    read_body,
    read_head,
    request,
)
from services.inventory.schema import HttpCheck
from services.observation import CheckResult, Status, worst

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

MOST_REDIRECTS = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class _BadRedirect(Exception):
    """The answer points to where no look can follow; the text says so."""


@dataclass(slots=True)
class _Look:
    """How far a look has come. ``response_ms``: until the headers of the last hop; ``hops``: the
    addresses that it was sent on from."""

    check: HttpCheck
    timeout: float
    begun: float
    url: URL
    headers: Mapping[str, str]
    hops: list[URL] = field(default_factory=list)
    connected: bool = False
    response_ms: float | None = None
    head: Head | None = None
    received: int = 0
    certificate: Certificate | None = None

    def place(self) -> str:
        return where(self.url.raw_host or "", self.url.port)

    def took(self, received: int) -> None:
        self.received = received


async def probe(check: HttpCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """One request within ``timeout`` seconds in all: at most 5 redirects, 1 MiB of the body, TLS
    verified, no cookies, no proxy, a connection of its own. Network failures become results,
    never exceptions."""
    try:
        url = URL(check.url)
    except ValueError:
        text = "could not look: the address cannot be used"
        return CheckResult(Status.UNKNOWN, text, evidence={"error": "InvalidURL"})
    headers = {name: value.get_secret_value() for name, value in check.request_headers.items()}
    look = _Look(check, timeout, time.perf_counter(), url, headers)
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            head, body, truncated = await _exchange(look, context)
    except (OSError, EOFError, NotHttp, BrokenOff, _BadRedirect) as error:
        if look.head is not None and not _accepted(check, look.head.code):
            # The code says enough; the page that goes with it does not matter.
            return _judged(look, look.head, b"", truncated=False)
        return _slow(look) if limit.expired() else _failure(look, error)
    return _judged(look, head, body, truncated)


async def _exchange(look: _Look, context: ProbeContext) -> tuple[Head, bytes, bool]:
    """The answer of the last hop: its head, its body as far as read, whether there is more."""
    while True:
        look.connected = False
        host = look.url.raw_host or ""
        connection = await Connection.open(host, look.url.port or 80, context.names)
        try:
            look.connected = True
            if look.url.scheme == "https":
                await connection.start_tls(context.tls, host)
                _note_certificate(look, connection)
            await connection.send(request(look.check.method, look.url, look.headers))
            head = await read_head(connection)
            if there := _sent_on(look, head):
                _follow(look, there)
                continue
            look.response_ms = (time.perf_counter() - look.begun) * 1000
            look.head = head
            return head, *await read_body(connection, look.check.method, head, look.took)
        finally:
            connection.close()


def _note_certificate(look: _Look, connection: Connection) -> None:
    """Keeps the certificate that ends first of all hops."""
    shown = certificate.read(connection.certificate or b"")
    if shown and (look.certificate is None or shown.until < look.certificate.until):
        look.certificate = shown


def _sent_on(look: _Look, head: Head) -> str | None:
    """Where a redirect leads, unless it is the very answer that was expected."""
    if head.code not in _REDIRECTS or any(300 <= code < 400 for code in look.check.status):
        return None
    return head.headers.get("location")


def _follow(look: _Look, location: str) -> None:
    """Raises _BadRedirect when that cannot be done, or not for ever."""
    try:
        there = URL(location)
        url = look.url.join(there).with_fragment(None)
        usable = url.scheme in ("http", "https") and bool(url.raw_host) and bool(url.port)
        usable = usable and (not there.scheme or bool(there.raw_host))
    except ValueError:
        usable = False
    if not usable:
        raise _BadRedirect("redirects to something that is no web address")
    look.hops.append(look.url)
    if len(look.hops) > MOST_REDIRECTS:
        if len(set(look.hops)) < len(look.hops):
            raise _BadRedirect(f"redirects in a circle, by way of {_shown(look.url)}")
        raise _BadRedirect(
            f"redirects more than {MOST_REDIRECTS} times, lately from {_shown(look.url)}"
        )
    if url.origin() != look.url.origin():
        look.headers = {}  # they may hold secrets, meant for the one who was asked first
    look.url = url


def _accepted(check: HttpCheck, code: int) -> bool:
    return code in check.status if check.status else 200 <= code < 300


def _judged(look: _Look, head: Head, body: bytes, truncated: bool) -> CheckResult:
    """The result for an answer, from all that the check and the answer itself say of it."""
    check = look.check
    kind = head.headers.get("content-type", "")
    wants_own = check.method == "HEAD" or check.text is not None or bool(check.json_paths)
    expected = 200 <= head.code < 300 and expects_body(URL(check.url).path) and not wants_own
    verdict = judge_body(head.code, kind, body, truncated, expected, check.status)
    status, said = verdict.status, [verdict.message]
    if status is not Status.UNHEALTHY and (
        missing := disappointments(check, head.headers, body, truncated)
    ):
        status, said = Status.UNHEALTHY, missing
    if look.certificate:
        of_certificate, words = look.certificate.judge(check.tls_days, time.time())
        if of_certificate is not Status.HEALTHY:
            status = worst((status, of_certificate))
            said.append(words)
    return _result(look, Verdict(status, "; ".join(said), verdict.parts, verdict.uptime_s), kind)


def _result(look: _Look, verdict: Verdict, kind: str) -> CheckResult:
    evidence: Evidence = {}
    if look.head is not None:
        evidence["httpStatus"] = look.head.code
    if kind:
        evidence["contentType"] = kind[:100]
    if look.hops:
        evidence["redirectedTo"] = _shown(look.url)
    if look.certificate:
        evidence.update(look.certificate.evidence(time.time()))
    return CheckResult(
        verdict.status,
        verdict.message,
        look.response_ms,
        verdict.uptime_s,
        verdict.parts,
        evidence,
    )


def _shown(url: URL) -> str:
    """An address without what may be secret in it: login, query, fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None))[:200]


def _slow(look: _Look) -> CheckResult:
    if look.response_ms is not None:
        text = f"began to answer but was not done within {look.timeout:g} s"
    elif look.connected:
        text = f"no answer within {look.timeout:g} s"
    else:
        text = f"no connection to {look.place()} within {look.timeout:g} s"
    return _unhealthy(look, text, "Timeout")


def _failure(look: _Look, error: Exception) -> CheckResult:
    """The result for what went wrong before the answer was complete."""
    name = type(error).__name__
    if isinstance(error, _BadRedirect):
        return _unhealthy(look, str(error), name)
    if isinstance(error, NotHttp):
        return _unhealthy(look, f"{look.place()} answered something that is not HTTP", name)
    if look.response_ms is not None:
        return _unhealthy(look, f"the answer broke off after {look.received} bytes", name)
    if isinstance(error, OSError):
        hint = "is it http instead of https?"
        return network_failure(error, look.url.raw_host or "", look.url.port, hint)
    return _unhealthy(look, f"{look.place()} hung up without an answer", name)


def _unhealthy(look: _Look, text: str, error: str) -> CheckResult:
    evidence: Evidence = {"error": error}
    if look.head is not None:
        evidence["httpStatus"] = look.head.code
    return CheckResult(Status.UNHEALTHY, text, look.response_ms, evidence=evidence)
