"""The only place that wires things together."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

import structlog

from models.database import Database
from services.alerts.anomaly import Detector
from services.alerts.engine import Engine, Habits
from services.alerts.manage import AlertDesk
from services.alerts.preview.desk import Previews
from services.alerts.quiet.desk import QuietDesk
from services.alerts.rules.desk import RuleDesk
from services.alerts.rules.warnings import warnings
from services.cache import Cache
from services.collect.actions import Actions
from services.collect.agents import AgentDesk
from services.collect.deadman import Collects, DeadMansSwitch, Probe
from services.collect.intake import Intake
from services.collect.own import Heartbeat, network_check, own_checks
from services.collect.rounds import Rounds
from services.container import Services
from services.errors import ConfigurationError
from services.events import AlertChanged, Bus, JobChanged, NotificationsQueued
from services.health.board import Board
from services.health.graph import Graph
from services.identity import Identity
from services.identity.agent_tokens import AgentTokens
from services.insights.desk import Insights
from services.insights.incidents_desk import IncidentDesk
from services.insights.sla.desk import SlaDesk
from services.insights.suggestion import Suggestions
from services.inventory.desk import InventoryDesk
from services.inventory.fleet import Fleet
from services.inventory.schema import Inventory
from services.inventory.sync import sync
from services.inventory.watch import InventoryWatch
from services.jobs import new_scheduler, schedule
from services.notify.channels import Channel
from services.notify.channels.apprise import Apprise
from services.notify.channels.email import Email
from services.notify.channels.in_app import InApp
from services.notify.channels.sms import Sms
from services.notify.channels.twilio import Account
from services.notify.channels.webhook import Webhook
from services.notify.config_desk import ConfigDesk
from services.notify.desk import NotificationDesk
from services.notify.fallback import Fallbacks
from services.notify.outbound import Outbound
from services.notify.pipeline import Pipeline
from services.notify.templates.desk import Templates
from services.notify.templates.variables import Surroundings
from services.notify.trial import Trials, missing
from services.sealing import Sealer
from services.settings import Settings
from services.views.reader import Reader

log = structlog.get_logger(__name__)


def build(settings: Settings, environ: Mapping[str, str] = os.environ) -> Services:
    """Everything, connected and not yet started. Raises ConfigurationError."""
    board, bus, heartbeat, cache = Board(), Bus(), Heartbeat(), Cache(settings.redis_url)

    def fleet_of(inventory: Inventory) -> Fleet:
        return Fleet.build(
            inventory, socket.gethostname(), cache.type, has_witnesses=bool(settings.witnesses)
        )

    def refused(error: ConfigurationError) -> None:
        log.error("inventory_refused", reason=error.message, details=error.details)
        board.warn(
            "inventory", f"The inventory was changed and refused: {'; '.join(error.details[:2])}"
        )

    def changed(inventory: Inventory) -> None:
        fleet = fleet_of(inventory)
        graph = Graph(fleet)
        read.replace(fleet, graph)
        recipients.take_file(inventory)
        rules.take_file(inventory.rules)
        intake.replace(fleet, graph, lambda: rules.book)
        rounds.replace(fleet)
        board.warn("inventory", None)
        log.info("inventory_taken", vps=len(fleet.vps), services=len(fleet.services))

    watch = None
    file = Inventory()
    if settings.inventory:
        watch = InventoryWatch(
            settings.inventory, lambda found: inventory.take_file(found), refused, environ
        )
        file = watch.first()
    database = Database(settings.database_url)
    database.migrate()
    inventory = InventoryDesk(database, file, changed, environ)
    fleet = fleet_of(inventory.inventory)
    with database.write() as session:
        sync(session, fleet, time.time())
    graph = Graph(fleet)

    outside, allow = settings.public_address, settings.webhook_allow
    recipients = ConfigDesk(
        database,
        inventory.inventory,
        Sealer(settings.secret_key),
        Outbound(allow).refusal,
        lambda text: board.warn("recipients", text),
    )
    people, contacts = recipients.people, recipients.contacts

    def tenant_name(tenant_id: str) -> str:
        tenant = read.fleet().tenants.get(tenant_id)
        return tenant.label if tenant else tenant_id

    def runbook_of(rule_id: str) -> str | None:
        rule = rules.book.rules.get(rule_id)
        return rule.runbook_url if rule else None

    templates = Templates(
        database,
        Surroundings(
            outside or "",
            zone_of=lambda recipient: people().zone_of(recipient),
            tenant_name=tenant_name,
            runbook_of=runbook_of,
        ),
    )
    ways: list[Channel] = [
        InApp(bus, templates.words("inApp")),
        Webhook(contacts, allow),
        Apprise(contacts, templates.words("apprise"), allow),
    ]
    if settings.smtp_url and settings.mail_from:
        words = templates.words("email")
        ways.append(Email(settings.smtp_url, settings.mail_from, contacts, words))
    if settings.twilio:
        words = templates.words("sms")
        ways.append(Sms(Account(*settings.twilio), contacts, words, outside))
    channels = {channel.name: channel for channel in ways}
    rules = RuleDesk(
        database,
        inventory.inventory.rules,
        lambda _book: intake.take_rules(lambda: rules.book),
        warn=lambda rule: warnings(rule, read.fleet(), people(), channels, time.time()),
    )
    quiet = QuietDesk(
        database,
        lambda: read.fleet(),
        settings.deployment_grace,
        lambda: intake.tick(),
        rules=lambda: rules.book.rules.keys(),
    )
    habits = Habits(
        settings.collect_interval,
        settings.check_timeout,
        settings.alert_reopen_seconds,
        frozenset(channels),
    )
    engine = Engine(rules.book, fleet, graph, habits, lambda: quiet.quiet, people)
    intake = Intake(
        database,
        fleet,
        graph,
        board,
        engine,
        bus,
        settings.collect_interval,
        settings.check_timeout,
        ask_witness=lambda vps_id: rounds.ask_witness(vps_id),
        ask_sight=lambda: rounds.ask_sight(),
    )
    own = own_checks(database, cache, heartbeat, board)
    parts = {**own, "network": network_check(board)}
    rounds = Rounds(
        fleet, settings, intake.submit, {key: parts[part] for key, part in fleet.own.items()}
    )
    read = Reader(database, board, fleet, graph, cache, settings.collect_interval)
    pipeline = Pipeline(
        database,
        channels,
        recorded=lambda alert_id: bus.publish(AlertChanged(alert_id, "alert.notified")),
        troubled=lambda channel, recipient, text: board.warn(f"{channel} {recipient}", text),
        fallbacks=Fallbacks(people, channels),
    )
    actions = Actions(database, read.fleet, changed=lambda job_id: bus.publish(JobChanged(job_id)))
    previews = Previews(
        database,
        read.fleet,
        read.graph,
        lambda: rules.book,
        habits.window,
        habits.interval,
        habits.timeout,
        Detector,
    )
    services = Services(
        settings=settings,
        database=database,
        bus=bus,
        inventory=inventory,
        agents=AgentDesk(
            database,
            read.fleet,
            intake,
            actions,
            settings.collect_interval,
            settings.retention_raw_hours * 3600,
        ),
        agent_tokens=AgentTokens(database, lambda: read.fleet().source_types),
        actions=actions,
        inventory_watch=watch,
        identity=Identity(database, settings, bus),
        cache=cache,
        board=board,
        read=read,
        intake=intake,
        engine=engine,
        alerts=AlertDesk(database, engine, intake, read.sees),
        incidents=IncidentDesk(database, read.fleet, read.graph),
        rules=rules,
        quiet=quiet,
        previews=previews,
        insights=Insights(database, read.fleet, settings.deployment_grace),
        suggestions=Suggestions(database, read.fleet, rules, previews, settings.deployment_grace),
        sla=SlaDesk(
            database, read.fleet, read.impact, board.snapshot, lambda: rules.book.rules.values()
        ),
        recipients=recipients,
        templates=templates,
        notifications=NotificationDesk(database, channels.keys(), read.sees, bus.publish),
        trials=Trials(
            database,
            channels,
            people,
            missing=lambda name: missing(settings, name),
        ),
        pipeline=pipeline,
        rounds=rounds,
        heartbeat=heartbeat,
        deadman=_deadman(settings, Collects(rounds, intake, database), pipeline, board),
        own_checks=own,
        scheduler=new_scheduler(),
    )
    bus.subscribe(read.notice)
    bus.subscribe(quiet.notice)
    bus.subscribe(services.incidents.former.notice)
    bus.subscribe(lambda event: pipeline.wake() if isinstance(event, NotificationsQueued) else None)
    schedule(services)
    return services


def _deadman(
    settings: Settings, collects: Probe, pipeline: Pipeline, board: Board
) -> DeadMansSwitch | None:
    if settings.heartbeat_url is None:
        return None
    probes: list[Probe] = [collects, pipeline.stalled]
    return DeadMansSwitch(
        settings.heartbeat_url, probes, lambda text: board.warn("heartbeat", text)
    )
