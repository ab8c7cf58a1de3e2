"""How a tenant's time is counted: shares, classes, burn rates, and what a page can print."""

from __future__ import annotations

import random
from itertools import product

import pytest

from services.alerts.preview.looks import BLIND as SEEN_BY_PREVIEW
from services.alerts.quiet.now import Quiet, Subject
from services.alerts.quiet.specs import Maintenance, MaintenanceScope
from services.collect import sight
from services.history import alive
from services.insights.sla import burn, spans
from services.insights.sla.account import Member, Share, Stretch, shares, tally
from services.insights.sla.policy import Policy, is_blind
from services.insights.sla.windows import fits
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory, SlaPolicy
from services.metrics import CATALOGUE
from tests.support.sla import DEFAULT, at, second_by_second


def policy(**fields: str) -> Policy:
    return Policy(SlaPolicy.model_validate(fields))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([(1, 3), (2, 5), (5, 6), (8, 9), (7, 7)], [(1, 6), (8, 9)]),
        ([(1, 9), (2, 3)], [(1, 9)]),
        ([], []),
    ],
)
def test_overlapping_spans_are_one(given, expected):
    assert spans.merged(given) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param(
            [("a", 0, 100), ("b", 0, 100)],
            {"a": [(0, 100, 0.5)], "b": [(0, 100, 0.5)]},
            id="all the time",
        ),
        pytest.param(
            [("a", 0, 40), ("b", 40, 100)],
            {"a": [(0, 40, 1.0)], "b": [(40, 100, 1.0)]},
            id="moved",
        ),
        pytest.param(
            [("a", 0, 100), ("b", 50, 100)],
            {"a": [(0, 50, 1.0), (50, 100, 0.5)], "b": [(50, 100, 0.5)]},
            id="one more from the middle on",
        ),
        pytest.param(
            [("a", -10, 20), ("a", 20, 60), ("a", 80, 300)],
            {"a": [(0, 60, 1.0), (80, 100, 1.0)]},
            id="went and came back",
        ),
        pytest.param([("a", 100, 200)], {}, id="only afterwards"),
    ],
)
def test_what_a_second_of_a_target_is_worth(members, expected):
    found = shares([Member(*one) for one in members], 0, 100)
    assert found == {key: [Share(*one) for one in own] for key, own in expected.items()}


POLICIES = [
    dict(zip(DEFAULT, values, strict=True))
    for values in product(
        ("up", "down"),
        ("excluded", "up", "down"),
        ("counted", "excluded"),
        ("excluded", "up", "down"),
    )
]


def course(rng, end):
    """Random status intervals without a gap between them, the last of which may be open."""
    found, moment = [], rng.randrange(-200, end // 2)
    while moment < end + 100:
        status = rng.choice(["healthy", "healthy", "unhealthy", "degraded", "unknown"])
        reason = alive.REASON if status == "unknown" and rng.random() < 0.5 else "because"
        stop = moment + rng.randrange(1, 120)
        found.append((status, moment, stop, reason))
        moment = stop
    if rng.random() < 0.5:
        found[-1] = (*found[-1][:2], None, found[-1][3])
    return found


@pytest.mark.parametrize("seed", range(36))
def test_every_second_is_counted_as_the_slow_way_counts_it(seed):
    rng, end = random.Random(seed), 600
    keys = ["a", "b", "c"][: rng.randrange(1, 4)]
    fields = POLICIES[seed % len(POLICIES)]
    members = [
        (key, start, start + rng.randrange(1, 500))
        for key in keys
        for start in [rng.randrange(-100, end) for _ in range(rng.randrange(1, 4))]
    ]
    intervals = {key: course(rng, end) for key in keys}
    out = {}
    if fields["maintenance"] == "excluded":
        for key in keys:
            begins = [rng.randrange(-50, end) for _ in range(rng.randrange(5))]
            out[key] = [(begin, begin + rng.randrange(1, 90)) for begin in begins]
    slow = second_by_second(members, intervals, out, fields, 0, end)
    stretches = {
        key: [
            Stretch(n, status, one, other, why) for n, (status, one, other, why) in enumerate(own)
        ]
        for key, own in intervals.items()
    }
    found = tally(
        shares([Member(*one) for one in members], 0, end),
        stretches,
        {key: spans.merged(own) for key, own in out.items()},
        policy(**fields),
    )
    for name, seconds in slow.items():
        assert getattr(found, name) == pytest.approx(seconds, abs=1e-6), name
    assert sum(down.counted for down in found.downs) == pytest.approx(found.down, abs=1e-6)


def test_all_words_for_blindness_are_the_ones_that_are_written():
    assert is_blind(alive.REASON)
    assert is_blind(sight.BLIND)
    assert sight.BLIND.startswith(SEEN_BY_PREVIEW)
    assert not is_blind("no reading for 3 min")


@pytest.mark.parametrize("fields", POLICIES)
def test_a_policy_says_in_words_what_it_says_in_fields(fields):
    told = policy(**fields).fields()
    words = {"up": "uptime", "down": "downtime", "excluded": "not counted"}
    assert [told[name] for name in ("degraded", "unknown", "blindness")] == [
        words[fields[name]] for name in ("degraded", "unknown", "blindness")
    ]
    assert ("Maintenance is not taken out" in told["text"]) == (fields["maintenance"] == "counted")
    assert f"Degraded time counts as {words[fields['degraded']]}" in told["text"]


@pytest.mark.parametrize(
    ("down", "counted", "target", "rate"),
    [
        pytest.param(3.6, 3600, 99.9, 1.0, id="exactly what is allowed"),
        pytest.param(51.84, 3600, 99.9, 14.4, id="2 % of 30 days' budget in an hour"),
        pytest.param(3600, 3600, 99.9, 1000.0, id="down all the time"),
        pytest.param(0, 3600, 99.9, 0.0, id="nothing burns"),
        pytest.param(0, 0, 99.9, None, id="nothing was counted"),
        pytest.param(1, 3600, 100, burn.MOST, id="nothing is allowed"),
        pytest.param(0, 3600, 100, 0.0, id="nothing is allowed and nothing happened"),
    ],
)
def test_burn_rates(down, counted, target, rate):
    assert burn.rate(down, counted, target) == (None if rate is None else pytest.approx(rate))


def test_windows_are_those_of_the_metrics_and_a_short_one_is_a_twelfth():
    assert set(burn.WINDOWS) == {name for name in CATALOGUE if name.startswith("sla.")}
    assert all(long == 12 * short for long, short in burn.WINDOWS.values())
    # 14.4 over an hour is 2 % of the budget of 30 days, 6 over six hours 5 %
    assert pytest.approx(0.02) == 14.4 * 3600 / (30 * 86400)
    assert pytest.approx(0.05) == 6 * 21600 / (30 * 86400)
    assert burn.of_pair(20.0, 3.0) == 3.0
    assert burn.of_pair(20.0, None) is None


FLEET = Fleet.build(
    Inventory.model_validate(
        {
            "vps": [
                {"id": "vps-1", "tags": ["eu"], "services": [{"name": "db", "type": "database"}]},
                {"id": "vps-2", "services": [{"name": "db", "type": "database"}]},
            ],
            "tenants": [
                {"id": "acme", "services": [
                    {"name": "web", "url": "https://acme.example", "runsOn": "vps-1/db"}]},
                {"id": "b"},
            ],
        }
    ),
    "hub",
    "cache",
)  # fmt: skip
SCOPES = [
    {"vps": ["vps-1"]}, {"vps": ["vps-2"]}, {"service": ["db"]}, {"service": ["vps-1/db"]},
    {"service": ["web"]}, {"tenant": ["acme"]}, {"tenant": ["acme", "b"]}, {"tenant": ["b"]},
    {"tags": ["eu"]}, {"tags": ["us"]}, {"vps": ["vps-1"], "tenant": ["b"]},
    {"vps": ["vps-1"], "service": ["web"], "tags": ["eu", "x"]}, {"everything": True},
]  # fmt: skip


@pytest.mark.parametrize("scope", SCOPES, ids=str)
@pytest.mark.parametrize("target", ["@acme/web", "vps-1/db", "vps-1", "vps-2/db"])
def test_a_window_is_about_what_it_withholds_messages_of(scope, target):
    schedule = {"type": "once", "start": "2025-10-10T00:00Z", "end": "2025-10-11T00:00Z"}
    spec = {"name": "work", "schedule": schedule, "scope": scope}
    quiet = Quiet({"m": Maintenance.model_validate(spec)})
    for tenants in (frozenset[str](), frozenset({"acme"}), frozenset({"acme", "b"})):
        subject = Subject.of("r", "r", "info", target, tenants, FLEET)
        expected = quiet.reason(subject, at("2025-10-10 12:00")) is not None
        assert fits(MaintenanceScope.model_validate(scope), subject) is expected
