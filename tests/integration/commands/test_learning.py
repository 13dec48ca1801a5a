"""The commands about learning, over a real loop and a real registry; training itself is scripted."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from dataclasses import replace

import pytest

from adapters.generator.shipped import FOLDER
from adapters.registry import Lineage
from adapters.types import Stage, Task
from bot.commands.registry import menu, parse
from bot.learning.types import Job, Phase, Sample, Step, TaskResult, Verdict
from bot.store.schema import RunState
from bot.texts import say
from bot.types import Answer, Origin, Place, Role
from tests.integration.commands.office import Office, data
from training.gate import Reason, ReasonCode

LINEAGE = Lineage(
    ratings=("1:2", "3:4"), examples_digest="d", parent="generator-1", base="b", code="0.1.0", seed=0, run=1
)
NAMES = ("retrain", "versions", "promote", "rollback", "schedule", "pause", "resume")


async def admin(office: Office, text: str, place: Place = Place.DIRECT) -> Answer:
    return await office.say(text, role=Role.ADMIN, place=place)


async def ended(office: Office) -> RunState:
    """The run's end."""
    async with asyncio.timeout(20):
        [last] = office.store.runs.recent(1)
        found = await office.loop.wait(last.id)
    assert found is not None
    return found[0].state


@pytest.fixture
def trained(office: Office) -> Office:
    """An office with the shipped version serving and a trained candidate."""
    office.registry.promote(Task.GENERATOR, office.registry.add_candidate(Task.GENERATOR, FOLDER).name)
    report = {"gain": {"value": 0.1234}, "suite": 40, "samples": ["What Ada asked"]}
    office.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=LINEAGE, report=report)
    return office


def test_the_commands_are_offered_to_admins_and_to_nobody_below() -> None:
    for language in ("en", "zh"):
        assert set(NAMES) <= {name for name, _ in menu(language, Role.ADMIN)}
        assert not set(NAMES) & {name for name, _ in menu(language, Role.TRAINER)}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("retrain generator dry-run", ("retrain", "generator dry-run")),
        ("retrain cancel", ("retrain", "cancel")),
        ("retrain", None),
        ("Pause", None),
        ("resume", None),
        ("/pause", ("pause", "")),
        ("promote generator-3", ("promote", "generator-3")),
        ("versions diff intent-1 intent-2", ("versions", "diff intent-1 intent-2")),
        ("schedule weekly sun 03:00", ("schedule", "weekly sun 03:00")),
        ("rollback retrieval", ("rollback", "retrieval")),
        ("schedule a call with sales?", None),
        ("promote our newsletter", None),
        ("retrain the staff on refunds", None),
        ("versions of the mobile app", None),
    ],
)
def test_only_what_clearly_is_one_counts_where_nothing_marks_it(text: str, read: tuple[str, str] | None) -> None:
    assert parse(text, explicit=False) == read


async def test_a_run_is_asked_for_shown_and_audited(office: Office) -> None:
    office.held = asyncio.Event()
    said = await admin(office, "/retrain generator intent")
    assert "Training 1 has begun: intent, generator." in said.text
    assert "`/burnish retrain cancel`" in said.text
    [followed] = office.followed
    assert followed.message.text == "generator intent"
    again = await admin(office, "/retrain")
    assert again.text == say("retrain-running", "en", cancel="`/burnish retrain cancel`")
    assert "Training 1 is going on." in (await admin(office, "/status")).text
    office.held.set()
    assert await ended(office) is RunState.DONE
    run = office.store.runs.get(1)
    assert run is not None
    assert run.asker.user_id == office.person_id(Role.ADMIN)
    assert ("slack:U3", "retrain", "slack:D1", "run 1: intent generator") in office.audit()


async def test_a_run_is_cancelled_from_the_same_chat(office: Office) -> None:
    assert (await admin(office, "/retrain cancel")).text == say("retrain-nothing-to-cancel", "en")
    office.held = asyncio.Event()
    await admin(office, "/retrain")
    assert (await admin(office, "/retrain cancel")).text == say("retrain-cancelling", "en", run="1")
    assert await ended(office) is RunState.CANCELLED


@pytest.mark.parametrize("name", ["retrain", "pause", "resume"])
def test_what_acts_at_once_by_its_bare_name_is_a_command_where_the_bot_is_named(name: str) -> None:
    assert parse(name, explicit=False) is None
    assert parse(name, explicit=False, named=True) == (name, "")


@pytest.mark.parametrize(("place", "in_detail"), [(Place.DIRECT, True), (Place.GROUP, False), (Place.THREAD, False)])
async def test_a_preview_names_people_only_to_an_admin_alone(office: Office, place: Place, *, in_detail: bool) -> None:
    assert (await admin(office, "/retrain dry-run", place)).text == f"preview en {in_detail} 3"
    assert (await admin(office, "/retrain all dry run", place)).text == f"preview en {in_detail} 3"
    assert (await admin(office, "/retrain generator dry-run", place)).text == f"preview en {in_detail} 1"
    assert (await admin(office, "/retrain everything dry-run", place)).text.startswith("Like this:")
    assert office.store.runs.recent(1) == ()


@pytest.mark.parametrize("text", ["/retrain everything now", "/versions show", "/promote"])
async def test_what_is_not_understood_is_answered_with_how_it_is_given(office: Office, text: str) -> None:
    assert (await admin(office, text)).text.startswith("Like this:")
    assert office.store.runs.recent(1) == ()


async def test_at_the_terminal_one_sees_the_progress_and_gets_the_report(office: Office) -> None:
    def results(job: Job) -> tuple[TaskResult, ...]:
        sample = Sample(question="How long?", before="I do not know.", after="Five days.")
        reason = Reason(code=ReasonCode.NOTHING)
        done = TaskResult(task=Task.INTENT, verdict=Verdict.BETTER, examples=9, samples=(sample,), reasons=(reason,))
        few = TaskResult(task=Task.GENERATOR, verdict=Verdict.TOO_FEW, have=3, need=20)
        return (done, few) if len(job.tasks) > 1 else (done,)

    office.results = results
    office.steps = [Step(task=Task.INTENT, phase=Phase.TRAIN, done=one, total=2) for one in (1, 2)]
    told: list[str] = []
    stored = office.accept("/retrain", role=Role.OWNER)
    local = replace(stored, message=replace(stored.message, platform="console"))
    said = await office.commands(local, told.append)
    assert "17 are missing" in said.text
    assert "Five days." in said.text
    assert "intent: learning, 50 %" in told[-1]
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(told))
    assert office.followed == []


async def test_versions_are_listed_shown_and_compared_without_anybodys_words(trained: Office) -> None:
    listed = (await admin(trained, "/versions")).text
    assert "generator-1 · serves" in listed
    assert "generator-2 · candidate" in listed
    shown = await admin(trained, "/versions show generator-2")
    assert "Learned from 2 ratings, on top of generator-1, in training 1" in shown.text
    assert "gain.value: 0.1234" in shown.text
    assert "Ada" not in shown.text
    assert data(shown) == ["x:promote:generator-2", "x:versions:keep-old generator-2"]
    assert say("version-came-along", "en") in (await admin(trained, "/versions show generator-1")).text
    compared = (await admin(trained, "/versions diff generator-1 generator-2")).text
    assert "parent: - → generator-1" in compared
    for text in ("/versions show generator-9", "/versions show nonsense", "/versions keep-old generator-9"):
        assert (await admin(trained, text)).text == say("version-unknown", "en", versions="`/burnish versions`")


async def test_what_serves_everybody_is_not_turned_down_but_gone_back_from(trained: Office) -> None:
    said = await admin(trained, "/versions keep-old generator-1")
    assert said.text == say("kept-old-serves", "en", version="generator-1")
    assert data(said) == ["x:rollback:generator"]
    active = trained.registry.active(Task.GENERATOR)
    assert active is not None
    assert active.name == "generator-1"


async def test_a_version_that_is_damaged_is_said_to_be_so(trained: Office) -> None:
    (trained.registry.version(Task.GENERATOR, "generator-2").folder / "adapter_model.safetensors").write_bytes(b"torn")
    said = await admin(trained, "/promote generator-2")
    assert said.text == say("version-unfit", "en", version="generator-2", versions="`/burnish versions`")
    active = trained.registry.active(Task.GENERATOR)
    assert active is not None
    assert active.name == "generator-1"


async def test_one_goes_back_from_a_version_of_which_nothing_is_left(trained: Office) -> None:
    await admin(trained, "/promote generator-2")
    shutil.rmtree(trained.registry.version(Task.GENERATOR, "generator-2").folder)
    assert (await admin(trained, "/rollback generator")).text == say("rolled-back", "en", version="generator-1")


async def test_one_goes_back_to_what_came_along_from_a_first_version_of_which_nothing_is_left(trained: Office) -> None:
    first = trained.registry.add_candidate(Task.RETRIEVAL, FOLDER, lineage=LINEAGE)
    await admin(trained, f"/promote {first.name}")
    shutil.rmtree(first.folder)
    assert (await admin(trained, "/rollback retrieval")).text == say("rolled-back-to-first", "en")


async def test_a_version_is_promoted_rolled_back_and_turned_down(trained: Office) -> None:
    said = await admin(trained, "/promote Generator-2")
    assert said.text == say("promoted", "en", version="generator-2")
    assert data(said) == ["x:rollback:generator"]
    assert (await admin(trained, "/promote generator-2")).text == say("promoted-before", "en", version="generator-2")
    assert (await admin(trained, "/rollback")).text == say("rolled-back", "en", version="generator-1")
    trained.registry.add_candidate(Task.GENERATOR, FOLDER, lineage=LINEAGE)
    assert (await admin(trained, "/versions keep-old generator-3")).text == say("kept-old", "en", version="generator-3")
    stages = {one.name: one.stage for one in trained.registry.versions(Task.GENERATOR)}
    assert stages == {
        "generator-1": Stage.ACTIVE,
        "generator-2": Stage.RETIRED,
        "generator-3": Stage.REJECTED,
    }
    assert [(what, detail) for _, what, _, detail in trained.audit()][2:] == [
        ("rollback", "roll back to generator-1"),
        ("versions", "turn generator-3 down"),
    ]


async def test_a_rollback_asks_which_part_where_there_are_several_and_says_where_there_is_none(
    trained: Office,
) -> None:
    assert (await admin(trained, "/rollback intent")).text == say("rollback-nothing", "en")
    assert (await admin(trained, "/rollback")).text == say("rollback-nothing", "en")
    await admin(trained, "/promote generator-2")
    trained.registry.promote(
        Task.RETRIEVAL, trained.registry.add_candidate(Task.RETRIEVAL, FOLDER, lineage=LINEAGE).name
    )
    asked = await admin(trained, "/rollback")
    assert data(asked) == ["x:rollback:retrieval", "x:rollback:generator"]
    back = await admin(trained, "/rollback retrieval")
    assert back.text == say("rolled-back-to-first", "en")


async def test_the_plan_is_shown_and_set(office: Office) -> None:
    assert (await admin(office, "/schedule")).text == "Training begins by itself: weekly sun 03:00 (UTC)."
    counted = "From now on: after 50 ratings, of those that can be learned from."
    assert (await admin(office, "/schedule after 50")).text == counted
    shown = (await admin(office, "/schedule show")).text
    assert "after 50 ratings" in shown
    assert "UTC" not in shown, "a count has no time zone"
    assert (await admin(office, "/schedule off")).text == say("schedule-off", "en")


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("daily 25:00", "“25:00” is no time of the day: it goes from 00:00 to 23:59."),
        ("weekly sonntag 03:00", "“sonntag” is no day: they are mon, tue, wed, thu, fri, sat and sun."),
        ("after 0 ratings", "“0” is no number of ratings: it goes from 1 to 100,000."),
        ("sometimes", "“sometimes” is no plan."),
    ],
)
async def test_a_bad_plan_is_answered_with_what_is_wrong_and_how_it_is_given(
    office: Office, plan: str, why: str
) -> None:
    said = await admin(office, f"/schedule {plan}")
    assert said.text.startswith(f"{why} Like this: ")
    assert office.audit()[-1][1:4:2] == ("refused: schedule", "no plan")
    assert "weekly sun 03:00" in (await admin(office, "/schedule")).text


async def test_what_came_to_nothing_stands_in_the_audit_log_as_refused(trained: Office) -> None:
    await admin(trained, "/promote generator-9")
    await admin(trained, "/promote generator-1")
    await admin(trained, "/rollback intent")
    await admin(trained, "/versions keep-old generator-2")
    again = await admin(trained, "/versions keep-old generator-2")
    assert again.text == say("kept-old-before", "en", version="generator-2")
    assert [(what, detail) for _, what, _, detail in trained.audit()] == [
        ("refused: promote", "no such version"),
        ("refused: promote", "generator-1 serves"),
        ("refused: rollback", "there is no version before"),
        ("versions", "turn generator-2 down"),
        ("refused: versions", "generator-2 waits for nothing"),
    ]


async def test_a_version_that_learned_from_somebody_who_is_forgotten_is_not_let_serve(trained: Office) -> None:
    trained.registry.mark_stale(LINEAGE.ratings)
    said = await admin(trained, "/promote generator-2")
    assert said.text == say("version-forgotten", "en", version="generator-2", versions="`/burnish versions`")


async def test_a_pause_keeps_runs_from_beginning_until_it_is_over(office: Office) -> None:
    await admin(office, "/pause")
    assert (await admin(office, "/retrain")).text == say("retrain-paused", "en", resume="`/burnish resume`")
    assert say("schedule-paused", "en", resume="`/burnish resume`") in (await admin(office, "/schedule")).text
    await admin(office, "/resume")
    assert "has begun" in (await admin(office, "/retrain")).text


async def test_whoever_is_no_admin_starts_nothing(office: Office) -> None:
    said = await office.say("", role=Role.TRAINER, origin=Origin(command="retrain"))
    assert said.text == say("not-allowed", "en", role=say("role-admin", "en"))
    assert office.store.runs.recent(1) == ()
