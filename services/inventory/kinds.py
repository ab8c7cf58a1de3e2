"""How one of several kinds of thing is written: ``{type: kind, field: ...}``, ``{kind: {field:
...}}`` or, for those that have it, on one line: ``{kind: text}``."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

#: The fields that a text stands for. Raises ValueError.
Form = Callable[[str], dict[str, Any]]


def reader(
    what: str, forms: Mapping[str, Form | None], example: str, owner: str
) -> Callable[[Any], Any]:
    """A function that brings each way of writing to ``{type: kind, field: ...}``.

    ``forms``: the kinds that there are, with their one-line form when they have one.
    """

    def read(value: Any) -> Any:
        if value is None or isinstance(value, BaseModel):
            return value
        if not isinstance(value, dict) or not value:
            raise ValueError(f"a {what} is written as {example}")
        if "type" in value:
            _known(what, forms, value["type"])
            return value
        if len(value) > 1:
            fields = ", ".join(map(str, value))
            raise ValueError(f"{owner} has one {what}, and these are {len(value)}: {fields}")
        ((kind, detail),) = value.items()
        _known(what, forms, kind)
        return {**_fields(what, kind, forms[kind], detail), "type": kind}

    return read


def _fields(what: str, kind: str, form: Form | None, detail: Any) -> dict[str, Any]:
    if isinstance(detail, dict):
        return detail
    if form is None:
        raise ValueError(f"the {kind} {what} needs its fields: {{{kind}: {{field: value}}}}")
    if not isinstance(detail, str):
        raise ValueError(f"the {kind} {what} needs an address as text")
    return form(detail)


def _known(what: str, forms: Mapping[str, Form | None], kind: Any) -> None:
    if isinstance(kind, str) and kind in forms:
        return
    near = difflib.get_close_matches(str(kind), forms, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(forms)}"
    raise ValueError(f"there is no {what} '{kind}'; {hint}")
