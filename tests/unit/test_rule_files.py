"""Rules as YAML: what is wrong in them is told with its line, and what would be right."""

from __future__ import annotations

import pytest

from services.alerts.rules.files import MAX_RULES, read_rules
from services.errors import ValidationError


def entry(*fields: str, condition: str = "metric: cpu, operator: equals, value: 1") -> str:
    known = {"id": "id: a", "name": "name: A", "severity": "severity: info"}
    known |= {field.partition(":")[0]: field for field in fields}
    return f"rules:\n- {{{', '.join(known.values())}, condition: {{{condition}}}}}"


BOMB = "rules:\n  - &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"  - &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 10)}]\n" for at in range(8)
)
WRONG = [
    ("", "the text is empty; rules stand in a list below 'rules:'"),
    ("[]", "line 1: rules stand in a list below 'rules:'"),
    ("- {id: a}", "line 1: rules stand in a list below 'rules:'"),
    ("rules:", "line 1: 'rules' is not a list; write [] for none"),
    ("rules: {id: a}", "'rules' is not a list"),
    ("rules: []\nvps: []", "line 2: there is no field 'vps' here"),
    ("rules: [", "line 1: this is not YAML"),
    ("rules: []\n---\nrules: []", "line 2: a second document"),
    ("rules: &a [*a]", "line 1: the alias '*a' lies inside its own anchor"),
    (BOMB, "line 7: with its aliases the file has more than 1,000,000 values"),
    ("rules: [7]", "line 1: needs fields below it: id, name, severity"),
    ("rules: [{}]", "needs a 'id'"),
    ("rules:\n- !!python/object:os.system {}", "line 2: the tag"),
    ("rules: ['\ud800']", "this is not valid Unicode"),
    (entry("id: rules"), "'rules' is part of the address of rules and cannot be the id of one"),
    (entry("id: export"), "'export' is part of the address"),
    (entry("id: Not An Id"), "'Not An Id' does not fit; use lower-case letters"),
    (entry('name: "a\\0b"'), "name: the character U+0000 has no place in a rule"),
    (entry('name: "a\\nb"'), "name: the character U+000A has no place in a rule"),
    (entry("name: ''"), "name: '' is empty"),
    (entry("name: 7"), "name: '7' is not text; put it in quotes"),
    (entry("severity: grave"), "severity: 'grave' is not known here; known: 'info'"),
    (entry("enabled: 'yes'"), "enabled: 'yes' is not true or false"),
    (entry("colour: red"), "colour: there is no such field"),
    (entry("keepFiringFor: true"), "keepFiringFor: 'true' is not a number"),
    (entry("runbookUrl: 'https://a:b@c/'"), "runbookUrl: a login or another secret has no place"),
    (entry("runbookUrl: 'https://c/?token=x'"), "runbookUrl: a login or another secret"),
    (entry("name: '${HOME}'"), "name: a rule that is kept here holds no variables"),
    (entry("notification: {recipients: ['tgram://1:2/3']}"), "recipients[0]: such an address"),
    (entry("escalation: [{after: 9, recipients: ['json://u:p@h']}]"), "escalation[0].recipients"),
    (entry(f"scope: {{vps: [{'a, ' * 30_000}a]}}"), "a rule takes at most 64 KiB"),
    (entry(condition="metric: cpu, operator: equals, value: .nan"), "condition: 'nan' is no"),
    (entry(condition="metric: cpu, operator: equals, value: .inf"), "'inf' is no number that cpu"),
    (entry(condition="metric: cpu, operator: equals, value: true"), "is a number or a word in"),
    (entry(condition="metric: cpu, operator: equals, value: '1'"), "write a number, without"),
    (entry(condition="metric: cpu, operator: equals"), "condition: needs a 'value'"),
    (entry(condition=f"metric: cpu, operator: equals, value: 0x{'f' * 9000}"), "that is too long"),
    (entry(condition="metric: vps.status, operator: lessThan, value: healthy"), "use equals or"),
    (entry(condition="metric: cpu, operator: equals, value: 1, duration: .nan"), "is not a number"),
    (entry(condition="metric: cpu, operator: equals, value: 1, duration: '60'"), "'60' is not a"),
    (entry(condition="type: magic, metric: cpu"), "threshold, anomaly or absence"),
    (entry(condition="type: absence, metric: cpu, duration: 0"), "it must be more than 0"),
    (entry(condition="type: anomaly, metric: vps.status"), "an anomaly needs a number"),
    ("rules:\n" + "- {id: a}\n" * (MAX_RULES + 1), "10,001 rules; at most 10,000 fit"),
    ("#" * (5 * 1024**2 + 1), "they are larger than 5 MiB"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[said[:40] for _, said in WRONG])
def test_what_cannot_be_taken_in_is_told_with_what_would_be_right(text, said):
    with pytest.raises(ValidationError) as caught:
        read_rules(text)
    assert said in caught.value.message
    assert len(caught.value.message) < 700


def test_a_rule_that_stands_twice_is_told_by_both_lines():
    text = entry() + entry("name: B").removeprefix("rules:")
    with pytest.raises(ValidationError, match="line 3: rule 'a': id: there already is a rule 'a' "
                       "on line 2"):  # fmt: skip
        read_rules(text)


def test_many_mistakes_are_not_all_told_nor_looked_for():
    with pytest.raises(ValidationError) as caught:
        read_rules("rules:\n" + "- {id: a, x: 1}\n" * 5000)
    assert 20 <= len(caught.value.details) <= 25
