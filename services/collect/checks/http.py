"""The http check: a request that must be answered 2xx; a health body inside is believed."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from services.collect.checks.body import Verdict, expects_body, judge_body
from services.collect.checks.tcp import network_failure, where
from services.inventory.schema import HttpCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

MOST_BYTES = 1024 * 1024
MOST_REDIRECTS = 5

_HEADERS = {
    "User-Agent": "healthdeck",
    "Accept": "application/health+json, application/json, */*;q=0.5",
    "Accept-Encoding": "identity",
    "Cache-Control": "no-cache",
}

#: What OpenSSL says to a server that speaks plain text.
_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})


@dataclass(slots=True)
class _Look:
    """How far a request has come. ``response_ms``: until the headers of the last hop."""

    url: URL
    timeout: float
    begun: float
    connected: bool = False
    response_ms: float | None = None
    code: int | None = None
    received: int = 0


async def probe(check: HttpCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """One GET within ``timeout`` seconds in all: at most 5 redirects, 1 MiB of the body, TLS
    verified, no cookies, no proxy. Network failures become results, never exceptions."""
    look = _Look(URL(check.url), timeout, time.perf_counter())
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            return await _exchange(look, context.session)
    except (aiohttp.ClientError, OSError) as error:
        if look.code is not None and not 200 <= look.code < 300:
            # The code says enough; the page that goes with it does not matter.
            return _result(look, judge_body(look.code, "", b"", False, False))
        return _slow(look) if limit.expired() else _failure(look, error)


@asynccontextmanager
async def open_session(names: AbstractResolver) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that is the same for every look: each opens its own connection, for a kept one
    would hide a listener that is gone, and nothing is remembered from one to the next."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_on_connected)
    trace.on_request_redirect.append(_on_redirect)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=names, use_dns_cache=False, force_close=True, limit=0
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None),
        trust_env=False,
        trace_configs=[trace],
        middlewares=[_once],
    ) as session:
        yield session


class _Broken(aiohttp.ClientError):
    """The connection broke before there was an answer; ``__cause__`` says how."""


async def _once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Sends a request once. aiohttp by itself sends a GET again when its connection breaks,
    which would hide the failure that we look for."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _Broken from error


async def _exchange(look: _Look, session: aiohttp.ClientSession) -> CheckResult:
    # aiohttp gives up at the redirect of this number instead of after it.
    async with session.get(
        look.url, max_redirects=MOST_REDIRECTS + 1, trace_request_ctx=look
    ) as response:
        look.response_ms = (time.perf_counter() - look.begun) * 1000
        look.code = response.status
        try:
            body, truncated = await _read(response.content, look)
        finally:
            response.close()  # whatever else is on its way
    kind = response.headers.get("Content-Type", "")
    verdict = judge_body(look.code, kind, body, truncated, expects_body(look.url.path))
    return _result(look, verdict, kind, response.url if response.history else None)


async def _read(content: aiohttp.StreamReader, look: _Look) -> tuple[bytes, bool]:
    """The body up to the limit, and whether there is more."""
    body = bytearray()
    async for chunk in content.iter_any():
        body += chunk
        look.received = len(body)
        if len(body) > MOST_BYTES:
            return bytes(body[:MOST_BYTES]), True
    return bytes(body), False


def _result(
    look: _Look, verdict: Verdict, kind: str = "", ended_at: URL | None = None
) -> CheckResult:
    evidence: dict[str, str | int | float] = {}
    if look.code is not None:
        evidence["httpStatus"] = look.code
    if kind:
        evidence["contentType"] = kind[:100]
    if ended_at is not None:
        evidence["redirectedTo"] = _shown(ended_at)
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
        text = f"no connection to {_place(look)} within {look.timeout:g} s"
    return _unhealthy(look, text, "Timeout")


def _failure(look: _Look, error: aiohttp.ClientError | OSError) -> CheckResult:
    """The result for what aiohttp raised."""
    name = type(error).__name__
    match error:
        case aiohttp.ClientConnectorCertificateError(certificate_error=inner):
            reason = getattr(inner, "verify_message", "") or str(inner)
            return _unhealthy(look, f"certificate is not valid: {reason}", name)
        case aiohttp.ClientConnectorSSLError():
            return _unhealthy(look, _no_tls(error), name)
        case aiohttp.ClientConnectorError():
            return network_failure(error.os_error, error.host, error.port)
        case aiohttp.TooManyRedirects():
            return _unhealthy(look, _too_many(error), name)
        case aiohttp.RedirectClientError():
            return _unhealthy(look, "redirects to something that is no web address", name)
        case aiohttp.InvalidURL():
            return CheckResult(
                Status.UNKNOWN,
                "could not look: the address cannot be used",
                evidence={"error": name},
            )
        case aiohttp.ClientResponseError():
            text = f"{_place(look)} answered something that is not HTTP"
            return _unhealthy(look, text, name)
    return _broken(look, error)


def _broken(look: _Look, error: aiohttp.ClientError | OSError) -> CheckResult:
    """The result for a connection that was made and did not last."""
    cause = error.__cause__ if isinstance(error, _Broken) else error
    name = type(cause).__name__
    if look.response_ms is not None:
        return _unhealthy(look, f"the answer broke off after {look.received} bytes", name)
    if isinstance(cause, aiohttp.ServerDisconnectedError):
        return _unhealthy(look, f"{_place(look)} hung up without an answer", name)
    if isinstance(cause, OSError):
        return network_failure(cause, look.url.host or "", look.url.port)
    return _unhealthy(look, f"no usable answer from {_place(look)}", name)


def _unhealthy(look: _Look, text: str, error: str) -> CheckResult:
    evidence: dict[str, str | int | float] = {"error": error}
    if look.code is not None:
        evidence["httpStatus"] = look.code
    return CheckResult(Status.UNHEALTHY, text, look.response_ms, evidence=evidence)


def _no_tls(error: aiohttp.ClientConnectorSSLError) -> str:
    place = where(error.host, error.port)
    inner = error.os_error
    reason = (inner.reason if isinstance(inner, ssl.SSLError) else None) or "HANDSHAKE_FAILED"
    hint = "; is it http instead of https?" if reason in _PLAIN else ""
    return f"no TLS with {place}: {reason.replace('_', ' ').lower()}{hint}"


def _too_many(error: aiohttp.TooManyRedirects) -> str:
    hops = [response.url for response in error.history]
    if len(set(hops)) < len(hops):
        return f"redirects in a circle, by way of {_shown(hops[-1])}"
    return f"redirects more than {MOST_REDIRECTS} times, lately from {_shown(hops[-1])}"


def _place(look: _Look) -> str:
    return where(look.url.host or "", look.url.port)


async def _on_connected(_session: Any, trace: SimpleNamespace, _parameters: Any) -> None:
    trace.trace_request_ctx.connected = True


async def _on_redirect(_session: Any, trace: SimpleNamespace, _parameters: Any) -> None:
    trace.trace_request_ctx.connected = False
