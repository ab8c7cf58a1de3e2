"""``/health/tenants/<tenant_id>``: how a tenant is, what was promised to it, what it rests on."""

from __future__ import annotations

import json
import time
from typing import Any

import dash
from dash import ALL, Input, State, callback, ctx
from dash.development.base_component import Component

from components import tenant_page
from components.tenant_page import ID, LIVE
from services import container
from services.cache import Kept
from services.insights.sla.months import Month
from services.views.tenant_page import Promise, Shown, check
from services.views.tenant_page import tenant_page as read

MONTH_OF = "%Y-%m"
THIRTY_DAYS = 30 * 86400.0
#: Reports that are listed: two years of them.
MOST_REPORTS = 24
#: Seconds for which figures, and what only changes with the days, are given again.
FRESH, STEADY = 5, 60


def _title(tenant_id: str = "", **_path: str) -> str:
    return f"{tenant_id} · Healthdeck" if tenant_id else "Tenant · Healthdeck"


dash.register_page(
    __name__, path_template="/health/tenants/<tenant_id>", name="Tenant", title=_title
)


def layout(tenant_id: str = "", **_query: str) -> Component:
    return tenant_page.page(_shown(tenant_id), time.time())


@callback(*LIVE.outputs, *LIVE.inputs, State(ID, "data"), prevent_initial_call=True)
def refresh(_event: Any, _acted: Any, before: Any, tenant_id: Any) -> list[Any]:
    """Reads the view again and draws the sections that differ from what is on the screen."""
    view = _shown(str(tenant_id))
    return LIVE.redraw(view, time.time() - view.page.updated_at, before)


@callback(
    LIVE.acted,
    Input({"type": "tenant-acknowledge", "alert": ALL}, "n_clicks"),
    prevent_initial_call=True,
)
def acknowledge(clicks: list[int | None]) -> Any:
    """Takes the alert whose button was pressed."""
    if not any(clicks) or ctx.triggered_id is None:
        return dash.no_update
    desk, actor = container.current().alerts, container.acting()
    desk.acknowledge(ctx.triggered_id["alert"], actor, "", container.scope())
    return time.time()


def _shown(tenant_id: str) -> Shown:
    services, caller, now = container.current(), container.caller(), time.time()
    check(services.read, tenant_id, caller.scope)
    page = read(
        services.database,
        services.read,
        services.board.snapshot(),
        services.board.trouble,
        tenant_id,
        caller.scope,
        now,
        services.settings.collect_interval,
    )
    return Shown(page, _promise(tenant_id, now), caller.is_a("whole"), caller.is_a("chief"))


def _promise(tenant_id: str, now: float) -> Promise:
    """What was promised and kept. It is the same for everybody who may see the tenant."""
    services = container.current()
    sla, cache = services.sla, services.cache

    def figures() -> Kept:
        month = Month.named(time.strftime(MONTH_OF, time.gmtime(now)))
        account = sla.accounts([tenant_id], month.start, month.end)[0]
        thirty = sla.tenant(tenant_id, now - THIRTY_DAYS, now)
        return Kept.of({"month": {**account, "month": month.name}, "thirty": thirty, "at": now})

    def past() -> Kept:
        reports, _ = sla.reports.page([tenant_id], None, MOST_REPORTS)
        return Kept.of({"days": sla.days(tenant_id), "reports": reports})

    fresh = json.loads(cache.once(f"healthdeck:page:sla:{tenant_id}", FRESH, figures).data)
    steady = json.loads(cache.once(f"healthdeck:page:days:{tenant_id}", STEADY, past).data)
    return Promise(fresh["month"], fresh["thirty"], steady["days"], steady["reports"], fresh["at"])
