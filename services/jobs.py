"""The scheduler's table: one job a duty, never one a target."""

from __future__ import annotations

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from services.container import Services

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
        "rounds": (services.rounds.tick, 1),
        "judgement": (services.intake.tick, 1),
        "outbox": (services.pipeline.sweep, 1),
        "sessions": (services.identity.forget_expired, 3600),
    }
    for name, (duty, seconds) in duties.items():
        services.scheduler.add_job(duty, "interval", seconds=seconds, id=name)
