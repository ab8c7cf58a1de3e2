"""What an embedded page's session may ask for: its pages and what they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import request

from services.errors import InsufficientPermissions
from services.identity import Principal
from services.web import body

CALLBACK = "/_dash-update-component"
#: What pages are made of; what they show is limited by the caller's scope.
PARTS = ("/_dash-", "/_reload-hash", "/_favicon.ico", "/assets/", "/vendor/")


def check(principal: Principal) -> None:
    """Raises InsufficientPermissions when the request is for another page than the caller's, or
    for the API by one that is limited to pages."""
    if principal.pages is None:
        return
    path = request.path
    if not path.startswith(PARTS) and not _is_one(path, principal):
        raise InsufficientPermissions("This session may open other pages than this one.")
    if path == CALLBACK and request.method == "POST":
        # Dash draws the page that the body names
        for pathname in _addresses(body.read_object()):
            if not _is_one(pathname.removeprefix(request.script_root), principal):
                raise InsufficientPermissions("This session may open other pages than this one.")


def _is_one(path: str, principal: Principal) -> bool:
    return principal.pages is not None and (path.rstrip("/") or "/") in principal.pages


def _addresses(sent: dict[str, Any]) -> Iterator[str]:
    """The paths that a callback's body speaks of, whatever else is wrong with it."""
    for part in ("inputs", "state"):
        entries = sent.get(part)
        for entry in entries if isinstance(entries, list) else ():
            for one in entry if isinstance(entry, list) else (entry,):
                if isinstance(one, dict) and str(one.get("property")).startswith("pathname"):
                    value = one.get("value")
                    if isinstance(value, str):
                        yield value
