"""The only place that wires things together."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

from models.database import Database
from services.alerts.defaults import DEFAULT_RULES
from services.alerts.engine import Engine
from services.alerts.manage import AlertDesk
from services.cache import Cache
from services.collect.intake import Intake
from services.collect.own import Heartbeat, own_checks
from services.collect.rounds import Rounds
from services.container import Services
from services.events import AlertChanged, Bus, NotificationsQueued
from services.health.board import Board
from services.health.graph import Graph
from services.identity import Identity
from services.inventory.fleet import Fleet
from services.inventory.load import read_inventory
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.jobs import new_scheduler, schedule
from services.notify.channels import Channel
from services.notify.channels.in_app import InApp
from services.notify.channels.webhook import Webhook
from services.notify.pipeline import Pipeline
from services.rule import Rule
from services.settings import Settings
from services.views.reader import Reader


def build(settings: Settings, environ: Mapping[str, str] = os.environ) -> Services:
    """Everything, connected and not yet started. Raises ConfigurationError."""
    inventory = read_inventory(settings.inventory, environ) if settings.inventory else Inventory()
    database = Database(settings.database_url)
    database.migrate()
    cache = Cache(settings.redis_url)
    fleet = Fleet.build(inventory, socket.gethostname(), cache.type)
    with database.write() as session:
        sync(session, fleet, time.time())
    bus, board, heartbeat, graph = Bus(), Board(), Heartbeat(), Graph(fleet)
    contacts = tuple(fleet.contacts.values())
    channels: dict[str, Channel] = {
        channel.name: channel
        for channel in (InApp(bus), Webhook(lambda: contacts, settings.webhook_allow))
    }
    engine = Engine(
        rules_of(inventory), fleet, graph, settings.collect_interval, frozenset(channels)
    )
    intake = Intake(
        database, fleet, board, engine, bus, settings.collect_interval, settings.check_timeout
    )
    read = Reader(database, board, fleet, graph, cache, settings.collect_interval)
    pipeline = Pipeline(
        database,
        channels,
        recorded=lambda alert_id: bus.publish(AlertChanged(alert_id, "alert.notified")),
    )
    own = own_checks(database, cache, heartbeat, board)
    checks = {key: own[name] for key, name in fleet.own.items()}
    services = Services(
        settings=settings,
        database=database,
        bus=bus,
        fleet=fleet,
        identity=Identity(database, settings, bus),
        cache=cache,
        board=board,
        read=read,
        intake=intake,
        alerts=AlertDesk(database, bus, read.sees),
        pipeline=pipeline,
        rounds=Rounds(fleet, settings, intake.submit, checks),
        heartbeat=heartbeat,
        own_checks=own,
        scheduler=new_scheduler(),
    )
    bus.subscribe(read.notice)
    bus.subscribe(lambda event: pipeline.wake() if isinstance(event, NotificationsQueued) else None)
    schedule(services)
    return services


def rules_of(inventory: Inventory) -> list[Rule]:
    """The default rules with the file's: one of the same id replaces the default."""
    return list({rule.id: rule for rule in (*DEFAULT_RULES, *inventory.rules)}.values())
