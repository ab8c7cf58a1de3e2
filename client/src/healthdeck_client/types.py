"""What is sent and answered.

Written by ``python -m client.generate`` from the OpenAPI document; changes get lost.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


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
    """``value`` and ``threshold`` are numbers, or words where the metric has words; ``expected``
    is what an anomaly's detector expected. ``withheld``: why nobody is told at the moment.
    """

    id: str
    ruleId: str
    ruleName: str
    ruleVersion: int
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
    expected: dict[str, float | None] | None
    triggeredAt: str
    firedAt: str
    acknowledgedAt: str | None
    acknowledgedBy: str | None
    snoozedUntil: str | None
    resolvedAt: str | None
    resolvedBy: str | None
    resolution: str | None
    escalationLevel: int
    occurrences: int
    flapping: bool
    suppressedBy: str | None
    withheld: str | None
    falsePositive: bool | None
    impact: Impact
    timeline: NotRequired[list[dict[str, Any]]]
    notifications: NotRequired[list[dict[str, Any]]]


#
AlertAnalytics = TypedDict(
    "AlertAnalytics",
    {
        "from": "str",
        "to": "str",
        "timeZone": "str",
        "before": "dict[str, str]",
        "counted": "str",
        "totals": "FiringTotals",
        "perDay": "list[DayOfFirings]",
        "byHour": "list[HourOfFirings]",
        "byWeekday": "list[WeekdayOfFirings]",
        "byRule": "Breakdown",
        "byTarget": "Breakdown",
        "byVps": "Breakdown",
        "byService": "Breakdown",
        "byTenant": "Breakdown",
        "bySeverity": "Breakdown",
        "acknowledgement": "ResponseTimes",
        "resolution": "ResponseTimes",
        "rules": "RulesNoise",
        "falsePositives": "FleetPrecision",
        "flapping": "Flapping",
        "patterns": "Patterns",
    },
)


class AlertChannel(TypedDict):
    """``why`` says what is missing where it is not ready."""

    name: str
    ready: bool
    why: str | None


class AlertConfig(TypedDict):
    """``version`` is 0 while nothing was written here."""

    version: int
    updatedAt: str | None
    updatedBy: str | None
    contacts: list[AlertContact]
    groups: list[AlertGroup]
    onCall: list[AlertRotation]
    channels: list[AlertChannel]


class AlertContact(TypedDict):
    """``apprise`` is ``********`` when there is one. ``timeZone`` is that of its quiet hours and
    of
    the times in its messages, null for UTC. ``readOnly``: the inventory file has it.
    ``problem``
    says what is wrong with it.
    """

    name: str
    email: str | None
    phone: str | None
    webhook: AlertWebhook | None
    apprise: str | None
    timeZone: str | None
    quietHours: list[dict[str, Any]]
    fallback: dict[str, Any] | None
    readOnly: bool
    problem: str | None


class AlertGroup(TypedDict):
    name: str
    members: list[str]
    readOnly: bool
    problem: str | None


class AlertOutcome(TypedDict):
    """What became of one alert. ``error`` and ``errorCode`` say why it was not ``done``."""

    id: str
    done: bool
    error: str | None
    errorCode: str | None


class AlertRotation(TypedDict):
    """``now``: who is on call at the time of the answer."""

    name: str
    timeZone: str
    handover: dict[str, str]
    members: list[str]
    since: str
    overrides: list[dict[str, str]]
    now: OnCallNow
    readOnly: bool
    problem: str | None


class AlertRule(TypedDict):
    """``keepFiringFor`` in seconds. ``source`` is ``file`` for a rule of the inventory file, which
    cannot be changed here; ``default`` for one that nobody has changed yet. ``warnings`` say
    what
    it will not achieve, such as recipients that cannot be told.
    """

    id: str
    name: str
    severity: Severity
    condition: dict[str, Any]
    notification: RuleNotification
    enabled: bool
    scope: dict[str, list[str]]
    keepFiringFor: float
    escalation: list[RuleStep]
    raiseSeverity: list[dict[str, Any]]
    runbookUrl: str | None
    version: int
    source: Literal["ui", "file", "default"]
    updatedAt: str
    updatedBy: str | None
    warnings: list[str]


class AlertRuleVersion(TypedDict):
    """``rule`` is null where it was taken away; what goes without saying is left out of it."""

    version: int
    at: str
    by: str
    rule: dict[str, Any] | None


class AlertRuleVersions(TypedDict):
    versions: list[AlertRuleVersion]
    nextCursor: str | None


class AlertRules(TypedDict):
    rules: list[AlertRule]
    total: int
    nextCursor: str | None


class AlertTrace(TypedDict):
    alertId: str
    ruleId: str
    ruleVersion: int
    decisions: list[Decision]


class AlertWebhook(TypedDict):
    """``secret`` is never told: ``********`` when there is one."""

    url: str
    secret: str


class Alerts(TypedDict):
    """``total`` is how many the filters find: on the first page, and null above 1,000."""

    alerts: list[Alert]
    total: int | None
    nextCursor: str | None


class AlertsBulk(TypedDict):
    """What is done with many alerts: those of ``ids``, or those that ``filter`` finds now.
    ``snooze`` takes ``minutes`` or ``until``, ``resolve`` may take ``falsePositive``.
    """

    action: Literal["acknowledge", "snooze", "resolve"]
    ids: NotRequired[list[str] | None]
    filter: NotRequired[AlertsSelection | None]
    note: NotRequired[str | None]
    minutes: NotRequired[float | None]
    until: NotRequired[str | None]
    falsePositive: NotRequired[bool | None]


class AlertsHandled(TypedDict):
    """``done`` and ``failed`` are numbers, ``results`` come in the order of the ids."""

    action: str
    done: int
    failed: int
    results: list[AlertOutcome]


# The filters of the list; its range is when alerts fired first.
AlertsSelection = TypedDict(
    "AlertsSelection",
    {
        "timeRange": "NotRequired[str | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "status": 'NotRequired[list[Literal["active", "acknowledged", "snoozed", "resolved", "unresolved", "all"]]]',
        "severity": 'NotRequired[list[Literal["info", "warning", "critical"]]]',
        "ruleId": "NotRequired[list[str]]",
        "vpsId": "NotRequired[list[str]]",
        "service": "NotRequired[list[str]]",
        "tenantId": "NotRequired[list[str]]",
        "q": "NotRequired[str]",
        "suppressed": "NotRequired[bool | None]",
        "falsePositive": "NotRequired[bool | None]",
    },
)


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


class Breakdown(TypedDict):
    """The 50 with the most firings, of ``total``."""

    rows: list[FiringsOf]
    total: int


class Budget(TypedDict):
    """``leftMinutes`` is below 0 when more was used than the target allows; ``usedPercent`` is
    null
    where it allows nothing.
    """

    totalMinutes: float
    usedMinutes: float
    leftMinutes: float
    usedPercent: float | None


class BurnRate(TypedDict):
    """How many times faster than promised the error budget is used up, over a long and a short
    window; ``both`` is the smaller of the two, which is what rules watch.
    """

    longMinutes: float
    shortMinutes: float
    long: float | None
    short: float | None
    both: float | None


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


# Whenever a crontab's five fields say so: minute, hour, day, month, weekday.
Cron = TypedDict(
    "Cron",
    {
        "minutes": "int",
        "timeZone": "NotRequired[str]",
        "from": "NotRequired[str | None]",
        "until": "NotRequired[str | None]",
        "type": 'Literal["cron"]',
        "expression": "str",
    },
)

# Every day ``at`` a time of the day (24 hours).
Daily = TypedDict(
    "Daily",
    {
        "minutes": "int",
        "timeZone": "NotRequired[str]",
        "from": "NotRequired[str | None]",
        "until": "NotRequired[str | None]",
        "type": 'Literal["daily"]',
        "at": "str",
    },
)


class DataPoint(TypedDict):
    """``value`` is the mean from ``timestamp`` to the next point."""

    timestamp: str
    value: float
    min: float
    max: float


class DayOfFirings(TypedDict):
    day: str
    firings: int


class Decision(TypedDict):
    at: str
    kind: str
    text: str
    by: str | None


class Dependency(TypedDict):
    """The worst status and the median response time (ms) of all of this name."""

    name: str
    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    responseTime: float | None


# A stored interval (``eventId``) whose status counts as downtime. ``counts`` is its share of each
# minute, ``countedMinutes`` what it added to the downtime.
Downtime = TypedDict(
    "Downtime",
    {
        "eventId": "str",
        "target": "str",
        "label": "str",
        "status": "str",
        "from": "str",
        "to": "str",
        "ongoing": "bool",
        "minutes": "float",
        "counts": "float",
        "countedMinutes": "float",
        "maintenanceMinutes": "float",
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


class FalsePositives(TypedDict):
    marked: int
    selfResolved: int
    deployment: int


class FiringTotal(TypedDict):
    firings: int
    alerts: int
    told: int
    acknowledged: int
    open: int


class FiringTotals(TypedDict):
    """``change`` in percent against ``before``; null where there was nothing before."""

    firings: int
    alerts: int
    told: int
    acknowledged: int
    open: int
    before: FiringTotal
    change: float | None


class FiringsOf(TypedDict):
    """Of one rule, target, server, service, tenant or severity, named by further fields."""

    firings: int
    alerts: int
    before: int
    change: float | None


class Flapping(TypedDict):
    rows: list[FlappingTarget]
    total: int


class FlappingTarget(TypedDict):
    """``medianGap``: seconds from one firing to the next."""

    ruleId: str
    ruleName: str
    target: str
    label: str
    firings: int
    spells: int
    medianGap: float
    last: str
    alertIds: list[str]


class FleetEntry(TypedDict):
    """An entry as it is written in the inventory."""

    id: str


class FleetPrecision(TypedDict):
    resolved: int
    falsePositives: FalsePositives
    falsePositiveShare: float | None
    precision: float | None
    definition: str


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


class HourOfFirings(TypedDict):
    hour: int
    firings: int
    before: int


#
HourPattern = TypedDict(
    "HourPattern",
    {
        "ruleId": "str",
        "ruleName": "str",
        "target": "str",
        "label": "str",
        "count": "int",
        "from": "str",
        "to": "str",
        "hits": "int",
        "days": "int",
        "expected": "float",
        "p": "float",
        "rate": "float",
        "alertIds": "list[str]",
        "sentence": "str",
    },
)


class HourPatterns(TypedDict):
    rows: list[HourPattern]
    total: int
    tested: int


class Impact(TypedDict):
    tenants: list[str]


class Incident(TypedDict):
    """``timeline`` holds the first 1,000 entries; ``notes`` are empty for limited callers."""

    id: str
    title: str
    rootTarget: str | None
    status: Literal["active", "acknowledged", "resolved"]
    severity: str
    startedAt: str
    resolvedAt: str | None
    alertCount: int
    tenants: list[str]
    durations: IncidentDurations
    alerts: list[IncidentAlertRef]
    timeline: list[IncidentEntry]
    notes: list[IncidentNoted]


class IncidentAlertRef(TypedDict):
    id: str
    title: str
    target: str
    severity: str
    status: str
    triggeredAt: str
    resolvedAt: str | None


class IncidentDurations(TypedDict):
    """Seconds from the first alert on; null where it has not come to that."""

    toTold: float | None
    toAcknowledged: float | None
    toResolved: float | None


class IncidentEntry(TypedDict):
    """``event``: detected, over, what became of an alert (fired, told, acknowledged, resolved and
    so on), action (on a server), or the kind of an annotation.
    """

    at: str
    event: str
    text: str
    by: str | None
    alertId: str | None


class IncidentNoted(TypedDict):
    at: str
    who: str
    text: str


class IncidentSummary(TypedDict):
    """``rootTarget`` is what is behind it; null for callers that may not know of that."""

    id: str
    title: str
    rootTarget: str | None
    status: Literal["active", "acknowledged", "resolved"]
    severity: str
    startedAt: str
    resolvedAt: str | None
    alertCount: int
    tenants: list[str]
    durations: IncidentDurations


class Incidents(TypedDict):
    incidents: list[IncidentSummary]
    nextCursor: str | None


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


class Kept(TypedDict):
    """A report as it was made. The job makes version 1, soon after the month's end."""

    version: int
    madeAt: str
    madeBy: str
    reason: str


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


class Maintenance(TypedDict):
    """Work on part of the fleet: while a window is open nobody is told of the alerts in scope."""

    name: str
    schedule: Once | Daily | Weekly | Cron
    scope: MaintenanceScope


class MaintenanceCalendar(TypedDict):
    """``complete`` is false where a maintenance opens more often than is told."""

    windows: list[PlannedWindow]
    complete: bool


class MaintenanceScope(TypedDict):
    """What work is done on: alerts that fit every field that is given; of a field, one name is
    enough. ``service`` takes names and ``vps/service``. ``tenant``: alerts that reach none but
    these tenants. ``everything`` is said, never meant by leaving all out.
    """

    vps: NotRequired[list[str]]
    service: NotRequired[list[str]]
    tenant: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    everything: NotRequired[bool]


class MaintenanceWindow(TypedDict):
    """``current``: the window that is open now; ``next``: the first that opens after now. Times
    are UTC. ``ended``: none will open any more.
    """

    id: str
    name: str
    state: Literal["active", "upcoming", "ended"]
    active: bool
    current: Occurrence | None
    next: Occurrence | None
    schedule: Once | Daily | Weekly | Cron
    scope: MaintenanceScope
    createdAt: str
    createdBy: str


class MaintenanceWindows(TypedDict):
    maintenance: list[MaintenanceWindow]
    nextCursor: str | None


class MissedAlerts(TypedDict):
    total: int
    real: int
    alertIds: list[str]


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


class NewIncidentNote(TypedDict):
    """What somebody found out or did."""

    text: str


class NewKey(TypedDict):
    """``tenants`` limits the holder to those; ``expiresAt`` is ISO 8601 with its zone."""

    name: str
    role: Literal["admin", "super_admin"]
    tenants: NotRequired[list[str] | None]
    expiresAt: NotRequired[str | None]


class NewSilence(TypedDict):
    """From ``startsAt`` (without it from now) to ``endsAt``, or for so many ``minutes``, nobody
    is told of alerts that all ``matchers`` fit. Times are ISO 8601.
    """

    comment: str
    matchers: list[SilenceMatcher]
    startsAt: NotRequired[str | None]
    endsAt: NotRequired[str | None]
    minutes: NotRequired[int | None]


class NewUser(TypedDict):
    name: str
    password: str
    role: Literal["admin", "super_admin"]


class Notification(TypedDict):
    """One message to one recipient on one channel. ``reason`` says in a word, ``detail`` in words,
    why it stands where it stands; ``via``: through what the recipient was meant, such as a
    rotation. ``alertTitle`` and ``text`` are those of the message, ``message`` the id that
    several
    notifications share which went in one. ``resentFrom`` is the notification that ``resentBy``
    had
    sent again, ``insteadOf`` the one that failed before this one took its place.
    """

    id: str
    alertId: str | None
    alertTitle: str
    text: str
    severity: str
    event: str
    channel: str
    recipient: str
    via: str
    status: str
    reason: str
    detail: str
    attempts: int
    createdAt: str
    nextAttemptAt: str | None
    sentAt: str | None
    providerId: str | None
    message: str | None
    resentFrom: str | None
    resentBy: str | None
    insteadOf: str | None


class Notifications(TypedDict):
    notifications: list[Notification]
    nextCursor: str | None


class Occurrence(TypedDict):
    start: str
    end: str


class OnCallNow(TypedDict):
    """``until`` is null when it never changes."""

    contact: str | None
    until: str | None


class Once(TypedDict):
    """From ``start`` to ``end``: 1 minute to 7 days."""

    type: Literal["once"]
    start: str
    end: str
    timeZone: NotRequired[str]


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


class PairPattern(TypedDict):
    """``hits`` times, by chance ``expected``. ``p``: how likely so many are by chance, at most;
    ``rate``: the false discovery rate at which it is told. ``medianLag`` in seconds.
    """

    first: PatternPart
    second: PatternPart
    hits: int
    expected: float
    lift: float | None
    p: float
    rate: float
    withinSeconds: float
    medianLag: float
    examples: list[list[str]]
    sentence: str


class PairPatterns(TypedDict):
    """The 20 least likely, of ``total``; ``tested``: how many pairs were looked at."""

    rows: list[PairPattern]
    total: int
    tested: int


class PatternPart(TypedDict):
    """``count``: how often its trouble began."""

    ruleId: str
    ruleName: str
    target: str
    label: str
    count: int


class Patterns(TypedDict):
    together: PairPatterns
    precedes: PairPatterns
    sameHour: HourPatterns
    falseDiscoveryRate: float
    method: str
    notes: list[str]


class PlannedWindow(TypedDict):
    maintenanceId: str
    name: str
    start: str
    end: str


class Preview(TypedDict):
    """``pages``: messages that would have told of a firing, escalations not counted. ``targets``:
    how many were looked at, of ``targetsWatched``. ``complete``: nothing of that is missing;
    ``notes`` say why something is.
    """

    ruleId: str
    span: PreviewSpan
    targets: int
    targetsWatched: int
    complete: bool
    notes: list[str]
    count: int
    pages: int
    pagesPerWeek: float
    selfResolvedWithin5MinutesShare: float | None
    firings: list[PreviewFiring]
    comparedTo: PreviewComparison | None
    unit: str
    series: list[PreviewSeries]


class PreviewComparison(TypedDict):
    """With the rule of the same id in force (``enabled`` false: it fires nothing). Firings of a
    target that overlap in time are the same; ``added`` and ``removed`` are the newest.
    """

    version: int | None
    enabled: bool
    count: int
    pages: int
    addedCount: int
    removedCount: int
    added: list[PreviewDifference]
    removed: list[PreviewDifference]


class PreviewDifference(TypedDict):
    target: str
    label: str
    vpsId: str | None
    start: str
    end: str | None


class PreviewFiring(TypedDict):
    """``since``: when the condition began to hold, ``start``: when the alert fired, ``end``: null
    while it stands. ``seconds``: how long it stood altogether; ``occurrences``: how often it
    fired
    (again within the time in which it is reopened). ``peak``: the worst value.
    """

    target: str
    label: str
    vpsId: str | None
    since: str
    start: str
    end: str | None
    seconds: float
    occurrences: int
    flapping: bool
    peak: float | str | None
    peakAt: str
    evidence: str
    values: list[dict[str, Any]]


#
PreviewRequest = TypedDict(
    "PreviewRequest",
    {
        "rule": "dict[str, Any]",
        "timeRange": "NotRequired[str | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "limit": "NotRequired[int]",
    },
)


class PreviewSeries(TypedDict):
    """One of the worst targets: ``dataPoints`` of a number, with the ``band`` that a detector
    expected; ``words`` where the metric has words, or of what was missing.
    """

    target: str
    label: str
    vpsId: str | None
    dataPoints: list[dict[str, Any]]
    band: list[dict[str, Any]]
    words: list[dict[str, Any]]


#
PreviewSpan = TypedDict(
    "PreviewSpan",
    {
        "from": "str",
        "to": "str",
        "days": "float",
    },
)


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


# ``month`` is ``2026-11``; ``complete``: it is over. ``kept`` is null while no report is kept:
# the figures are those of now.
Report = TypedDict(
    "Report",
    {
        "organizationName": "str",
        "target": "float",
        "uptime": "float | None",
        "met": "bool | None",
        "downtimeMinutes": "float",
        "degradedMinutes": "float",
        "unknownMinutes": "float",
        "blindMinutes": "float",
        "maintenanceMinutes": "float",
        "observedMinutes": "float",
        "downtimeSeconds": "float",
        "observedSeconds": "float",
        "errorBudget": "Budget",
        "policy": "dict[str, str]",
        "tenantId": "str",
        "month": "str",
        "complete": "bool",
        "kept": "Kept | None",
        "from": "str",
        "to": "str",
    },
)


class ReportBody(TypedDict):
    """Why it is made again."""

    reason: str


class Reports(TypedDict):
    reports: list[Report]
    policy: dict[str, str]
    nextCursor: str | None


class Resolution(TypedDict):
    """How an operator ends an alert."""

    note: NotRequired[str | None]
    falsePositive: NotRequired[bool | None]


class Resource(TypedDict):
    """In GiB."""

    used: float | None
    total: float | None
    percent: float | None


class ResponseTimes(TypedDict):
    """``leftOut`` counts the firings that are not in it, by why."""

    count: int
    mean: float | None
    median: float | None
    p90: float | None
    before: Times
    leftOut: dict[str, int]
    trend: list[TimesFrom]
    definition: str


class RuleNoise(TypedDict):
    """``told``: firings that somebody was told of."""

    resolved: int
    falsePositives: FalsePositives
    falsePositiveShare: float | None
    precision: float | None
    ruleId: str
    ruleName: str
    firings: int
    alerts: int
    told: int
    messages: int
    acknowledgedShare: float | None


class RuleNotification(TypedDict):
    """``escalateAfter`` and ``remindEvery`` in seconds."""

    channels: list[str]
    recipients: list[str]
    escalateAfter: float | None
    remindEvery: float | None


class RuleStep(TypedDict):
    """``after`` in seconds."""

    channels: list[str]
    recipients: list[str]
    after: float


class RuleSuggestion(TypedDict):
    """``suggestion`` is null when there is none; ``sentence`` says why."""

    ruleId: str
    version: int
    suggestion: SuggestedRule | None
    sentence: str
    tried: list[TriedChange]
    notes: list[str]


class RulesImport(TypedDict):
    """``replace``: rules that are not in the text go, but for those of the inventory file.
    ``dryRun``: only says what would be done.
    """

    yaml: str
    replace: NotRequired[bool]
    dryRun: NotRequired[bool]


class RulesImported(TypedDict):
    """How many rules, and which: ``ids`` has a list for each of the four."""

    dryRun: bool
    created: int
    changed: int
    unchanged: int
    deleted: int
    ids: dict[str, list[str]]


class RulesNoise(TypedDict):
    """The noisiest first, by messages; 50, of ``total``."""

    rows: list[RuleNoise]
    total: int


# With ``tenantId`` or ``vpsId`` the account of that one with its ``downtimes``, else ``tenants``.
# ``burnRates``: ``fast`` and ``slow``, as of ``burnRatesAt``.
SLA = TypedDict(
    "SLA",
    {
        "from": "str",
        "to": "str",
        "policy": "dict[str, str]",
        "tenantId": "NotRequired[str | None]",
        "vpsId": "NotRequired[str | None]",
        "service": "NotRequired[str | None]",
        "uptime": "NotRequired[float | None]",
        "target": "NotRequired[float | None]",
        "downtimeMinutes": "NotRequired[float | None]",
        "errorBudget": "NotRequired[Budget | None]",
        "burnRates": "NotRequired[dict[str, BurnRate] | None]",
        "burnRatesAt": "NotRequired[str | None]",
        "downtimes": "NotRequired[list[Downtime]]",
        "moreDowntimes": "NotRequired[bool]",
        "tenants": "NotRequired[list[TenantAccount]]",
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


class Severity(TypedDict):
    """Severity."""


class Silence(TypedDict):
    id: str
    comment: str
    state: Literal["active", "upcoming", "ended"]
    matchers: list[SilenceMatcher]
    startsAt: str
    endsAt: str
    createdAt: str
    createdBy: str


class SilenceMatcher(TypedDict):
    """One thing that must be so of an alert. ``value`` is a text, for ``oneOf`` a list of them.
    ``rule`` is a rule's id, ``target`` the key of a target; ``service`` takes a name or
    ``vps/service``; ``tenant`` equals: the alert reaches none but these; ``tag``: the server
    has
    one of these.
    """

    field: Literal["rule", "severity", "vps", "service", "tenant", "tag", "target"]
    operator: NotRequired[Literal["equals", "notEquals", "oneOf"]]
    value: str | list[str]


class Silences(TypedDict):
    silences: list[Silence]
    nextCursor: str | None


class Snooze(TypedDict):
    """``minutes`` or ``until``."""

    minutes: NotRequired[float | None]
    until: NotRequired[str | None]
    note: NotRequired[str | None]


class Sources(TypedDict):
    """Null for a part that the channel does not have."""

    subject: str | None
    title: str | None
    text: str | None
    html: str | None


class SuggestedRule(TypedDict):
    """``rule`` is what ``PUT /api/admin/alerts/rules/<rule_id>`` takes, with ``ifMatch`` as its
    ``If-Match``. ``pagesBefore``, ``pages`` and ``count`` (of alerts) are of previews.
    """

    change: list[dict[str, Any]]
    rule: dict[str, Any]
    ifMatch: str
    applicable: bool
    count: int
    pagesBefore: int
    pages: int
    reducedBy: float
    missed: MissedAlerts
    real: ToldLater


#
SuggestionRequest = TypedDict(
    "SuggestionRequest",
    {
        "timeRange": "NotRequired[str | None]",
        "from": "NotRequired[str | None]",
        "to": "NotRequired[str | None]",
        "soonMinutes": "NotRequired[float]",
    },
)


class Taken(TypedDict):
    """What became of a report; ``accepted`` is the number up to which its stream is stored."""

    accepted: int
    duplicates: int
    rejected: list[Refusal]
    serverTime: float
    interval: float
    commands: list[dict[str, Any]]


class Template(TypedDict):
    """``parts`` are in force, ``default`` what a deletion brings back. ``edited``: ``updatedBy``
    wrote it differently at ``updatedAt``.
    """

    channel: str
    event: str
    edited: bool
    parts: Sources
    default: Sources
    updatedAt: str | None
    updatedBy: str | None


class TemplateParts(TypedDict):
    """Jinja2 sources: of an e-mail ``subject``, ``text`` and ``html``, of an SMS ``text``, of the
    others ``title`` and ``text``. What is left out stays the default's.
    """

    subject: NotRequired[str | None]
    title: NotRequired[str | None]
    text: NotRequired[str | None]
    html: NotRequired[str | None]


class TemplatePreview(TypedDict):
    """Without ``parts`` the template in force; without ``alertId`` an example. ``recipient`` is a
    contact, in whose time zone times are written.
    """

    channel: str
    event: str
    parts: NotRequired[TemplateParts | None]
    alertId: NotRequired[str | None]
    recipient: NotRequired[str]


class TemplateVariable(TypedDict):
    """``name`` as a template writes it; a star in it stands for a moment: triggered, fired,
    acknowledged, snoozedUntil, resolved.
    """

    name: str
    meaning: str


class Templates(TypedDict):
    templates: list[Template]
    variables: list[TemplateVariable]


class TenantAccount(TypedDict):
    organizationName: str
    target: float
    uptime: float | None
    met: bool | None
    downtimeMinutes: float
    degradedMinutes: float
    unknownMinutes: float
    blindMinutes: float
    maintenanceMinutes: float
    observedMinutes: float
    downtimeSeconds: float
    observedSeconds: float
    errorBudget: Budget
    policy: dict[str, str]
    tenantId: str


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


class TestMessage(TypedDict):
    """``recipient``: the name of a contact, group or rotation, or an address that the channel
    takes; inApp needs none, since it is for everybody who has the dashboard open.
    """

    channel: Literal["email", "sms", "webhook", "inApp", "apprise"]
    recipient: NotRequired[str | None]


class TestResult(TypedDict):
    """What the provider said; ``id`` is the notification's. ``ok``: it took the message."""

    id: str
    recipient: str
    ok: bool
    status: str
    reason: str
    detail: str
    providerId: str | None
    seconds: float


class TestResults(TypedDict):
    """Of one recipient; of a group all are in ``results``, and here is one that failed, if one
    did.
    """

    id: str
    recipient: str
    ok: bool
    status: str
    reason: str
    detail: str
    providerId: str | None
    seconds: float
    results: list[TestResult]


class Times(TypedDict):
    """In seconds. ``p90``: the smallest that nine of ten do not exceed."""

    count: int
    mean: float | None
    median: float | None
    p90: float | None


#
TimesFrom = TypedDict(
    "TimesFrom",
    {
        "count": "int",
        "mean": "float | None",
        "median": "float | None",
        "p90": "float | None",
        "from": "str",
    },
)


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


class ToldLater(TypedDict):
    """Of how many real troubles it would have ``told``, and how much later, in seconds."""

    total: int
    told: int
    laterMedian: float | None
    laterMost: float | None


class TriedChange(TypedDict):
    change: list[dict[str, Any]]
    pages: int
    missedReal: int


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


class Verdict(TypedDict):
    """``outcome``: clear, pending, active, resolvedByHand, noValue, failed, paused, disabled or
    outOfScope.
    """

    ruleId: str
    ruleName: str
    target: str
    label: str
    outcome: str
    text: str
    alertId: str | None


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


class VpsTrace(TypedDict):
    vpsId: str
    verdicts: list[Verdict]


class WeekdayOfFirings(TypedDict):
    weekday: Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    firings: int
    before: int


# On some days of the week ``at`` a time of the day.
Weekly = TypedDict(
    "Weekly",
    {
        "minutes": "int",
        "timeZone": "NotRequired[str]",
        "from": "NotRequired[str | None]",
        "until": "NotRequired[str | None]",
        "type": 'Literal["weekly"]',
        "days": 'list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]]',
        "at": "str",
    },
)

# ``versions``: all that are kept, the latest first.
WholeReport = TypedDict(
    "WholeReport",
    {
        "organizationName": "str",
        "target": "float",
        "uptime": "float | None",
        "met": "bool | None",
        "downtimeMinutes": "float",
        "degradedMinutes": "float",
        "unknownMinutes": "float",
        "blindMinutes": "float",
        "maintenanceMinutes": "float",
        "observedMinutes": "float",
        "downtimeSeconds": "float",
        "observedSeconds": "float",
        "errorBudget": "Budget",
        "policy": "dict[str, str]",
        "tenantId": "str",
        "month": "str",
        "complete": "bool",
        "kept": "Kept | None",
        "from": "str",
        "to": "str",
        "downtimes": "list[Downtime]",
        "moreDowntimes": "bool",
        "versions": "list[Kept]",
    },
)
