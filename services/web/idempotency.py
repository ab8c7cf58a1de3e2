"""``Idempotency-Key``: a POST that is sent again is carried out once and answered the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable

import structlog
from flask import Response, g, request
from sqlalchemy.exc import SQLAlchemyError

from services.container import current
from services.errors import Conflict, ValidationError
from services.identity import Principal, scope_key
from services.identity.answers import Given

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"

_KEY = re.compile(r"[!-~]{1,200}")

log = structlog.get_logger(__name__)


def once(operation: str, work: Callable[[], Response], *, tells_secret: bool = False) -> Response:
    """The response of ``work``, or what it was for the same caller, path and key within a day.
    Only what succeeded is told again; after anything else the key may be tried anew. A secret
    (``tells_secret``) is not kept, so it is not told again either. Raises ValidationError for a
    key that is none, Conflict for one that is in progress, was used with another body, or told a
    secret."""
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not _KEY.fullmatch(key):
        raise ValidationError(f"{HEADER} must be 1 to 200 printable ASCII characters, no spaces.")
    answers, id_ = current().identity.answers, _id(operation, key)
    given = answers.claim(id_, hashlib.sha256(request.get_data(cache=True)).hexdigest())
    if given is not None:
        return _again(given)
    done = False
    try:
        response = work()
        done = response.status_code < 400
    finally:
        if not done:
            answers.release(id_)
    try:
        body = None if tells_secret else response.get_data(as_text=True)
        answers.keep(id_, Given(response.status_code, response.content_type or "", body))
    except SQLAlchemyError as error:
        # it is done all the same; a second try will be told that its end is not known
        log.error("answer_not_kept", operation=operation, reason=repr(error))
    return response


def _again(given: Given) -> Response:
    if given.body is None:
        raise Conflict(
            "This was done already, and its secret was told once. Make a new one with a new "
            f"{HEADER} if it is lost."
        )
    response = Response(given.body, status=given.status)
    if given.media:
        response.content_type = given.media
    else:
        del response.headers["Content-Type"]
    response.headers[REPLAYED] = "true"
    return response


def _id(operation: str, key: str) -> str:
    """Under what an answer is kept. Who may see less must not be told what somebody of the same
    name was told, so role and scope are part of it."""
    who: Principal = g.principal
    pages = None if who.pages is None else sorted(who.pages)
    parts = [who.identity, who.role, scope_key(who.scope), pages, operation, request.path, key]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
