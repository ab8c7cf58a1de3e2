"""The s3 check: the bucket must be there for whoever has these keys (HEAD, path style)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from yarl import URL

from services.collect.checks import certificate
from services.collect.checks.aws_signature import sign
from services.collect.checks.certificate import Certificate
from services.collect.checks.connection import Connection
from services.collect.checks.failures import (
    Evidence,
    network_failure,
    printable,
    unhealthy,
    where,
)
from services.collect.checks.http_wire import Head, NotHttp, read_head, request
from services.inventory.schema import S3Check
from services.observation import CheckResult, Status
from services.times import span

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

#: A dependency check ends within this many seconds, whatever the target's own timeout.
LONGEST = 5.0

#: Stores refuse a request whose time is further off than this (seconds).
MOST_SKEW = 900


async def probe(check: S3Check, timeout: float, context: ProbeContext) -> CheckResult:
    """One signed request within ``timeout`` seconds, at most 5."""
    endpoint = URL(check.endpoint)
    host, port = endpoint.raw_host or "", endpoint.port or 443
    place = where(host, port)
    timeout = min(timeout, LONGEST)
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    try:
        async with limit:
            head, shown = await _ask(check, endpoint, context)
    except NotHttp:
        return unhealthy(f"{place} answered something that is not HTTP", "NotHttp")
    except EOFError:
        return unhealthy(f"{place} hung up without an answer", "EOFError")
    except OSError as error:
        if limit.expired():
            return unhealthy(f"no answer from {place} within {timeout:g} s", "Timeout")
        return network_failure(error, host, port, "is it http instead of https?")
    return _judged(check, head, shown, (time.perf_counter() - begun) * 1000)


async def _ask(
    check: S3Check, endpoint: URL, context: ProbeContext
) -> tuple[Head, Certificate | None]:
    path = f"{endpoint.path.rstrip('/')}/{check.bucket}"
    headers = {"Host": endpoint.host_port_subcomponent or ""}
    if check.access_key is not None and check.secret_key is not None:
        secret = check.secret_key.get_secret_value()
        headers = sign("HEAD", path, headers, check.region, check.access_key, secret, time.time())
    url = endpoint.origin().with_path(quote(path, safe="/~"), encoded=True)
    connection = await Connection.open(endpoint.raw_host or "", endpoint.port or 443, context.names)
    try:
        shown = None
        if endpoint.scheme == "https":
            await connection.start_tls(context.tls, endpoint.raw_host or "")
            shown = certificate.read(connection.certificate or b"")
        await connection.send(request("HEAD", url, headers))
        return await read_head(connection), shown
    finally:
        connection.close()


def _judged(check: S3Check, head: Head, shown: Certificate | None, elapsed: float) -> CheckResult:
    now = time.time()
    status, text = _meaning(check, head, now)
    evidence: Evidence = {"httpStatus": head.code}
    if shown is not None:
        evidence.update(shown.evidence(now))
        of_certificate, words = shown.judge(certificate.DAYS, now)
        if status is Status.HEALTHY and of_certificate is not Status.HEALTHY:
            status, text = Status.DEGRADED, f"{text}; {words}"
    return CheckResult(status, text, elapsed, evidence=evidence)


def _meaning(check: S3Check, head: Head, now: float) -> tuple[Status, str]:
    """What the store's code says of the bucket. An answer to HEAD has no body that would."""
    bucket, signed = f"bucket '{check.bucket}'", check.access_key is not None
    match head.code:
        case 200 | 204:
            return Status.HEALTHY, f"{bucket} is there"
        case 403 if not signed:
            return Status.HEALTHY, f"{bucket} is there and asks for keys"
        case 403:
            text = f"access to {bucket} denied (403): wrong keys, or no right to it"
            return Status.UNHEALTHY, text + _skew(head.headers, now)
        case 404:
            return Status.UNHEALTHY, f"{bucket} does not exist"
        case 301 | 302 | 307 | 308 | 400 if there := _elsewhere(check, head.headers):
            return Status.UNHEALTHY, f"{bucket} is in the region {there}, not {check.region}"
        case 301 | 302 | 307 | 308:
            return Status.UNHEALTHY, f"{bucket} lies at another endpoint ({head.code})"
        case 400:
            text = "the request is refused (400): wrong region, or keys of another kind"
            return Status.UNHEALTHY, text + _skew(head.headers, now)
        case 429 | 503:
            return Status.UNHEALTHY, f"the store is overloaded or unavailable ({head.code})"
        case code if code >= 500:
            return Status.UNHEALTHY, f"the store failed inside ({code})"
    return Status.UNHEALTHY, f"the store answered {head.code}; is this an S3 endpoint?"


def _elsewhere(check: S3Check, headers: Mapping[str, str]) -> str | None:
    region = printable(headers.get("x-amz-bucket-region", ""), 40)
    return region if region != check.region else None


def _skew(headers: Mapping[str, str], now: float) -> str:
    """How far the clocks are apart, when that alone explains a refusal."""
    try:
        off = parsedate_to_datetime(headers.get("date", "")).timestamp() - now
    except (ValueError, TypeError, OverflowError):
        return ""
    return f"; its clock differs from ours by {span(abs(off))}" if abs(off) > MOST_SKEW else ""
