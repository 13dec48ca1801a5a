"""Tokens to text, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

_REPLACEMENT: Final = "\ufffd"  # what a decoder gives for the first bytes of a character that is not complete
_LONGEST_HELD: Final = 48  # characters; a longer run (a URL, a table rule) is given out before it ends
# A word in the making at the end: no white space and no character of a script that writes without spaces.
_OPEN_WORD: Final = re.compile(r"[^\s\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]+\Z")


class Detokenizer:
    """Turns a growing row of tokens into pieces of text that never need to be taken back.

    A piece ends with a whole character and a whole word: some tokens are only parts of a character's bytes, and a
    token's text can depend on the one before it, so a short overlap is decoded again each time.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._tokens: list[int] = []
        self._context = 0  # decoding starts here: the last token that was given out whole
        self._done = 0  # tokens before this one are in `_held` or were given out
        self._held = ""

    def push(self, token: int) -> str:
        """Add a token; returns the text that is certain now, often ""."""
        self._tokens.append(token)
        known = self._decode(self._tokens[self._context : self._done])
        text = self._decode(self._tokens[self._context :])
        if len(text) > len(known) and not text.endswith(_REPLACEMENT):
            self._held += text[len(known) :]
            self._context, self._done = self._done, len(self._tokens)
        word = _OPEN_WORD.search(self._held)
        cut = len(self._held) if word is None or len(word[0]) > _LONGEST_HELD else word.start()
        piece, self._held = self._held[:cut], self._held[cut:]
        return piece

    def finish(self) -> str:
        """Give out what was held back; bytes that never became a character are left out."""
        known = self._decode(self._tokens[self._context : self._done])
        rest = self._decode(self._tokens[self._context :])[len(known) :].rstrip(_REPLACEMENT)
        piece, self._held = self._held + rest, ""
        self._context = self._done = len(self._tokens)
        return piece
