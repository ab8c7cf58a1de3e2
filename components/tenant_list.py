"""The list of tenants: how each is and what is left of its promise; adding and taking off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.links import inside, linked
from components.live import Live, Section, stale_after
from components.marks import DASH, availability, count, mark
from components.sla_words import budget_words, hidden, meter, minutes, target
from components.states import empty
from services.observation import Status
from services.views.tenant_rows import SORTS, TenantList, TenantRow

#: Ids of what the page's callbacks read.
SEARCH, STATE, SORT, MOST = "tenants-search", "tenants-state", "tenants-sort", "tenants-most"
STATES = (("", "All"), *((str(one), str(one).capitalize()) for one in reversed(Status)))
SHOWN_SERVERS = 2
COLUMNS = ("Tenant", "State", "Applications", "Uptime, 30 days", "Error budget left", "Servers")


def page(view: TenantList, dialogs: Sequence[Component], now: float) -> Component:
    """The page of a view. ``dialogs`` are what its buttons open; ``now``: seconds since the epoch,
    to tell the browser the view's age."""
    held = LIVE.held(view)
    body = [
        html.Div([held["summary"], _add() if view.may_change else None], className="tenants-top"),
        _filters(view),
        held["rows"],
        dcc.Store(id=MOST, data=view.chosen.most),
        *dialogs,
    ]
    age, stale = now - view.updated_at, stale_after(view.interval)
    return LIVE.frame("Tenant Health", body, view, age, stale)


def _add() -> Component:
    icon = html.I(className="icon icon-plus", **{"aria-hidden": "true"})
    return dbc.Button([icon, "Add a tenant"], id="tenant-add-open", color="primary")


def _filters(view: TenantList) -> Component:
    chosen = view.chosen
    search = dbc.Input(
        id=SEARCH,
        type="search",
        value=chosen.text,
        placeholder="Search tenants, applications, servers",
        debounce=250,
        maxlength=200,
    )
    states = dbc.RadioItems(
        id=STATE,
        options=[{"label": label, "value": value} for value, label in STATES],
        value=chosen.state,
        class_name="seg",
        input_class_name="btn-check",
        label_class_name="seg-item",
        label_checked_class_name="is-on",
    )
    options = [{"label": label, "value": value} for value, label in SORTS.items()]
    sort = dbc.Select(id=SORT, options=options, value=chosen.sort)
    return html.Div(
        [
            html.Label(
                [hidden("Search tenants"), search],
                className="tenants-search",
                **{"data-search": ""},
            ),
            html.Div(states, role="group", className="tenants-states", **{"aria-label": "State"}),
            html.Label([html.Span("Sort by"), sort], className="tenants-sort", htmlFor=SORT),
        ],
        className="tenants-filters",
        role="search",
    )


def summary(view: TenantList) -> Component:
    """All of them in one sentence."""
    counts = dict(view.counts)
    if not view.total:
        return html.P("No tenant is watched yet.", className="tenants-say")
    ill = [f"{n} {status}" for status, n in view.counts if n and status is not Status.HEALTHY]
    said = f"{counts[Status.HEALTHY]} of {count(view.total, 'tenant')} healthy"
    return html.P(said + (f"; {', '.join(ill)}." if ill else "."), className="tenants-say")


def rows(view: TenantList) -> Component:
    """The table; what to do where there is nothing in it."""
    if not view.total:
        then = (
            "Add one with the button above, or in the inventory file under tenants."
            if view.may_change
            else "Tenants come from the inventory file, or are added by a super_admin."
        )
        return html.Div(empty("No tenant is watched yet.", then), className="card")
    if not view.rows:
        return html.Div(
            empty("No tenant matches.", "Search for something else, or choose All states."),
            className="card",
        )
    head = [html.Th(name, scope="col") for name in COLUMNS]
    if view.may_change:
        head.append(html.Th(hidden("Change"), scope="col"))
    table = html.Table(
        [
            html.Thead(html.Tr(head)),
            html.Tbody([_row(row, view.may_change) for row in view.rows]),
        ],
        className="tenants-table",
        **{"aria-label": "Tenants"},
    )
    return html.Div([html.Div(table, className="card"), _rest(view)])


def _rest(view: TenantList) -> Component | None:
    left = view.found - len(view.rows)
    if not left:
        return None
    chosen = view.chosen
    more = min(view.found, 4 * chosen.most)
    where = f"?q={chosen.text}&state={chosen.state}&sort={chosen.sort}&most={more}"
    return html.P(
        [
            f"{len(view.rows)} of {view.found} are shown. ",
            dcc.Link(f"Show {more}", href=inside(f"/health/tenants{where}")),
        ],
        className="tenants-rest",
    )


def _row(row: TenantRow, may_change: bool) -> Component:
    name = dcc.Link(row.name, href=inside(f"/health/tenants/{row.id}"), className="tenant-name")
    reason = html.Small(row.reason, className="why", title=row.reason) if row.reason else None
    healthy = f"{row.healthy} of {row.applications}" if row.applications else "by its servers"
    cells: list[Component] = [
        html.Th([name, html.Small(row.id)], scope="row", className="of-name"),
        html.Td([mark(row.status), reason], className="of-state"),
        _cell("applications", "Applications", healthy),
        _cell("uptime", "Uptime, 30 days", _uptime(row)),
        _cell("budget", "Error budget left", _budget(row)),
        _cell("servers", "Servers", _servers(row)),
    ]
    if may_change:
        cells.append(html.Td(_remove(row), className="of-change"))
    return html.Tr(cells, **{"data-tenant": row.id, "data-status": str(row.status)})


def _cell(name: str, title: str, body: Any) -> Component:
    """With its title for a phone, where the table has no head."""
    title_ = html.Span(title, className="cell-title", **{"aria-hidden": "true"})
    return html.Td([title_, html.Div(body)], className=f"of-{name}")


def _uptime(row: TenantRow) -> list[Component]:
    missed = row.uptime is not None and row.uptime < row.target
    look = "is-missed" if missed else "is-none" if row.uptime is None else None
    words = hidden(" missed") if missed else None
    return [
        html.Span([availability(row.uptime), words], className=look),
        html.Small(f" of {target(row.target)}"),
    ]


def _budget(row: TenantRow) -> list[Component]:
    if row.left is None or row.total is None:
        return [html.Small("not counted yet")]
    share = max(0.0, min(1.0, row.left / row.total)) if row.total > 0 else 0.0
    over = row.left < 0 or row.total <= 0
    tone = "unhealthy" if over else "degraded" if share < 0.25 else "healthy"
    if row.total <= 0:
        said = "none allowed"
    else:
        said = minutes(row.left) if row.left >= 0 else f"over by {minutes(-row.left)}"
    whole = budget_words(row.total, row.left)
    return [meter(share, tone), html.Span([said, hidden(f" ({whole})")], title=whole)]


def _servers(row: TenantRow) -> list[Component | str]:
    if not row.servers:
        return [html.Small(DASH)]
    found: list[Component | str] = []
    for id_, label in row.servers[:SHOWN_SERVERS]:
        found += [", ", linked(label, id_)] if found else [linked(label, id_)]
    more = row.servers[SHOWN_SERVERS:]
    if more:
        found.append(html.Small(f" and {len(more)} more", title=", ".join(n for _, n in more)))
    return found


def _remove(row: TenantRow) -> Component | None:
    if not row.added:
        return None
    return html.Button(
        html.I(className="icon icon-trash", **{"aria-hidden": "true"}),
        id={"type": "tenant-remove", "tenant": row.id},
        type="button",
        className="chip icon-button",
        title="Take off the list",
        **{"aria-label": f"Take {row.name} off the list"},
    )


def _shows(view: TenantList) -> object:
    return view.rows, view.found, view.total, view.may_change, view.chosen


#: The parts by name, each in ``tenants-<name>``.
LIVE: Live[TenantList] = Live(
    "tenants",
    {
        "summary": Section(lambda v: (v.total, v.counts), summary),
        "rows": Section(_shows, rows),
    },
)
