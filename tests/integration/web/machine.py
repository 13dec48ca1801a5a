"""What the dashboard's pages about the machine are tested with: versions with reports, runs, people, an audit log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from adapters.layout import seal_adapter
from adapters.registry import Lineage
from adapters.types import Stage, Task
from bot.learning.types import RunDetail, Sample, TaskResult, Verdict, detail_text
from bot.store.runs import Asker
from bot.store.schema import RunState
from bot.types import Rating, RatingValue, Role
from tests.integration.web.site import Site
from training.gate import decide
from training.paired import CaseKind, Held, Measured, Pair, PairedReport
from training.report import as_json, make_report

QUESTION = "How long does a refund take?"


def report(against: str, *, gain: float = 0.1, questions: int = 40) -> dict[str, Any]:
    """A report as the training process makes it, of a candidate that gains so much on every second question."""
    rng = np.random.default_rng(7)
    pairs = tuple(
        Pair(
            question=f"{QUESTION} {number}",
            before=Measured(answer="Soon.", utility=0.5, grounded=0.8, right_passage=number % 3 > 0, characters=5),
            after=Measured(
                answer="Five days.",
                utility=float(np.clip(0.5 + 2 * gain * (number % 2) + rng.normal(0, 0.05), 0, 1)),
                grounded=0.9,
                right_passage=number % 4 > 0,
                characters=10,
            ),
            raters=(str(number % 6),),
        )
        for number in range(questions)
    )
    suite = tuple(
        Held(name=name, kind=CaseKind.KNOWLEDGE, before=name != "bank", after=True) for name in ("vat", "bank", "sepa")
    )
    paired = PairedReport(test=pairs, suite=suite)
    decision = decide(paired, rng=rng)
    made = make_report(paired, decision, task=Task.GENERATOR, candidate="candidate", against=against)
    return as_json(made, texts=False) | {"training": {"loss": 1.25, "steps": 80}}


def add_version(
    site: Site,
    task: Task = Task.GENERATOR,
    *,
    ratings: tuple[str, ...] = ("7:1", "8:2"),
    parent: str = "",
    run: int = 0,
    gain: float | None = 0.1,
) -> str:
    """A candidate that a run made; gives its name."""
    registry = site.office.registry
    number = len(registry.versions(task)) + 1
    folder = site.parts.installation.file.parent / f"made-{task.value}-{number}"
    folder.mkdir()
    (folder / "weights").write_text(f"{task} {number}")
    seal_adapter(folder, source="run", base="b" * 64, created_at=site.office.clock())
    lineage = Lineage(
        ratings=ratings, examples_digest="d" * 64, parent=parent, base="b" * 64, code="0.1.0", seed=0, run=run
    )
    found = None if gain is None else report(parent or "what serves", gain=gain)
    return registry.add_candidate(task, folder, lineage=lineage, report=found).name


def add_picture(site: Site, name: str) -> bytes:
    """A picture of a version's report."""
    content = b"\x89PNG\r\n\x1a\n" + name.encode()
    folder: Path = site.parts.installation.pictures
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(content)
    return content


def add_run(site: Site, *results: TaskResult, state: RunState = RunState.DONE, sentence: str = "") -> int:
    """A run that ended; gives its number."""
    runs = site.store.runs
    begun = runs.begin([Task.GENERATOR], cause="schedule", asker=Asker())
    site.office.clock.move(minutes=6)
    detail = RunDetail(results=results, sentence=sentence, settled=True)
    runs.finish(begun.id, state, detail_text(detail))
    return begun.id


def result(version: str, *, stage: Stage = Stage.ACTIVE, samples: bool = False) -> TaskResult:
    """What came of the wording."""
    made = TaskResult(
        task=Task.GENERATOR,
        verdict=Verdict.BETTER,
        examples=52,
        people=7,
        version=version,
        stage=stage,
        parent="generator-1",
        ratings=("7:1", "8:2"),
    )
    sample = Sample(question=QUESTION, before="I do not know.", after="Five working days.")
    return replace(made, samples=(sample,)) if samples else made


def add_people(site: Site) -> dict[str, int]:
    """Somebody in chat who is in the browser too, and visitors of the open page; gives ids by name."""
    store = site.store
    ada = store.people.meet("slack", "U77", "Ada Lovelace")
    browser = store.people.on_web(ada.id)
    assert browser is not None
    given = site.office.asked(QUESTION, role=Role.OWNER)
    for user in (ada.id, browser.id):
        store.ratings.rate(Rating(answer_id=given.id, user_id=user, value=RatingValue.UP))
    visitor = store.people.meet("web", "f3a9c1d2")
    return {"ada": ada.id, "browser": browser.id, "visitor": visitor.id, "owner": site.office.person_id(Role.OWNER)}
