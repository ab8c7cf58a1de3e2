"""Which messages leave, and which wait: tables."""

from __future__ import annotations

import random

import pytest

from services.notify.batching import HOUR, LARGEST, LOOK_AGAIN, Past, Plan, Wait, Waiting, decide
from services.notify.retry import Reason

NOW = 1_763_634_600.0
TEN = 10
A = Waiting("a", "alert-a", "vps-1")
A_OVER = Waiting("a-over", "alert-a", "vps-1")
B = Waiting("b", "alert-b", "vps-1")
C = Waiting("c", "alert-c", "vps-2")
D = Waiting("d", "alert-d", "vps-3", critical=True)
D_BEFORE = Waiting("d-before", "alert-d", "vps-3")

HELD = Waiting("held", "alert-h", "vps-4", held=True)


def had(*ages: float, scopes: dict[str, float] | None = None, unsent: int = 0) -> Past:
    """Messages sent so many seconds ago, the last made when it was sent."""
    counted: list[float | None] = [NOW - age for age in ages]
    latest = NOW - min(ages) if ages and min(ages) <= 30 else None
    made = {scope: NOW - age for scope, age in (scopes or {}).items()}
    return Past(made, [*counted, *[None] * unsent], latest)


def after(seconds: float, reason: Reason, *ids: str) -> Wait:
    return Wait(ids, NOW + seconds, reason)


BATCHED, LIMITED = Reason.BATCHED, Reason.LIMITED


@pytest.mark.parametrize(
    ("why", "waiting", "past", "limit", "messages", "waits"),
    [
        ("the first leaves at once", [A], had(), TEN, [("a",)], []),
        ("scopes do not wait for each other", [A, C], had(), TEN, [("a",), ("c",)], []),
        ("what happened together goes together", [A, B], had(), TEN, [("a", "b")], []),
        ("a firing and its end too", [A, A_OVER], had(), TEN, [("a", "a-over")], []),
        (
            "what follows waits for the 30 s",
            [A, B, C],
            had(scopes={"vps-1": 12}),
            TEN,
            [("c",)],
            [after(18, BATCHED, "a", "b")],
        ),
        ("the 30 s are over", [A, B], had(scopes={"vps-1": 30}), TEN, [("a", "b")], []),
        ("no limit: the hundredth leaves", [A], had(*[40.0] * 99), None, [("a",)], []),
        (
            "no limit: scopes still gather",
            [A],
            had(scopes={"vps-1": 10}),
            None,
            [],
            [after(20, BATCHED, "a")],
        ),
        ("the fifth of the hour leaves", [A], had(1, 2, 3, 4), TEN, [("a",)], []),
        (
            "then a burst waits to be one message",
            [A, C],
            had(4, 5, 6, 7, 8),
            TEN,
            [],
            [after(26, BATCHED, "a", "c")],
        ),
        ("of all scopes", [A, C], had(30, 40, 50, 60, 70), TEN, [("a", "c")], []),
        ("without a burst nothing waits", [A], had(*range(60, 600, 60)), TEN, [("a",)], []),
        (
            "the limit: until the oldest is an hour old",
            [A, C],
            had(3000, *[60] * 9),
            TEN,
            [],
            [after(600, LIMITED, "a", "c")],
        ),
        (
            "above the limit as many must be that old",
            [A],
            had(3000, 2000, *[60] * 9),
            TEN,
            [],
            [after(1600, LIMITED, "a")],
        ),
        (
            "nobody knows when what still waits is sent",
            [A],
            had(unsent=10),
            TEN,
            [],
            [after(LOOK_AGAIN, LIMITED, "a")],
        ),
        (
            "critical ones bypass the limit",
            [A, D],
            had(*[60] * 10),
            TEN,
            [("d",)],
            [after(HOUR - 60, LIMITED, "a")],
        ),
        (
            "with what came before of the same alert",
            [D_BEFORE, D],
            had(*[60] * 10),
            TEN,
            [("d-before", "d")],
            [],
        ),
        (
            "a burst of critical ones becomes one message too",
            [A, D],
            had(10, *[60] * 14),
            TEN,
            [],
            [after(20, BATCHED, "d"), after(HOUR - 60, LIMITED, "a")],
        ),
        ("which leaves when the 30 s are over", [D], had(*[60] * 15), TEN, [("d",)], []),
        (
            "up to ten more",
            [A, D],
            had(*[60] * 20),
            TEN,
            [],
            [after(HOUR - 60, LIMITED, "a"), after(HOUR - 60, LIMITED, "d")],
        ),
        (
            "SMS have a smaller limit",
            [C, A],
            had(*[60] * 5),
            5,
            [],
            [after(HOUR - 60, LIMITED, "c", "a")],
        ),
        ("what was held goes together", [HELD, C], had(), TEN, [("held", "c")], []),
        (
            "30 s after the last message",
            [HELD, C],
            had(10),
            TEN,
            [],
            [after(20, LIMITED, "held", "c")],
        ),
        ("nothing waits", [], had(), TEN, [], []),
    ],
)
def test_what_leaves(
    why: str,
    waiting: list[Waiting],
    past: Past,
    limit: int | None,
    messages: list[tuple[str, ...]],
    waits: list[Wait],
) -> None:
    assert decide(waiting, past, limit, NOW) == Plan(tuple(messages), tuple(waits)), why


def test_a_message_has_an_end_and_the_rest_follows() -> None:
    rows = [Waiting(str(n), f"alert-{n}", "vps-1") for n in range(LARGEST + 3)]
    plan = decide(rows, Past(), TEN, NOW)
    assert [len(ids) for ids in plan.messages] == [LARGEST]
    assert plan.waits == (after(30, BATCHED, *(row.id for row in rows[LARGEST:])),)


@pytest.mark.parametrize("seed", range(200))
def test_every_row_is_decided_once_and_no_alert_overtakes_itself(seed: int) -> None:
    dice = random.Random(seed)
    held = dice.choice((0.0, 0.0, 0.01))
    rows = [
        Waiting(str(n), f"a{alert}", f"s{alert % 7}", dice.random() < 0.2, dice.random() < held)
        for n, alert in enumerate(dice.choices(range(40), k=dice.randrange(1, 400)))
    ]
    ages = [dice.uniform(0, 4000) for _ in range(dice.randrange(25))]
    scopes = {f"s{n}": dice.uniform(-5, 40) for n in range(dice.randrange(7))}
    limit = dice.choice([None, 5, 10])
    past = had(*(age for age in ages if age < HOUR), scopes=scopes)
    plan = decide(rows, past, limit, NOW)
    groups = [*plan.messages, *(wait.ids for wait in plan.waits)]
    assert sorted(id_ for ids in groups for id_ in ids) == sorted(row.id for row in rows)
    assert all(ids for ids in groups)
    assert all(wait.until > NOW for wait in plan.waits)
    if limit is not None:
        assert len(past.counted) + len(plan.messages) <= max(limit + 10, len(past.counted))
    of = {row.id: row.alert_id for row in rows}
    for ids in plan.messages:
        for alert in {of[id_] for id_ in ids}:
            mine = [row.id for row in rows if row.alert_id == alert]
            sent = [id_ for id_ in ids if of[id_] == alert]
            assert sent == mine[: len(sent)]
