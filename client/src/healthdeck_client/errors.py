"""What goes wrong, as exceptions. None of them holds the token or a request's headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class HealthdeckError(Exception):
    """What the server answered instead of what was asked for: its ``code`` (``NOT_FOUND``), its
    words, the HTTP ``status``, the id by which its log knows the request, and ``details``."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        status: int | None = None,
        request_id: str = "",
        details: Sequence[Any] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        self.details = list(details)
        #: Seconds after which the server wants to be asked again; None when it did not say.
        self.retry_after = retry_after

    def __str__(self) -> str:
        about = [self.code, self.request_id and f"request {self.request_id}"]
        told = ", ".join(part for part in about if part)
        return f"{self.message} ({told})" if told else self.message


class ValidationError(HealthdeckError):
    """400: ``details`` has a line for each field that is wrong."""


class AuthenticationFailed(HealthdeckError):
    """401, whatever the reason. The stream refuses with this one too."""


class AuthenticationRequired(AuthenticationFailed):
    """401: no token was sent."""


class InvalidToken(AuthenticationFailed):
    """401: the token is not one, ran out or was revoked."""


class InsufficientPermissions(HealthdeckError):
    """403: a valid identity that may not do this."""


class NotFound(HealthdeckError):
    """404: nothing of this id that the caller may know of."""


class MethodNotAllowed(HealthdeckError):
    """405: the server is older than this client."""


class Conflict(HealthdeckError):
    """409: it is in the wrong state, or there is one already."""


class PayloadTooLarge(HealthdeckError):
    """413."""


class RateLimited(HealthdeckError):
    """429, after the retries: ``retry_after`` says when it is worth another try."""


class InternalError(HealthdeckError):
    """500: a mistake of the server's, which its log knows by ``request_id``."""


class Unavailable(HealthdeckError):
    """503, after the retries."""


class ConnectionFailed(HealthdeckError):
    """No answer: nobody listens, the connection broke off, or it took too long."""


class UnexpectedAnswer(HealthdeckError):
    """Something else than Healthdeck answered, such as a proxy's page."""


class ErrorKinds:
    """Which exception a code is; a code of tomorrow is known by its status."""

    CODES: ClassVar[Mapping[str, type[HealthdeckError]]] = {
        "VALIDATION_ERROR": ValidationError,
        "AUTHENTICATION_REQUIRED": AuthenticationRequired,
        "INVALID_TOKEN": InvalidToken,
        "INSUFFICIENT_PERMISSIONS": InsufficientPermissions,
        "NOT_FOUND": NotFound,
        "METHOD_NOT_ALLOWED": MethodNotAllowed,
        "CONFLICT": Conflict,
        "PAYLOAD_TOO_LARGE": PayloadTooLarge,
        "RATE_LIMIT_EXCEEDED": RateLimited,
        "INTERNAL_ERROR": InternalError,
        "UNAVAILABLE": Unavailable,
    }
    STATUSES: ClassVar[Mapping[int, type[HealthdeckError]]] = {
        400: ValidationError,
        401: AuthenticationFailed,
        403: InsufficientPermissions,
        404: NotFound,
        405: MethodNotAllowed,
        409: Conflict,
        413: PayloadTooLarge,
        429: RateLimited,
        500: InternalError,
        503: Unavailable,
    }


def told(status: int, body: Any, retry_after: float | None = None) -> HealthdeckError:
    """The exception for an answer that is an error; ``body`` is its JSON, None when it has none."""
    if not isinstance(body, Mapping) or "errorCode" not in body:
        # a proxy's own 429 or 503 asks for the same patience
        kind = {429: RateLimited, 503: Unavailable}.get(status, UnexpectedAnswer)
        hint = " It points elsewhere: is the URL right (https)?" if 300 <= status < 400 else ""
        return kind(
            f"The answer is not Healthdeck's: HTTP status {status}.{hint}",
            status=status,
            retry_after=retry_after,
        )
    code = str(body["errorCode"])
    kind = ErrorKinds.CODES.get(code) or ErrorKinds.STATUSES.get(status, HealthdeckError)
    details = body.get("details")
    return kind(
        str(body.get("error", "")),
        code=code,
        status=status,
        request_id=str(body.get("requestId", "")),
        details=details if isinstance(details, list) else [],
        retry_after=retry_after,
    )
