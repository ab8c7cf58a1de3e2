"""``python app.py reset-password``."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from tests.support.product import Healthdeck


def test_a_password_is_reset(tmp_path: Path) -> None:
    installation = Healthdeck(tmp_path)
    installation.create_user("ops", "correct horse battery")
    arguments = ("reset-password", "ops", "--password-stdin")
    installation.at_once = False
    done = installation.command(*arguments, stdin="another long password\n")
    assert (done.returncode, done.stdout) == (0, "ops can log in with the new password\n")
    rows = sqlite3.connect(installation.database).execute("SELECT who, action, target FROM audit")
    assert ("command line", "user.change", "ops") in rows.fetchall()
    installation.at_once = True
    short = installation.command(*arguments, stdin="short\n")
    assert (short.returncode, "12 characters" in short.stderr) == (1, True)
    nobody = installation.command(
        "reset-password", "opps", "--password-stdin", "--json", stdin="another long password\n"
    )
    assert nobody.returncode == 1
    assert "there are: ops" in json.loads(nobody.stdout)["error"]
