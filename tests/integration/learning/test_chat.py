"""A run as an admin lives through it in chat: asked for, watched, reported, promoted; the training is scripted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from adapters.generator.shipped import FOLDER
from adapters.testing import ScriptedGenerator
from adapters.types import Stage, Task
from bot.config import Settings
from bot.frontends.base import Press
from bot.frontends.fake import FakeMessage, FakeMessenger
from bot.learning.board import Board
from bot.learning.report import Reporter
from bot.learning.types import Job, Phase, Sample, Step, TaskResult, Verdict
from bot.testing_desk import fake_desk
from bot.types import Origin, Place, Role
from tests.integration.commands.office import PEOPLE, Office
from tests.learning_child import NUMBERS
from tests.stores import message
from training.gate import Reason, ReasonCode

SECONDS = 20.0
ADMIN = PEOPLE[Role.ADMIN]


def result(job: Job) -> TaskResult:
    """What a training process would leave."""
    folder = Path(job.folder) / "generator"
    shutil.copytree(FOLDER, folder)
    picture = folder.with_suffix(".png")
    picture.write_bytes(b"PNG")
    return TaskResult(
        task=Task.GENERATOR,
        verdict=Verdict.BETTER,
        examples=61,
        people=9,
        reasons=(Reason(code=ReasonCode.BETTER, values=NUMBERS),),
        samples=(Sample(question="How long?", before="I do not know.", after="Five days."),),
        folder=str(folder),
        picture=str(picture),
    )


async def until(done: Callable[[], object]) -> None:
    """Wait for something."""
    async with asyncio.timeout(SECONDS):
        while not done():  # noqa: ASYNC110 - several tasks bring it about
            await asyncio.sleep(0.01)


async def pressed(label: str, shown: FakeMessage, message_id: str) -> Press:
    """The admin presses a button."""
    [found] = [button.data for row in shown.buttons for button in row if button.label.startswith(label)]
    return Press(
        platform="slack",
        channel="D1",
        thread="",
        place=Place.DIRECT,
        message_id=message_id,
        event_id=f"press-{label}",
        sender=ADMIN,
        sender_name="Admin",
        data=found,
    )


async def test_an_admin_trains_from_chat_sees_how_far_it_is_gets_the_report_and_promotes(tmp_path: Path) -> None:
    settings = Settings.model_validate({"serve": {"team": "slack:C9"}, "learning": {"promote": "ask"}})
    chat = FakeMessenger("slack")
    with Office.open(tmp_path, settings) as office:
        office.registry.promote(Task.GENERATOR, office.registry.add_candidate(Task.GENERATOR, FOLDER).name)
        desk = fake_desk(
            office.store, tmp_path / "desk", {"slack": chat}, generator=ScriptedGenerator([]), commands=office.commands
        )
        board = Board(office.store, office.loop, {"slack": chat}, sleep=lambda _: asyncio.sleep(0.01))
        office.board, office.speak = board, desk.send_posts
        office.tell = Reporter(store=office.store, platforms=("slack",), language="en").tell
        office.results = lambda job: (result(job),)
        office.steps = [Step(task=Task.GENERATOR, phase=Phase.TRAIN, done=1, total=2)]
        office.held = asyncio.Event()
        await desk.start()
        try:
            asked = message("generator", channel="D1", sender=ADMIN, origin=Origin(command="retrain"))
            await desk.said(asked)
            await until(lambda: chat.messages)
            [(_, reply)] = chat.messages.items()
            await until(lambda: "has begun" in reply.text)
            await office.loop.state()
            office.loop._at(Step(task=Task.GENERATOR, phase=Phase.TRAIN, done=1, total=2))
            await until(lambda: reply.text == "Training 1 · generator: learning, 50 %")
            assert [button.data for row in reply.buttons for button in row] == ["x:retrain:cancel"]
            other = message("How long?", channel="D1", sender=ADMIN, origin=Origin(command="status"))
            await desk.said(other)
            await until(lambda: any("Training 1 is going on." in one.text for one in chat.messages.values()))
            office.held.set()
            await until(lambda: reply.text.startswith("**Training 1 is done**"))
            assert reply.buttons == ()
            await until(lambda: len(chat.pictures) == 2)
            own = {one.target.person for one in chat.messages.values() if "learned from 61 examples of 9" in one.text}
            assert own == {ADMIN, PEOPLE[Role.OWNER]}, "each admin has it in a chat of their own"
            assert sorted(target.person for target, _, _ in chat.pictures) == sorted(own)

            def reports() -> list[tuple[str, FakeMessage]]:
                told = [(key, one) for key, one in chat.messages.items() if "Five days." in one.text and one.buttons]
                return [(key, one) for key, one in told if one.target.person == ADMIN]

            await until(reports)  # the part with the answers and the buttons may come after the picture
            [(key, report)] = reports()
            await desk.pressed(await pressed("Promote", report, key))
            await until(lambda: any("generator-2 serves from now on" in one.text for one in chat.messages.values()))
            stages = {one.name: one.stage for one in office.registry.versions(Task.GENERATOR)}
            assert stages == {"generator-1": Stage.RETIRED, "generator-2": Stage.ACTIVE}
        finally:
            await board.stop()
            await office.loop.stop()
            await desk.stop()
