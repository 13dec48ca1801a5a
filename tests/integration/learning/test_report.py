"""What people are told of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.types import Stage, Task
from bot.learning.report import Reporter, outcome_text, outcomes, progress_text, report_buttons, report_text
from bot.learning.types import Cause, Phase, RunDetail, Sample, Step, TaskResult, Verdict, detail_text
from bot.store.crypto import Keyring
from bot.store.runs import Asker, Run
from bot.store.schema import RunState
from bot.store.store import Store
from bot.texts import languages, say
from bot.types import Correction, Role
from tests.learning_child import NUMBERS
from tests.stores import NOON, FakeClock, answered
from training.gate import Reason, ReasonCode

RUN = Run(
    id=7,
    tasks=(Task.GENERATOR,),
    cause=Cause.ASKED,
    asker=Asker(),
    state=RunState.DONE,
    detail="",
    started_at=NOON,
    ended_at=NOON + timedelta(seconds=210),
)
BETTER = TaskResult(
    task=Task.GENERATOR,
    verdict=Verdict.BETTER,
    examples=120,
    people=9,
    reasons=(Reason(code=ReasonCode.BETTER, values=NUMBERS),),
    samples=tuple(Sample(question=f"Q{n} <b>", before="I do not know.", after="Five days.") for n in range(5)),
    version="generator-3",
    stage=Stage.CANDIDATE,
)
FEW = TaskResult(task=Task.INTENT, verdict=Verdict.TOO_FEW, have=4, need=20)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(f"sqlite:///{tmp_path / 's.db'}", Keyring.generate(), clock=FakeClock()) as opened:
        opened.migrate()
        yield opened


@pytest.fixture
def reporter(store: Store) -> Reporter:
    """A store with an admin on each platform, and two users."""
    for platform, sender, role in (
        ("slack", "UADMIN", Role.ADMIN),
        ("telegram", "9", Role.OWNER),
        ("console", "root", Role.OWNER),
        ("slack", "UADA", Role.USER),
    ):
        store.people.set_role(store.people.meet(platform, sender, sender).id, role)
    return Reporter(store=store, platforms=("slack", "telegram"), language="auto")


def posts(store: Store) -> dict[tuple[str, str, bool], str]:
    """What waits, by platform, reader, and whether it is a picture."""
    return {
        (one.platform, one.body.person, bool(one.body.picture)): one.body.shown
        for platform in ("slack", "telegram", "console")
        for one in store.posts.pending(platform)
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_says_what_was_learned_from_how_many_the_gain_and_three_examples(language: str) -> None:
    text = report_text(RUN, RunDetail(results=(BETTER, FEW)), language)
    for shown in ("3.5", "120", "9", "+12.0", "+4.0", "+20.0", "31", "generator-3", "Five days.", "\\<b\\>", "16"):
        assert shown in text
    assert text.count("Five days.") == 3
    rows = report_buttons(RunDetail(results=(BETTER, FEW)), language)
    assert [[button.data for button in row] for row in rows] == [
        ["x:promote:generator-3", "x:versions:keep-old generator-3", "x:versions:show generator-3"]
    ]


@pytest.mark.parametrize("stage", list(Stage))
def test_the_buttons_fit_what_became_of_the_version(stage: Stage) -> None:
    [row] = report_buttons(RunDetail(results=(replace(BETTER, stage=stage),)), "en")
    expected = {
        Stage.CANDIDATE: ["x:promote:generator-3", "x:versions:keep-old generator-3"],
        Stage.CANARY: ["x:promote:generator-3", "x:versions:keep-old generator-3"],
        Stage.ACTIVE: ["x:rollback:generator"],
    }.get(stage, [])
    assert [button.data for button in row] == [*expected, "x:versions:show generator-3"]


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.INTERRUPTED])
def test_a_run_that_came_to_nothing_says_so_and_why(state: RunState) -> None:
    text = report_text(replace(RUN, state=state), RunDetail(sentence="The disk is full."), "en")
    assert text.startswith("**Training 7 ")
    assert ("The disk is full." in text) == (state is not RunState.CANCELLED)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_version_that_was_damaged_on_its_way_is_not_said_to_serve(language: str) -> None:
    text = report_text(RUN, RunDetail(results=(replace(BETTER, stage=None, unfit=True),)), language)
    assert say("run-unfit", language, version="generator-3") in text
    assert say("run-active", language, version="generator-3") not in text


def test_admins_hear_of_a_planned_run_whose_process_died(store: Store, reporter: Reporter) -> None:
    planned = replace(RUN, cause=Cause.SCHEDULE.value, asker=Asker(), state=RunState.INTERRUPTED)
    reporter.tell(planned, RunDetail(sentence="The program was stopped."))
    assert posts(store) == {}
    reporter.tell(planned, RunDetail(sentence="The training process ended.", died=True))
    assert {(platform, reader) for platform, reader, _ in posts(store)} == {("slack", "UADMIN"), ("telegram", "9")}


def test_progress_is_one_line_with_the_part_and_how_much_of_it_is_done() -> None:
    step = Step(task=Task.GENERATOR, phase=Phase.TRAIN, done=3, total=8)
    assert progress_text(7, step, "en") == "Training 7 · generator: learning, 37 %"
    for phase in Phase:
        for language in ("en", "zh"):
            assert "7" in progress_text(7, replace(step, phase=phase), language)
    assert progress_text(7, None, "en") == progress_text(7, replace(step, phase=Phase.LOAD), "en")


def test_every_admin_gets_the_report_and_its_picture_once_in_their_own_language(
    store: Store, reporter: Reporter
) -> None:
    admin = store.people.by_platform("slack", "UADMIN")
    assert admin is not None
    store.people.set_language(admin.id, "zh")
    detail = RunDetail(results=(replace(BETTER, picture="/x.png"),))
    for _ in range(2):
        reporter.tell(RUN, detail)
    waiting = posts(store)
    assert sorted(waiting) == [
        ("slack", "UADMIN", False),
        ("slack", "UADMIN", True),
        ("telegram", "9", False),
        ("telegram", "9", True),
    ]
    assert "训练" in waiting["slack", "UADMIN", False]
    assert "is done" in waiting["telegram", "9", False]


def test_what_concerns_only_whoever_asked_goes_to_them_alone_and_a_plan_that_found_nothing_is_silent(
    store: Store, reporter: Reporter
) -> None:
    admin = store.people.by_platform("slack", "UADMIN")
    assert admin is not None
    asked = replace(RUN, asker=Asker(user_id=admin.id, platform="slack"))
    reporter.tell(asked, RunDetail(results=(FEW,)))
    assert list(posts(store)) == [("slack", "UADMIN", False)]
    reporter.tell(replace(RUN, id=8, cause=Cause.SCHEDULE), RunDetail(results=(FEW,)))
    assert len(posts(store)) == 1
    reporter.tell(replace(RUN, id=9, cause=Cause.SCHEDULE, state=RunState.FAILED), RunDetail(sentence="No disk."))
    assert len([one for one in store.posts.pending("telegram") if "No disk." in one.body.text]) == 1


def test_whoever_gave_a_right_answer_is_told_once_that_it_is_live(store: Store, reporter: Reporter) -> None:
    ada = store.people.by_platform("slack", "UADA")
    assert ada is not None
    ids = [
        store.ratings.correct(Correction(answer_id=answered(store, text).id, user_id=ada.id, text="Three days."))
        for text in ("How long?", "How much?", "Who?")
    ]
    assert reporter.thank(NOON) == 0
    store.ratings.decide(ids[0], approved=True)
    store.ratings.decide(ids[1], approved=False)
    for _ in range(2):
        assert reporter.thank(NOON) == 1
    assert posts(store) == {
        (
            "slack",
            "UADA",
            False,
        ): "Thank you: your answer to “How long?” was approved and is live. Whoever asks gets it from now on."
    }
    assert reporter.thank(NOON + timedelta(minutes=1)) == 0


@pytest.mark.parametrize("end", ["sent", "given up", "somebody forgotten"])
def test_no_question_of_anybody_is_left_in_a_report_that_was_sent_or_when_somebody_is_forgotten(
    store: Store, reporter: Reporter, end: str
) -> None:
    reporter.tell(RUN, RunDetail(results=(BETTER,)))
    [report] = store.posts.pending("telegram")
    assert "Q1" in report.body.shown
    if end == "sent":
        store.posts.delivered(report.id, "55")
    elif end == "given up":
        store.posts.abandon(report.id)
    else:
        ada = store.people.by_platform("slack", "UADA")
        assert ada is not None
        store.people.forget(ada.id)
    left = store.posts.get(report.id)
    assert left is not None
    assert "Q1" not in left.body.shown
    assert "generator-3" in left.body.shown
    assert left.body.buttons == report.body.buttons
    assert left.waits == (end == "somebody forgotten"), "what it says without them is still said"


def test_a_word_of_thanks_that_quotes_somebody_forgotten_is_given_up(store: Store, reporter: Reporter) -> None:
    asked = answered(store, "How long?")
    ada = store.people.by_platform("slack", "UADA")
    assert ada is not None
    store.ratings.decide(
        store.ratings.correct(Correction(answer_id=asked.id, user_id=ada.id, text="Three days.")), approved=True
    )
    reporter.thank(NOON)
    [post] = store.posts.pending("slack")
    bob = store.people.meet("slack", "UBOB", "Bob")
    store.people.forget(bob.id)
    left = store.posts.get(post.id)
    assert left is not None
    assert (left.body.shown, left.waits) == ("", False)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_run_that_found_nothing_to_change_says_so(language: str) -> None:
    nothing = TaskResult(task=Task.RETRIEVAL, verdict=Verdict.NOTHING, examples=42)
    text = report_text(RUN, RunDetail(results=(nothing,)), language)
    assert "42" in text
    named = say("task-named", language, task="retrieval", gloss=say("task-gloss-retrieval", language))
    assert say("run-nothing", language, task=named, examples=42) in text
    assert report_buttons(RunDetail(results=(nothing,)), language) == ()


@pytest.mark.parametrize("language", languages())
def test_what_came_of_each_part_of_a_run_is_said_in_a_few_words(language: str) -> None:
    results = (BETTER, FEW, replace(BETTER, task=Task.RETRIEVAL, version="", stage=None, verdict=Verdict.NOTHING))
    done = replace(RUN, state=RunState.DONE, detail=detail_text(RunDetail(results=results)))
    said = outcomes(done, language)
    assert len(said) == 3
    assert BETTER.version in said[0]
    stopped = replace(RUN, state=RunState.FAILED, detail=detail_text(RunDetail(sentence="No disk.")))
    assert outcomes(stopped, language) == ("No disk.",)
    assert outcomes(replace(RUN, state=RunState.RUNNING, detail=""), language) == ()


@pytest.mark.parametrize("language", languages())
def test_a_report_says_what_serves_in_the_place_of_what_had_to_go(language: str) -> None:
    gone = replace(FEW, must_go=True, instead="intent-1")
    done = replace(RUN, state=RunState.DONE)
    assert say("run-went", language, version="intent-1") in outcome_text(done, RunDetail(results=(gone,)), language)
    first = RunDetail(results=(replace(gone, instead=""),))
    assert say("run-went-first", language) in outcome_text(done, first, language)
    failed = RunDetail(results=(gone,), sentence="No disk.")
    assert say("run-went", language, version="intent-1") in outcome_text(
        replace(RUN, state=RunState.FAILED), failed, language
    )
    replaced = replace(BETTER, must_go=True, stage=Stage.ACTIVE)
    text = outcome_text(done, RunDetail(results=(replaced,)), language)
    assert say("run-replaces", language, version=BETTER.version) in text
    [row] = report_buttons(RunDetail(results=(replaced,)), language)
    assert len(row) == 1, "there is no way back"
