"""Personal data in what people wrote is masked before it is learned from."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import count
from typing import Any, Final

from training.splits import feedback_side


class Personal(StrEnum):
    """What is masked; its value is what stands in its place."""

    LINK = "LINK"  # an address that carries a password or a token
    SECRET = "SECRET"  # noqa: S105 - a kind of text, no password
    EMAIL = "EMAIL"
    IBAN = "IBAN"
    CARD = "CARD"
    IP = "IP"
    PHONE = "PHONE"  # and other numbers of as many digits: that of an order looks the same
    NAME = "NAME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Where personal data stands in a text."""

    start: int
    end: int
    kind: Personal


# Where two kinds overlap, the first one here gives the name; what is masked is both together.
_ORDER: Final = tuple(Personal)
# Regions whose national phone numbers are recognised without "+" and country code.
_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "IN", "CN", "BR", "AU", "IL")
_LINKS: Final = (
    r"\b[a-z][a-z0-9+.-]*://[^\s/@:]+:[^\s/@]+@\S+",
    r"\bhttps?://\S+[?&#](?:[a-z_-]*(?:token|secret|password|passwd|signature|api_?key|auth|code|sig|key))=\S+",
)
_SECRETS: Final = (
    r"\b(?:xox[abeprs]-|xapp-|gh[oprsu]_|github_pat_|[sprw]k_(?:live|test)_|AKIA|AIza|glpat-)[\w-]{8,}",
    r"\bsk-[\w-]{16,}",
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+",  # a JSON web token
    r"\b\d{6,12}:[A-Za-z0-9_-]{30,}",  # a Telegram bot's token
)
# What the library leaves out: numbers that are valid nowhere, but were written as somebody's number.
_PHONES: Final = (
    r"(?<![\w+])\+\d[\d ().\-/]{6,18}\d(?:\s?x\d{1,6})?",
    (
        r"(?i)(?<=(?:phone|mobile|cell|tel|fax|desk|office|call|text)(?:\s*(?:number|no\.?|is|at|me|on|:)){0,3}\s*)"
        r"[(\d][\d ().\-/]{5,18}\d"
    ),
    r"(?<=(?:手机|电话|電話|手機)\D{0,4})\d[\d -]{5,14}\d",
)
_LONG_NUMBERS: Final = (r"(?<![\w.,])\d{12,19}(?![\w])",)  # of cards, accounts, and whatever else has so many digits
_MENTIONS: Final = re.compile(r"<@[A-Z0-9]+(?:\|[^>]*)?>|(?<![\w@./])@[A-Za-z][\w.]{3,31}\b")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LEAST_LETTERS: Final = 3  # of a name's part that is masked by itself; "Al" and "Bo" are too much like words


class Masker:
    """Finds e-mail addresses, phone, card and bank numbers, IP addresses, secrets, and names of people it is told of.

    Made once for many texts; making the first one takes seconds. Nothing asks the network.
    """

    def __init__(self, names: Iterable[str] = (), *, words: Collection[str] = ()) -> None:
        """Keep the names.

        Args:
            names: Of everybody who ever wrote, as the platforms show them.
            words: Lower-case words of the documents: a part of a name that is one of them is not masked by itself, so
                that "Mark the invoice as paid" stays what it is where somebody is called Mark.
        """
        known = [unicodedata.normalize("NFC", name).strip() for name in names]
        whole = {name for name in known if len(_WORD.findall(name)) > 1 or len(_HAN.findall(name)) > 1}
        parts = {part for name in known for part in _WORD.findall(name) if _stands_alone(part, words)}
        self._whole = _any_of(whole, flags=re.IGNORECASE)
        self._parts = _any_of(parts)

    def find(self, text: str) -> tuple[Found, ...]:
        """Find what is personal, by place; pieces that touch or overlap are one."""
        found = [*_by_pattern(text), *self._names(text)]
        joined: list[Found] = []
        for one in sorted(found, key=lambda each: (each.start, -each.end)):
            last = joined[-1] if joined else None
            if last is None or one.start >= last.end:
                joined.append(one)
                continue
            kind = min(last.kind, one.kind, key=_ORDER.index)
            joined[-1] = Found(start=last.start, end=max(last.end, one.end), kind=kind)
        return tuple(joined)

    def mask(self, text: str, *, public: str = "") -> str:
        """Put a word in angle brackets in the place of what is personal.

        Args:
            text: What a person or the bot wrote.
            public: What the documents say: an address that stands there is nobody's secret, and the answer needs it.
        """
        return self._masked(text, "<{}>", public=public)

    def question(self, text: str) -> str:
        """Mask a question so that it stays on the side of its original (training.splits): for ever, whoever joins."""
        side = feedback_side(text)
        plain = self.mask(text)
        if plain == text or feedback_side(plain) is side:
            return plain
        tries = (self._masked(text, f"<{{}} {number}>") for number in count(1))
        return next(masked for masked in tries if feedback_side(masked) is side)

    def _masked(self, text: str, word: str, *, public: str = "") -> str:
        pieces: list[str] = []
        after = 0
        for one in self.find(text):
            value = text[one.start : one.end]
            pieces += (text[after : one.start], value if public and value in public else word.format(one.kind.value))
            after = one.end
        return "".join((*pieces, text[after:]))

    def _names(self, text: str) -> list[Found]:
        patterns = (_MENTIONS, self._whole, self._parts)
        spans = (match.span() for pattern in patterns for match in pattern.finditer(text))
        return [Found(start=start, end=end, kind=Personal.NAME) for start, end in spans]


def _stands_alone(part: str, words: Collection[str]) -> bool:
    return len(part) >= _LEAST_LETTERS and part[:1].isupper() and not _HAN.search(part) and part.casefold() not in words


def _any_of(texts: Collection[str], *, flags: int = 0) -> re.Pattern[str]:
    """Matches any of some texts as whole words, the longest first; no text at all matches nothing."""
    if not texts:
        return re.compile(r"(?!)")
    ordered = sorted(texts, key=lambda text: (-len(text), text))
    return re.compile("|".join(map(_bounded, ordered)), flags)


def _bounded(text: str) -> str:
    """A pattern for a text that is no part of a longer word; Chinese is written without gaps."""
    start = "" if _HAN.match(text[0]) else r"(?<!\w)"
    end = "" if _HAN.match(text[-1]) else r"(?!\w)"
    return f"{start}{re.escape(text)}{end}"


def _by_pattern(text: str) -> list[Found]:
    return [
        Found(start=result.start, end=result.end, kind=kind)
        for kind, recogniser in _recognisers()
        for result in recogniser.analyze(text, recogniser.supported_entities, None)
    ]


@cache
def _recognisers() -> Sequence[tuple[Personal, Any]]:
    """Presidio's recognisers that work by pattern and checksum; they need no language model."""
    from presidio_analyzer import Pattern, PatternRecognizer
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        EmailRecognizer,
        IbanRecognizer,
        IpRecognizer,
        PhoneRecognizer,
    )

    class OfflineEmailRecognizer(EmailRecognizer):  # type: ignore[misc]  # the library ships no types
        """Takes any domain: to check it, the library's own fetches a list of endings from the network."""

        def validate_result(self, pattern_text: str) -> None:
            """Leave the pattern's own score."""

    def own(name: str, patterns: Sequence[str]) -> Any:  # noqa: ANN401 - the library ships no types
        found = [Pattern(name, f"(?i){pattern}" if name == "LINK" else pattern, 0.9) for pattern in patterns]
        return PatternRecognizer(supported_entity=name, patterns=found)

    return (
        (Personal.EMAIL, OfflineEmailRecognizer()),
        (Personal.PHONE, PhoneRecognizer(supported_regions=_REGIONS)),
        (Personal.PHONE, own("PHONE", _PHONES)),
        (Personal.CARD, CreditCardRecognizer()),
        (Personal.CARD, own("CARD", _LONG_NUMBERS)),
        (Personal.IBAN, IbanRecognizer()),
        (Personal.IP, IpRecognizer()),
        (Personal.LINK, own("LINK", _LINKS)),
        (Personal.SECRET, own("SECRET", _SECRETS)),
    )
