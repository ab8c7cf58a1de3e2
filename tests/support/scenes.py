"""Inventories that several tests share, and what a receiver of webhooks makes of its mail."""

from __future__ import annotations

from typing import Any

from standardwebhooks import Webhook

from tests.support.web import LocalServer

SECRET = "whsec_aGVhbHRoZGVjay1pbi1hLXRlc3Qtb2YtaXRzLW93bg=="

#: Settings that the inventories below need.
WEBHOOKS = {"HOOK_SECRET": SECRET, "WEBHOOK_ALLOW": "127.0.0.0/8"}


def one_service(
    service: LocalServer, receiver: LocalServer, *, interval: float = 5, duration: float = 0
) -> str:
    """A server with one monitored HTTP service, a tenant on it, and a rule that tells Ops."""
    return f"""
vps:
  - id: vps-1
    name: Netherlands 1
    region: nl-west
    source: {{type: local}}
    monitoring: {{interval: {interval:g}, timeout: 2}}
    services:
      - {{name: backend-api, type: backend, check: {{http: "{service.url}/health"}}}}
    tenants: [tenant-acme]
tenants:
  - {{id: tenant-acme, organizationName: ACME Corp}}
contacts:
  - {{name: Ops, webhook: {{url: "{receiver.url}/ops", secret: "${{HOOK_SECRET}}"}}}}
rules:
  - id: backend-down
    name: Backend down
    severity: critical
    condition:
      {{metric: service.status, operator: equals, value: unhealthy, duration: {duration:g}}}
    scope: {{service: [backend-api]}}
    notification: {{channels: [webhook, inApp], recipients: [Ops]}}
"""


def mail(receiver: LocalServer, event: str | None = None) -> list[dict[str, Any]]:
    """The bodies of the webhooks that came, each with its signature verified."""
    bodies = [Webhook(SECRET).verify(r.body, r.headers) for r in list(receiver.requests)]
    return [body for body in bodies if event in (None, body["event"])]
