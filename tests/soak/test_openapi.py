"""The OpenAPI document and the answers, over many requests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.web.rest import actions
from tests.support import site
from tests.support.conformity import Conformity
from tests.support.lived import lived


@pytest.mark.timeout(900)
def test_five_thousand_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(actions, "PATIENCE", 0.01)
    (tmp_path / "site").mkdir()
    with lived(tmp_path / "site", site.template(tmp_path), runs=True) as place:
        asked = Conformity(place)
        asked.cover()
        for number in range(4):
            asked.explore(13, number)
    with capsys.disabled():
        sys.stdout.write(f"\n{asked.told()}\n")
    assert asked.wrong == {}, asked.report()
    assert asked.statuses.total() - asked.statuses[401] >= 5000
