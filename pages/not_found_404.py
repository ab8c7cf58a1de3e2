"""Whatever address no page has. Dash knows this file by its name."""

from __future__ import annotations

import dash

from components import states

dash.register_page(__name__, title="No such page · Healthdeck")

layout = states.not_found()
