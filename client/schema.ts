/** What is sent and answered.
 *
 *  Written by `python -m client.generate` from the OpenAPI document; changes get lost. */

/** `uptime` and `target` in percent. Minutes are shared by the applications of the tenant: see
 *  the policy. */
export interface Account {
  tenantId: string;
  organizationName: string;
  target: number;
  uptime: number | null;
  met: boolean | null;
  downtimeMinutes: number;
  degradedMinutes: number;
  unknownMinutes: number;
  observedMinutes: number;
  errorBudget: Budget;
}

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

export interface Alerts {
  alerts: Alert[];
  nextCursor: string | null;
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

/** `leftMinutes` is below 0 when more was used than the target allows. */
export interface Budget {
  totalMinutes: number;
  usedMinutes: number;
  leftMinutes: number;
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

/** A stored interval of status unhealthy; `counts` is its share of each minute. */
export interface Downtime {
  target: string;
  label: string;
  from: string;
  to: string;
  ongoing: boolean;
  minutes: number;
  counts: number;
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

/** An entry as it is written in the inventory. */
export interface FleetEntry {
  id: string;
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

export interface Impact {
  tenants: string[];
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

export interface Occurrence {
  start: string;
  end: string;
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

/** `month` is `2026-11`; `complete`: it is over. */
export interface Report {
  tenantId: string;
  organizationName: string;
  target: number;
  uptime: number | null;
  met: boolean | null;
  downtimeMinutes: number;
  degradedMinutes: number;
  unknownMinutes: number;
  observedMinutes: number;
  errorBudget: Budget;
  month: string;
  complete: boolean;
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

/** `escalateAfter` in seconds. */
export interface RuleNotification {
  channels: string[];
  recipients: string[];
  escalateAfter: number | null;
}

/** `after` in seconds. */
export interface RuleStep {
  channels: string[];
  recipients: string[];
  after: number;
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

/** With `tenantId` the account of that tenant with its `downtimes`, else `tenants`. */
export interface SLA {
  from: string;
  to: string;
  policy: Record<string, string>;
  tenantId?: string | null;
  uptime?: number | null;
  target?: number | null;
  downtimeMinutes?: number | null;
  errorBudget?: Budget | null;
  downtimes?: Downtime[];
  moreDowntimes?: boolean;
  tenants?: Account[];
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
  vpsId?: string | readonly string[];
  /** only the applications of these tenants, or the servers that carry them */
  tenantId?: string | readonly string[];
  /** only services of this name or type */
  service?: string | readonly string[];
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
  vpsId?: string | readonly string[];
  /** of the applications of these tenants, or of the servers that carry them */
  tenantId?: string | readonly string[];
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
}

/** What listSLAReports takes. */
export interface ListSLAReportsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  tenantId?: string | null;
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
  vpsId?: string | readonly string[];
  /** only the applications of these tenants, or the servers that carry them */
  tenantId?: string | readonly string[];
  /** only services of this name or type */
  service?: string | readonly string[];
  format?: 'json' | 'csv';
  /** short or full names; without any CPU, memory, disk, load and network */
  metric?: string | readonly string[];
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
  tags?: string | readonly string[];
}

/** What listAlerts takes. */
export interface ListAlertsFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** only alerts in this state; without it the unresolved ones */
  status?: 'active' | 'acknowledged' | 'snoozed' | 'resolved' | null;
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

/** What listMaintenance takes. */
export interface ListMaintenanceFilters {
  /** rows of a page */
  limit?: number;
  /** nextCursor of the page before; nothing else */
  cursor?: string | null;
  /** only those that are so now */
  state?: 'active' | 'upcoming' | 'ended' | null;
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
