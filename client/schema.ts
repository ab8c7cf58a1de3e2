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

/** `value` and `threshold` are numbers, or words where the metric has words. */
export interface Alert {
  id: string;
  ruleId: string;
  ruleName: string;
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
  triggeredAt: string;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  snoozedUntil: string | null;
  resolvedAt: string | null;
  resolvedBy: string | null;
  resolution: string | null;
  escalationLevel: number;
  occurrences: number;
  suppressedBy: string | null;
  impact: Impact;
  timeline?: Record<string, unknown>[];
  notifications?: Record<string, unknown>[];
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

/** `value` is the mean from `timestamp` to the next point. */
export interface DataPoint {
  timestamp: string;
  value: number;
  min: number;
  max: number;
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

export interface NewUser {
  name: string;
  password: string;
  role: 'admin' | 'super_admin';
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

/** In GiB. */
export interface Resource {
  used: number | null;
  total: number | null;
  percent: number | null;
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

/** What became of a report; `accepted` is the number up to which its stream is stored. */
export interface Taken {
  accepted: number;
  duplicates: number;
  rejected: Refusal[];
  serverTime: number;
  interval: number;
  commands: Record<string, unknown>[];
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
