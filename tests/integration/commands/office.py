"""A place to give commands in: a real store, people of every role, and all commands."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from adapters.examples import Examples
from adapters.registry import Registry
from adapters.testing import FakeEncoder
from bot.commands.build import Parts, all_commands
from bot.commands.knowledge import Documents
from bot.commands.learning import Follows, Learning
from bot.commands.registry import parse
from bot.commands.runner import Commands
from bot.config import Settings
from bot.frontends.base import PlatformError
from bot.handoff import Handoffs
from bot.learning.errors import CancelledRunError
from bot.learning.loop import LearningLoop, Work
from bot.learning.loop import Parts as LoopParts
from bot.learning.types import ALL_TASKS, Job, RunDetail, Step, TaskResult
from bot.store.crypto import Keyring
from bot.store.runs import Run
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.types import Answer, Origin, Outcome, Place, Role, StoredAnswer, StoredMessage
from knowledge.ingest import IngestReport, Progress, SourceReader
from knowledge.ingest import ingest as run_ingest
from knowledge.retrieve import KnowledgeBase
from knowledge.types import Passage
from tests.stores import FakeClock, answer, message

PEOPLE = {Role.USER: "U1", Role.TRAINER: "U2", Role.ADMIN: "U3", Role.OWNER: "U4"}
THREADS = {Place.DIRECT: ("D1", ""), Place.GROUP: ("C1", ""), Place.THREAD: ("C1", "t1")}
MEGABYTES = 0.001


class Template(NamedTuple):
    """A migrated, empty store to be copied."""

    file: Path
    keyring: Keyring


class Office:
    """Gives commands the way a front end does, and keeps everything to be looked at."""

    def __init__(self, store: Store, clock: FakeClock, folder: Path, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.uploads = folder / "uploads"
        self.between: Callable[[], object] = lambda: None  # called after each document that is taken in
        self.files: dict[str, bytes] = {}  # what lies on the platform, by id
        self.registry = Registry(folder / "versions", clock=clock)
        self.results: Callable[[Job], tuple[TaskResult, ...]] = lambda _: ()  # what training comes to
        self.held: asyncio.Event | None = None  # training waits for it
        self.work: Work | None = None  # trains in its stead
        self.steps: list[Step] = []  # that training says before it waits
        self.followed: list[StoredMessage] = []  # messages in whose replies the progress of a run is shown
        self.board: Follows | None = None  # who shows it
        self.tell: Callable[[Run, RunDetail], None] = lambda *_: None  # keeps what is to be said of a run
        self.speak: Callable[[], Awaitable[None]] = _nothing  # has it said
        self.loop = LearningLoop(
            LoopParts(
                store=store,
                registry=self.registry,
                settings=settings.learning,
                folder=folder / "training",
                trainable=lambda: ALL_TASKS,
                gather=Examples,
                work=self.train,
                code="0.1.0",
                tell=lambda run, detail: self.tell(run, detail),  # noqa: PLW0108 - a test sets it later
                speak=lambda: self.speak(),  # noqa: PLW0108 - as above
            )
        )
        self._folder = folder
        self.encoder = FakeEncoder()
        self.base = KnowledgeBase.open(store.knowledge, self.encoder, folder / "index")
        self.handoffs = Handoffs(store, settings.serve, language="en", platforms=("slack", "telegram"))
        self.commands: Commands = all_commands(
            Parts(
                store=store,
                settings=settings,
                handoffs=self.handoffs,
                teacher=KnowledgeTeacher(store.knowledge, self.encoder),
                encoder=self.encoder,
                documents=Documents(
                    uploads=self.uploads,
                    fetch=self.fetch,
                    ingest=self.ingest,
                    search=self.search,
                    max_megabytes=MEGABYTES,
                ),
                facts=lambda: {
                    "messages": 1234,
                    "up minutes": 127,
                    "waiting": 0,
                    "failures": 3,
                    "busy": 0,
                    "moon phase": "full",
                },
                learning=Learning(
                    loop=self.loop,
                    registry=self.registry,
                    settings=settings.learning,
                    preview=lambda language, in_detail, tasks=ALL_TASKS: f"preview {language} {in_detail} {len(tasks)}",
                    board=self,
                ),
                now=clock,
            )
        )
        for role, sender in PEOPLE.items():
            store.people.set_role(store.people.meet("slack", sender, f"{role.value.title()}").id, role)

    @classmethod
    @contextmanager
    def open(
        cls, folder: Path, settings: Settings | None = None, *, template: Template | None = None
    ) -> Iterator[Self]:
        """A new one; its team is in C9. With a template its store need not be migrated, which takes longest."""
        chosen = settings or Settings.model_validate({"serve": {"team": "slack:C9"}})
        clock, file = FakeClock(), folder / "store.db"
        if template is not None:
            shutil.copyfile(template.file, file)
        with Store.open(
            f"sqlite:///{file}", template.keyring if template else Keyring.generate(), clock=clock
        ) as store:
            if template is None:
                store.migrate()
            yield cls(store, clock, folder, chosen)

    async def fetch(self, platform: str, file_id: str) -> bytes:
        """Download a file of this office's platform."""
        if platform != "slack" or file_id not in self.files:
            raise PlatformError("no such file")
        return self.files[file_id]

    async def train(
        self, job: Job, *, on_step: Callable[[Step], None], cancelled: Callable[[], Awaitable[bool]]
    ) -> tuple[TaskResult, ...]:
        """Stands in for the training process."""
        if self.work is not None:
            return await self.work(job, on_step=on_step, cancelled=cancelled)
        for step in self.steps:
            on_step(step)
            await asyncio.sleep(0)
        while self.held is not None and not self.held.is_set():
            if await cancelled():
                raise CancelledRunError("cancelled")
            await asyncio.sleep(0.01)
        return self.results(job)

    def follow(self, stored: StoredMessage, run: Run, language: str) -> None:
        """Noted in `followed`."""
        self.followed.append(stored)
        if self.board is not None:
            self.board.follow(stored, run, language)

    def ingest(self, sources: Sequence[str], progress: Progress) -> IngestReport:
        """The real thing."""

        def told(done: int, total: int, what: str) -> None:
            if done:
                self.between()
            progress(done, total, what)

        return run_ingest(
            sources,
            store=self.store.knowledge,
            encoder=self.encoder,
            reader=SourceReader(collection="default", count_tokens=self.encoder.count_tokens),
            lock_file=self._folder / "ingest.lock",
            progress=told,
        )

    def search(self, words: str) -> Sequence[Passage]:
        """The real thing."""
        self.base.refresh()
        return self.base.search(words, np.asarray(self.encoder.encode([words])[0]))

    def accept(
        self,
        text: str,
        *,
        role: Role = Role.USER,
        place: Place = Place.DIRECT,
        sender: str = "",
        origin: Origin | None = None,
    ) -> StoredMessage:
        """Put a command into the inbox as a front end reads it: "/why", "/teach question | answer"."""
        channel, thread = THREADS[place]
        given = origin or Origin()
        command, rest = given.command, text
        if not command:
            command, rest = parse(text, explicit=True) or ("", text)
        stored = self.store.inbox.accept(
            message(
                rest,
                channel=channel,
                thread=thread,
                sender=sender or PEOPLE[role],
                sender_name="",
                origin=Origin(
                    place=place,
                    command=command,
                    language=given.language,
                    reply_to=given.reply_to,
                    reply_to_sender=given.reply_to_sender,
                    mentions=given.mentions,
                    attachments=given.attachments,
                    subject=given.subject,
                    unseen=given.unseen,
                ),
            ),
            idle_minutes=30,
        )
        assert stored is not None
        return stored

    async def say(
        self,
        text: str,
        *,
        role: Role = Role.USER,
        place: Place = Place.DIRECT,
        sender: str = "",
        origin: Origin | None = None,
    ) -> Answer:
        """Give a command, and keep what it said."""
        stored = self.accept(text, role=role, place=place, sender=sender, origin=origin)
        said = await self.commands(stored)
        if self.store.inbox.get(stored.id) is not None:
            self.store.answers.add(stored.id, said)
        return said

    def asked(
        self, question: str, reply: Answer | None = None, *, role: Role = Role.USER, place: Place = Place.DIRECT
    ) -> StoredAnswer:
        """A question with its answer, in the same place as commands."""
        channel, thread = THREADS[place]
        stored = self.store.inbox.accept(
            message(
                question,
                channel=channel,
                thread=thread,
                sender=PEOPLE[role],
                sender_name="",
                origin=Origin(place=place),
            ),
            idle_minutes=30,
        )
        assert stored is not None
        return self.store.answers.add(stored.id, reply or answer())

    def refused(self, question: str, *, place: Place = Place.DIRECT) -> StoredAnswer:
        """A question that the bot could not answer."""
        refusal = answer("I do not know that.", outcome=Outcome.ABSTAINED)
        trace = replace(refusal.trace, query=question)
        return self.asked(question, replace(refusal, trace=trace), place=place)

    def person_id(self, role: Role) -> int:
        """The store's id of somebody."""
        person = self.store.people.by_platform("slack", PEOPLE[role])
        assert person is not None
        return person.id

    def audit(self) -> list[tuple[str, str, str, str]]:
        """The whole log: actor, action, place, detail."""
        return [(one.actor, one.action, one.place, one.detail) for one in self.store.audit.tail(1000)]


async def _nothing() -> None:
    """Nothing is delivered here."""


def data(said: Answer) -> list[str]:
    """What the buttons under an answer carry."""
    return [button.data for row in said.buttons for button in row]
