"""What the metrics page was asked for: by its address, or by its controls. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from services.errors import ValidationError

UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
#: Moments outside of 1970 and the last day that a date can have are taken as these.
FIRST, LAST = 0.0, 253_402_214_400.0
#: What can be marked in the charts, with what it is called.
MARKS: Mapping[str, str] = {
    "deployment": "Deployments",
    "incident": "Incidents",
    "maintenance": "Maintenance",
    "note": "Notes",
    "alert": "Alerts",
}
#: Alerts are many: they are marked when somebody asks for them.
USUAL_MARKS = ("deployment", "incident", "maintenance", "note")
#: Seconds by which a compared course lies back.
COMPARED: Mapping[str, int] = {"1d": 86400, "7d": 604800}
LAYOUTS = ("overlay", "small")
MOST_METRICS, MOST_TARGETS = 12, 1000

_RELATIVE = re.compile(r"now(?:-([1-9][0-9]{0,6})([mhdw]))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Selection:
    """``metrics`` by short or full names; ``vps`` and ``tenants`` by ids (none: the page's own
    choice). ``start`` and ``end`` as written (``now-6h``, an ISO 8601 time); ``zoom`` is the part
    of it that is looked at, in seconds since the epoch. ``compare``: a key of COMPARED."""

    metrics: tuple[str, ...] = ("cpu",)
    vps: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    start: str = "now-6h"
    end: str = "now"
    zoom: tuple[float, float] | None = None
    layout: str = "overlay"
    compare: str = ""
    marks: tuple[str, ...] = USUAL_MARKS
    band: bool = True
    paused: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Selection:
        """From what a browser sent: lists, or texts with commas. What it left out is as usual.
        Raises ValidationError for what cannot be meant."""
        usual = cls()
        layout, compare = _text(given, "layout", usual.layout), _text(given, "compare", "")
        if layout not in LAYOUTS:
            raise ValidationError("layout must be overlay or small.")
        if compare and compare not in COMPARED:
            raise ValidationError("compare must be 1d or 7d.")
        marks = usual.marks if given.get("marks") is None else _list(given, "marks", 20)
        if unknown := [name for name in marks if name not in MARKS]:
            raise ValidationError(f"There are no marks of the kind {unknown[0]}.")
        return cls(
            metrics=_list(given, "metric", MOST_METRICS) or usual.metrics,
            vps=_list(given, "vps", MOST_TARGETS),
            tenants=_list(given, "tenant", MOST_TARGETS),
            start=_text(given, "from", usual.start),
            end=_text(given, "to", usual.end),
            layout=layout,
            compare=compare,
            marks=marks,
            band=given.get("band") not in (False, "0", "off"),
            paused=given.get("paused") in (True, "1", "on"),
        )

    def to_json(self) -> dict[str, Any]:
        """What the browser keeps, for ``of``."""
        return {
            "metric": list(self.metrics),
            "vps": list(self.vps),
            "tenant": list(self.tenants),
            "from": self.start,
            "to": self.end,
            "layout": self.layout,
            "compare": self.compare,
            "marks": list(self.marks),
            "band": self.band,
            "paused": self.paused,
            "zoom": None,
        }

    def zoomed(self, zoom: tuple[float, float] | None) -> Selection:
        return replace(self, zoom=zoom)

    @property
    def rolling(self) -> bool:
        """Whether it ends now, whenever that is."""
        return self.zoom is None and self.end == "now" and self.start.startswith("now")

    def range(self, now: float) -> tuple[float, float]:
        """Seconds since the epoch. Raises ValidationError."""
        if self.zoom is not None:
            return self.zoom
        start, end = moment(self.start, "from", now), moment(self.end, "to", now)
        if not start < end:
            raise ValidationError("The range must begin before it ends.")
        return start, end


def moment(text: str, name: str, now: float) -> float:
    """Seconds since the epoch of ``now``, ``now-6h`` or an ISO 8601 time (UTC unless it says
    otherwise). Raises ValidationError that names ``name``."""
    if relative := _RELATIVE.fullmatch(text):
        count, unit = relative.groups()
        at = now - int(count) * UNITS[unit] if count else now
    else:
        try:
            parsed = datetime.fromisoformat(text)
            at = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            raise ValidationError(
                f"{name} must be a time such as 2025-11-20T10:30:00Z or now-6h."
            ) from None
    return min(max(at, FIRST), LAST)


def _text(given: Mapping[str, Any], name: str, usual: str) -> str:
    value = given.get(name)
    return value.strip() if isinstance(value, str) and value.strip() else usual


def _list(given: Mapping[str, Any], name: str, most: int) -> tuple[str, ...]:
    value = given.get(name)
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        return ()
    words = (part.strip() for part in parts if isinstance(part, str))
    found = tuple(dict.fromkeys(word for word in words if word))
    if len(found) > most:
        raise ValidationError(f"{name} has {len(found)} values; {most} are the most.")
    return found
