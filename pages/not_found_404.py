"""Whatever address no page has. Dash knows this file by its name."""

from __future__ import annotations

import dash
from dash.development.base_component import Component

from components import states

dash.register_page(__name__, title="No such page · Healthdeck")


def layout(**_query: str) -> Component:
    return states.not_found()
