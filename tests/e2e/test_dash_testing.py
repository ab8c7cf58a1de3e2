"""The overview through dash.testing's own browser, which sees what Dash's renderer complains of."""

from __future__ import annotations

from typing import Any

from tests.conftest import Installs

NAME, PASSWORD = "ada", "a password that is long enough"


def test_dash_testing_finds_the_page_and_no_errors(healthdeck: Installs, dash_br: Any) -> None:
    installation = healthdeck(COLLECT_INTERVAL="3600").start()
    installation.create_user(NAME, PASSWORD)
    dash_br.driver.get(f"{installation.url}/login")
    dash_br.wait_for_element("input[name=name]").send_keys(NAME)
    dash_br.find_element("input[name=password]").send_keys(PASSWORD)
    dash_br.find_element("button[type=submit]").click()
    dash_br.server_url = f"{installation.url}/health"
    dash_br.wait_for_text_to_equal("h1", "System Health", timeout=15)
    dash_br.wait_for_element("[data-testid=vps-card]", timeout=15)
    dash_br.wait_for_no_elements("._dash-loading", timeout=15)
    assert dash_br.get_logs() == []
