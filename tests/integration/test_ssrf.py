"""What only the monitor can reach stays out of reach for whoever may write a webhook's URL: when it
is saved, where that can be known then, when it is tried out, and always when it is sent to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network
from uuid import uuid4

import pytest
from pydantic import SecretStr

from models.database import Database
from services.identity.audit import Actor
from services.inventory.schema import Contact, WebhookAddress
from services.notify.address_guard import Network
from services.notify.channels.webhook import Webhook
from services.notify.directory import Directory
from services.notify.outbound import Outbound, Resolver, resolve
from services.notify.trial import Trials
from tests.support.outbox import HOOK, Installation
from tests.support.web import Answer, LocalServer

SECRET = SecretStr("whsec_aGVhbHRoZGVjay1pbi1hLXRlc3Qtb2YtaXRzLW93bg==")
METADATA = "169.254.169.254"
PUBLIC = "93.184.215.14"
HERE: tuple[Network, ...] = (ip_network("127.0.0.0/8"),)

#: Hosts, and what is said of them.
INSIDE = (
    ("127.1", "127.0.0.1 is a loopback address"),
    ("2130706433", "127.0.0.1 is a loopback address"),
    ("0x7f.1", "127.0.0.1 is a loopback address"),
    ("0177.0.0.1", "127.0.0.1 is a loopback address"),
    ("localhost", "is a loopback address"),
    ("0.0.0.0", "0.0.0.0 is an unspecified address"),
    ("[::1]", "::1 is a loopback address"),
    ("[::ffff:169.254.169.254]", "leads to 169.254.169.254, is a link-local address"),
    ("[::ffff:a9fe:a9fe]", "leads to 169.254.169.254, is a link-local address"),
    ("169.254.169.254", "is a link-local address"),
    ("2852039166", "169.254.169.254 is a link-local address"),
    ("100.64.0.1", "is a carrier-grade NAT address"),
    ("168.63.129.16", "is a cloud metadata address"),
    ("[64:ff9b::7f00:1]", "leads to 127.0.0.1, is a loopback address"),
    ("[64:ff9b::a9fe:a9fe]", "leads to 169.254.169.254, is a link-local address"),
    ("[64:ff9b:1::a00:1]", "is a reserved address"),
    ("[2002:7f00:1::]", "is a 6to4 address"),
    ("[fd00:ec2::254]", "is a private address"),
    ("10.0.0.5", "is a private address"),
    ("user@10.0.0.5", "is a private address"),
)

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(database: Database) -> Iterator[Installation]:
    installation = Installation(database)
    yield installation
    installation.close()


class Looks:
    """A resolver that gives these answers in turn, the last one for ever, and counts."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        return [self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]]


def delivered(
    home: Installation, url: str, resolver: Resolver = resolve, allow: Sequence[Network] = ()
) -> tuple[str, str, str]:
    """State, reason and detail of an alert's notification to this URL."""
    alert_id = uuid4().hex
    contact = Contact(name="Ops", webhook=WebhookAddress(url=url, secret=SECRET))
    pipeline = home.pipeline(Webhook(lambda: [contact], allow, resolver, 5))
    home.fire(alert_id, HOOK)
    pipeline.wake()
    assert pipeline.idle(20)
    pipeline.stop()
    (row,) = [one for one in home.rows() if one.alert_id == alert_id]
    return row.status, row.reason, row.detail


def tried(
    home: Installation, url: str, resolver: Resolver = resolve, allow: Sequence[Network] = ()
) -> tuple[str, str, str]:
    contact = Contact(name="Ops", webhook=WebhookAddress(url=url, secret=SECRET))
    hook = Webhook(lambda: [contact], allow, resolver, 5)
    trials = Trials(home.database, {"webhook": hook}, lambda: Directory([contact]), lambda _: ())
    (one,) = trials.send("webhook", "Ops", Actor("ops"))
    return one.outcome.status, one.outcome.reason, one.outcome.detail


def test_addresses_of_the_inside(home: Installation, receiver: LocalServer) -> None:
    for host, said in INSIDE:
        url = f"http://{host}:{receiver.port}/latest/meta-data"
        assert said in (Outbound().refusal(url) or ""), host
        for call in (tried, delivered):
            state, reason, detail = call(home, url)
            assert (state, reason) == ("failed", "address_refused"), host
            assert said in detail, host
            assert "WEBHOOK_ALLOW" in detail
    assert receiver.requests == []


def test_a_name_that_resolves_differently_the_second_time(
    home: Installation, receiver: LocalServer
) -> None:
    """What was fine when it was saved is judged anew; one look-up serves judgement and call."""
    url = f"http://rebind.example:{receiver.port}/"
    looks = Looks(PUBLIC, METADATA)
    assert Outbound(resolver=looks).refusal(url) is None
    assert delivered(home, url, looks)[:2] == ("failed", "address_refused")
    assert looks.asked == ["rebind.example"] * 2
    assert receiver.requests == []


def test_the_look_up_that_was_judged_is_the_one_that_is_called(
    home: Installation, receiver: LocalServer
) -> None:
    """Were there a second look-up, for the connection, it would lead elsewhere."""
    looks = Looks("127.0.0.1", METADATA)
    url = f"http://rebind.example:{receiver.port}/"
    assert delivered(home, url, looks, allow=HERE)[0] == "sent"
    assert looks.asked == ["rebind.example"]
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("location", [f"http://{METADATA}/latest/", "/elsewhere"])
def test_a_redirect_leads_nowhere(
    home: Installation, serving: Callable[[Answer], LocalServer], location: str
) -> None:
    source = serving(Answer(302, headers={"Location": location}))
    url = f"{source.url}/hook"
    assert Outbound(HERE).refusal(url) is None  # it cannot be known before it is called
    for call in (tried, delivered):
        state, reason, detail = call(home, url, allow=HERE)
        assert (state, reason) == ("failed", "redirected")
        assert "302" in detail
        assert "redirects are not followed" in detail
    assert [request.path for request in source.requests] == ["/hook", "/hook"]


@pytest.mark.parametrize("url", ["http://:80/", "http://[::1/", "http://" + "a" * 70 + ".example/"])
def test_what_is_no_web_address_is_said_when_it_is_saved(url: str, database_url: str) -> None:
    assert "no web address" in (Outbound().refusal(url) or "")


def test_what_cannot_be_known_now_may_be_saved(database_url: str) -> None:
    def unknown(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert Outbound(resolver=unknown).refusal("https://new.example/") is None
    over = threading.Event()

    def slow(_host: str, _port: int) -> Sequence[str]:
        over.wait(60)
        return ["127.0.0.1"]

    assert Outbound(resolver=slow, limit=0.2).refusal("https://slow.example/") is None
    over.set()


def test_an_allowed_network_may_be_saved_and_called(
    home: Installation, receiver: LocalServer
) -> None:
    assert Outbound(HERE).refusal(receiver.url) is None
    assert delivered(home, receiver.url, allow=HERE)[0] == "sent"
