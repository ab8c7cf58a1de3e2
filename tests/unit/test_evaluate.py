"""The state machine of an alert: a story a row, with what must come of it.

A story says at which seconds what was seen: ``on`` a look that finds the condition true, ``off``
one that does not, ``tick`` time without a look, ``hand`` an operator's resolve, ``restart``. The
target is looked at every 10 s, and ``0..30`` stands for 0 10 20 30. Then what happens when, and
after the colon where the alert stands in the end.

Each story is played three times: as it stands, with a restart after each event, and to the
reference that knows the machine by its contract alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import cast, get_args

import pytest

from services.alerts.evaluate import INACTIVE, RuleState, Terms, Transition, evaluate
from services.rule import Rule
from tests.support import alert_reference as reference
from tests.support.alert_histories import START, Machine, differences

INTERVAL = 10

# what it shows, (duration, keep firing for, window), the story, what must come of it
Row = tuple[str, tuple[float, float, float], str, str]

DURATION: list[Row] = [
    ("nothing wrong", (30, 0, 0), "off 0..100", ": inactive"),
    ("the condition begins to hold", (30, 0, 0), "on 0", "started 0: pending"),
    ("one look short of the duration", (30, 0, 0), "on 0..20", "started 0: pending"),
    ("held exactly as long", (30, 0, 0), "on 0..30", "started 0, fired 30: active"),
    ("a quarter of a second short", (30, 0, 0), "on 0 10 20 29.75", "started 0: pending"),
    ("the next look completes it", (30, 0, 0), "on 0 10 20 29.75 39",
     "started 0, fired 39: active"),
    ("it fires once", (30, 0, 0), "on 0..300", "started 0, fired 30: active"),
    ("clear before its time", (30, 0, 0), "on 0..20, off 30", "started 0, dropped 30: inactive"),
    ("clear after one look", (30, 0, 0), "on 0, off 10", "started 0, dropped 10: inactive"),
    ("what was held before a clear look is lost", (30, 0, 0), "on 0..20, off 25, on 30..50",
     "started 0, dropped 25, started 30: pending"),
    ("the second trouble has a duration of its own", (30, 0, 0), "on 0..20, off 25, on 30..60",
     "started 0, dropped 25, started 30, fired 60: active"),
    ("every second look is clear: never", (10, 0, 0), "on 0, off 5, on 10, off 15, on 20",
     "started 0, dropped 5, started 10, dropped 15, started 20: pending"),
    ("uneven looks add up", (30, 0, 0), "on 0 3 9 18 20 27 30", "started 0, fired 30: active"),
    ("many looks are no more time", (30, 0, 0), "on 0 1 2 3 4 5 6 7 8", "started 0: pending"),
    ("looks at one moment are no time", (30, 0, 0), "on 0 0 0 0 0", "started 0: pending"),
    ("a duration of one interval", (10, 0, 0), "on 0 10", "started 0, fired 10: active"),
    ("a duration shorter than the interval", (5, 0, 0), "on 0 10", "started 0, fired 10: active"),
    ("ten minutes, one look short", (600, 0, 0), "on 0..590", "started 0: pending"),
    ("ten minutes", (600, 0, 0), "on 0..600", "started 0, fired 600: active"),
]  # fmt: skip

ZERO_DURATION: list[Row] = [
    ("fires at the first look", (0, 0, 0), "on 0", "fired 0: active"),
    ("and once", (0, 0, 0), "on 0..50", "fired 0: active"),
    ("ends at the first clear look", (0, 0, 0), "on 0, off 10", "fired 0, resolved 10: inactive"),
    ("fires and ends at one moment", (0, 0, 0), "on 0, off 0", "fired 0, resolved 0: inactive"),
    ("a tick alone fires nothing", (0, 0, 0), "tick 0 10 20", ": inactive"),
    ("a clear look first", (0, 0, 0), "off 0, on 10", "fired 10: active"),
    ("after an hour without a look", (0, 0, 0), "off 0, on 3600", "fired 3600: active"),
]

GAPS: list[Row] = [
    ("an hour unseen counts one interval", (30, 0, 0), "on 0 10 3610", "started 0: pending"),
    ("what is missing is seen later", (30, 0, 0), "on 0 10 3610 3620",
     "started 0, fired 3620: active"),
    ("each gap counts one interval", (30, 0, 0), "on 0 3600 7200 10800",
     "started 0, fired 10800: active"),
    ("and no more", (30, 0, 0), "on 0 3600 7200", "started 0: pending"),
    ("a look that is late counts the interval", (20, 0, 0), "on 0 10.25 20.5",
     "started 0, fired 20.5: active"),
    ("and not what it was late by", (20.25, 0, 0), "on 0 10.25 20.5", "started 0: pending"),
    ("complete when the monitor died: at the first tick", (30, 0, 0), "on 0..20, tick 9999",
     "started 0, fired 9999: active"),
    ("complete to the quarter second", (29.75, 0, 0), "on 0 10 19.75, tick 9999",
     "started 0, fired 9999: active"),
    ("a quarter second was missing when it died", (30, 0, 0), "on 0 10 19.75, tick 9999",
     "started 0: pending"),
    ("found clear after the gap", (30, 0, 0), "on 0..20, off 9999",
     "started 0, dropped 9999: inactive"),
    ("an alert stands over a gap", (30, 0, 0), "on 0..30 9999", "started 0, fired 30: active"),
    ("an alert found clear after a gap", (30, 0, 0), "on 0..30, off 9999",
     "started 0, fired 30, resolved 9999: inactive"),
    ("an hour unseen is no hour of peace", (0, 30, 0), "on 0, off 10 3610", "fired 0: active"),
    ("calm counts one interval a gap", (0, 30, 0), "on 0, off 10 3610 7210 10810",
     "fired 0, resolved 10810: inactive"),
]  # fmt: skip

TICKS: list[Row] = [
    ("time alone completes it", (30, 0, 0), "on 0..20, tick 30", "started 0, fired 30: active"),
    ("a quarter of a second early", (30, 0, 0), "on 0..20, tick 29.75", "started 0: pending"),
    ("the first tick that is not early", (30, 0, 0), "on 0..20, tick 29.75 30.25 31",
     "started 0, fired 30.25: active"),
    ("less than an interval by a tick", (5, 0, 0), "on 0, tick 4.75 5",
     "started 0, fired 5: active"),
    ("ticks do not add up", (30, 0, 0), "on 0 10, tick 20 20 25 30 9999", "started 0: pending"),
    ("ticks between looks count nothing twice", (30, 0, 0), "on 0, tick 5, on 10, tick 15, on 20",
     "started 0: pending"),
    ("and take nothing away", (30, 0, 0), "on 0, tick 5, on 10, tick 15, on 20, tick 25, on 30",
     "started 0, fired 30: active"),
    ("a look after the tick fires nothing again", (30, 0, 0), "on 0..20, tick 30, on 31 41",
     "started 0, fired 30: active"),
    ("clear just after the tick", (30, 0, 0), "on 0..20, tick 30, off 31",
     "started 0, fired 30, resolved 31: inactive"),
    ("clear just before the tick", (30, 0, 0), "on 0..20, off 29, tick 30",
     "started 0, dropped 29: inactive"),
    ("ticks leave an alert alone", (0, 0, 0), "on 0, tick 10 20 9999", "fired 0: active"),
    ("time alone completes the calm", (0, 20, 0), "on 0, off 10 20, tick 30",
     "fired 0, resolved 30: inactive"),
    ("a quarter of a second early for the calm", (0, 20, 0), "on 0, off 10 20, tick 29.75",
     "fired 0: active"),
    ("no calm by ticks beyond an interval", (0, 20, 0), "on 0, off 10, tick 20 30 9999",
     "fired 0: active"),
    ("no calm by ticks without a clear look", (0, 20, 0), "on 0, tick 10 20 30 40",
     "fired 0: active"),
]  # fmt: skip

KEEP_FIRING: list[Row] = [
    ("the first clear look begins the calm", (0, 30, 0), "on 0, off 10", "fired 0: active"),
    ("clear one look too short", (0, 30, 0), "on 0, off 10..30", "fired 0: active"),
    ("clear exactly as long", (0, 30, 0), "on 0, off 10..40", "fired 0, resolved 40: inactive"),
    ("a quarter of a second short", (0, 30, 0), "on 0, off 10 20 30 39.75", "fired 0: active"),
    ("it goes on, without another firing", (0, 30, 0), "on 0, off 10..30, on 40",
     "fired 0: active"),
    ("the calm begins anew", (0, 30, 0), "on 0, off 10..30, on 40, off 50..70", "fired 0: active"),
    ("and is complete in its turn", (0, 30, 0), "on 0, off 10..30, on 40, off 50..80",
     "fired 0, resolved 80: inactive"),
    ("shorter than the interval", (0, 5, 0), "on 0, off 10 20", "fired 0, resolved 20: inactive"),
    ("shorter than the interval, by a tick", (0, 5, 0), "on 0, off 10, tick 15",
     "fired 0, resolved 15: inactive"),
    ("clear again and again, never long enough", (0, 20, 0),
     "on 0, off 10 20, on 25, off 30 40, on 45, off 50 60", "fired 0: active"),
    ("duration and calm", (20, 20, 0), "on 0..20, off 30..50",
     "started 0, fired 20, resolved 50: inactive"),
    ("a pending one is not kept", (20, 30, 0), "on 0 10, off 20",
     "started 0, dropped 20: inactive"),
    ("ended, it takes the whole duration again", (20, 10, 0), "on 0..20, off 30 40, on 50 60",
     "started 0, fired 20, resolved 40, started 50: pending"),
]  # fmt: skip

REOPENING: list[Row] = [
    ("again within the window", (0, 0, 300), "on 0, off 10, on 200",
     "fired 0, resolved 10, reopened 200: active"),
    ("exactly at the window's end", (0, 0, 300), "on 0, off 10, on 310",
     "fired 0, resolved 10, reopened 310: active"),
    ("a quarter second after the window", (0, 0, 300), "on 0, off 10, on 310.25",
     "fired 0, resolved 10, fired 310.25: active"),
    ("the window counts from the end, not the firing", (0, 0, 300), "on 0..600, off 610, on 800",
     "fired 0, resolved 610, reopened 800: active"),
    ("it can end again", (0, 0, 300), "on 0, off 10, on 200, off 210",
     "fired 0, resolved 10, reopened 200, resolved 210: inactive"),
    ("the window counts from the latest end", (0, 0, 300), "on 0, off 10, on 300, off 310, on 600",
     "fired 0, resolved 10, reopened 300, resolved 310, reopened 600: active"),
    ("it began within the window and fires after it", (30, 0, 300),
     "on 0..30, off 40, on 330..360",
     "started 0, fired 30, resolved 40, started 330, reopened 360: active"),
    ("it began exactly at the window's end", (30, 0, 300), "on 0..30, off 40, on 340..370",
     "started 0, fired 30, resolved 40, started 340, reopened 370: active"),
    ("it began just after the window", (30, 0, 300),
     "on 0..30, off 40, on 340.25 350.25 360.25 370.25",
     "started 0, fired 30, resolved 40, started 340.25, fired 370.25: active"),
    ("completed by a tick after the window", (30, 0, 300),
     "on 0..30, off 40, on 320..340, tick 350",
     "started 0, fired 30, resolved 40, started 320, reopened 350: active"),
    ("it began within the window, and the monitor was away", (30, 0, 300),
     "on 0..30, off 40, on 100 3700 3710 3720",
     "started 0, fired 30, resolved 40, started 100, reopened 3720: active"),
    ("what began within the window was dropped", (30, 0, 300),
     "on 0..30, off 40, on 330 340, off 350, on 360..390",
     "started 0, fired 30, resolved 40, started 330, dropped 350, started 360, fired 390: active"),
    ("dropped, and again within the window", (30, 0, 300),
     "on 0..30, off 40, on 70, off 80, on 90..120",
     "started 0, fired 30, resolved 40, started 70, dropped 80, started 90, reopened 120: active"),
    ("looks and ticks within the window forget nothing", (0, 0, 300),
     "on 0, off 10..290, tick 300 310, on 310",
     "fired 0, resolved 10, reopened 310: active"),
    ("forgotten by a tick after the window", (0, 0, 300), "on 0, off 10, tick 310.25, on 320",
     "fired 0, resolved 10, fired 320: active"),
    ("the window begins after the calm", (0, 20, 100), "on 0, off 10..30, on 130",
     "fired 0, resolved 30, reopened 130: active"),
    ("and is over after it", (0, 20, 100), "on 0, off 10..30, on 130.25",
     "fired 0, resolved 30, fired 130.25: active"),
    ("back in the calm opens nothing", (0, 20, 100), "on 0, off 10 20, on 25", "fired 0: active"),
]  # fmt: skip

ZERO_WINDOW: list[Row] = [
    ("each trouble has its alert", (0, 0, 0), "on 0, off 10, on 20",
     "fired 0, resolved 10, fired 20: active"),
    ("a quarter of a second later", (0, 0, 0), "on 0, off 10, on 10.25",
     "fired 0, resolved 10, fired 10.25: active"),
    ("at the very moment of the end it is the same", (0, 0, 0), "on 0, off 10, on 10",
     "fired 0, resolved 10, reopened 10: active"),
    ("nothing flaps", (0, 0, 0), "on 0, off 10, on 20, off 30, on 40, off 50",
     "fired 0, resolved 10, fired 20, resolved 30, fired 40, resolved 50: inactive"),
    ("by hand, and again", (0, 0, 0), "on 0, hand 5, off 10, on 20",
     "fired 0, cleared 10, fired 20: active"),
]  # fmt: skip

TWICE = "on 0, off 10, on 60, off 70"
THRICE = TWICE + ", on 120, "
SECOND = "fired 0, resolved 10, reopened 60, resolved 70"
THIRD = SECOND + ", reopened 120"
HALF_HOURLY = "fired 0, resolved 10, reopened 1800, resolved 1810"

FLAPPING: list[Row] = [
    ("twice is not flapping", (0, 0, 300), TWICE, f"{SECOND}: inactive"),
    ("from the third firing a clear look ends nothing", (0, 0, 300), THRICE + "off 130",
     f"{THIRD}: active"),
    ("clear one look short of the window", (0, 0, 300), THRICE + "off 130..420",
     f"{THIRD}: active"),
    ("clear for the whole window", (0, 0, 300), THRICE + "off 130..430",
     f"{THIRD}, resolved 430: inactive"),
    ("the last of it by a tick", (0, 0, 300), THRICE + "off 130..420, tick 430",
     f"{THIRD}, resolved 430: inactive"),
    ("a quarter of a second early", (0, 0, 300), THRICE + "off 130..420, tick 429.75",
     f"{THIRD}: active"),
    ("back in that time opens nothing", (0, 0, 300), THRICE + "off 130..420, on 430",
     f"{THIRD}: active"),
    ("and the window begins anew", (0, 0, 300), THRICE + "off 130..420, on 430, off 440..730",
     f"{THIRD}: active"),
    ("until it is complete", (0, 0, 300), THRICE + "off 130..420, on 430, off 440..740",
     f"{THIRD}, resolved 740: inactive"),
    ("an hour unseen is no calm for it", (0, 0, 300), THRICE + "off 130 3730 7330",
     f"{THIRD}: active"),
    ("by hand it is over at once", (0, 0, 300), THRICE + "off 130, hand 135, off 140",
     f"{THIRD}: inactive"),
    ("after its end it flaps still", (0, 0, 300), THRICE + "off 130..430, on 440, off 450",
     f"{THIRD}, resolved 430, reopened 440: active"),
    ("longer calm of the rule counts", (0, 400, 300),
     "on 0, off 10..410, on 420, off 430..830, on 840, off 850..1240",
     "fired 0, resolved 410, reopened 420, resolved 830, reopened 840: active"),
    ("and ends it", (0, 400, 300),
     "on 0, off 10..410, on 420, off 430..830, on 840, off 850..1250",
     "fired 0, resolved 410, reopened 420, resolved 830, reopened 840, resolved 1250: inactive"),
    ("three firings in exactly an hour", (0, 0, 1800),
     "on 0, off 10, on 1800, off 1810, on 3600, off 3610",
     f"{HALF_HOURLY}, reopened 3600: active"),
    ("three firings in just more than an hour", (0, 0, 1800),
     "on 0, off 10, on 1800, off 1810, on 3600.25, off 3610.25",
     f"{HALF_HOURLY}, reopened 3600.25, resolved 3610.25: inactive"),
    ("an hour later it flaps no more", (0, 0, 3600),
     THRICE + "hand 125, off 130, on 3660.25, off 3670.25",
     f"{THIRD}, cleared 130, reopened 3660.25, resolved 3670.25: inactive"),
    ("within an hour of the last but one it does", (0, 0, 3600),
     THRICE + "hand 125, off 130, on 3660, off 3670",
     f"{THIRD}, cleared 130, reopened 3660: active"),
    ("three alerts are not one that flaps", (0, 0, 300),
     "on 0, off 10, on 400, off 410, on 800, off 810",
     "fired 0, resolved 10, fired 400, resolved 410, fired 800, resolved 810: inactive"),
    ("pending ones do not count", (20, 0, 300),
     "on 0 20, off 30, on 40, off 50, on 60..80, off 90",
     "started 0, dropped 30, started 40, dropped 50, started 60, fired 80, resolved 90: inactive"),
]  # fmt: skip

BY_HAND: list[Row] = [
    ("while it holds", (0, 30, 300), "on 0, hand 5", "fired 0: resolved"),
    ("stays resolved while it holds", (0, 30, 300), "on 0, hand 5, on 10..400",
     "fired 0: resolved"),
    ("time alone does not clear it", (0, 30, 300), "on 0, hand 5, tick 10 20 9999",
     "fired 0: resolved"),
    ("nor does a gap", (0, 30, 300), "on 0, hand 5, on 9999", "fired 0: resolved"),
    ("one clear look clears it", (0, 30, 300), "on 0, hand 5, on 10, off 20",
     "fired 0, cleared 20: inactive"),
    ("then trouble is the same, within the window", (0, 30, 300), "on 0, hand 5, off 10, on 20",
     "fired 0, cleared 10, reopened 20: active"),
    ("the window counts from the resolve", (0, 30, 300), "on 0, hand 5, off 10, on 305",
     "fired 0, cleared 10, reopened 305: active"),
    ("a quarter second after the window", (0, 30, 300), "on 0, hand 5, off 10, on 305.25",
     "fired 0, cleared 10, fired 305.25: active"),
    ("it held longer than the window", (0, 30, 300), "on 0, hand 5, on 10..400, off 410, on 420",
     "fired 0, cleared 410, fired 420: active"),
    ("it takes its duration again", (20, 0, 300), "on 0..20, hand 25, off 30, on 40 50",
     "started 0, fired 20, cleared 30, started 40: pending"),
    ("and reopens after it", (20, 0, 300), "on 0..20, hand 25, off 30, on 40..60",
     "started 0, fired 20, cleared 30, started 40, reopened 60: active"),
    ("fired by a tick, then by hand", (20, 0, 300), "on 0 10, tick 20, hand 25, on 30 40",
     "started 0, fired 20: resolved"),
    ("in the calm: over at once", (0, 30, 300), "on 0, off 10, hand 15", "fired 0: inactive"),
    ("in the calm: nothing is left to clear", (0, 30, 300), "on 0, off 10, hand 15, off 20..60",
     "fired 0: inactive"),
    ("in the calm: the next look may reopen it", (0, 30, 300), "on 0, off 10, hand 15, on 20",
     "fired 0, reopened 20: active"),
    ("in the calm: new after the window", (0, 30, 300), "on 0, off 10, hand 15, on 315.25",
     "fired 0, fired 315.25: active"),
    ("the calm was over: it holds", (0, 30, 300), "on 0, off 10, on 20, hand 25, on 30",
     "fired 0: resolved"),
    ("a reopened one by hand", (0, 0, 300), "on 0, off 10, on 20, hand 25, on 30, off 40",
     "fired 0, resolved 10, reopened 20, cleared 40: inactive"),
    ("what ends by hand flaps too", (0, 0, 300),
     "on 0, hand 5, off 10, on 20, hand 25, off 30, on 40, off 50",
     "fired 0, cleared 10, reopened 20, cleared 30, reopened 40: active"),
]  # fmt: skip

CLOCK: list[Row] = [
    ("back an hour adds nothing", (30, 0, 0), "on 0..20 -3580", "started 0: pending"),
    ("and takes nothing away", (30, 0, 0), "on 0..20 -3580 -3570",
     "started 0, fired -3570: active"),
    ("back an hour, no tick completes it", (30, 0, 0), "on 0..20, tick -3570 -3000",
     "started 0: pending"),
    ("back by half an interval", (30, 0, 0), "on 0..20 15 25", "started 0, fired 25: active"),
    ("forward an hour counts one interval", (30, 0, 0), "on 0 10 3620", "started 0: pending"),
    ("and the next look completes it", (30, 0, 0), "on 0 10 3620 3630",
     "started 0, fired 3630: active"),
    ("back while active", (30, 0, 0), "on 0..30 -3560", "started 0, fired 30: active"),
    ("back, and it is clear", (30, 0, 0), "on 0..30, off -3560",
     "started 0, fired 30, resolved -3560: inactive"),
    ("back, and a pending one is clear", (30, 0, 0), "on 0..20, off -3570",
     "started 0, dropped -3570: inactive"),
    ("back in the calm adds nothing", (0, 30, 0), "on 0, off 10 20 -3570 -3560", "fired 0: active"),
    ("and the calm goes on", (0, 30, 0), "on 0, off 10 20 -3570 -3560 -3550",
     "fired 0, resolved -3550: inactive"),
    ("forward in the calm counts one interval", (0, 30, 0), "on 0, off 10 3620", "fired 0: active"),
    ("back an hour after the end: another trouble", (0, 0, 300), "on 0, off 10, on -3580",
     "fired 0, resolved 10, fired -3580: active"),
    ("and most of an hour later too", (0, 0, 300), "on 0, off 10 -3580, on -1000",
     "fired 0, resolved 10, fired -1000: active"),
    ("an end once forgotten does not come back", (0, 0, 300), "on 0, off 10 -3580 0, on 20",
     "fired 0, resolved 10, fired 20: active"),
    ("back by a second: the same trouble", (0, 0, 300), "on 0, off 10, on 9",
     "fired 0, resolved 10, reopened 9: active"),
    ("back by the window: the same", (0, 0, 300), "on 0, off 10, on -290",
     "fired 0, resolved 10, reopened -290: active"),
    ("back by more than the window", (0, 0, 300), "on 0, off 10, on -290.25",
     "fired 0, resolved 10, fired -290.25: active"),
    ("back an hour without a window", (0, 0, 0), "on 0, off 10, on -3580",
     "fired 0, resolved 10, fired -3580: active"),
    ("forward after the end: another trouble", (0, 0, 300), "on 0, off 10, on 3620",
     "fired 0, resolved 10, fired 3620: active"),
    ("back while resolved by hand", (0, 0, 300), "on 0, hand 5, on -3590, off -3580, on -3570",
     "fired 0, cleared -3580, fired -3570: active"),
    ("back in a trouble that began within the window", (30, 0, 300),
     "on 0..30, off 40, on 50 60 70 -3500 -3490",
     "started 0, fired 30, resolved 40, started 50, reopened -3490: active"),
    ("back while it flaps", (0, 0, 300), THRICE + "off 130..420 -3170 -3160",
     f"{THIRD}, resolved -3160: inactive"),
]  # fmt: skip

RESTART: list[Row] = [
    ("pending, and it holds on", (30, 0, 0), "on 0..20, restart 25, on 30",
     "started 0, fired 30: active"),
    ("pending, complete when it died", (30, 0, 0), "on 0..20, restart 9990, tick 9999",
     "started 0, fired 9999: active"),
    ("pending, not complete when it died", (30, 0, 0), "on 0 10, restart 9990, tick 9999",
     "started 0: pending"),
    ("active, and it fires nothing again", (0, 0, 0), "on 0, restart 5, on 10", "fired 0: active"),
    ("active, clear after it", (0, 0, 0), "on 0, restart 5, off 10",
     "fired 0, resolved 10: inactive"),
    ("the calm goes on", (0, 30, 0), "on 0, off 10..30, restart 35, off 40",
     "fired 0, resolved 40: inactive"),
    ("resolved by hand stays so", (0, 0, 300), "on 0, hand 5, restart 7, on 10 20",
     "fired 0: resolved"),
    ("the latest alert is remembered", (0, 0, 300), "on 0, off 10, restart 15, on 300",
     "fired 0, resolved 10, reopened 300: active"),
    ("and forgotten in its time", (0, 0, 300), "on 0, off 10, restart 15, on 310.25",
     "fired 0, resolved 10, fired 310.25: active"),
    ("what flaps goes on to flap", (0, 0, 300), THRICE + "restart 125, off 130",
     f"{THIRD}: active"),
]  # fmt: skip

TABLES = {
    "duration": DURATION, "zero duration": ZERO_DURATION, "gaps": GAPS, "ticks": TICKS,
    "keep firing": KEEP_FIRING, "reopening": REOPENING, "zero window": ZERO_WINDOW,
    "flapping": FLAPPING, "by hand": BY_HAND, "clock": CLOCK, "restart": RESTART,
}  # fmt: skip
CASES = [
    pytest.param(*row[1:], id=f"{subject}: {row[0]}")
    for subject, rows in TABLES.items()
    for row in rows
]


def told(story: str) -> list[reference.Event]:
    """The events of a story."""
    events: list[reference.Event] = []
    for part in story.split(", "):
        kind, *moments = part.split()
        assert kind in get_args(reference.Kind)
        times = chain.from_iterable(map(_moments, moments))
        events += [reference.Event(cast(reference.Kind, kind), START + at) for at in times]
    return events


def _moments(word: str) -> Iterator[float]:
    first, _, last = word.partition("..")
    at = float(first)
    yield at
    while last and at < float(last):
        at += INTERVAL
        yield at


@pytest.mark.parametrize("restarts", [False, True], ids=["", "restarted"])
@pytest.mark.parametrize(("terms", "story", "outcome"), CASES)
def test_story(terms: tuple[float, float, float], story: str, outcome: str, restarts: bool) -> None:
    machine = Machine(reference.Terms(*terms, INTERVAL), restarts)
    happened = []
    for event in told(story):
        verdict = machine.take(event)
        if verdict.happened:
            happened.append(f"{verdict.happened} {event.at - START:g}")
    assert f"{', '.join(happened)}: {machine.state.phase}" == outcome


@pytest.mark.parametrize(("terms", "story", "outcome"), CASES)
def test_story_told_to_the_reference(
    terms: tuple[float, float, float], story: str, outcome: str
) -> None:
    assert list(differences(reference.Terms(*terms, INTERVAL), told(story), Counter())) == []


def test_what_a_state_remembers() -> None:
    """The moments that alerts are written with: when it began, fired, ended."""
    machine = Machine(reference.Terms(20, 20, 300, INTERVAL))
    for event in told("on 0 10"):
        machine.take(event)
    assert (machine.state.since, machine.state.held) == (START, 10)
    for event in told("on 25, off 35 45"):
        machine.take(event)
    assert machine.state.firings == (START + 25,)
    assert machine.state.since == START, "an alert knows since when it was trouble"
    assert (machine.state.clear, machine.state.seen_at) == (10, START + 45)
    for event in told("tick 55"):
        machine.take(event)
    assert machine.state == RuleState(ended_at=START + 55, firings=(START + 25,))
    for event in told("tick 355.25"):
        machine.take(event)
    assert machine.state == INACTIVE, "nothing is stored of an alert that is forgotten"


def test_a_new_interval_counts_from_the_next_look_on() -> None:
    terms, state = Terms(duration=60), INACTIVE
    for now, interval in ((0, 10), (60, 10), (90, 30)):
        state, _ = evaluate(terms, state, True, START + now, interval)
    assert state.held == 40


def test_a_new_duration_counts_at_the_next_tick() -> None:
    state, _ = evaluate(Terms(duration=60), INACTIVE, True, START, INTERVAL)
    state, happened = evaluate(Terms(duration=5), state, None, START + 5, INTERVAL)
    assert happened is Transition.FIRED


def test_terms_of_a_rule() -> None:
    rule = Rule.model_validate(
        {
            "id": "cpu",
            "name": "CPU",
            "severity": "warning",
            "condition": {
                "metric": "cpu", "operator": "greaterThan", "value": 90, "duration": 30,
            },
            "keepFiringFor": 60,
        }
    )  # fmt: skip
    assert Terms.of(rule, 300) == Terms(duration=30, keep=60, window=300)


def test_there_is_a_row_for_each_case_once() -> None:
    stories = [(row[1], re.sub(r"\s+", " ", row[2])) for rows in TABLES.values() for row in rows]
    assert len(stories) >= 120
    assert [story for story, times in Counter(stories).items() if times > 1] == []
