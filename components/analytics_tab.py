"""What alerts add up to: figures beside those of the period before, charts and patterns, each with
the way to the alerts that it was counted from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from components.bars import Bars, bars, heatmap
from components.charts import graph
from components.links import inside
from components.marks import DASH, NBSP, count, named
from components.states import empty
from services.times import span

Told = Mapping[str, Any]
Options = Sequence[Mapping[str, str]]

RANGES = {"7d": "7 d", "30d": "30 d", "90d": "90 d"}
FILTERS = {"rule": "rule", "vps": "server", "tenant": "tenant", "severity": "severity"}
COLOURS = {
    "critical": "var(--unhealthy-bar)", "warning": "var(--degraded-bar)", "info": "var(--accent)",
}  # fmt: skip
#: What a filter says that leaves everything; a choice without a value would show no words.
ANY = "any"
#: Rows of a list.
MOST = 8
#: What fired more rarely says nothing about precision.
FEW = 3


def page(chosen: Mapping[str, str], options: Mapping[str, Options]) -> Component:
    """The tab with its range and filters; ``options`` of ``rule``, ``vps`` and ``tenant``."""
    severities = [{"label": one, "value": one} for one in COLOURS]
    every = {**options, "severity": severities}
    return html.Div(
        [
            html.Div(
                [
                    html.Div(
                        dbc.RadioItems(
                            id="analytics-range",
                            options=[{"label": v, "value": k} for k, v in RANGES.items()],
                            value=chosen.get("range", "30d"),
                            inline=True,
                        ),
                        className="segments",
                        role="group",
                        **{"aria-label": "How much of the past"},
                    ),
                    *[_filter(name, chosen, every[name]) for name in FILTERS],
                ],
                className="analytics-head",
            ),
            dcc.Store(id="analytics-zone"),
            html.Div(html.P("Counting ...", className="aside"), id="analytics-body"),
        ],
        className="analytics",
    )


def body(told: Told, shape: Told, chosen: Mapping[str, str]) -> Component:
    """Everything that was counted. ``told``: as the API tells it; ``shape``: its pictures;
    ``chosen``: the range and the filters, for the ways to the lists."""
    ways = _Ways(chosen)
    if not told["totals"]["firings"]:
        before = told["totals"]["before"]["firings"]
        then = f"In the period before it were {before:,}." if before else "Choose a longer range."
        return html.Div([empty("No alert fired in this time.", then), _counting(told)])
    return html.Div(
        [
            _figures(told, ways),
            _card(
                "Alerts a day",
                graph("analytics-days", _days(shape), "Alerts of each day by severity", 190),
                ways.to("Show them"),
            ),
            html.Div(
                [
                    _card("Noisiest rules", _noisy(told["rules"], ways), None),
                    _card("Where", _targets(told["byTarget"], ways), None),
                ],
                className="analytics-two",
            ),
            _card(
                "By hour and weekday",
                heatmap(shape["week"], "Alerts by weekday and hour of the day"),
                html.Span(told["timeZone"], className="aside"),
            ),
            _card("Patterns", _patterns(told["patterns"], ways), None),
            _card("Flapping", _flapping(told["flapping"], ways), None),
            _counting(told),
        ],
        className="analytics-all",
    )


class _Ways:
    """Addresses of lists of alerts: with the filters that were chosen, and more of them."""

    def __init__(self, chosen: Mapping[str, str]) -> None:
        self._chosen = {name: value for name, value in chosen.items() if value}

    def address(self, **more: str) -> str:
        asked = {"tab": "history", **self._chosen, **more}
        query = {name: value for name, value in asked.items() if value}
        return inside(f"/health/alerts?{urlencode(query)}")

    def to(self, text: str, **more: str) -> Component:
        return dcc.Link(text, href=self.address(**more), className="way")


def _filter(name: str, chosen: Mapping[str, str], options: Options) -> Component:
    value = chosen.get(name, "")
    every = [{"label": f"any {FILTERS[name]}", "value": ANY}, *options]
    if value and value not in {one["value"] for one in options}:
        every.append({"label": value, "value": value})
    choice = dbc.Select(id=f"analytics-{name}", options=every, value=value or ANY)
    return named(f"Only of this {FILTERS[name]}", choice)


def _figures(told: Told, ways: _Ways) -> Component:
    totals, before = told["totals"], told["totals"]["before"]
    messages = sum(row["messages"] for row in told["rules"]["rows"])
    taken, over = told["acknowledgement"], told["resolution"]
    return html.Div(
        [
            _figure("Alerts", f"{totals['firings']:,}", _than(totals["firings"], before["firings"],
                    "more", "fewer"), _over_and_open(totals["open"], ways)),
            _figure("Told of", f"{totals['told']:,}", _than(totals["told"], before["told"],
                    "more", "fewer"), html.Span(f"{messages:,} messages left", className="aside")),
            _figure("Until acknowledged", _length(taken["median"]),
                    _than(taken["median"], taken["before"]["median"], "slower", "faster"),
                    _spread(taken, "MTTA")),
            _figure("Until over", _length(over["median"]),
                    _than(over["median"], over["before"]["median"], "slower", "faster"),
                    _spread(over, "MTTR")),
            _false(told["falsePositives"], ways),
        ],
        className="card analytics-figures",
    )  # fmt: skip


def _figure(label: str, value: str, change: str, more: Component) -> Component:
    return html.Div(
        [
            html.Span(label, className="label"),
            html.B(value),
            html.Span(change, className="change"),
            more,
        ]
    )


def _over_and_open(still: int, ways: _Ways) -> Component:
    """The ways to both lists: the history has what is over, and open alerts have their own."""
    more = [" · ", ways.to(f"{still:,} open", tab="active", range="")] if still else []
    return html.Span([ways.to("Show them"), *more])


def _spread(times: Told, name: str) -> Component:
    if not times["count"]:
        return html.Span("nothing to measure", className="aside")
    text = f"{name} {_length(times['mean'])}, nine of ten within {_length(times['p90'])}"
    return html.Span(text, className="aside")


def _false(found: Told, ways: _Ways) -> Component:
    share = found["falsePositiveShare"]
    of = f"of {count(found['resolved'], 'alert')} that are over"
    value = DASH if share is None else f"{share:g}{NBSP}%"
    marked = found["falsePositives"]["marked"]
    way = ways.to(f"{marked} marked by hand", fp="1") if marked else None
    none = html.Span("none marked by hand", className="aside")
    return _figure("Were nothing", value, of, way or none)


def _than(now: float | None, before: float | None, more: str, less: str) -> str:
    """``20 % fewer than before``."""
    if now is None:
        return ""
    if not before:
        return "none before"
    change = round(100 * (now - before) / before)
    if not change:
        return "as before"
    return f"{abs(change)}{NBSP}% {more if change > 0 else less} than before"


def _length(seconds: float | None) -> str:
    return DASH if seconds is None else span(seconds).replace(" ", NBSP)


def _days(shape: Told) -> Any:
    severities = [name for name in COLOURS if any(shape["bySeverity"][name])] or ["warning"]
    first, *others = [(name, shape["bySeverity"][name], COLOURS[name]) for name in severities]
    chart = Bars(shape["days"], first[1], first[0], colour=first[2], stacks=others, dated=True)
    figure = bars(chart)
    figure["layout"]["xaxis"]["tickformat"] = "%b %-d"
    if max(map(sum, zip(*shape["bySeverity"].values(), strict=True))) < 5:
        figure["layout"]["yaxis"]["dtick"] = 1  # there are no half alerts
    return figure


def _noisy(rules: Told, ways: _Ways) -> Component:
    most = max((row["firings"] for row in rules["rows"]), default=1)
    rows = [
        _bar(
            dcc.Link(row["ruleName"], href=ways.address(rule=row["ruleId"])),
            row["firings"], most, _precision(row),
            dcc.Link(
                "suggest",
                href=inside(f"/health/alerts?{urlencode({'tab': 'rules', 'rule': row['ruleId']})}"),
                className="way",
                title=f"Open {row['ruleName']} and ask for a milder rule",
            ) if _noise(row) else None,
        )
        for row in rules["rows"][:MOST]
    ]  # fmt: skip
    return html.Div([html.Ul(rows, className="bar-list"), _left(rules, len(rows), "rule")])


def _precision(row: Told) -> str:
    sent = count(row["messages"], "message")
    if row["precision"] is None:
        return f"{sent}; none is over yet"
    return f"{sent}; {row['precision']:g}{NBSP}% were real"


def _noise(row: Told) -> bool:
    """Whether a milder rule is worth asking for."""
    return row["firings"] >= FEW and (row["falsePositiveShare"] or 0) > 0


def _targets(found: Told, ways: _Ways) -> Component:
    most = max((row["firings"] for row in found["rows"]), default=1)
    rows = [
        _bar(
            dcc.Link(row["label"], href=ways.address(**_at(row))),
            row["firings"], most, _than(row["firings"], row["before"], "more", "fewer")
            if row["before"] else "none before", None,
        )
        for row in found["rows"][:MOST]
    ]  # fmt: skip
    return html.Div([html.Ul(rows, className="bar-list"), _left(found, len(rows), "target")])


def _at(row: Told) -> dict[str, str]:
    """The filters of the history for a target."""
    head, _, service = row["target"].partition("/")
    if head.startswith("@"):
        return {"tenant": head[1:], "service": service}
    return {"vps": row["vpsId"] or "", "service": service.partition("/")[0]}


def _bar(name: Component, number: int, most: int, about: str, way: Component | None) -> Component:
    share = f"{100 * number / max(most, 1):.1f}%"
    return html.Li(
        [
            html.Span(name, className="bar-name"),
            html.B(f"{number:,}"),
            html.Span(html.I(style={"width": share}), className="meter", **{"aria-hidden": "true"}),
            html.Span([about, " · " if way else "", way], className="aside"),
        ]
    )


def _left(found: Told, shown: int, noun: str) -> Component | None:
    left = found["total"] - shown
    return html.P(f"and {count(left, f'more {noun}')}", className="aside") if left > 0 else None


def _patterns(found: Told, ways: _Ways) -> Component:
    kinds = {"together": "Come together", "precedes": "One before the other",
             "sameHour": "At the same hour"}  # fmt: skip
    parts = [
        html.Div(
            [
                html.H3(title),
                html.Ul([_pattern(row, ways) for row in found[kind]["rows"][:MOST]]),
                _left(found[kind], min(MOST, len(found[kind]["rows"])), "pattern"),
            ]
        )
        for kind, title in kinds.items()
        if found[kind]["rows"]
    ]
    tested = sum(found[kind]["tested"] for kind in kinds)
    if not parts:
        return empty("None that is more than chance.", f"{tested:,} were looked at.")
    return html.Div([*parts, *[html.P(note, className="aside") for note in found["notes"]]],
                    className="patterns")  # fmt: skip


def _pattern(row: Told, ways: _Ways) -> Component:
    ids = [row[key]["ruleId"] for key in ("first", "second") if key in row] or [row["ruleId"]]
    rules = ",".join(dict.fromkeys(ids))
    return html.Li([f"{row['sentence']} ", ways.to("Show them", rule=rules)])


def _flapping(found: Told, ways: _Ways) -> Component:
    if not found["rows"]:
        return empty("Nothing came and went.", "Flapping is three alerts of a target in an hour.")
    rows = [
        html.Li(
            [
                _spell(row),
                ways.to("Show them", rule=row["ruleId"], **_at({**row, "vpsId": _vps(row)})),
            ]
        )
        for row in found["rows"][:MOST]
    ]
    return html.Div([html.Ul(rows), _left(found, len(rows), "target")], className="patterns")


def _spell(row: Told) -> str:
    often = f"one every {_length(row['medianGap'])}, in {count(row['spells'], 'spell')}"
    return f"{row['ruleName']} of {row['label']}: {row['firings']} alerts, {often}. "


def _vps(row: Told) -> str:
    head = str(row["target"]).partition("/")[0]
    return "" if head.startswith("@") else head


def _card(title: str, content: Any, aside: Component | None) -> Component:
    return html.Section(
        [
            html.Div([html.H2(title), html.Span(aside, className="aside")], className="head"),
            content,
        ],
        className="card analytics-card",
    )


def _counting(told: Told) -> Component:
    texts = [told["counted"], told["acknowledgement"]["definition"],
             told["resolution"]["definition"], told["falsePositives"]["definition"],
             told["patterns"]["method"]]  # fmt: skip
    return html.Details(
        [
            html.Summary(
                [html.I(className="chevron"), "How this is counted"], className="more-head"
            ),
            *[html.P(text, className="aside") for text in texts],
        ],
        className="counting",
    )
