"""The lookups over an inventory, and its rows in the database."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from models import Base
from models.targets import TargetRow
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync

OFTEN = {"enabled": True, "interval": 5, "timeout": 2.5}


def web(*names):
    return [{"name": name, "type": "web"} for name in names]


WHOLE = {
    "vps": [
        {
            "id": "vps-1",
            "name": "Netherlands 1",
            "source": {"type": "local"},
            "monitoring": OFTEN,
            "services": [
                {"name": "backend-api", "type": "backend"},
                {"name": "postgres", "type": "database"},
            ],
            "tenants": ["tenant-acme"],
        },
        {"id": "vps-2", "monitoring": {"enabled": False}, "services": web("redis")},
    ],
    "tenants": [
        {
            "id": "tenant-acme",
            "organizationName": "ACME Corp",
            "services": [
                {"name": "backend", "url": "https://a.example", "runsOn": "vps-1/backend-api"},
                {"name": "shop", "url": "https://shop.example"},
            ],
        },
        {
            "id": "tenant-b",
            "services": [{"name": "jobs", "url": "https://b.example", "runsOn": "vps-2/redis"}],
        },
    ],
    "contacts": [{"name": "Ops"}],
}


def build(inventory, cache_type="cache"):
    return Fleet.build(Inventory.model_validate(inventory), "hub", cache_type)


class TestFleet:
    @pytest.fixture
    def fleet(self):
        return build(WHOLE, "redis")

    def test_alone_it_watches_this_machine_and_itself(self):
        fleet = Fleet.build(None, "hub.example", "cache")
        assert list(fleet.keys()) == [
            "healthdeck",
            "healthdeck/healthdeck-database",
            "healthdeck/healthdeck-cache",
            "healthdeck/healthdeck-scheduler",
        ]
        assert fleet.local == "healthdeck"
        assert fleet.vps["healthdeck"].source is not None
        assert fleet.label("healthdeck") == "hub.example"
        assert fleet.service_type("healthdeck/healthdeck-cache") == "cache"
        assert list(fleet.own.values()) == ["database", "cache", "scheduler"]

    def test_its_services_belong_to_the_local_server(self, fleet):
        assert fleet.local == "vps-1"
        assert list(fleet.vps) == ["vps-1", "vps-2"]
        assert fleet.own == {
            "vps-1/healthdeck-database": "database",
            "vps-1/healthdeck-cache": "cache",
            "vps-1/healthdeck-scheduler": "scheduler",
        }
        assert fleet.service_type("vps-1/healthdeck-cache") == "redis"
        assert fleet.vps["vps-1"].services[-1].name == "healthdeck-scheduler"

    @pytest.mark.parametrize(
        ("ids", "own_id"),
        [(["a"], "healthdeck"), (["healthdeck", "a"], "healthdeck-self")],
    )
    def test_without_a_local_server_this_machine_comes_last(self, ids, own_id):
        fleet = build({"vps": [{"id": name} for name in ids]})
        assert list(fleet.vps) == [*ids, own_id]
        assert fleet.local == own_id

    def test_the_name_of_a_service_stays_with_the_inventory(self):
        local = {"id": "a", "source": {"type": "local"}, "services": web("healthdeck-cache")}
        fleet = build({"vps": [local]})
        assert fleet.service_type("a/healthdeck-cache") == "web"
        assert sorted(fleet.own.values()) == ["database", "scheduler"]

    @pytest.mark.parametrize(
        ("key", "label", "type_"),
        [
            ("vps-1", "Netherlands 1", "vps"),
            ("vps-1/postgres", "postgres on Netherlands 1", "database"),
            ("vps-1/backend-api/database", "database of backend-api on Netherlands 1", "database"),
            ("@tenant-acme", "ACME Corp", "tenant"),
            ("@tenant-acme/backend", "backend of ACME Corp", "backend"),
            ("@tenant-acme/shop", "shop of ACME Corp", "application"),
            ("*", "the platform", "platform"),
            ("gone/redis", "redis on gone", "service"),
            ("@gone/app", "app of gone", "application"),
        ],
    )
    def test_the_words_for_a_target(self, fleet, key, label, type_):
        assert (fleet.label(key), fleet.service_type(key)) == (label, type_)

    @pytest.mark.parametrize(
        ("key", "enabled", "interval", "timeout"),
        [
            ("vps-1", True, 5, 2.5),
            ("vps-1/postgres", True, 5, 2.5),
            ("vps-1/backend-api/database", True, 5, 2.5),
            ("@tenant-acme/backend", True, 5, 2.5),
            ("vps-2", False, 30, 10),
            ("vps-2/redis", False, 30, 10),
            ("@tenant-b/jobs", False, 30, 10),
            ("@tenant-acme", True, 30, 10),
            ("@tenant-acme/shop", True, 30, 10),
            ("*", True, 30, 10),
            ("vps-1/gone", False, 30, 10),
            ("vps-1/gone/database", False, 30, 10),
        ],
    )
    def test_how_a_target_is_watched(self, fleet, key, enabled, interval, timeout):
        assert fleet.enabled(key) is enabled
        assert (fleet.interval(key, 30), fleet.timeout(key, 10)) == (interval, timeout)

    def test_who_is_where(self, fleet):
        assert fleet.tenants_on("vps-1") == ("tenant-acme",)
        assert fleet.tenants_on("vps-2") == ("tenant-b",)
        assert fleet.tenants_on("gone") == ()
        assert fleet.vps_of_tenant("tenant-b") == "vps-2"
        assert fleet.vps_of_tenant("gone") is None

    def test_how_a_server_is_seen_and_a_service_restarted(self):
        servers = [
            {
                "id": "a",
                "source": {"type": "agent"},
                "witness": {"tcp": "h:443"},
                "services": [
                    {"name": "api", "type": "web", "unit": "api.service"},
                    {"name": "job", "type": "job", "container": "job_1"},
                ],
            },
            {"id": "b", "source": {"type": "exporter", "url": "http://h:9100/metrics"}},
            {"id": "c"},
        ]
        fleet = build({"vps": servers})
        sources = [fleet.source(vps_id) for vps_id in ("a", "b", "c", "gone")]
        assert [source and source.type for source in sources] == ["agent", "exporter", None, None]
        assert fleet.witness("a").port == 443
        assert fleet.witness("b") is fleet.witness("gone") is None
        assert fleet.local == "healthdeck"
        assert (fleet.unit("a/api"), fleet.unit("a/job")) == ("api.service", None)
        assert (fleet.container("a/api"), fleet.container("a/job")) == (None, "job_1")
        assert fleet.unit("a/gone") is fleet.container("gone/api") is None

    def test_the_largest_fleet_is_built_in_a_moment(self):
        services = web("a", "b", "c", "d", "e")
        inventory = Inventory.model_validate(
            {
                "vps": [
                    {"id": f"v{n}", "services": services, "tenants": [f"t{n}"]} for n in range(1000)
                ],
                "tenants": [
                    {
                        "id": f"t{n}",
                        "services": [{"name": "x", "url": "https://x", "runsOn": f"v{n % 1000}/a"}],
                    }
                    for n in range(2000)
                ],
            }
        )
        started = time.monotonic()
        fleet = Fleet.build(inventory, "hub", "cache")
        assert len(fleet.keys()) == 1000 + 5000 + 2000 + 2000 + 4
        assert fleet.tenants_on("v7") == ("t7", "t1007")
        assert time.monotonic() - started < 1

    @pytest.mark.parametrize(
        ("scope", "visible"),
        [
            (None, {"vps-1", "vps-2"}),
            (frozenset(), set()),
            (frozenset({"tenant-b"}), {"vps-2"}),
            (frozenset({"tenant-acme", "tenant-b"}), {"vps-1", "vps-2"}),
            (frozenset({"gone"}), set()),
        ],
    )
    def test_what_a_scope_shows(self, fleet, scope, visible):
        assert fleet.visible_vps(scope) == visible


class TestSync:
    @pytest.fixture
    def session(self):
        engine = create_engine("sqlite://")
        Base.metadata.create_all(engine)
        with Session(engine) as session:
            yield session
        engine.dispose()

    def fleet(self, *names):
        local = {"id": "a", "source": {"type": "local"}, "services": web(*names)}
        return build({"vps": [local]})

    def removed(self, session):
        rows = session.execute(select(TargetRow.key, TargetRow.removed_at))
        return {key: at for key, at in rows if at is not None}

    def test_every_target_and_the_platform_get_a_row_once(self, session):
        fleet = self.fleet("x", "y")
        first = sync(session, fleet, 1)
        assert set(first) == {*fleet.keys(), "*"}
        assert sync(session, fleet, 2) == first
        assert self.removed(session) == {}
        kinds = dict(session.execute(select(TargetRow.key, TargetRow.kind)).all())
        assert (kinds["a"], kinds["a/x"], kinds["*"]) == ("vps", "service", "platform")

    def test_what_leaves_keeps_its_row_and_returns_to_it(self, session):
        before = sync(session, self.fleet("x", "y"), 1)
        session.add(TargetRow(key="a/x/database", kind="dependency"))
        session.flush()
        assert sync(session, self.fleet("y"), 2)["a/x"] == before["a/x"]
        assert self.removed(session) == {"a/x": 2, "a/x/database": 2}
        sync(session, self.fleet("y"), 3)
        assert self.removed(session) == {"a/x": 2, "a/x/database": 2}
        assert sync(session, self.fleet("x", "y"), 4)["a/x"] == before["a/x"]
        assert self.removed(session) == {}

    def test_a_dependency_that_went_by_itself_stays_away(self, session):
        sync(session, self.fleet("x"), 1)
        session.add(TargetRow(key="a/x/old", kind="dependency", removed_at=1.5))
        session.flush()
        sync(session, self.fleet(), 2)
        sync(session, self.fleet("x"), 3)
        assert self.removed(session) == {"a/x/old": 1.5}

    def test_thousands_of_targets_in_a_few_statements(self, session):
        services = web("a", "b", "c", "d", "e")
        fleet = build({"vps": [{"id": f"v{n}", "services": services} for n in range(1000)]})
        assert len(sync(session, fleet, 1)) == 6005
        sync(session, Fleet.build(None, "hub", "cache"), 2)
        assert len(self.removed(session)) == 6000
        sync(session, fleet, 3)
        assert self.removed(session) == {}
