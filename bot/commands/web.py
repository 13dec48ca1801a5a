"""`login`: from a chat platform to the same person's page and dashboard in the browser."""

from __future__ import annotations

from collections.abc import Mapping

from bot.blocking import run_blocking
from bot.commands.base import LOCAL, Call, Reply, Run, may
from bot.config import Settings
from bot.store.people import WEB
from bot.store.store import Store
from bot.texts import say
from bot.types import Role
from bot.web.links import is_local, login_link


class WebCommands:
    """What leads to the web."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"login": self.login}

    async def login(self, call: Call) -> Reply:
        """Give a link by which this person, and nobody else, logs in once."""
        if call.person.platform == WEB:
            return Reply(text=say("login-there", call.language))
        if call.person.platform == LOCAL:
            return Reply(text=say("login-local", call.language))
        code = await run_blocking(self._link, call.person.id)
        staff = may(call.person.role, Role.TRAINER)
        text = say("login-link" if staff else "login-link-user", call.language, link=login_link(self._settings, code))
        if is_local(self._settings):
            text = f"{text}\n\n{say('login-on-server', call.language)}"
        return Reply(text=text)

    def _link(self, user_id: int) -> str:
        person = self._store.people.on_web(user_id)
        if person is None:
            raise LookupError(user_id)
        return self._store.sessions.issue_link(person.id)
