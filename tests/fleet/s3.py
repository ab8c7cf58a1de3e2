"""An object store of one bucket: HEAD and GET on it, with the signature checked.

AWS Signature Version 4, written from its documentation ("Create a signed AWS API request") and
independent of Healthdeck's own signer.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Callable
from urllib.parse import quote, unquote

from tests.fleet.http import Answer, Request, Site
from tests.fleet.session import Trouble

BUCKET, REGION = "uploads", "us-east-1"
ACCESS_KEY, SECRET_KEY = "AKIAFLEETEXAMPLE", "a secret key that only the fleet knows"

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'
)


def s3_site(wall: Callable[[], float] = time.time) -> Site:
    """403 without the right signature, 404 for another bucket."""

    def site(request: Request, _trouble: Trouble | None) -> Answer:
        if problem := refusal(request, wall()):
            return _error(403, *problem)
        path = request.path.partition("?")[0]
        if unquote(path).strip("/") != BUCKET:
            return _error(404, "NoSuchBucket", "The specified bucket does not exist")
        return Answer(
            200,
            "application/xml",
            b"",
            f"x-amz-bucket-region: {REGION}\r\nx-amz-request-id: F1\r\n",
        )

    return site


def refusal(request: Request, now: float) -> tuple[str, str] | None:
    """Why a request is not let in: code and message as S3 words them."""
    headers: dict[str, str] = {}
    for line in request.head.decode("latin-1").split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = " ".join(value.split())
    if "authorization" not in headers:
        return "AccessDenied", "Access Denied"
    found = _AUTHORIZATION.fullmatch(headers["authorization"])
    if not found:
        return "AuthorizationHeaderMalformed", "The authorization header is malformed"
    key, day, region, signed, signature = found.groups()
    if key != ACCESS_KEY:
        return "InvalidAccessKeyId", "The access key does not exist in our records"
    moment = headers.get("x-amz-date", "")
    try:
        sent = calendar.timegm(time.strptime(moment, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        return "AccessDenied", "the request has no valid x-amz-date"
    if abs(now - sent) > 900:
        return "RequestTimeTooSkewed", "The request time and the server's are too far apart"
    if region != REGION or not moment.startswith(day) or "host" not in signed.split(";"):
        return "AuthorizationHeaderMalformed", f"the region is wrong; expecting '{REGION}'"
    wanted = _signature(request, headers, signed, moment, f"{day}/{region}/s3/aws4_request")
    if not hmac.compare_digest(wanted, signature):
        return "SignatureDoesNotMatch", "The signature that we calculated is another"
    return None


def _signature(
    request: Request, headers: dict[str, str], signed: str, moment: str, scope: str
) -> str:
    path, _, query = request.path.partition("?")
    pairs = sorted(
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
        for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)
    )
    canonical = "\n".join(
        (
            request.method,
            quote(unquote(path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{headers.get(name, '')}" for name in signed.split(";")),
            "",
            signed,
            headers.get("x-amz-content-sha256", hashlib.sha256(b"").hexdigest()),
        )
    )
    text = "\n".join(
        ("AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest())
    )
    key = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, "application/xml", _ERROR.format(code, message).encode())
