"""A wrong change of the inventory file: what open pages learn of it, and when."""

from __future__ import annotations

from services.events import Event, TargetsObserved
from tests.support import site


def test_an_open_overview_hears_of_a_refusal_at_once_and_of_its_end(tmp_path):
    services = site.build(tmp_path, site.template(tmp_path))
    services.intake.start()
    try:
        watch = services.inventory_watch
        assert watch is not None
        file = tmp_path / "inventory.yaml"
        published: list[Event] = []
        services.bus.subscribe(published.append)

        def change(text: str) -> None:
            file.write_text(text, encoding="utf-8")
            for _ in range(2):  # it is read once it has looked the same twice
                watch.look()

        change("vps:\n  - {id: vps-1, intervall: 3}\n")
        assert published == [TargetsObserved(frozenset({"*"}), frozenset())]
        told = services.read.overview().told
        assert told.startswith("The inventory was changed and refused: line 2")
        assert list(services.read.fleet().vps) == ["vps-1", "vps-2"], "the old one is in force"
        change(site.FLEET)
        assert published[-1] == TargetsObserved(frozenset({"*"}), frozenset())
        assert services.read.overview().told == "No alert is active."
    finally:
        services.intake.stop()
        services.database.close()
