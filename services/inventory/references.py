"""The names that parts of an inventory use for each other. Works on plain data, so that the
names of an inventory with other mistakes are checked all the same."""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from services.inventory.near import nearest

Path = tuple[str | int, ...]
Add = Callable[[Path, str], None]

_MOST_CIRCLES = 20
_NONE: Mapping[str, str] = {}


def check_references(data: Mapping[str, Any], add: Add) -> None:
    """Calls ``add`` with the path and the text of each mistake."""
    servers = dict(_entries(data, "vps"))
    tenants = dict(_entries(data, "tenants"))
    _unique(servers, "id", "a server", add)
    _unique(tenants, "id", "a tenant", add)
    check_people(data, add)
    _unique(dict(_entries(data, "rules")), "id", "a rule", add)
    for entries, what in ((servers, "a service"), (tenants, "an application")):
        for path, entry in entries.items():
            _unique(dict(_entries(entry, "services", path)), "name", what, add)
    _one_local(servers, add)
    known = _Known(servers, tenants)
    _tenants_of_servers(servers, known, add)
    _dependencies(servers, known, add)
    _applications(tenants, known, add)
    _scopes(data, known, add)


def check_people(
    data: Mapping[str, Any], add: Add, others: Iterable[str] = (), taken: Mapping[str, str] = _NONE
) -> None:
    """What contacts, groups and rotations say of each other. ``others`` are names of contacts that
    stand elsewhere and may be named; ``taken`` says of names that stand elsewhere what they are."""
    _one_of_each_name(data, add, taken)
    names = [e["name"] for _, e in _entries(data, "contacts") if _named(e, "name")]
    known = {plain_name(name): name for name in (*others, *names)}
    for path, entry in (*_entries(data, "groups"), *_entries(data, "onCall")):
        for below, name in _names(entry, "members", path):
            _member(name, known, below, add)
        for below, override in _entries(entry, "overrides", path):
            if _named(override, "contact"):
                _member(override["contact"], known, (*below, "contact"), add)
    for path, group in _entries(data, "groups"):
        seen = set()
        for below, name in _names(group, "members", path):
            if plain_name(name) in seen:
                add(below, f"'{name}' stands here twice; name each member once")
            seen.add(plain_name(name))


def _one_of_each_name(data: Mapping[str, Any], add: Add, taken: Mapping[str, str]) -> None:
    first = dict(taken)
    for field, what in (("contacts", "contact"), ("groups", "group"), ("onCall", "rotation")):
        for path, entry in _entries(data, field):
            if _named(entry, "name"):
                place = f"a {what} '{entry['name']}' ({field}[{path[-1]}])"
                found = first.setdefault(plain_name(entry["name"]), place)
                if found != place:
                    add((*path, "name"), f"there already is {found}; name each once")


def plain_name(name: str) -> str:
    """A form in which two writings of one name are equal."""
    return name.strip().casefold()


def _member(name: str, known: Mapping[str, str], path: Path, add: Add) -> None:
    if plain_name(name) not in known:
        add(path, f"there is no contact '{name}'; {nearest(name, known.values())}")


class _Known:
    """The ids and service keys that may be named."""

    def __init__(self, servers: Mapping[Path, Any], tenants: Mapping[Path, Any]) -> None:
        self.vps = {entry["id"]: None for entry in servers.values() if _named(entry, "id")}
        self.tenants = {entry["id"]: None for entry in tenants.values() if _named(entry, "id")}
        self.has_local = any(_is_local(entry) for entry in servers.values())
        self.services: dict[str, Path] = {}
        for path, server in servers.items():
            for below, service in _entries(server, "services", path):
                if _named(server, "id") and _named(service, "name"):
                    self.services.setdefault(f"{server['id']}/{service['name']}", below)

    def service_hint(self, key: str) -> str:
        vps_id = key.partition("/")[0]
        beside = [name for name in self.services if name.startswith(f"{vps_id}/")]
        if beside:
            return nearest(key, beside)
        return f"there is no server '{vps_id}'; {nearest(vps_id, self.vps)}"


def _unique(entries: Mapping[Path, Any], field: str, what: str, add: Add) -> None:
    first: dict[str, Path] = {}
    for path, entry in entries.items():
        name = entry.get(field)
        if isinstance(name, str) and first.setdefault(name, path) != path:
            place = f"{first[name][-2]}[{first[name][-1]}]"
            add((*path, field), f"there already is {what} '{name}' ({place}); name each once")


def _one_local(servers: Mapping[Path, Any], add: Add) -> None:
    local = [path for path, entry in servers.items() if _is_local(entry)]
    for path in local[1:]:
        add(
            (*path, "source"),
            f"only one server can be this machine, and {_name(servers, local[0])} is; "
            "give this one another source, or that one",
        )


def _name(servers: Mapping[Path, Any], path: Path) -> str:
    named = _named(servers[path], "id")
    return f"'{servers[path]['id']}'" if named else f"vps[{path[-1]}]"


def _tenants_of_servers(servers: Mapping[Path, Any], known: _Known, add: Add) -> None:
    for path, server in servers.items():
        seen = set()
        for below, name in _names(server, "tenants", path):
            if name not in known.tenants:
                add(below, f"there is no tenant '{name}'; {nearest(name, known.tenants)}")
            elif name in seen:
                add(below, f"'{name}' stands here twice; name each tenant once")
            seen.add(name)


def _dependencies(servers: Mapping[Path, Any], known: _Known, add: Add) -> None:
    needs: dict[str, dict[str, Path]] = {}
    for path, server in servers.items():
        for at, service in _entries(server, "services", path):
            if not (_named(server, "id") and _named(service, "name")):
                continue
            below: dict[str, Path] = {}
            for place, name in _names(service, "dependsOn", at):
                key = service_key(name, server["id"])
                if key in known.services:
                    below[key] = place
                else:
                    add(place, f"there is no service '{key}'; {known.service_hint(key)}")
            needs.setdefault(f"{server['id']}/{service['name']}", below)
    _circles(needs, add)


def self_id(taken: Container[str]) -> str:
    """The id under which this machine is added when no server has the local source."""
    vps_id = "healthdeck"
    while vps_id in taken:
        vps_id += "-self"
    return vps_id


def service_key(name: str, vps_id: str) -> str:
    """The key of a service as ``dependsOn`` names it: alone, or with its server before it."""
    return name if "/" in name else f"{vps_id}/{name}"


def _circles(needs: dict[str, dict[str, Path]], add: Add) -> None:
    for _ in range(_MOST_CIRCLES):
        try:
            graphlib.TopologicalSorter(needs).prepare()
        except graphlib.CycleError as error:
            circle = list(reversed(error.args[1]))
            add(needs[circle[0]].pop(circle[1]), f"goes in a circle: {' -> '.join(circle)}")
        else:
            return


def _applications(tenants: Mapping[Path, Any], known: _Known, add: Add) -> None:
    for path, tenant in tenants.items():
        for at, application in _entries(tenant, "services", path):
            named = list(_names(application, "dependsOn", at))
            if isinstance(application.get("runsOn"), str):
                named.append(((*at, "runsOn"), application["runsOn"]))
            for place, key in named:
                if "/" not in key:
                    add(place, f"'{key}' needs its server before it; write vps/service")
                elif key not in known.services:
                    add(place, f"there is no service '{key}'; {known.service_hint(key)}")


def _scopes(data: Mapping[str, Any], known: _Known, add: Add) -> None:
    servers = {**known.vps, **({} if known.has_local else {self_id(known.vps): None})}
    for path, rule in _entries(data, "rules"):
        scope = rule.get("scope")
        if not isinstance(scope, dict):
            continue
        for field, what, ids in (("vps", "server", servers), ("tenant", "tenant", known.tenants)):
            for below, name in _names(scope, field, (*path, "scope")):
                if name not in ids:
                    add(below, f"there is no {what} '{name}'; {nearest(name, ids)}")


def _is_local(server: Mapping[str, Any]) -> bool:
    source = server.get("source")
    return isinstance(source, dict) and (source.get("type") == "local" or "local" in source)


def _named(entry: Mapping[str, Any], field: str) -> bool:
    return isinstance(entry.get(field), str)


def _entries(
    data: Mapping[str, Any], field: str, path: Path = ()
) -> Iterator[tuple[Path, dict[str, Any]]]:
    found = data.get(field)
    for at, entry in enumerate(found if isinstance(found, list) else ()):
        if isinstance(entry, dict):
            yield (*path, field, at), entry


def _names(data: Mapping[str, Any], field: str, path: Path) -> Iterator[tuple[Path, str]]:
    found = data.get(field)
    for at, name in enumerate(found if isinstance(found, list) else ()):
        if isinstance(name, str):
            yield (*path, field, at), name
