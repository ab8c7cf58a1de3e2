"""Behind a real nginx with the configuration that docs/deploy/nginx.conf gives: https, below a
sub-path, live."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import socketio
from playwright.sync_api import Browser, Page, WebSocket, expect

from tests.support.browser import Watch
from tests.support.nginx import Nginx
from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.wait import eventually
from tests.support.web import LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
PREFIX = "/healthdeck"
OVERVIEW = "/api/admin/health/overview"


@dataclass
class Place:
    """An installation, and the nginx before it. ``url`` ends with the sub-path."""

    installation: Healthdeck
    nginx: Nginx
    service: LocalServer

    @property
    def url(self) -> str:
        return self.nginx.url + PREFIX

    def client(self, address: str = "127.0.0.1", **headers: str) -> httpx.Client:
        """A program at an address of its own, which trusts the certificate of this nginx."""
        trust = ssl.create_default_context(cafile=str(self.nginx.certificate))
        transport = httpx.HTTPTransport(verify=trust, local_address=address)
        return httpx.Client(base_url=self.url, transport=transport, headers=headers, timeout=20)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    service = LocalServer(health())
    receiver = LocalServer(health())
    installation = Healthdeck(
        tmp_path_factory.mktemp("behind"),
        one_service(service, receiver, interval=1),
        {**WEBHOOKS, "URL_PREFIX": PREFIX, "TRUSTED_PROXIES": "1"},
    )
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), installation.port)
    try:
        place = Place(installation.start(), nginx, service)
        make_first_user(place)
        yield place
    finally:
        nginx.stop()
        installation.kill()
        service.close()
        receiver.close()


def make_first_user(place: Place) -> None:
    """Through the set-up link that was printed, at the address that the proxy has."""
    link = place.installation.setup_link()
    assert link.startswith(f"{place.installation.url}{PREFIX}/setup?token=")
    form = {"name": NAME, "password": PASSWORD, "again": PASSWORD}
    with place.client(Origin=place.nginx.url) as client:
        page = client.get(link.replace(place.installation.url, place.nginx.url))
        assert f'action="{PREFIX}/setup"' in page.text
        form["token"] = link.partition("token=")[2]
        done = client.post("/setup", data=form)
    assert (done.status_code, done.headers["Location"]) == (303, f"{PREFIX}/")


@pytest.fixture
def outside(browser: Browser, watch: Watch, place: Place) -> Iterator[Page]:
    """A page that takes our certificate. Whatever it asks for is below the sub-path."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    watch.attach(context)
    yield context.new_page()
    context.close()
    assert watch.unexpected() == []
    inside = (f"{place.url}/", "data:", "blob:")
    assert [url for url in watch.requests if not url.startswith(inside)] == []


def live(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("System Health")
    expect(page.get_by_test_id("live-indicator")).to_have_attribute("data-state", "live")


def log_in(page: Page, place: Place) -> None:
    page.goto(f"{place.url}/login")
    page.get_by_label("Name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{place.url}/health*")


def test_the_pages_and_the_way_out(place: Place, outside: Page, watch: Watch) -> None:
    sockets: list[WebSocket] = []
    outside.on("websocket", lambda socket: sockets.append(socket))
    log_in(outside, place)
    live(outside)
    stream = f"{place.url.replace('https', 'wss')}/api/admin/health/stream/"
    assert [socket.url.partition("?")[0] for socket in sockets] == [stream]

    (cookie,) = outside.context.cookies()
    assert cookie["name"] == "__Host-healthdeck"
    assert (cookie["secure"], cookie["httpOnly"], cookie["path"]) == (True, True, "/")

    icon = outside.locator("nav .icon").first
    assert f"{PREFIX}/assets/icons/" in icon.evaluate("e => getComputedStyle(e).maskImage")
    expect(outside.get_by_role("link", name="Overview")).to_have_class(re.compile("active"))

    watch.tolerate.append("404")
    outside.goto(f"{place.url}/nowhere")
    expect(outside.get_by_role("heading", level=1)).to_have_text("There is no such page")
    outside.get_by_text("To the overview").click()
    outside.wait_for_url(f"{place.url}/health")
    live(outside)
    outside.get_by_role("button", name=re.compile("log out", re.IGNORECASE)).click()
    expect(outside).to_have_url(f"{place.url}/login?left=1")
    outside.goto(f"{place.url}/health?from=now-6h")
    expect(outside).to_have_url(re.compile(f"{PREFIX}/login"))
    outside.get_by_label("Name").fill(NAME)
    outside.get_by_label("Password").fill(PASSWORD)
    outside.get_by_role("button", name="Log in").click()
    outside.wait_for_url(f"{place.url}/health?from=now-6h")
    live(outside)


def test_an_open_page_follows_what_happens(place: Place, outside: Page) -> None:
    log_in(outside, place)
    live(outside)
    backend = outside.get_by_test_id("service-grid").locator("[data-service-type=backend]")
    expect(backend).to_have_attribute("data-status", "healthy")
    outside.evaluate("window.sameDocument = true")
    place.service.stop()
    try:
        expect(backend).to_have_attribute("data-status", "unhealthy")
        alert = outside.get_by_test_id("alerts-panel").locator("[data-alert]")
        alert.get_by_role("button", name="Acknowledge").click()
        expect(alert).to_contain_text(f"acknowledged by {NAME}")
    finally:
        place.service.start()
    expect(backend).to_have_attribute("data-status", "healthy")
    assert outside.evaluate("window.sameDocument"), "the page was loaded again"


def test_the_description_of_the_api_is_a_page(place: Place, outside: Page) -> None:
    outside.goto(f"{place.url}/api/docs")
    expect(outside.get_by_text("/api/admin/health/overview").first).to_be_visible()
    address = outside.evaluate("fetch('../api/openapi.json').then(r => r.json())")
    assert address["servers"] == [{"url": place.url}]


def test_scripts_with_a_token(place: Place) -> None:
    token = place.installation.token("super_admin")
    with place.client(Authorization=f"Bearer {token}") as client:
        whole = client.get(OVERVIEW)
        assert (whole.status_code, whole.json()["services"]["backend"]["status"] != "") == (
            200,
            True,
        )
        assert whole.headers["Strict-Transport-Security"]
        assert client.get("/api/admin/health/nowhere").json()["errorCode"] == "NOT_FOUND"
        description = client.get("/api/openapi.json")
        assert description.headers["Content-Encoding"] == "gzip"
        again = client.get(
            "/api/openapi.json", headers={"If-None-Match": description.headers["ETag"]}
        )
        assert again.status_code == 304, "compressed, its ETag is a weak one"
        page = client.get(f"{place.nginx.url}{PREFIX}")
        assert (page.status_code, page.headers["Location"]) == (308, f"{place.url}/")
        large = client.post("/api/admin/alerts/rules", content=b"x" * (3 << 19))
        assert (large.status_code, large.json()["errorCode"]) == (413, "PAYLOAD_TOO_LARGE")
    with place.client() as client:
        refused = client.get(OVERVIEW)
        assert (refused.status_code, refused.json()["errorCode"]) == (
            401, "AUTHENTICATION_REQUIRED",
        )  # fmt: skip
    plain = httpx.get(f"http://127.0.0.1:{place.nginx.plain_port}{PREFIX}/health?a=b")
    assert (plain.status_code, plain.headers["Location"]) == (
        301, f"https://127.0.0.1{PREFIX}/health?a=b",
    )  # fmt: skip


def test_an_agent_finds_us(place: Place) -> None:
    added = {"id": "vps-9", "name": "Nine", "source": {"type": "agent"}}
    token = place.installation.token("super_admin")
    with place.client(Authorization=f"Bearer {token}") as client:
        assert client.post("/api/admin/health/vps", json=added).status_code == 201
        told = client.post("/api/admin/agents", json={"vpsId": "vps-9"}).json()
        assert f"curl -fsS {place.url}/agent.pyz " in told["command"]
        assert f"--hub {place.url} " in told["command"]
        assert client.get("/agent.pyz").content.startswith(b"#!")
    with place.client(Authorization=f"Bearer {told['token']}") as agent:
        # known as an agent, whose batch is not understood
        assert agent.post("/api/agent/v1/report", json={}).status_code == 400
    done = place.installation.command("enroll", "vps-9", "--json")
    assert f"http://127.0.0.1:{place.installation.port}{PREFIX}/agent.pyz" in done.stdout


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_the_stream_of_a_program(place: Place, transport: str) -> None:
    import requests

    with requests.Session() as session:
        session.verify = str(place.nginx.certificate)
        session.trust_env = False  # a bundle named in the environment would win
        options = {"sslopt": {"ca_certs": str(place.nginx.certificate)}}
        with socketio.SimpleClient(
            http_session=session, websocket_extra_options=options, handle_sigint=False
        ) as client:
            client.connect(
                place.nginx.url,
                auth={"token": place.installation.token()},
                transports=[transport],
                socketio_path=f"{PREFIX}/api/admin/health/stream",
            )
            assert client.call("subscribe:vps", "vps-1", timeout=10) == {"ok": True}
            assert client.receive(timeout=20)[0] == "health:update"


def test_a_login_is_throttled_by_the_clients_own_address(place: Place) -> None:
    """Whatever a client says of itself in X-Forwarded-For; and not for other clients."""

    def try_once(client: httpx.Client, number: int) -> int:
        headers = {
            "Origin": place.nginx.url,
            "X-Forwarded-For": f"203.0.113.{number}",
            "Forwarded": f"for=203.0.113.{number}",
            "X-Real-IP": f"203.0.113.{number}",
        }
        form = {"name": "eve", "password": "guess after guess"}
        return client.post("/login", data=form, headers=headers).status_code

    with place.client("127.0.0.2") as one, place.client("127.0.0.3") as other:
        answers = [try_once(one, number) for number in range(12)]
        assert answers[0] == 401
        assert answers[-1] == 429
        assert try_once(other, 1) == 401


def test_a_client_cannot_name_the_host_or_the_scheme(place: Place) -> None:
    forged = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    with place.client() as client:
        answer = client.get("/api/openapi.json", headers=forged)
        assert answer.json()["servers"] == [{"url": place.url}]
        form = {"name": "mallory", "password": "guess after guess"}
        for origin in ("https://evil.example", place.nginx.url.replace("https", "http")):
            headers = {**forged, "Origin": origin}
            assert client.post("/login", data=form, headers=headers).status_code == 403


def test_a_proxy_that_takes_the_sub_path_off(place: Place, tmp_path: Path) -> None:
    strip = ("proxy_pass http://healthdeck;", "proxy_pass http://healthdeck/;")
    place_of_stream = "location /healthdeck/api/admin/health/stream {\n        proxy_pass http:"
    stream = (
        f"{place_of_stream}//healthdeck/;",
        f"{place_of_stream}//healthdeck/api/admin/health/stream;",
    )
    nginx = Nginx(tmp_path, place.installation.port, strip=strip, stream=stream)
    stripped = Place(place.installation, nginx, place.service)
    try:
        with stripped.client(Authorization=f"Bearer {place.installation.token()}") as client:
            assert client.get(OVERVIEW).status_code == 200
            page = client.get("/health", headers={"Accept": "text/html"})
            assert f'src="{PREFIX}/assets/stream.js' in page.text
            start = client.get("/", headers={"Accept": "text/html"})
            assert start.headers["Location"] == f"{PREFIX}/health"
            hello = client.get("/api/admin/health/stream/?EIO=4&transport=polling")
            assert '"sid"' in hello.text
    finally:
        nginx.stop()


def test_while_it_is_down_clients_are_told_so(tmp_path: Path) -> None:
    installation = Healthdeck(tmp_path)
    nginx = Nginx(tmp_path, installation.port)
    try:
        trust = ssl.create_default_context(cafile=str(nginx.certificate))
        answer = httpx.get(f"{nginx.url}{PREFIX}{OVERVIEW}", verify=trust)
    finally:
        nginx.stop()
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert answer.json()["errorCode"] == "UNAVAILABLE"


def test_it_lives_through_a_restart_of_healthdeck(
    place: Place, outside: Page, watch: Watch
) -> None:
    watch.tolerate += ["WebSocket connection to", "503"]
    log_in(outside, place)
    live(outside)
    place.installation.stop()
    indicator = outside.get_by_test_id("live-indicator")
    expect(indicator).not_to_have_attribute("data-state", "live")
    place.installation.start()
    expect(indicator).to_have_attribute("data-state", "live", timeout=20_000)
    eventually(lambda: outside.evaluate("document.readyState") == "complete", 5, "it is whole")
