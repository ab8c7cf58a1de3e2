"""``/metrics``: what Healthdeck says of itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import psutil
from flask import Response, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from services.container import current
from services.views.kept import TTL
from services.web.rest.operation import Routes

if TYPE_CHECKING:
    from services.container import Services


routes = Routes("Operations")


class OwnFigures(Collector):
    """The figures of this process and of its intake and rounds, read when they are asked for."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        yield from self._of_intake()
        yield from self._of_rounds()
        yield from self._of_cache()
        yield from _of_process()

    def _of_intake(self) -> Iterator[Metric]:
        stats = self._services.intake.stats()
        yield _counter("observations", "Readings that were judged and stored.", stats.stored)
        yield _gauge("intake_waiting", "Readings that wait to be judged.", stats.waiting)
        batch = GaugeMetricFamily(
            "healthdeck_intake_batch_seconds",
            "Seconds that judging and storing took, of the latest 1,000 batches.",
            labels=["quantile"],
        )
        batch.add_metric(["0.95"], stats.batch_p95)
        yield batch

    def _of_rounds(self) -> Iterator[Metric]:
        stats = self._services.rounds.stats()
        yield _gauge("targets", "Targets that are looked at by themselves.", stats["targets"])
        yield _counter("looks", "Looks at targets that ended.", stats["looks"])
        yield _counter(
            "looks_skipped", "Looks left out, for the one before still ran.", stats["skipped"]
        )
        yield _gauge("looks_in_flight", "Looks under way.", stats["in_flight"])
        yield _gauge("readings_waiting", "Readings not handed over yet.", stats["waiting"])
        yield _counter(
            "readings_dropped", "Readings lost, for they came faster than they were taken in.",
            stats["dropped"],
        )  # fmt: skip
        yield _gauge("collector_running", "1 while the thread that looks lives.", stats["running"])

    def _of_cache(self) -> Iterator[Metric]:
        counts = self._services.read.kept.counts()
        asked = CounterMetricFamily(
            "healthdeck_cache_requests",
            "Requests for bodies that are kept, by what was read and whether it was there.",
            labels=["read", "result"],
        )
        for read in TTL:
            for result in ("hit", "miss"):
                asked.add_metric([read, result], counts.get((read, result), 0))
        yield asked
        made = CounterMetricFamily(
            "healthdeck_cache_bodies",
            "Bodies computed, on request or to refresh what is asked for.",
            labels=["read", "why"],
        )
        for (read, why), count in sorted(self._services.read.kept.made().items()):
            made.add_metric([read, why], count)
        yield made
        yield _gauge(
            "cache_reachable",
            "1 while the cache answers; Redis when there is one, else memory.",
            self._services.cache.reachable,
        )


def _of_process() -> Iterator[Metric]:
    """Under the names that Prometheus' own libraries use."""
    process = psutil.Process()
    yield CounterMetricFamily(
        "process_cpu_seconds",
        "User and system CPU time of the process that answers.",
        value=time.process_time(),
    )
    yield GaugeMetricFamily(
        "process_resident_memory_bytes",
        "Resident memory of the process that answers.",
        value=process.memory_info().rss,
    )
    yield GaugeMetricFamily(
        "process_start_time_seconds",
        "When the process started, in seconds since the epoch.",
        value=process.create_time(),
    )


@routes.get("/metrics", who="whole", media=("text/plain", "application/openmetrics-text"))
def get_metrics() -> Response:
    """Figures of Healthdeck itself for Prometheus.

    As text, or as OpenMetrics when the caller prefers that. For callers that see the whole
    fleet: the figures speak of all of it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OwnFigures(current()))
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(registry), content_type=kind)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"healthdeck_{name}", text, value=value)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"healthdeck_{name}", text, value=value)
