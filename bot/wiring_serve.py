"""The composition root of `burnish serve`: the desk with its front ends, built anew whenever the settings change."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bot.blocking import run_blocking
from bot.commands.build import Parts as CommandParts
from bot.commands.build import all_commands
from bot.commands.knowledge import Documents
from bot.commands.learning import Learning
from bot.commands.runner import Commands
from bot.commands.status import Facts
from bot.commands.users import example_questions
from bot.config import ServeSettings, Settings
from bot.desk import Desk
from bot.doctor import examine
from bot.frontends.base import Frontend, Messenger
from bot.frontends.web.frontend import WebFrontend
from bot.handoff import Handoffs
from bot.learning.live import LivePath
from bot.learning.settling import PICTURES
from bot.learning.yielding import Answering
from bot.limits import Limits
from bot.logs import log_to
from bot.middleware import ErrorBoundary, RunCommand, Tell
from bot.one_shot import rehearsed
from bot.presses import Presses
from bot.serve import Parts
from bot.service import Bot
from bot.serving import conversing, served
from bot.store.store import Store
from bot.teaching import KnowledgeTeacher
from bot.types import Answer, StoredMessage
from bot.web.api.bots import Bots
from bot.web.app import create_app
from bot.web.parts import Installation, WebParts
from bot.wiring import Progress, Wiring
from bot.wiring_api import api_bots
from bot.wiring_home import Home
from bot.wiring_learning import LearningSide, Together, asker, learning_side
from bot.wiring_live import Arms, Generators, alone, live_path
from bot.wiring_web import Watching, readiness, watching
from knowledge.ingest import IngestReport
from knowledge.retrieve import KnowledgeBase
from knowledge.types import DEFAULT_COLLECTION, Passage

ROLE_COMMANDS = frozenset({"claim", "grant", "revoke"})


class Serving:
    """What is being served with; the models stay loaded while their settings stay the same."""

    def __init__(
        self, wiring: Wiring, *, say: Callable[[str], None], invite: Callable[[Store], str] = lambda _: ""
    ) -> None:
        """Begin with the settings that the program was started with.

        Args:
            wiring: Of these settings.
            say: Shows a line to whoever started the program.
            invite: Makes the code of a login link for them, "" for none; blocks.
        """
        self._invite = invite
        self._wiring = wiring
        self._notice = say
        self._store: Store | None = None
        self._generators = Generators()
        self._live: LivePath | None = None
        self._learning: LearningSide | None = None
        self._bots: Bots | None = None
        self._watching: Watching | None = None
        self._started = time.monotonic()
        log_to(wiring.folders.home / "logs")

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self._wiring.settings

    async def use(self, settings: Settings) -> None:
        """Build with other settings from now on."""
        before, self._wiring = self._wiring, replace(self._wiring, settings=settings)
        await self._stop_apart()
        if settings.models == before.settings.models:
            self._wiring.__dict__["encoder"] = before.encoder  # where the cached property looks first
        elif self._live is not None:
            await self._live.aclose()
            self._live, self._generators = None, Generators()
        if self._store is not None:
            await run_blocking(self._store.close)
            self._store = None

    async def parts(self) -> Parts:
        """Build everything."""
        before = self._live
        try:
            built = await run_blocking(self._build)
        finally:
            if before is not None:  # now, so that a generator which goes on serving is never let go of
                await before.aclose()
        if self._live is not None:
            self._live.start()
        if self._learning is not None:
            await self._learning.start()
        return built

    async def aclose(self) -> None:
        """Stop training and the generators, and close the store."""
        await self._stop_apart()
        if self._live is not None:
            await self._live.aclose()
        if self._store is not None:
            await run_blocking(self._store.close)

    async def _stop_apart(self) -> None:
        if self._learning is not None:
            await self._learning.stop()
            self._learning = None
        if self._bots is not None:
            await self._bots.pinned.aclose()
            self._bots = None
        if self._watching is not None:
            await self._watching.aclose()
            self._watching = None

    def _build(self) -> Parts:
        wiring, settings = self._wiring, self._wiring.settings
        store = self._store = wiring.open_store()
        watched = self._watching = watching(settings, store)
        arms = Arms(wiring, store, self._generators)
        live = self._live = live_path(wiring, store, arms=arms, notice=self._say)
        chat = WebFrontend(wiring.folders.home / "web-files")
        frontends = (*self._front_ends(store, settings), chat)
        messengers = {one.messenger.platform: one.messenger for one in frontends}
        handoffs = Handoffs(store, settings.serve, language=settings.bot.language, platforms=settings.serves)
        teacher = KnowledgeTeacher(store.knowledge, wiring.encoder)
        boundary = ErrorBoundary(settings)
        desk: Desk  # made last: it is given what speaks of it

        async def speak() -> None:
            await desk.send_posts()

        documents = _Documents(wiring, store, messengers)
        answering = Answering()
        self._learning = learning_side(
            wiring, store, search=documents.search, messengers=messengers, speak=speak, busy=answering.busy
        )
        commands = _commands(
            wiring,
            store,
            handoffs=handoffs,
            documents=documents,
            learning=self._learning.commands,
            facts=lambda: self._facts(desk, boundary),
        )
        menus = _Menus(store, frontends)
        handler = served(
            answering.around(conversing(live)),
            store=store,
            settings=settings,
            boundary=boundary,
            handoffs=handoffs,
            commands=menus.after(commands),
        )
        handler, accepted = watched.around(handler), watched.metrics.accepted
        bot = Bot(store=store, handler=handler, settings=settings, worker=live, accepted=accepted)
        desk = Desk(
            bot=bot,
            store=store,
            settings=settings,
            messengers=messengers,
            presses=Presses(store=store, handoffs=handoffs, teacher=teacher),
            handoffs=handoffs,
            limits=Limits(settings.serve),
            asker=asker(wiring, store),
        )
        bots = self._bots = api_bots(
            wiring, store, live, arms.build, boundary=boundary, answering=answering, watching=watched
        )
        listening: set[str] = set()
        web = WebParts(
            settings=settings,
            store=store,
            bot=bot,
            bots=bots,
            desk=desk,
            learning=self._learning.commands,
            documents=documents.documents(),
            teacher=teacher,
            encoder=wiring.encoder,
            handoffs=handoffs,
            chat=chat,
            rehearse=partial(rehearsed, alone(wiring, live)),
            installation=_installation(wiring, menus),
            facts=lambda: {**self._facts(desk, boundary), **commands.counts, **_troubles(frontends)},
            metrics=watched.metrics,
            telemetry=watched.telemetry,
            tokens=self._generators.tokens,
            readiness=readiness(
                store,
                arms=arms,
                generators=self._generators,
                frontends=frontends,
                listening=listening,
                schedule=self._learning.schedule,
            ),
        )
        return Parts(
            desk=desk,
            frontends=frontends,
            listen=settings.serve.listen,
            app=create_app(web),
            trusted_proxy=settings.web.trusted_proxy,
            public_url=settings.web.public_url,
            invite=lambda: self._invite(store),
            started=menus.show,
            listening=listening,
        )

    def _front_ends(self, store: Store, settings: Settings) -> tuple[Frontend, ...]:
        """One for each platform that is set up."""
        found: list[Frontend] = []
        language = settings.bot.language
        if "telegram" in settings.serves:
            from bot.frontends.telegram.frontend import TelegramFrontend

            found.append(TelegramFrontend(settings.telegram, language=language, notice=self._say))
        if "slack" in settings.serves:
            from bot.frontends.slack.frontend import SlackFrontend

            home = Home(store, self._wiring)
            examples = example_questions(store, language)
            found.append(SlackFrontend(settings.slack, language=language, examples=examples, home=home.of))
        return tuple(found)

    def _say(self, problem: str) -> None:
        if problem:
            self._notice(problem)

    def _facts(self, desk: Desk, boundary: ErrorBoundary) -> Mapping[str, int | str]:
        return {
            "up minutes": round((time.monotonic() - self._started) / 60),
            "waiting": desk.waiting,
            "failures": boundary.failures,
            **desk.counts,
        }


def terminal_bot(wiring: Wiring) -> tuple[Bot, LivePath]:
    """The bot of one terminal, with the commands of the chat platforms; log lines go to a file from here on.

    Returns:
        The bot, and its message path, to be started.
    """
    log_to(wiring.folders.home / "logs")
    settings, store = wiring.settings, wiring.open_store()
    try:
        live = live_path(wiring, store)
        documents = _Documents(wiring, store, {})
        learning = learning_side(wiring, store, search=documents.search)
        # no team: what people reply would not reach a terminal
        handoffs = Handoffs(store, ServeSettings(), language=settings.bot.language, platforms=())
        handler = served(
            conversing(live),
            store=store,
            settings=settings,
            boundary=ErrorBoundary(settings),
            handoffs=handoffs,
            commands=_commands(
                wiring, store, handoffs=handoffs, documents=documents, learning=learning.commands, facts=dict
            ),
        )
        worker = Together(learning.loop.stop, live)
        return Bot(store=store, handler=handler, settings=settings, worker=worker), live
    except BaseException:
        store.close()
        raise


def _commands(
    wiring: Wiring, store: Store, *, handoffs: Handoffs, documents: _Documents, learning: Learning, facts: Facts
) -> Commands:
    return all_commands(
        CommandParts(
            store=store,
            settings=wiring.settings,
            handoffs=handoffs,
            teacher=KnowledgeTeacher(store.knowledge, wiring.encoder),
            encoder=wiring.encoder,
            documents=documents.documents(),
            facts=facts,
            learning=learning,
        )
    )


class _Documents:
    """How commands take documents in and search them."""

    def __init__(self, wiring: Wiring, store: Store, messengers: Mapping[str, Messenger]) -> None:
        self._wiring = wiring
        self._store = store
        self._messengers = messengers
        self._base: KnowledgeBase | None = None

    def documents(self) -> Documents:
        """What the commands need."""
        return Documents(
            uploads=self._wiring.folders.home / "uploads",
            fetch=self._fetch,
            ingest=self._ingest,
            search=self.search,
            max_megabytes=self._wiring.settings.knowledge.max_file_megabytes,
        )

    async def _fetch(self, platform: str, file_id: str) -> bytes:
        return await self._messengers[platform].fetch(file_id)

    def _ingest(self, named: Sequence[str], progress: Progress) -> IngestReport:
        return self._wiring.ingest(named, collection=DEFAULT_COLLECTION, progress=progress)

    def search(self, query: str) -> Sequence[Passage]:
        """Find passages. Blocks."""
        if self._base is None:
            self._base = self._wiring.open_knowledge(self._store)
        self._base.refresh()
        return self._base.search(query, self._wiring.encoder.encode([query])[0])


class _Menus:
    """Shows people with a role their commands in the platform's menu; again whenever somebody's role changes."""

    def __init__(self, store: Store, frontends: Sequence[Frontend]) -> None:
        self._store = store
        self._frontends = frontends

    async def show(self) -> None:
        """Show everybody theirs."""
        people = await run_blocking(self._store.people.list)
        for frontend in self._frontends:
            platform = frontend.messenger.platform
            roles = [(one.platform_user_id, one.role, one.language) for one in people if one.platform == platform]
            await frontend.show_roles(roles)

    def after(self, commands: RunCommand) -> RunCommand:
        """The commands, with the menus put right after those that change a role."""

        async def run(stored: StoredMessage, tell: Tell) -> Answer:
            answer = await commands(stored, tell)
            if stored.message.origin.command in ROLE_COMMANDS:
                await self.show()
            return answer

        return run


def _installation(wiring: Wiring, menus: _Menus) -> Installation:
    return Installation(
        file=wiring.folders.file,
        pictures=wiring.folders.training / PICTURES,
        examine=lambda: examine(wiring),
        roles_changed=menus.show,
    )


def _troubles(frontends: Sequence[Frontend]) -> dict[str, int | str]:
    """What keeps messages from coming in, and how many requests were turned away."""
    found: dict[str, int | str] = {}
    for frontend in frontends:
        platform = frontend.messenger.platform
        if frontend.problem:
            found[f"{platform} problem"] = frontend.problem
        if frontend.rejected:
            found[f"{platform} requests refused"] = frontend.rejected
    return found
