"""`/metrics` for Prometheus, and who may read it. The names: core/metrics.py; what they mean: docs/metrics.md."""

import hmac
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from backburner.api import auth
from backburner.api.services import Services
from backburner.core.errors import NotFound, PermissionDenied
from backburner.core.metrics import Family, Histogram, Kind
from backburner.service.metrics import Found


def allow(request: Request, services: Services) -> None:
    """It tells of all tenants, so no tenant's key opens it. Raises PermissionDenied, NotFound."""
    if services.metrics == "off":
        raise NotFound("metrics are switched off", reason="METRICS_OFF")
    if services.metrics == "open":
        return
    if services.metrics_token:
        _, _, shown = request.headers.get("authorization", "").partition(" ")
        if hmac.compare_digest(shown.strip().encode(), services.metrics_token.encode()):
            return
        raise PermissionDenied("metrics want the metrics_token as a Bearer token", reason="METRICS_TOKEN")
    if services.keys.required:
        raise PermissionDenied(
            "on a server with keys, metrics want a token of their own: set metrics_token, or metrics to open",
            reason="METRICS_TOKEN",
        )
    auth.check_local(request, services)


async def metrics(request: Request, services: Services) -> Response:
    """Raises PermissionDenied, NotFound."""
    allow(request, services)
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Gathered(await services.metric_values.gathered()))
    return Response(generate_latest(registry), headers={"content-type": CONTENT_TYPE_LATEST})


class _Gathered(Collector):
    def __init__(self, found: list[tuple[Family, Found]]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        for family, values in self._found:
            yield _metric(family, values)


def _metric(family: Family, values: Found) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.help, labels=family.labels)
        for labels, value in values.items():
            if isinstance(value, Histogram):
                histogram.add_metric(labels, _buckets(value), value.sum)
        return histogram
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    plain = kind(family.name, family.help, labels=family.labels)
    for labels, value in values.items():
        if not isinstance(value, Histogram):
            plain.add_metric(labels, value)
    return plain


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Each with all below it, as the format wants."""
    found: list[tuple[str, float]] = []
    below = 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        below += count
        found.append((bound, below))
    return found
