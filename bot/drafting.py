"""What the generator writes, sentence by sentence, and what of it may be shown."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from bot.grounding import Support
from bot.sentences import SentenceBuffer

ENDS = (".", "!", "?", "…", "。", "！", "？", '"', "”", ")", "）", "`", ":", "：")


@dataclass(slots=True)
class Draft:
    """What the generator wrote so far, and what of it may be shown."""

    text: str = ""
    kept: str = ""
    chosen: int = 0  # number of the extract that it is written from, from 0
    head: float = 0.0  # log odds that the generator gives the passages
    gain: float | None = None  # how much likelier the passages make the question, nats a token
    answerable: float | None = None  # with the generator's own verdict, [0, 1]; None while it has none
    refused: bool = False  # the verdict was too low: nothing is written
    unsure: bool = False  # high enough to answer, too low for the generator's own words
    started: float = 0.0
    first_token_ms: float = 0.0
    check_ms: float = 0.0  # in which sentences were compared with what they were written from, all together
    stopped_by: Support | None = None  # the check that ended the answer
    failed: str = ""  # the generator's error, one sentence
    _gap: str = " "  # before the next sentence
    _lead: str = ""  # a line with a colon that waits for what it leads to

    @property
    def why_not_shown(self) -> str:
        """Why nothing that the generator wrote is shown."""
        if self.failed:
            return self.failed
        if self.unsure:
            return f"the model is not sure that this passage tells (log odds {self.head:.1f})"
        if self.stopped_by is not None:
            return f"what the model wrote is not in the documents ({self.stopped_by.reason})"
        return "the model wrote nothing"

    def keep(self, sentence: str) -> str:
        """Add a checked sentence.

        Args:
            sentence: With the white space that follows it.

        Returns:
            The piece to show; "" for a line that leads to a list, which is shown with what follows it or not at all.
        """
        if sentence.rstrip().endswith((":", "：")):
            self._lead += sentence
            return ""
        text, self._lead = self._lead + sentence, ""
        gap = "" if not self.kept else self._gap
        self._gap = "\n" if "\n" in text[len(text.rstrip()) :] else " "
        piece = f"{gap}{text.strip()}"
        self.kept += piece
        return piece


async def sentences_of(
    stream: AsyncGenerator[str, None], draft: Draft, since: Callable[[float], float]
) -> AsyncGenerator[str, None]:
    """Cut the generator's stream into sentences; closing this closes the stream, which cancels the request."""
    buffer = SentenceBuffer()
    async with aclosing(stream) as pieces:
        async for piece in pieces:
            if draft.refused or draft.unsure:
                return
            draft.first_token_ms = draft.first_token_ms or since(draft.started)
            draft.text += piece
            for sentence in buffer.feed(piece):
                yield sentence
    for sentence in buffer.flush():
        # cut short by a limit: half a sentence may say the opposite of the whole one
        if draft.kept and not sentence.rstrip().endswith(ENDS):
            return
        yield sentence
