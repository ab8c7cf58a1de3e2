"""Every error of every route in one shape: JSON for programs, a page for people."""

from __future__ import annotations

import re
import secrets
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, g, jsonify, make_response, render_template, request
from flask.signals import request_started
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.exceptions import HTTPException

from services.errors import HealthdeckError, Unavailable

log = structlog.get_logger(__name__)

SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CODES = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_REQUIRED",
    403: "INSUFFICIENT_PERMISSIONS",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "UNAVAILABLE",
}
TITLES = {
    400: "That did not work",
    401: "Please log in",
    403: "Not allowed",
    404: "Page not found",
    405: "Not possible here",
    409: "That is no longer possible",
    413: "Too large",
    429: "Too many tries",
    503: "Not available right now",
}


class RateLimited(HealthdeckError):
    """Too many tries; ``retry_after`` seconds from now there may be another."""

    code, status = "RATE_LIMIT_EXCEEDED", 429

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def install(server: Flask) -> None:
    """Gives each request an id and each error its shape. Also makes our templates known."""
    server.register_blueprint(Blueprint("web", __name__, template_folder="templates"))
    request_started.connect(_begin, server)
    server.after_request(_echo_id)
    server.teardown_request(_end)
    server.register_error_handler(HealthdeckError, _answer_ours)
    server.register_error_handler(HTTPException, _answer_http)
    server.register_error_handler(OperationalError, _answer_database)
    server.register_error_handler(PoolTimeout, _answer_database)
    server.register_error_handler(Exception, _answer_bug)


def request_id() -> str:
    """The id of the running request: the caller's, when it is sane."""
    if "request_id" not in g:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if SANE_ID.fullmatch(given) else secrets.token_hex(8)
    text: str = g.request_id
    return text


def wants_page() -> bool:
    """Whether a person in a browser asked, so that a page is the better answer."""
    path = request.path
    if path == "/api" or path.startswith(("/api/", "/_", "/assets/")):
        return False
    return any(kind == "text/html" for kind, _ in request.accept_mimetypes)


def body(error: HealthdeckError) -> dict[str, Any]:
    """The one error shape of CONTRACT.md."""
    return {
        "success": False,
        "error": error.message,
        "errorCode": error.code,
        "requestId": request_id(),
        "details": error.details,
    }


def answer(error: HealthdeckError) -> Response:
    """The response that tells an error."""
    if wants_page():
        title = TITLES.get(error.status, "Something went wrong")
        page = render_template("message.html", title=title, error=error, request_id=request_id())
        response = make_response(page)
    else:
        response = jsonify(body(error))
    return dress(response, error)


def dress(response: Response, error: HealthdeckError) -> Response:
    """Puts an error's status and headers on a response that tells it."""
    response.status_code = error.status
    if error.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="healthdeck"'
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _answer_ours(error: HealthdeckError) -> Response:
    if error.status >= 500:
        log.error("request_failed", method=request.method, path=request.path, exc_info=error)
    return answer(error)


def _answer_http(error: HTTPException) -> Response:
    response = answer(_translated(error))
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After", "Content-Range"):
            response.headers[name] = value
    return response


def _translated(error: HTTPException) -> HealthdeckError:
    status = error.code or 500
    messages = {
        400: "The request could not be understood.",
        404: "There is nothing at this address.",
        405: f"{request.method} is not possible here.",
        413: "The request is larger than 1 MiB.",
    }
    ours = HealthdeckError(messages.get(status) or error.description or error.name)
    ours.status = status
    ours.code = CODES.get(status) or error.name.upper().replace(" ", "_").replace("'", "")
    return ours


def _answer_database(error: Exception) -> Response:
    log.error("database_unavailable", path=request.path, exc_info=error)
    return answer(Unavailable("The database does not answer. Try again in a moment."))


def _answer_bug(error: Exception) -> Response:
    log.error("unexpected_error", method=request.method, path=request.path, exc_info=error)
    return answer(_Bug())


class _Bug(HealthdeckError):
    def __init__(self) -> None:
        super().__init__("Something went wrong here; the log names it under this request's id.")


def _begin(_server: Flask, **_: object) -> None:
    clear_contextvars()
    bind_contextvars(request_id=request_id())


def _echo_id(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id()
    return response


def _end(_error: BaseException | None) -> None:
    clear_contextvars()
