"""`burnish train` and `burnish schedule`, as an admin types them; the real training process."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.conftest import Burnish


@pytest.mark.models
@pytest.mark.slow
def test_too_few_examples_are_counted_by_the_real_training_process_and_nothing_changes(burnish: Burnish) -> None:
    assert burnish("train", "intent", "--dry-run").out.splitlines() == [
        "There is nothing to learn from yet.",
        (
            "intent: too little; without repeats and those kept back (to test with, or to tell when to stop), "
            "0 examples are there, 5 are needed: 5 are missing."
        ),
        "A run now would come to nothing.",
    ]
    asked = burnish("train", "intent")
    assert (asked.code, "add --yes" in asked.err) == (1, True)
    done = burnish("train", "intent", "--yes")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "0 examples are there, 5 are needed: 5 are missing" in " ".join(done.out.split())
    [run] = json.loads(burnish("train", "runs", "--json").out)
    assert (run["parts"], run["cause"], run["state"]) == ("intent", "server", "done")
    assert run["outcome"] == "intent: too little"
    assert json.loads(burnish("versions", "list", "--json").out) == []
    cancelled = burnish("train", "cancel")
    assert (cancelled.code, cancelled.err.strip()) == (1, "No training is going on.")


def test_the_plan_is_shown_set_and_refused_in_one_sentence(burnish: Burnish) -> None:
    assert burnish("schedule", "show").out.splitlines() == ["Training begins by itself: weekly sun 03:00 (UTC)."]
    assert "after 50 ratings, looked at every few minutes" in burnish("schedule", "set", "after", "50").out
    wrong = burnish("schedule", "set", "sometimes")
    assert wrong.code == 1
    assert wrong.err.strip() == (
        "'sometimes' is no plan; expected off, daily 03:00, weekly sun 03:00 or after 50 ratings."
    )
    assert burnish("schedule", "off").code == 0
    assert json.loads(burnish("schedule", "show", "--json").out) == {"plan": "off", "next": None, "paused": False}


def test_a_version_is_shown_compared_and_pruned(burnish: Burnish) -> None:
    from adapters.generator.shipped import FOLDER

    for _ in range(2):
        burnish("versions", "add", str(FOLDER))
    burnish("versions", "promote", "generator-1")
    shown = json.loads(burnish("versions", "show", "generator-1", "--json").out)
    assert (shown["version"], shown["stage"], shown["stale"]) == ("generator-1", "active", False)
    assert "the same" in burnish("versions", "diff", "generator-1", "generator-2").out
    assert "nothing to remove" in burnish("versions", "prune").out, "the newest candidate stays"
    wrong = burnish("versions", "show", "nonsense")
    assert (wrong.code, "Traceback" in wrong.err) == (2, False)
