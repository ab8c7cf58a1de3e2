"""What a form of a page says, held against the model that REST reads the same thing with."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel
from pydantic import ValidationError as Invalid

from services.errors import ValidationError

#: Parts of a place that name the kind of a schedule and not a field.
_KINDS = frozenset({"once", "daily", "weekly", "cron"})
_MOST = 10

Model = TypeVar("Model", bound=BaseModel)


def checked(model: type[Model], spec: object) -> Model:
    """The form as a model. Raises ValidationError with a detail for each field that is wrong;
    never with what was written there."""
    try:
        return model.model_validate(spec)
    except Invalid as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
    details = [
        {
            "field": ".".join(str(part) for part in one["loc"] if part not in _KINDS),
            "problem": one["msg"].removeprefix("Value error, "),
        }
        for one in found[:_MOST]
    ]
    first = details[0]["problem"].removesuffix(".")
    raise ValidationError(f"This is not as it should be: {first}.", details)
