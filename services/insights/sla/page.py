"""The page of a monthly report, as PDF (fpdf2; A4).

Fira Sans, which its package brings, has Latin, Greek and Cyrillic letters. A character that it has
not is shown as a lozenge, and the tenant's id, which is plain, always stands beside its name.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import fontpkg_fira_sans
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

Body = dict[str, Any]
Colour = tuple[int, int, int]

#: Rows of downtime that find room; the others are in the JSON and the CSV.
MOST_ROWS = 14
_UNPRINTABLE = "\u25ca"
_FAMILY = "Fira"
_STYLES = {"": "FiraSans-Regular.ttf", "B": "FiraSans-SemiBold.ttf"}

_INK: Colour = (24, 32, 44)
_SOFT: Colour = (95, 107, 122)
_LINE: Colour = (222, 227, 233)
_PALE: Colour = (244, 246, 249)
_GOOD: Colour = (22, 122, 76)
_BAD: Colour = (186, 38, 38)
_WARM: Colour = (196, 124, 16)
_NONE: Colour = (95, 107, 122)

_LEFT, _RIGHT, _TOP = 18.0, 18.0, 16.0
_WIDTH = 210.0 - _LEFT - _RIGHT
#: Between figures and what follows them.
_GAP = 5.0
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def drawn(report: Body) -> bytes:
    """The page of a report as the API gives it (services.insights.sla.reports)."""
    page = _Page(report)
    page.head()
    page.figures()
    page.budget()
    page.downtimes()
    page.policy()
    return bytes(page.pdf.output())


def printable(text: str, known: Container[int]) -> str:
    """``text`` in one line of ``known`` characters; a run of others is one lozenge."""
    found: list[str] = []
    for character in " ".join(text.split()):
        if ord(character) in known:
            found.append(character)
        elif character.isprintable() and (not found or found[-1] != _UNPRINTABLE):
            found.append(_UNPRINTABLE)
    return "".join(found)


class _Page:
    def __init__(self, report: Body) -> None:
        self.report = report
        self.pdf = FPDF(format="A4")
        for style, name in _STYLES.items():
            path = resources.files(fontpkg_fira_sans).joinpath("files", name)
            self.pdf.add_font(_FAMILY, style, str(path))
        fonts = (font for font in self.pdf.fonts.values() if isinstance(font, TTFFont))
        self._known = set.intersection(*(set(font.cmap) for font in fonts))
        self.pdf.set_margins(_LEFT, _TOP, _RIGHT)
        self.pdf.set_auto_page_break(False)
        self.pdf.c_margin = 0.0
        self.pdf.set_title(self._plain(f"SLA {report['month']} {report['organizationName']}"))
        self.pdf.set_creator("Healthdeck")
        made = (report["kept"] or {}).get("madeAt")
        # The same report is the same file, byte for byte.
        self.pdf.set_creation_date(_time(made or report["to"]))
        self.pdf.add_page()

    def head(self) -> None:
        report, pdf = self.report, self.pdf
        year, number = report["month"].split("-")
        name = self._plain(report["organizationName"])
        self._text(f"Service level report  ·  {_MONTHS[int(number) - 1]} {year}", 10, _SOFT)
        pdf.ln(1)
        self._text(_cut(pdf, name, 22, _WIDTH), 22, _INK, "B")
        running = "" if report["complete"] else "  ·  the month is not over: as of now"
        self._text(
            f"{report['tenantId']}  ·  {_day(report['from'])} to {_day(report['to'])} UTC{running}",
            9, _SOFT,
        )  # fmt: skip
        pdf.ln(3)
        self._rule()
        pdf.ln(6)

    def figures(self) -> None:
        """The uptime in large, whether it is what was promised, and the figures beside it."""
        report, pdf = self.report, self.pdf
        top, uptime = pdf.get_y(), report["uptime"]
        word, colour = _verdict(report)
        pdf.set_xy(_LEFT, top)
        self._text("Uptime", 10, _SOFT)
        pdf.set_font(_FAMILY, "B", 46)
        pdf.set_text_color(*_INK)
        pdf.cell(h=19, text="—" if uptime is None else f"{_percent(uptime)} %")
        pdf.ln(21)
        pdf.set_font(_FAMILY, "B", 11)
        pdf.set_fill_color(*colour)
        pdf.set_text_color(255, 255, 255)
        pdf.cell(w=pdf.get_string_width(word) + 8, h=8, text=word, fill=True, align="C")
        pdf.set_font(_FAMILY, "", 10)
        pdf.set_text_color(*_SOFT)
        pdf.cell(h=8, text=f"   Target {_percent(report['target'])} %")
        facts = [
            ("Downtime", _minutes(report["downtimeMinutes"])),
            ("Degraded", _minutes(report["degradedMinutes"])),
            ("Maintenance taken out", _minutes(report["maintenanceMinutes"])),
            ("Nobody could look", _minutes(report["unknownMinutes"])),
            ("Counted", _minutes(report["observedMinutes"])),
        ]
        for place, (label, value) in enumerate(facts):
            pdf.set_xy(_LEFT + 108, top + place * 7.4)
            pdf.set_font(_FAMILY, "", 9.5)
            pdf.set_text_color(*_SOFT)
            pdf.cell(w=40, h=6, text=label)
            pdf.set_font(_FAMILY, "B", 9.5)
            pdf.set_text_color(*_INK)
            pdf.cell(w=_WIDTH - 148, h=6, text=value, align="R")
        pdf.set_xy(_LEFT, top + 42)

    def budget(self) -> None:
        """How much of the error budget was used, as a bar."""
        pdf, budget = self.pdf, self.report["errorBudget"]
        used, total = budget["usedMinutes"], budget["totalMinutes"]
        share = used / total if total else float(used > 0)
        left = budget["leftMinutes"]
        self._text("Error budget", 11, _INK, "B")
        pdf.ln(1.5)
        y = pdf.get_y()
        pdf.set_fill_color(*_LINE)
        pdf.rect(_LEFT, y, _WIDTH, 5, "F")
        if share > 0:
            pdf.set_fill_color(*(_BAD if left < 0 else _WARM if share > 0.75 else _GOOD))
            pdf.rect(_LEFT, y, max(_WIDTH * min(share, 1.0), 0.6), 5, "F")
        pdf.set_y(y + 6.5)
        rest = f"{_minutes(left)} left" if left >= 0 else f"{_minutes(-left)} more than allowed"
        percent = f" ({100 * share:.0f} %)" if total else ""
        self._text(f"{_minutes(used)} of {_minutes(total)} used{percent}, {rest}", 9, _SOFT)
        pdf.ln(6)

    def downtimes(self) -> None:
        """A table of the longest, in the order of time."""
        report, pdf = self.report, self.pdf
        downs = report["downtimes"]
        self._text("Downtime and its causes", 11, _INK, "B")
        pdf.ln(1.5)
        if not downs:
            self._text("There was none.", 9.5, _SOFT)
            pdf.ln(4)
            return
        longest = sorted(downs, key=lambda down: -down["countedMinutes"])[:MOST_ROWS]
        longest.sort(key=lambda down: (down["from"], down["target"]))
        widths = (31.0, 18.0, 46.0, _WIDTH - 95.0 - _GAP)
        self._row(("From (UTC)", "Counted", "What", "Cause"), widths, "B", _SOFT)
        for down in longest:
            start = _time(down["from"])
            cause = down["reason"] or down["status"]
            cells = (
                f"{start:%d %b %H:%M:%S}", _minutes(down["countedMinutes"]), down["label"], cause,
            )  # fmt: skip
            self._row(cells, widths, "", _INK)
        hidden = len(downs) - len(longest)
        if hidden or report["moreDowntimes"]:
            more = f"{hidden} shorter ones" if not report["moreDowntimes"] else "more, shorter ones"
            pdf.ln(1)
            self._text(f"... and {more}: they stand in the report as JSON and CSV.", 8.5, _SOFT)
        pdf.ln(4)

    def policy(self) -> None:
        """How it was counted, and by whom it was made."""
        pdf, kept = self.pdf, self.report["kept"]
        self._text("How this was counted", 11, _INK, "B")
        pdf.ln(1.5)
        pdf.set_font(_FAMILY, "", 8.5)
        pdf.set_text_color(*_SOFT)
        pdf.multi_cell(
            _WIDTH, 4.1, self._plain(self.report["policy"]["text"]), align="L",
            new_x=XPos.LMARGIN, new_y=YPos.NEXT,
        )  # fmt: skip
        words = "Not kept yet: these figures may still change."
        if kept:
            again = f", made again: {kept['reason']}" if kept["reason"] else ""
            words = (
                f"Version {kept['version']} of {kept['madeAt'][:16].replace('T', ' ')} UTC{again}"
            )
        pdf.set_y(-18)
        self._rule()
        pdf.ln(2)
        self._text(_cut(pdf, self._plain(f"Healthdeck  ·  {words}"), 8, _WIDTH), 8, _SOFT)

    def _row(
        self, cells: Iterable[str], widths: Iterable[float], style: str, colour: Colour
    ) -> None:
        pdf = self.pdf
        pdf.set_draw_color(*_LINE)
        for place, (text, width) in enumerate(zip(cells, widths, strict=True)):
            pdf.set_font(_FAMILY, style, 8.5)
            pdf.set_text_color(*colour)
            shown = _cut(pdf, self._plain(text), 8.5, width - 2, style)
            pdf.cell(width, 6, shown, border="B", align="R" if place == 1 else "L")
            if place == 1:
                pdf.cell(_GAP, 6, "", border="B")
        pdf.ln(6)

    def _text(self, text: str, size: float, colour: Colour, style: str = "") -> None:
        pdf = self.pdf
        pdf.set_font(_FAMILY, style, size)
        pdf.set_text_color(*colour)
        pdf.cell(_WIDTH, size * 0.48, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _plain(self, text: str) -> str:
        return printable(text, self._known)

    def _rule(self) -> None:
        y = self.pdf.get_y()
        self.pdf.set_draw_color(*_LINE)
        self.pdf.line(_LEFT, y, _LEFT + _WIDTH, y)


def _verdict(report: Body) -> tuple[str, Colour]:
    if report["met"] is None:
        return "Nothing was observed", _NONE
    so_far = "" if report["complete"] else " so far"
    return (f"Met{so_far}", _GOOD) if report["met"] else (f"Not met{so_far}", _BAD)


def _cut(pdf: FPDF, text: str, size: float, width: float, style: str = "B") -> str:
    """``text`` with an ellipsis where it is wider than ``width`` millimetres."""
    pdf.set_font(_FAMILY, style, size)
    if pdf.get_string_width(text) <= width:
        return text
    while text and pdf.get_string_width(f"{text}…") > width:
        text = text[:-1]
    return f"{text.rstrip()}…"


def _percent(value: float) -> str:
    """With as many decimals as say something; never rounded up to what it is not."""
    text = f"{value:.4f}".rstrip("0")
    return f"{text}00" if text.endswith(".") else f"{text}0" if text[-2] == "." else text


def _minutes(value: float) -> str:
    if value >= 6000:
        return f"{value / 60:,.0f} h"
    if value >= 600:
        return f"{value / 60:,.1f} h"
    return f"{value:.0f} min" if value == round(value) else f"{value:.1f} min"


def _time(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)


def _day(moment: str) -> str:
    return f"{_time(moment):%Y-%m-%d %H:%M}"
