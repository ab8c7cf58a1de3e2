"""Services: the typed bundle of everything that a running Healthdeck consists of."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

from apscheduler.schedulers.background import BackgroundScheduler
from flask import current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from services.alerts.engine import Engine
from services.alerts.manage import AlertDesk
from services.alerts.preview.desk import Previews
from services.alerts.quiet.desk import QuietDesk
from services.alerts.rules.desk import RuleDesk
from services.cache import Cache
from services.collect.actions import Actions
from services.collect.agents import AgentDesk
from services.collect.deadman import DeadMansSwitch
from services.collect.intake import Intake
from services.collect.own import Heartbeat, OwnCheck
from services.collect.rounds import Rounds
from services.events import Bus
from services.health.board import Board
from services.history import alive
from services.identity import Identity, Principal, Rank, Scope
from services.identity.agent_tokens import AgentTokens
from services.identity.audit import Actor
from services.insights.desk import Insights
from services.insights.incidents_desk import IncidentDesk
from services.insights.sla.desk import SlaDesk
from services.insights.suggestion import Suggestions
from services.inventory.desk import InventoryDesk
from services.inventory.watch import InventoryWatch
from services.notify.config_desk import ConfigDesk
from services.notify.desk import NotificationDesk
from services.notify.pipeline import Pipeline
from services.notify.templates.desk import Templates
from services.notify.trial import Trials
from services.settings import Settings
from services.views.reader import Reader

EXTENSION = "healthdeck"


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    database: Database
    bus: Bus
    inventory: InventoryDesk
    agents: AgentDesk
    agent_tokens: AgentTokens
    actions: Actions
    inventory_watch: InventoryWatch | None
    identity: Identity
    cache: Cache
    board: Board
    read: Reader
    intake: Intake
    engine: Engine
    alerts: AlertDesk
    incidents: IncidentDesk
    rules: RuleDesk
    quiet: QuietDesk
    previews: Previews
    insights: Insights
    suggestions: Suggestions
    sla: SlaDesk
    recipients: ConfigDesk
    templates: Templates
    notifications: NotificationDesk
    trials: Trials
    pipeline: Pipeline
    rounds: Rounds
    heartbeat: Heartbeat
    deadman: DeadMansSwitch | None
    own_checks: Mapping[str, OwnCheck]
    scheduler: BackgroundScheduler

    def start(self) -> None:
        """Starts judging, sending and collecting, in this order: nothing is seen that could not
        be stored, and nothing is stored that could not be told."""
        self.read.kept.start()
        self.intake.start()
        self.pipeline.start()
        self.rounds.start()
        self.heartbeat.beat()
        self.scheduler.start()

    def stop(self) -> None:
        """Stops them in the other order; what waits is stored first. Takes at most a few
        seconds."""
        self.scheduler.shutdown(wait=False)
        self.rounds.stop()
        self.intake.stop()
        with suppress(SQLAlchemyError):
            alive.note(self.database, time.time())
        self.pipeline.stop()
        self.templates.close()
        self.read.kept.stop()
        self.cache.close()
        self.database.close()


def current() -> Services:
    """The services of the application that answers the current request."""
    return cast(Services, current_app.extensions[EXTENSION])


def caller() -> Principal:
    """Who made the current request."""
    return cast(Principal, g.principal)


def scope() -> Scope:
    """What the caller may know of."""
    return caller().scope


def acting(rank: Rank = "admin") -> Actor:
    """The caller as the audit names it. Raises InsufficientPermissions for one that is less than
    ``rank``: whatever a page changes is asked for through here."""
    caller().require(rank)
    return Actor(caller().name, request.remote_addr or "")
