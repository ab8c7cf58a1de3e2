"""The health source: a server's own health endpoint, which also tells of the machine."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from services.collect.checks.body import judge_body
from services.collect.sources.fetch import Answer, Fetcher, Unfetchable
from services.host import GIB
from services.observation import CheckResult, Observation

if TYPE_CHECKING:
    from services.collect.checks import ProbeContext
    from services.inventory.schema import HealthSource

MOST_BYTES = 1024 * 1024

#: As the system's own tools count, MB means 1024 x 1024 bytes.
_UNITS: Mapping[str, int] = {
    name: 1024**power
    for power, names in enumerate(("b bytes", "kb kib", "mb mib", "gb gib", "tb tib"))
    for name in names.split()
}

Facts = dict[str, str | int | float]


class _Unusable(Exception):
    """What the body says cannot be used; the text says why."""


class HealthReader:
    """Asks one endpoint over a connection that it keeps. ``wall``: seconds since the epoch."""

    def __init__(
        self, vps_id: str, source: HealthSource, wall: Callable[[], float] = time.time
    ) -> None:
        self._vps_id = vps_id
        accept = "application/health+json, application/json, */*;q=0.5"
        self._fetcher = Fetcher(source.url, accept, MOST_BYTES)
        self._wall = wall

    async def read(self, timeout: float, context: ProbeContext) -> Observation:
        """One look within ``timeout`` seconds. What the endpoint says is the observation's check;
        that nothing came is its ``error``."""
        try:
            answer = await self._fetcher.get(timeout, context)
        except Unfetchable as failure:
            return Observation(self._vps_id, self._wall(), error=str(failure))
        metrics, facts = machine(answer.body)
        check = _judged(answer)
        return Observation(self._vps_id, self._wall(), metrics, check, facts)

    def close(self) -> None:
        """Hangs up."""
        self._fetcher.close()


def _judged(answer: Answer) -> CheckResult:
    kind = answer.content_type
    verdict = judge_body(answer.code, kind, answer.body, answer.truncated, expects_body=True)
    # Its parts are in the message alone: as targets they would pass for services of the server.
    return CheckResult(
        verdict.status,
        verdict.message,
        answer.ms,
        verdict.uptime_s,
        evidence={"httpStatus": answer.code, **({"contentType": kind[:100]} if kind else {})},
    )


def machine(body: bytes) -> tuple[dict[str, float], Facts]:
    """Metrics and facts of a body's ``system`` part. What cannot be used is left out, and the
    fact ``unreadable`` says why; a body without that part gives nothing."""
    try:
        report = json.loads(body)
    except (ValueError, RecursionError):  # what that means is the check's to say
        return {}, {}
    system = report.get("system") if isinstance(report, dict) else None
    if not isinstance(system, dict):
        return {}, {}
    metrics: dict[str, float] = {}
    facts: Facts = {}
    troubles: list[str] = []
    for part, read in (("cpu", _cpu), ("memory", _space), ("disk", _space)):
        if part not in system:
            continue
        try:
            if not isinstance(system[part], dict):
                raise _Unusable(f"system.{part} is not an object")
            read(part, system[part], metrics, facts)
        except _Unusable as trouble:
            troubles.append(str(trouble))
    if troubles:
        facts["unreadable"] = "; ".join(troubles)
    return metrics, facts


def _cpu(part: str, said: Mapping[str, Any], metrics: dict[str, float], facts: Facts) -> None:
    if "cores" in said:
        facts["cores"] = int(_number("system.cpu.cores", said["cores"], 100_000))
    load = said.get("loadAverage")
    if isinstance(load, list) and load:
        load = load[0]
    if load is not None:
        metrics["system.load.1m"] = _number("system.cpu.loadAverage", load)
    if "usage" in said:
        metrics["system.cpu.usage"] = _number("system.cpu.usage", said["usage"], 100)


def _space(part: str, said: Mapping[str, Any], metrics: dict[str, float], facts: Facts) -> None:
    unit = said.get("unit", "B")
    size = _UNITS.get(unit.lower()) if isinstance(unit, str) else None
    if size is None:
        raise _Unusable(f"system.{part}.unit is none of B, KB, MB, GB, TB")
    total = _number(f"system.{part}.total", said.get("total"))
    used = _number(f"system.{part}.used", said.get("used"))
    if used > total or total == 0:
        raise _Unusable(f"system.{part}.used is more than the total, or that is 0")
    metrics[f"system.{part}.used"] = used * size / GIB
    metrics[f"system.{part}.total"] = total * size / GIB
    metrics[f"system.{part}.usedPercent"] = 100 * used / total


def _number(name: str, value: Any, most: float = 1e18) -> float:
    # The comparison is safe for integers of any size, which float() is not.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unusable(f"{name} is not a number")
    if not 0 <= value <= most or not math.isfinite(value):
        raise _Unusable(f"{name} is not a number from 0 to {most:g}")
    return float(value)
