"""What an http check expects of an answer beyond its status: headers, JSON values, text. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from services.collect.checks.failures import printable
from services.inventory.schema import HttpCheck

_LONGEST = 60


class _Missing(Exception):
    """There is nothing at a path."""


def disappointments(
    check: HttpCheck, headers: Mapping[str, str], body: bytes, truncated: bool
) -> list[str]:
    """In what an answer is not as the check expects, a phrase each; none when all is well.

    ``headers`` by their names in small letters; ``body`` as far as it was read, not to its end
    if ``truncated``.
    """
    found = [*_headers(check, headers)]
    if check.text is not None and check.text not in body.decode("utf-8", "replace"):
        within = "the first MiB of the answer" if truncated else "the answer"
        found.append(f"{within} does not contain {_quoted(check.text)}")
    if check.json_paths:
        found += _values(check.json_paths, body, truncated)
    return found


def _headers(check: HttpCheck, headers: Mapping[str, str]) -> Iterator[str]:
    for name, part in check.header.items():
        value = headers.get(name.lower())
        if value is None:
            yield f"the answer has no header {name}"
        elif part.lower() not in value.lower():
            yield f"the header {name} is {_quoted(value)} and does not contain {_quoted(part)}"


def _values(paths: Mapping[str, Any], body: bytes, truncated: bool) -> Iterator[str]:
    if truncated:
        yield "the answer is longer than 1 MiB, too long for its JSON to be read"
        return
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        yield "the answer is not JSON"
        return
    for path, expected in paths.items():
        try:
            value = _at(document, path)
        except _Missing:
            yield f"the answer has no {path}; expected {_quoted(expected)}"
        else:
            if not _same(value, expected):
                yield f"{path} is {_quoted(value)}; expected {_quoted(expected)}"


def _at(value: Any, path: str) -> Any:
    """The value at a dotted path; a number leads into a list. A key that holds dots itself is
    found when it is the rest of the path."""
    while path:
        if isinstance(value, dict) and path in value:
            return value[path]
        step, _, path = path.partition(".")
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and _index(step, len(value)):
            value = value[int(step)]
        else:
            raise _Missing
    return value


def _index(step: str, length: int) -> bool:
    return step.isascii() and step.isdigit() and len(step) < 10 and int(step) < length


def _same(value: Any, expected: str | float | bool | None) -> bool:
    """Equal as JSON has it: true is no 1, and 1 is 1.0."""
    if isinstance(value, bool) or isinstance(expected, bool):
        return value is expected
    if isinstance(value, dict | list):
        return False
    return bool(value == expected)


def _quoted(value: Any) -> str:
    """A value as JSON writes it, shortened; what contains others by its kind alone."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    text = value if isinstance(value, str) else ""
    return f"'{printable(text, _LONGEST)}'" if text else printable(_json(value), _LONGEST)


def _json(value: Any) -> str:
    try:
        return json.dumps(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a very long number"
