"""What a template may do, and how it is told what it may not."""

from __future__ import annotations

from typing import Any

import pytest

from services.notify.templates import examples, sandbox
from services.notify.templates.parts import EVENTS, PARTS, Rendered, TemplateError, rendered
from services.notify.templates.variables import Surroundings, context, shape

NOW = 1_763_600_000.0


def variables(event: str = "alert.fired") -> dict[str, Any]:
    return context(event, examples.example(event, NOW), "Ops", Surroundings(), NOW)


def names() -> Any:
    return shape(context("alert.fired", examples.everything(NOW), "Ops", Surroundings(), NOW))


def text(source: str, **more: Any) -> str:
    return sandbox.render({"text": source}, [variables() | more])["text"]


def refusal(source: str, *, looked_through: bool = True, part: str = "text") -> tuple[Any, str]:
    with pytest.raises(TemplateError) as caught:
        sandbox.render({part: source}, [variables()], names() if looked_through else None)
    problem = caught.value.problems[0]
    assert problem.part == part
    return problem.line, problem.problem


@pytest.mark.parametrize("looked_through", [True, False], ids=["at save", "at send"])
@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''['__cl' ~ 'ass__'] }}",
        "{{ alert.__class__.__mro__ }}",
        "{{ alert['__init__'] }}",
        "{{ ['']|map(attribute='__class__')|list }}",
        "{{ ['']|sort(attribute='__class__')|list }}",
        "{{ ['']|groupby('__class__')|list }}",
        "{{ [1]|join(',', attribute='__class__') }}",
        "{{ '{0.__class__}'.format(alert) }}",
        "{{ '{0}'.format(alert) }}",
        "{{ '{a}'.format_map(alert) }}",
        "{{ ''|attr('__class__') }}",
        "{{ '%s'|format(1) }}",
        "{% for i in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}",
        "{% macro m() %}{% endmacro %}{{ m.__call__ }}",
        "{% macro m() %}{% endmacro %}{{ m._func }}",
        "{% set ns = namespace(a=1) %}{{ ns.__class__ }}",
        "{{ dict.__base__ }}{{ dict.mro() }}",
        "{{ dict.fromkeys([1]) }}",
        "{{ range.__globals__ }}",
        "{{ alerts.append(1) }}",
        "{% set x = {} %}{{ x.update({}) }}",
        "{{ 'a'.encode().__class__ }}",
        "{{ self.__init__ }}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% from 'x' import x %}",
        "{% extends 'x' %}",
        "{{ alert.title|safe }}",
        "{{ range(10 ** 9)|length }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_nothing_but_text_numbers_and_lists_is_in_reach(source: str, looked_through: bool) -> None:
    refusal(source, looked_through=looked_through)


@pytest.mark.parametrize(
    ("source", "line", "problem"),
    [
        ("{{ alert.titel }}", 1, "there is no 'alert.titel'; do you mean 'title'"),
        ("a\nb\n{{ alrt.title }}", 3, "there is no 'alrt'; do you mean 'alert'"),
        ("\n{% if false %}{{ alert.messge }}{% endif %}", 2, "do you mean 'message'"),
        ("{% for one in alerts %}\n{{ one.mesage }}\n{% endfor %}", 2, "do you mean 'message'"),
        ("{{ alerts[0].titel }}", 1, "do you mean 'title'"),
        ("{{ alert['titel'] }}", 1, "do you mean 'title'"),
        ("{{ alert.times.fired.locl }}", 1, "'alert.times.fired.locl'; do you mean 'local'"),
        ("{{ alert.title|uper }}", 1, "there is no filter 'uper'; do you mean 'upper'"),
        ("{{ 'a' is evn }}", 1, "there is no test 'evn'; do you mean 'even'"),
        ("{{ zzz }}", 1, "there is no 'zzz'"),
        ("ok\n{% if %}", 2, "expected an expression"),
        ("{% for %}", 1, "expected"),
        ("{{ 'abc }}", 1, "unexpected char"),
        ("{% autoescape false %}{% endautoescape %}", 1, "autoescape is not possible"),
        ("a\n{{ 1 / 0 }}", 2, "division by zero"),
        ("{{ alert.serviceName + 1 }}", 1, "concatenate"),
        ("{{ 'x' * 3 }}{{ alert._secret }}", 1, "'_secret' may not be read here"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_near(
    source: str, line: int, problem: str
) -> None:
    where, said = refusal(source)
    assert (where, problem in said) == (line, True), said


def test_every_mistake_is_told() -> None:
    with pytest.raises(TemplateError) as caught:
        sandbox.render(
            {"subject": "{{ alert.titel }}", "text": "{{ a }}\n{{ b }}"}, [variables()], names()
        )
    found = [(each.part, each.line) for each in caught.value.problems]
    assert found == [("subject", 1), ("text", 1), ("text", 2)]


def test_what_a_template_may_do() -> None:
    source = """\
{% set ns = namespace(n=0) %}
{% for one in alerts if one.severity == 'critical' %}
{% set ns.n = ns.n + 1 %}
{{ loop.index }}. {{ one.title|upper|truncate(12, true, '...', 0) }}
{% endfor %}
{% macro bold(it) %}*{{ it }}*{% endmacro %}
{{ bold(ns.n) }} {{ alert.title.split(' ')|first }} {{ alert.value|default('-') }}
{% for key, value in counts.items() %}{{ key }}={{ value }} {% endfor %}
"""
    assert sandbox.render({"text": source}, [variables()], names())["text"].split("\n") == [
        "1. POSTGRES ...",
        "*1* postgres unhealthy",
        "critical=1 warning=0 info=0 resolved=0 cameAndWent=0 ",
    ]


def test_what_is_missing_prints_as_nothing_when_sent() -> None:
    assert text("<{{ alert.nothing.at.all }}{{ alert.tenantId }}{{ gone }}>") == "<>"


def test_html_is_escaped_and_text_is_not() -> None:
    evil = variables() | {"alert": {"title": "<script>&"}}
    parts = {"text": "{{ alert.title }}", "html": "<b>{{ alert.title }}</b>{{ '<i>' }}"}
    assert sandbox.render(parts, [evil]) == {
        "text": "<script>&",
        "html": "<b>&lt;script&gt;&amp;</b>&lt;i&gt;",
    }


def test_all_contexts_must_go_well_and_the_first_is_shown() -> None:
    contexts = [{"x": 2}, {"x": 0}]
    with pytest.raises(TemplateError, match="division by zero"):
        sandbox.render({"text": "{{ 1 / x }}"}, contexts)
    assert sandbox.render({"text": "{{ x }}"}, contexts) == {"text": "2"}


def test_a_result_has_an_end() -> None:
    with pytest.raises(TemplateError, match="more than 100 characters"):
        sandbox.render({"subject": "{{ 'a' * 60 }}", "text": "{{ 'a' * 60 }}"}, [{}], None, 100)


def test_a_template_that_is_nested_too_deep_is_refused() -> None:
    assert "without end" in refusal("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")[1]


@pytest.mark.parametrize("event", EVENTS)
def test_names_fit_every_event(event: str) -> None:
    """What is looked for is there in each example."""
    for variant in (examples.example, examples.sparse):
        given = context(event, variant(event, NOW), "Ops", Surroundings(), NOW)
        assert given.keys() == names().keys()
        assert given["alert"].keys() == names()["alert"].keys()


def test_a_message_is_as_its_channel_can_send_it() -> None:
    texts = {
        "subject": "Down\r\nBcc: all@example.com\n" + "x" * 300,
        "text": "\x00a\x1b[31mb\r\nc\td\ud800\u202e 🙂 \u05d0\n\n",
        "html": " <p>a</p> ",
    }
    mail = rendered("email", texts, "why")
    assert mail.subject.startswith("Down Bcc: all@example.com xxx")
    assert (len(mail.subject), mail.subject[-3:]) == (250, "...")
    assert (mail.text, mail.html, mail.note) == ("a[31mb\nc\td 🙂 \u05d0", "<p>a</p>", "why")
    assert len(rendered("sms", {"text": "a" * 5000}).text) == 1600
    assert rendered("inApp", {"title": "a\nb", "text": "c"}) == Rendered(title="a b", text="c")
    assert "webhook" not in PARTS
