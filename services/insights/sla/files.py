"""A report as a file: CSV, and the page that is handed over."""

from __future__ import annotations

import csv
import io
from typing import Any

from services.insights.sla.policy import Policy
from services.inventory.schema import SlaPolicy
from services.views.export import safe

Body = dict[str, Any]

DEFAULT_POLICY = Policy(SlaPolicy())
_SUMMARY = (
    "month", "tenantId", "organizationName", "complete", "from", "to", "target", "uptime", "met",
    "downtimeMinutes", "degradedMinutes", "unknownMinutes", "blindMinutes", "maintenanceMinutes",
    "observedMinutes",
)  # fmt: skip
_BUDGET = ("totalMinutes", "usedMinutes", "leftMinutes", "usedPercent")
_DOWN = (
    "target", "label", "status", "from", "to", "minutes", "countedMinutes", "maintenanceMinutes",
    "reason", "eventId",
)  # fmt: skip


def as_csv(report: Body) -> str:
    """RFC 4180: names and values of the report, an empty line, then a line for each downtime. What
    is no number cannot be taken for a formula."""
    rows: list[list[Any]] = [["field", "value"]]
    rows += [[name, report[name]] for name in _SUMMARY]
    rows += [[f"errorBudget.{name}", report["errorBudget"][name]] for name in _BUDGET]
    kept = report["kept"] or {}
    rows += [[f"kept.{name}", kept.get(name)] for name in ("version", "madeAt", "reason")]
    rows += [[f"policy.{name}", text] for name, text in report["policy"].items()]
    rows += [[], list(_DOWN)]
    rows += [[down[name] for name in _DOWN] for down in report["downtimes"]]
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [_cell(value) for value in row] for row in rows
    )
    return out.getvalue()


def as_pdf(report: Body) -> bytes:
    """One page."""
    # fpdf2 and what it reads fonts with take a third of a second to import, and few ask for it.
    from services.insights.sla.page import drawn

    return drawn(report)


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return safe(value) if isinstance(value, str) else value
