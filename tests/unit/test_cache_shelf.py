"""The memory of the cache stays small."""

from __future__ import annotations

import time

from dogpile.cache.api import NO_VALUE, CachedValue

from services.cache import Kept
from services.cache.shelf import Shelf


def entry(size: int, age: float = 0.0) -> CachedValue:
    return CachedValue(Kept(b"x" * size, "0" * 32), {"ct": time.time() - age, "v": 2})


def test_the_oldest_make_room() -> None:
    shelf = Shelf(30, most=100)
    for name in "abc":
        shelf[name] = entry(40)
    assert [name for name in "abc" if shelf.get(name) is not NO_VALUE] == ["b", "c"]
    shelf["b"] = entry(50)  # now the youngest
    shelf["d"] = entry(50)
    assert [name for name in "abcd" if shelf.get(name) is not NO_VALUE] == ["b", "d"]


def test_what_is_expired_leaves_when_something_comes() -> None:
    shelf = Shelf(30)
    for number in range(1000):
        shelf[f"old-{number}"] = entry(10, age=31)
    shelf["new"] = entry(10)
    assert len(shelf) == 1


def test_one_that_is_too_large_for_the_shelf_stands_alone() -> None:
    shelf = Shelf(30, most=100)
    shelf["a"] = entry(40)
    shelf["b"] = entry(400)
    assert len(shelf) == 1
    assert shelf.pop("b") is not None
    assert shelf.pop("b") is None
    shelf["a"] = entry(100)
    shelf["c"] = entry(1)
    assert shelf.get("c") is not NO_VALUE
