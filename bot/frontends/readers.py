"""Lines typed at a prompt, or piped in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory

from bot.blocking import run_blocking


class PromptReader:
    """A prompt with line editing and history; the history comes from the store, so no second copy lies on the disk."""

    def __init__(self, history: Iterable[str]) -> None:
        self._session: PromptSession[str] = PromptSession(history=InMemoryHistory(list(history)))

    async def read(self, prompt: str) -> str | None:
        """The next line; None at Ctrl-D."""
        try:
            return await self._session.prompt_async(prompt)
        except EOFError:
            return None


class PipeReader:
    """Lines of a stream that is not a terminal; prompts are not shown."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    async def read(self, prompt: str) -> str | None:  # noqa: ARG002 - a pipe needs no prompt
        """The next line; None at the end."""
        line = await run_blocking(self._stream.readline)
        return line.rstrip("\r\n") if line else None
