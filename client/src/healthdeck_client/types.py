"""What is sent and answered.

Written by ``python -m client.generate`` from the OpenAPI document; changes get lost.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class Account(TypedDict):
    """``uptime`` and ``target`` in percent. Minutes are shared by the applications of the tenant:
    see the policy.
    """

    tenantId: str
    organizationName: str
    target: float
    uptime: float | None
    met: bool | None
    downtimeMinutes: float
    degradedMinutes: float
    unknownMinutes: float
    observedMinutes: float
    errorBudget: Budget


class Acknowledgement(TypedDict):
    """What an operator says when taking an alert on."""

    note: NotRequired[str | None]


class Agent(TypedDict):
    """``last_seen_at`` is when it last reported: null when that is long ago or never was."""

    vpsId: str
    createdAt: str
    createdBy: str
    lastSeenAt: str | None
    version: str
    allows: list[str]
    revoked: bool


class Agents(TypedDict):
    agents: list[Agent]


class Alert(TypedDict):
    """``value`` and ``threshold`` are numbers, or words where the metric has words."""

    id: str
    ruleId: str
    ruleName: str
    severity: str
    status: str
    fingerprint: str
    vpsId: str | None
    serviceName: str | None
    tenantId: str | None
    title: str
    message: str
    value: float | str | None
    threshold: float | str | None
    triggeredAt: str
    acknowledgedAt: str | None
    acknowledgedBy: str | None
    snoozedUntil: str | None
    resolvedAt: str | None
    resolvedBy: str | None
    resolution: str | None
    escalationLevel: int
    occurrences: int
    suppressedBy: str | None
    impact: Impact
    timeline: NotRequired[list[dict[str, Any]]]
    notifications: NotRequired[list[dict[str, Any]]]


class Alerts(TypedDict):
    alerts: list[Alert]
    nextCursor: str | None


class Alive(TypedDict):
    status: str


class Annotation(TypedDict):
    """``until`` is null for a moment. Without ``vpsId`` and ``tenantId`` it is about
    everything.
    """

    id: str
    at: str
    until: str | None
    kind: str
    text: str
    vpsId: str | None
    tenantId: str | None
    tags: list[str]
    createdAt: str
    createdBy: str | None


class Annotations(TypedDict):
    annotations: list[Annotation]
    nextCursor: str | None


class Asked(TypedDict):
    job: Job


class Audit(TypedDict):
    entries: list[AuditEntry]
    nextCursor: str | None


class AuditEntry(TypedDict):
    """``address`` is empty for the command line."""

    id: str
    at: str
    who: str
    action: str
    target: str
    address: str
    detail: dict[str, Any]


class Budget(TypedDict):
    """``leftMinutes`` is below 0 when more was used than the target allows."""

    totalMinutes: float
    usedMinutes: float
    leftMinutes: float


class ChangedUser(TypedDict):
    """What is left out stays."""

    role: NotRequired[Literal["admin", "super_admin"] | None]
    password: NotRequired[str | None]


class Course(TypedDict):
    """The course of one of several servers, tenants or services."""

    vpsId: NotRequired[str | None]
    tenantId: NotRequired[str | None]
    service: NotRequired[str | None]
    dataPoints: list[DataPoint]


class DataPoint(TypedDict):
    """``value`` is the mean from ``timestamp`` to the next point."""

    timestamp: str
    value: float
    min: float
    max: float


class Dependency(TypedDict):
    """The worst status and the median response time (ms) of all of this name."""

    name: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    responseTime: float | None


# A stored interval of status unhealthy; ``counts`` is its share of each minute.
Downtime = TypedDict(
    "Downtime",
    {
        "target": "str",
        "label": "str",
        "from": "str",
        "to": "str",
        "ongoing": "bool",
        "minutes": "float",
        "counts": "float",
        "reason": "str",
        "evidence": "dict[str, Any]",
    },
)


class EmbedToken(TypedDict):
    token: str
    expiresAt: str


class Enrolled(TypedDict):
    vpsId: str
    token: str
    command: str


class Enrolment(TypedDict):
    """Whose agent gets a token."""

    vpsId: str


class Event(TypedDict):
    """``evidence`` is what the check found; ``endedAt`` is null while the status lasts."""

    timestamp: str
    target: str
    kind: str
    label: str
    vpsId: str | None
    tenantId: str | None
    service: str | None
    status: str
    previous: str
    reason: str
    endedAt: str | None
    durationSeconds: float | None
    evidence: dict[str, Any]


class Events(TypedDict):
    events: list[Event]
    nextCursor: str | None


class FleetEntry(TypedDict):
    """An entry as it is written in the inventory."""

    id: str


class Found(TypedDict):
    status: str
    reason: NotRequired[str | None]


class HealthOverview(TypedDict):
    """``services`` by their type; ``activeAlerts``: neither resolved nor suppressed."""

    overall: Overall
    services: dict[str, ServiceCount]
    vps: list[VpsLine]
    activeAlerts: int


# ``dataPoints`` is the mean over all targets; spans without a sample have no point.
History = TypedDict(
    "History",
    {
        "metric": "str",
        "timeRange": "str",
        "unit": "str",
        "from": "str",
        "to": "str",
        "dataPoints": "list[DataPoint]",
        "series": "NotRequired[list[Course]]",
    },
)


class Impact(TypedDict):
    tenants: list[str]


class Job(TypedDict):
    """``state``: queued, sent, running, done, failed or expired."""

    id: str
    vpsId: str
    serviceName: str
    action: str
    unit: str
    state: str
    output: str
    exitCode: int | None
    requestedBy: str
    createdAt: str
    expiresAt: str
    sentAt: str | None
    startedAt: str | None
    finishedAt: str | None


class Key(TypedDict):
    id: str
    name: str
    prefix: str
    role: Literal["admin", "super_admin"]
    tenants: list[str] | None
    createdAt: str
    createdBy: str
    expiresAt: str | None
    revokedAt: str | None
    lastUsedAt: str | None


class Keys(TypedDict):
    keys: list[Key]
    nextCursor: str | None


class Log(TypedDict):
    """``log`` is there once the job is done."""

    job: Job
    log: NotRequired[str | None]


class Machine(TypedDict):
    cpu: Processor
    memory: Resource
    disk: Resource
    load: float | None
    network: Network


class MoreReasons(TypedDict):
    """Those that are not listed, and their points together."""

    count: int
    points: float


class Network(TypedDict):
    """Bytes a second."""

    received: float | None
    sent: float | None


class NewAnnotation(TypedDict):
    text: str
    at: NotRequired[str | None]
    until: NotRequired[str | None]
    kind: NotRequired[Literal["deployment", "incident", "maintenance", "note"]]
    vpsId: NotRequired[str | None]
    tenantId: NotRequired[str | None]
    tags: NotRequired[list[str]]


class NewEmbed(TypedDict):
    """``minutes`` is the life of the session. What is left out does not narrow it: ``tenants`` and
    ``vps`` what is seen, ``pages`` which pages open (then the API does not).
    """

    minutes: float
    tenants: NotRequired[list[str] | None]
    vps: NotRequired[list[str] | None]
    pages: NotRequired[list[str] | None]


class NewKey(TypedDict):
    """``tenants`` limits the holder to those; ``expiresAt`` is ISO 8601 with its zone."""

    name: str
    role: Literal["admin", "super_admin"]
    tenants: NotRequired[list[str] | None]
    expiresAt: NotRequired[str | None]


class NewUser(TypedDict):
    name: str
    password: str
    role: Literal["admin", "super_admin"]


class Overall(TypedDict):
    """``uptime``: seconds since everything last was unhealthy, or since monitoring began."""

    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    score: float | None
    uptime: int
    lastUpdate: str
    summary: str
    band: str
    reasons: list[Reason]
    moreReasons: MoreReasons


class Processor(TypedDict):
    usage: float | None
    cores: int | None


class Ready(TypedDict):
    status: str
    checks: dict[str, Found]


class Reason(TypedDict):
    """Points that the score lacks, and why."""

    text: str
    points: float
    target: str


class Refusal(TypedDict):
    seq: int
    reason: str


class Report(TypedDict):
    """``month`` is ``2026-11``; ``complete``: it is over."""

    tenantId: str
    organizationName: str
    target: float
    uptime: float | None
    met: bool | None
    downtimeMinutes: float
    degradedMinutes: float
    unknownMinutes: float
    observedMinutes: float
    errorBudget: Budget
    month: str
    complete: bool


class Reports(TypedDict):
    reports: list[Report]
    policy: dict[str, str]
    nextCursor: str | None


class Resource(TypedDict):
    """In GiB."""

    used: float | None
    total: float | None
    percent: float | None


# With ``tenantId`` the account of that tenant with its ``downtimes``, else ``tenants``.
SLA = TypedDict(
    "SLA",
    {
        "from": "str",
        "to": "str",
        "policy": "dict[str, str]",
        "tenantId": "NotRequired[str | None]",
        "uptime": "NotRequired[float | None]",
        "target": "NotRequired[float | None]",
        "downtimeMinutes": "NotRequired[float | None]",
        "errorBudget": "NotRequired[Budget | None]",
        "downtimes": "NotRequired[list[Downtime]]",
        "moreDowntimes": "NotRequired[bool]",
        "tenants": "NotRequired[list[Account]]",
    },
)


class ServiceCount(TypedDict):
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    instances: int
    healthy: int


class ServiceDependencies(TypedDict):
    service: str
    dependencies: list[Dependency]


class ServiceRow(TypedDict):
    """``responseTime`` in ms, ``uptime`` in seconds."""

    id: str
    name: str
    type: str
    vpsId: str
    vpsName: str
    status: str
    reason: str
    since: str | None
    lastSeen: str | None
    responseTime: float | None
    uptime: int | None


class ServicesPage(TypedDict):
    total: int
    nextCursor: str | None
    services: list[ServiceRow]


class Taken(TypedDict):
    """What became of a report; ``accepted`` is the number up to which its stream is stored."""

    accepted: int
    duplicates: int
    rejected: list[Refusal]
    serverTime: float
    interval: float
    commands: list[dict[str, Any]]


class TenantHealth(TypedDict):
    """``uptime``: percent of the observed time of the last 30 days; null when there is none.
    ``vpsId`` is the first of ``vps``. ``activeAlerts`` are those that reach the tenant.
    """

    tenantId: str
    organizationName: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    vpsId: str | None
    services: list[TenantService]
    lastHealthCheck: str | None
    uptime: float | None
    activeAlerts: int
    vps: list[str]


class TenantRow(TypedDict):
    """``vpsId`` is the first of the servers that carry the tenant, ``sla`` percent."""

    tenantId: str
    organizationName: str
    status: str
    reason: str
    since: str | None
    vpsId: str | None
    vps: list[str]
    services: int
    servicesHealthy: int
    sla: float


class TenantService(TypedDict):
    """An application of the tenant; ``uptime`` in seconds, ``responseTime`` in ms."""

    name: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    url: str
    uptime: NotRequired[int | None]
    responseTime: NotRequired[float | None]
    message: NotRequired[str | None]


class TenantsPage(TypedDict):
    total: int
    nextCursor: str | None
    tenants: list[TenantRow]


class ToldKey(TypedDict):
    id: str
    name: str
    prefix: str
    role: Literal["admin", "super_admin"]
    tenants: list[str] | None
    createdAt: str
    createdBy: str
    expiresAt: str | None
    revokedAt: str | None
    lastUsedAt: str | None
    key: str


class User(TypedDict):
    id: str
    name: str
    role: Literal["admin", "super_admin"]
    createdAt: str


class Users(TypedDict):
    users: list[User]
    nextCursor: str | None


class VPSPage(TypedDict):
    total: int
    nextCursor: str | None
    vps: list[VPSRow]


class VPSRow(TypedDict):
    """``cpu``, ``memory`` and ``disk`` in percent."""

    id: str
    name: str
    region: str
    provider: str
    tags: list[str]
    status: str
    reason: str
    since: str | None
    lastSeen: str | None
    cpu: float | None
    memory: float | None
    disk: float | None
    load: float | None
    services: int
    servicesHealthy: int
    tenants: int
    enabled: bool


class VpsHealth(TypedDict):
    vpsId: str
    name: str
    region: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    reason: str
    lastSeen: str | None
    services: list[VpsService]
    system: Machine
    tenants: list[str]


class VpsLine(TypedDict):
    """``load`` is CPU percent; null where it is not read."""

    id: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    load: float | None


class VpsService(TypedDict):
    """``uptime`` in seconds, ``responseTime`` in ms; ``checks`` by the dependency's type."""

    name: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    uptime: NotRequired[int | None]
    responseTime: NotRequired[float | None]
    checks: NotRequired[dict[str, Literal["healthy", "degraded", "unhealthy", "unknown"]] | None]
    message: NotRequired[str | None]
