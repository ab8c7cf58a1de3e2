"""The rows of servers that a browser draws by itself, and which of them are others than before.
Pure, but for the name of this run."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from services.observation import Status
from services.views.model import Body, Gauge, Instance, Roster, VpsCard

#: Up to so many servers can be shown as cards; more are told in short.
MOST_CARDS = 60
#: Another process, or a later start, counts its versions anew.
RUN = secrets.token_hex(4)


def roster(before: Roster | None, servers: Sequence[VpsCard], *, full: bool) -> Roster:
    """The rows of ``servers``; those of ``before`` go on where nothing changed."""
    cards = {card.id: card for card in servers}
    if before is None or before.full != full or list(before.rows) != list(cards):
        version = before.version + 1 if before else 1
        rows = {id_: _row(card, full=full) for id_, card in cards.items()}
        return Roster(RUN, version, version, rows, dict.fromkeys(rows, version), cards, full)
    drawn = {
        id_: _row(card, full=full) for id_, card in cards.items() if card is not before.cards[id_]
    }
    changed = {id_: row for id_, row in drawn.items() if row != before.rows[id_]}
    if not changed:
        return replace(before, cards=cards) if drawn else before
    version = before.version + 1
    moved = {**before.moved, **dict.fromkeys(changed, version)}
    return Roster(RUN, version, before.begun, {**before.rows, **changed}, moved, cards, full)


def _row(card: VpsCard, *, full: bool) -> Body:
    return _full(card) if full else _short(card)


def _short(card: VpsCard) -> Body:
    """A server in a line: whole percentages, and nothing that moves with every reading."""
    gauges = {"cpu": card.cpu, "memory": card.memory, "disk": card.disk}
    ill = sum(one.status is not Status.HEALTHY for one in card.services)
    return {
        "id": card.id,
        "name": card.name,
        "region": card.region,
        "status": card.status,
        "why": "" if card.status is Status.HEALTHY else card.reason,
        "load": None if card.load is None else round(card.load, 1),
        "services": [len(card.services), ill],
        "tenants": list(zip(card.tenants, card.tenant_names, strict=False)),
        "hot": [name for name, gauge in gauges.items() if gauge and gauge.hot],
        **{
            name: None if gauge is None or gauge.percent is None else round(gauge.percent)
            for name, gauge in gauges.items()
        },
    }


def _full(card: VpsCard) -> Body:
    """A server with all that its card shows."""
    silent = card.measured and (card.status is Status.UNKNOWN or card.seen_at is None)
    return {
        **_short(card),
        "measured": card.measured,
        "silent": silent,
        "seen": card.seen_at,
        "cores": card.cores,
        "load": card.load,
        "network": [card.network_in, card.network_out],
        "gauges": {
            "cpu": _gauge(card.cpu),
            "memory": _gauge(card.memory),
            "disk": _gauge(card.disk),
        },
        "runs": [_service(one) for one in card.services],
    }


def _gauge(gauge: Gauge | None) -> Body | None:
    if gauge is None:
        return None
    course = [None if value is None else round(value, 1) for value in gauge.course]
    return {"used": gauge.used, "total": gauge.total, "unit": gauge.unit, "course": course}


def _service(one: Instance) -> Body:
    took = None if one.response_ms is None else round(one.response_ms, 1)
    return {"name": one.name, "status": one.status, "why": one.message, "took": took}
