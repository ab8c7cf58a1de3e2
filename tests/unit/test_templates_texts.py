"""What the default messages say, and what templates may speak of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from models.alerts import AlertRow
from services.notify.body import alert_body
from services.notify.digest import Part, digest_body
from services.notify.templates import examples, sandbox
from services.notify.templates.defaults import DEFAULTS, standard
from services.notify.templates.parts import EVENTS, PARTS, Rendered, rendered
from services.notify.templates.variables import (
    FIELDS,
    LONGEST_TEXT,
    MOMENTS,
    VARIABLES,
    Surroundings,
    context,
    shape,
)

#: 2025-11-20 01:26:00 UTC, 02:26 in Amsterdam.
NOW = 1_763_601_960.0
NAMES = {"tenant-acme": "ACME Corp", "tenant-globex": "Globex"}
AROUND = Surroundings(
    base_url="https://hd.example.com",
    zone_of=lambda recipient: "Europe/Amsterdam",
    tenant_name=lambda id_: NAMES.get(id_, id_),
    runbook_of=lambda rule_id: f"https://wiki.example.com/{rule_id}",
)
LINK = f"https://hd.example.com/health/alerts?alert={'d' * 32}"
#: The characters of GSM 03.38 that take one place.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "ÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)


def default(
    channel: str, event: str, body: Mapping[str, Any] | None = None, around: Surroundings = AROUND
) -> Rendered:
    given = context(event, body or examples.example(event, NOW), "Ops", around, NOW)
    return standard(channel, event, given)


def leaves(value: Any, path: str = "") -> Iterator[str]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from leaves(inner, f"{path}{name}.")
        else:
            yield f"{path}{name}"


def test_there_is_a_default_for_each_part_of_each_channel_and_event() -> None:
    assert {key: tuple(parts) for key, parts in DEFAULTS.items()} == {
        (channel, event): parts for channel, parts in PARTS.items() for event in EVENTS
    }


@pytest.mark.parametrize("around", [AROUND, Surroundings()], ids=["known", "bare"])
@pytest.mark.parametrize(("channel", "event"), DEFAULTS)
def test_defaults_hold_to_what_is_asked_of_templates(
    channel: str, event: str, around: Surroundings
) -> None:
    everything = shape(context(event, examples.everything(NOW), "Ops", around, NOW))
    contexts = [
        context(event, body, "Ops", around, NOW)
        for body in (examples.example(event, NOW), examples.sparse(event, NOW), {})
    ]
    for one in contexts:
        texts = sandbox.render(DEFAULTS[channel, event], [one], everything)
        message = rendered(channel, texts)
        assert [part for part in PARTS[channel][:1] if not getattr(message, part)] == []
        said = " ".join(texts.values())
        assert re.findall(r"\bNone\b|\{\{|\{%|Undefined|, ,|\(\)", said) == []


def test_a_mail_says_what_whom_since_when_what_was_seen_who_and_where() -> None:
    mail = default("email", "alert.fired")
    assert mail.subject == "CRITICAL: postgres on vps-1 is unhealthy"
    assert mail.text == (
        "CRITICAL: postgres on vps-1 is unhealthy\n\n"
        "Hurts: ACME Corp and Globex\n"
        "Since: Thu 20 Nov 02:14 CET (01:14 UTC)\n"
        "Seen: Connection refused, for at least 2 min.\n"
        "On it: nobody yet\n"
        "Rule: Database down\n\n"
        f"Alert: https://hd.example.com/health/alerts?alert={'d' * 32}\n"
        "Server: https://hd.example.com/health/vps/vps-1\n"
        "Runbook: https://wiki.example.com/database-down"
    )
    for line in ("ACME Corp and Globex", "02:14 CET (01:14 UTC)", "Connection refused"):
        assert line in mail.html
    assert re.findall(r"src=|url\(|<link|<script", mail.html) == []


def test_a_mail_of_the_end_says_how_long_it_took_and_who_was_hurt() -> None:
    mail = default("email", "alert.resolved")
    assert mail.subject == "RESOLVED: postgres on vps-1 is unhealthy"
    assert mail.text.split("\n")[2:7] == [
        "Ended: Thu 20 Nov 02:26 CET (01:26 UTC)",
        "Lasted: 12 min",
        "How: Recovered: accepts connections.",
        "Hurt: ACME Corp and Globex",
        "Rule: Database down",
    ]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("around", [AROUND, Surroundings()], ids=["known", "bare"])
def test_an_sms_is_one_sms(event: str, around: Surroundings) -> None:
    message = default("sms", event, around=around)
    assert 20 < len(message.text) <= 160
    assert set(message.text) <= GSM
    assert "\n" not in message.text


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            "alert.fired",
            "CRITICAL: postgres on vps-1 is unhealthy since 02:14 CET. Hurts ACME Corp and Globex "
            + LINK,
        ),
        (
            "alert.acknowledged",
            "TAKEN ON by alice: postgres on vps-1 is unhealthy " + LINK,
        ),
        (
            "alert.resolved",
            "RESOLVED: postgres on vps-1 is unhealthy. Ended 02:26 CET, lasted 12 min " + LINK,
        ),
        (
            "alert.digest",
            (
                "4 alerts, 1 critical, 1 resolved, 1 came and went: postgres on vps-1 is "
                "unhealthy, CPU of vps-2 at 96 %, vps-3 does not report, redis on vps-2 is slow"
            ),
        ),
    ],
)
def test_an_sms_says_the_most_important_first(event: str, said: str) -> None:
    assert default("sms", event).text == said


def test_what_was_seen_is_in_the_sms_where_there_is_room() -> None:
    assert default("sms", "alert.fired", around=Surroundings()).text == (
        "CRITICAL: postgres on vps-1 is unhealthy since 01:14 UTC. Hurts tenant-acme and "
        "tenant-globex. Connection refused, for at least 2 min."
    )


def test_a_long_title_leaves_the_link_in_the_sms() -> None:
    body = examples.example("alert.fired", NOW) | {"title": "word " * 60}
    message = default("sms", "alert.fired", body).text
    assert message.endswith("d" * 32)
    assert "... since 02:14 CET" in message


def test_a_digest_leaves_nothing_out() -> None:
    body = examples.example("alert.fired", NOW)
    many = {"alerts": [body | {"id": f"{n:032}", "title": f"trouble {n}"} for n in range(1000)]}
    mail = default("email", "alert.digest", many)
    assert mail.subject == "1000 alerts, 1000 critical"
    for text in (mail.text, mail.html):
        assert {int(n) for n in re.findall(r"trouble (\d+)", text)} == set(range(1000))


def test_what_came_and_went_is_told_as_such() -> None:
    mail = default("email", "alert.digest")
    assert mail.subject == "4 alerts, 1 critical, 1 resolved, 1 came and went"
    lines = [line for line in mail.text.splitlines() if ": " in line and not line.startswith(" ")]
    assert lines == [
        "CRITICAL: postgres on vps-1 is unhealthy",
        "WARNING: CPU of vps-2 at 96 %",
        "RESOLVED: vps-3 does not report",
        "CAME AND WENT: redis on vps-2 is slow",
    ]
    assert re.findall(r"(Resolved|Came and went):</strong>", mail.html) == [
        "Resolved",
        "Came and went",
    ]


def test_a_digest_of_the_outbox_says_what_came_and_went() -> None:
    fired, ended = (examples.example(f"alert.{event}", NOW) for event in ("fired", "resolved"))
    parts = [Part("d", "alert.fired", fired), Part("d", "alert.resolved", ended)]
    body = digest_body([*parts, Part("e", "alert.resolved", ended | {"id": "e"})])
    given = context("alert.digest", body, "Ops", AROUND, NOW)
    assert given["counts"]["cameAndWent"] == 1
    assert default("email", "alert.digest", body).subject == "2 alerts, 1 resolved, 1 came and went"


def test_what_a_server_says_cannot_become_markup_or_a_header() -> None:
    body = examples.example("alert.fired", NOW) | {
        "title": "<img src=x>\r\nBcc: a@b.example",
        "message": "<script>alert(1)</script>",
    }
    mail = default("email", "alert.fired", body)
    assert mail.subject == "CRITICAL: <img src=x> Bcc: a@b.example"
    assert re.findall(r"<img|<script", mail.html) == []


def test_a_message_of_a_megabyte_is_cut() -> None:
    body = examples.example("alert.fired", NOW) | {"message": "x" * 1_000_000}
    assert len(default("email", "alert.fired", body).text) < 2 * LONGEST_TEXT


def test_the_fields_are_those_of_the_body() -> None:
    row = AlertRow(triggered_at=NOW, fired_at=NOW, impact=[])
    assert {*FIELDS, "impact"} == alert_body(row).keys()


def test_every_variable_is_explained_and_there() -> None:
    given = context("alert.resolved", examples.everything(NOW), "Ops", AROUND, NOW)
    del given["alerts"]
    there = {re.sub(r"times\.\w+\.", "times.*.", name) for name in leaves(given)}
    assert there | {"alerts"} == {name for name, _ in VARIABLES}


@pytest.mark.parametrize(
    ("zone", "both", "clock"),
    [
        ("Europe/Amsterdam", "Thu 20 Nov 02:14 CET (01:14 UTC)", "02:14 CET"),
        ("America/New_York", "Wed 19 Nov 20:14 EST (Thu 01:14 UTC)", "20:14 EST"),
        ("Asia/Kathmandu", "Thu 20 Nov 06:59 +0545 (01:14 UTC)", "06:59 +0545"),
        ("UTC", "Thu 20 Nov 01:14 UTC", "01:14 UTC"),
        (None, "Thu 20 Nov 01:14 UTC", "01:14 UTC"),
        ("Atlantis/Capital", "Thu 20 Nov 01:14 UTC", "01:14 UTC"),
        ("../etc/passwd", "Thu 20 Nov 01:14 UTC", "01:14 UTC"),
    ],
)
def test_times_are_where_the_reader_is(zone: str | None, both: str, clock: str) -> None:
    around = Surroundings(zone_of=lambda recipient: zone)
    given = context("alert.fired", examples.example("alert.fired", NOW), "Ops", around, NOW)
    fired = given["alert"]["times"]["fired"]
    assert (fired["both"], fired["clock"]) == (both, clock)
    assert given["alert"]["times"].keys() == MOMENTS.keys()


@pytest.mark.parametrize(
    ("tenants", "said"),
    [
        ([], ""),
        (["tenant-acme"], "ACME Corp"),
        (["tenant-acme", "tenant-globex"], "ACME Corp and Globex"),
        (["tenant-acme", "tenant-globex", "c", "d", "e"], "ACME Corp, Globex and 3 more"),
    ],
)
def test_who_is_hurt_in_words(tenants: list[str], said: str) -> None:
    body = examples.example("alert.fired", NOW) | {"impact": {"tenants": tenants}}
    assert context("alert.fired", body, "Ops", AROUND, NOW)["alert"]["hurts"] == said
