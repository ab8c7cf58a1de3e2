/** A method for every operation of the API but those of the specification, which
 *  portal.ts has.
 *
 *  Written by `python -m client.generate` from the OpenAPI document; changes get lost. */

import type { AxiosResponse } from 'axios';
import { keyed, query, type Client } from './http.js';
import type * as t from './schema.js';

export abstract class Operations {
  constructor(
    readonly client: Client,
    readonly adminPath: string = '/api/admin',
  ) {}

  /** Write a server anew. 409 for one of the inventory file. */
  async changeVPS(
    vpsId: string,
    body: Record<string, unknown>,
  ): Promise<AxiosResponse<t.FleetEntry>> {
    return this.client.put(`${this.adminPath}/health/vps/${encodeURIComponent(vpsId)}`, body);
  }

  /** Take a server away and keep its history. */
  async deleteVPS(vpsId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/health/vps/${encodeURIComponent(vpsId)}`);
  }

  /** The services on servers. sort: name, status (the healthiest first; -status the worst),
   *  type, vpsId, responseTime, since. `total` counts what passes the filters; `nextCursor` is
   *  null on the last page. */
  async listServices(filters: t.ListServicesFilters = {}): Promise<AxiosResponse<t.ServicesPage>> {
    return this.client.get(`${this.adminPath}/health/services?${query(filters)}`);
  }

  /** The servers. sort: name, id, status (-status: the worst first), region, cpu, memory, disk,
   *  load, since, tenants, services. */
  async listVPS(filters: t.ListVPSFilters = {}): Promise<AxiosResponse<t.VPSPage>> {
    return this.client.get(`${this.adminPath}/health/vps?${query(filters)}`);
  }

  /** Add a server. The body is an entry of the inventory. 409 when there is one of this id. */
  async addVPS(
    body: Record<string, unknown>,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.FleetEntry>> {
    return this.client.post(`${this.adminPath}/health/vps`, body, keyed(idempotencyKey));
  }

  /** The tenants. sort: name, id, status (-status: the worst first), sla, services. `vpsId`
   *  means the tenants that it carries. */
  async listTenants(filters: t.ListTenantsFilters = {}): Promise<AxiosResponse<t.TenantsPage>> {
    return this.client.get(`${this.adminPath}/health/tenants?${query(filters)}`);
  }

  /** Add a tenant. The body is an entry of the inventory. 409 when there is one of this id. */
  async addTenant(
    body: Record<string, unknown>,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.FleetEntry>> {
    return this.client.post(`${this.adminPath}/health/tenants`, body, keyed(idempotencyKey));
  }

  /** Changes of status, newest first. First sights, and gaps in which Healthdeck itself did not
   *  run, are no changes. */
  async listHealthEvents(
    filters: t.ListHealthEventsFilters = {},
  ): Promise<AxiosResponse<t.Events>> {
    return this.client.get(`${this.adminPath}/health/events?${query(filters)}`);
  }

  /** Uptime, error budget, burn rates and downtime, with the events behind it. Of the last 30
   *  days unless a range is given. Without tenantId one account for each tenant; with vpsId, or
   *  vpsId and service, that of a server or a service, by the default policy and the highest
   *  target of the tenants that its failure reaches. `policy` says what counts. */
  async getSLA(filters: t.GetSLAFilters = {}): Promise<AxiosResponse<t.SLA>> {
    return this.client.get(`${this.adminPath}/health/sla?${query(filters)}`);
  }

  /** One row for each month and tenant, the latest month first. Months are those of UTC. Of
   *  months that are over as they are kept, of the running one up to now. */
  async listSLAReports(filters: t.ListSLAReportsFilters = {}): Promise<AxiosResponse<t.Reports>> {
    return this.client.get(`${this.adminPath}/health/sla/reports?${query(filters)}`);
  }

  /** A tenant's report on a month (2026-11): as JSON, as CSV, or as a page to hand over (PDF).
   *  A month that is over is answered as it was kept; the running one up to now. */
  async getSLAReport(
    tenantId: string,
    month: string,
    filters: t.GetSLAReportFilters = {},
  ): Promise<AxiosResponse<t.WholeReport>> {
    return this.client.get(`${this.adminPath}/health/sla/reports/${encodeURIComponent(tenantId)}/${encodeURIComponent(month)}?${query(filters)}`);
  }

  /** Makes a month's report again, after a correction. It becomes another version with the
   *  `reason`; the former ones stay. */
  async makeSLAReport(
    tenantId: string,
    month: string,
    body: t.ReportBody,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.WholeReport>> {
    return this.client.post(`${this.adminPath}/health/sla/reports/${encodeURIComponent(tenantId)}/${encodeURIComponent(month)}`, body, keyed(idempotencyKey));
  }

  /** Annotations, newest first; those of the last 7 days unless a range is given. Limited
   *  callers get those of their tenants and servers, and those about everything that name
   *  nobody else. */
  async listAnnotations(
    filters: t.ListAnnotationsFilters = {},
  ): Promise<AxiosResponse<t.Annotations>> {
    return this.client.get(`${this.adminPath}/annotations?${query(filters)}`);
  }

  /** Note a deployment, an incident, maintenance or anything else. Limited callers note things
   *  of their tenants, with tenantId. */
  async addAnnotation(
    body: t.NewAnnotation,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Annotation>> {
    return this.client.post(`${this.adminPath}/annotations`, body, keyed(idempotencyKey));
  }

  /** Take an annotation away. */
  async deleteAnnotation(annotationId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/annotations/${encodeURIComponent(annotationId)}`);
  }

  /** Write a tenant anew. 409 for one of the inventory file. */
  async changeTenant(
    tenantId: string,
    body: Record<string, unknown>,
  ): Promise<AxiosResponse<t.FleetEntry>> {
    return this.client.put(`${this.adminPath}/health/tenants/${encodeURIComponent(tenantId)}`, body);
  }

  /** Take a tenant away and keep its history. */
  async deleteTenant(tenantId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/health/tenants/${encodeURIComponent(tenantId)}`);
  }

  /** Alerts: without a filter the unresolved ones, newest first. sort: triggeredAt, severity,
   *  resolvedAt, duration; a - in front puts the latest, the most severe, the longest first.
   *  What is not over comes last where an end is asked for. worst: what needs somebody first,
   *  what another alert explains last. A limited caller gets a 404 for servers, tenants,
   *  services and rules that it may not know of. */
  async listAlerts(filters: t.ListAlertsFilters = {}): Promise<AxiosResponse<t.Alerts>> {
    return this.client.get(`${this.adminPath}/alerts?${query(filters)}`);
  }

  /** Acknowledge, snooze or resolve many alerts at once. Each has an outcome of its own, as if
   *  it were asked for alone; what can be done is done in one transaction. */
  async handleAlerts(
    body: t.AlertsBulk,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.AlertsHandled>> {
    return this.client.post(`${this.adminPath}/alerts/bulk`, body, keyed(idempotencyKey));
  }

  /** One alert with its timeline and notifications. */
  async getAlert(alertId: string): Promise<AxiosResponse<t.Alert>> {
    return this.client.get(`${this.adminPath}/alerts/${encodeURIComponent(alertId)}`);
  }

  /** Take a resolved alert away, with its history. 409 while it is not resolved. */
  async deleteAlert(alertId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/alerts/${encodeURIComponent(alertId)}`);
  }

  /** Take an alert on. 409 when it is not active. */
  async acknowledgeAlert(
    alertId: string,
    body?: t.Acknowledgement,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Alert>> {
    return this.client.post(`${this.adminPath}/alerts/${encodeURIComponent(alertId)}/acknowledge`, body, keyed(idempotencyKey));
  }

  /** End an alert. While its condition holds it stays so until that has cleared once. 409 when
   *  it is resolved. */
  async resolveAlert(
    alertId: string,
    body?: t.Resolution,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Alert>> {
    return this.client.post(`${this.adminPath}/alerts/${encodeURIComponent(alertId)}/resolve`, body, keyed(idempotencyKey));
  }

  /** Be silent about an alert for a while; then it is again what it was. 409 when it is
   *  resolved. */
  async snoozeAlert(
    alertId: string,
    body: t.Snooze,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Alert>> {
    return this.client.post(`${this.adminPath}/alerts/${encodeURIComponent(alertId)}/snooze`, body, keyed(idempotencyKey));
  }

  /** The rules in force, enabled or not. Limited callers get those that name nothing of others,
   *  without their recipients. */
  async listAlertRules(
    filters: t.ListAlertRulesFilters = {},
  ): Promise<AxiosResponse<t.AlertRules>> {
    return this.client.get(`${this.adminPath}/alerts/rules?${query(filters)}`);
  }

  /** Add a rule. 409 when there is one of this id. */
  async addAlertRule(
    body: Record<string, unknown>,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.AlertRule>> {
    return this.client.post(`${this.adminPath}/alerts/rules`, body, keyed(idempotencyKey));
  }

  /** All rules as YAML, as the inventory has them and the import takes them. */
  async exportAlertRules(): Promise<AxiosResponse<string>> {
    return this.client.get(`${this.adminPath}/alerts/rules/export`);
  }

  /** Take in all rules of a YAML text, or none. Each mistake is told with its line, rule and
   *  field. 409 for a rule that the inventory file has differently, and for more than 10,000. */
  async importAlertRules(
    body: t.RulesImport,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.RulesImported>> {
    return this.client.post(`${this.adminPath}/alerts/rules/import`, body, keyed(idempotencyKey));
  }

  /** One rule. Its ETag is what a change may send as If-Match. */
  async getAlertRule(ruleId: string): Promise<AxiosResponse<t.AlertRule>> {
    return this.client.get(`${this.adminPath}/alerts/rules/${encodeURIComponent(ruleId)}`);
  }

  /** Write a rule anew. With If-Match (the ETag of the rule, or its version in quotes) 409 when
   *  somebody else has changed it since. 409 for one of the inventory file. What changes
   *  nothing makes no version. */
  async changeAlertRule(
    ruleId: string,
    body: Record<string, unknown>,
  ): Promise<AxiosResponse<t.AlertRule>> {
    return this.client.put(`${this.adminPath}/alerts/rules/${encodeURIComponent(ruleId)}`, body);
  }

  /** Take a rule away. Its alerts end; its versions stay. If-Match as for a change. 409 for one
   *  of the inventory file. */
  async deleteAlertRule(ruleId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/alerts/rules/${encodeURIComponent(ruleId)}`);
  }

  /** What a rule was, the newest first, also one that is gone. */
  async listAlertRuleVersions(
    ruleId: string,
    filters: t.ListAlertRuleVersionsFilters = {},
  ): Promise<AxiosResponse<t.AlertRuleVersions>> {
    return this.client.get(`${this.adminPath}/alerts/rules/${encodeURIComponent(ruleId)}/versions?${query(filters)}`);
  }

  /** Contacts, groups, rotations and channels. Its ETag is what a change may send as If-Match. */
  async getAlertConfig(): Promise<AxiosResponse<t.AlertConfig>> {
    return this.client.get(`${this.adminPath}/alerts/config`);
  }

  /** Put contacts, groups and rotations in the place of all that were written here. All or
   *  nothing; each mistake is told with its field. What was read may be sent back: a secret
   *  that is masked or left out stays, unless its webhook's address is another one. With If-
   *  Match (the ETag, or the version in quotes) 409 when somebody else has changed it since.
   *  409 for a change of what the inventory file has. What changes nothing makes no version. */
  async changeAlertConfig(body: Record<string, unknown>): Promise<AxiosResponse<t.AlertConfig>> {
    return this.client.put(`${this.adminPath}/alerts/config`, body);
  }

  /** Replay a rule over what is stored. The answer comes when it is done: seconds for 30 days
   *  of 100 servers, a minute at most (then complete is false). With Accept:
   *  application/x-ndjson it is told line by line how far it is, {"done": 0.4, "targets": 40,
   *  "of": 100}; the last line is {"done": 1, "preview": {...}}, and a stream without it broke
   *  off. Who hangs up ends it. 503 while 2 others run. Maintenance, silences and causes are
   *  not replayed, and no alert stands at the begin. */
  async previewRule(
    body: t.PreviewRequest,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Preview>> {
    return this.client.post(`${this.adminPath}/alerts/rules/preview`, body, keyed(idempotencyKey));
  }

  /** A milder version of a rule, tried by previews over its own history. Limits, durations and
   *  how long it keeps firing are tried; what is suggested would have told of every firing that
   *  an operator acknowledged or that was not false. It is applied by sending its rule to PUT
   *  with ifMatch. Takes a minute at most. 503 while previews run. */
  async suggestAlertRule(
    ruleId: string,
    body?: t.SuggestionRequest,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.RuleSuggestion>> {
    return this.client.post(`${this.adminPath}/alerts/rules/${encodeURIComponent(ruleId)}/suggestion`, body, keyed(idempotencyKey));
  }

  /** How often alerts fire, how soon they are taken on and over, and what they have in common.
   *  Of the last 30 days unless a range is given, 400 days at most, beside the period before.
   *  The answer says how each figure is counted. */
  async getAlertAnalytics(
    filters: t.GetAlertAnalyticsFilters = {},
  ): Promise<AxiosResponse<t.AlertAnalytics>> {
    return this.client.get(`${this.adminPath}/alerts/analytics?${query(filters)}`);
  }

  /** Incidents, newest first. A range finds those that stood at some time in it. Limited
   *  callers get what they may know of: the incident of the alerts that they see. */
  async listIncidents(filters: t.ListIncidentsFilters = {}): Promise<AxiosResponse<t.Incidents>> {
    return this.client.get(`${this.adminPath}/incidents?${query(filters)}`);
  }

  /** One incident with its alerts, timeline and notes. The id of one that turned out to be a
   *  part of another is answered with that other. */
  async getIncident(incidentId: string): Promise<AxiosResponse<t.Incident>> {
    return this.client.get(`${this.adminPath}/incidents/${encodeURIComponent(incidentId)}`);
  }

  /** Note something about an incident. */
  async addIncidentNote(
    incidentId: string,
    body: t.NewIncidentNote,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.IncidentNoted>> {
    return this.client.post(`${this.adminPath}/incidents/${encodeURIComponent(incidentId)}/notes`, body, keyed(idempotencyKey));
  }

  /** What is known of an incident, as Markdown to be completed by people. */
  async getIncidentPostmortem(
    incidentId: string,
    filters: t.GetIncidentPostmortemFilters = {},
  ): Promise<AxiosResponse<string>> {
    return this.client.get(`${this.adminPath}/incidents/${encodeURIComponent(incidentId)}/postmortem?${query(filters)}`);
  }

  /** Every decision about an alert: when, what and why. */
  async traceAlert(alertId: string): Promise<AxiosResponse<t.AlertTrace>> {
    return this.client.get(`${this.adminPath}/alerts/${encodeURIComponent(alertId)}/trace`);
  }

  /** Where every rule stands for everything on a server, and why there is an alert or none. */
  async traceVPS(vpsId: string): Promise<AxiosResponse<t.VpsTrace>> {
    return this.client.get(`${this.adminPath}/health/vps/${encodeURIComponent(vpsId)}/trace`);
  }

  /** Maintenance, the newest first. Limited callers get what is within their tenants. */
  async listMaintenance(
    filters: t.ListMaintenanceFilters = {},
  ): Promise<AxiosResponse<t.MaintenanceWindows>> {
    return this.client.get(`${this.adminPath}/maintenance?${query(filters)}`);
  }

  /** Plan maintenance: once, daily, weekly or by cron. While a window is open nobody is told of
   *  the alerts in scope; monitoring goes on. Limited callers name tenants of theirs in the
   *  scope. */
  async addMaintenance(
    body: t.Maintenance,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.MaintenanceWindow>> {
    return this.client.post(`${this.adminPath}/maintenance`, body, keyed(idempotencyKey));
  }

  /** When maintenance was, is and will be, window by window, the earliest first. A range has at
   *  most 366 days. */
  async maintenanceCalendar(
    filters: t.MaintenanceCalendarFilters = {},
  ): Promise<AxiosResponse<t.MaintenanceCalendar>> {
    return this.client.get(`${this.adminPath}/maintenance/calendar?${query(filters)}`);
  }

  /** One maintenance. */
  async getMaintenance(maintenanceId: string): Promise<AxiosResponse<t.MaintenanceWindow>> {
    return this.client.get(`${this.adminPath}/maintenance/${encodeURIComponent(maintenanceId)}`);
  }

  /** Write a maintenance anew. */
  async changeMaintenance(
    maintenanceId: string,
    body: t.Maintenance,
  ): Promise<AxiosResponse<t.MaintenanceWindow>> {
    return this.client.put(`${this.adminPath}/maintenance/${encodeURIComponent(maintenanceId)}`, body);
  }

  /** Take a maintenance away. A window that is open ends: what still is in trouble is told
   *  then. */
  async deleteMaintenance(maintenanceId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/maintenance/${encodeURIComponent(maintenanceId)}`);
  }

  /** Silences, the newest first; those that are over stay listed. Limited callers get what is
   *  within their tenants. */
  async listSilences(filters: t.ListSilencesFilters = {}): Promise<AxiosResponse<t.Silences>> {
    return this.client.get(`${this.adminPath}/silences?${query(filters)}`);
  }

  /** Silence the alerts that all matchers fit, from startsAt (now) to endsAt or for so many
   *  minutes. Limited callers match a tenant of theirs. */
  async addSilence(body: t.NewSilence, idempotencyKey?: string): Promise<AxiosResponse<t.Silence>> {
    return this.client.post(`${this.adminPath}/silences`, body, keyed(idempotencyKey));
  }

  /** One silence. */
  async getSilence(silenceId: string): Promise<AxiosResponse<t.Silence>> {
    return this.client.get(`${this.adminPath}/silences/${encodeURIComponent(silenceId)}`);
  }

  /** End a silence now. It stays listed among those that ended. 409 for one that is over. */
  async endSilence(silenceId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/silences/${encodeURIComponent(silenceId)}`);
  }

  /** Notifications, newest first. A caller limited to tenants gets those about alerts that it
   *  may know of. */
  async listNotifications(
    filters: t.ListNotificationsFilters = {},
  ): Promise<AxiosResponse<t.Notifications>> {
    return this.client.get(`${this.adminPath}/notifications?${query(filters)}`);
  }

  /** Send a notification once more. The same content to the same recipient by the same channel,
   *  at once and alone, as a new notification, which is the answer. 409 while it is still being
   *  sent, or when its channel is not set up. */
  async resendNotification(
    notificationId: string,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Notification>> {
    return this.client.post(`${this.adminPath}/notifications/${encodeURIComponent(notificationId)}/resend`, undefined, keyed(idempotencyKey));
  }

  /** Send a test message and wait for what the provider says of it, 12 s at most. 200 also when
   *  it refused (`ok` is false), or when the channel is not set up (`detail` names the settings
   *  that are missing). 404 for a recipient that there is not, 400 for one that the channel
   *  cannot use, 503 while too many tests are under way. */
  async testNotification(
    body: t.TestMessage,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.TestResults>> {
    return this.client.post(`${this.adminPath}/notifications/test`, body, keyed(idempotencyKey));
  }

  /** What messages say, by channel and event, and the variables that they may use. A webhook's
   *  body is fixed, so it has none. */
  async listTemplates(): Promise<AxiosResponse<t.Templates>> {
    return this.client.get(`${this.adminPath}/notifications/templates`);
  }

  /** Write a template anew. It is refused, with part and line, when it cannot be read, names
   *  what there is not, or does not render an example within its limits of time and memory. */
  async changeTemplate(
    channel: string,
    event: string,
    body: t.TemplateParts,
  ): Promise<AxiosResponse<t.Template>> {
    return this.client.put(`${this.adminPath}/notifications/templates/${encodeURIComponent(channel)}/${encodeURIComponent(event)}`, body);
  }

  /** Bring the default back. The audit keeps what was there. */
  async resetTemplate(channel: string, event: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/notifications/templates/${encodeURIComponent(channel)}/${encodeURIComponent(event)}`);
  }

  /** What a template would say of an alert, or of an example. Nothing is sent. 400 says what is
   *  wrong with it, part and line, as saving it would. */
  async previewTemplate(
    body: t.TemplatePreview,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Sources>> {
    return this.client.post(`${this.adminPath}/notifications/templates/preview`, body, keyed(idempotencyKey));
  }

  /** What became of an SMS. Called by Twilio, with a form that it has signed. Receipts may come
   *  twice and in any order; 404 where SMS, or the address at which Twilio reaches us, is not
   *  set up. */
  async receiveSmsStatus(filters: t.ReceiveSmsStatusFilters = {}): Promise<AxiosResponse<void>> {
    return this.client.post(`/api/twilio/status?${query(filters)}`);
  }

  /** Ask the server's agent to restart a service. The answer is the job. 409 says what is
   *  missing: an agent, a unit, its allow-list. */
  async restartService(
    vpsId: string,
    name: string,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Asked>> {
    return this.client.post(`${this.adminPath}/health/vps/${encodeURIComponent(vpsId)}/services/${encodeURIComponent(name)}/restart`, undefined, keyed(idempotencyKey));
  }

  /** The tail of a service's log. 202 with the job when the agent takes its time. */
  async getServiceLogs(
    vpsId: string,
    name: string,
    filters: t.GetServiceLogsFilters = {},
  ): Promise<AxiosResponse<t.Log>> {
    return this.client.get(`${this.adminPath}/health/vps/${encodeURIComponent(vpsId)}/services/${encodeURIComponent(name)}/logs?${query(filters)}`);
  }

  /** State and output of an action. */
  async getJob(jobId: string): Promise<AxiosResponse<t.Asked>> {
    return this.client.get(`${this.adminPath}/jobs/${encodeURIComponent(jobId)}`);
  }

  /** The agents, what each last said of itself and when. Never their tokens. */
  async listAgents(): Promise<AxiosResponse<t.Agents>> {
    return this.client.get(`${this.adminPath}/agents`);
  }

  /** A new token for a server's agent. It is told this once, with the command that starts the
   *  agent. The token before it ends. */
  async enrollAgent(
    body: t.Enrolment,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.Enrolled>> {
    return this.client.post(`${this.adminPath}/agents`, body, keyed(idempotencyKey));
  }

  /** End the token of a server's agent. */
  async revokeAgent(vpsId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/agents/${encodeURIComponent(vpsId)}`);
  }

  /** What an agent observed. Answered after the commit. An agent is known by its own token,
   *  which nothing else takes. */
  async reportObservations(body: Record<string, unknown>): Promise<AxiosResponse<t.Taken>> {
    return this.client.post('/api/agent/v1/report', body);
  }

  /** The agent as one file. It carries no secret, so whoever reaches us may have it. */
  async getAgentProgram(): Promise<AxiosResponse<string>> {
    return this.client.get('/agent.pyz');
  }

  /** Everybody who may log in, the oldest first. */
  async listUsers(filters: t.ListUsersFilters = {}): Promise<AxiosResponse<t.Users>> {
    return this.client.get(`${this.adminPath}/users?${query(filters)}`);
  }

  /** Somebody who may log in. 409 when the name is taken. */
  async createUser(body: t.NewUser, idempotencyKey?: string): Promise<AxiosResponse<t.User>> {
    return this.client.post(`${this.adminPath}/users`, body, keyed(idempotencyKey));
  }

  /** Another role or another password. Either ends the user's sessions and their sockets. 409
   *  for the last super_admin's role. */
  async changeUser(userId: string, body: t.ChangedUser): Promise<AxiosResponse<t.User>> {
    return this.client.put(`${this.adminPath}/users/${encodeURIComponent(userId)}`, body);
  }

  /** Take a user away. Ends the user's sessions, and what was embedded in the user's name. 409
   *  for the last super_admin. */
  async deleteUser(userId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/users/${encodeURIComponent(userId)}`);
  }

  /** Every key by its first characters, the oldest first; revoked ones stay listed. */
  async listAPIKeys(filters: t.ListAPIKeysFilters = {}): Promise<AxiosResponse<t.Keys>> {
    return this.client.get(`${this.adminPath}/api-keys?${query(filters)}`);
  }

  /** A new key. The key itself is told this once. */
  async createAPIKey(body: t.NewKey, idempotencyKey?: string): Promise<AxiosResponse<t.ToldKey>> {
    return this.client.post(`${this.adminPath}/api-keys`, body, keyed(idempotencyKey));
  }

  /** End a key. Its sockets close, and what was embedded by it ends. */
  async revokeAPIKey(keyId: string): Promise<AxiosResponse<void>> {
    return this.client.delete(`${this.adminPath}/api-keys/${encodeURIComponent(keyId)}`);
  }

  /** A one-time token for a page in a frame. For /embed?to=/health#token=...; expiresAt tells
   *  until when it can be traded there. 403 for tenants that the caller may not see. */
  async createEmbedToken(
    body: t.NewEmbed,
    idempotencyKey?: string,
  ): Promise<AxiosResponse<t.EmbedToken>> {
    return this.client.post(`${this.adminPath}/embed-tokens`, body, keyed(idempotencyKey));
  }

  /** What was done, newest first. */
  async listAudit(filters: t.ListAuditFilters = {}): Promise<AxiosResponse<t.Audit>> {
    return this.client.get(`${this.adminPath}/audit?${query(filters)}`);
  }

  /** Figures of Healthdeck itself for Prometheus. As text, or as OpenMetrics when the caller
   *  prefers that. For callers that see the whole fleet: the figures speak of all of it. */
  async getMetrics(): Promise<AxiosResponse<string>> {
    return this.client.get('/metrics');
  }

  /** Is the process alive. It is when this answers at all. */
  async getLiveness(): Promise<AxiosResponse<t.Alive>> {
    return this.client.get('/healthz');
  }

  /** Is the process alive: the same as /healthz. */
  async getHealthLive(): Promise<AxiosResponse<t.Alive>> {
    return this.client.get('/health/live');
  }

  /** Can Healthdeck do its work. 200 when database, cache and scheduler work, else 503 with the
   *  reason of each that does not. */
  async getReadiness(): Promise<AxiosResponse<t.Ready>> {
    return this.client.get('/readyz');
  }

  /** Can Healthdeck do its work: the same as /readyz. */
  async getHealthReady(): Promise<AxiosResponse<t.Ready>> {
    return this.client.get('/health/ready');
  }

  /** This description, as OpenAPI 3.1. */
  async getOpenapi(): Promise<AxiosResponse<unknown>> {
    return this.client.get('/api/openapi.json');
  }

  /** This description as a page. Its files come from this server alone. */
  async getDocs(): Promise<AxiosResponse<string>> {
    return this.client.get('/api/docs');
  }
}
