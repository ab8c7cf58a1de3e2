"""Who may be told: alerts against maintenance, silences and deployments."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError as Invalid

from services.alerts.quiet.now import Deployment, Quiet, Silence, Subject
from services.alerts.quiet.schedules import Span
from services.alerts.quiet.specs import Maintenance, NewSilence, SilenceMatcher
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2025-11-20 12:00")
OPEN = {"type": "once", "start": "2025-11-20T11:00Z", "end": "2025-11-20T14:00Z"}

FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {
                    "id": "vps-1", "tags": ["production", "eu"], "tenants": ["acme", "globex"],
                    "services": [{"name": "postgres", "type": "database"},
                                 {"name": "nexus", "type": "frontend"}],
                },
                {"id": "vps-2", "services": [{"name": "postgres", "type": "database"}]},
            ],
            "tenants": [
                {
                    "id": "acme",
                    "services": [
                        {"name": "shop", "url": "https://a.example", "runsOn": "vps-1/nexus"},
                        {"name": "blog", "url": "https://b.example"},
                    ],
                },
                {"id": "globex"},
            ],
        }
    ),
    "hub",
    "cache",
)  # fmt: skip


def alert(target: str, *tenants: str, severity: str = "critical", rule: str = "cpu") -> Subject:
    return Subject.of(rule, rule.upper(), severity, target, frozenset(tenants), FLEET)


def work(**scope: Any) -> Quiet:
    spec = {"name": "DB upgrade", "schedule": OPEN, "scope": scope}
    return Quiet({"m1": Maintenance.model_validate(spec)})


def silence(*matchers: tuple[str, str, Any]) -> Quiet:
    made = tuple(
        SilenceMatcher.model_validate({"field": field, "operator": operator, "value": value})
        for field, operator, value in matchers
    )
    return Quiet(silences=[Silence("s1", "known trouble", made, Span(NOW - 60, NOW + 60))])


def deployment(vps_id: str | None = None, tenant_id: str | None = None) -> Quiet:
    return Quiet(
        deployments=[Deployment("d1", "v1.2.3", vps_id, tenant_id, Span(NOW - 60, NOW + 240))]
    )


SERVER, OTHER = alert("vps-1", "acme", "globex"), alert("vps-2")
SHARED, STORE = alert("vps-1/postgres", "acme", "globex"), alert("vps-2/postgres")
PART = alert("vps-1/nexus/database", "acme")
SHOP, BLOG = alert("@acme/shop", "acme"), alert("@acme/blog", "acme")
TENANT, PLATFORM = alert("@globex", "globex"), alert("*", "acme", "globex")


@pytest.mark.parametrize(
    ("word", "quiet", "withheld", "told"),
    [
        ("everything", work(everything=True), [SERVER, OTHER, SHOP, TENANT, PLATFORM], []),
        ("a server and all on it", work(vps=["vps-1"]), [SERVER, SHARED, PART, SHOP],
            [OTHER, STORE, BLOG, TENANT, PLATFORM]),
        ("two servers", work(vps=["vps-1", "vps-2"]), [SERVER, OTHER, STORE], [BLOG]),
        ("a service anywhere", work(service=["postgres"]), [SHARED, STORE], [SERVER, PART, SHOP]),
        ("a service of one server", work(service=["vps-1/postgres"]), [SHARED], [STORE, SERVER]),
        ("a service, its parts and who runs on it", work(service=["vps-1/nexus"]), [PART, SHOP],
            [SERVER, SHARED, BLOG]),
        ("an application by name", work(service=["shop"]), [SHOP], [BLOG, PART]),
        ("one of the tenants", work(tenant=["acme"]), [SHOP, BLOG, PART],
            [SERVER, SHARED, TENANT, PLATFORM]),
        ("all that are reached", work(tenant=["acme", "globex"]), [SERVER, SHARED, SHOP, PLATFORM],
            []),
        ("nobody is reached: not a tenant's", work(tenant=["acme"]), [], [OTHER, STORE]),
        ("a tag", work(tags=["eu"]), [SERVER, SHARED, PART, SHOP], [OTHER, BLOG, PLATFORM]),
        ("all fields must fit", work(vps=["vps-1"], service=["postgres"]), [SHARED],
            [STORE, SERVER, PART]),
        ("a tenant's on one server", work(vps=["vps-1"], tenant=["acme"]), [SHOP, PART],
            [BLOG, SERVER]),
        ("a rule", silence(("rule", "equals", "cpu")), [SERVER, PLATFORM],
            [alert("vps-1", rule="disk")]),
        ("another rule", silence(("rule", "notEquals", "cpu")), [alert("vps-1", rule="disk")],
            [SERVER]),
        ("a severity", silence(("severity", "oneOf", ["info", "warning"])),
            [alert("vps-1", severity="info")], [SERVER]),
        ("all matchers", silence(("vps", "equals", "vps-1"), ("severity", "notEquals", "critical")),
            [alert("vps-1", severity="info")], [SERVER, alert("vps-2", severity="info")]),
        ("no such server at all", silence(("vps", "notEquals", "vps-1")), [OTHER, BLOG, PLATFORM],
            [SERVER, SHOP]),
        ("a silenced service", silence(("service", "equals", "vps-2/postgres")), [STORE], [SHARED]),
        ("services", silence(("service", "oneOf", ["shop", "blog"])), [SHOP, BLOG], [SHARED]),
        ("a silenced tenant", silence(("tenant", "equals", "acme")), [SHOP], [SERVER, TENANT]),
        ("not this tenant", silence(("tenant", "notEquals", "acme")), [TENANT, OTHER],
            [SHOP, SERVER]),
        ("a silenced tag", silence(("tag", "equals", "production")), [SERVER], [OTHER, TENANT]),
        ("a target alone", silence(("target", "equals", "vps-1")), [SERVER], [SHARED, OTHER]),
        ("the platform", silence(("target", "equals", "*")), [PLATFORM], [SERVER]),
        ("a deployment of everything", deployment(), [SERVER, PLATFORM, BLOG], []),
        ("to a server", deployment("vps-1"), [SERVER, SHARED, SHOP], [OTHER, BLOG]),
        ("of a tenant", deployment(None, "acme"), [SHOP, BLOG, PART], [SERVER, TENANT]),
        ("of a tenant on a server", deployment("vps-1", "acme"), [SHOP, PART], [BLOG, SERVER]),
        ("nothing", Quiet(), [], [SERVER, OTHER, PLATFORM]),
    ],
)  # fmt: skip
def test_whom_it_is_about(
    word: str, quiet: Quiet, withheld: list[Subject], told: list[Subject]
) -> None:
    assert [one.target for one in withheld if quiet.reason(one, NOW) is None] == [], word
    assert [one.target for one in told if quiet.reason(one, NOW) is not None] == [], word


@pytest.mark.parametrize(
    ("word", "now", "silent"),
    [
        ("before", "2025-11-20 10:59:59", False),
        ("the first moment", "2025-11-20 11:00", True),
        ("the last", "2025-11-20 13:59:59", True),
        ("the end", "2025-11-20 14:00", False),
        ("the clock is set back", "2025-11-20 13:00", True),
        ("further back", "2025-11-20 10:00", False),
        ("and on again", "2025-11-20 13:59", True),
    ],
)
def test_when_it_is_open(word: str, now: str, silent: bool) -> None:
    quiet = work(everything=True)
    for earlier in ("2025-11-20 10:30", "2025-11-20 12:00", "2025-11-20 14:30"):
        quiet.reason(SERVER, at(earlier))
    assert (quiet.reason(SERVER, at(now)) is not None) is silent, word


@pytest.mark.parametrize(
    ("word", "quiet", "text", "until"),
    [
        ("maintenance", work(vps=["vps-1"]),
            "maintenance 'DB upgrade' until 14:00 UTC", "2025-11-20 14:00"),
        ("a silence", silence(("vps", "equals", "vps-1")),
            "silence 'known trouble' until 12:01 UTC", "2025-11-20 12:01"),
        ("a deployment", deployment(), "deployment 'v1.2.3' until 12:04 UTC", "2025-11-20 12:04"),
        ("another day",
            Quiet({"m": Maintenance.model_validate({"name": "Night", "scope": {"everything": True},
                "schedule": {"type": "daily", "at": "12:00", "minutes": 960}})}),
            "maintenance 'Night' until 2025-11-21 04:00 UTC", "2025-11-21 04:00"),
        ("to the full minute",
            Quiet(deployments=[Deployment("d", "a\nb", None, None, Span(NOW, NOW + 61))]),
            "deployment 'a b' until 12:02 UTC", "2025-11-20 12:01:01"),
        ("a long text",
            Quiet(deployments=[Deployment("d", "x" * 500, None, None, Span(NOW, NOW + 60))]),
            f"deployment '{'x' * 119}…' until 12:01 UTC", "2025-11-20 12:01"),
    ],
)  # fmt: skip
def test_what_is_said(word: str, quiet: Quiet, text: str, until: str) -> None:
    withheld = quiet.reason(SERVER, NOW)
    assert withheld is not None
    assert (withheld.text, withheld.until) == (text, at(until)), word
    assert len(text) < 300, "an alert keeps 500 characters"


def test_of_several_reasons_it_is_the_one_that_ends_last() -> None:
    def lasting(id_: str, seconds: float) -> Deployment:
        return Deployment(id_, id_, None, None, Span(NOW - 1, NOW + seconds))

    ids = ["short", "long", "longer"]
    made = [lasting(id_, 60.0 * (1 + at) ** 2) for at, id_ in enumerate(ids)]
    quiet = Quiet(deployments=[made[1], made[0], made[2]])
    for after, id_ in ((0, "longer"), (239, "longer"), (240, "longer"), (540, None)):
        withheld = quiet.reason(SERVER, NOW + after)
        assert (withheld and withheld.id) == id_


@pytest.mark.parametrize(
    ("word", "scope", "said"),
    [
        ("nothing named", {}, "an empty scope would be the whole fleet"),
        ("empty lists", {"vps": [], "tags": []}, "set everything to true"),
        ("everything denied", {"everything": False}, "an empty scope"),
        ("everything and a name", {"everything": True, "vps": ["vps-1"]}, "everything goes alone"),
        ("a word for true", {"everything": "yes"}, "valid boolean"),
        ("a mistyped field", {"servers": ["vps-1"]}, "Extra inputs"),
        ("no id", {"vps": ["VPS 1"]}, "match pattern"),
        ("a part of a service", {"service": ["vps-1/nexus/database"]}, "name, or vps/service"),
        ("an empty name", {"vps": [""]}, "match pattern"),
        ("too many", {"vps": [f"v{n}" for n in range(501)]}, "at most 500"),
    ],
)
def test_a_scope_that_is_refused(word: str, scope: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as caught:
        work(**scope)
    assert said in str(caught.value), word


MATCHER = {"field": "vps", "operator": "equals", "value": "vps-1"}


@pytest.mark.parametrize(
    ("word", "changes", "said"),
    [
        ("no comment", {"comment": "  "}, "at least 1 character"),
        ("no matchers", {"matchers": []}, "at least 1 item"),
        ("an unknown field", {"matchers": [{**MATCHER, "field": "host"}]}, "'rule', 'severity'"),
        ("an operator", {"matchers": [{**MATCHER, "operator": "like"}]}, "'equals', 'notEquals'"),
        ("a list that is none", {"matchers": [{**MATCHER, "operator": "oneOf"}]},
            "value is a list for oneOf"),
        ("a list for equals", {"matchers": [{**MATCHER, "value": ["vps-1"]}]},
            "one text for equals"),
        ("an empty list", {"matchers": [{**MATCHER, "operator": "oneOf", "value": []}]},
            "at least 1 item"),
        ("a severity", {"matchers": [{"field": "severity", "value": "fatal"}]},
            "there is no severity 'fatal'; it is info, warning, critical"),
        ("no end", {"minutes": None}, "give endsAt or minutes"),
        ("two ends", {"endsAt": "2025-11-20T14:00Z"}, "one of them"),
        ("no time", {"minutes": 0}, "greater than or equal to 1"),
        ("more than a year", {"minutes": 366 * 1440 + 1}, "less than or equal to"),
        ("the wrong way round", {"minutes": None, "startsAt": "2025-11-20T14:00Z",
            "endsAt": "2025-11-20T13:00Z"}, "endsAt must lie after the start"),
        ("years", {"minutes": None, "startsAt": "2025-11-20", "endsAt": "2027-11-20"},
            "within a year"),
        ("no moment", {"minutes": None, "endsAt": "soon"}, "endsAt is 'soon', which is no time"),
    ],
)  # fmt: skip
def test_a_silence_that_is_refused(word: str, changes: dict[str, Any], said: str) -> None:
    given = {"comment": "known", "matchers": [MATCHER], "minutes": 5, **changes}
    with pytest.raises(Invalid) as caught:
        NewSilence.model_validate(given)
    assert said in str(caught.value), word


@pytest.mark.parametrize(
    ("word", "given", "start", "end"),
    [
        ("from now", {"minutes": 90}, "2025-11-20 12:00", "2025-11-20 13:30"),
        ("to a moment", {"endsAt": "2025-11-20T14:00Z"}, "2025-11-20 12:00", "2025-11-20 14:00"),
        ("later", {"startsAt": "2025-11-21T00:00Z", "minutes": 5},
            "2025-11-21 00:00", "2025-11-21 00:05"),
        ("what began before begins now", {"startsAt": "2025-11-20T00:00Z", "minutes": 5},
            "2025-11-20 12:00", "2025-11-20 12:05"),
    ],
)  # fmt: skip
def test_the_time_of_a_silence(word: str, given: dict[str, Any], start: str, end: str) -> None:
    made = NewSilence.model_validate({"comment": "known", "matchers": [MATCHER], **given})
    assert made.span(NOW) == (at(start), at(end)), word


def test_it_is_cheap_for_many_alerts_and_windows() -> None:
    """5,000 alerts against 100 windows, all open, of every kind: what it finds is what looking
    at each window would find, and one round takes a fraction of a second."""
    chance = random.Random(5)
    tenants = [f"t{n}" for n in range(300)]

    def scope(n: int) -> dict[str, Any]:
        return [
            {"vps": [f"vps-{n}", f"vps-{n + 1}"]},
            {"service": [f"vps-{n}/postgres", "redis"]},
            {"tenant": chance.sample(tenants, 40)},
            {"tags": [f"tag-{n}"]},
        ][n % 4]

    daily = {"type": "cron", "expression": "0 11 * * *", "minutes": 120}
    specs = {
        f"m{n}": Maintenance.model_validate({"name": f"m{n}", "schedule": daily, "scope": scope(n)})
        for n in range(100)
    }
    alerts = [
        replace(
            alert("vps-1"), target=f"vps-{n % 1000}/redis", vps_id=f"vps-{n % 1000}",
            service=chance.choice(["postgres", "redis", "web"]),
            tags=frozenset({f"tag-{chance.randrange(200)}", "production"}),
            tenants=frozenset(chance.sample(tenants, chance.randrange(4))),
        )
        for n in range(5000)
    ]  # fmt: skip
    quiet = Quiet(specs)
    begun = time.process_time()
    found = [quiet.reason(one, NOW) for one in alerts]
    assert time.process_time() - begun < 1
    alone = [Quiet({id_: spec}) for id_, spec in specs.items()]
    for one, withheld in list(zip(alerts, found, strict=True))[::50]:
        assert (withheld is not None) == any(each.reason(one, NOW) for each in alone)
    assert 0 < sum(withheld is not None for withheld in found) < 5000
