"""The whole web over a real store, served on loopback: people of every role, fake models, Slack in memory beside it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx

from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn, Generator, Task
from bot.commands.knowledge import Documents
from bot.commands.learning import Learning
from bot.config import Settings
from bot.desk import Desk
from bot.frontends.base import Check
from bot.frontends.fake import FakeMessenger
from bot.frontends.web.frontend import WebFrontend
from bot.http import HttpServer
from bot.learning.live import Arm, Versions
from bot.learning.pinned import Pinned
from bot.learning.types import ALL_TASKS
from bot.limits import Limits
from bot.middleware import ErrorBoundary, Handler, Tell, compose, length_limit
from bot.one_shot import rehearsed
from bot.pipeline import Pipeline
from bot.presses import Presses
from bot.service import Bot
from bot.serving import answering, served
from bot.store.people import WEB, Person
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.testing import FixedClassifier, fake_pipeline, teach
from bot.types import Answer, Role, StoredMessage
from bot.web.access import CSRF_HEADER
from bot.web.api.bots import Bots
from bot.web.app import create_app
from bot.web.metrics import Metrics
from bot.web.parts import Installation, WebParts
from knowledge.testing import chunk
from tests.integration.commands.office import MEGABYTES, Office, Template
from tests.stores import FakeClock

REFUNDS = "Refunds reach your bank within five working days."
INVOICES = "Invoices are sent by mail on the first day of each month."
FROZEN = "Three wrong passwords freeze an account for 30 minutes."
Q_REFUND = "When do refunds reach my bank?"
Q_INVOICE = "When are invoices sent?"
Q_FROZEN = "Why is my account frozen?"  # curated: answered word for word
TEAM = "C9"  # the team's channel on Slack
COOKIE = "burnish"


def written(turns: Sequence[ChatTurn]) -> str:
    """What the fake generator writes: the passage that the question is about."""
    return INVOICES if "nvoices" in turns[-1].content.rpartition("Question:")[2] else REFUNDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Somebody's browser."""

    person: Person
    cookie: str
    csrf: str


class Site:
    """What is served, and everything behind it to be looked at.

    `office` holds the store, the clock (it stands, and a test moves it), the commands, the training loop with fake
    training, and the registry of versions.
    """

    def __init__(self, office: Office, folder: Path, settings: Settings, generator: Generator) -> None:
        self.office = office
        self.store: Store = office.store
        self.settings = settings
        self.generator = generator
        self.classifier = FixedClassifier()
        self.slack = FakeMessenger("slack")
        self.chat = WebFrontend(folder / "web-files")
        self.boundary = ErrorBoundary(settings)
        self.built: list[Versions] = []  # for programs that asked for a version by name
        self.previews: list[str] = []  # in which languages it was asked what would be learned
        self.menus = 0  # how often the platforms were asked to show people their commands
        self.metrics = Metrics()
        self.store.ratings.heard = self.metrics.rated
        self.parts = self._parts(folder)
        self.desk: Desk = self.parts.desk
        self._server = HttpServer(create_app(self.parts), "127.0.0.1:0", setting="serve.listen")

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        folder: Path,
        template: Template,
        *,
        settings: dict[str, Any] | None = None,
        generator: Generator | None = None,
        before: Callable[[Store], object] = lambda _: None,
    ) -> AsyncIterator[Self]:
        """Serve a new one with a little help centre.

        Args:
            folder: Empty; for the store, the index and the versions.
            template: Of the store.
            settings: Laid over those that tests need, section by section.
            generator: By default one that writes the passage the question is about.
            before: Called with the store before anything is served.
        """
        given = settings or {}
        sections: dict[str, dict[str, Any]] = {
            "answers": {"min_answerability": 0.0},
            "serve": {"team": f"slack:{TEAM}", "listen": "127.0.0.1:0"},
        }
        chosen = Settings.model_validate({**given, **{key: {**v, **given.get(key, {})} for key, v in sections.items()}})
        clock, file = FakeClock(), folder / "store.db"
        clock.now = datetime.now(UTC)
        shutil.copyfile(template.file, file)
        with Store.open(f"sqlite:///{file}", template.keyring, clock=clock) as store:
            teach(
                store.knowledge,
                chunk(REFUNDS, title="Refunds"),
                chunk(INVOICES, title="Invoices", ordinal=1),
                chunk(FROZEN, question=Q_FROZEN, title="FAQ", ordinal=2),
            )
            office = Office(store, clock, folder, chosen)
            site = cls(office, folder, chosen, generator or ScriptedGenerator(written))
            before(store)
            await site.start()
            try:
                yield site
            finally:
                await site.stop()

    async def start(self) -> None:
        """Answer requests."""
        await self.desk.start()
        await self._server.start()

    async def stop(self) -> None:
        """Stop everything, in the order in which the program does."""
        await self.desk.stop()
        await self.chat.aclose()
        await self._server.stop()
        await self.office.loop.stop()

    @property
    def address(self) -> str:
        """Without a slash at the end."""
        return f"http://127.0.0.1:{self._server.port}"

    def login(self, role: Role = Role.USER, name: str = "") -> Login:
        """Log somebody in; by default named after their role."""
        person = self.store.people.meet(WEB, name or role.value, (name or role.value).title())
        self.store.people.set_role(person.id, role)
        session, cookie = self.store.sessions.begin(person.id, logged_in=True, days=7)
        found = self.store.people.get(person.id)
        assert found is not None
        return Login(person=found, cookie=cookie, csrf=session.csrf)

    def visit(self, name: str = "visitor-1") -> Login:
        """Welcome a visitor of the open chat page, who did not log in."""
        person = self.store.people.meet(WEB, name)
        session, cookie = self.store.sessions.begin(person.id, logged_in=False, days=7)
        return Login(person=person, cookie=cookie, csrf=session.csrf)

    def client(self, login: Login | None = None) -> httpx.AsyncClient:
        """An HTTP client as a page's script is one: with the cookie and the token against forgery; to be closed."""
        headers = {"Accept": "application/json"}
        if login is not None:
            headers[CSRF_HEADER] = login.csrf
        cookies = {} if login is None else {COOKIE: login.cookie}
        return httpx.AsyncClient(base_url=self.address, headers=headers, cookies=cookies, timeout=120)

    async def examine(self) -> Sequence[Check]:
        """Stands in for `burnish doctor`."""
        return (
            Check(name="store", ok=True, sentence="store.db"),
            Check(name="documents", ok=False, sentence="none: take some in with `burnish ingest`"),
            Check(name="team", ok=None, sentence="nowhere"),
        )

    def preview(self, language: str, in_detail: bool, tasks: Sequence[Task] = ALL_TASKS) -> str:  # noqa: ARG002, FBT001 - the shape of a preview
        """Stands in for the gathering of all that would be learned."""
        self.previews.append(language)
        return f"preview {language} {in_detail}"

    async def roles_changed(self) -> None:
        """Stands in for the platforms' menus."""
        self.menus += 1

    def _parts(self, folder: Path) -> WebParts:
        office, store, settings = self.office, self.store, self.settings
        teacher = KnowledgeTeacher(store.knowledge, office.encoder)
        pipeline = fake_pipeline(
            store.knowledge,
            folder / "served-index",
            generator=self.generator,
            classifier=self.classifier,
            settings=settings,
        )

        async def commands(stored: StoredMessage, tell: Tell) -> Answer:
            return await office.commands(stored, tell)

        handler = served(
            answering(pipeline),
            store=store,
            settings=settings,
            boundary=self.boundary,
            handoffs=office.handoffs,
            commands=commands,
        )
        accepted, handler = self.metrics.accepted, self.metrics.around(handler)
        bot = Bot(store=store, handler=handler, settings=settings, worker=self.generator, accepted=accepted)
        desk = Desk(
            bot=bot,
            store=store,
            settings=settings,
            messengers={"slack": self.slack, WEB: self.chat.messenger},
            presses=Presses(store=store, handoffs=office.handoffs, teacher=teacher),
            handoffs=office.handoffs,
            limits=Limits(settings.serve),
        )
        return WebParts(
            settings=settings,
            store=store,
            bot=bot,
            bots=self._bots(pipeline, folder),
            desk=desk,
            learning=Learning(
                loop=office.loop,
                registry=office.registry,
                settings=settings.learning,
                preview=self.preview,
                board=office,
            ),
            documents=Documents(
                uploads=office.uploads,
                fetch=office.fetch,
                ingest=office.ingest,
                search=office.search,
                max_megabytes=MEGABYTES,
            ),
            teacher=teacher,
            encoder=office.encoder,
            handoffs=office.handoffs,
            chat=self.chat,
            rehearse=partial(rehearsed, compose(answering(pipeline), self.boundary, length_limit(settings))),
            installation=Installation(
                file=folder / "burnish.toml",
                pictures=folder / "training" / "pictures",
                examine=self.examine,
                roles_changed=self.roles_changed,
            ),
            facts=lambda: {"waiting": desk.waiting, "failures": self.boundary.failures, **desk.counts},
            metrics=self.metrics,
        )

    def _bots(self, pipeline: Pipeline, folder: Path) -> Bots:
        """Who answers programs; a version that is asked for by name writes what its name is."""

        def bot(handler: Handler) -> Bot:
            around = compose(handler, self.boundary, length_limit(self.settings))
            return Bot(store=self.store, handler=around, settings=self.settings, worker=self.generator)

        def build(versions: Versions) -> Arm:
            self.built.append(versions)
            version = versions[Task.GENERATOR]
            name = "none" if version is None else version.name
            index = folder / f"index-{len(self.built)}"
            generator = ScriptedGenerator(lambda _: f"{REFUNDS} Written by {name}.")
            path = fake_pipeline(self.store.knowledge, index, generator=generator, settings=self.settings)
            return Arm(path=path, versions=versions, generator=generator, aclose=generator.aclose)

        pinned = Pinned(
            build, self.office.registry, serving=lambda: dict.fromkeys(Task), fits=lambda one: one.base == "fits"
        )
        return Bots(active=bot(answering(pipeline)), pinned=pinned, new=bot)
