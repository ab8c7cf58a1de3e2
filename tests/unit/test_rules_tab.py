"""Rules in words, as a form and back, and what a preview says."""

from __future__ import annotations

from typing import Any

import pytest
from dash.development.base_component import Component

from components import rule_dialogs, rule_editor, rule_preview, rules_tab
from components.marks import NBSP
from components.rule_words import further, sentence
from components.rules_tab import RuleLine
from services.alerts.rules.defaults import DEFAULT_RULES
from services.alerts.rules.files import read_rule, shown
from services.rule import Rule
from services.views import rule_form

RICH: dict[str, Any] = {
    "id": "rich",
    "name": "CPU of the web",
    "severity": "warning",
    "condition": {
        "metric": "cpu",
        "operator": "greaterThan",
        "value": 85,
        "clearValue": 80,
        "duration": 300,
    },
    "notification": {
        "channels": ["email"],
        "recipients": ["Ops"],
        "escalateAfter": 900,
        "remindEvery": 3600,
    },
    "scope": {"vps": ["vps-1"], "tags": ["web"], "types": ["api"]},
    "keepFiringFor": 90,
    "escalation": [{"after": 1800, "channels": ["sms"], "recipients": ["Boss"]}],
    "raiseSeverity": [{"tenants": 3, "severity": "critical"}],
    "runbookUrl": "https://wiki.example/cpu",
}


def words(rule: dict[str, Any]) -> str:
    metric = rule_form.facts(rule["condition"]["metric"])
    return sentence(rule, metric, {"vps-1": "Netherlands 1"}).replace(NBSP, " ")


def texts(component: Any) -> str:
    """Every text in a component, in its order."""
    if isinstance(component, list | tuple):
        return " ".join(map(texts, component))
    if isinstance(component, Component):
        return texts(getattr(component, "children", None))
    return "" if component is None else str(component)


def a_rule(condition: dict[str, Any], **more: Any) -> dict[str, Any]:
    return shown(read_rule({"id": "a", "name": "A", "severity": "warning",
                            "condition": condition, **more}))  # fmt: skip


def test_a_rule_is_a_sentence() -> None:
    assert words(shown(read_rule(RICH))) == (
        "Warn Ops by e-mail when CPU of Netherlands 1 of type api tagged web is above 85 % for "
        "5 min."
    )
    said = further(shown(read_rule(RICH)), "%").replace(NBSP, " ")
    assert said == (
        "Clears below 80 %; goes on for 90 s after it cleared; tells again after 15 min without an "
        "answer; after 30 min also Boss by SMS; reminds every 1 h; critical from 3 tenants on."
    )


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            {"metric": "database.status", "operator": "equals", "value": "unhealthy"},
            "any database is unhealthy",
        ),
        (
            {"metric": "vps.reporting", "operator": "equals", "value": "silent"},
            "any server does not report",
        ),
        (
            {"type": "anomaly", "metric": "load", "maxPerWeek": 2, "direction": "above"},
            "Load of any server is above the usual (at most 2 a week for each)",
        ),
        (
            {"type": "absence", "metric": "responseTime", "duration": 7200},
            "Response time of any service is missing for 2 h",
        ),
    ],
)
def test_kinds_of_conditions(condition: dict[str, Any], said: str) -> None:
    assert words(a_rule(condition)) == f"Warn everybody in the app when {said}."


@pytest.mark.parametrize("rule", [*DEFAULT_RULES, read_rule(RICH)], ids=lambda rule: rule.id)
def test_a_form_keeps_the_rule(rule: Rule) -> None:
    spec = shown(rule)
    again, problems = rule_form.spec_of(rule_form.values_of(spec), spec)
    assert problems == []
    assert read_rule(again) == rule


def test_what_cannot_be_read_is_told_by_field() -> None:
    values = rule_form.values_of(shown(read_rule(RICH)))
    values |= {"value": "much", "duration": "soon", "raiseTenants": "1.5"}
    _, problems = rule_form.spec_of(values, None)
    assert {one["field"]: one["problem"] for one in problems} == {
        "value": "'much' is no number; write it as 85 or 0.5",
        "duration": "'soon' is no length of time; write it as 5 min, 90 s or 2 h",
        "raiseTenants": "is the number of tenants from which it is critical; write 3 or so",
    }


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5 min", 300),
        ("90s", 90),
        ("1.5 hours", 5400),
        ("2d", 172800),
        ("45", 45),
        ("1 week", 604800),
    ],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    values = {**rule_form.values_of(shown(read_rule(RICH))), "duration": text}
    spec, problems = rule_form.spec_of(values, None)
    assert problems == []
    assert spec["condition"]["duration"] == seconds


def test_a_browser_may_send_anything() -> None:
    junk = {"name": 7, "value": ["x"], "kind": {}, "channels": "email", "step0.after": None}
    spec, problems = rule_form.spec_of(junk, None)
    assert spec["name"] == "7"
    assert spec["notification"]["channels"] == []
    assert problems


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("condition.value", "value"),
        ("condition.metric", "metric"),
        ("condition", "clearValue"),
        ("notification.recipients[0]", "recipients"),
        ("escalation[0].after", "step0.after"),
        ("escalation", "step0.after"),
        ("runbookUrl", "runbookUrl"),
        ("scope.vps[3]", "vps"),
    ],
)
def test_mistakes_find_their_fields(path: str, field: str) -> None:
    assert rule_form.field_of(path, rule_form.values_of(shown(read_rule(RICH)))) == field


def test_a_name_makes_the_id() -> None:
    values = rule_form.values_of({**shown(read_rule(RICH)), "id": ""})
    assert rule_form.spec_of(values, None)[0]["id"] == "cpu-of-the-web"


def told(**more: Any) -> dict[str, Any]:
    return {
        "span": {"from": "2026-10-24T00:00:00Z", "to": "2026-11-23T00:00:00Z", "days": 30.0},
        "targetsWatched": 2, "notes": [], "count": 3, "pages": 4, "unit": "%",
        "comparedTo": None, "series": [], "firings": [], **more,
    }  # fmt: skip


FIRED = "It would have fired 3 times in 30 days and told Ops 4 times"
LIVE = {"enabled": True, "count": 1, "addedCount": 2, "removedCount": 0, "removed": [], "added": [
    {"target": "vps-1", "label": "Netherlands 1", "start": "2026-11-20T00:00:00Z", "end": None}
]}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, f"{FIRED}."),
        (
            {"comparedTo": LIVE},
            f"{FIRED}; 2 more than today's rule.",
        ),
        (
            {"count": 0, "pages": 0, "comparedTo": {**LIVE, "count": 11}},
            "It would not have fired in 30 days; 11 fewer than today's rule.",
        ),
        (
            {"targetsWatched": 0},
            "It would have watched nothing: no target has this metric where it looks.",
        ),
    ],
)
def test_a_preview_in_one_sentence(more: dict[str, Any], said: str) -> None:
    assert rule_preview.sentence(told(**more), RICH).replace(NBSP, " ") == said


def test_a_preview_shows_course_firings_and_changes() -> None:
    points = [
        {"timestamp": f"2026-11-2{day}T00:00:00Z", "value": 50.0, "min": 40.0, "max": 90.0}
        for day in range(3)
    ]
    place = {"target": "vps-1", "label": "Netherlands 1", "vpsId": "vps-1"}
    firing = {
        **place, "start": "2026-11-20T00:00:00Z", "end": None, "seconds": 600.0,
        "occurrences": 2, "peak": 93.04, "evidence": "CPU was above 85 %",
    }  # fmt: skip
    series = {**place, "dataPoints": points, "band": [], "words": []}
    drawn = rule_preview.shown(told(series=[series], firings=[firing], comparedTo=LIVE), RICH)
    said = texts(drawn).replace(NBSP, " ")
    assert "10 min and goes on" in said
    assert "93 %" in said
    assert "Netherlands 1" in said
    assert "2 firings that today's rule has not" in said


def test_the_list_says_where_a_rule_comes_from_and_offers_what_can_be_done() -> None:
    line = RuleLine(
        "a", "A", "Warn.", "", "warning", False, "file", 4, 2, 1.7e9, "ada", ("Nobody.",)
    )
    said = texts(rules_tab.page([line], writes=True))
    assert "fired 4 times in 30 days" in said
    assert "inventory file" in said
    assert "disabled" in said
    assert "Nobody." in said
    for writes, there in ((True, True), (False, False)):
        drawn = texts(rules_tab.page([line], writes=writes))
        assert ("New rule" in drawn) is there
        assert ("Duplicate A" in drawn) is there


def test_no_rule_and_none_that_fits() -> None:
    assert "There is no rule" in texts(rules_tab.listed([], 0, writes=True))
    assert "No rule is like that" in texts(rules_tab.listed([], 3, writes=True))


def test_mistakes_of_an_import_have_their_lines() -> None:
    detail = {"line": 5, "rule": "load", "field": "condition.metric", "problem": "no metric"}
    said = texts(rule_dialogs.mistakes("The rules cannot be taken in.", [detail]))
    assert "5" in said
    assert "condition.metric" in said


def test_a_rule_of_the_file_cannot_be_saved() -> None:
    spec = shown(read_rule(RICH))
    options = dict.fromkeys(("metric", "vps", "service", "tenant", "tags", "recipients"), ())
    base = {"id": "rich", "version": 1, "spec": spec, "fixed": "It stands in the file."}
    drawn = rule_editor.editor(rule_form.values_of(spec), base, options, [0])
    assert "It stands in the file." in texts(drawn)
