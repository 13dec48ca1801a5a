"""Runs commands: finds the command, checks who gives it and where, and keeps the audit log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from bot.blocking import run_blocking
from bot.buttons import command as command_button
from bot.cards import safe
from bot.commands.base import LOCAL, Call, Command, Reply, Run, may, spelled
from bot.commands.registry import BY_NAME, nearest, resolve
from bot.config import Settings
from bot.store.store import Store
from bot.texts import language_for, say
from bot.trail import note
from bot.types import Answer, AnswerKind, Outcome, Role, StoredMessage, Trace, Wanted

NAME_CHARACTERS = 40  # of a name that does not exist are repeated
_TEXTS = frozenset(wanted.value for wanted in Wanted)  # commands whose arguments are what a person wrote freely


class Commands:
    """Answers a stored message that is a command; `bot.serving.Commands` is what the message path sees of it."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        runs: Mapping[str, Run],
        misplaced: Mapping[str, Run] | None = None,
        counts: Counter[str] | None = None,
    ) -> None:
        """Keep what carries the commands out.

        Args:
            store: People and the audit log.
            settings: Which language is fixed.
            runs: One for each command of the registry.
            misplaced: What to do, and say besides, when a command is given where it does not work.
            counts: Where to count what happened; by default a counter of its own.

        Raises:
            ValueError: A command has nothing to carry it out, or the other way round: a slip in the program.
        """
        if differing := set(BY_NAME) ^ set(runs):
            raise ValueError(sorted(differing))
        self._store = store
        self._settings = settings
        self._runs = runs
        self._misplaced = misplaced or {}
        self.counts: Counter[str] = (
            Counter() if counts is None else counts
        )  # "commands", "refused", "unknown commands" since the start

    async def __call__(self, stored: StoredMessage, tell: Callable[[str], None] = lambda _: None) -> Answer:
        """Do what a command says.

        It may be called again for the same message after a crash: what a command does is the same done twice.
        """
        person = await run_blocking(self._store.people.get, stored.user_id)
        if person is None:  # forgotten meanwhile
            return _answer(Reply(text=""))
        if stored.message.platform == LOCAL:
            person = replace(person, role=Role.OWNER)
        origin = stored.message.origin
        language = language_for(
            chosen=person.language,
            setting=self._settings.bot.language,
            client=origin.language,
            text=stored.message.text if origin.command in _TEXTS else "",
        )
        call = Call(stored=stored, person=person, language=language, arguments=stored.message.text.strip(), tell=tell)
        self.counts["commands"] += 1
        return _answer(await self._reply(call, resolve(origin.command)))

    async def _reply(self, call: Call, name: str) -> Reply:
        command = BY_NAME.get(name)
        if command is None:
            return self._unknown(call, name)
        if not may(call.person.role, command.least):
            await self._refused(call, command)
            return Reply(text=say("not-allowed", call.language, role=say(f"role-{command.least}", call.language)))
        if call.stored.message.origin.place not in command.places:
            return await self._elsewhere(call, command)
        reply = await self._runs[name](call)
        if reply.refused:
            await self._refused(call, command, reply.did)
        elif reply.did or may(command.least, Role.TRAINER):
            await note(self._store, call.stored.message, name, reply.did)
        return reply

    def _unknown(self, call: Call, name: str) -> Reply:
        self.counts["unknown commands"] += 1
        language, shown = call.language, safe(name[:NAME_CHARACTERS]).replace("`", "")
        near = nearest(name, call.person.role)
        if near is None:
            return Reply(text=say("command-unknown", language, name=shown, help=spelled(call, "help")))
        text = say("command-unknown-near", language, name=shown, near=spelled(call, near), help=spelled(call, "help"))
        alone = BY_NAME[near].alone
        return Reply(text=text, buttons=((command_button(f"/{near}", near),),) if alone else ())

    async def _elsewhere(self, call: Call, command: Command) -> Reply:
        text = say("command-elsewhere", call.language, command=spelled(call, command.name))
        if (besides := self._misplaced.get(command.name)) is not None:
            reply = await besides(call)
            if reply.text:
                await note(self._store, call.stored.message, f"misplaced: {command.name}", reply.did)
                text = f"{text}\n\n{reply.text}"
        return Reply(text=text)

    async def _refused(self, call: Call, command: Command, detail: str = "") -> None:
        self.counts["refused"] += 1
        await note(self._store, call.stored.message, f"refused: {command.name}", detail)


def _answer(reply: Reply) -> Answer:
    trace = Trace(intent=None, passages=(), reason="", query="", draft="", versions={}, timings_ms={})
    return Answer(
        text=reply.text,
        kind=AnswerKind.COMMAND,
        outcome=Outcome.ANSWERED,
        sources=(),
        suggestions=(),
        trace=trace,
        buttons=reply.buttons,
    )
