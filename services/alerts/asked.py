"""What a page asks to be done with alerts, checked and done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as Mistake

from services.alerts import manage
from services.alerts.manage import AlertDesk, Outcome
from services.errors import ValidationError
from services.identity import Scope
from services.identity.audit import Actor


class Decision(BaseModel):
    """What the browser says is to be done. ``until`` in seconds since the epoch."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    act: Literal["acknowledge", "snooze", "resolve", "delete"]
    ids: Annotated[
        list[Annotated[str, StringConstraints(max_length=100)]],
        Field(min_length=1, max_length=manage.MOST),
    ]
    note: Annotated[str, StringConstraints(max_length=2000)] = ""
    until: float | None = None
    false: bool = False
    stamp: float = 0


def decision(given: Any) -> Decision:
    """What a browser sent. Raises ValidationError that names what is wrong in it."""
    try:
        return Decision.model_validate(given)
    except Mistake as mistake:
        first = mistake.errors()[0]
        field = first["loc"][0] if first["loc"] else "what was asked"
        raise ValidationError(f"{field}: {first['msg']}") from None


def carry_out(desk: AlertDesk, one: Decision, actor: Actor, scope: Scope) -> list[Outcome]:
    """What became of each alert; raises what the desk raises for all of them."""
    if one.act == "acknowledge":
        return desk.acknowledge_many(one.ids, actor, one.note, scope)
    if one.act == "resolve":
        return desk.resolve_many(one.ids, actor, one.note, one.false or None, scope)
    if one.act == "delete":
        desk.delete(one.ids[0], actor, scope)
        return [Outcome(one.ids[0], None)]
    if one.until is None:
        raise ValidationError("Say until when it is to be silent.")
    return desk.snooze_many(one.ids, one.until, actor, one.note, scope)
