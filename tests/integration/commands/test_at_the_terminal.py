"""The terminal gives the same commands as a chat platform: [(said, replied)]."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.testing import ScriptedGenerator
from bot.config import Settings
from bot.frontends.terminal import CHANNEL, PLATFORM
from bot.frontends.terminal_view import HELP
from bot.middleware import ErrorBoundary
from bot.service import Bot
from bot.serving import answering, served
from bot.testing import converse, fake_pipeline, teach
from bot.texts import say
from bot.types import Origin
from knowledge.testing import chunk
from tests.integration.commands.office import Office, Template
from tests.stores import message
from tests.terminals import ANSWERED, HINT, QUESTION, REFUNDS

SETTINGS = Settings.model_validate({"answers": {"min_answerability": 0.0}})


class Desk:
    """A bot that carries commands out, over a store that can be looked at."""

    def __init__(self, office: Office, folder: Path) -> None:
        self.office = office
        generator = ScriptedGenerator(lambda _: REFUNDS)
        handler = served(
            answering(
                fake_pipeline(office.store.knowledge, folder / "its-index", generator=generator, settings=SETTINGS)
            ),
            store=office.store,
            settings=SETTINGS,
            boundary=ErrorBoundary(SETTINGS),
            handoffs=office.handoffs,
            commands=office.commands,
        )
        self.bot = Bot(store=office.store, handler=handler, settings=SETTINGS, worker=generator)

    async def converse(self, *said: str, interactive: bool = True) -> list[tuple[str, str]]:
        return await converse(self.bot, *said, interactive=interactive, commands=True)


@pytest.fixture
def desk(tmp_path: Path, template: Template) -> Iterator[Desk]:
    with Office.open(tmp_path, SETTINGS, template=template) as office:
        teach(office.store.knowledge, chunk(REFUNDS, title="Refunds"))
        yield Desk(office, tmp_path)


async def test_a_command_of_the_registry_is_carried_out_as_by_an_owner_and_its_buttons_say_what_to_type(
    desk: Desk,
) -> None:
    [(_, taught), (_, answered)] = await desk.converse("/teach Who feeds the cat? | We do.", "Who feeds the cat?")
    first, button = taught.splitlines()
    assert first.rstrip() == say("taught-now", "en", question="Who feeds the cat?")
    assert button.startswith("  /unteach ")
    assert answered.splitlines()[:2] == ["We do.", "  [1] Who feeds the cat?  taught in chat"]
    assert [entry[:3] for entry in desk.office.audit()] == [("console:ada", "teach", "console:terminal")]


async def test_its_own_commands_stay_and_help_lists_the_others(desk: Desk) -> None:
    [(_, asked), (_, why), (_, helped), (_, by_alias)] = await desk.converse(QUESTION, "/why", "/help", "/来源")
    assert asked == f"{ANSWERED}\n{HINT}"
    assert why.startswith("answer")
    assert helped.startswith(HELP)
    assert "/teach       Teach me an answer" in helped
    assert helped.count("/sources") == 1
    assert by_alias.startswith("[1] Refunds")


async def test_what_a_command_said_is_not_the_answer_that_is_rated(desk: Desk) -> None:
    await desk.converse(QUESTION, "/privacy", "+")
    question = next(one for one in desk.office.store.answers.recent(9) if one.question == QUESTION)
    asked = desk.office.store.inbox.get(question.message_id)
    assert asked is not None
    assert desk.office.store.ratings.of(question.id, asked.user_id) is not None
    assert await desk.bot.undelivered(platform="console", sender="ada") == ()


async def test_a_question_as_a_command_is_a_question(desk: Desk) -> None:
    assert await desk.converse(f"/ask {QUESTION}") == [(f"/ask {QUESTION}", f"{ANSWERED}\n{HINT}")]


async def test_an_unknown_command_is_not_kept_and_finds_the_nearest_of_all(desk: Desk) -> None:
    assert await desk.converse("/privacey", "/frobnicate") == [
        ("/privacey", "There is no command /privacey; did you mean /privacy? /help lists them."),
        ("/frobnicate", "There is no command /frobnicate; /help lists them."),
    ]
    assert desk.office.store.answers.count() == 0


async def test_an_unanswered_question_is_answered_with_the_next_line(desk: Desk) -> None:
    desk.office.clock.now = datetime.now(UTC)  # the terminal's time
    about = desk.office.refused("Where is the key?")
    dialogue = await desk.converse(f"/unanswered answer {about.id}", "Under the mat.", "Where is the key?")
    assert say("unanswered-write", "en", minutes=30).partition(". ")[0] in dialogue[0][1].replace("\n", " ")
    assert dialogue[1][1].startswith(say("taught-now", "en", question="Where is the key?"))
    assert dialogue[2][1].startswith("Under the mat.")


async def test_whoever_is_forgotten_is_told_and_may_start_anew(desk: Desk) -> None:
    [_, (_, sure)] = await desk.converse(QUESTION, "/forget me")
    command = next(line.strip().partition("  ")[0] for line in sure.splitlines() if line.startswith("  /forget_me"))
    [(_, erased), (_, rated), (_, again)] = await desk.converse(command, "+", QUESTION)
    assert erased == "Erased: nothing is kept of you any more."
    assert rated == "There is no answer yet to speak of; ask something first."
    assert again.startswith(REFUNDS)
    assert desk.office.store.answers.count() == 1
    assert desk.office.store.posts.pending("console") == ()


async def test_a_command_that_a_crash_left_is_carried_out_at_the_next_start(desk: Desk) -> None:
    desk.office.store.inbox.accept(
        message(
            "Who? | We.",
            platform=PLATFORM,
            channel=CHANNEL,
            sender="ada",
            origin=Origin(command="teach"),
        ),
        idle_minutes=30,
    )
    [(said, shown)] = await desk.converse()
    assert said == ""
    assert say("taught-now", "en", question="Who?") in shown


async def test_a_pipe_gets_the_text_without_markup(desk: Desk) -> None:
    [(_, shown)] = await desk.converse("/privacy", interactive=False)
    assert "*" not in shown
    assert "`" not in shown
    assert f"{say('privacy-title', 'en')}\n" in shown
    assert f" • {say('privacy-what', 'en')}\n" in shown, "a line is as long as it is"


async def test_a_pipe_gets_the_text_as_it_is(desk: Desk) -> None:
    [(_, shown)] = await desk.converse("/language", interactive=False)
    assert shown.splitlines() == [
        "> /language",
        say("language-which", "en"),
        "  /language en  English",
        "  /language zh  简体中文",
        f"  /language auto  {say('language-auto', 'en')}",
    ]
