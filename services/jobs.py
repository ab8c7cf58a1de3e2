"""The scheduler's table: one job a duty, never one a target."""

from __future__ import annotations

import time
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from services.collect import deadman
from services.container import Services
from services.errors import ConfigurationError
from services.history import alive
from services.history.expire import expire
from services.history.pack import pack
from services.history.rollup import roll_up
from services.history.stored import Retention

log = structlog.get_logger(__name__)

#: Seconds a job may be late before it is skipped; the default of 1 s drops beats under load.
GRACE = 30


def new_scheduler() -> BackgroundScheduler:
    """A scheduler in UTC that runs a late job once instead of skipping it."""
    return BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(4)},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE},
    )


def schedule(services: Services) -> None:
    """Gives the scheduler its duties: collection, judgement, sending, tidying up."""
    duties = {
        "heartbeat": (services.heartbeat.beat, 1),
        "alive": (lambda: alive.note(services.database, time.time()), alive.EVERY),
        "rounds": (services.rounds.tick, 1),
        "judgement": (services.intake.tick, 1),
        "outbox": (services.pipeline.sweep, 1),
        "inventory": (partial(look_at_inventory, services), 2),
        "quiet": (services.quiet.refresh, 5),
        "incidents": (services.incidents.former.look, 2),
        "history": (partial(tidy_history, services), 60),
        "actions": (lambda: services.actions.expire(time.time()), 5),
        "agents": (services.agents.forget, 3600),
        "sessions": (services.identity.forget_expired, 3600),
        "keys": (services.identity.keys.write_uses, 60),
        # At every round of looks, so that a rule's duration runs on from one to the next.
        "tenants": (
            lambda: services.intake.weigh(services.sla.figures()),
            min(60, services.settings.collect_interval),
        ),
        "reports": (services.sla.reports.make_due, 300),
    }
    if services.deadman is not None:
        duties["deadman"] = (services.deadman.beat, deadman.EVERY)
    for name, (duty, seconds) in duties.items():
        services.scheduler.add_job(duty, "interval", seconds=seconds, id=name)


def look_at_inventory(services: Services) -> None:
    """Takes in a changed inventory file, and what other processes changed."""
    if services.inventory_watch is not None:
        services.inventory_watch.look()
    try:
        services.inventory.refresh()
    except ConfigurationError as error:
        log.error("inventory_refused", reason=error.message, details=error.details)


def tidy_history(services: Services) -> None:
    """Rolls up, packs and expires a little; the next run goes on."""
    keep = Retention.of(services.settings)
    for duty in (roll_up, pack, expire):
        duty(services.database, time.time(), keep=keep)
