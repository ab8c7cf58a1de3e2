/** What is sent and answered.
 *
 *  Written by `python -m client.generate` from the OpenAPI document; changes get lost. */

/** What an operator says when taking an alert on. */
export interface Acknowledgement {
  note?: string | null;
}

/** `last_seen_at` is when it last reported: null when that is long ago or never was. */
export interface Agent {
  vpsId: string;
  createdAt: string;
  createdBy: string;
  lastSeenAt: string | null;
  version: string;
  allows: string[];
  revoked: boolean;
}

export interface Agents {
  agents: Agent[];
}

/** `value` and `threshold` are numbers, or words where the metric has words; `expected` is what
 *  an anomaly's detector expected. `withheld`: why nobody is told at the moment. */
export interface Alert {
  id: string;
  ruleId: string;
  ruleName: string;
  ruleVersion: number;
  severity: string;
  status: string;
  fingerprint: string;
  vpsId: string | null;
  serviceName: string | null;
  tenantId: string | null;
  title: string;
  message: string;
  value: number | string | null;
  threshold: number | string | null;
  expected: Record<string, number | null> | null;
  triggeredAt: string;
  firedAt: string;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  snoozedUntil: string | null;
  resolvedAt: string | null;
  resolvedBy: string | null;
  resolution: string | null;
  escalationLevel: number;
  occurrences: number;
  flapping: boolean;
  suppressedBy: string | null;
  withheld: string | null;
  falsePositive: boolean | null;
  impact: Impact;
  timeline?: Record<string, unknown>[];
  notifications?: Record<string, unknown>[];
}

export interface AlertAnalytics {
  from: string;
  to: string;
  timeZone: string;
  before: Record<string, string>;
  counted: string;
  totals: FiringTotals;
  perDay: DayOfFirings[];
  byHour: HourOfFirings[];
  byWeekday: WeekdayOfFirings[];
  byRule: Breakdown;
  byTarget: Breakdown;
  byVps: Breakdown;
  byService: Breakdown;
  byTenant: Breakdown;
  bySeverity: Breakdown;
  acknowledgement: ResponseTimes;
  resolution: ResponseTimes;
  rules: RulesNoise;
  falsePositives: FleetPrecision;
  flapping: Flapping;
  patterns: Patterns;
}

/** `why` says what is missing where it is not ready. */
export interface AlertChannel {
  name: string;
  ready: boolean;
  why: string | null;
}

/** `version` is 0 while nothing was written here. */
export interface AlertConfig {
  version: number;
  updatedAt: string | null;
  updatedBy: string | null;
  contacts: AlertContact[];
  groups: AlertGroup[];
  onCall: AlertRotation[];
  channels: AlertChannel[];
}

/** `apprise` is `********` when there is one. `timeZone` is that of its quiet hours and of the
 *  times in its messages, null for UTC. `readOnly`: the inventory file has it. `problem` says
 *  what is wrong with it. */
export interface AlertContact {
  name: string;
  email: string | null;
  phone: string | null;
  webhook: AlertWebhook | null;
  apprise: string | null;
  timeZone: string | null;
  quietHours: Record<string, unknown>[];
  fallback: Record<string, unknown> | null;
  readOnly: boolean;
  problem: string | null;
}

export interface AlertGroup {
  name: string;
  members: string[];
  readOnly: boolean;
  problem: string | null;
}

/** What became of one alert. `error` and `errorCode` say why it was not `done`. */
export interface AlertOutcome {
  id: string;
  done: boolean;
  error: string | null;
  errorCode: string | null;
}

/** `now`: who is on call at the time of the answer. */
export interface AlertRotation {
  name: string;
  timeZone: string;
  handover: Record<string, string>;
  members: string[];
  since: string;
  overrides: Record<string, string>[];
  now: OnCallNow;
  readOnly: boolean;
  problem: string | null;
}

/** `keepFiringFor` in seconds. `source` is `file` for a rule of the inventory file, which
 *  cannot be changed here; `default` for one that nobody has changed yet. `warnings` say what
 *  it will not achieve, such as recipients that cannot be told. */
export interface AlertRule {
  id: string;
  name: string;
  severity: Severity;
  condition: Record<string, unknown>;
  notification: RuleNotification;
  enabled: boolean;
  scope: Record<string, string[]>;
  keepFiringFor: number;
  escalation: RuleStep[];
  raiseSeverity: Record<string, unknown>[];
  runbookUrl: string | null;
  version: number;
  source: 'ui' | 'file' | 'default';
  updatedAt: string;
  updatedBy: string | null;
  warnings: string[];
}

/** `rule` is null where it was taken away; what goes without saying is left out of it. */
export interface AlertRuleVersion {
  version: number;
  at: string;
  by: string;
  rule: Record<string, unknown> | null;
}

export interface AlertRuleVersions {
  versions: AlertRuleVersion[];
  nextCursor: string | null;
}

export interface AlertRules {
  rules: AlertRule[];
  total: number;
  nextCursor: string | null;
}

export interface AlertTrace {
  alertId: string;
  ruleId: string;
  ruleVersion: number;
  decisions: Decision[];
}

/** `secret` is never told: `********` when there is one. */
export interface AlertWebhook {
  url: string;
  secret: string;
}

/** `total` is how many the filters find: on the first page, and null above 1,000. */
export interface Alerts {
  alerts: Alert[];
  total: number | null;
  nextCursor: string | null;
}

/** What is done with many alerts: those of `ids`, or those that `filter` finds now. `snooze`
 *  takes `minutes` or `until`, `resolve` may take `falsePositive`. */
export interface AlertsBulk {
  action: 'acknowledge' | 'snooze' | 'resolve';
  ids?: string[] | null;
  filter?: AlertsSelection | null;
  note?: string | null;
  minutes?: number | null;
  until?: string | null;
  falsePositive?: boolean | null;
}

/** `done` and `failed` are numbers, `results` come in the order of the ids. */
export interface AlertsHandled {
  action: string;
  done: number;
  failed: number;
  results: AlertOutcome[];
}

/** The filters of the list; its range is when alerts fired first. */
export interface AlertsSelection {
  timeRange?: string | null;
  from?: string | null;
  to?: string | null;
  status?: ('active' | 'acknowledged' | 'snoozed' | 'resolved' | 'unresolved' | 'all')[];
  severity?: ('info' | 'warning' | 'critical')[];
  ruleId?: string[];
  vpsId?: string[];
  service?: string[];
  tenantId?: string[];
  q?: string;
  suppressed?: boolean | null;
  falsePositive?: boolean | null;
}

export interface Alive {
  status: string;
}

/** `until` is null for a moment. Without `vpsId` and `tenantId` it is about everything. */
export interface Annotation {
  id: string;
  at: string;
  until: string | null;
  kind: string;
  text: string;
  vpsId: string | null;
  tenantId: string | null;
  tags: string[];
  createdAt: string;
  createdBy: string | null;
}

export interface Annotations {
  annotations: Annotation[];
  nextCursor: string | null;
}

export interface Asked {
  job: Job;
}

export interface Audit {
  entries: AuditEntry[];
  nextCursor: string | null;
}

/** `address` is empty for the command line. */
export interface AuditEntry {
  id: string;
  at: string;
  who: string;
  action: string;
  target: string;
  address: string;
  detail: Record<string, unknown>;
}

/** The 50 with the most firings, of `total`. */
export interface Breakdown {
  rows: FiringsOf[];
  total: number;
}

/** `leftMinutes` is below 0 when more was used than the target allows; `usedPercent` is null
 *  where it allows nothing. */
export interface Budget {
  totalMinutes: number;
  usedMinutes: number;
  leftMinutes: number;
  usedPercent: number | null;
}

/** How many times faster than promised the error budget is used up, over a long and a short
 *  window; `both` is the smaller of the two, which is what rules watch. */
export interface BurnRate {
  longMinutes: number;
  shortMinutes: number;
  long: number | null;
  short: number | null;
  both: number | null;
}

/** What is left out stays. */
export interface ChangedUser {
  role?: 'admin' | 'super_admin' | null;
  password?: string | null;
}

/** The course of one of several servers, tenants or services. */
export interface Course {
  vpsId?: string | null;
  tenantId?: string | null;
  service?: string | null;
  dataPoints: DataPoint[];
}

/** Whenever a crontab's five fields say so: minute, hour, day, month, weekday. */
export interface Cron {
  minutes: number;
  timeZone?: string;
  from?: string | null;
  until?: string | null;
  type: 'cron';
  expression: string;
}

/** Every day `at` a time of the day (24 hours). */
export interface Daily {
  minutes: number;
  timeZone?: string;
  from?: string | null;
  until?: string | null;
  type: 'daily';
  at: string;
}

/** `value` is the mean from `timestamp` to the next point. */
export interface DataPoint {
  timestamp: string;
  value: number;
  min: number;
  max: number;
}

export interface DayOfFirings {
  day: string;
  firings: number;
}

export interface Decision {
  at: string;
  kind: string;
  text: string;
  by: string | null;
}

/** The worst status and the median response time (ms) of all of this name. */
export interface Dependency {
  name: string;
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  responseTime: number | null;
}

/** A stored interval (`eventId`) whose status counts as downtime. `counts` is its share of each
 *  minute, `countedMinutes` what it added to the downtime. */
export interface Downtime {
  eventId: string;
  target: string;
  label: string;
  status: string;
  from: string;
  to: string;
  ongoing: boolean;
  minutes: number;
  counts: number;
  countedMinutes: number;
  maintenanceMinutes: number;
  reason: string;
  evidence: Record<string, unknown>;
}

export interface EmbedToken {
  token: string;
  expiresAt: string;
}

export interface Enrolled {
  vpsId: string;
  token: string;
  command: string;
}

/** Whose agent gets a token. */
export interface Enrolment {
  vpsId: string;
}

/** `evidence` is what the check found; `endedAt` is null while the status lasts. */
export interface Event {
  timestamp: string;
  target: string;
  kind: string;
  label: string;
  vpsId: string | null;
  tenantId: string | null;
  service: string | null;
  status: string;
  previous: string;
  reason: string;
  endedAt: string | null;
  durationSeconds: number | null;
  evidence: Record<string, unknown>;
}

export interface Events {
  events: Event[];
  nextCursor: string | null;
}

export interface FalsePositives {
  marked: number;
  selfResolved: number;
  deployment: number;
}

export interface FiringTotal {
  firings: number;
  alerts: number;
  told: number;
  acknowledged: number;
  open: number;
}

/** `change` in percent against `before`; null where there was nothing before. */
export interface FiringTotals {
  firings: number;
  alerts: number;
  told: number;
  acknowledged: number;
  open: number;
  before: FiringTotal;
  change: number | null;
}

/** Of one rule, target, server, service, tenant or severity, named by further fields. */
export interface FiringsOf {
  firings: number;
  alerts: number;
  before: number;
  change: number | null;
}

export interface Flapping {
  rows: FlappingTarget[];
  total: number;
}

/** `medianGap`: seconds from one firing to the next. */
export interface FlappingTarget {
  ruleId: string;
  ruleName: string;
  target: string;
  label: string;
  firings: number;
  spells: number;
  medianGap: number;
  last: string;
  alertIds: string[];
}

/** An entry as it is written in the inventory. */
export interface FleetEntry {
  id: string;
}

export interface FleetPrecision {
  resolved: number;
  falsePositives: FalsePositives;
  falsePositiveShare: number | null;
  precision: number | null;
  definition: string;
}

export interface Found {
  status: string;
  reason?: string | null;
}

/** `services` by their type; `activeAlerts`: neither resolved nor suppressed. */
export interface HealthOverview {
  overall: Overall;
  services: Record<string, ServiceCount>;
  vps: VpsLine[];
  activeAlerts: number;
}

/** `dataPoints` is the mean over all targets; spans without a sample have no point. */
export interface History {
  metric: string;
  timeRange: string;
  unit: string;
  from: string;
  to: string;
  dataPoints: DataPoint[];
  series?: Course[];
}

export interface HourOfFirings {
  hour: number;
  firings: number;
  before: number;
}

export interface HourPattern {
  ruleId: string;
  ruleName: string;
  target: string;
  label: string;
  count: number;
  from: string;
  to: string;
  hits: number;
  days: number;
  expected: number;
  p: number;
  rate: number;
  alertIds: string[];
  sentence: string;
}

export interface HourPatterns {
  rows: HourPattern[];
  total: number;
  tested: number;
}

export interface Impact {
  tenants: string[];
}

/** `timeline` holds the first 1,000 entries; `notes` are empty for limited callers. */
export interface Incident {
  id: string;
  title: string;
  rootTarget: string | null;
  status: 'active' | 'acknowledged' | 'resolved';
  severity: string;
  startedAt: string;
  resolvedAt: string | null;
  alertCount: number;
  tenants: string[];
  durations: IncidentDurations;
  alerts: IncidentAlertRef[];
  timeline: IncidentEntry[];
  notes: IncidentNoted[];
}

export interface IncidentAlertRef {
  id: string;
  title: string;
  target: string;
  severity: string;
  status: string;
  triggeredAt: string;
  resolvedAt: string | null;
}

/** Seconds from the first alert on; null where it has not come to that. */
export interface IncidentDurations {
  toTold: number | null;
  toAcknowledged: number | null;
  toResolved: number | null;
}

/** `event`: detected, over, what became of an alert (fired, told, acknowledged, resolved and so
 *  on), action (on a server), or the kind of an annotation. */
export interface IncidentEntry {
  at: string;
  event: string;
  text: string;
  by: string | null;
  alertId: string | null;
}

export interface IncidentNoted {
  at: string;
  who: string;
  text: string;
}

/** `rootTarget` is what is behind it; null for callers that may not know of that. */
export interface IncidentSummary {
  id: string;
  title: string;
  rootTarget: string | null;
  status: 'active' | 'acknowledged' | 'resolved';
  severity: string;
  startedAt: string;
  resolvedAt: string | null;
  alertCount: number;
  tenants: string[];
  durations: IncidentDurations;
}

export interface Incidents {
  incidents: IncidentSummary[];
  nextCursor: string | null;
}

/** `state`: queued, sent, running, done, failed or expired. */
export interface Job {
  id: string;
  vpsId: string;
  serviceName: string;
  action: string;
  unit: string;
  state: string;
  output: string;
  exitCode: number | null;
  requestedBy: string;
  createdAt: string;
  expiresAt: string;
  sentAt: string | null;
  startedAt: string | null;
  finishedAt: string | null;
}

/** A report as it was made. The job makes version 1, soon after the month's end. */
export interface Kept {
  version: number;
  madeAt: string;
  madeBy: string;
  reason: string;
}

export interface Key {
  id: string;
  name: string;
  prefix: string;
  role: 'admin' | 'super_admin';
  tenants: string[] | null;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
}

export interface Keys {
  keys: Key[];
  nextCursor: string | null;
}

/** `log` is there once the job is done. */
export interface Log {
  job: Job;
  log?: string | null;
}

export interface Machine {
  cpu: Processor;
  memory: Resource;
  disk: Resource;
  load: number | null;
  network: Network;
}

/** Work on part of the fleet: while a window is open nobody is told of the alerts in scope. */
export interface Maintenance {
  name: string;
  schedule: Once | Daily | Weekly | Cron;
  scope: MaintenanceScope;
}

/** `complete` is false where a maintenance opens more often than is told. */
export interface MaintenanceCalendar {
  windows: PlannedWindow[];
  complete: boolean;
}

/** What work is done on: alerts that fit every field that is given; of a field, one name is
 *  enough. `service` takes names and `vps/service`. `tenant`: alerts that reach none but these
 *  tenants. `everything` is said, never meant by leaving all out. */
export interface MaintenanceScope {
  vps?: string[];
  service?: string[];
  tenant?: string[];
  tags?: string[];
  everything?: boolean;
}

/** `current`: the window that is open now; `next`: the first that opens after now. Times are
 *  UTC. `ended`: none will open any more. */
export interface MaintenanceWindow {
  id: string;
  name: string;
  state: 'active' | 'upcoming' | 'ended';
  active: boolean;
  current: Occurrence | null;
  next: Occurrence | null;
  schedule: Once | Daily | Weekly | Cron;
  scope: MaintenanceScope;
  createdAt: string;
  createdBy: string;
}

export interface MaintenanceWindows {
  maintenance: MaintenanceWindow[];
  nextCursor: string | null;
}

export interface MissedAlerts {
  total: number;
  real: number;
  alertIds: string[];
}

/** Those that are not listed, and their points together. */
export interface MoreReasons {
  count: number;
  points: number;
}

/** Bytes a second. */
export interface Network {
  received: number | null;
  sent: number | null;
}

export interface NewAnnotation {
  text: string;
  at?: string | null;
  until?: string | null;
  kind?: 'deployment' | 'incident' | 'maintenance' | 'note';
  vpsId?: string | null;
  tenantId?: string | null;
  tags?: string[];
}

/** `minutes` is the life of the session. What is left out does not narrow it: `tenants` and
 *  `vps` what is seen, `pages` which pages open (then the API does not). */
export interface NewEmbed {
  minutes: number;
  tenants?: string[] | null;
  vps?: string[] | null;
  pages?: string[] | null;
}

/** What somebody found out or did. */
export interface NewIncidentNote {
  text: string;
}

/** `tenants` limits the holder to those; `expiresAt` is ISO 8601 with its zone. */
export interface NewKey {
  name: string;
  role: 'admin' | 'super_admin';
  tenants?: string[] | null;
  expiresAt?: string | null;
}

/** From `startsAt` (without it from now) to `endsAt`, or for so many `minutes`, nobody is told
 *  of alerts that all `matchers` fit. Times are ISO 8601. */
export interface NewSilence {
  comment: string;
  matchers: SilenceMatcher[];
  startsAt?: string | null;
  endsAt?: string | null;
  minutes?: number | null;
}

export interface NewUser {
  name: string;
  password: string;
  role: 'admin' | 'super_admin';
}

/** One message to one recipient on one channel. `reason` says in a word, `detail` in words, why
 *  it stands where it stands; `via`: through what the recipient was meant, such as a rotation.
 *  `alertTitle` and `text` are those of the message, `message` the id that several
 *  notifications share which went in one. `resentFrom` is the notification that `resentBy` had
 *  sent again, `insteadOf` the one that failed before this one took its place. */
export interface Notification {
  id: string;
  alertId: string | null;
  alertTitle: string;
  text: string;
  severity: string;
  event: string;
  channel: string;
  recipient: string;
  via: string;
  status: string;
  reason: string;
  detail: string;
  attempts: number;
  createdAt: string;
  nextAttemptAt: string | null;
  sentAt: string | null;
  providerId: string | null;
  message: string | null;
  resentFrom: string | null;
  resentBy: string | null;
  insteadOf: string | null;
}

export interface Notifications {
  notifications: Notification[];
  nextCursor: string | null;
}

export interface Occurrence {
  start: string;
  end: string;
}

/** `until` is null when it never changes. */
export interface OnCallNow {
  contact: string | null;
  until: string | null;
}

/** From `start` to `end`: 1 minute to 7 days. */
export interface Once {
  type: 'once';
  start: string;
  end: string;
  timeZone?: string;
}

/** `uptime`: seconds since everything last was unhealthy, or since monitoring began. */
export interface Overall {
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  score: number | null;
  uptime: number;
  lastUpdate: string;
  summary: string;
  band: string;
  reasons: Reason[];
  moreReasons: MoreReasons;
}

/** `hits` times, by chance `expected`. `p`: how likely so many are by chance, at most; `rate`:
 *  the false discovery rate at which it is told. `medianLag` in seconds. */
export interface PairPattern {
  first: PatternPart;
  second: PatternPart;
  hits: number;
  expected: number;
  lift: number | null;
  p: number;
  rate: number;
  withinSeconds: number;
  medianLag: number;
  examples: string[][];
  sentence: string;
}

/** The 20 least likely, of `total`; `tested`: how many pairs were looked at. */
export interface PairPatterns {
  rows: PairPattern[];
  total: number;
  tested: number;
}

/** `count`: how often its trouble began. */
export interface PatternPart {
  ruleId: string;
  ruleName: string;
  target: string;
  label: string;
  count: number;
}

export interface Patterns {
  together: PairPatterns;
  precedes: PairPatterns;
  sameHour: HourPatterns;
  falseDiscoveryRate: number;
  method: string;
  notes: string[];
}

export interface PlannedWindow {
  maintenanceId: string;
  name: string;
  start: string;
  end: string;
}

/** `pages`: messages that would have told of a firing, escalations not counted. `targets`: how
 *  many were looked at, of `targetsWatched`. `complete`: nothing of that is missing; `notes`
 *  say why something is. */
export interface Preview {
  ruleId: string;
  span: PreviewSpan;
  targets: number;
  targetsWatched: number;
  complete: boolean;
  notes: string[];
  count: number;
  pages: number;
  pagesPerWeek: number;
  selfResolvedWithin5MinutesShare: number | null;
  firings: PreviewFiring[];
  comparedTo: PreviewComparison | null;
  unit: string;
  series: PreviewSeries[];
}

/** With the rule of the same id in force (`enabled` false: it fires nothing). Firings of a
 *  target that overlap in time are the same; `added` and `removed` are the newest. */
export interface PreviewComparison {
  version: number | null;
  enabled: boolean;
  count: number;
  pages: number;
  addedCount: number;
  removedCount: number;
  added: PreviewDifference[];
  removed: PreviewDifference[];
}

export interface PreviewDifference {
  target: string;
  label: string;
  vpsId: string | null;
  start: string;
  end: string | null;
}

/** `since`: when the condition began to hold, `start`: when the alert fired, `end`: null while
 *  it stands. `seconds`: how long it stood altogether; `occurrences`: how often it fired (again
 *  within the time in which it is reopened). `peak`: the worst value. */
export interface PreviewFiring {
  target: string;
  label: string;
  vpsId: string | null;
  since: string;
  start: string;
  end: string | null;
  seconds: number;
  occurrences: number;
  flapping: boolean;
  peak: number | string | null;
  peakAt: string;
  evidence: string;
  values: Record<string, unknown>[];
}

export interface PreviewRequest {
  rule: Record<string, unknown>;
  timeRange?: string | null;
  from?: string | null;
  to?: string | null;
  limit?: number;
}

/** One of the worst targets: `dataPoints` of a number, with the `band` that a detector
 *  expected; `words` where the metric has words, or of what was missing. */
export interface PreviewSeries {
  target: string;
  label: string;
  vpsId: string | null;
  dataPoints: Record<string, unknown>[];
  band: Record<string, unknown>[];
  words: Record<string, unknown>[];
}

export interface PreviewSpan {
  from: string;
  to: string;
  days: number;
}

export interface Processor {
  usage: number | null;
  cores: number | null;
}

export interface Ready {
  status: string;
  checks: Record<string, Found>;
}

/** Points that the score lacks, and why. */
export interface Reason {
  text: string;
  points: number;
  target: string;
}

export interface Refusal {
  seq: number;
  reason: string;
}

/** `month` is `2026-11`; `complete`: it is over. `kept` is null while no report is kept: the
 *  figures are those of now. */
export interface Report {
  organizationName: string;
  target: number;
  uptime: number | null;
  met: boolean | null;
  downtimeMinutes: number;
  degradedMinutes: number;
  unknownMinutes: number;
  blindMinutes: number;
  maintenanceMinutes: number;
  observedMinutes: number;
  downtimeSeconds: number;
  observedSeconds: number;
  errorBudget: Budget;
  policy: Record<string, string>;
  tenantId: string;
  month: string;
  complete: boolean;
  kept: Kept | null;
  from: string;
  to: string;
}

/** Why it is made again. */
export interface ReportBody {
  reason: string;
}

export interface Reports {
  reports: Report[];
  policy: Record<string, string>;
  nextCursor: string | null;
}

/** How an operator ends an alert. */
export interface Resolution {
  note?: string | null;
  falsePositive?: boolean | null;
}

/** In GiB. */
export interface Resource {
  used: number | null;
  total: number | null;
  percent: number | null;
}

/** `leftOut` counts the firings that are not in it, by why. */
export interface ResponseTimes {
  count: number;
  mean: number | null;
  median: number | null;
  p90: number | null;
  before: Times;
  leftOut: Record<string, number>;
  trend: TimesFrom[];
  definition: string;
}

/** `told`: firings that somebody was told of. */
export interface RuleNoise {
  resolved: number;
  falsePositives: FalsePositives;
  falsePositiveShare: number | null;
  precision: number | null;
  ruleId: string;
  ruleName: string;
  firings: number;
  alerts: number;
  told: number;
  messages: number;
  acknowledgedShare: number | null;
}

/** `escalateAfter` and `remindEvery` in seconds. */
export interface RuleNotification {
  channels: string[];
  recipients: string[];
  escalateAfter: number | null;
  remindEvery: number | null;
}

/** `after` in seconds. */
export interface RuleStep {
  channels: string[];
  recipients: string[];
  after: number;
}

/** `suggestion` is null when there is none; `sentence` says why. */
export interface RuleSuggestion {
  ruleId: string;
  version: number;
  suggestion: SuggestedRule | null;
  sentence: string;
  tried: TriedChange[];
  notes: string[];
}

/** `replace`: rules that are not in the text go, but for those of the inventory file. `dryRun`:
 *  only says what would be done. */
export interface RulesImport {
  yaml: string;
  replace?: boolean;
  dryRun?: boolean;
}

/** How many rules, and which: `ids` has a list for each of the four. */
export interface RulesImported {
  dryRun: boolean;
  created: number;
  changed: number;
  unchanged: number;
  deleted: number;
  ids: Record<string, string[]>;
}

/** The noisiest first, by messages; 50, of `total`. */
export interface RulesNoise {
  rows: RuleNoise[];
  total: number;
}

/** With `tenantId` or `vpsId` the account of that one with its `downtimes`, else `tenants`.
 *  `burnRates`: `fast` and `slow`, as of `burnRatesAt`. */
export interface SLA {
  from: string;
  to: string;
  policy: Record<string, string>;
  tenantId?: string | null;
  vpsId?: string | null;
  service?: string | null;
  uptime?: number | null;
  target?: number | null;
  downtimeMinutes?: number | null;
  errorBudget?: Budget | null;
  burnRates?: Record<string, BurnRate> | null;
  burnRatesAt?: string | null;
  downtimes?: Downtime[];
  moreDowntimes?: boolean;
  tenants?: TenantAccount[];
}

export interface ServiceCount {
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  instances: number;
  healthy: number;
}

export interface ServiceDependencies {
  service: string;
  dependencies: Dependency[];
}

/** `responseTime` in ms, `uptime` in seconds. */
export interface ServiceRow {
  id: string;
  name: string;
  type: string;
  vpsId: string;
  vpsName: string;
  status: string;
  reason: string;
  since: string | null;
  lastSeen: string | null;
  responseTime: number | null;
  uptime: number | null;
}

export interface ServicesPage {
  total: number;
  nextCursor: string | null;
  services: ServiceRow[];
}

export interface Severity {
}

export interface Silence {
  id: string;
  comment: string;
  state: 'active' | 'upcoming' | 'ended';
  matchers: SilenceMatcher[];
  startsAt: string;
  endsAt: string;
  createdAt: string;
  createdBy: string;
}

/** One thing that must be so of an alert. `value` is a text, for `oneOf` a list of them. `rule`
 *  is a rule's id, `target` the key of a target; `service` takes a name or `vps/service`;
 *  `tenant` equals: the alert reaches none but these; `tag`: the server has one of these. */
export interface SilenceMatcher {
  field: 'rule' | 'severity' | 'vps' | 'service' | 'tenant' | 'tag' | 'target';
  operator?: 'equals' | 'notEquals' | 'oneOf';
  value: string | string[];
}

export interface Silences {
  silences: Silence[];
  nextCursor: string | null;
}

/** `minutes` or `until`. */
export interface Snooze {
  minutes?: number | null;
  until?: string | null;
  note?: string | null;
}

/** Null for a part that the channel does not have. */
export interface Sources {
  subject: string | null;
  title: string | null;
  text: string | null;
  html: string | null;
}

/** `rule` is what `PUT /api/admin/alerts/rules/<rule_id>` takes, with `ifMatch` as its `If-
 *  Match`. `pagesBefore`, `pages` and `count` (of alerts) are of previews. */
export interface SuggestedRule {
  change: Record<string, unknown>[];
  rule: Record<string, unknown>;
  ifMatch: string;
  applicable: boolean;
  count: number;
  pagesBefore: number;
  pages: number;
  reducedBy: number;
  missed: MissedAlerts;
  real: ToldLater;
}

export interface SuggestionRequest {
  timeRange?: string | null;
  from?: string | null;
  to?: string | null;
  soonMinutes?: number;
}

/** What became of a report; `accepted` is the number up to which its stream is stored. */
export interface Taken {
  accepted: number;
  duplicates: number;
  rejected: Refusal[];
  serverTime: number;
  interval: number;
  commands: Record<string, unknown>[];
}

/** `parts` are in force, `default` what a deletion brings back. `edited`: `updatedBy` wrote it
 *  differently at `updatedAt`. */
export interface Template {
  channel: string;
  event: string;
  edited: boolean;
  parts: Sources;
  default: Sources;
  updatedAt: string | null;
  updatedBy: string | null;
}

/** Jinja2 sources: of an e-mail `subject`, `text` and `html`, of an SMS `text`, of the others
 *  `title` and `text`. What is left out stays the default's. */
export interface TemplateParts {
  subject?: string | null;
  title?: string | null;
  text?: string | null;
  html?: string | null;
}

/** Without `parts` the template in force; without `alertId` an example. `recipient` is a
 *  contact, in whose time zone times are written. */
export interface TemplatePreview {
  channel: string;
  event: string;
  parts?: TemplateParts | null;
  alertId?: string | null;
  recipient?: string;
}

/** `name` as a template writes it; a star in it stands for a moment: triggered, fired,
 *  acknowledged, snoozedUntil, resolved. */
export interface TemplateVariable {
  name: string;
  meaning: string;
}

export interface Templates {
  templates: Template[];
  variables: TemplateVariable[];
}

export interface TenantAccount {
  organizationName: string;
  target: number;
  uptime: number | null;
  met: boolean | null;
  downtimeMinutes: number;
  degradedMinutes: number;
  unknownMinutes: number;
  blindMinutes: number;
  maintenanceMinutes: number;
  observedMinutes: number;
  downtimeSeconds: number;
  observedSeconds: number;
  errorBudget: Budget;
  policy: Record<string, string>;
  tenantId: string;
}

/** `uptime`: percent of the observed time of the last 30 days; null when there is none. `vpsId`
 *  is the first of `vps`. `activeAlerts` are those that reach the tenant. */
export interface TenantHealth {
  tenantId: string;
  organizationName: string;
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  vpsId: string | null;
  services: TenantService[];
  lastHealthCheck: string | null;
  uptime: number | null;
  activeAlerts: number;
  vps: string[];
}

/** `vpsId` is the first of the servers that carry the tenant, `sla` percent. */
export interface TenantRow {
  tenantId: string;
  organizationName: string;
  status: string;
  reason: string;
  since: string | null;
  vpsId: string | null;
  vps: string[];
  services: number;
  servicesHealthy: number;
  sla: number;
}

/** An application of the tenant; `uptime` in seconds, `responseTime` in ms. */
export interface TenantService {
  name: string;
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  url: string;
  uptime?: number | null;
  responseTime?: number | null;
  message?: string | null;
}

export interface TenantsPage {
  total: number;
  nextCursor: string | null;
  tenants: TenantRow[];
}

/** `recipient`: the name of a contact, group or rotation, or an address that the channel takes;
 *  inApp needs none, since it is for everybody who has the dashboard open. */
export interface TestMessage {
  channel: 'email' | 'sms' | 'webhook' | 'inApp' | 'apprise';
  recipient?: string | null;
}

/** What the provider said; `id` is the notification's. `ok`: it took the message. */
export interface TestResult {
  id: string;
  recipient: string;
  ok: boolean;
  status: string;
  reason: string;
  detail: string;
  providerId: string | null;
  seconds: number;
}

/** Of one recipient; of a group all are in `results`, and here is one that failed, if one did. */
export interface TestResults {
  id: string;
  recipient: string;
  ok: boolean;
  status: string;
  reason: string;
  detail: string;
  providerId: string | null;
  seconds: number;
  results: TestResult[];
}

/** In seconds. `p90`: the smallest that nine of ten do not exceed. */
export interface Times {
  count: number;
  mean: number | null;
  median: number | null;
  p90: number | null;
}

export interface TimesFrom {
  count: number;
  mean: number | null;
  median: number | null;
  p90: number | null;
  from: string;
}

export interface ToldKey {
  id: string;
  name: string;
  prefix: string;
  role: 'admin' | 'super_admin';
  tenants: string[] | null;
  createdAt: string;
  createdBy: string;
  expiresAt: string | null;
  revokedAt: string | null;
  lastUsedAt: string | null;
  key: string;
}

/** Of how many real troubles it would have `told`, and how much later, in seconds. */
export interface ToldLater {
  total: number;
  told: number;
  laterMedian: number | null;
  laterMost: number | null;
}

export interface TriedChange {
  change: Record<string, unknown>[];
  pages: number;
  missedReal: number;
}

export interface User {
  id: string;
  name: string;
  role: 'admin' | 'super_admin';
  createdAt: string;
}

export interface Users {
  users: User[];
  nextCursor: string | null;
}

export interface VPSPage {
  total: number;
  nextCursor: string | null;
  vps: VPSRow[];
}

/** `cpu`, `memory` and `disk` in percent. */
export interface VPSRow {
  id: string;
  name: string;
  region: string;
  provider: string;
  tags: string[];
  status: string;
  reason: string;
  since: string | null;
  lastSeen: string | null;
  cpu: number | null;
  memory: number | null;
  disk: number | null;
  load: number | null;
  services: number;
  servicesHealthy: number;
  tenants: number;
  enabled: boolean;
}

/** `outcome`: clear, pending, active, resolvedByHand, noValue, failed, paused, disabled or
 *  outOfScope. */
export interface Verdict {
  ruleId: string;
  ruleName: string;
  target: string;
  label: string;
  outcome: string;
  text: string;
  alertId: string | null;
}

export interface VpsHealth {
  vpsId: string;
  name: string;
  region: string;
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  reason: string;
  lastSeen: string | null;
  services: VpsService[];
  system: Machine;
  tenants: string[];
}

/** `load` is CPU percent; null where it is not read. */
export interface VpsLine {
  id: string;
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  load: number | null;
}

/** `uptime` in seconds, `responseTime` in ms; `checks` by the dependency's type. */
export interface VpsService {
  name: string;
  status: 'healthy' | 'degraded' | 'unhealthy' | 'unknown';
  uptime?: number | null;
  responseTime?: number | null;
  checks?: Record<string, 'healthy' | 'degraded' | 'unhealthy' | 'unknown'> | null;
  message?: string | null;
}

export interface VpsTrace {
  vpsId: string;
  verdicts: Verdict[];
}

export interface WeekdayOfFirings {
  weekday: 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';
  firings: number;
  before: number;
}

/** On some days of the week `at` a time of the day. */
export interface Weekly {
  minutes: number;
  timeZone?: string;
  from?: string | null;
  until?: string | null;
  type: 'weekly';
  days: ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  at: string;
}

/** `versions`: all that are kept, the latest first. */
export interface WholeReport {
  organizationName: string;
  target: number;
  uptime: number | null;
  met: boolean | null;
  downtimeMinutes: number;
  degradedMinutes: number;
  unknownMinutes: number;
  blindMinutes: number;
  maintenanceMinutes: number;
  observedMinutes: number;
  downtimeSeconds: number;
  observedSeconds: number;
  errorBudget: Budget;
  policy: Record<string, string>;
  tenantId: string;
  month: string;
  complete: boolean;
  kept: Kept | null;
  from: string;
  to: string;
  downtimes: Downtime[];
  moreDowntimes: boolean;
  versions: Kept[];
}

/** What getServiceDependencies takes. */
export interface GetServiceDependenciesFilters {
  /** a service's name, or a type of service */
  service: string;
}

/** What listServices takes. */
export interface ListServicesFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  status?: 'healthy' | 'degraded' | 'unhealthy' | 'unknown' | null;
  /** text in names and ids, whatever its case */
  q?: string;
  vpsId?: string | null;
  tenantId?: string | null;
  /** a field, with - in front for the largest first */
  sort?: string;
  type?: string | null;
}

/** What listVPS takes. */
export interface ListVPSFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  status?: 'healthy' | 'degraded' | 'unhealthy' | 'unknown' | null;
  /** text in names and ids, whatever its case */
  q?: string;
  vpsId?: string | null;
  tenantId?: string | null;
  /** a field, with - in front for the largest first */
  sort?: string;
}

/** What listTenants takes. */
export interface ListTenantsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  status?: 'healthy' | 'degraded' | 'unhealthy' | 'unknown' | null;
  /** text in names and ids, whatever its case */
  q?: string;
  vpsId?: string | null;
  tenantId?: string | null;
  /** a field, with - in front for the largest first */
  sort?: string;
}

/** What getHealthHistory takes. */
export interface GetHealthHistoryFilters {
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** only these servers */
  vpsId?: string | ReadonlyArray<string>;
  /** only the applications of these tenants, or the servers that carry them */
  tenantId?: string | ReadonlyArray<string>;
  /** only services of this name or type */
  service?: string | ReadonlyArray<string>;
  /** a short name (cpu, memory, disk, load, network, responseTime, uptime, score) or a full one
   *  (system.memory.usedPercent, database.status) */
  metric?: string;
  /** points of a series at most */
  points?: number;
}

/** What listHealthEvents takes. */
export interface ListHealthEventsFilters {
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** vps-1, vps-1/postgres or @tenant-acme/nexus */
  target?: string | null;
  /** of these servers and what runs on them */
  vpsId?: string | ReadonlyArray<string>;
  /** of the applications of these tenants, or of the servers that carry them */
  tenantId?: string | ReadonlyArray<string>;
  /** after the change */
  status?: 'healthy' | 'degraded' | 'unhealthy' | 'unknown' | null;
}

/** What getSLA takes. */
export interface GetSLAFilters {
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** without it all tenants */
  tenantId?: string | null;
  /** instead: a server */
  vpsId?: string | null;
  /** with vpsId: a service on it */
  service?: string | null;
}

/** What listSLAReports takes. */
export interface ListSLAReportsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  tenantId?: string | null;
}

/** What getSLAReport takes. */
export interface GetSLAReportFilters {
  format?: 'json' | 'csv' | 'pdf';
  /** of a report that was made again; without it the latest */
  version?: number | null;
}

/** What exportHealthMetrics takes. */
export interface ExportHealthMetricsFilters {
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** only these servers */
  vpsId?: string | ReadonlyArray<string>;
  /** only the applications of these tenants, or the servers that carry them */
  tenantId?: string | ReadonlyArray<string>;
  /** only services of this name or type */
  service?: string | ReadonlyArray<string>;
  format?: 'json' | 'csv';
  /** short or full names; without any CPU, memory, disk, load and network */
  metric?: string | ReadonlyArray<string>;
  /** without it raw up to 6 h, 1m up to 2 days, 10m up to 14 days, 1h beyond */
  resolution?: 'raw' | '1m' | '10m' | '1h' | null;
}

/** What listAnnotations takes. */
export interface ListAnnotationsFilters {
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  vpsId?: string | null;
  tenantId?: string | null;
  kind?: 'deployment' | 'incident' | 'maintenance' | 'note' | null;
  /** one of these is enough */
  tags?: string | ReadonlyArray<string>;
}

/** What listAlerts takes. */
export interface ListAlertsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** without it the unresolved ones; several: it stands there several times */
  status?: 'active' | 'acknowledged' | 'snoozed' | 'resolved' | 'unresolved' | 'all' | ReadonlyArray<'active' | 'acknowledged' | 'snoozed' | 'resolved' | 'unresolved' | 'all'>;
  /** several: it stands there several times */
  severity?: 'info' | 'warning' | 'critical' | ReadonlyArray<'info' | 'warning' | 'critical'>;
  /** several: it stands there several times */
  ruleId?: string | ReadonlyArray<string>;
  /** several: it stands there several times */
  vpsId?: string | ReadonlyArray<string>;
  /** names, or keys such as vps-1/postgres; several: it stands there several times */
  service?: string | ReadonlyArray<string>;
  /** alerts that reach this tenant; several: it stands there several times */
  tenantId?: string | ReadonlyArray<string>;
  /** text in target, title, rule name or message, whatever its case */
  q?: string;
  /** whether the trouble of something else explains it */
  suppressed?: boolean | null;
  /** as it was marked when it was resolved */
  falsePositive?: boolean | null;
  /** triggeredAt, severity, resolvedAt or duration, with - in front for the largest first */
  sort?: string;
}

/** What listAlertRules takes. */
export interface ListAlertRulesFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  enabled?: boolean | null;
  severity?: 'info' | 'warning' | 'critical' | null;
  /** text in name, id and metric, whatever its case */
  q?: string;
  /** name, id, severity or updatedAt, with - in front for the largest first */
  sort?: string;
}

/** What listAlertRuleVersions takes. */
export interface ListAlertRuleVersionsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
}

/** What getAlertAnalytics takes. */
export interface GetAlertAnalyticsFilters {
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** only alerts of these rules */
  ruleId?: string | ReadonlyArray<string>;
  /** only alerts of these servers */
  vpsId?: string | ReadonlyArray<string>;
  /** only alerts that reach these tenants */
  tenantId?: string | ReadonlyArray<string>;
  severity?: 'info' | 'warning' | 'critical' | ReadonlyArray<'info' | 'warning' | 'critical'>;
  /** of days, weekdays and hours */
  timeZone?: string;
  /** what ended by itself so soon, unacknowledged, was a false positive */
  soonMinutes?: number;
}

/** What listIncidents takes. */
export interface ListIncidentsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** a whole number and m, h, d or w, such as 24h: the time up to now */
  timeRange?: string | null;
  /** instead of timeRange: an ISO 8601 time, or now-6h */
  from?: string | null;
  /** likewise; without it now */
  to?: string | null;
  /** several: it stands there several times */
  status?: 'active' | 'acknowledged' | 'resolved' | ReadonlyArray<'active' | 'acknowledged' | 'resolved'>;
  /** that reached this tenant */
  tenantId?: string | null;
}

/** What getIncidentPostmortem takes. */
export interface GetIncidentPostmortemFilters {
  /** an IANA name; times are told in UTC and by it */
  timeZone?: string;
}

/** What listMaintenance takes. */
export interface ListMaintenanceFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** only those that are so now */
  state?: 'active' | 'upcoming' | 'ended' | null;
}

/** What maintenanceCalendar takes. */
export interface MaintenanceCalendarFilters {
  /** an ISO 8601 time, or now-7d; else now */
  from?: string | null;
  /** likewise; else 31 days later */
  to?: string | null;
}

/** What listSilences takes. */
export interface ListSilencesFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** only those that are so now */
  state?: 'active' | 'upcoming' | 'ended' | null;
}

/** What listNotifications takes. */
export interface ListNotificationsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** in one of these states */
  status?: 'queued' | 'sending' | 'sent' | 'delivered' | 'failed' | 'undeliverable' | 'suppressed' | ReadonlyArray<'queued' | 'sending' | 'sent' | 'delivered' | 'failed' | 'undeliverable' | 'suppressed'>;
  /** by one of these channels */
  channel?: 'email' | 'sms' | 'webhook' | 'inApp' | 'apprise' | ReadonlyArray<'email' | 'sms' | 'webhook' | 'inApp' | 'apprise'>;
  /** of one of these events, such as alert.fired */
  event?: string | ReadonlyArray<string>;
  /** as in the answer: a contact's name */
  recipient?: string | null;
  /** about this alert */
  alertId?: string | null;
  /** not before: ISO 8601, or now-6h */
  from?: string | null;
  /** not after; likewise */
  to?: string | null;
}

/** What receiveSmsStatus takes. */
export interface ReceiveSmsStatusFilters {
  notification?: string;
}

/** What getServiceLogs takes. */
export interface GetServiceLogsFilters {
  /** how many lines from the end */
  lines?: number;
}

/** What listUsers takes. */
export interface ListUsersFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
}

/** What listAPIKeys takes. */
export interface ListAPIKeysFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
}

/** What listAudit takes. */
export interface ListAuditFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** the name of who did it */
  who?: string | null;
  /** as in the answer, such as user.create */
  action?: string | null;
  /** what it was done to */
  target?: string | null;
  /** not before; ISO 8601 with its zone */
  from?: string | null;
  /** not after; ISO 8601 with its zone */
  to?: string | null;
}
