"""Dialogues with the real program and the real models: [(said, replied)]."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from bot.config import folders, load_settings
from bot.types import RatingReason, RatingValue
from bot.wiring import Wiring
from tests.acceptance.conftest import EXAMPLES, Burnish

pytestmark = [pytest.mark.models, pytest.mark.slow]

REFUSALS = ("I don't know that", "That is outside what I am here for", "我不知道", "职责范围", "Did you mean")


def questions() -> list[dict[str, Any]]:
    lines = (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def test_ten_questions_are_answered_rightly_and_five_refused(stocked: Burnish) -> None:
    said: list[str] = []
    for entry in questions():
        said += ["/new", *entry.get("history", []), entry["question"]]
    replies = dict(zip(said, stocked.chat(*said), strict=True))
    wrong = [fault for entry in questions() if (fault := fault_in(entry, replies[entry["question"]]))]
    assert not wrong, "\n\n".join(wrong)
    assert sum(entry["expect"] == "answer" for entry in questions()) == 10
    assert sum(entry["expect"] == "refuse" for entry in questions()) == 5


def fault_in(entry: dict[str, Any], reply: str) -> str:
    """What is wrong with a reply; "" if it is right."""
    refused = reply.startswith(REFUSALS)
    said = f"{entry['question']}\n-> {reply}"
    if entry["expect"] == "refuse":
        return "" if refused else f"should have been refused: {said}"
    if refused:
        return f"should have been answered: {said}"
    missing = [choices for choices in entry["must_contain"] if not any(c.lower() in reply.lower() for c in choices)]
    if missing:
        return f"lacks one of {missing}: {said}"
    return "" if entry["source"] in reply else f"names another source than {entry['source']}: {said}"


def test_a_first_question_from_a_pipe_loads_the_example_and_is_answered(burnish: Burnish) -> None:
    finished = burnish("chat", said=["我的账户为何被冻结?"])
    assert finished.code == 0, finished.err
    assert "example help centre" in finished.err
    assert "冻结" in finished.out.partition("\n")[2]
    assert "Traceback" not in finished.err


def test_small_talk_commands_and_ratings_in_one_dialogue(stocked: Burnish) -> None:
    question = "How long does a refund take?"
    hello, why_before, _, up, down, why, sources, unknown, helped = stocked.chat(
        "hello!",
        "/sources",
        question,
        "+",
        "- 3 Say it in one short sentence.",
        "/why",
        "/sources",
        "/frobnicate",
        "/help",
    )
    assert hello.startswith("Hello")
    assert why_before == "The last answer has no sources."
    assert up == "Thank you, noted as good."
    assert down == "Thank you, noted as not good (bad wording). Your answer is kept for an admin to approve."
    assert "intent" in why
    assert "similarity" in why
    assert "[1]" in sources
    assert unknown == "There is no command /frobnicate; /help lists them."
    assert "/quit" in helped


def test_a_rating_replaces_the_one_before(stocked: Burnish) -> None:
    stocked.chat("What is the API rate limit?", "+", "- 2")
    found = folders(stocked.environ)
    with Wiring(load_settings(stocked.environ, found.file), found, lambda *_: None).open_store() as store:
        [answer] = store.answers.recent(limit=1)
        asked = store.inbox.get(answer.message_id)
        assert asked is not None
        rating = store.ratings.of(answer.id, asked.user_id)
    assert rating is not None
    assert (rating.value, rating.reason) == (RatingValue.DOWN, RatingReason.WRONG_SOURCE)


def test_a_new_conversation_does_not_refer_to_the_old_one(stocked: Burnish) -> None:
    first, follow_up, _, _, why = stocked.chat(
        "How long does a refund take?", "and how much does it cost?", "/new", "and how much does it cost?", "/why"
    )
    assert first
    assert follow_up
    assert "refund" not in why.partition("searched for")[2].partition("intent")[0]


def test_ctrl_c_ends_a_piped_chat_without_a_traceback(stocked: Burnish) -> None:
    with stocked.start("chat") as process:
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode in {0, 130}
