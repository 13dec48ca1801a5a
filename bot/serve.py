"""`burnish serve`: everything that is configured, in one process, until it is told to stop.

SIGTERM or Ctrl-C: no more events are taken, what is in hand is finished, what waits stays in the store. SIGHUP: the
settings are read again; if they are sound and others, the same happens, and everything starts anew with them. What
cannot be served with, a wrong token say, raises here, and bot.cli.serve goes back to what served before.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.types import ASGIApp

from bot.blocking import run_blocking
from bot.desk import Desk
from bot.frontends.base import Frontend, PlatformError, ThrottledError, UnreachableError
from bot.frontends.delivery import patiently
from bot.http import HttpServer
from bot.store.people import WEB

log = logging.getLogger(__name__)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What one set of settings serves with."""

    desk: Desk
    frontends: Sequence[Frontend]
    listen: str  # of the web
    app: ASGIApp  # the web
    trusted_proxy: str
    public_url: str  # by which people reach it; "" if that is where it listens
    invite: Callable[[], str]  # the code of a login link for whoever started the program, "" for none; blocks
    started: Callable[[], Awaitable[None]]  # what is to be done once a platform is connected
    listening: set[str] = field(default_factory=set)  # the platforms that are connected; the server adds them

    def address(self, port: int) -> str:
        """By which people reach the web, without a slash at the end; port 0 in `listen` is the one that was taken."""
        return self.public_url.rstrip("/") or f"http://{self.listen.rpartition(':')[0]}:{port}"


class Server:
    """Runs the parts until a signal."""

    def __init__(self, parts: Parts, *, say: Say) -> None:
        """Keep the parts.

        Args:
            parts: Started and stopped here.
            say: Shows a line to whoever started the program.
        """
        self._parts = parts
        self._say = say
        self._ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def end(self) -> None:
        """Come to an end; again does nothing."""
        if not self._ending.done():
            self._ending.set_result(None)

    async def run(self) -> None:
        """Serve until `end`.

        Raises:
            PlatformError: A token is wrong, or a platform cannot be reached for a quarter of an hour.
            ListenError: The web's address is taken.
        """
        web = HttpServer(
            self._parts.app,
            self._parts.listen,
            setting="serve.listen",
            trusted_proxy=self._parts.trusted_proxy,
        )
        starting: list[asyncio.Task[None]] = []
        try:
            await self._parts.desk.start()  # first what the last run left, so that nothing new overtakes it
            await web.start()
            await self._welcome(self._parts.address(web.port))
            starting += [asyncio.create_task(self._start(frontend)) for frontend in self._parts.frontends]
            await self._until_the_end(starting)
        finally:
            await self._stop(starting)
            await web.stop()

    async def _welcome(self, address: str) -> None:
        self._say(f"Chat page: {address}/")
        code = await run_blocking(self._parts.invite)
        if code:
            self._say(
                f"Dashboard: {address}/login?code={code} (works once, within 15 minutes; `burnish login` gives more)"
            )
        else:
            self._say("Dashboard: `burnish login` on this server prints a link that opens it.")

    async def _until_the_end(self, starting: Sequence[asyncio.Task[None]]) -> None:
        waiting: set[asyncio.Future[None]] = {self._ending, *starting}
        while not self._ending.done():
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # a front end that cannot start ends the program
            waiting -= done

    async def _start(self, frontend: Frontend) -> None:
        name = frontend.messenger.platform
        told = False

        async def start() -> None:
            nonlocal told
            try:
                await frontend.start(self._parts.desk)
            except (UnreachableError, ThrottledError):
                if not told:
                    told = True
                    log.warning("not reached", extra={"action": "platform-unreachable", "platform": name})
                    self._say(f"{name}: cannot be reached; trying again until it can")
                raise

        await patiently(start)
        self._parts.listening.add(name)
        log.info("listening", extra={"action": "listening", "platform": name})
        if name != WEB:  # its address is said
            self._say(f"{name}: listening")
        await self._parts.started()

    async def _stop(self, starting: Sequence[asyncio.Task[None]]) -> None:
        for task in starting:
            task.cancel()
        if starting:
            await asyncio.wait(starting)
        for frontend in self._parts.frontends:
            with suppress(PlatformError):
                await frontend.stop()
        await self._parts.desk.stop()
        for frontend in self._parts.frontends:
            with suppress(PlatformError):
                await frontend.aclose()


def on_signals(stop: Callable[[], None], reload: Callable[[], None]) -> None:
    """Call these in the running loop: SIGTERM and SIGINT stop, SIGHUP reads the settings again."""
    loop = asyncio.get_running_loop()
    for name, act in (("SIGTERM", stop), ("SIGINT", stop), ("SIGHUP", reload)):
        with suppress(NotImplementedError, AttributeError):  # Windows
            loop.add_signal_handler(getattr(signal, name), act)
