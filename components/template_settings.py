"""What messages say: the templates by channel and event, and an editor that shows the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from components.channel_settings import LABELS
from components.marks import moment
from components.people_settings import FORMS
from components.setting_forms import Dialog, section, table

_ROWS = {"subject": 2, "title": 2, "text": 10, "html": 14}


def templates(found: Sequence[Mapping[str, Any]]) -> Component:
    """Every template: ``channel``, ``event``, and who edited it (``by``, ``at``) if anybody did."""
    rows = [
        [
            html.B(LABELS[one["channel"]]),
            html.Code(one["event"]),
            ["edited by ", one["by"], ", ", moment(one["at"], "at")]
            if one["at"]
            else html.Span("default", className="aside"),
            [FORMS.open("template", key := f"{one['channel']}/{one['event']}", "Edit", key)],
        ]
        for one in found
    ]
    return section(
        "Templates",
        "What messages say, by channel and event. A webhook's body is fixed, so it has none.",
        None,
        table(("Channel", "Event", "State", ""), rows, "Templates"),
    )


def template_form(
    one: Mapping[str, Any],
    variables: Sequence[tuple[str, str]],
    alerts: Sequence[tuple[str, str]],
) -> Dialog:
    """The editor: ``parts`` by name, ``variables`` with what they mean, and ``alerts`` (id, title)
    that the preview can be of."""
    key = f"{one['channel']}/{one['event']}"
    meanings = [
        part
        for name, meaning in variables
        for part in (html.Dt(html.Code(f"{{{{ {name} }}}}")), html.Dd(meaning))
    ]
    back = FORMS.do("template-reset", key, "Bring the default back", look="quiet")
    return Dialog(
        f"Template: {LABELS[one['channel']]}, {one['event']}",
        html.Div(
            [
                html.Div(
                    [
                        *(
                            FORMS.lines(part, part.capitalize() if part != "html" else "HTML",
                                        source, rows=_ROWS[part], spellcheck=False,
                                        className="set-source")
                            for part, source in one["parts"].items()
                        ),
                        html.Details(
                            [html.Summary("Variables"), html.Dl(meanings, className="set-words")]
                        ),
                    ],
                    className="set-sources",
                ),
                html.Div(
                    [
                        FORMS.choice("alert", "Preview with", [("", "an example"), *alerts], ""),
                        FORMS.look("template", key),
                    ]
                ),
            ],
            className="set-editor",
        ),
        [back if one["at"] else html.Span(), FORMS.do("template", key, "Save template")],
    )  # fmt: skip


def preview(texts: Mapping[str, str]) -> Component:
    """What a template says, by part. HTML is shown in a frame that may do nothing."""
    shown = [
        html.Div(
            [
                html.H3("HTML" if part == "html" else part.capitalize()),
                html.Iframe(srcDoc=said, sandbox="", title="The e-mail as it is shown")
                if part == "html"
                else html.Pre(said),
            ]
        )
        for part, said in texts.items()
    ]
    return html.Div(shown, className="set-preview", **{"data-testid": "template-preview"})


def mistakes(message: str, details: Sequence[Any]) -> Component:
    """What is wrong with a template, with part and line."""
    rows = [
        html.Li(
            [
                html.B(f"{one['field']}, line {one['line']}" if one.get("line") else one["field"]),
                f": {one['problem']}",
            ]
        )
        for one in details
        if isinstance(one, Mapping) and "field" in one and "problem" in one
    ]
    return html.Div(
        [html.H3("This cannot be sent"), html.Ul(rows) if rows else html.P(message)],
        className="set-wrong",
        role="alert",
    )
