"""Watches versions by the ratings that people give them: a canary beside what serves, and what was promoted.

A canary ends when its ratings tell it from what serves, or after so many days or ratings: it proved better on held-out
questions before, so then it is promoted unless it seems worse. A promoted version is watched further, against what
people said of the version before it and of all answers before it; it is rolled back where they fall.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from adapters.errors import MovedError
from adapters.registry import Registry
from adapters.types import AdapterVersion, Stage, Task, original
from bot.store.answers import Vote
from bot.store.store import Store
from bot.texts import FALLBACK, say
from training.sequential import (
    Evidence,
    Finding,
    SequentialConfig,
    Tally,
    TrialVote,
    counted,
    doubtful,
    record,
    trial,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchConfig:
    """How long versions are watched, and how sure a finding has to be."""

    share: float  # of the conversations that a canary gets, (0, 1)
    days: float = 14.0  # after which a canary ends at the latest
    ratings: int = 100  # that count, after which it ends at the latest
    watch_days: float = 30.0  # for which a promoted version is watched
    record_days: float = 60.0  # of ratings before the promotion that it is compared with
    most_in_record: int = 10  # votes of one person that count in a record
    test: SequentialConfig = field(default_factory=SequentialConfig)


class Act(StrEnum):
    """What became of a version; each has a sentence in the Fluent files (canary-ACT)."""

    WATCHED = "watched"  # nothing is decided yet
    BETTER = "better"  # promoted: people like it better
    KEPT = "kept"  # promoted: the time is up, and it is not worse
    WORSE = "worse"  # turned down: people like it less
    DOUBTED = "doubted"  # turned down: the time is up, and it seems worse
    SILENT = "silent"  # turned down: it never answered
    FALLEN = "fallen"  # rolled back after it was promoted


PROMOTED = frozenset({Act.BETTER, Act.KEPT})


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchVerdict:
    """What ratings say of a version, and what was done about it."""

    task: Task
    version: str
    serving: str  # name of what serves now; adapters.types.original where nothing was learned
    act: Act
    tried: Tally  # of the version
    beside: Tally  # of what it is compared with

    @property
    def acted(self) -> bool:
        """Whether something was changed, so that the admins are to be told."""
        return self.act is not Act.WATCHED

    def words(self, language: str) -> str:
        """What happened, with the numbers that it was decided by."""
        return say(
            f"canary-{self.act.value}",
            language,
            version=self.version,
            serving=say("canary-original", language) if self.serving == original(self.task) else self.serving,
            up=self.tried.up,
            total=self.tried.total,
            before=self.beside.up,
            of=self.beside.total,
        )


def watch(registry: Registry, store: Store, config: WatchConfig, now: datetime) -> tuple[WatchVerdict, ...]:
    """Look at every version that is being watched, and act where its ratings are clear; blocks.

    Call it in one process at a time.

    Args:
        registry: Its stages are changed.
        store: Has the ratings.
        config: How long, and how sure.
        now: Aware, UTC.

    Returns:
        One verdict for each version that is watched; those that ended something are `acted`.

    Raises:
        AdapterError: The registry cannot be read or changed.
    """
    return tuple(found for task in Task if (found := _watched(registry, store, task, config, now)) is not None)


def _watched(registry: Registry, store: Store, task: Task, config: WatchConfig, now: datetime) -> WatchVerdict | None:
    canary, active = registry.canary_of(task), registry.active(task)
    if canary is not None:
        verdict = _tried(store, canary, active, config, now)
    elif active is not None and _is_new(registry, active, config, now):
        verdict = _promoted(registry, store, active, config)
    else:
        return None
    return _carried_out(registry, verdict)


def _carried_out(registry: Registry, verdict: WatchVerdict) -> WatchVerdict:
    """Change the stage as a verdict says; what an admin did while the ratings were being read stays."""
    task, name = verdict.task, verdict.version
    try:
        if verdict.act in PROMOTED:
            return replace(verdict, serving=registry.promote(task, name, was=Stage.CANARY).name)
        if verdict.act is Act.FALLEN:
            registry.rollback(task, reason=verdict.words(FALLBACK), of=name)
        elif verdict.acted:
            registry.reject(task, name, verdict.words(FALLBACK), was=Stage.CANARY)
    except MovedError:
        return replace(verdict, act=Act.WATCHED)
    return verdict


# -- a canary


def _tried(
    store: Store, canary: AdapterVersion, active: AdapterVersion | None, config: WatchConfig, now: datetime
) -> WatchVerdict:
    since = canary.since or canary.created_at
    other = _name(canary.task, active)
    sides = ((canary.name, True), (other, False))
    votes = sorted(
        ((vote, tried) for name, tried in sides for vote in store.answers.votes(name, since=since)),
        key=lambda found: found[0].rated_at,
    )
    evidence = trial([_trial_vote(vote, tried=tried) for vote, tried in votes], share=config.share, config=config.test)
    act = _act_on(evidence, config, age=now - since)
    if act in {Act.KEPT, Act.DOUBTED} and not store.answers.count_by(canary.name, since=since):
        # nobody asked at all, or it cannot be loaded: nothing is known of it either way
        act = Act.SILENT if store.answers.count_by(other, since=since) else Act.WATCHED
    return _verdict(canary, other, act, evidence)


def _act_on(evidence: Evidence, config: WatchConfig, *, age: timedelta) -> Act:
    if evidence.finding is Finding.WORSE:
        return Act.WORSE
    if evidence.finding is Finding.BETTER:
        return Act.BETTER
    if age < timedelta(days=config.days) and evidence.tried.total + evidence.beside.total < config.ratings:
        return Act.WATCHED
    doubt = doubtful(evidence.tried, evidence.beside, config=config.test)
    return Act.DOUBTED if doubt >= config.test.doubt else Act.KEPT


# -- after a promotion


def _is_new(registry: Registry, active: AdapterVersion, config: WatchConfig, now: datetime) -> bool:
    """Whether a version is to be watched: one that was trained here, and lately put in the place of another.

    One that came back is not: it would be measured by what people say of the trouble before, and give way in turn.
    """
    if active.since is None or registry.came_back(active.task):
        return False
    trained = registry.lineage(active.task, active.name) is not None
    return trained and now - active.since < timedelta(days=config.watch_days)


def _promoted(registry: Registry, store: Store, active: AdapterVersion, config: WatchConfig) -> WatchVerdict:
    """Compare a promoted version with the one before it, and with all answers before it."""
    since = active.since or active.created_at
    earlier = since - timedelta(days=config.record_days)
    parent = next(iter(registry.served(active.task)), None)
    before = _name(active.task, parent)
    new = _tallied(store.answers.votes(active.name, since=since), config)
    # two looks at one thing share the chance of a false alarm
    test = replace(config.test, alpha=config.test.alpha / 2)
    records = [
        _tallied(store.answers.votes(name, since=earlier, until=since), config) for name in dict.fromkeys((before, ""))
    ]
    found = [record(new, one, config=test) for one in records]
    worst = max(found, key=lambda evidence: evidence.worse)
    act = Act.FALLEN if worst.finding is Finding.WORSE else Act.WATCHED
    return _verdict(active, before if act is Act.FALLEN else active.name, act, worst)


def _tallied(votes: Iterable[Vote], config: WatchConfig) -> Tally:
    newest_first = reversed(tuple(votes))
    kept = counted([_trial_vote(vote, tried=True) for vote in newest_first], most_per_rater=config.most_in_record)
    ups = sum(vote.up for vote in kept)
    return Tally(up=ups, down=len(kept) - ups)


def _verdict(version: AdapterVersion, serving: str, act: Act, evidence: Evidence) -> WatchVerdict:
    return WatchVerdict(
        task=version.task,
        version=version.name,
        serving=serving,
        act=act,
        tried=evidence.tried,
        beside=evidence.beside,
    )


def _trial_vote(vote: Vote, *, tried: bool) -> TrialVote:
    return TrialVote(tried=tried, up=vote.up, rater=vote.user_id, conversation=vote.conversation_id)


def _name(task: Task, version: AdapterVersion | None) -> str:
    return original(task) if version is None else version.name
