"""The tls check: a handshake, a certificate valid for its host, and days left on it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from typing import TYPE_CHECKING

from services.collect.checks import certificate
from services.collect.checks.certificate import Certificate
from services.collect.checks.connection import Connection
from services.collect.checks.failures import Evidence, network_failure, unhealthy, where
from services.inventory.schema import TlsCheck
from services.observation import CheckResult, Status

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext

#: What OpenSSL calls a certificate whose time is over.
_EXPIRED = 10


async def probe(check: TlsCheck, timeout: float, context: ProbeContext) -> CheckResult:
    """Shakes hands within ``timeout`` seconds; the chain and the name are verified. Degraded with
    fewer than ``check.days`` days left."""
    begun = time.perf_counter()
    limit = asyncio.timeout(timeout)
    refusal: ssl.SSLCertVerificationError | None = None
    shown: Certificate | None = None
    version: str | None = None
    try:
        async with limit:
            try:
                shown, version = await _shake_hands(check, context, context.tls)
            except ssl.SSLCertVerificationError as error:
                refusal = error
                # A certificate that was refused is not kept by the ssl module. What it says is
                # worth a second handshake, but not the verdict.
                with contextlib.suppress(OSError):
                    shown, _ = await _shake_hands(check, context, _unverified())
    except OSError as error:
        if refusal is None:
            if limit.expired():
                place = where(check.host, check.port)
                return unhealthy(f"no TLS with {place} within {timeout:g} s", "Timeout")
            return network_failure(error, check.host, check.port)
    if refusal is not None:
        return _refused(refusal, shown)
    return _judged(check, shown, version, (time.perf_counter() - begun) * 1000)


async def _shake_hands(
    check: TlsCheck, context: ProbeContext, tls: ssl.SSLContext
) -> tuple[Certificate | None, str | None]:
    connection = await Connection.open(check.host, check.port, context.names)
    try:
        await connection.start_tls(tls, check.host)
        return certificate.read(connection.certificate or b""), connection.tls_version
    finally:
        connection.close()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _judged(
    check: TlsCheck, shown: Certificate | None, version: str | None, elapsed: float
) -> CheckResult:
    evidence: Evidence = {"tlsVersion": version or "not named"}
    if shown is None:
        text = "the certificate is valid, but its dates cannot be read"
        return CheckResult(Status.DEGRADED, text, elapsed, evidence=evidence)
    now = time.time()
    status, text = shown.judge(check.days, now)
    return CheckResult(status, text, elapsed, evidence={**evidence, **shown.evidence(now)})


def _refused(error: ssl.SSLCertVerificationError, shown: Certificate | None) -> CheckResult:
    now = time.time()
    evidence: Evidence = {"error": "SSLCertVerificationError"}
    text = f"certificate is not valid: {error.verify_message or error}"
    if shown is not None:
        evidence.update(shown.evidence(now))
        _, words = shown.judge(0, now)
        expired = error.verify_code == _EXPIRED and shown.until <= now
        text = words if expired else f"{text} ({words})"
    return CheckResult(Status.UNHEALTHY, text, evidence=evidence)
