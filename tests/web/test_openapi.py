"""Every operation of the OpenAPI document answers as the document says, whatever it is asked.
``make soak`` asks more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.web.rest import actions
from tests.support.conformity import Conformity
from tests.support.lived import lived

#: Several processes share the operations.
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_answers_are_as_the_document_says(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    monkeypatch.setattr(actions, "PATIENCE", 0.01)
    with lived(tmp_path, empty_file, runs=True) as place:
        asked = Conformity(place, (part, PARTS))
        asked.cover()
        asked.explore(1)
    sys.stdout.write(f"{asked.told()}\n")
    assert asked.wrong == {}, asked.report()
    assert asked.statuses.total() > 1500 / PARTS
