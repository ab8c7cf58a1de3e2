"""What a reader of the tree may rely on: rooms on floors, declared dependencies, true tables."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import grimp
import pytest
from flask import Flask

from services import settings
from services.alerts.rules.defaults import DEFAULT_RULES
from services.rule import Threshold
from services.web import rest

ROOT = Path(__file__).resolve().parents[2]
OURS = ("services", "models", "pages", "components")

#: Distributions whose module has another name.
MODULES = {
    "alembic": "alembic",
    "argon2-cffi": "argon2",
    "dogpile-cache": "dogpile",
    "fpdf2": "fpdf",
    "pyjwt": "jwt",
    "pyyaml": "yaml",
}
#: Modules of packages that come with a declared one, whose parts they are.
PARTS = {
    "engineio": "flask-socketio",
    "limits": "flask-limiter",
    "socketio": "flask-socketio",
    "pydantic_core": "pydantic",
    "werkzeug": "flask",
    "wsproto": "simple-websocket",
    "yarl": "aiohttp",
}
#: Declared although no line imports them, and why.
UNIMPORTED = {
    "tzdata": "zoneinfo reads it where the system has no time zones, as in slim containers",
    "psycopg": "SQLAlchemy loads it for postgresql URLs",
    "simple-websocket": "Flask-SocketIO loads it for its threading mode",
    "plotly": "bound by the user's design card",
}


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def graph() -> grimp.ImportGraph:
    sys.path.insert(0, str(ROOT))
    return grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)


def imported_by(module: str) -> set[str]:
    """What a module and everything inside it import from outside of it."""
    inside = {module, *graph().find_descendants(module)}
    return {
        name for one in inside for name in graph().find_modules_directly_imported_by(one)
    } - inside


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] in OURS}


def floors() -> list[set[str]]:
    """The layers of the import contract, the highest first."""
    (contract,) = (
        c for c in project()["tool"]["importlinter"]["contracts"] if c["type"] == "layers"
    )
    return [set(re.split(r"[|:\s()]+", layer)) - {""} for layer in contract["layers"]]


def text(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def test_every_room_stands_on_a_floor() -> None:
    rooms = {
        f"services.{path.stem}"
        for path in (ROOT / "services").iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
    } | {"pages", "components", "models"}
    assert rooms - {"services.__init__"} <= set().union(*floors())


@pytest.mark.parametrize(
    "module", ["services.health.status", "services.health.score", "services.alerts.evaluate"]
)
def test_judgement_is_pure(module: str) -> None:
    """Floor 0 and the standard library; no clock, no database, no randomness."""
    taken = imported_by(module)
    assert {name for name in ours(taken) if name.startswith("models")} == set()
    assert ours(taken) <= floors()[-1] | {"services.health.status"}
    others = {name.partition(".")[0] for name in taken - ours(taken)}
    assert others <= set(sys.stdlib_module_names) | {"numpy"}
    assert others.isdisjoint({"time", "random", "os", "socket", "threading"})


def test_components_know_the_views_alone() -> None:
    taken = imported_by("components")
    views = {name for name in ours(taken) if name.startswith("services.views.")}
    assert ours(taken) - views <= {"services.observation", "services.times"}
    others = {name.partition(".")[0] for name in taken - ours(taken)}
    assert others - set(sys.stdlib_module_names) <= {
        "dash",
        "dash_ag_grid",
        "dash_bootstrap_components",
        "plotly",
    }


def test_dependencies_are_what_is_imported() -> None:
    declared = {
        re.split(r"[\[<>=!~ ]", line)[0].lower().replace(".", "-").replace("_", "-")
        for line in project()["project"]["dependencies"]
    }
    modules = {name: MODULES.get(name, name.replace("-", "_")) for name in declared}
    imported = {name.partition(".")[0] for module in OURS for name in imported_by(module)}
    imported |= set(re.findall(r"^\s*(?:from|import) (\w+)", text("app.py"), re.MULTILINE))
    assert set(PARTS.values()) <= declared
    imported -= {*PARTS, *OURS, "tests", "_typeshed", *sys.stdlib_module_names}
    assert imported - set(modules.values()) == set(), "imported and not declared"
    idle = {name for name, module in modules.items() if module not in imported}
    assert idle - UNIMPORTED.keys() == set(), "declared and not imported"
    assert UNIMPORTED.keys() <= declared


def test_what_was_tested_is_what_is_installed() -> None:
    """One release of each package in both lock files; dash.testing holds back urllib3."""
    pins = [
        dict(re.findall(r"^([\w.-]+)==(\S+)", text(f), re.MULTILINE))
        for f in ("requirements.txt", "requirements-dev.txt")
    ]
    assert pins[0].keys() <= pins[1].keys()
    assert {name for name in pins[0] if pins[0][name] != pins[1][name]} <= {"urllib3"}


def test_the_tree_has_no_empty_and_no_overgrown_file() -> None:
    sources = [p for top in (*OURS, "tests") for p in (ROOT / top).rglob("*.py")]
    assert [str(p) for p in sources if not p.read_text(encoding="utf-8").strip()] == []
    assert len(text("app.py").splitlines()) < 150


def test_a_browser_is_sent_nowhere_else() -> None:
    """No address of another host in what a browser loads."""
    files = [p for p in (ROOT / "assets").rglob("*") if p.suffix in {".css", ".js", ".svg"}]
    files += list((ROOT / "services").rglob("*.html"))
    files += [p for top in ("pages", "components") for p in (ROOT / top).rglob("*.py")]
    assert files
    harmless = ("http://www.w3.org/",)
    for path in files:
        found = re.findall(r"https?://[^\s\"'<>)]+", path.read_text(encoding="utf-8"))
        assert [url for url in found if not url.startswith(harmless)] == [], path


def test_the_readme_names_every_setting_and_its_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (.*?) \|", text("README.md"), re.MULTILINE))
    assert set(rows) == set(settings.NAMES)
    for name, field in settings.Settings.model_fields.items():
        default = field.default
        if default and default != ():
            shown = f"{default:g}" if isinstance(default, float) else str(default)
            assert rows[name.upper()] == f"`{shown}`", name


def test_the_api_page_lists_every_route_and_no_other() -> None:
    server = Flask("routes", static_folder=None)
    rest.install(server)
    served = {
        f"{method} {rule.rule}"
        for rule in server.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.endswith(".unknown")
    }
    listed = set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]*)`", text("docs/api.md")))
    assert listed == served


def test_the_guide_lists_the_default_rules() -> None:
    rows = re.findall(
        r"^\| `([\w-]+)` \| `([\w.]+)` (\w+) (\w+).*? \| (\d+) s \| (\w+) \|",
        text("docs/guide.md"),
        re.MULTILINE,
    )
    assert rows == [
        (
            rule.id,
            condition.metric,
            str(condition.operator),
            f"{condition.value:g}" if isinstance(condition.value, float) else condition.value,
            f"{condition.duration:g}",
            str(rule.severity),
        )
        for rule in DEFAULT_RULES
        if isinstance(condition := rule.condition, Threshold)
    ]
    assert len(rows) == len(DEFAULT_RULES)
