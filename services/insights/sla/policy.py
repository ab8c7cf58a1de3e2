"""What counts as what: a tenant's accounting policy, in fields and in words. Pure.

Nobody agrees how uptime is to be counted, so whoever reads a figure is told how it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property

from services.alerts.preview.looks import BLIND
from services.history import alive
from services.inventory.schema import SlaPolicy
from services.observation import Status


class Counted(StrEnum):
    UP = "up"
    DOWN = "down"
    EXCLUDED = "excluded"


_WORDS = {"up": "uptime", "down": "downtime", "excluded": "not counted"}
_DEGRADED = {"up": "counts as uptime", "down": "counts as downtime"}
_UNKNOWN = {
    "excluded": "counts neither way",
    "up": "counts as uptime",
    "down": "counts as downtime",
}


@cache
def _policy(fields: tuple[tuple[str, str], ...]) -> Policy:
    """Of thousands of tenants nearly all have one of a few."""
    return Policy(SlaPolicy.model_validate(dict(fields)))


def is_blind(reason: str) -> bool:
    """Whether a status is unknown because the monitor itself did not run or could not see."""
    return reason == alive.REASON or reason.startswith(BLIND)


@dataclass(frozen=True)
class Policy:
    """How time is counted; ``spec`` is what the inventory says."""

    spec: SlaPolicy

    @classmethod
    def stored(cls, fields: Mapping[str, str]) -> Policy:
        """The policy of terms as they were remembered."""
        return _policy(tuple(fields.items()))

    @property
    def takes_out_maintenance(self) -> bool:
        return self.spec.maintenance == "excluded"

    @cached_property
    def _of(self) -> Mapping[tuple[str, bool], Counted]:
        spec = self.spec
        return {
            (Status.HEALTHY, False): Counted.UP,
            (Status.DEGRADED, False): Counted(spec.degraded),
            (Status.UNHEALTHY, False): Counted.DOWN,
            (Status.UNKNOWN, False): Counted(spec.unknown),
            (Status.UNKNOWN, True): Counted(spec.blindness),
        }

    def counts(self, status: str, *, blind: bool) -> Counted:
        """What time of a status counts as."""
        return self._of[status, blind]

    def fields(self) -> dict[str, str]:
        """The policy as it goes over the wire, ``text`` for people."""
        spec = self.spec
        taken_out = self.takes_out_maintenance
        return {
            "unhealthy": "downtime",
            "degraded": _WORDS[spec.degraded],
            "unknown": _WORDS[spec.unknown],
            "blindness": _WORDS[spec.blindness],
            "maintenance": "not counted" if taken_out else "counted like any other time",
            "applications": "each counts the same",
            "text": self.text(),
        }

    def text(self) -> str:
        spec = self.spec
        good = "neither unhealthy nor degraded" if spec.degraded == "down" else "not unhealthy"
        maintenance = (
            "Time in maintenance windows is taken out, once however many windows overlap, as they "
            "were planned at that moment: what was entered afterwards takes nothing out, and a "
            "window that was deleted later still does."
            if self.takes_out_maintenance
            else "Maintenance is not taken out."
        )
        return (
            f"Uptime is the percent of the counted time in which the tenant's applications were "
            f"{good}; each of them counts the same, so while one of three is down, a third of each "
            "minute is downtime. A tenant without applications is judged by the servers that "
            "carried it at that time and what ran on them. "
            f"Degraded time {_DEGRADED[spec.degraded]}. "
            f"Time of status unknown, in which nobody could look, {_UNKNOWN[spec.unknown]}; time "
            "in which the monitor itself did not run or could not see "
            f"{_UNKNOWN[spec.blindness]}. Time in which something was paused, or not yet "
            f"watched, counts neither way. {maintenance} The error budget is the share of the "
            "counted time, with what of the range is still to come, that the target allows to be "
            "down. Times come from the moments at which a status changed; days and months are "
            "those of UTC."
        )
