"""Rules as text: one that came as JSON, or all of them as YAML, checked so that every mistake is
told with its place; and the way back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml
from pydantic import ValidationError as Invalid

from services.errors import ValidationError
from services.inventory.literals import literals
from services.inventory.load import MAX_BYTES
from services.inventory.tree import Node, Unreadable, grow, plant
from services.inventory.wording import explain
from services.inventory.written import Mistake, Path, Written, show
from services.rule import Rule

#: Rules that can be changed here.
MAX_RULES = 10_000
#: Characters of one rule, and of all that are taken in together, aliases in full.
MAX_RULE, MAX_ALL = 64 * 1024, 4 * MAX_BYTES
#: Words that stand where the id of a rule would stand in an address.
RESERVED = frozenset({"rules", "export", "import", "preview", "config"})

#: Mistakes that are told; then nobody looks any further.
_MOST = 20
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NO_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
#: Where a service of somebody else is told through; such an address holds its own password.
_SERVICE_URL = re.compile(r"\s*(?!https?:)([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_HEAD = (
    "# Alert rules of Healthdeck. They are taken in again by POST /api/admin/alerts/rules/import.\n"
)
_CONDITION = ("type", "metric", "operator", "value", "clearValue", "duration")


class _AsTheyStand(Mapping[str, str]):
    """Every variable stands for itself: a rule that is kept here holds none, and is told so."""

    def __getitem__(self, name: str) -> str:
        return f"${{{name}}}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def read_rule(given: Mapping[str, Any]) -> Rule:
    """The rule that came as JSON. Raises ValidationError with the field of each mistake."""
    written = Written(plant({"rules": [dict(given)]}), _AsTheyStand())
    rule, _ = _checked(written, 0)
    if rule is None:
        problems = [
            {"field": show(mistake.path[2:]), "problem": mistake.text}
            for mistake in written.mistakes[:_MOST]
        ]
        first = ": ".join(part for part in problems[0].values() if part)
        raise ValidationError(f"The rule is not as it should be: {first}.", problems)
    return rule


def read_rules(text: str) -> list[Rule]:
    """The rules of a YAML text, which stand below ``rules:`` as in the inventory. Raises
    ValidationError with line, rule and field of each mistake, at most 20 of them."""
    try:
        root = _tree(text)
    except Unreadable as error:
        place = "" if error.line is None else f"line {error.line}: "
        detail = {"line": error.line, "rule": None, "field": "", "problem": str(error)}
        raise ValidationError(f"The rules cannot be taken in: {place}{error}.", [detail]) from None
    written = Written(root, _AsTheyStand())
    rules: list[Rule] = []
    lines: dict[str, int] = {}
    size = 0
    for at in range(len(root.value["rules"].value)):
        if len(written.mistakes) >= _MOST:
            break
        rule, characters = _checked(written, at)
        size += characters
        if size > MAX_ALL:
            written.add(("rules", at), f"up to here they take more than {MAX_ALL // 1024**2} MiB")
            break
        if rule is not None:
            _once(rule, at, lines, written)
            rules.append(rule)
    if written.mistakes:
        raise _refusal(written)
    return rules


def write_rules(rules: Sequence[Rule]) -> str:
    """The rules as YAML that ``read_rules`` takes. Those whose recipients are secrets are left
    out, and a remark names them."""
    kept = [_plain(shown(rule)) for rule in rules if not has_secret(rule)]
    left = [rule.id for rule in rules if has_secret(rule)]
    remark = f"# Left out, for their recipients are secrets: {', '.join(left)}.\n" if left else ""
    text: str = yaml.dump(
        {"rules": kept}, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=100
    )
    return _HEAD + remark + text


def shown(rule: Rule) -> dict[str, Any]:
    """A rule as it goes over the wire and is stored, without what goes without saying and without
    secrets."""
    return without_secrets(rule.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def without_secrets(spec: dict[str, Any]) -> dict[str, Any]:
    """A rule's spec in which addresses that hold a password of their own show their kind alone."""
    for plan in (spec.get("notification"), *spec.get("escalation", ())):
        if plan and plan.get("recipients"):
            plan["recipients"] = [_without_secret(one) for one in plan["recipients"]]
    return spec


def has_secret(rule: Rule) -> bool:
    """Whether a rule, which then is the inventory file's, has recipients that nobody may see."""
    return any(_SERVICE_URL.match(one) for _, recipients in _people(rule) for one in recipients)


def _people(rule: Rule) -> Iterator[tuple[Path, Sequence[str]]]:
    """The recipients of a rule, with where they stand."""
    yield ("notification", "recipients"), rule.notification.recipients
    for at, step in enumerate(rule.escalation):
        yield ("escalation", at, "recipients"), step.recipients


def _without_secret(recipient: str) -> str:
    found = _SERVICE_URL.match(recipient)
    return f"{found[1]}://***" if found else recipient


def _checked(written: Written, at: int) -> tuple[Rule | None, int]:
    """The rule at a place of the list, and its size in characters; None when a mistake in it was
    noted."""
    place: Path = ("rules", at)
    entry, before = written.data["rules"][at], len(written.mistakes)
    _check_texts(written, entry, place)
    try:
        text = json.dumps(entry)
    except ValueError:  # a number with thousands of digits
        written.add(place, "holds a number that is too long")
        return None, 0
    if len(text) > MAX_RULE:
        written.add(place, f"a rule takes at most {MAX_RULE // 1024} KiB")
    if len(written.mistakes) > before or any(m.path[:2] == place for m in written.mistakes):
        return None, len(text)
    try:
        # JSON's own kinds: a text is no number and true is none, whatever it looks like.
        rule = Rule.model_validate_json(text, strict=True, by_alias=True, by_name=False)
    except Invalid as error:
        for item in error.errors(include_url=False, include_input=False):
            path = (*place, *item["loc"])
            item["loc"] = path
            written.add(path, explain(item, written.find(path)[2]))
        return None, len(text)
    _check_meaning(written, entry, rule, place)
    return (rule if len(written.mistakes) == before else None), len(text)


def _check_texts(written: Written, value: Any, path: Path) -> None:
    if isinstance(value, dict):
        for key, below in value.items():
            if _NO_TEXT.search(key):
                written.add(path, "has a field whose name cannot be shown")
            else:
                _check_texts(written, below, (*path, key))
    elif isinstance(value, list):
        for at, below in enumerate(value):
            _check_texts(written, below, (*path, at))
    elif isinstance(value, str) and (found := _NO_TEXT.search(value)):
        written.add(path, f"the character U+{ord(found[0]):04X} has no place in a rule")


def _check_meaning(written: Written, entry: dict[str, Any], rule: Rule, place: Path) -> None:
    """What the schema cannot say."""
    if rule.id in RESERVED:
        written.add(
            (*place, "id"),
            f"'{rule.id}' is part of the address of rules and cannot be the id of one; "
            f"write '{rule.id}-rule' or anything else",
        )
    for path, _ in literals(entry):
        text: Any = entry
        for part in path:
            text = text[part]
        written.add((*place, *path), _VARIABLE if "${" in text else _LOGIN)
    for path, recipients in _people(rule):
        for at, recipient in enumerate(recipients):
            if _SERVICE_URL.match(recipient):
                written.add((*place, *path, at), _SERVICE)


_VARIABLE = (
    "a rule that is kept here holds no variables; write the text out, or put the rule into the "
    "inventory file"
)
_LOGIN = "a login or another secret has no place in an address that everybody sees; leave it out"
_SERVICE = (
    "such an address holds a secret, which is not kept here; put the rule into the inventory file "
    "with ${NAME} in place of the address"
)


def _once(rule: Rule, at: int, lines: dict[str, int], written: Written) -> None:
    """Notes a rule whose id stands further up; ``lines`` has the line of each id."""
    line = written.find(("rules", at, "id"))[1]
    if lines.setdefault(rule.id, line) != line:
        written.add(
            ("rules", at, "id"),
            f"there already is a rule '{rule.id}' on line {lines[rule.id]}; name each once",
        )


def _tree(text: str) -> Node:
    """Raises Unreadable for what is no list of rules, or too much of it."""
    if len(text) > MAX_BYTES:
        raise Unreadable(None, f"they are larger than {MAX_BYTES // 1024**2} MiB")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unreadable(None, "this is not valid Unicode; save the file as UTF-8") from None
    root = grow(text.removeprefix("\ufeff"))
    if root is None or root.raw == "":
        raise Unreadable(None, "the text is empty; rules stand in a list below 'rules:'")
    rules = _list(root)
    if len(rules) > MAX_RULES:
        raise Unreadable(rules[0].line, f"{len(rules):,} rules; at most {MAX_RULES:,} fit")
    for node in rules:
        if node.size > MAX_RULE:
            raise Unreadable(node.line, f"a rule takes at most {MAX_RULE // 1024} KiB")
    return root


def _list(root: Node) -> list[Node]:
    if not isinstance(root.value, dict) or "rules" not in root.value:
        raise Unreadable(root.line, "rules stand in a list below 'rules:', as in the inventory")
    for name in root.value:
        if name != "rules":
            line = root.key_lines[name]
            raise Unreadable(line, f"there is no field '{name[:100]}' here; leave it out")
    rules = root.value["rules"]
    if not isinstance(rules.value, list):
        raise Unreadable(rules.line, "'rules' is not a list; write [] for none")
    return rules.value


def _detail(mistake: Mistake, written: Written) -> dict[str, Any]:
    """A mistake by line, rule and field: ``rules[2].condition.metric`` of the rule that has the
    id of its third entry."""
    path, rule = mistake.path, None
    if len(path) >= 2 and isinstance(path[1], int):
        entry = written.data["rules"][path[1]]
        named = entry.get("id") if isinstance(entry, dict) else None
        rule = named[:100] if isinstance(named, str) and not _NO_TEXT.search(named) else None
        path = path[2:]
    return {"line": mistake.line, "rule": rule, "field": show(path), "problem": mistake.text}


def _refusal(written: Written) -> ValidationError:
    ordered = sorted(written.mistakes, key=lambda mistake: mistake.line)[:_MOST]
    details = [_detail(mistake, written) for mistake in ordered]
    first = details[0]
    said = [f"line {first['line']}", f"rule '{first['rule']}'" if first["rule"] else ""]
    said += [first["field"], first["problem"]]
    return ValidationError(
        f"The rules cannot be taken in, so none was: {': '.join(part for part in said if part)}.",
        details,
    )


def _plain(spec: dict[str, Any]) -> dict[str, Any]:
    """A spec as people write it: whole numbers without a point, a condition in reading order."""
    condition = spec["condition"]
    order = [name for name in _CONDITION if name in condition]
    spec["condition"] = {name: condition[name] for name in dict.fromkeys((*order, *condition))}
    plain: dict[str, Any] = _whole(spec)
    return plain


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_whole(below) for below in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
