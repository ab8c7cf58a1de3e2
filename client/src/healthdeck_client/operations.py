"""A method for every operation of the API.

Written by ``python -m client.generate`` from the OpenAPI document; changes get lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from healthdeck_client import types as t
from healthdeck_client.caller import Caller, segment
from healthdeck_client.download import Download


class Operations(Caller):
    """Raises HealthdeckError, in its kinds, for what is not answered as it should be."""

    def get_health_overview(self) -> t.HealthOverview:
        """The state of everything that the caller may see."""
        return cast(t.HealthOverview, self._json("GET", "/api/admin/health/overview"))

    def get_vps_health(self, vps_id: str) -> t.VpsHealth:
        """One server."""
        return cast(t.VpsHealth, self._json("GET", f"/api/admin/health/vps/{segment(vps_id)}"))

    def change_vps(self, vps_id: str, body: dict[str, Any]) -> t.FleetEntry:
        """Write a server anew.

        409 for one of the inventory file.
        """
        return cast(
            t.FleetEntry, self._json("PUT", f"/api/admin/health/vps/{segment(vps_id)}", body=body)
        )

    def delete_vps(self, vps_id: str) -> None:
        """Take a server away and keep its history."""
        self._nothing("DELETE", f"/api/admin/health/vps/{segment(vps_id)}")

    def get_tenant_health(self, tenant_id: str) -> t.TenantHealth:
        """One tenant."""
        return cast(
            t.TenantHealth, self._json("GET", f"/api/admin/health/tenant/{segment(tenant_id)}")
        )

    def get_service_dependencies(self, service: str) -> t.ServiceDependencies:
        """What a service needs to work.

        Of all services with this name or of this type that the caller may see.

        service: a service's name, or a type of service.
        """
        return cast(
            t.ServiceDependencies,
            self._json("GET", "/api/admin/health/dependencies", {"service": service}),
        )

    def list_services(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
        q: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        sort: str | None = None,
        type: str | None = None,
    ) -> t.ServicesPage:
        """The services on servers.

        sort: name, status (the healthiest first; -status the worst), type, vpsId, responseTime,
        since. ``total`` counts what passes the filters; ``nextCursor`` is null on the last
        page.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        q: text in names and ids, whatever its case.
        sort: a field, with - in front for the largest first.
        """
        return cast(
            t.ServicesPage,
            self._json(
                "GET",
                "/api/admin/health/services",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "status": status,
                    "q": q,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "sort": sort,
                    "type": type,
                },
            ),
        )

    def iterate_services(
        self,
        *,
        limit: int | None = None,
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
        q: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        sort: str | None = None,
        type: str | None = None,
    ) -> Iterator[t.ServiceRow]:
        """Every row of list_services, page after page as they are needed."""
        return cast(
            Iterator[t.ServiceRow],
            self._rows(
                "services",
                "/api/admin/health/services",
                {
                    "limit": limit,
                    "status": status,
                    "q": q,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "sort": sort,
                    "type": type,
                },
            ),
        )

    def list_vps(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
        q: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        sort: str | None = None,
    ) -> t.VPSPage:
        """The servers.

        sort: name, id, status (-status: the worst first), region, cpu, memory, disk, load,
        since, tenants, services.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        q: text in names and ids, whatever its case.
        sort: a field, with - in front for the largest first.
        """
        return cast(
            t.VPSPage,
            self._json(
                "GET",
                "/api/admin/health/vps",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "status": status,
                    "q": q,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "sort": sort,
                },
            ),
        )

    def iterate_vps(
        self,
        *,
        limit: int | None = None,
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
        q: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        sort: str | None = None,
    ) -> Iterator[t.VPSRow]:
        """Every row of list_vps, page after page as they are needed."""
        return cast(
            Iterator[t.VPSRow],
            self._rows(
                "vps",
                "/api/admin/health/vps",
                {
                    "limit": limit,
                    "status": status,
                    "q": q,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "sort": sort,
                },
            ),
        )

    def add_vps(self, body: dict[str, Any], *, idempotency_key: str | None = None) -> t.FleetEntry:
        """Add a server.

        The body is an entry of the inventory. 409 when there is one of this id.
        """
        return cast(
            t.FleetEntry,
            self._json("POST", "/api/admin/health/vps", body=body, key=idempotency_key),
        )

    def list_tenants(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
        q: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        sort: str | None = None,
    ) -> t.TenantsPage:
        """The tenants.

        sort: name, id, status (-status: the worst first), sla, services. ``vpsId`` means the
        tenants that it carries.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        q: text in names and ids, whatever its case.
        sort: a field, with - in front for the largest first.
        """
        return cast(
            t.TenantsPage,
            self._json(
                "GET",
                "/api/admin/health/tenants",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "status": status,
                    "q": q,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "sort": sort,
                },
            ),
        )

    def iterate_tenants(
        self,
        *,
        limit: int | None = None,
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
        q: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        sort: str | None = None,
    ) -> Iterator[t.TenantRow]:
        """Every row of list_tenants, page after page as they are needed."""
        return cast(
            Iterator[t.TenantRow],
            self._rows(
                "tenants",
                "/api/admin/health/tenants",
                {
                    "limit": limit,
                    "status": status,
                    "q": q,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "sort": sort,
                },
            ),
        )

    def add_tenant(
        self, body: dict[str, Any], *, idempotency_key: str | None = None
    ) -> t.FleetEntry:
        """Add a tenant.

        The body is an entry of the inventory. 409 when there is one of this id.
        """
        return cast(
            t.FleetEntry,
            self._json("POST", "/api/admin/health/tenants", body=body, key=idempotency_key),
        )

    def get_health_history(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        vps_id: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        service: str | Sequence[str] = (),
        metric: str | None = None,
        points: int | None = None,
    ) -> t.History:
        """The course of a metric.

        Without filters it is the mean over everything that the caller may see, CPU of the last
        24 hours unless something else is asked for. Several vpsId, tenantId or service add a
        series each. The bucket that is still open is included. A status (database.status) is
        told as the percent of observed time in which it was healthy, score as it was with
        today's dependencies. The points of all series together are 50,000 at most.

        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        vps_id: only these servers.
        tenant_id: only the applications of these tenants, or the servers that carry them.
        service: only services of this name or type.
        metric: a short name (cpu, memory, disk, load, network, responseTime, uptime, score) or
        a full one (system.memory.usedPercent, database.status).
        points: points of a series at most.
        """
        return cast(
            t.History,
            self._json(
                "GET",
                "/api/admin/health/history",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "service": service,
                    "metric": metric,
                    "points": points,
                },
            ),
        )

    def list_health_events(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        target: str | None = None,
        vps_id: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
    ) -> t.Events:
        """Changes of status, newest first.

        First sights, and gaps in which Healthdeck itself did not run, are no changes.

        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        target: vps-1, vps-1/postgres or @tenant-acme/nexus.
        vps_id: of these servers and what runs on them.
        tenant_id: of the applications of these tenants, or of the servers that carry them.
        status: after the change.
        """
        return cast(
            t.Events,
            self._json(
                "GET",
                "/api/admin/health/events",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                    "cursor": cursor,
                    "target": target,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "status": status,
                },
            ),
        )

    def iterate_health_events(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        target: str | None = None,
        vps_id: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        status: Literal["healthy", "degraded", "unhealthy", "unknown"] | None = None,
    ) -> Iterator[t.Event]:
        """Every row of list_health_events, page after page as they are needed."""
        return cast(
            Iterator[t.Event],
            self._rows(
                "events",
                "/api/admin/health/events",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                    "target": target,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "status": status,
                },
            ),
        )

    def get_sla(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        tenant_id: str | None = None,
        vps_id: str | None = None,
        service: str | None = None,
    ) -> t.SLA:
        """Uptime, error budget, burn rates and downtime, with the events behind it.

        Of the last 30 days unless a range is given. Without tenantId one account for each
        tenant; with vpsId, or vpsId and service, that of a server or a service, by the default
        policy and the highest target of the tenants that its failure reaches. ``policy`` says
        what counts.

        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        tenant_id: without it all tenants.
        vps_id: instead: a server.
        service: with vpsId: a service on it.
        """
        return cast(
            t.SLA,
            self._json(
                "GET",
                "/api/admin/health/sla",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "tenantId": tenant_id,
                    "vpsId": vps_id,
                    "service": service,
                },
            ),
        )

    def list_sla_reports(
        self, *, limit: int | None = None, cursor: str | None = None, tenant_id: str | None = None
    ) -> t.Reports:
        """One row for each month and tenant, the latest month first.

        Months are those of UTC. Of months that are over as they are kept, of the running one up
        to now.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        """
        return cast(
            t.Reports,
            self._json(
                "GET",
                "/api/admin/health/sla/reports",
                {"limit": limit, "cursor": cursor, "tenantId": tenant_id},
            ),
        )

    def iterate_sla_reports(
        self, *, limit: int | None = None, tenant_id: str | None = None
    ) -> Iterator[t.Report]:
        """Every row of list_sla_reports, page after page as they are needed."""
        return cast(
            Iterator[t.Report],
            self._rows(
                "reports",
                "/api/admin/health/sla/reports",
                {"limit": limit, "tenantId": tenant_id},
            ),
        )

    def get_sla_report(
        self,
        tenant_id: str,
        month: str,
        *,
        format: Literal["json", "csv", "pdf"] | None = None,
        version: int | None = None,
    ) -> t.WholeReport:
        """A tenant's report on a month (2026-11): as JSON, as CSV, or as a page to hand over
        (PDF).

        A month that is over is answered as it was kept; the running one up to now.

        version: of a report that was made again; without it the latest.
        """
        return cast(
            t.WholeReport,
            self._json(
                "GET",
                f"/api/admin/health/sla/reports/{segment(tenant_id)}/{segment(month)}",
                {"format": format, "version": version},
            ),
        )

    def make_sla_report(
        self, tenant_id: str, month: str, body: t.ReportBody, *, idempotency_key: str | None = None
    ) -> t.WholeReport:
        """Makes a month's report again, after a correction.

        It becomes another version with the ``reason``; the former ones stay.
        """
        return cast(
            t.WholeReport,
            self._json(
                "POST",
                f"/api/admin/health/sla/reports/{segment(tenant_id)}/{segment(month)}",
                body=body,
                key=idempotency_key,
            ),
        )

    def export_health_metrics(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        vps_id: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        service: str | Sequence[str] = (),
        format: Literal["json", "csv"] | None = None,
        metric: str | Sequence[str] = (),
        resolution: Literal["raw", "1m", "10m", "1h"] | None = None,
    ) -> Download:
        """What is remembered of servers and services, as a file.

        It is written while it is read, of any length. One that breaks off was not ended
        properly: take it as failed. 503 while 4 others are being written.

        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        vps_id: only these servers.
        tenant_id: only the applications of these tenants, or the servers that carry them.
        service: only services of this name or type.
        metric: short or full names; without any CPU, memory, disk, load and network.
        resolution: without it raw up to 6 h, 1m up to 2 days, 10m up to 14 days, 1h beyond.
        """
        return self._file(
            "GET",
            "/api/admin/health/export",
            {
                "timeRange": time_range,
                "from": from_,
                "to": to,
                "vpsId": vps_id,
                "tenantId": tenant_id,
                "service": service,
                "format": format,
                "metric": metric,
                "resolution": resolution,
            },
        )

    def list_annotations(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        kind: Literal["deployment", "incident", "maintenance", "note"] | None = None,
        tags: str | Sequence[str] = (),
    ) -> t.Annotations:
        """Annotations, newest first; those of the last 7 days unless a range is given.

        Limited callers get those of their tenants and servers, and those about everything that
        name nobody else.

        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        tags: one of these is enough.
        """
        return cast(
            t.Annotations,
            self._json(
                "GET",
                "/api/admin/annotations",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                    "cursor": cursor,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "kind": kind,
                    "tags": tags,
                },
            ),
        )

    def iterate_annotations(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        limit: int | None = None,
        vps_id: str | None = None,
        tenant_id: str | None = None,
        kind: Literal["deployment", "incident", "maintenance", "note"] | None = None,
        tags: str | Sequence[str] = (),
    ) -> Iterator[t.Annotation]:
        """Every row of list_annotations, page after page as they are needed."""
        return cast(
            Iterator[t.Annotation],
            self._rows(
                "annotations",
                "/api/admin/annotations",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "limit": limit,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "kind": kind,
                    "tags": tags,
                },
            ),
        )

    def add_annotation(
        self, body: t.NewAnnotation, *, idempotency_key: str | None = None
    ) -> t.Annotation:
        """Note a deployment, an incident, maintenance or anything else.

        Limited callers note things of their tenants, with tenantId.
        """
        return cast(
            t.Annotation,
            self._json("POST", "/api/admin/annotations", body=body, key=idempotency_key),
        )

    def delete_annotation(self, annotation_id: str) -> None:
        """Take an annotation away."""
        self._nothing("DELETE", f"/api/admin/annotations/{segment(annotation_id)}")

    def change_tenant(self, tenant_id: str, body: dict[str, Any]) -> t.FleetEntry:
        """Write a tenant anew.

        409 for one of the inventory file.
        """
        return cast(
            t.FleetEntry,
            self._json("PUT", f"/api/admin/health/tenants/{segment(tenant_id)}", body=body),
        )

    def delete_tenant(self, tenant_id: str) -> None:
        """Take a tenant away and keep its history."""
        self._nothing("DELETE", f"/api/admin/health/tenants/{segment(tenant_id)}")

    def list_alerts(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        status: Literal["active", "acknowledged", "snoozed", "resolved", "unresolved", "all"]
        | Sequence[
            Literal["active", "acknowledged", "snoozed", "resolved", "unresolved", "all"]
        ] = (),
        severity: Literal["info", "warning", "critical"]
        | Sequence[Literal["info", "warning", "critical"]] = (),
        rule_id: str | Sequence[str] = (),
        vps_id: str | Sequence[str] = (),
        service: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        q: str | None = None,
        suppressed: bool | None = None,
        false_positive: bool | None = None,
        sort: str | None = None,
    ) -> t.Alerts:
        """Alerts: without a filter the unresolved ones, newest first.

        sort: triggeredAt, severity, resolvedAt, duration; a - in front puts the latest, the
        most severe, the longest first. What is not over comes last where an end is asked for.
        worst: what needs somebody first, what another alert explains last. A limited caller
        gets a 404 for servers, tenants, services and rules that it may not know of.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        status: without it the unresolved ones; several: it stands there several times.
        severity: several: it stands there several times.
        rule_id: several: it stands there several times.
        vps_id: several: it stands there several times.
        service: names, or keys such as vps-1/postgres; several: it stands there several times.
        tenant_id: alerts that reach this tenant; several: it stands there several times.
        q: text in target, title, rule name or message, whatever its case.
        suppressed: whether the trouble of something else explains it.
        false_positive: as it was marked when it was resolved.
        sort: triggeredAt, severity, resolvedAt or duration, with - in front for the largest
        first.
        """
        return cast(
            t.Alerts,
            self._json(
                "GET",
                "/api/admin/alerts",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "status": status,
                    "severity": severity,
                    "ruleId": rule_id,
                    "vpsId": vps_id,
                    "service": service,
                    "tenantId": tenant_id,
                    "q": q,
                    "suppressed": suppressed,
                    "falsePositive": false_positive,
                    "sort": sort,
                },
            ),
        )

    def iterate_alerts(
        self,
        *,
        limit: int | None = None,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        status: Literal["active", "acknowledged", "snoozed", "resolved", "unresolved", "all"]
        | Sequence[
            Literal["active", "acknowledged", "snoozed", "resolved", "unresolved", "all"]
        ] = (),
        severity: Literal["info", "warning", "critical"]
        | Sequence[Literal["info", "warning", "critical"]] = (),
        rule_id: str | Sequence[str] = (),
        vps_id: str | Sequence[str] = (),
        service: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        q: str | None = None,
        suppressed: bool | None = None,
        false_positive: bool | None = None,
        sort: str | None = None,
    ) -> Iterator[t.Alert]:
        """Every row of list_alerts, page after page as they are needed."""
        return cast(
            Iterator[t.Alert],
            self._rows(
                "alerts",
                "/api/admin/alerts",
                {
                    "limit": limit,
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "status": status,
                    "severity": severity,
                    "ruleId": rule_id,
                    "vpsId": vps_id,
                    "service": service,
                    "tenantId": tenant_id,
                    "q": q,
                    "suppressed": suppressed,
                    "falsePositive": false_positive,
                    "sort": sort,
                },
            ),
        )

    def handle_alerts(
        self, body: t.AlertsBulk, *, idempotency_key: str | None = None
    ) -> t.AlertsHandled:
        """Acknowledge, snooze or resolve many alerts at once.

        Each has an outcome of its own, as if it were asked for alone; what can be done is done
        in one transaction.
        """
        return cast(
            t.AlertsHandled,
            self._json("POST", "/api/admin/alerts/bulk", body=body, key=idempotency_key),
        )

    def get_alert(self, alert_id: str) -> t.Alert:
        """One alert with its timeline and notifications."""
        return cast(t.Alert, self._json("GET", f"/api/admin/alerts/{segment(alert_id)}"))

    def delete_alert(self, alert_id: str) -> None:
        """Take a resolved alert away, with its history.

        409 while it is not resolved.
        """
        self._nothing("DELETE", f"/api/admin/alerts/{segment(alert_id)}")

    def acknowledge_alert(
        self,
        alert_id: str,
        body: t.Acknowledgement | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> t.Alert:
        """Take an alert on.

        409 when it is not active.
        """
        return cast(
            t.Alert,
            self._json(
                "POST",
                f"/api/admin/alerts/{segment(alert_id)}/acknowledge",
                body=body,
                key=idempotency_key,
            ),
        )

    def resolve_alert(
        self, alert_id: str, body: t.Resolution | None = None, *, idempotency_key: str | None = None
    ) -> t.Alert:
        """End an alert.

        While its condition holds it stays so until that has cleared once. 409 when it is
        resolved.
        """
        return cast(
            t.Alert,
            self._json(
                "POST",
                f"/api/admin/alerts/{segment(alert_id)}/resolve",
                body=body,
                key=idempotency_key,
            ),
        )

    def snooze_alert(
        self, alert_id: str, body: t.Snooze, *, idempotency_key: str | None = None
    ) -> t.Alert:
        """Be silent about an alert for a while; then it is again what it was.

        409 when it is resolved.
        """
        return cast(
            t.Alert,
            self._json(
                "POST",
                f"/api/admin/alerts/{segment(alert_id)}/snooze",
                body=body,
                key=idempotency_key,
            ),
        )

    def list_alert_rules(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        enabled: bool | None = None,
        severity: Literal["info", "warning", "critical"] | None = None,
        q: str | None = None,
        sort: str | None = None,
    ) -> t.AlertRules:
        """The rules in force, enabled or not.

        Limited callers get those that name nothing of others, without their recipients.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        q: text in name, id and metric, whatever its case.
        sort: name, id, severity or updatedAt, with - in front for the largest first.
        """
        return cast(
            t.AlertRules,
            self._json(
                "GET",
                "/api/admin/alerts/rules",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "enabled": enabled,
                    "severity": severity,
                    "q": q,
                    "sort": sort,
                },
            ),
        )

    def iterate_alert_rules(
        self,
        *,
        limit: int | None = None,
        enabled: bool | None = None,
        severity: Literal["info", "warning", "critical"] | None = None,
        q: str | None = None,
        sort: str | None = None,
    ) -> Iterator[t.AlertRule]:
        """Every row of list_alert_rules, page after page as they are needed."""
        return cast(
            Iterator[t.AlertRule],
            self._rows(
                "rules",
                "/api/admin/alerts/rules",
                {"limit": limit, "enabled": enabled, "severity": severity, "q": q, "sort": sort},
            ),
        )

    def add_alert_rule(
        self, body: dict[str, Any], *, idempotency_key: str | None = None
    ) -> t.AlertRule:
        """Add a rule.

        409 when there is one of this id.
        """
        return cast(
            t.AlertRule,
            self._json("POST", "/api/admin/alerts/rules", body=body, key=idempotency_key),
        )

    def export_alert_rules(self) -> str:
        """All rules as YAML, as the inventory has them and the import takes them."""
        return self._text("GET", "/api/admin/alerts/rules/export")

    def import_alert_rules(
        self, body: t.RulesImport, *, idempotency_key: str | None = None
    ) -> t.RulesImported:
        """Take in all rules of a YAML text, or none.

        Each mistake is told with its line, rule and field. 409 for a rule that the inventory
        file has differently, and for more than 10,000.
        """
        return cast(
            t.RulesImported,
            self._json("POST", "/api/admin/alerts/rules/import", body=body, key=idempotency_key),
        )

    def get_alert_rule(self, rule_id: str) -> t.AlertRule:
        """One rule.

        Its ETag is what a change may send as If-Match.
        """
        return cast(t.AlertRule, self._json("GET", f"/api/admin/alerts/rules/{segment(rule_id)}"))

    def change_alert_rule(self, rule_id: str, body: dict[str, Any]) -> t.AlertRule:
        """Write a rule anew.

        With If-Match (the ETag of the rule, or its version in quotes) 409 when somebody else
        has changed it since. 409 for one of the inventory file. What changes nothing makes no
        version.
        """
        return cast(
            t.AlertRule, self._json("PUT", f"/api/admin/alerts/rules/{segment(rule_id)}", body=body)
        )

    def delete_alert_rule(self, rule_id: str) -> None:
        """Take a rule away.

        Its alerts end; its versions stay. If-Match as for a change. 409 for one of the
        inventory file.
        """
        self._nothing("DELETE", f"/api/admin/alerts/rules/{segment(rule_id)}")

    def list_alert_rule_versions(
        self, rule_id: str, *, limit: int | None = None, cursor: str | None = None
    ) -> t.AlertRuleVersions:
        """What a rule was, the newest first, also one that is gone.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        """
        return cast(
            t.AlertRuleVersions,
            self._json(
                "GET",
                f"/api/admin/alerts/rules/{segment(rule_id)}/versions",
                {"limit": limit, "cursor": cursor},
            ),
        )

    def iterate_alert_rule_versions(
        self, rule_id: str, *, limit: int | None = None
    ) -> Iterator[t.AlertRuleVersion]:
        """Every row of list_alert_rule_versions, page after page as they are needed."""
        return cast(
            Iterator[t.AlertRuleVersion],
            self._rows(
                "versions",
                f"/api/admin/alerts/rules/{segment(rule_id)}/versions",
                {"limit": limit},
            ),
        )

    def get_alert_config(self) -> t.AlertConfig:
        """Contacts, groups, rotations and channels.

        Its ETag is what a change may send as If-Match.
        """
        return cast(t.AlertConfig, self._json("GET", "/api/admin/alerts/config"))

    def change_alert_config(self, body: dict[str, Any]) -> t.AlertConfig:
        """Put contacts, groups and rotations in the place of all that were written here.

        All or nothing; each mistake is told with its field. What was read may be sent back: a
        secret that is masked or left out stays, unless its webhook's address is another one.
        With If-Match (the ETag, or the version in quotes) 409 when somebody else has changed it
        since. 409 for a change of what the inventory file has. What changes nothing makes no
        version.
        """
        return cast(t.AlertConfig, self._json("PUT", "/api/admin/alerts/config", body=body))

    def preview_rule(
        self, body: t.PreviewRequest, *, idempotency_key: str | None = None
    ) -> t.Preview:
        """Replay a rule over what is stored.

        The answer comes when it is done: seconds for 30 days of 100 servers, a minute at most
        (then complete is false). With Accept: application/x-ndjson it is told line by line how
        far it is, {"done": 0.4, "targets": 40, "of": 100}; the last line is {"done": 1,
        "preview": {...}}, and a stream without it broke off. Who hangs up ends it. 503 while 2
        others run. Maintenance, silences and causes are not replayed, and no alert stands at
        the begin.
        """
        return cast(
            t.Preview,
            self._json("POST", "/api/admin/alerts/rules/preview", body=body, key=idempotency_key),
        )

    def suggest_alert_rule(
        self,
        rule_id: str,
        body: t.SuggestionRequest | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> t.RuleSuggestion:
        """A milder version of a rule, tried by previews over its own history.

        Limits, durations and how long it keeps firing are tried; what is suggested would have
        told of every firing that an operator acknowledged or that was not false. It is applied
        by sending its rule to PUT with ifMatch. Takes a minute at most. 503 while previews run.
        """
        return cast(
            t.RuleSuggestion,
            self._json(
                "POST",
                f"/api/admin/alerts/rules/{segment(rule_id)}/suggestion",
                body=body,
                key=idempotency_key,
            ),
        )

    def get_alert_analytics(
        self,
        *,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        rule_id: str | Sequence[str] = (),
        vps_id: str | Sequence[str] = (),
        tenant_id: str | Sequence[str] = (),
        severity: Literal["info", "warning", "critical"]
        | Sequence[Literal["info", "warning", "critical"]] = (),
        time_zone: str | None = None,
        soon_minutes: float | None = None,
    ) -> t.AlertAnalytics:
        """How often alerts fire, how soon they are taken on and over, and what they have in
        common.

        Of the last 30 days unless a range is given, 400 days at most, beside the period before.
        The answer says how each figure is counted.

        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        rule_id: only alerts of these rules.
        vps_id: only alerts of these servers.
        tenant_id: only alerts that reach these tenants.
        time_zone: of days, weekdays and hours.
        soon_minutes: what ended by itself so soon, unacknowledged, was a false positive.
        """
        return cast(
            t.AlertAnalytics,
            self._json(
                "GET",
                "/api/admin/alerts/analytics",
                {
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "ruleId": rule_id,
                    "vpsId": vps_id,
                    "tenantId": tenant_id,
                    "severity": severity,
                    "timeZone": time_zone,
                    "soonMinutes": soon_minutes,
                },
            ),
        )

    def list_incidents(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        status: Literal["active", "acknowledged", "resolved"]
        | Sequence[Literal["active", "acknowledged", "resolved"]] = (),
        tenant_id: str | None = None,
    ) -> t.Incidents:
        """Incidents, newest first.

        A range finds those that stood at some time in it. Limited callers get what they may
        know of: the incident of the alerts that they see.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        time_range: a whole number and m, h, d or w, such as 24h: the time up to now.
        from_: instead of timeRange: an ISO 8601 time, or now-6h.
        to: likewise; without it now.
        status: several: it stands there several times.
        tenant_id: that reached this tenant.
        """
        return cast(
            t.Incidents,
            self._json(
                "GET",
                "/api/admin/incidents",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "status": status,
                    "tenantId": tenant_id,
                },
            ),
        )

    def iterate_incidents(
        self,
        *,
        limit: int | None = None,
        time_range: str | None = None,
        from_: str | None = None,
        to: str | None = None,
        status: Literal["active", "acknowledged", "resolved"]
        | Sequence[Literal["active", "acknowledged", "resolved"]] = (),
        tenant_id: str | None = None,
    ) -> Iterator[t.IncidentSummary]:
        """Every row of list_incidents, page after page as they are needed."""
        return cast(
            Iterator[t.IncidentSummary],
            self._rows(
                "incidents",
                "/api/admin/incidents",
                {
                    "limit": limit,
                    "timeRange": time_range,
                    "from": from_,
                    "to": to,
                    "status": status,
                    "tenantId": tenant_id,
                },
            ),
        )

    def get_incident(self, incident_id: str) -> t.Incident:
        """One incident with its alerts, timeline and notes.

        The id of one that turned out to be a part of another is answered with that other.
        """
        return cast(t.Incident, self._json("GET", f"/api/admin/incidents/{segment(incident_id)}"))

    def add_incident_note(
        self, incident_id: str, body: t.NewIncidentNote, *, idempotency_key: str | None = None
    ) -> t.IncidentNoted:
        """Note something about an incident."""
        return cast(
            t.IncidentNoted,
            self._json(
                "POST",
                f"/api/admin/incidents/{segment(incident_id)}/notes",
                body=body,
                key=idempotency_key,
            ),
        )

    def get_incident_postmortem(self, incident_id: str, *, time_zone: str | None = None) -> str:
        """What is known of an incident, as Markdown to be completed by people.

        time_zone: an IANA name; times are told in UTC and by it.
        """
        return self._text(
            "GET",
            f"/api/admin/incidents/{segment(incident_id)}/postmortem",
            {"timeZone": time_zone},
        )

    def trace_alert(self, alert_id: str) -> t.AlertTrace:
        """Every decision about an alert: when, what and why."""
        return cast(t.AlertTrace, self._json("GET", f"/api/admin/alerts/{segment(alert_id)}/trace"))

    def trace_vps(self, vps_id: str) -> t.VpsTrace:
        """Where every rule stands for everything on a server, and why there is an alert or none."""
        return cast(t.VpsTrace, self._json("GET", f"/api/admin/health/vps/{segment(vps_id)}/trace"))

    def list_maintenance(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["active", "upcoming", "ended"] | None = None,
    ) -> t.MaintenanceWindows:
        """Maintenance, the newest first.

        Limited callers get what is within their tenants.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        state: only those that are so now.
        """
        return cast(
            t.MaintenanceWindows,
            self._json(
                "GET", "/api/admin/maintenance", {"limit": limit, "cursor": cursor, "state": state}
            ),
        )

    def iterate_maintenance(
        self,
        *,
        limit: int | None = None,
        state: Literal["active", "upcoming", "ended"] | None = None,
    ) -> Iterator[t.MaintenanceWindow]:
        """Every row of list_maintenance, page after page as they are needed."""
        return cast(
            Iterator[t.MaintenanceWindow],
            self._rows(
                "maintenance",
                "/api/admin/maintenance",
                {"limit": limit, "state": state},
            ),
        )

    def add_maintenance(
        self, body: t.Maintenance, *, idempotency_key: str | None = None
    ) -> t.MaintenanceWindow:
        """Plan maintenance: once, daily, weekly or by cron.

        While a window is open nobody is told of the alerts in scope; monitoring goes on.
        Limited callers name tenants of theirs in the scope.
        """
        return cast(
            t.MaintenanceWindow,
            self._json("POST", "/api/admin/maintenance", body=body, key=idempotency_key),
        )

    def maintenance_calendar(
        self, *, from_: str | None = None, to: str | None = None
    ) -> t.MaintenanceCalendar:
        """When maintenance was, is and will be, window by window, the earliest first.

        A range has at most 366 days.

        from_: an ISO 8601 time, or now-7d; else now.
        to: likewise; else 31 days later.
        """
        return cast(
            t.MaintenanceCalendar,
            self._json("GET", "/api/admin/maintenance/calendar", {"from": from_, "to": to}),
        )

    def get_maintenance(self, maintenance_id: str) -> t.MaintenanceWindow:
        """One maintenance."""
        return cast(
            t.MaintenanceWindow,
            self._json("GET", f"/api/admin/maintenance/{segment(maintenance_id)}"),
        )

    def change_maintenance(self, maintenance_id: str, body: t.Maintenance) -> t.MaintenanceWindow:
        """Write a maintenance anew."""
        return cast(
            t.MaintenanceWindow,
            self._json("PUT", f"/api/admin/maintenance/{segment(maintenance_id)}", body=body),
        )

    def delete_maintenance(self, maintenance_id: str) -> None:
        """Take a maintenance away.

        A window that is open ends: what still is in trouble is told then.
        """
        self._nothing("DELETE", f"/api/admin/maintenance/{segment(maintenance_id)}")

    def list_silences(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        state: Literal["active", "upcoming", "ended"] | None = None,
    ) -> t.Silences:
        """Silences, the newest first; those that are over stay listed.

        Limited callers get what is within their tenants.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        state: only those that are so now.
        """
        return cast(
            t.Silences,
            self._json(
                "GET", "/api/admin/silences", {"limit": limit, "cursor": cursor, "state": state}
            ),
        )

    def iterate_silences(
        self,
        *,
        limit: int | None = None,
        state: Literal["active", "upcoming", "ended"] | None = None,
    ) -> Iterator[t.Silence]:
        """Every row of list_silences, page after page as they are needed."""
        return cast(
            Iterator[t.Silence],
            self._rows(
                "silences",
                "/api/admin/silences",
                {"limit": limit, "state": state},
            ),
        )

    def add_silence(self, body: t.NewSilence, *, idempotency_key: str | None = None) -> t.Silence:
        """Silence the alerts that all matchers fit, from startsAt (now) to endsAt or for so many
        minutes.

        Limited callers match a tenant of theirs.
        """
        return cast(
            t.Silence, self._json("POST", "/api/admin/silences", body=body, key=idempotency_key)
        )

    def get_silence(self, silence_id: str) -> t.Silence:
        """One silence."""
        return cast(t.Silence, self._json("GET", f"/api/admin/silences/{segment(silence_id)}"))

    def end_silence(self, silence_id: str) -> None:
        """End a silence now.

        It stays listed among those that ended. 409 for one that is over.
        """
        self._nothing("DELETE", f"/api/admin/silences/{segment(silence_id)}")

    def list_notifications(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: Literal[
            "queued", "sending", "sent", "delivered", "failed", "undeliverable", "suppressed"
        ]
        | Sequence[
            Literal[
                "queued", "sending", "sent", "delivered", "failed", "undeliverable", "suppressed"
            ]
        ] = (),
        channel: Literal["email", "sms", "webhook", "inApp", "apprise"]
        | Sequence[Literal["email", "sms", "webhook", "inApp", "apprise"]] = (),
        event: str | Sequence[str] = (),
        recipient: str | None = None,
        alert_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> t.Notifications:
        """Notifications, newest first.

        A caller limited to tenants gets those about alerts that it may know of.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        status: in one of these states.
        channel: by one of these channels.
        event: of one of these events, such as alert.fired.
        recipient: as in the answer: a contact's name.
        alert_id: about this alert.
        from_: not before: ISO 8601, or now-6h.
        to: not after; likewise.
        """
        return cast(
            t.Notifications,
            self._json(
                "GET",
                "/api/admin/notifications",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "status": status,
                    "channel": channel,
                    "event": event,
                    "recipient": recipient,
                    "alertId": alert_id,
                    "from": from_,
                    "to": to,
                },
            ),
        )

    def iterate_notifications(
        self,
        *,
        limit: int | None = None,
        status: Literal[
            "queued", "sending", "sent", "delivered", "failed", "undeliverable", "suppressed"
        ]
        | Sequence[
            Literal[
                "queued", "sending", "sent", "delivered", "failed", "undeliverable", "suppressed"
            ]
        ] = (),
        channel: Literal["email", "sms", "webhook", "inApp", "apprise"]
        | Sequence[Literal["email", "sms", "webhook", "inApp", "apprise"]] = (),
        event: str | Sequence[str] = (),
        recipient: str | None = None,
        alert_id: str | None = None,
        from_: str | None = None,
        to: str | None = None,
    ) -> Iterator[t.Notification]:
        """Every row of list_notifications, page after page as they are needed."""
        return cast(
            Iterator[t.Notification],
            self._rows(
                "notifications",
                "/api/admin/notifications",
                {
                    "limit": limit,
                    "status": status,
                    "channel": channel,
                    "event": event,
                    "recipient": recipient,
                    "alertId": alert_id,
                    "from": from_,
                    "to": to,
                },
            ),
        )

    def resend_notification(
        self, notification_id: str, *, idempotency_key: str | None = None
    ) -> t.Notification:
        """Send a notification once more.

        The same content to the same recipient by the same channel, at once and alone, as a new
        notification, which is the answer. 409 while it is still being sent, or when its channel
        is not set up.
        """
        return cast(
            t.Notification,
            self._json(
                "POST",
                f"/api/admin/notifications/{segment(notification_id)}/resend",
                key=idempotency_key,
            ),
        )

    def test_notification(
        self, body: t.TestMessage, *, idempotency_key: str | None = None
    ) -> t.TestResults:
        """Send a test message and wait for what the provider says of it, 12 s at most.

        200 also when it refused (``ok`` is false), or when the channel is not set up
        (``detail`` names the settings that are missing). 404 for a recipient that there is not,
        400 for one that the channel cannot use, 503 while too many tests are under way.
        """
        return cast(
            t.TestResults,
            self._json("POST", "/api/admin/notifications/test", body=body, key=idempotency_key),
        )

    def list_templates(self) -> t.Templates:
        """What messages say, by channel and event, and the variables that they may use.

        A webhook's body is fixed, so it has none.
        """
        return cast(t.Templates, self._json("GET", "/api/admin/notifications/templates"))

    def change_template(self, channel: str, event: str, body: t.TemplateParts) -> t.Template:
        """Write a template anew.

        It is refused, with part and line, when it cannot be read, names what there is not, or
        does not render an example within its limits of time and memory.
        """
        return cast(
            t.Template,
            self._json(
                "PUT",
                f"/api/admin/notifications/templates/{segment(channel)}/{segment(event)}",
                body=body,
            ),
        )

    def reset_template(self, channel: str, event: str) -> None:
        """Bring the default back.

        The audit keeps what was there.
        """
        self._nothing(
            "DELETE", f"/api/admin/notifications/templates/{segment(channel)}/{segment(event)}"
        )

    def preview_template(
        self, body: t.TemplatePreview, *, idempotency_key: str | None = None
    ) -> t.Sources:
        """What a template would say of an alert, or of an example.

        Nothing is sent. 400 says what is wrong with it, part and line, as saving it would.
        """
        return cast(
            t.Sources,
            self._json(
                "POST", "/api/admin/notifications/templates/preview", body=body, key=idempotency_key
            ),
        )

    def receive_sms_status(self, *, notification: str | None = None) -> None:
        """What became of an SMS.

        Called by Twilio, with a form that it has signed. Receipts may come twice and in any
        order; 404 where SMS, or the address at which Twilio reaches us, is not set up.
        """
        self._nothing("POST", "/api/twilio/status", {"notification": notification}, once=True)

    def restart_service(
        self, vps_id: str, name: str, *, idempotency_key: str | None = None
    ) -> t.Asked:
        """Ask the server's agent to restart a service.

        The answer is the job. 409 says what is missing: an agent, a unit, its allow-list.
        """
        return cast(
            t.Asked,
            self._json(
                "POST",
                f"/api/admin/health/vps/{segment(vps_id)}/services/{segment(name)}/restart",
                key=idempotency_key,
            ),
        )

    def get_service_logs(self, vps_id: str, name: str, *, lines: int | None = None) -> t.Log:
        """The tail of a service's log.

        202 with the job when the agent takes its time.

        lines: how many lines from the end.
        """
        return cast(
            t.Log,
            self._json(
                "GET",
                f"/api/admin/health/vps/{segment(vps_id)}/services/{segment(name)}/logs",
                {"lines": lines},
            ),
        )

    def get_job(self, job_id: str) -> t.Asked:
        """State and output of an action."""
        return cast(t.Asked, self._json("GET", f"/api/admin/jobs/{segment(job_id)}"))

    def list_agents(self) -> t.Agents:
        """The agents, what each last said of itself and when.

        Never their tokens.
        """
        return cast(t.Agents, self._json("GET", "/api/admin/agents"))

    def enroll_agent(self, body: t.Enrolment, *, idempotency_key: str | None = None) -> t.Enrolled:
        """A new token for a server's agent.

        It is told this once, with the command that starts the agent. The token before it ends.
        """
        return cast(
            t.Enrolled, self._json("POST", "/api/admin/agents", body=body, key=idempotency_key)
        )

    def revoke_agent(self, vps_id: str) -> None:
        """End the token of a server's agent."""
        self._nothing("DELETE", f"/api/admin/agents/{segment(vps_id)}")

    def report_observations(self, body: dict[str, Any]) -> t.Taken:
        """What an agent observed.

        Answered after the commit. An agent is known by its own token, which nothing else takes.
        """
        return cast(t.Taken, self._json("POST", "/api/agent/v1/report", body=body, once=True))

    def get_agent_program(self) -> str:
        """The agent as one file.

        It carries no secret, so whoever reaches us may have it.
        """
        return self._text("GET", "/agent.pyz", once=True)

    def list_users(self, *, limit: int | None = None, cursor: str | None = None) -> t.Users:
        """Everybody who may log in, the oldest first.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        """
        return cast(
            t.Users, self._json("GET", "/api/admin/users", {"limit": limit, "cursor": cursor})
        )

    def iterate_users(self, *, limit: int | None = None) -> Iterator[t.User]:
        """Every row of list_users, page after page as they are needed."""
        return cast(
            Iterator[t.User],
            self._rows(
                "users",
                "/api/admin/users",
                {"limit": limit},
            ),
        )

    def create_user(self, body: t.NewUser, *, idempotency_key: str | None = None) -> t.User:
        """Somebody who may log in.

        409 when the name is taken.
        """
        return cast(t.User, self._json("POST", "/api/admin/users", body=body, key=idempotency_key))

    def change_user(self, user_id: str, body: t.ChangedUser) -> t.User:
        """Another role or another password.

        Either ends the user's sessions and their sockets. 409 for the last super_admin's role.
        """
        return cast(t.User, self._json("PUT", f"/api/admin/users/{segment(user_id)}", body=body))

    def delete_user(self, user_id: str) -> None:
        """Take a user away.

        Ends the user's sessions, and what was embedded in the user's name. 409 for the last
        super_admin.
        """
        self._nothing("DELETE", f"/api/admin/users/{segment(user_id)}")

    def list_api_keys(self, *, limit: int | None = None, cursor: str | None = None) -> t.Keys:
        """Every key by its first characters, the oldest first; revoked ones stay listed.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        """
        return cast(
            t.Keys, self._json("GET", "/api/admin/api-keys", {"limit": limit, "cursor": cursor})
        )

    def iterate_api_keys(self, *, limit: int | None = None) -> Iterator[t.Key]:
        """Every row of list_api_keys, page after page as they are needed."""
        return cast(
            Iterator[t.Key],
            self._rows(
                "keys",
                "/api/admin/api-keys",
                {"limit": limit},
            ),
        )

    def create_api_key(self, body: t.NewKey, *, idempotency_key: str | None = None) -> t.ToldKey:
        """A new key.

        The key itself is told this once.
        """
        return cast(
            t.ToldKey, self._json("POST", "/api/admin/api-keys", body=body, key=idempotency_key)
        )

    def revoke_api_key(self, key_id: str) -> None:
        """End a key.

        Its sockets close, and what was embedded by it ends.
        """
        self._nothing("DELETE", f"/api/admin/api-keys/{segment(key_id)}")

    def create_embed_token(
        self, body: t.NewEmbed, *, idempotency_key: str | None = None
    ) -> t.EmbedToken:
        """A one-time token for a page in a frame.

        For /embed?to=/health#token=...; expiresAt tells until when it can be traded there. 403
        for tenants that the caller may not see.
        """
        return cast(
            t.EmbedToken,
            self._json("POST", "/api/admin/embed-tokens", body=body, key=idempotency_key),
        )

    def list_audit(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        who: str | None = None,
        action: str | None = None,
        target: str | None = None,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
    ) -> t.Audit:
        """What was done, newest first.

        limit: rows of a page.
        cursor: nextCursor of the page before; nothing else.
        who: the name of who did it.
        action: as in the answer, such as user.create.
        target: what it was done to.
        from_: not before; ISO 8601 with its zone.
        to: not after; ISO 8601 with its zone.
        """
        return cast(
            t.Audit,
            self._json(
                "GET",
                "/api/admin/audit",
                {
                    "limit": limit,
                    "cursor": cursor,
                    "who": who,
                    "action": action,
                    "target": target,
                    "from": from_,
                    "to": to,
                },
            ),
        )

    def iterate_audit(
        self,
        *,
        limit: int | None = None,
        who: str | None = None,
        action: str | None = None,
        target: str | None = None,
        from_: datetime | str | None = None,
        to: datetime | str | None = None,
    ) -> Iterator[t.AuditEntry]:
        """Every row of list_audit, page after page as they are needed."""
        return cast(
            Iterator[t.AuditEntry],
            self._rows(
                "entries",
                "/api/admin/audit",
                {
                    "limit": limit,
                    "who": who,
                    "action": action,
                    "target": target,
                    "from": from_,
                    "to": to,
                },
            ),
        )

    def get_metrics(self) -> str:
        """Figures of Healthdeck itself for Prometheus.

        As text, or as OpenMetrics when the caller prefers that. For callers that see the whole
        fleet: the figures speak of all of it.
        """
        return self._text("GET", "/metrics")

    def get_liveness(self) -> t.Alive:
        """Is the process alive.

        It is when this answers at all.
        """
        return cast(t.Alive, self._json("GET", "/healthz", once=True))

    def get_health_live(self) -> t.Alive:
        """Is the process alive: the same as /healthz."""
        return cast(t.Alive, self._json("GET", "/health/live", once=True))

    def get_readiness(self) -> t.Ready:
        """Can Healthdeck do its work.

        200 when database, cache and scheduler work, else 503 with the reason of each that does
        not.
        """
        return cast(t.Ready, self._json("GET", "/readyz", once=True))

    def get_health_ready(self) -> t.Ready:
        """Can Healthdeck do its work: the same as /readyz."""
        return cast(t.Ready, self._json("GET", "/health/ready", once=True))

    def get_openapi(self) -> Any:
        """This description, as OpenAPI 3.1."""
        return self._json("GET", "/api/openapi.json", once=True)

    def get_docs(self) -> str:
        """This description as a page.

        Its files come from this server alone.
        """
        return self._text("GET", "/api/docs", once=True)
