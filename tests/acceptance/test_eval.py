"""`burnish eval`, as an admin types it."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest

from bot.cli.eval import MEANINGS
from bot.learning.scoring import AS_WANTED
from tests.acceptance.conftest import Burnish
from training.report import PARTS
from training.splits import feedback_side
from training.types import Split

pytestmark = pytest.mark.models

PAGE = """# Refunds

A refund to a card takes five working days. Refunds to a bank account take two.

# Office hours

The office is open from nine to five on weekdays.
"""


def held_out_question() -> str:
    """A wording of the question that no version is ever trained on."""
    tail = next(n for n in count() if feedback_side(f"How long does a refund to a card take{'?' * n}") is Split.TEST)
    return f"How long does a refund to a card take{'?' * tail}"


@pytest.fixture
def taught(burnish: Burnish, tmp_path: Path) -> Burnish:
    page = tmp_path / "refunds.md"
    page.write_text(PAGE, encoding="utf-8")
    assert burnish("ingest", str(page)).code == 0
    return burnish


def test_what_people_rated_is_asked_anew(taught: Burnish) -> None:
    rated = taught("chat", said=[held_out_question(), "+"])
    assert "five working days" in rated.out
    done = taught("eval", "--no-suite", "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    utility = found["parts"][0]
    assert (utility["name"], utility["after"], utility["questions"]) == ("utility", AS_WANTED.unknown, 1)


def test_a_file_of_questions_measures_two_versions(taught: Burnish, tmp_path: Path) -> None:
    from adapters.generator.shipped import FOLDER

    file = tmp_path / "questions.csv"
    file.write_text(
        "question,answer\nHow long does a refund to a card take?,Five working days.\nWhen is the office open?,\n",
        encoding="utf-8",
    )
    assert taught("ask", "When is the office open?").code == 0  # what ships becomes the first version
    assert taught("versions", "add", str(FOLDER)).code == 0
    done = taught("eval", "--file", str(file), "--no-suite", "--candidate", "generator-2")
    assert "generator-2 may not serve." in done.out
    assert "14 are missing" in done.out
    assert done.code == 4
    assert "Row 3 has no answer." in done.err
    assert taught("versions", "list").out.count("active") == 1


def test_without_anything_to_ask_it_says_so(burnish: Burnish) -> None:
    done = burnish("eval", "--no-suite")
    assert (done.code, done.out) == (1, "")
    assert done.err.strip() == "There is nothing to ask: no rated question is held out yet; name a file with --file."


def test_a_version_that_is_not_there_is_one_sentence(burnish: Burnish, tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text("question,answer\nWhen?,Now.\n", encoding="utf-8")
    done = burnish("eval", "--file", str(file), "--no-suite", "--candidate", "generator-9")
    assert done.code == 1
    assert "generator-9" in done.err
    assert "Traceback" not in done.err


def test_a_version_is_not_compared_with_itself(taught: Burnish, tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text("question,answer\nHow long does a refund to a card take?,Five working days.\n", encoding="utf-8")
    assert taught("ask", "How long does a refund to a card take?").code == 0  # makes what ships the first version
    done = taught("eval", "--file", str(file), "--no-suite", "--candidate", "generator-1")
    assert done.code == 1
    assert "generator-1 would be compared with itself; name another version with --against." in " ".join(
        done.err.split()
    )


def test_the_measures_are_explained_below_their_figures(taught: Burnish, tmp_path: Path) -> None:
    file = tmp_path / "questions.csv"
    file.write_text("question,answer\nHow long does a refund to a card take?,Five working days.\n", encoding="utf-8")
    done = taught("eval", "--file", str(file), "--no-suite")
    assert done.code == 0, done.err
    assert "utility: how likely an answer is right by what is known, 0 to 1; this alone decides" in " ".join(
        done.out.split()
    )


def test_every_measure_has_a_meaning() -> None:
    assert set(MEANINGS) == set(PARTS)
