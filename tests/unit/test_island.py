"""Parts that are sent as HTML."""

from __future__ import annotations

import dash_bootstrap_components as dbc
import pytest
from dash import dcc, html

from components.island import island, markup


def test_a_tree_becomes_the_html_that_dash_would_have_made_of_it() -> None:
    tree = html.Details(
        [
            html.Summary(["a ", html.B("b"), None]),
            html.Time("10:40", dateTime="2025-11-23T10:40:00Z", **{"data-form": "since"}),
            html.I(className="dot", tabIndex=0, style={"--value": "3", "clipPath": "none"}),
        ],
        id={"type": "service-type", "name": "backend"},
        open=True,
    )
    assert markup(tree) == (
        '<details id="{&quot;name&quot;:&quot;backend&quot;,&quot;type&quot;:&quot;service-type'
        '&quot;}" open=""><summary>a <b>b</b></summary>'
        '<time datetime="2025-11-23T10:40:00Z" data-form="since">10:40</time>'
        '<i class="dot" style="--value:3;clip-path:none" tabindex="0"></i></details>'
    )


def test_what_a_service_says_stays_text() -> None:
    said = "<script>alert('x')</script> & \"more\""
    assert markup(html.Span(said, title=said)) == (
        '<span title="&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;more&quot;">'
        "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;more&quot;</span>"
    )


def test_a_link_changes_the_page_as_dash_does() -> None:
    assert markup(dcc.Link("vps-1", href="/health/vps/vps-1")) == (
        '<a href="/health/vps/vps-1" data-link="">vps-1</a>'
    )


def test_what_callbacks_listen_to_is_refused() -> None:
    with pytest.raises(TypeError, match="Button"):
        island(html.Div(dbc.Button("Acknowledge", id="acknowledge")))
