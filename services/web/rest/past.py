"""What the operations about the past share: their filters, and what they read from."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable

from pydantic import Field

from services.container import current
from services.errors import ValidationError
from services.history.stored import Retention
from services.views.chosen import Asked
from services.views.history import Past
from services.web.rest.ids import ID
from services.web.rest.ranges import RangeQuery

#: Values of one filter.
MOST = 1000
_SERVICE = re.compile(rf"{ID.pattern}(/{ID.pattern})?")


class PastQuery(RangeQuery):
    """The filters may repeat, or hold lists with commas."""

    vps_id: tuple[str, ...] = Field((), description="only these servers")
    tenant_id: tuple[str, ...] = Field(
        (),
        description="only the applications of these tenants, or the servers that carry them",
    )
    service: tuple[str, ...] = Field((), description="only services of this name or type")

    def asked(self) -> Asked:
        """The filters, checked."""
        return Asked(
            listed("vpsId", self.vps_id),
            listed("tenantId", self.tenant_id),
            listed("service", self.service, _SERVICE),
        )


def listed(name: str, given: Iterable[str], pattern: re.Pattern[str] = ID) -> tuple[str, ...]:
    """The values of a parameter that may repeat, each of which may be a list with commas. Raises
    ValidationError for one that nothing can be called."""
    values = tuple(dict.fromkeys(part.strip() for text in given for part in text.split(",")))
    if len(values) > MOST:
        raise ValidationError(f"{name} has {len(values)} values; {MOST} are the most.")
    for value in values:
        if not pattern.fullmatch(value):
            raise ValidationError(
                f"{name} must be an id: small letters, digits, dots, dashes and underscores. "
                "Several stand with commas between them."
            )
    return values


def past() -> Past:
    """What the past is read from."""
    services = current()
    read = services.read
    return Past(
        services.database,
        services.cache,
        services.board,
        read.fleet(),
        read.impact,
        Retention.of(services.settings),
        lambda hit: read.kept.count("history", hit=hit),
    )


def now() -> float:
    """The time of a request, in seconds since the epoch."""
    return time.time()
