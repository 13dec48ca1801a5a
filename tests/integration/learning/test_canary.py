"""Versions that are watched by people's ratings: over a real store and a real registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.layout import seal_adapter
from adapters.registry import Lineage, Registry
from adapters.types import AdapterVersion, Stage, Task, original
from bot.learning.canary import Act, WatchConfig, WatchVerdict, watch
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.texts import languages
from bot.types import Rating, RatingValue
from tests.stores import FakeClock, accepted, answer

CONFIG = WatchConfig(share=0.5)
LINEAGE = Lineage(ratings=(), examples_digest="", parent="", base="b", code="", seed=0)


class Team:
    """A bot with versions of its topics, and people who rate."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}", Keyring.generate(), clock=self.clock)
        self.store.migrate()
        self.versions = folder / "versions"
        self.registry = Registry(self.versions, clock=self.clock)
        self._source = folder / "source"
        self._source.mkdir()
        (self._source / "weights.bin").write_text("w")
        seal_adapter(self._source, source="run", base="b", created_at=datetime(2026, 11, 24, tzinfo=UTC))
        self._people = [self.store.people.meet("slack", f"P{number}").id for number in range(40)]
        self._asked = 0

    def add(self, *, trained: bool = True) -> str:
        return self.registry.add_candidate(Task.INTENT, self._source, lineage=LINEAGE if trained else None).name

    def rated(self, version: str, ups: int, downs: int, *, by: int | None = None) -> None:
        """Ratings of answers by a version, each in a conversation of its own; by everybody in turn, or by one."""
        for number in range(ups + downs):
            # spread evenly, as they would come
            up = (number + 1) * ups // (ups + downs) > number * ups // (ups + downs)
            answer_id = self.answered(version)
            person = self._people[self._asked % len(self._people) if by is None else by]
            value = RatingValue.UP if up else RatingValue.DOWN
            self.store.ratings.rate(Rating(answer_id=answer_id, user_id=person, value=value))

    def answered(self, version: str) -> int:
        self._asked += 1
        self.clock.move(minutes=1)
        given = answer()
        versions = {"encoder": "e", "intent": "few-shot" if version == original(Task.INTENT) else version}
        stored = accepted(self.store, channel=f"C{self._asked}")
        named = replace(given, trace=replace(given.trace, versions=versions))
        return self.store.answers.add(stored.id, named).id

    def both(self, canary: tuple[int, int], active: tuple[int, int]) -> None:
        """Ratings of a canary and of what serves, mixed in time."""
        for part in range(10):
            for name, (ups, downs) in (("intent-2", canary), ("intent-1", active)):
                of_part = [count * (part + 1) // 10 - count * part // 10 for count in (ups, downs)]
                self.rated(name, *of_part)

    def watch(self, config: WatchConfig = CONFIG) -> WatchVerdict:
        [verdict] = watch(self.registry, self.store, config, self.clock())
        for language in languages():
            words = verdict.words(language)
            assert verdict.version in words
            if verdict.tried.total:
                assert f"{verdict.tried.up}" in words
        return verdict

    def stages(self) -> dict[str, str]:
        return {version.name: version.stage.value for version in self.registry.versions(Task.INTENT)}

    def pass_days(self, days: float) -> None:
        self.clock.move(minutes=days * 24 * 60)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    made = Team(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def trying(team: Team) -> Team:
    """A canary beside a version that has served for a while."""
    team.registry.promote(Task.INTENT, team.add())
    team.pass_days(90)
    team.registry.canary(Task.INTENT, team.add())
    return team


def test_nothing_is_watched_where_nothing_was_learned(team: Team) -> None:
    assert watch(team.registry, team.store, CONFIG, team.clock()) == ()
    team.registry.promote(Task.INTENT, team.add(trained=False))  # it came with the program
    assert watch(team.registry, team.store, CONFIG, team.clock()) == ()


def test_a_canary_that_people_like_less_is_turned_down_and_the_reason_kept(trying: Team) -> None:
    trying.both((10, 25), (28, 7))
    verdict = trying.watch()
    assert (verdict.act, verdict.version, verdict.serving) == (Act.WORSE, "intent-2", "intent-1")
    assert verdict.acted
    assert trying.stages() == {"intent-1": "active", "intent-2": "rejected"}
    assert trying.registry.version(Task.INTENT, "intent-2").reason == (
        "intent-2 is turned down, and intent-1 serves everybody again. In its trial only 10 of 35 ratings were 👍, "
        "against 28 of 35 with intent-1: people like it less."
    )


def test_a_canary_that_people_like_better_is_promoted(trying: Team) -> None:
    trying.both((33, 2), (14, 21))
    verdict = trying.watch()
    assert (verdict.act, verdict.serving) == (Act.BETTER, "intent-2")
    assert trying.stages() == {"intent-1": "retired", "intent-2": "active"}


def test_a_few_ratings_decide_nothing(trying: Team) -> None:
    trying.both((3, 5), (6, 2))
    verdict = trying.watch()
    assert (verdict.act, verdict.acted) == (Act.WATCHED, False)
    assert (verdict.tried.total, verdict.beside.total) == (8, 8)
    assert trying.stages() == {"intent-1": "active", "intent-2": "canary"}


def test_when_the_time_is_up_a_canary_that_is_not_worse_is_promoted(trying: Team) -> None:
    trying.both((7, 3), (7, 3))
    assert trying.watch().act is Act.WATCHED
    trying.pass_days(14)
    assert trying.watch().act is Act.KEPT
    assert trying.stages()["intent-2"] == "active"


def test_after_enough_ratings_without_a_difference_it_is_promoted_before_its_time(trying: Team) -> None:
    trying.both((35, 15), (35, 15))
    assert trying.watch().act is Act.KEPT


def test_when_the_time_is_up_a_canary_that_seems_worse_is_turned_down(trying: Team) -> None:
    trying.both((6, 9), (11, 4))
    trying.pass_days(14)
    assert trying.watch().act is Act.DOUBTED
    assert trying.stages() == {"intent-1": "active", "intent-2": "rejected"}


def test_a_canary_that_nobody_rated_is_promoted_on_what_the_gate_showed(trying: Team) -> None:
    trying.answered("intent-2")
    trying.pass_days(14)
    verdict = trying.watch()
    assert verdict.act is Act.KEPT
    assert "Nobody rated it" in verdict.words("en")


def test_a_canary_that_answered_nothing_while_the_other_did_is_turned_down(trying: Team) -> None:
    trying.answered("intent-1")
    trying.pass_days(14)
    assert trying.watch().act is Act.SILENT
    assert trying.stages()["intent-2"] == "rejected"


def test_while_nobody_asks_anything_nothing_is_decided(trying: Team) -> None:
    trying.pass_days(60)
    assert trying.watch().act is Act.WATCHED


def test_one_person_cannot_turn_a_canary_down(trying: Team) -> None:
    trying.both((7, 3), (7, 3))
    trying.rated("intent-2", 0, 60, by=0)
    assert trying.watch().act is not Act.WORSE


def test_ratings_from_before_the_canary_do_not_count(trying: Team) -> None:
    trying.registry.promote(Task.INTENT, "intent-1")
    trying.rated("intent-2", 0, 30)
    trying.clock.move(minutes=1)
    trying.registry.canary(Task.INTENT, "intent-2")
    assert trying.watch().tried.total == 0


def test_the_first_version_is_compared_with_what_the_program_came_with(team: Team) -> None:
    team.registry.canary(Task.INTENT, team.add())
    for _ in range(10):
        team.rated("intent-1", 0, 3)
        team.rated(original(Task.INTENT), 3, 0)
    verdict = team.watch()
    assert (verdict.act, verdict.serving) == (Act.WORSE, "intent-0")
    assert "what came with me serves everybody again" in verdict.words("en")


def test_a_poisoned_version_is_rolled_back_after_its_promotion(team: Team) -> None:
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-1", 60, 20)
    team.pass_days(1)
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-2", 3, 4)
    assert team.watch().act is Act.WATCHED
    team.rated("intent-2", 4, 28)
    verdict = team.watch()
    assert (verdict.act, verdict.version, verdict.serving) == (Act.FALLEN, "intent-2", "intent-1")
    assert team.stages() == {"intent-1": "active", "intent-2": "rejected"}
    assert verdict.words("en").startswith("intent-2 is rolled back, and intent-1 serves again.")
    assert "7 of 39" in verdict.words("en")
    # what came back is not measured by the trouble, and does not give way in turn
    team.rated("intent-1", 5, 40)
    assert watch(team.registry, team.store, CONFIG, team.clock()) == ()


def test_a_first_version_that_people_like_less_gives_way_to_what_came_with_the_program(team: Team) -> None:
    team.rated(original(Task.INTENT), 60, 20)
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-1", 5, 35)
    assert team.watch().act is Act.FALLEN
    assert team.registry.active(Task.INTENT) is None
    assert team.registry.version(Task.INTENT, "intent-1").stage is Stage.REJECTED


def test_a_promoted_version_that_people_like_as_much_is_watched_until_its_time_is_up(team: Team) -> None:
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-1", 60, 20)
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-2", 60, 20)
    assert team.watch().act is Act.WATCHED
    team.pass_days(31)
    assert watch(team.registry, team.store, CONFIG, team.clock()) == ()


def test_a_team_without_ratings_before_is_measured_by_nothing(team: Team) -> None:
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-1", 0, 10)
    assert team.watch().act is Act.WATCHED


def test_a_version_is_measured_by_the_weeks_before_it(team: Team) -> None:
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-1", 80, 0)
    team.pass_days(100)
    team.rated("intent-1", 10, 30)
    team.clock.move(minutes=1)
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-2", 10, 30)
    verdict = team.watch()
    assert verdict.act is Act.WATCHED
    assert verdict.beside.total == 40


def test_every_task_that_is_watched_has_its_verdict(trying: Team) -> None:
    registry = trying.registry
    registry.canary(Task.RETRIEVAL, registry.add_candidate(Task.RETRIEVAL, trying._source, lineage=LINEAGE).name)
    found = watch(registry, trying.store, CONFIG, trying.clock() + timedelta(days=1))
    assert [verdict.version for verdict in found] == ["intent-2", "retrieval-1"]


class Hasty(Registry):
    """One in which an admin lets the newest version serve just when somebody else has read how things are."""

    def served(self, task: Task) -> tuple[AdapterVersion, ...]:
        found = super().served(task)
        self.promote(task, self.versions(task)[-1].name)
        return found

    def active(self, task: Task) -> AdapterVersion | None:
        found = super().active(task)
        if self.canary_of(task) is not None:
            self.promote(task, self.versions(task)[-1].name)
        return found


def test_what_an_admin_promoted_while_the_ratings_were_being_read_is_not_rolled_back(team: Team) -> None:
    team.registry.promote(Task.INTENT, team.add())
    team.rated("intent-1", 28, 2)
    team.pass_days(30)
    team.registry.promote(Task.INTENT, team.add())
    team.add()
    team.rated("intent-2", 3, 27)
    [verdict] = watch(Hasty(team.versions, clock=team.clock), team.store, CONFIG, team.clock())
    assert (verdict.version, verdict.act) == ("intent-2", Act.WATCHED), "nobody is told of what did not happen"
    assert team.stages() == {"intent-1": "retired", "intent-2": "retired", "intent-3": "active"}


@pytest.mark.parametrize(("canary", "active"), [((10, 25), (28, 7)), ((28, 7), (10, 25))])
def test_a_canary_that_an_admin_let_serve_or_replaced_meanwhile_is_left_to_them(
    trying: Team, canary: tuple[int, int], active: tuple[int, int]
) -> None:
    trying.add()
    trying.both(canary, active)
    [verdict] = watch(Hasty(trying.versions, clock=trying.clock), trying.store, CONFIG, trying.clock())
    assert verdict.act is Act.WATCHED
    assert trying.stages() == {"intent-1": "retired", "intent-2": "candidate", "intent-3": "active"}
