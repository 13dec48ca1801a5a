"""The learning loop as people meet it in chat: ratings in, a better version out, with the real program and training.

The language model is not there: answers are quotations, and what is learned is search. Nothing is scripted: the team's
ratings are of the bot's real answers, and whether a version is better is found out by the real gate.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.acceptance.conftest import Burnish
from tests.acceptance.learning_team import lived_in, no_model
from tests.acceptance.test_serve import Served, on, serving
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Person, Post

pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.long]

ADA = Person(id=11, name="Ada")  # a user
ROOT = Person(id=12, name="Root")  # the owner
KNOWN = "How do I add a colleague to our team?"
WRONG = "How long is the proof of ownership valid?"
RIGHT = "For three years; then we ask who owns the business again."
# Nobody used these words before; other words for the same were asked and rated.
NEW = "My coworker didn't click the invitation. Until when can she still do it?"
FACT = "7 days"  # that a right answer has
LEARNING = {
    "BURNISH_LEARNING__PROMOTE": "ask",  # an admin has the last word
    "BURNISH_LEARNING__CANARY": "off",
    "BURNISH_LEARNING__SCHEDULE": "off",
    "BURNISH_LEARNING__ASK_SHARE": "0",
}


@dataclass(slots=True)
class Chat:
    """One person's chat with the program that serves."""

    served: Served
    telegram: TelegramServer
    person: Person
    read: set[int] = field(default_factory=set)  # posts that were waited for

    @property
    def posts(self) -> list[Post]:
        """Everything that the bot said here."""
        return self.telegram.world.replies(self.telegram.world.private(self.person))

    async def told(self, done: Callable[[Post], object]) -> Post:
        """Wait for a post that was not read yet."""
        await self.served.until(lambda: any(done(post) for post in self.posts if post.id not in self.read))
        found = next(post for post in self.posts if post.id not in self.read and done(post))
        self.read.add(found.id)
        return found

    async def ask(self, question: str) -> Post:
        """Ask, and wait for the whole answer."""
        self.telegram.world.say(self.person, question)
        return await self.told(_rateable)

    async def say(self, text: str, reply: str) -> Post:
        """Say something, and wait for a reply that has certain words in it."""
        self.telegram.world.say(self.person, text)
        return await self.told(lambda post: reply in post.text)

    async def press(self, post: Post, label: str) -> None:
        """Press a button once it is there, and wait for the bot's word on it."""
        await self.served.until(lambda: any(one.startswith(label) for row in post.labels for one in row))
        press = self.telegram.world.press(self.person, post.id, label)
        await self.served.until(lambda: press in self.telegram.world.toasts)

    async def why(self) -> str:
        """Why the last answer is as it is."""
        return (await self.say("/why", "Models:")).text


def _rateable(post: Post) -> bool:
    return any(label.startswith("👍") for row in post.labels for label in row)


@pytest.fixture
def own(stocked: Burnish, tmp_path: Path) -> Burnish:
    """The stocked program with a home of its own."""
    shutil.copytree(stocked.home, tmp_path / "own")
    return replace(stocked, home=tmp_path / "own")


async def test_people_rate_and_correct_an_admin_retrains_and_a_question_in_new_words_is_answered_better(
    own: Burnish,
) -> None:
    with no_model() as generator:
        async with TelegramServer() as telegram:
            program = on(own, telegram)
            settings = {**program.settings, **LEARNING, "BURNISH_MODELS__GENERATOR": generator}
            program = replace(program, settings=settings)
            unseen = await asyncio.to_thread(lived_in, program)
            assert NEW in {question.text for question in unseen}
            before = await asyncio.to_thread(program, "ask", NEW)
            assert FACT not in before.out.casefold()
            code = (await asyncio.to_thread(program, "owner-code")).out.strip()
            async with serving(program) as served:
                ada, root = (Chat(served, telegram, person) for person in (ADA, ROOT))
                await root.say(f"/claim {code}", "owner")
                await _corrected(ada, root)
                await _retrained(root)
                await _promoted(ada, root)
                better = await ada.ask(NEW)
                assert FACT in better.text.casefold()
                assert "retrieval-1" in await ada.why()
                code_at_end, err = await served.end()
            assert (code_at_end, "Traceback" in err) == (0, False)


async def _corrected(ada: Chat, root: Chat) -> None:
    """A wrong answer is rated and corrected; once an admin approves, the same question gets the right one."""
    wrong = await ada.ask(WRONG)
    assert RIGHT not in wrong.text
    await ada.press(wrong, "👎")
    await ada.press(wrong, "Wrong source")
    await ada.press(wrong, "✍️")
    await ada.told(lambda post: "What would have been the right answer?" in post.text)
    await ada.say(RIGHT, "kept for an admin to approve")
    report = await root.say("/report", RIGHT)
    await root.press(report, "✓ Approve")
    await root.told(lambda post: "gets this answer from now on" in post.text)
    assert RIGHT in (await ada.ask(WRONG)).text, "at once, without any training"
    await ada.told(lambda post: "is live" in post.text and WRONG in post.text)


async def _retrained(root: Chat) -> None:
    """A run is asked for in chat, its progress stands in the reply, and its report comes with picture and buttons."""
    started = await root.say("/retrain retrieval", "Training 1")
    report = await root.told(lambda post: "Training 1 is done" in post.text)
    said = "\n".join(started.texts)
    assert "search: learning, " in said
    assert "search: asking the held-out questions, " in said
    assert "search: learned from " in report.text
    assert "retrieval-1 proved better and waits for your word." in report.text
    assert "before: " in report.text, "with questions as examples"
    assert [label for row in report.labels for label in row] == ["Promote retrieval-1", "Keep the old one", "Details"]
    picture = await root.told(lambda post: bool(post.photo))
    assert picture.photo.startswith(b"\x89PNG")
    root.read.discard(report.id)


async def _promoted(ada: Chat, root: Chat) -> None:
    """The button lets the version serve, within seconds and without a restart."""
    report = await root.told(lambda post: "Training 1 is done" in post.text)
    await ada.ask(KNOWN)
    assert "retrieval-1" not in await ada.why()
    await root.press(report, "Promote retrieval-1")
    await root.told(lambda post: "retrieval-1 serves from now on" in post.text)
    async with asyncio.timeout(240):
        while True:
            await ada.ask(KNOWN)
            if "retrieval-1" in await ada.why():
                break
