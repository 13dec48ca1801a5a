"""The chat page as a front end: its events come in by HTTP, in bot.web.chat."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.frontends.base import Inbox
from bot.frontends.web.hub import Hub
from bot.frontends.web.messenger import WebMessenger
from bot.types import Role


class WebFrontend:
    """The chat page's connection to the desk."""

    def __init__(self, files: Path) -> None:
        """Prepare.

        Args:
            files: Where files lie that people send, until they are taken in.
        """
        self.hub = Hub()
        self.files = files
        self._messenger = WebMessenger(self.hub, files)

    @property
    def messenger(self) -> WebMessenger:
        """What speaks there."""
        return self._messenger

    @property
    def problem(self) -> str:
        """Nothing keeps messages from coming in: the web's server answers, or the program ends."""
        return ""

    @property
    def rejected(self) -> int:
        """Requests without a session, or forged, are refused before they come here."""
        return 0

    async def show_roles(self, people: Sequence[tuple[str, Role, str]]) -> None:
        """A page shows what its reader may do whenever it is opened."""

    async def start(self, desk: Inbox) -> None:
        """The web's server brings events to the desk itself."""

    async def stop(self) -> None:
        """The web's server stops after everything else."""

    async def aclose(self) -> None:
        """Let all pages go: a server that waits for them would wait in vain."""
        self.hub.close()
