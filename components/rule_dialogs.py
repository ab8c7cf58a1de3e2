"""What stands in front of the list of rules: a rule's end, its versions, and rules as YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.marks import moment
from components.rules_tab import RuleLine


def confirmation(line: RuleLine) -> list[Component]:
    """Whether a rule is to go."""
    return [
        dbc.ModalHeader(dbc.ModalTitle(f"Delete the rule “{line.name}”?")),
        dbc.ModalBody(
            [
                html.P(line.sentence),
                html.P(
                    "Its alerts end, and nobody is told of this any more. Its versions stay and "
                    "can be read here; its alerts stay in the history.",
                    className="aside",
                ),
            ]
        ),
        dbc.ModalFooter(
            [
                _close("Keep it"),
                dbc.Button(
                    "Delete rule",
                    id={"type": "rule-delete", "rule": line.id, "version": line.version},
                    color="danger",
                    size="sm",
                ),
            ]
        ),
    ]


def versions(name: str, past: Sequence[Mapping[str, Any]]) -> list[Component]:
    """What a rule was, the newest first: ``version``, ``at``, ``by``, ``sentence`` (None: it was
    taken away) and ``further``."""
    rows = [
        html.Li(
            [
                html.B(f"Version {one['version']}"),
                html.Span([moment(one["at"], "ago"), f" by {one['by']}"], className="aside"),
                html.P(one["sentence"] or "Deleted."),
                html.P(one["further"], className="aside") if one["further"] else None,
            ]
        )
        for one in past
    ]
    return [
        dbc.ModalHeader(dbc.ModalTitle(f"Versions of “{name}”")),
        dbc.ModalBody(html.Ol(rows, className="versions")),
        dbc.ModalFooter(_close("Close")),
    ]


def importing() -> list[Component]:
    """Rules as YAML, looked at before they are taken in."""
    return [
        dbc.ModalHeader(dbc.ModalTitle("Import rules")),
        dbc.ModalBody(
            [
                html.Label("Rules as YAML, below rules: as in the inventory", htmlFor="rules-yaml"),
                dbc.Textarea(id="rules-yaml", rows=12, spellCheck=False, className="yaml"),
                dcc.Upload(
                    html.Button("Take it from a file", type="button", className="plain"),
                    id="rules-file",
                    accept=".yml,.yaml,text/yaml",
                    max_size=5 * 1024 * 1024,
                ),
                dbc.Checkbox(
                    id="rules-replace",
                    label="Delete the rules that are not in it (those of the inventory file stay)",
                    value=False,
                ),
                html.Div(id="rules-found", **{"aria-live": "polite"}),
            ]
        ),
        dbc.ModalFooter(
            [
                _close("Cancel"),
                dbc.Button("Check", id="rules-check", color="secondary", outline=True, size="sm"),
                dbc.Button("Import", id="rules-import", color="primary", size="sm", disabled=True),
            ]
        ),
    ]


def found(parts: Mapping[str, Sequence[str]]) -> Component:
    """What an import would do: the ids of the rules by what becomes of them."""
    words = {"created": "new", "changed": "changed", "deleted": "deleted", "unchanged": "as before"}
    rows = [
        html.Li([html.B(f"{len(parts[name])} {word}"), _ids(parts[name], name)])
        for name, word in words.items()
        if parts[name]
    ]
    changes = any(parts[name] for name in ("created", "changed", "deleted"))
    said = "This is what it would do:" if changes else "It would change nothing:"
    return html.Div([html.P(said), html.Ul(rows)], className="import-found")


def mistakes(message: str, details: Sequence[Mapping[str, Any]]) -> Component:
    """Why rules cannot be taken in: each mistake with its line, rule and field."""
    rows = [
        html.Tr(
            [
                html.Td(one.get("line") or "", className="number"),
                html.Td(one.get("rule") or ""),
                html.Td(html.Code(one["field"]) if one.get("field") else ""),
                html.Td(one.get("problem", "")),
            ]
        )
        for one in details
    ]
    head = html.Tr([html.Th(word, scope="col") for word in ("Line", "Rule", "Field", "Problem")])
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="mistakes")
    return html.Div([html.P(message, className="wrong"), table if rows else None], role="alert")


def _ids(ids: Sequence[str], name: str) -> str | None:
    if name == "unchanged":
        return None
    return f": {', '.join(ids[:20])}{' and others' if len(ids) > 20 else ''}"


def _close(text: str) -> Component:
    return dbc.Button(
        text, id={"type": "rules-close", "at": text}, outline=True, color="secondary", size="sm"
    )
