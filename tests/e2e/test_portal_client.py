"""The portal's client and Healthdeck as an operator runs it: portal.ts, and the specification's
client as it is written there; in Node, and in a browser on the same site."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from playwright.sync_api import Browser

from tests.support.product import Healthdeck
from tests.support.scenes import WEBHOOKS, one_service
from tests.support.typescript import CLIENT, Compiled
from tests.support.wait import eventually
from tests.support.web import LocalServer, health

NAME, PASSWORD = "ada", "a password that is long enough"
WHICH = pytest.mark.parametrize("which", ["specification", "portal"])

#: The specification's methods, and what the answers begin with.
SPECIFIED: list[tuple[list[Any], dict[str, Any]]] = [
    (["getHealthOverview"], {"activeAlerts": 0}),
    (["getVPSHealth", "vps-1"], {"vpsId": "vps-1", "name": "Netherlands 1"}),
    (["getTenantHealth", "tenant-acme"], {"organizationName": "ACME Corp", "vpsId": "vps-1"}),
    (["getHealthHistory", {"vpsId": "vps-1", "metric": "cpu", "timeRange": "1h"}],
     {"metric": "cpu", "timeRange": "1h"}),
    (["getServiceDependencies", "backend"], {"service": "backend"}),
    (["exportHealthMetrics", "json", "1h"], {}),
]  # fmt: skip


class Place:
    """An installation with a user, one server, one tenant and one service."""

    def __init__(self, folder: Path) -> None:
        self.service = LocalServer(health())
        self._receiver = LocalServer(health())
        self.installation = Healthdeck(
            folder,
            one_service(self.service, self._receiver, interval=1),
            # Outages come within seconds of one another here, and none is to be taken for flapping.
            {**WEBHOOKS, "RATE_LIMIT": "6000 per minute", "ALERT_REOPEN_SECONDS": "0"},
        )

    @property
    def url(self) -> str:
        return self.installation.url

    def start(self) -> None:
        self.installation.create_user(NAME, PASSWORD, "super_admin")
        self.installation.start()
        with httpx.Client(headers={"Authorization": f"Bearer {self.token(60)}"}) as client:
            url = f"{self.url}/api/admin/health/vps/vps-1"
            eventually(
                lambda: client.get(url).json()["services"][0]["status"] == "healthy",
                20, "the service is seen",
            )  # fmt: skip

    def token(self, seconds: float) -> str:
        """A JWT that ends so many seconds from now."""
        now = time.time()
        claims = {"sub": "t", "role": "admin", "iat": now - 60, "exp": now + seconds}
        return jwt.encode(claims, self.installation.env["JWT_SECRET"])

    def of_a_browser(self) -> dict[str, str]:
        """The headers that a page of the same site sends by itself."""
        answer = httpx.post(
            f"{self.url}/login",
            data={"name": NAME, "password": PASSWORD},
            headers={"Origin": self.url, "Accept": "text/html"},
        )
        return {"Cookie": answer.headers["Set-Cookie"].partition(";")[0], "Origin": self.url}

    def close(self) -> None:
        self.installation.kill()
        self.service.close()
        self._receiver.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("portal"))
    try:
        place.start()
        yield place
    finally:
        place.close()


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Strictly: without an error of the compiler."""
    return Compiled(tmp_path_factory.mktemp("compiled"))


def who(place: Place, by: str) -> dict[str, Any]:
    """How a client says who it is: by the cookie of the same site, or by a token."""
    return {"headers": place.of_a_browser()} if by == "cookie" else {"token": place.token(300)}


@WHICH
@pytest.mark.parametrize("by", ["cookie", "token"])
def test_every_method_of_the_specification_answers(
    place: Place, compiled: Compiled, which: str, by: str
) -> None:
    calls = [call for call, _ in SPECIFIED]
    for line, (call, begins) in zip(
        compiled.call(*calls, which=which, url=place.url, **who(place, by)), SPECIFIED, strict=True
    ):
        assert (line["name"], line.get("status")) == (call[0], 200), line
        assert {key: line["data"][key] for key in begins} == begins


@WHICH
@pytest.mark.parametrize("by", ["cookie", "token"])
def test_the_stream_tells_what_happens(
    place: Place, compiled: Compiled, which: str, by: str
) -> None:
    rooms = [["subscribeToVPS", "vps-1"], ["subscribeToAlerts"]]
    with compiled.listen(*rooms, which=which, url=place.url, **who(place, by)) as listener:
        listener.until("connect")
        listener.until("health:update", vpsId="vps-1")
        place.service.stop()
        try:
            alert = listener.until("alert:new")["body"]
            assert (alert["ruleId"], alert["status"]) == ("backend-down", "active")
            assert alert["seq"] > 1
        finally:
            place.service.start()
        if which == "portal":
            listener.until("alert:update", id=alert["id"], status="resolved")
    eventually(lambda: status(place, alert["id"]) == "resolved", 20, "the alert is over")


def status(place: Place, alert_id: str) -> Any:
    headers = {"Authorization": f"Bearer {place.token(60)}"}
    answer = httpx.get(f"{place.url}/api/admin/alerts/{alert_id}", headers=headers)
    return answer.json()["status"]


@WHICH
def test_a_token_that_ran_out_is_told_clearly(place: Place, compiled: Compiled, which: str) -> None:
    ended: dict[str, Any] = {"which": which, "url": place.url, "token": place.token(-30)}
    (line,) = compiled.call(["getHealthOverview"], **ended)
    told = line["error"]
    assert told["status"] == 401
    assert (told.get("code") or told.get("errorCode")) == "INVALID_TOKEN"
    text = told.get("message") or told.get("error")
    assert "token" in text.lower()
    assert ended["token"] not in str(told)
    with compiled.listen(**ended) as listener:
        assert listener.until("error")["message"] == "Authentication failed"


def test_a_token_that_ends_while_it_listens_is_told_too(place: Place, compiled: Compiled) -> None:
    with compiled.listen(which="portal", url=place.url, token=place.token(4)) as listener:
        listener.until("connect")
        listener.until("disconnect")
        assert listener.until("error")["message"] == "Authentication failed"


def test_the_other_operations_and_their_errors(place: Place, compiled: Compiled) -> None:
    new = {"name": "bob", "password": PASSWORD, "role": "admin"}
    lines = compiled.call(
        ["listServices", {"limit": 1, "status": "healthy"}],
        ["getVPSHealth", "vps/../9"],
        ["getVPSHealth", "vps-9"],
        ["createUser", new, "the-same"],
        ["createUser", new, "the-same"],
        ["createUser", new],
        ["listUsers"],
        ["getLiveness"],
        ["getHealthHistory", {"vpsId": ["vps-1"], "metric": "memory"}],
        ["exportHealthMetrics", "csv", "1h", {"metric": "cpu"}],
        which="portal", url=place.url, headers=place.of_a_browser(),
    )  # fmt: skip
    assert len(lines[0]["data"]["services"]) == 1
    assert lines[1]["error"]["status"] in (400, 404)
    missing = lines[2]["error"]
    assert (missing["code"], missing["status"]) == ("NOT_FOUND", 404)
    assert "vps-9" in missing["message"]
    assert missing["requestId"]
    assert lines[3]["status"] == 201
    assert lines[4]["data"] == lines[3]["data"]
    assert lines[5]["error"]["code"] == "CONFLICT"
    assert [user["name"] for user in lines[6]["data"]["users"]] == [NAME, "bob"]
    assert lines[7]["data"] == {"status": "ok"}
    assert lines[8]["data"]["metric"] == "memory"
    assert lines[9]["data"].splitlines()[0].count(",") > 1


def test_nobody_there_is_an_error_without_a_code(compiled: Compiled, place: Place) -> None:
    (line,) = compiled.call(["getHealthOverview"], which="portal", url="http://127.0.0.1:9")
    assert line["error"]["code"] == ""
    (line,) = compiled.call(["getHealthOverview"], which="portal", url=place.url)
    assert line["error"]["code"] == "AUTHENTICATION_REQUIRED"


def test_in_a_browser_the_login_s_cookie_is_enough(
    place: Place, compiled: Compiled, browser: Browser
) -> None:
    """The specification's class as it is written there, on a page of the same site."""
    script = (compiled.folder / "dist" / "specification.js").read_text(encoding="utf-8")
    script = script.replace("import { io as connect } from 'socket.io-client';", "")
    script = script.replace("export ", "").replace("connect(url", "window.io(url")
    context = browser.new_context(bypass_csp=True)  # its script is not one of our pages'
    try:
        page = context.new_page()
        page.goto(f"{place.url}/login")
        page.get_by_label("Name").fill(NAME)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{place.url}/health*")
        page.add_script_tag(path=CLIENT / "node_modules/axios/dist/axios.min.js")
        page.add_script_tag(path=CLIENT / "node_modules/socket.io-client/dist/socket.io.min.js")
        page.add_script_tag(content=f"{script}\nwindow.SpecifiedPortal = SpecifiedPortal;")
        told = page.evaluate(
            """async () => {
                const baseURL = location.origin;
                const client = Object.assign(axios.create({ baseURL }), { baseURL });
                const portal = new SpecifiedPortal(client, '/api/admin');
                const { data } = await portal.getVPSHealth('vps-1');
                const update = await new Promise((done, fail) => {
                    const stream = portal.connectHealthStream({
                        onHealthUpdate: (body) => body.vpsId && done(body),
                        onDisconnect: () => fail(new Error('put out')),
                    });
                    stream.socket.on('connect_error', fail);
                    stream.subscribeToVPS('vps-1');
                });
                return { vpsId: data.vpsId, update: update.vpsId };
            }"""
        )
        assert told == {"vpsId": "vps-1", "update": "vps-1"}
    finally:
        context.close()
