"""The terminal front end: streams answers, shows sources, takes ratings; typed or piped."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import re
import signal
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from rich.console import Console
from rich.status import Status
from rich.text import Text

from bot.commands.registry import BY_NAME, NAMES, menu, parse
from bot.frontends.terminal_view import (
    HELP,
    explanation,
    full_sources,
    reason_menu,
    reason_named,
    show_answer_end,
    show_command,
)
from bot.pipeline import Delta, Progress, Searching, Writing
from bot.service import Answered, Bot
from bot.types import (
    AnswerKind,
    Correction,
    Message,
    Origin,
    Outcome,
    Rating,
    RatingReason,
    RatingValue,
    Role,
    StoredAnswer,
    StoredMessage,
)

PLATFORM = "console"
CHANNEL = "terminal"
_COLON = re.compile("[:\N{FULLWIDTH COLON}]")


class Reader(Protocol):
    """Where the lines come from."""

    async def read(self, prompt: str) -> str | None:
        """The next line without its end; None at the end of input.

        Raises:
            KeyboardInterrupt: Ctrl-C at the prompt.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who sits at the terminal."""

    sender: str  # the system's user name
    name: str


class Terminal:
    """One person's chat with the bot."""

    def __init__(
        self,
        *,
        bot: Bot,
        person: Person,
        reader: Reader,
        out: Console,
        interactive: bool,
        commands: bool = False,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Keep what is needed.

        Args:
            bot: Whom the person talks to.
            person: Who sits there.
            reader: Where the lines come from.
            out: Where everything is shown.
            interactive: Whether it is a terminal, not a pipe.
            commands: Whether the bot carries out the commands of bot.commands; a few the terminal has of its own.
            now: Gives the time.
        """
        self._bot = bot
        self._person = person
        self._reader = reader
        self._out = out
        self._interactive = interactive
        self._registry = commands
        self._now = now
        self._last: StoredAnswer | None = None
        self._user_id = 0
        self._commands: dict[str, Callable[[], Awaitable[None]]] = {
            "/help": self._help,
            "/why": self._why,
            "/sources": self._sources,
            "/new": self._new,
        }

    async def run(self) -> None:
        """Talk until the end of input or /quit."""
        await self._catch_up()
        while True:
            try:
                line = await self._reader.read("> ")
            except KeyboardInterrupt:
                self._hint("Ctrl-D or /quit leaves.")
                continue
            if line is None or line.strip() in {"/quit", "/exit"}:
                return
            if line.strip():
                await self._take(line.strip())

    # -- one line

    async def _take(self, line: str) -> None:
        if not self._interactive:
            self._out.print(Text(f"> {line}", style="bold"))
        if line in self._commands:
            await self._commands[line]()
        elif line == "+":
            await self._rate_up()
        elif line == "-" or line.startswith("- "):
            await self._rate_down(line[1:].strip())
        elif line.startswith("/"):
            await self._command(line)
        else:
            await self._ask(self._picked(line) or line)
        self._out.print()

    async def _command(self, line: str) -> None:
        name, rest = parse(line, explicit=True) or ("", "")
        if f"/{name}" in self._commands:  # by another of its names
            await self._commands[f"/{name}"]()
        elif self._registry and name in BY_NAME:
            await self._ask(rest, command=name)
        else:
            self._hint(self._no_command(line.split(maxsplit=1)[0]))

    def _no_command(self, named: str) -> str:
        known = {name.removeprefix("/") for name in self._commands}.union(NAMES if self._registry else ())
        near = difflib.get_close_matches(named.removeprefix("/").lower(), sorted(known), n=1)
        meant = f"; did you mean /{near[0]}?" if near else ";"
        return f"There is no command {named}{meant} /help lists them."

    def _picked(self, line: str) -> str | None:
        suggestions = self._last.answer.suggestions if self._last else ()
        if line.isdecimal() and 1 <= int(line) <= len(suggestions):
            return suggestions[int(line) - 1]
        return None

    async def _ask(self, text: str, *, command: str = "") -> None:
        message = Message(
            platform=PLATFORM,
            event_id=uuid.uuid4().hex,
            channel=CHANNEL,
            thread="",
            sender=self._person.sender,
            sender_name=self._person.name,
            text=text,
            received_at=self._now(),
            origin=Origin(command=command),
        )
        stored = await self._bot.accept(message)
        if stored is not None:
            await self._answer(stored)

    async def _answer(self, stored: StoredMessage) -> None:
        self._user_id = stored.user_id
        if not await _interruptible(self._show_reply(stored)):
            await self._bot.drop(stored)
            self._out.print()
            self._hint("Stopped.")
            if not self._interactive:
                raise KeyboardInterrupt

    async def _show_reply(self, stored: StoredMessage) -> None:
        shown, ended = "", False
        with contextlib.ExitStack() as stack:
            status = stack.enter_context(self._status("looking it up")) if self._interactive else None
            async with aclosing(self._bot.reply(stored)) as events:
                async for event in events:
                    if isinstance(event, Writing) and status:
                        status.update(f"reading {event.passages} passages")
                    elif isinstance(event, Progress) and status:
                        status.update(event.text)
                    elif isinstance(event, Delta):
                        stack.close()
                        shown += event.text
                        self._write(event.text)
                    elif isinstance(event, Answered):
                        stack.close()
                        ended = True
                        await self._show_end(event.stored, shown)
                    elif not isinstance(event, Searching | Writing | Progress):
                        raise TypeError(event)
        if not ended:  # the message is gone, and whoever wrote it
            self._last, self._user_id = None, 0
            self._hint("Erased: nothing is kept of you any more.")

    async def _show_end(self, stored: StoredAnswer, shown: str) -> None:
        answer = stored.answer
        if answer.kind is AnswerKind.COMMAND:
            show_command(self._out, answer, interactive=self._interactive)
            await self._bot.delivered(stored.id)
            return
        if not answer.text.startswith(shown):  # the error boundary's apology, after a part of an answer
            self._out.print()
        self._write(answer.text.removeprefix(shown))
        self._out.print()
        show_answer_end(self._out, answer)
        self._last = stored
        await self._bot.delivered(stored.id)
        if self._interactive and answer.outcome is Outcome.ANSWERED and answer.sources:
            self._hint("  + good   - not good   /why")

    async def _catch_up(self) -> None:
        """Deliver what a crash left: answers not shown yet, messages not answered yet."""
        self._user_id = await self._bot.user_id(platform=PLATFORM, sender=self._person.sender) or 0
        whose = {"platform": PLATFORM, "sender": self._person.sender}
        for answer in await self._bot.undelivered(**whose):
            self._resumed(answer.question)
            await self._show_end(answer, "")
        for stored in await self._bot.pending(**whose):
            self._resumed(stored.message.text)
            await self._answer(stored)

    def _resumed(self, question: str) -> None:
        self._hint("You asked this before I was stopped:")
        self._out.print(Text(f"> {question}", style="bold"))

    # -- commands

    async def _help(self) -> None:
        self._out.print(Text(HELP))
        if self._registry:
            own = {name.removeprefix("/") for name in self._commands}
            rest = [(name, text) for name, text in menu("en", Role.OWNER) if name not in own]
            self._out.print(Text("\n" + "\n".join(f"  /{name:<11} {text}" for name, text in rest)))

    async def _why(self) -> None:
        self._out.print(explanation(self._last) if self._last else self._nothing_yet())

    async def _sources(self) -> None:
        self._out.print(full_sources(self._last.answer) if self._last else self._nothing_yet())

    async def _new(self) -> None:
        await self._bot.new_conversation(platform=PLATFORM, channel=CHANNEL)
        self._last = None
        self._hint("A new conversation: I no longer refer to what was said before.")

    # -- ratings

    async def _rate_up(self) -> None:
        if self._last is None:
            self._out.print(self._nothing_yet())
            return
        await self._bot.rate(Rating(answer_id=self._last.id, user_id=self._user_id, value=RatingValue.UP))
        self._hint("Thank you, noted as good.")

    async def _rate_down(self, inline: str) -> None:
        if self._last is None:
            self._out.print(self._nothing_yet())
            return
        answer_id, user_id = self._last.id, self._user_id
        # Stored before the follow-up: whoever leaves now has still been heard.
        await self._bot.rate(Rating(answer_id=answer_id, user_id=user_id, value=RatingValue.DOWN))
        reason, correction = parse_complaint(inline)
        if not inline and self._interactive:
            self._hint(f"Noted. What was wrong?  {reason_menu()}  (Enter skips)")
            reason, correction = await self._follow_up()
        if reason is not None:
            await self._bot.rate(Rating(answer_id=answer_id, user_id=user_id, value=RatingValue.DOWN, reason=reason))
        if correction:
            await self._bot.correct(Correction(answer_id=answer_id, user_id=user_id, text=correction))
        self._hint(_thanks(reason, correction))

    async def _follow_up(self) -> tuple[RatingReason | None, str]:
        said = await self._reply_to("what was wrong> ")
        reason = reason_named(said)
        if reason is None and said:
            return RatingReason.OTHER, said
        self._hint("What would have been the right answer?  (Enter skips)")
        return reason, await self._reply_to("right answer> ")

    async def _reply_to(self, prompt: str) -> str:
        try:
            return (await self._reader.read(prompt) or "").strip()
        except KeyboardInterrupt:
            return ""

    # -- output

    def _write(self, text: str) -> None:
        self._out.print(Text(text), end="", soft_wrap=not self._interactive)

    def _hint(self, text: str) -> None:
        self._out.print(Text(text, style="dim"))

    def _status(self, text: str) -> Status:
        return self._out.status(Text(text, style="dim"), spinner="dots")

    @staticmethod
    def _nothing_yet() -> Text:
        return Text("There is no answer yet to speak of; ask something first.", style="dim")


def parse_complaint(inline: str) -> tuple[RatingReason | None, str]:
    """Read what follows a `-` on the same line: a reason by number or words, a correction, or both.

    Returns:
        The reason (None if none was named) and the correction ("" if none was given).
    """
    head, *tail = _COLON.split(inline, maxsplit=1)
    if (reason := reason_named(head)) is not None:
        return reason, "".join(tail).strip()
    first, _, rest = inline.partition(" ")
    if first.isdecimal() and (reason := reason_named(first)) is not None:
        return reason, rest.strip()
    return None, inline.strip()


def _thanks(reason: RatingReason | None, correction: str) -> str:
    said = f"Thank you, noted as not good{f' ({reason.value})' if reason else ''}."
    return f"{said} Your answer is kept for an admin to approve." if correction else said


async def _interruptible(work: Coroutine[Any, Any, None]) -> bool:
    """Run work; Ctrl-C cancels it instead of the program. False if it was cancelled."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    except NotImplementedError:  # Windows has no such handlers: Ctrl-C ends the program there
        await task
        return True
    try:
        await task
    except asyncio.CancelledError:
        if (current := asyncio.current_task()) is not None and current.cancelling():
            raise
        return False
    finally:
        loop.remove_signal_handler(signal.SIGINT)
    return True
