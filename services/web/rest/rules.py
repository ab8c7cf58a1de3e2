"""``/api/admin/alerts/rules``: when somebody must know, and who."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal

from flask import Response, current_app, g, jsonify, request
from pydantic import Field

from services.alerts.rules.desk import Entry
from services.alerts.rules.files import without_secrets
from services.alerts.rules.sight import Sight
from services.container import acting, current
from services.errors import NotFound, ValidationError
from services.observation import Status
from services.rule import Severity
from services.times import iso
from services.views.pages import Kind, Wanted, page
from services.web.rest import cursors
from services.web.rest.cursors import PageQuery
from services.web.rest.operation import CHECK_ANSWERS, Answer, Body, Routes, told_apart

PREFIX = "/api/admin/alerts/rules"
routes = Routes("Alert rules")

#: Characters of an import.
LONGEST = 5 * 1024 * 1024
#: What an answer says of a rule besides the rule itself; sent back, it is passed over.
ABOUT = ("version", "source", "updatedAt", "updatedBy", "warnings")

_TAG = re.compile(r'(?:W/)?"([0-9]{1,9})(?:-[0-9a-f]+)?"')
_RANK = {severity: float(rank) for rank, severity in enumerate(Severity)}


class RulesQuery(PageQuery):
    enabled: bool | None = None
    severity: Literal["info", "warning", "critical"] | None = None
    q: str = Field("", max_length=200, description="text in name, id and metric, whatever its case")
    sort: str = Field(
        "name",
        max_length=30,
        description="name, id, severity or updatedAt, with - in front for the largest first",
    )


class RulesImport(Body):
    """``replace``: rules that are not in the text go, but for those of the inventory file.
    ``dryRun``: only says what would be done."""

    yaml: str = Field(max_length=LONGEST)
    replace: bool = False
    dry_run: bool = False


class RulePlan(Answer):
    channels: list[str]
    recipients: list[str]


class RuleNotification(RulePlan):
    """``escalateAfter`` and ``remindEvery`` in seconds."""

    escalate_after: float | None
    remind_every: float | None


class RuleStep(RulePlan):
    """``after`` in seconds."""

    after: float


class AlertRule(Answer):
    """``keepFiringFor`` in seconds. ``source`` is ``file`` for a rule of the inventory file, which
    cannot be changed here; ``default`` for one that nobody has changed yet. ``warnings`` say what
    it will not achieve, such as recipients that cannot be told."""

    id: str
    name: str
    severity: Severity
    condition: dict[str, Any]
    notification: RuleNotification
    enabled: bool
    scope: dict[str, list[str]]
    keep_firing_for: float
    escalation: list[RuleStep]
    raise_severity: list[dict[str, Any]]
    runbook_url: str | None
    version: int
    source: Literal["ui", "file", "default"]
    updated_at: str
    updated_by: str | None
    warnings: list[str]


class AlertRules(Answer):
    rules: list[AlertRule]
    total: int
    next_cursor: str | None


class AlertRuleVersion(Answer):
    """``rule`` is null where it was taken away; what goes without saying is left out of it."""

    version: int
    at: str
    by: str
    rule: dict[str, Any] | None


class AlertRuleVersions(Answer):
    versions: list[AlertRuleVersion]
    next_cursor: str | None


class RulesImported(Answer):
    """How many rules, and which: ``ids`` has a list for each of the four."""

    dry_run: bool
    created: int
    changed: int
    unchanged: int
    deleted: int
    ids: dict[str, list[str]]


@routes.get(PREFIX, query=RulesQuery, answer=AlertRules)
def list_alert_rules(query: RulesQuery) -> dict[str, Any]:
    """The rules in force, enabled or not.

    Limited callers get those that name nothing of others, without their recipients."""
    rows = {
        entry.rule.id: entry
        for entry in _seen()
        if query.enabled in (None, entry.rule.enabled)
        and query.severity in (None, entry.rule.severity)
    }
    name, after = f"rules:{query.sort}", None
    if query.cursor is not None:
        value, id_ = cursors.unpack(name, query.cursor, object, str)
        after = value, id_
    wanted = Wanted(q=query.q, sort=query.sort, limit=query.limit, after=after)
    found = page(list(rows), _kind(rows), wanted)
    following = cursors.pack(name, found.last) if found.last else None
    return {"rules": found.rows, "total": found.total, "nextCursor": following}


@routes.post(PREFIX, who="whole", free_body=True, answer=AlertRule, status=201)
def add_alert_rule(body: dict[str, Any]) -> Response:
    """Add a rule.

    409 when there is one of this id."""
    return _answer(current().rules.create(_rule(body), acting()), 201)


@routes.get(f"{PREFIX}/export", who="whole", media=("text/yaml",))
def export_alert_rules() -> Response:
    """All rules as YAML, as the inventory has them and the import takes them."""
    response = Response(current().rules.export(), content_type="text/yaml; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="healthdeck-rules.yml"'
    return told_apart(response)


@routes.post(f"{PREFIX}/import", who="whole", body=RulesImport, answer=RulesImported)
def import_alert_rules(body: RulesImport) -> dict[str, Any]:
    """Take in all rules of a YAML text, or none.

    Each mistake is told with its line, rule and field. 409 for a rule that the inventory file has
    differently, and for more than 10,000."""
    done = current().rules.import_(body.yaml, acting(), body.replace, body.dry_run)
    parts = {field.name: getattr(done, field.name) for field in fields(done)}
    return {
        "dryRun": body.dry_run,
        **{name: len(ids) for name, ids in parts.items()},
        "ids": {name: list(ids) for name, ids in parts.items()},
    }


@routes.get(f"{PREFIX}/<rule_id>", answer=AlertRule)
def get_alert_rule(rule_id: str) -> Response:
    """One rule.

    Its ETag is what a change may send as If-Match."""
    entry = current().rules.get(rule_id)
    if not _sight().sees(entry.rule):
        raise NotFound(f"There is no rule '{rule_id}'.")
    return told_apart(_answer(entry))


@routes.put(
    f"{PREFIX}/<rule_id>",
    who="whole",
    free_body=True,
    answer=AlertRule,
    errors=(409,),
    if_match=True,
)
def change_alert_rule(rule_id: str, body: dict[str, Any]) -> Response:
    """Write a rule anew.

    With If-Match (the ETag of the rule, or its version in quotes) 409 when somebody else has
    changed it since. 409 for one of the inventory file. What changes nothing makes no version."""
    return _answer(current().rules.change(rule_id, _rule(body), acting(), _expected()))


@routes.delete(f"{PREFIX}/<rule_id>", who="whole", errors=(409,), if_match=True)
def delete_alert_rule(rule_id: str) -> None:
    """Take a rule away.

    Its alerts end; its versions stay. If-Match as for a change. 409 for one of the inventory
    file."""
    current().rules.delete(rule_id, acting(), _expected())


@routes.get(f"{PREFIX}/<rule_id>/versions", who="whole", query=PageQuery, answer=AlertRuleVersions)
def list_alert_rule_versions(rule_id: str, query: PageQuery) -> dict[str, Any]:
    """What a rule was, the newest first, also one that is gone."""
    before = cursors.number("versions", query.cursor) if query.cursor is not None else None
    found = current().rules.versions(rule_id, query.limit + 1, before)
    rows = [
        {"version": past.version, "at": iso(past.at), "by": past.by, "rule": past.spec}
        for past in found[: query.limit]
    ]
    more = len(found) > query.limit
    return {
        "versions": rows,
        "nextCursor": cursors.pack("versions", (found[query.limit - 1].version,)) if more else None,
    }


def _sight() -> Sight:
    return Sight.of(current().read.fleet(), g.principal.scope)


def _seen() -> list[Entry]:
    sight = _sight()
    return [entry for entry in current().rules.all() if sight.sees(entry.rule)]


def _body(entry: Entry) -> dict[str, Any]:
    """A rule as a caller sees it. Who is told, and by whom it was written, is not for limited
    callers to know."""
    spec = without_secrets(entry.rule.model_dump(mode="json", by_alias=True))
    limited = g.principal.scope is not None
    if limited:
        for plan in (spec["notification"], *spec["escalation"]):
            plan["recipients"] = []
    return {
        **spec,
        "version": entry.version,
        "source": entry.source,
        "updatedAt": iso(entry.at),
        "updatedBy": None if limited else entry.by,
        "warnings": [] if limited else list(current().rules.warnings(entry.rule)),
    }


def _answer(entry: Entry, status: int = 200) -> Response:
    """A rule with its ETag: its version, and a digest, for what is said of it may change without
    one."""
    found = _body(entry)
    if current_app.config.get(CHECK_ANSWERS):
        AlertRule.model_validate(found)
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12]
    response = jsonify(found)
    response.status_code = status
    response.set_etag(f"{entry.version}-{digest}")
    return response


def _rule(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as it was sent, or as it was read and sent back."""
    return {name: value for name, value in sent.items() if name not in ABOUT}


def _expected() -> int | None:
    """The version that a change is made of; None when nobody says. Raises ValidationError."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise ValidationError('If-Match must be the ETag of the rule, such as "3", in quotes.')
    return int(found[1])


def _kind(rows: Mapping[str, Entry]) -> Kind:
    def text(id_: str) -> str:
        rule = rows[id_].rule
        return f"{rule.name}\n{id_}\n{rule.condition.metric}"

    return Kind(
        {
            "name": lambda id_: rows[id_].rule.name.casefold(),
            "id": lambda id_: id_,
            "severity": lambda id_: _RANK[rows[id_].rule.severity],
            "updatedAt": lambda id_: rows[id_].at,
        },
        lambda _: Status.UNKNOWN,  # nobody can ask for it
        text,
        lambda id_: _body(rows[id_]),
    )
