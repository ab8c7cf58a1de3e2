"""Long tables: sorted, filtered and moved through in the browser, whatever their length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
from dash import html
from dash.development.base_component import Component

#: The theme's colours are set by assets/tables.css.
_OPTIONS: Mapping[str, Any] = {
    "animateRows": False,
    "suppressCellFocus": False,
    "rowHeight": 40,
    "headerHeight": 36,
    "enableCellTextSelection": True,
    "ensureDomOrder": True,
}


def table(
    id: Any,
    columns: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    label: str,
    height: int | None = None,
    **options: Any,
) -> Component:
    """A table of ``rows`` (what JSON can hold, told apart by ``id``) in ``columns`` as ag-grid
    describes them (``field``, ``headerName``, ...). Without a ``height`` (px) it is as high as its
    rows. ``options`` are ag-grid's own."""
    grid: dict[str, Any] = {**_OPTIONS, **options}
    if height is None:
        grid["domLayout"] = "autoHeight"
    grid_component = dag.AgGrid(
        id=id,
        columnDefs=[dict(column) for column in columns],
        rowData=[dict(row) for row in rows],
        defaultColDef={"sortable": True, "resizable": True, "suppressHeaderMenuButton": True},
        columnSize="responsiveSizeToFit",
        getRowId="params.data.id",
        dashGridOptions=grid,
        className="table-grid",
        style={"height": None if height is None else f"{height}px", "width": "100%"},
    )
    return html.Div(grid_component, role="group", **{"aria-label": label})
