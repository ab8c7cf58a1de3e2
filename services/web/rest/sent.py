"""Answers that are kept as bytes are sent as they are."""

from __future__ import annotations

from flask import Response, current_app
from pydantic import BaseModel

from services.cache import Kept
from services.web.rest.operation import CHECK_ANSWERS, told_apart


def as_kept(found: Kept, answer: type[BaseModel]) -> Response:
    """The answer with its ETag, or 304 for who has it already. It is decoded nowhere but in
    tests, where it must fit ``answer``."""
    if current_app.config.get(CHECK_ANSWERS):
        answer.model_validate_json(found.data)
    response = Response(found.data, mimetype="application/json")
    response.set_etag(found.etag)
    return told_apart(response)
