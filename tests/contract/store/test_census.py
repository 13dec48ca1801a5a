"""A store counts what it holds, on both databases alike."""

from __future__ import annotations

from pathlib import Path

from adapters.types import Task
from bot.store.backup import backup
from bot.store.runs import Asker
from bot.store.schema import RunState
from bot.store.store import Store
from bot.types import Correction, Scope
from tests.stores import FakeClock, accepted, answered, chunks, document, vectors


def test_an_empty_store_holds_nothing_and_has_a_size(store: Store) -> None:
    counts = store.census.count()
    assert (counts.documents, counts.chunks, counts.ingested_at, counts.backed_up_at) == (0, 0, None, None)
    assert (counts.undelivered, counts.corrections, counts.handoffs, counts.sessions, counts.keys) == (0, 0, 0, 0, 0)
    assert counts.pending == {}
    assert set(counts.runs.values()) == {0}
    assert counts.bytes > 10_000


def test_what_is_there_is_counted(store: Store, clock: FakeClock) -> None:
    store.knowledge.replace_document(document(), chunks("One.", "Two."), vectors(2), encoder="fake")
    waiting = accepted(store)
    answer = answered(store)
    person = store.people.meet("web", "ada")
    store.ratings.correct(Correction(answer_id=answer.id, user_id=person.id, text="Seven days."))
    run = store.runs.begin([Task.INTENT], cause="asked", asker=Asker())
    store.runs.finish(run.id, RunState.FAILED, "")
    store.sessions.begin(person.id, logged_in=True, days=1)
    key, _ = store.api_keys.issue("prometheus", [Scope.METRICS])
    counts = store.census.count()
    assert (counts.documents, counts.chunks, counts.ingested_at) == (1, 2, clock.now)
    assert counts.pending == {waiting.message.platform: 1}
    assert (counts.corrections, counts.sessions, counts.keys) == (1, 1, 1)
    assert (counts.runs[RunState.FAILED], counts.runs[RunState.DONE]) == (1, 0)
    store.api_keys.revoke(key.id)
    clock.move(minutes=24 * 60)
    counts = store.census.count()
    assert (counts.sessions, counts.keys) == (0, 0)


def test_a_backup_is_noted_once_it_is_complete(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    clock.move(minutes=5)
    backup(store, tmp_path / "kept", clock=clock)
    assert store.census.count().backed_up_at == clock.now
