"""The rules in force, stored in both databases."""

from __future__ import annotations

import json
from threading import Barrier, Thread
from time import process_time
from typing import Any

import pytest
from sqlalchemy import select

from models.alerts import RuleRow
from models.audit import AuditRow
from services.alerts.rules.defaults import DEFAULT_RULES
from services.alerts.rules.desk import RuleDesk
from services.alerts.rules.files import MAX_RULES, read_rules
from services.alerts.rules.imports import Imported
from services.errors import Conflict, NotFound, ValidationError
from services.identity.audit import Actor
from services.rule import Rule, Rulebook

#: What no database has a say in.
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
EVE, BOB = Actor("eve", "10.0.0.9"), Actor("bob")
SWAP: dict[str, Any] = {
    "id": "swap", "name": "Swap", "severity": "warning",
    "condition": {"metric": "memory", "operator": "greaterThan", "value": 95, "duration": 60},
}  # fmt: skip
DEFAULTS = {rule.id for rule in DEFAULT_RULES}


def changed(**fields: Any) -> dict[str, Any]:
    return {**SWAP, **fields}


def text_of(*specs: dict[str, Any]) -> str:
    return json.dumps({"rules": specs})  # JSON is YAML


def of_file(**fields: Any) -> Rule:
    return Rule.model_validate(changed(**fields))


class Desk(RuleDesk):
    """The rulebooks that it tells are in ``told``; its clock is ``now``."""

    def __init__(self, database, file=()):
        self.told: list[Rulebook] = []
        self.now = 1000.0
        super().__init__(database, file, self.told.append, lambda: self.now)


@pytest.fixture
def desk_of(database):
    """A process' desk over the one database."""
    return lambda *file: Desk(database, file)


@pytest.fixture
def desk(desk_of):
    return desk_of()


def history(desk, rule_id):
    return [(past.version, past.by, past.spec and past.spec["name"])
            for past in reversed(desk.versions(rule_id))]  # fmt: skip


def audited(database):
    with database.read() as session:
        return [
            (row.who, row.address, row.action, row.target, row.detail)
            for row in session.scalars(select(AuditRow).order_by(AuditRow.id))
        ]


def test_a_new_installation_begins_with_the_default_rules(desk, desk_of):
    assert desk.book == Rulebook.first(sorted(DEFAULT_RULES, key=lambda rule: rule.id))
    assert {(e.version, e.source, e.at, e.by) for e in desk.all()} == {
        (1, "default", 1000.0, "Healthdeck")
    }
    desk.delete("high-cpu-usage", EVE)
    again = desk_of()
    assert set(again.book.rules) == DEFAULTS - {"high-cpu-usage"}
    for rule_id in again.book.rules:
        again.delete(rule_id, EVE)
    assert desk_of().book.rules == {}


def test_a_rule_comes_changes_and_goes(desk, desk_of, database):
    made = desk.create(SWAP, EVE)
    assert (made.rule.name, made.version, made.source, made.by) == ("Swap", 1, "ui", "eve")
    assert desk.told[-1] is desk.book
    assert desk.book.rules["swap"] == made.rule == desk.get("swap").rule
    desk.now = 2000.0
    second = desk.change("swap", {**changed(name="Second"), "id": "swap"}, BOB)
    assert (second.version, second.at, second.by) == (2, 2000.0, "bob")
    assert desk.book.versions["swap"] == desk_of().book.versions["swap"] == 2
    desk.delete("swap", EVE)
    assert "swap" not in desk.book.rules
    assert "swap" not in desk_of().book.rules
    with pytest.raises(NotFound, match="There is no rule 'swap'"):
        desk.get("swap")
    assert desk.create(SWAP, BOB).version == 4
    assert history(desk, "swap") == [
        (1, "eve", "Swap"), (2, "bob", "Second"), (3, "eve", None), (4, "bob", "Swap"),
    ]  # fmt: skip
    assert [past.version for past in desk.versions("swap", 2, 4)] == [3, 2]
    assert [row[:4] for row in audited(database)] == [
        ("eve", "10.0.0.9", "rule.add", "swap"), ("bob", "", "rule.change", "swap"),
        ("eve", "10.0.0.9", "rule.delete", "swap"), ("bob", "", "rule.add", "swap"),
    ]  # fmt: skip
    assert len(desk.told) == 4


def test_a_changed_default_is_one_of_ours(desk):
    spec = {"name": "CPU", "severity": "info", "condition": {**SWAP["condition"], "metric": "cpu"}}
    assert desk.change("high-cpu-usage", spec, EVE).source == "ui"


def test_what_changes_nothing_makes_no_version(desk, database):
    desk.create(SWAP, EVE)
    same = {**SWAP, "enabled": True, "condition": {**SWAP["condition"], "value": 95.0}}
    assert desk.change("swap", same, BOB).version == 1
    assert len(desk.told) == len(audited(database)) == 1


def test_a_version_that_is_no_longer_the_latest_is_a_conflict(desk):
    desk.create(SWAP, EVE)
    desk.change("swap", changed(name="B"), BOB, expected=1)
    said = r"'swap' is at version 2 by now \(by bob\), and you changed version 1"
    with pytest.raises(Conflict, match=said):
        desk.change("swap", changed(name="C"), EVE, expected=1)
    with pytest.raises(Conflict, match=said):
        desk.delete("swap", EVE, expected=1)
    assert desk.get("swap").rule.name == "B"
    desk.delete("swap", EVE, expected=2)


def test_of_two_changes_of_one_version_one_wins(desk_of):
    desks = [desk_of() for _ in range(4)]  # as many processes
    desks[0].create(SWAP, EVE)
    barrier, outcomes = Barrier(8), []

    def change(number):
        barrier.wait(20)
        try:
            desks[number % 4].change("swap", changed(name=f"By {number}"), EVE, expected=1)
            outcomes.append(number)
        except Conflict:
            outcomes.append(None)

    threads = [Thread(target=change, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (winner,) = [number for number in outcomes if number is not None]
    assert len(outcomes) == 8
    book = desk_of().book
    assert book.rules["swap"].name == f"By {winner}"
    assert book.versions["swap"] == 2


def test_a_rule_deleted_while_a_change_of_it_is_under_way(desk, desk_of):
    desk.create(SWAP, EVE)
    other = desk_of()
    other.delete("swap", BOB)
    with pytest.raises(NotFound):
        desk.change("swap", changed(name="B"), EVE, expected=1)
    assert "swap" not in desk_of().book.rules


def test_a_change_is_made_of_what_is_stored(desk, desk_of):
    other = desk_of()
    desk.create(SWAP, EVE)
    other.create(changed(id="mine"), BOB)
    assert set(other.told[-1].rules) == DEFAULTS | {"swap", "mine"}


def test_a_rule_of_the_file_wins_and_is_read_only(desk_of):
    desk = desk_of()
    desk.create(SWAP, EVE)
    book = desk.take_file([of_file(name="Of the file")])
    assert book is desk.book
    assert (book.rules["swap"].name, book.versions["swap"]) == ("Of the file", 2)
    assert len(desk.told) == 1  # of its creation
    entry = desk.get("swap")
    assert (entry.source, entry.by) == ("file", "inventory file")
    for act in (
        lambda: desk.change("swap", SWAP, EVE),
        lambda: desk.delete("swap", EVE),
        lambda: desk.create(SWAP, EVE),
        lambda: desk.import_(text_of(SWAP), EVE),
    ):
        with pytest.raises(Conflict):
            act()
    assert desk.take_file([]).rules["swap"].name == "Swap"
    assert desk.get("swap").source == "ui"
    assert history(desk, "swap") == [
        (1, "eve", "Swap"), (2, "inventory file", "Of the file"), (3, "inventory file", "Swap"),
    ]  # fmt: skip
    assert desk.book.versions["swap"] == desk_of().book.versions["swap"] == 3


def test_changes_of_the_file_are_versions_too(desk_of):
    file = of_file()
    assert desk_of(file).book.versions["swap"] == 1
    assert desk_of(file).book.versions["swap"] == 1  # nothing new in it
    assert desk_of(of_file(name="B")).book.versions["swap"] == 2
    desk = desk_of()
    assert "swap" not in desk.book.rules
    assert history(desk, "swap") == [
        (1, "inventory file", "Swap"), (2, "inventory file", "B"), (3, "inventory file", None),
    ]  # fmt: skip


def test_a_secret_recipient_of_the_file_is_neither_stored_nor_exported(desk_of, database):
    secret = {"channels": ["apprise"], "recipients": ["tgram://1234:hush-hush/5", "Ops"]}
    desk = desk_of(of_file(notification=secret), of_file(id="plain"))
    assert desk.book.rules["swap"].notification.recipients[0].endswith("hush-hush/5")
    (past,) = desk.versions("swap")
    assert past.spec["notification"]["recipients"] == ["tgram://***", "Ops"]
    exported = desk.export()
    assert "hush" not in exported
    assert "# Left out, for their recipients are secrets: swap." in exported
    assert {rule.id for rule in read_rules(exported)} == DEFAULTS | {"plain"}


def test_a_stored_rule_that_cannot_be_read_any_more_stops_nothing(desk, desk_of, database):
    desk.create(SWAP, EVE)
    with database.write() as session:
        row = session.get_one(RuleRow, "swap")
        row.spec = {**row.spec, "severity": "apocalyptic"}
    again = desk_of()
    assert set(again.book.rules) == DEFAULTS
    assert again.create(SWAP, EVE).version == 2


def test_what_is_exported_can_be_taken_in_again(desk, desk_of, database):
    desk.create(
        changed(
            scope={"tags": ["a"], "exceptTypes": ["redis"]},
            escalation=[{"after": 60, "channels": ["sms"], "recipients": ["Ops", "été: #1"]}],
            raiseSeverity=[{"tenants": 5, "severity": "critical"}],
            runbookUrl="https://runbooks.example/swap?a=b#c",
        ),
        EVE,
    )
    desk.create(changed(id="odd", condition={"type": "anomaly", "metric": "cpu"}), EVE)
    desk.create(changed(id="gone", condition={"type": "absence", "metric": "cpu", "duration": 9}),
                EVE)  # fmt: skip
    text, before = desk.export(), desk.book
    assert "value: 95\n" in text  # no 95.0
    answer = desk.import_(text, EVE, replace=True)
    assert (answer.created, answer.changed, answer.deleted) == ((), (), ())
    assert set(answer.unchanged) == set(before.rules)
    for rule_id in before.rules:
        desk.delete(rule_id, EVE)
    desk.import_(text, EVE)
    assert desk.book.rules == before.rules
    assert desk_of().book == desk.book


def test_an_import_says_what_it_did(desk, database):
    desk.create(SWAP, EVE)
    desk.create(changed(id="old"), EVE)
    text = text_of(changed(name="New"), changed(id="fresh"), changed(id="old"))
    planned = desk.import_(text, BOB, dry_run=True)
    assert planned == Imported(("fresh",), ("swap",), ("old",), ())
    assert "fresh" not in desk.book.rules
    assert desk.import_(text, BOB) == planned
    assert (desk.book.rules["swap"].name, desk.book.versions["swap"]) == ("New", 2)
    assert desk.get("fresh").by == "bob"
    done = desk.import_(text_of(changed(id="fresh")), BOB, replace=True)
    assert set(done.deleted) == DEFAULTS | {"swap", "old"}
    assert set(desk.book.rules) == {"fresh"}
    assert history(desk, "swap")[-1] == (3, "bob", None)
    who, _, action, target, detail = audited(database)[-1]
    assert (who, action, target, detail["deleted"]) == ("bob", "rule.import", "*", 11)
    assert "swap" in detail["deletedIds"]
    assert len(desk.told) == 4


def test_replacing_leaves_the_rules_of_the_file(desk_of):
    desk = desk_of(of_file())
    done = desk.import_("rules: []", EVE, replace=True)
    assert set(done.deleted) == DEFAULTS
    assert set(desk.book.rules) == {"swap"}
    assert desk.import_(text_of(SWAP), EVE).unchanged == ("swap",)


@ON_SQLITE
def test_an_import_with_one_mistake_takes_nothing_in(desk):
    before = desk.book
    text = """rules:
  - {id: a, name: A, severity: info, condition: {metric: cpu, operator: equals, value: 1}}
  - id: b
    name: B
    severity: info
    condition:
      metric: cpuu
      operator: equals
      value: 1
      duration: -1
"""
    with pytest.raises(ValidationError) as caught:
        desk.import_(text, EVE, replace=True)
    assert caught.value.message.startswith("The rules cannot be taken in, so none was: line 7: ")
    assert caught.value.details == [
        {
            "line": 7, "rule": "b", "field": "condition.metric",
            "problem": "there is no metric 'cpuu'; did you mean cpu?",
        },
        {
            "line": 10, "rule": "b", "field": "condition.duration",
            "problem": "'-1' is out of range; it must be at least 0",
        },
    ]  # fmt: skip
    assert desk.book is before


@ON_SQLITE
@pytest.mark.parametrize("id_", ["rules", "export", "import", "preview", "config"])
def test_a_word_of_the_address_is_no_id(desk, id_):
    with pytest.raises(ValidationError, match="cannot be the id of one") as caught:
        desk.create(changed(id=id_), EVE)
    assert caught.value.details[0]["field"] == "id"


@ON_SQLITE
@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"id": 7}, "id"),
        ({"name": None}, "name"),
        ({"condition": []}, "condition"),
        ({"condition": {**SWAP["condition"], "value": 10**400}}, "condition.value"),
        ({"condition": {**SWAP["condition"], "value": float("nan")}}, "condition"),
        ({"condition": {**SWAP["condition"], "clearValue": 99}}, "condition"),
        ({"notification": {"channels": ["email", "pigeon"]}}, "notification.channels[1]"),
        ({"escalation": [{"after": 5}, {"after": 5}]}, "escalation"),
        ({"scope": {"vsp": ["a"]}}, "scope.vsp"),
        ({"raiseSeverity": [{"tenants": 0, "severity": "info"}]}, "raiseSeverity[0].tenants"),
    ],
)
def test_a_wrong_rule_is_told_by_its_field(desk, wrong, field):
    for act in (lambda: desk.create(changed(**wrong), EVE),
                lambda: desk.change("service-down", changed(**wrong, **{} if "id" in wrong else
                                    {"id": "service-down"}), EVE)):  # fmt: skip
        with pytest.raises(ValidationError) as caught:
            act()
        assert field in [detail["field"] for detail in caught.value.details]


def test_an_id_does_not_change(desk):
    with pytest.raises(ValidationError, match="The id stays 'service-down'"):
        desk.change("service-down", SWAP, EVE)


@ON_SQLITE
def test_ten_thousand_rules_and_not_one_more(desk, desk_of):
    room = MAX_RULES - len(DEFAULTS)
    specs = [changed(id=f"r-{number}", name=f"Rule {number}") for number in range(room)]
    began = process_time()
    assert len(desk.import_(text_of(*specs), EVE).created) == room
    assert process_time() - began < 30  # some 5 s on an idle core
    with pytest.raises(Conflict, match="That would be 10,001 rules, and at most 10,000 fit"):
        desk.import_(text_of(SWAP), EVE)
    with pytest.raises(Conflict, match="There are 10,000 rules, and no more fit"):
        desk.create(SWAP, EVE)
    assert desk.change("r-7", changed(id="r-7"), BOB).version == 2
    assert desk_of().book == desk.book
    assert len(desk.book.rules) == MAX_RULES


def test_what_a_rule_does_not_achieve_is_asked_each_time(database):
    said = ["Nobody has the name 'Opps'."]
    desk = RuleDesk(database, (), lambda _book: None, warn=lambda _rule: said)
    assert desk.warnings(desk.get("service-down").rule) == tuple(said)
