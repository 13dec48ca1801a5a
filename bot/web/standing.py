"""How the program stands when somebody reads its metrics: what waits, what is stored, which versions serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Self

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from adapters.errors import AdapterError
from adapters.registry import Registry
from adapters.types import AdapterVersion, Stage, Task
from bot.store.census import Counts
from bot.store.errors import StoreError
from bot.store.schema import RunState
from bot.store.store import Store

if TYPE_CHECKING:
    from bot.web.parts import WebParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing(Collector):
    """Looked at once; `collect` blocks, for the store and the registry."""

    store: Store
    registry: Registry
    waiting: int  # jobs of the desk
    events: Mapping[str, int]  # what the desk saw, by name
    tokens: Mapping[str, int]  # of the generator, by what was done with them

    @classmethod
    def of(cls, parts: WebParts) -> Self:
        """As things are now; called where the desk works, so that nothing moves meanwhile."""
        return cls(
            store=parts.store,
            registry=parts.learning.registry,
            waiting=parts.desk.waiting,
            events=dict(parts.desk.counts),
            tokens=dict(parts.tokens()),
        )

    def collect(self) -> Iterator[Metric]:
        """The metrics."""
        yield InfoMetricFamily("burnish_build", "The program.", value={"version": version("burnish")})
        yield _gauge("burnish_queue_messages", "Messages that wait for their turn.", self.waiting)
        yield _counter("burnish_desk_events", "What happened at the desk.", "event", self.events)
        yield _counter("burnish_generator_tokens", "Tokens of the language model here.", "direction", self.tokens)
        yield self._versions()
        try:
            counts = self.store.census.count()
        except StoreError:
            yield _gauge("burnish_store_up", "Whether the store can be read.", 0)
            return
        yield _gauge("burnish_store_up", "Whether the store can be read.", 1)
        yield from _stored(counts)

    def _versions(self) -> Metric:
        found = GaugeMetricFamily(
            "burnish_version_info", "Adapter versions that answer.", labels=["task", "version", "stage"]
        )
        for task in Task:
            for one in _serving(self.registry, task):
                found.add_metric([task.value, one.name, one.stage.value], 1)
        return found


def _serving(registry: Registry, task: Task) -> list[AdapterVersion]:
    try:
        return [one for one in registry.versions(task) if one.stage in {Stage.ACTIVE, Stage.CANARY}]
    except AdapterError:  # a torn folder; the program tells of it where it is to serve
        return []


def _stored(counts: Counts) -> Iterator[Metric]:
    yield _gauge("burnish_store_bytes", "Size of the database.", counts.bytes)
    yield _gauge("burnish_documents", "Documents to answer from.", counts.documents)
    yield _gauge("burnish_chunks", "Chunks of those documents.", counts.chunks)
    yield _gauge("burnish_web_sessions", "Browsers that are known.", counts.sessions)
    yield _gauge("burnish_api_keys", "Keys to the API that are valid.", counts.keys)
    yield _gauge("burnish_corrections_waiting", "Corrections that wait for an admin.", counts.corrections)
    yield _gauge("burnish_handoffs_open", "Questions that people have not answered yet.", counts.handoffs)
    yield _gauge("burnish_undelivered_parts", "Parts of answers that are still to be sent.", counts.undelivered)
    pending = GaugeMetricFamily("burnish_pending_messages", "Stored messages without an answer.", labels=["platform"])
    for platform, number in counts.pending.items():
        pending.add_metric([platform], number)
    yield pending
    ended = {state.value: number for state, number in counts.runs.items() if state is not RunState.RUNNING}
    yield _counter("burnish_training_runs", "Training runs that ended.", "state", ended)
    yield _gauge("burnish_training_runs_running", "Training runs going on.", counts.runs[RunState.RUNNING])
    for name, at in (("ingest", counts.ingested_at), ("backup", counts.backed_up_at)):
        yield from _moment(f"burnish_last_{name}_timestamp_seconds", f"When the last {name} was done.", at)


def _moment(name: str, text: str, at: datetime | None) -> Iterator[Metric]:
    """Nothing where it never was: an age would be told from 1970 on."""
    if at is not None:
        yield _gauge(name, text, at.timestamp())


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _counter(name: str, text: str, label: str, numbers: Mapping[str, int]) -> Metric:
    found = CounterMetricFamily(name, text, labels=[label])
    for value, number in numbers.items():
        found.add_metric([value.replace(" ", "_")], number)
    return found
