"""A program's state in the text format of Prometheus.

Invariant: the names of ``workqueue_*`` are those of client-go; all others begin with ``genreconcile_``. Each metric has
a row in docs/observability.md. Needs the extra ``metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from genreconcile.errors import InputError
from genreconcile.observe.figures import BUCKETS, Histogram
from genreconcile.observe.measures import Measures
from genreconcile.observe.state import State

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_QUEUE_GAUGES: Final[tuple[tuple[str, str, Callable[[Measures[Any]], float]], ...]] = (
    ("workqueue_depth", "Keys that are due and wait for a worker.", lambda work: work.depth),
    ("workqueue_unfinished_work_seconds", "Seconds of all work that goes on.", lambda work: work.unfinished),
)
_QUEUE_COUNTERS: Final[tuple[tuple[str, str, Callable[[Measures[Any]], float]], ...]] = (
    ("workqueue_adds", "Keys that entered the queue.", lambda work: work.adds),
    ("workqueue_retries", "Keys that entered the queue to be tried again.", lambda work: work.retries),
)


def exposition(ask: Callable[[], State]) -> Callable[[], tuple[bytes, str]]:
    """A function that asks for the state and gives it in the text format, with its content type. With the figures of
    the process itself. Raises InputError where the extra is not installed.
    """
    try:
        import prometheus_client
    except ImportError:
        raise InputError(
            "metrics: not usable: prometheus-client is not installed; pip install 'genreconcile[metrics]'", code="GR006"
        ) from None

    class Collector(prometheus_client.registry.Collector):
        def collect(self) -> Iterator[Metric]:
            return _families(ask())

    registry = prometheus_client.CollectorRegistry()
    registry.register(Collector())
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)

    def text() -> tuple[bytes, str]:
        return prometheus_client.generate_latest(registry), prometheus_client.CONTENT_TYPE_LATEST

    return text


def _families(state: State) -> Iterator[Metric]:
    yield from _of_queues(state)
    yield from _of_runs(state)
    yield from _of_cache(state)
    from prometheus_client.core import CounterMetricFamily

    events = CounterMetricFamily("genreconcile_events", "Events by what became of them.", labels=["result"])
    for result in ("sent", "dropped", "failed"):
        events.add_metric([result], getattr(state.events, result))
    yield events
    yield _gauge("genreconcile_leading", "1 where this process works, 0 where it stands by.", state.is_leading)
    yield _gauge("genreconcile_ready", "1 where it works, or could at once.", state.is_ready)
    yield _gauge("genreconcile_healthy", "0 once too many functions have not ended in time.", state.is_healthy)
    if state.holdings is not None:
        text = "1 for each shard in which this process works, 0 for the others."
        family = _gauge("genreconcile_shard_held", text, None, ["shard"])
        for shard, is_held in state.holdings.items():
            family.add_metric([str(shard)], is_held)
        yield family


def _of_queues(state: State) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, SummaryMetricFamily

    for name, text, value in _QUEUE_GAUGES:
        family = _gauge(name, text, None, ["name"])
        for queue, works in state.queues.items():
            family.add_metric([queue], sum(map(value, works)))
        yield family
    longest = _gauge(
        "workqueue_longest_running_processor_seconds", "Seconds of the work that goes on for longest.", None, ["name"]
    )
    waited = SummaryMetricFamily(
        "workqueue_queue_duration_seconds", "Seconds that keys were due before a worker took them.", labels=["name"]
    )
    for queue, works in state.queues.items():
        longest.add_metric([queue], max((work.longest for work in works), default=0.0))
        waited.add_metric([queue], sum(work.gets for work in works), sum(work.waited for work in works))
    yield longest
    yield waited
    for name, text, value in _QUEUE_COUNTERS:
        counter = CounterMetricFamily(name, text, labels=["name"])
        for queue, works in state.queues.items():
            counter.add_metric([queue], sum(map(value, works)))
        yield counter


def _of_runs(state: State) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    counts = state.counts
    for name, text, labels, values in (
        ("reconcile", "Runs, by how they ended.", ["controller", "result"], counts.runs),
        ("writes", "Objects written, by what was done.", ["controller", "kind", "operation"], counts.writes),
        ("repairs", "Objects that had drifted and were repaired.", ["controller", "kind"], counts.repairs),
        ("drift_fields", "Fields repaired, by who had set them.", ["kind", "manager"], counts.drift),
    ):
        counter = CounterMetricFamily(f"genreconcile_{name}", text, labels=labels)
        for key, value in values.items():
            counter.add_metric(list(key), value)
        yield counter
    for name in ("genreconcile_reconcile_seconds", "workqueue_work_duration_seconds"):
        label = "controller" if name.startswith("genreconcile") else "name"
        seconds = HistogramMetricFamily(name, "Seconds of a run.", labels=[label])
        for controller, histogram in counts.seconds.items():
            seconds.add_metric([controller], _buckets(histogram), histogram.sum)
        yield seconds
    fights = _gauge("genreconcile_fights", "Objects whose repairs somebody undoes now.", None, ["controller"])
    for controller, objects in counts.fights.items():
        fights.add_metric([controller], objects)
    yield fights


def _of_cache(state: State) -> Iterator[Metric]:
    objects = _gauge("genreconcile_cache_objects", "Objects of a kind in the cache.", None, ["kind"])
    synced = _gauge("genreconcile_cache_synced", "1 where all objects of a kind are known.", None, ["kind"])
    age = _gauge(
        "genreconcile_cache_age_seconds", "Seconds since a watch of the kind was well; 0 while it is.", None, ["kind"]
    )
    for kind, kept in state.kinds.items():
        objects.add_metric([kind], kept.objects)
        synced.add_metric([kind], kept.is_synced)
        age.add_metric([kind], kept.age)
    return iter((objects, synced, age))


def _gauge(name: str, text: str, value: float | None, labels: Iterable[str] | None = None) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, text, value=value, labels=list(labels) if labels is not None else None)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Cumulative, as Prometheus has them."""
    total, found = 0, []
    for bound, count in zip((*map(str, BUCKETS), "+Inf"), histogram.counts, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
