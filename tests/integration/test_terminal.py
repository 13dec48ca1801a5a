"""A person at the terminal of a bot with a real store: [(said, replied)]."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from adapters.types import ChatTurn, GenerationLimits, Judged
from bot.config import Settings
from bot.frontends.terminal import PLATFORM
from bot.frontends.terminal_view import HELP
from bot.pipeline import Delta
from bot.testing import CTRL_C, converse, fake_bot, logging_to
from bot.texts import say
from tests.stores import message
from tests.terminals import (
    ANSWERED,
    DID_YOU_MEAN,
    FROZEN,
    HINT,
    NOTHING_YET,
    QUESTION,
    REFUNDS,
    SETTINGS,
    STOPPED_BEFORE,
    WHOSE,
    Place,
)

# -- answers


async def test_an_answer_comes_with_its_source_and_a_hint_and_counts_as_delivered(here: Place) -> None:
    bot = here.bot()
    assert await converse(bot, QUESTION) == [(QUESTION, f"{ANSWERED}\n{HINT}")]
    assert await bot.undelivered(**WHOSE) == ()
    assert await bot.pending(**WHOSE) == ()
    stored = here.store.inbox.get(here.last().message_id)
    assert stored is not None
    assert (stored.message.text, stored.message.sender, stored.message.channel) == (QUESTION, "ada", "terminal")
    assert stored.message.received_at.tzinfo is not None


async def test_a_pipe_repeats_each_line_and_gets_no_hints(here: Place) -> None:
    assert await converse(here.bot(), QUESTION, interactive=False) == [(QUESTION, f"> {QUESTION}\n{ANSWERED}")]


async def test_white_space_around_a_line_is_nothing_and_an_empty_line_is_not_asked(here: Place) -> None:
    assert await converse(here.bot(), "", "   ", f"  {QUESTION} ") == [
        ("   ", ""),
        (f"  {QUESTION} ", f"{ANSWERED}\n{HINT}"),
    ]
    assert here.last().question == QUESTION


async def test_small_talk_gets_no_rating_hint(here: Place) -> None:
    [(_, replied)] = await converse(here.bot(intent="thanks"), "thank you")
    assert HINT.strip() not in replied
    assert replied == here.last().answer.text


async def test_a_refusal_is_said_and_kept(here: Place) -> None:
    refusing = Settings.model_validate({"answers": {"min_answerability": 1.0, "suggestion_similarity": 1.0}})
    [(_, replied)] = await converse(here.bot(settings=refusing), QUESTION)
    assert replied == f"{say('refusal', 'en')} {say('refusal-kept', 'en')}"
    assert here.store.answers.unanswered(limit=9) == (here.last(),)


# -- commands


async def test_commands_before_the_first_answer(here: Place) -> None:
    assert await converse(here.bot(), "/why", "/sources", "+", "-", "- 3 text", "/help", "/frob nicate", "/sourcs") == [
        ("/why", NOTHING_YET),
        ("/sources", NOTHING_YET),
        ("+", NOTHING_YET),
        ("-", NOTHING_YET),
        ("- 3 text", NOTHING_YET),
        ("/help", HELP),
        ("/frob nicate", "There is no command /frob; /help lists them."),
        ("/sourcs", "There is no command /sourcs; did you mean /sources? /help lists them."),
    ]
    assert here.store.answers.count() == 0


async def test_why_and_sources_speak_of_the_last_answer(here: Place) -> None:
    (_, (_, why), (_, sources)) = await converse(here.bot(), QUESTION, "/why", "/sources")
    facts = [" ".join(line.split()) for line in why.splitlines()]
    assert facts[0] == "answer #1, answered (generated)"
    assert "intent question, confidence 1.00, in scope 1.00" in facts
    assert f"model wrote {REFUNDS}" in facts
    assert sources == f"[1] Refunds\n/help/a.md#part-0\n    {REFUNDS}"


async def test_new_draws_a_border(here: Place) -> None:
    bot = here.bot()
    new = "A new conversation: I no longer refer to what was said before."
    dialogue = await converse(bot, QUESTION, "/new", "/why", "and how long do they take?")
    assert dialogue[1:3] == [("/new", new), ("/why", NOTHING_YET)]
    assert here.last().answer.trace.query == "and how long do they take?"
    assert len({answer.conversation_id for answer in here.store.answers.recent(limit=9)}) == 2


@pytest.mark.parametrize("leaving", ["/quit", "/exit", " /quit "])
async def test_quit_leaves_and_nothing_after_it_is_read(here: Place, leaving: str) -> None:
    assert await converse(here.bot(), leaving, QUESTION) == [(leaving, "")]
    assert here.store.answers.count() == 0


async def test_the_end_of_input_leaves(here: Place) -> None:
    assert await converse(here.bot()) == []


@pytest.mark.parametrize("typed", ["0", "3", "²", "-1", "2."])
async def test_what_is_not_a_number_on_offer_is_a_question(here: Place, typed: str) -> None:
    bot = here.bot(settings=DID_YOU_MEAN)
    dialogue = await converse(bot, "Why is my account blocked?", typed)
    offered = "Did you mean one of these?\n  1. Why is my account locked?\n  2. Why is my account frozen?"
    assert dialogue[0] == ("Why is my account blocked?", offered)
    assert here.last().question == typed


async def test_a_number_picks_the_question_that_was_offered(here: Place) -> None:
    bot = here.bot(settings=DID_YOU_MEAN)
    dialogue = await converse(bot, "Why is my account blocked?", "2")
    assert here.last().question == "Why is my account frozen?"
    assert dialogue[1][1].startswith(FROZEN)


# -- Ctrl-C


async def test_ctrl_c_at_the_prompt_says_how_to_leave(here: Place) -> None:
    dialogue = await converse(here.bot(), CTRL_C, QUESTION)
    assert dialogue == [(CTRL_C, "Ctrl-D or /quit leaves."), (QUESTION, f"{ANSWERED}\n{HINT}")]


def interrupted(_: Sequence[ChatTurn]) -> str:
    """Presses Ctrl-C as soon as the generator is asked."""
    os.kill(os.getpid(), signal.SIGINT)
    return REFUNDS


async def test_ctrl_c_during_an_answer_stops_it_and_drops_the_message(here: Place) -> None:
    bot = here.bot(interrupted, seconds_per_word=0.05)
    dialogue = await converse(bot, QUESTION, "/why")
    assert [(said, replied) for said, replied in dialogue] == [(QUESTION, "Stopped."), ("/why", NOTHING_YET)]
    assert await bot.pending(**WHOSE) == ()
    assert here.store.answers.count() == 0
    assert await converse(here.bot()) == []


async def test_ctrl_c_during_an_answer_in_a_pipe_ends_the_program_and_drops_the_message(here: Place) -> None:
    bot = here.bot(interrupted, seconds_per_word=0.05)
    with pytest.raises(KeyboardInterrupt):
        await converse(bot, QUESTION, "next", interactive=False)
    assert await bot.pending(**WHOSE) == ()
    assert here.store.answers.count() == 0


class FailsHalfWay:
    """Breaks in a way that nobody foresaw, after its first sentence."""

    name = "fails-half-way"
    grounded = False

    async def stream(
        self,
        turns: Sequence[ChatTurn],  # noqa: ARG002 - the Protocol's
        limits: GenerationLimits,  # noqa: ARG002 - the Protocol's
        *,
        judged: Judged | None = None,  # noqa: ARG002 - the Protocol's
    ) -> AsyncGenerator[str, None]:
        yield "Fees are kept by the card company. Refunds reach"
        raise RuntimeError("unforeseen")

    async def aclose(self) -> None:
        pass


async def test_an_apology_after_a_part_of_an_answer_stands_on_its_own_line(here: Place, tmp_path: Path) -> None:
    bot = fake_bot(here.store, tmp_path / "index", generator=FailsHalfWay(), settings=SETTINGS)
    [(_, replied)] = await converse(bot, QUESTION)
    shown, apology = replied.splitlines()
    assert shown == "Fees are kept by the card company."
    assert apology == here.last().answer.text
    assert apology.startswith("Sorry, something went wrong on my side")


# -- after a crash


async def test_a_message_that_was_not_answered_is_answered_first(here: Place) -> None:
    dead = here.bot()
    stored = await dead.accept(message(QUESTION, platform=PLATFORM, sender="ada", channel="terminal"))
    assert stored is not None
    async with aclosing(dead.reply(stored)) as events:
        async for event in events:
            if isinstance(event, Delta):
                break
    bot = here.bot()
    dialogue = await converse(bot, "+")
    assert dialogue == [
        ("", f"{STOPPED_BEFORE}\n> {QUESTION}\n{ANSWERED}\n{HINT}"),
        ("+", "Thank you, noted as good."),
    ]
    assert await converse(bot) == []
    assert here.store.answers.count() == 1


async def test_an_answer_that_was_not_shown_is_shown_first_and_not_written_again(here: Place) -> None:
    dead = here.bot()
    stored = await dead.accept(message(QUESTION, platform=PLATFORM, sender="ada", channel="terminal"))
    assert stored is not None
    assert [event async for event in dead.reply(stored)]
    bot = here.bot(lambda _: "Never asked.")
    dialogue = await converse(bot, "- 4")
    assert dialogue == [
        ("", f"{STOPPED_BEFORE}\n> {QUESTION}\n{ANSWERED}\n{HINT}"),
        ("- 4", "Thank you, noted as not good (out of date)."),
    ]
    assert await bot.undelivered(**WHOSE) == ()
    assert here.store.answers.count() == 1


async def test_what_another_person_asked_is_left_to_them(here: Place) -> None:
    bot = here.bot()
    stored = await bot.accept(message(QUESTION, platform=PLATFORM, sender="bob", channel="terminal"))
    assert await converse(bot) == []
    assert await bot.pending(platform=PLATFORM, sender="bob") == (stored,)


# -- logs


async def test_the_log_of_a_dialogue_has_actions_and_nothing_that_anybody_said(here: Place, tmp_path: Path) -> None:
    with logging_to(tmp_path / "logs") as file:
        await converse(here.bot(), QUESTION, "- 3 My secret words.")
    text = file.read_text(encoding="utf-8")
    entries = [json.loads(line) for line in text.splitlines()]
    assert [(entry["action"], entry["kind"], entry["answer_id"]) for entry in entries] == [
        ("answered", "generated", here.last().id)
    ]
    assert not [word for word in ("refund", "fees", "secret", "bank", "ada") if word in text.lower()]
