"""Answers that are held: computed by one of many, at most a second old, and of this fleet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.errors import NotFound
from services.health.board import Board
from services.inventory.fleet import Fleet
from services.views import latest
from services.views.kept import PACE
from services.views.latest import Latest

BOUND = 20.0


class Place:
    """A board, a fleet and a clock; each computation gives the next number."""

    def __init__(self) -> None:
        self.board = Board()
        self.fleet = Fleet.build(None, "testhost", "cache")
        self.now, self.paced, self.made = 0.0, True, 0
        self.latest = Latest(self.board, lambda: self.fleet, lambda: self.paced, lambda: self.now)

    def make(self) -> int:
        self.made += 1
        return self.made

    def ask(self, key: str = "question", *, lasting: bool = False) -> int:
        return int(self.latest.get(key, self.make, lasting=lasting).data)


@pytest.fixture
def place() -> Place:
    return Place()


def change_the_board(place: Place) -> None:
    place.board.apply({})


def wait_a_moment(place: Place) -> None:
    place.now += 0.9 * PACE


def wait(place: Place) -> None:
    place.now += PACE


def change_the_board_and_wait(place: Place) -> None:
    change_the_board(place)
    wait(place)


def replace_the_fleet(place: Place) -> None:
    place.fleet = Fleet.build(None, "testhost", "cache")


def do_nothing(place: Place) -> None:
    pass


@pytest.mark.parametrize(
    ("happens", "running", "stopped", "lasting_running", "lasting_stopped"),
    [
        # by the database or the time: as old as a second while bodies are kept, else new
        # by the board alone: the same for as long as that is
        (do_nothing, 1, 2, 1, 1),
        (wait_a_moment, 1, 2, 1, 1),
        (wait, 2, 2, 1, 1),
        (change_the_board, 1, 2, 1, 2),
        (change_the_board_and_wait, 2, 2, 2, 2),
        (replace_the_fleet, 2, 2, 2, 2),
    ],
)
def test_how_long_an_answer_holds(
    happens: Callable[[Place], None],
    running: int,
    stopped: int,
    lasting_running: int,
    lasting_stopped: int,
) -> None:
    found = []
    for lasting in (False, True):
        for paced in (True, False):
            place = Place()
            place.paced = paced
            assert place.ask(lasting=lasting) == 1
            happens(place)
            found.append(place.ask(lasting=lasting))
    assert found == [running, stopped, lasting_running, lasting_stopped]


def test_each_question_has_an_answer_of_its_own(place: Place) -> None:
    assert [place.ask("a"), place.ask("b"), place.ask("a")] == [1, 2, 1]


def test_of_many_who_ask_at_once_one_computes(place: Place) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> int:
        begun.set()
        assert go_on.wait(BOUND)
        return place.make()

    def ask() -> bytes:
        return place.latest.get("question", slowly).data

    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(ask)
        assert begun.wait(BOUND)
        others = [pool.submit(ask) for _ in range(8)]
        go_on.set()
        assert {one.result(BOUND) for one in (first, *others)} == {b"1"}
    assert place.made == 1


def test_what_fails_is_not_held(place: Place) -> None:
    def fail() -> int:
        raise NotFound("there is no VPS 'x'")

    with pytest.raises(NotFound):
        place.latest.get("question", fail)
    assert place.ask() == 1


def test_what_is_held_has_a_bound(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latest, "MOST", 2)
    assert [place.ask(key) for key in ("a", "b", "c")] == [1, 2, 3]
    assert [place.ask("c"), place.ask("b"), place.ask("a")] == [3, 2, 4]
    monkeypatch.setattr(latest, "MOST_BYTES", 0)
    assert [place.ask("d"), place.ask("d")] == [5, 6]
