"""AWS Signature Version 4, by which a request to an S3 store shows who asks. Pure.

Source: "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

EMPTY = hashlib.sha256(b"").hexdigest()

_ALGORITHM = "AWS4-HMAC-SHA256"


def sign(
    method: str,
    path: str,
    headers: Mapping[str, str],
    region: str,
    access_key: str,
    secret_key: str,
    at: float,
) -> dict[str, str]:
    """``headers`` (Host among them) and those that sign a request without a body.

    ``path`` is not encoded yet and has no query; ``at`` in seconds since the epoch.
    """
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    signed = {**headers, "x-amz-content-sha256": EMPTY, "x-amz-date": moment}
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in signed.items())
    names = ";".join(name for name, _ in lines)
    request = "\n".join(
        [
            method,
            quote(path, safe="/~"),
            "",  # no query
            *(f"{name}:{value}" for name, value in lines),
            "",
            names,
            EMPTY,
        ]
    )
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
    key = signing_key(secret_key, moment[:8], region, "s3")
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    signed["Authorization"] = (
        f"{_ALGORITHM} Credential={access_key}/{scope},SignedHeaders={names},Signature={signature}"
    )
    return signed


def signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    """The key of one day (``20130524``) for one service in one region."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
