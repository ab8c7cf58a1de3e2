"""The domain's exceptions. Each says what was wrong and what would be right;
the web layer maps them to the one JSON error shape, the command line to exit code 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class HealthdeckError(Exception):
    """Base of everything that is told to a caller."""

    code = "INTERNAL_ERROR"
    status = 500

    def __init__(self, message: str, details: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = list(details)


class ValidationError(HealthdeckError):
    code, status = "VALIDATION_ERROR", 400


class AuthenticationRequired(HealthdeckError):
    code, status = "AUTHENTICATION_REQUIRED", 401


class InvalidToken(HealthdeckError):
    code, status = "INVALID_TOKEN", 401


class InsufficientPermissions(HealthdeckError):
    code, status = "INSUFFICIENT_PERMISSIONS", 403


class NotFound(HealthdeckError):
    code, status = "NOT_FOUND", 404


class Conflict(HealthdeckError):
    code, status = "CONFLICT", 409


class PayloadTooLarge(HealthdeckError):
    code, status = "PAYLOAD_TOO_LARGE", 413


class Unavailable(HealthdeckError):
    code, status = "UNAVAILABLE", 503


class ConfigurationError(HealthdeckError):
    """A setting or the inventory is wrong; ``details`` holds one line for each mistake."""

    def __str__(self) -> str:
        return "\n".join([self.message, *(f"  {line}" for line in self.details)])
