"""The look of default mails: one card, readable at arm's length, without a picture or a style sheet
that a mail program would not load."""

from __future__ import annotations

from collections.abc import Sequence

#: The rows of a digest, in place of those of one alert.
DIGEST = """\
{% for alert in alerts %}
{% set over = alert.status == 'resolved' %}
<tr><td dir="auto" style="padding:10px 0;border-top:1px solid #e4e7ec">
<strong style="color:{{ '#067647' if over else '#b42318' if alert.severity == 'critical' \
else '#b54708' if alert.severity == 'warning' else '#175cd3' }}">\
{{ 'Came and went' if alert.cameAndWent else 'Resolved' if over \
else alert.severity|capitalize }}:</strong>
{% if alert.links.alert %}
<a href="{{ alert.links.alert }}" style="color:#101828">{{ alert.title }}</a>
{% else %}
{{ alert.title }}
{% endif %}
<div dir="auto" style="color:#475467;font-size:14px">
{{ (alert.times.resolved or alert.times.triggered).both }}\
{% if alert.hurts %}, hurts {{ alert.hurts }}{% endif %}
{% if alert.message and not over %}<br>{{ alert.message|truncate(200) }}{% endif %}
</div></td></tr>
{% endfor %}"""

_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light"></head>
<body style="margin:0;padding:16px;background:#f2f4f7">
{% set over = event in ('alert.resolved', 'test') or counts.resolved == count %}
{% set colour = '#067647' if over else '#b42318' if counts.critical \
else '#b54708' if counts.warning else '#175cd3' %}
<div style="max-width:560px;margin:0 auto;padding:20px;background:#ffffff;color:#101828;\
border-top:6px solid {{ colour }};border-radius:6px;\
font:16px/1.5 -apple-system,'Segoe UI',Roboto,Arial,sans-serif">
<h1 dir="auto" style="margin:0 0 12px;font-size:20px;line-height:1.3;color:{{ colour }}">
@HEAD@
</h1>
<table role="presentation" style="border-collapse:collapse;width:100%;font-size:16px">
@ROWS@
</table>
@LINKS@
</div></body></html>"""

_ROW = """\
{{% set it = {value} %}}
{{% if it %}}
<tr><td style="padding:3px 14px 3px 0;vertical-align:top;white-space:nowrap;color:#475467">{label}\
</td><td dir="auto" style="padding:3px 0;width:100%">{{{{ it }}}}</td></tr>
{{% endif %}}"""

_LINK = """\
{{% if {value} %}}
<a href="{{{{ {value} }}}}" style="display:inline-block;margin:16px 16px 0 0;\
padding:8px 14px;border:1px solid #98a2b3;border-radius:6px;color:#101828;text-decoration:none">\
{label}</a>
{{% endif %}}"""


def page(
    head: str, rows: str | Sequence[tuple[str, str]], links: Sequence[tuple[str, str]] = ()
) -> str:
    """The source of a mail: ``head`` is a template, rows and links are a label and an expression
    that leaves its row out when it is empty; ``rows`` may be a template too."""
    if not isinstance(rows, str):
        rows = "\n".join(_ROW.format(label=label, value=value) for label, value in rows)
    below = "\n".join(_LINK.format(label=label, value=value) for label, value in links)
    return _PAGE.replace("@HEAD@", head).replace("@ROWS@", rows).replace("@LINKS@", below)
