"""Ids in addresses."""

from __future__ import annotations

import re

from services.errors import ValidationError

ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")


def checked(text: str) -> str:
    """The id itself. Raises ValidationError for one that nothing can have."""
    if not ID.fullmatch(text):
        raise ValidationError(
            "An id has small letters, digits, dots, dashes and underscores, begins with a letter "
            "or digit, and has at most 100 characters."
        )
    return text
