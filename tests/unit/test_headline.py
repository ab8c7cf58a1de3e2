"""The sentence that an operator reads first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.observation import Status
from services.views.headline import headline, sentence, told
from services.views.model import AlertView, Instance, Said, VpsCard

H, D, U, X = Status.HEALTHY, Status.DEGRADED, Status.UNHEALTHY, Status.UNKNOWN


def server(name, status=H, services=(), seen_at=1.0):
    return VpsCard(
        id=name, name=name, region="", status=status, reason="", since=0.0, measured=True,
        seen_at=seen_at,
        interval=30.0, cores=None, cpu=None, memory=None, disk=None, load=None,
        network_in=None, network_out=None, services=tuple(services), tenants=(), tenant_names=(),
    )  # fmt: skip


def service(name, status, vps="vps-1"):
    return Instance(f"{vps}/{name}", name, vps, status, "", 0.0, None, None, {})


@pytest.mark.parametrize(
    ("servers", "applications", "hurt", "tenants", "words"),
    [
        ([], [], 0, 0, "Nothing is watched yet."),
        ([server("a", X, seen_at=None)], [], 0, 0, "The first look is under way."),
        ([server("a"), server("b")], [], 0, 3, "Everything is healthy."),
        ([server("vps-4", U)], [], 3, 30, "vps-4 is down; 3 of 30 tenants are affected."),
        ([server("vps-4", U)], [], 1, 1, "vps-4 is down; 1 of 1 tenant is affected."),
        ([server("a", U), server("b", U)], [], 0, 0, "2 servers are down."),
        ([server("a", D, [service("api", U)])], [], 0, 0, "api on a is down."),
        ([server("a", D, [service("api", U), service("web", U)])], [], 0, 0,
         "2 services are down."),
        ([server("a")], ["nexus of ACME"], 1, 2,
         "nexus of ACME is down; 1 of 2 tenants is affected."),
        ([server("a", X), server("b")], [], 2, 9,
         "a does not report; 2 of 9 tenants are affected."),
        ([server("a", D)], [], 0, 0, "a is degraded."),
        ([server("a", U), server("b", D)], [], 0, 0, "a is down."),
    ],
)  # fmt: skip
def test_headline(servers, applications, hurt, tenants, words):
    down = [Said(label, f"@acme/{label}") for label in applications]
    assert headline(sentence(servers, down, hurt, tenants)) == words


@pytest.mark.parametrize(
    ("servers", "applications", "about"),
    [
        ([server("vps-4", U)], [], ["vps-4", "tenants:"]),
        ([server("a", U), server("b", U)], [], ["servers:unhealthy", "tenants:"]),
        ([server("a", D, [service("api", U)])], [], ["a/api", "tenants:"]),
        ([server("a")], [Said("nexus of ACME", "@acme/nexus")], ["@acme/nexus", "tenants:"]),
        ([server("a", D), server("b", D)], [], ["servers:degraded", "tenants:"]),
    ],
)
def test_the_sentence_knows_what_it_names(servers, applications, about):
    parts = sentence(servers, applications, 2, 9)
    assert [part.about for part in parts if part.about] == about


ALERT = AlertView(
    id="1", severity="critical", status="active", title="", message="", target="vps-1",
    triggered_at=0.0, acknowledged_at=None, acknowledged_by=None, impact=(),
    told="Ops was told by webhook",
)  # fmt: skip


@pytest.mark.parametrize(
    ("alerts", "trouble", "sentence"),
    [
        ([], None, "No alert is active."),
        ([ALERT], None, "Ops was told by webhook; not acknowledged yet."),
        ([replace(ALERT, acknowledged_by="kim")], None, "kim has acknowledged it."),
        (
            [ALERT, ALERT],
            None,
            "Ops was told by webhook; not acknowledged yet. 1 more alert is active.",
        ),
        (
            [ALERT] * 3,
            None,
            "Ops was told by webhook; not acknowledged yet. 2 more alerts are active.",
        ),
        ([ALERT], "The disk is full", "The disk is full"),
    ],
)
def test_told(alerts, trouble, sentence):
    assert told(alerts, trouble, len(alerts)) == sentence


def test_alerts_beyond_those_at_hand_count_too():
    assert told([ALERT], None, 250).endswith("249 more alerts are active.")
