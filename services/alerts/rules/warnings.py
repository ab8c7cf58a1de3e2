"""What a rule, right in itself, will not achieve in this installation. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from services.inventory.fleet import Fleet
from services.inventory.near import nearest
from services.notify.address import Destination, destinations
from services.notify.directory import Directory
from services.rule import Channel, NotificationPlan, Rule

_MOST = 10


def warnings(
    rule: Rule, fleet: Fleet, people: Directory, available: Collection[str], now: float
) -> list[str]:
    """A sentence for each recipient that cannot be told, and for each name that is not known
    here; at most 10. ``available`` holds the names of the channels that can send, ``now`` is in
    seconds since the epoch: who is on call changes."""
    found = [*_scope(rule, fleet), *_people(rule, people, available, now)]
    return list(dict.fromkeys(found))[:_MOST]


def _scope(rule: Rule, fleet: Fleet) -> Iterator[str]:
    services = {service.name for spec in fleet.vps.values() for service in spec.services}
    services |= {application.name for application in fleet.applications.values()}
    tags = {tag for spec in fleet.vps.values() for tag in spec.tags}
    for what, names, known in (
        ("server", rule.scope.vps, set(fleet.vps)),
        ("service", rule.scope.service, services),
        ("tenant", rule.scope.tenant, set(fleet.tenants)),
        ("server with the tag", rule.scope.tags, tags),
    ):
        for name in names:
            if name not in known:
                yield f"There is no {what} '{name[:100]}'; {nearest(name[:100], sorted(known))}"


def _people(rule: Rule, people: Directory, available: Collection[str], now: float) -> Iterator[str]:
    for plan in (rule.notification, *(step.plan for step in rule.escalation)):
        anybody = [name for written in plan.recipients for name in people.ever(written)]
        plan = plan.model_copy(update={"recipients": tuple(anybody)})
        found = destinations(plan, people, available, now)
        if not plan.channels:
            yield "It has no channels, so nobody is told."
        elif not plan.recipients and _nobody(plan, found):
            yield "No contact can be told by its channels, so it is shown here only."
        for one in found:
            if one.reason is not None:
                yield one.detail


def _nobody(plan: NotificationPlan, found: Sequence[Destination]) -> bool:
    """Whether a plan speaks of people and reaches none of them."""
    wanted = [channel for channel in plan.channels if channel is not Channel.IN_APP]
    return bool(wanted) and all(one.reason or one.channel is Channel.IN_APP for one in found)
