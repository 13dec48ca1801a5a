"""Bytes to text, and plain text to sections."""

from __future__ import annotations

import codecs
import re

from knowledge.errors import UnreadableError
from knowledge.language import plausibility
from knowledge.parsers.outline import Content, Outline, flow
from knowledge.types import ProblemKind

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What office programs still write; a short text fits some of the other ninety encodings by accident.
_LEGACY = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254")
_ALIASES = {"gb2312": "gb18030", "gbk": "gb18030", "iso-8859-1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252"}
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_CONTROLS = 0.002  # share of control characters that text may hold; terminal logs have some
_SAMPLE_BYTES = 64_000
_BULLET = re.compile(r"[ \t]*(?:[-*+•·▪◦]|\d{1,3}[.)])[ \t]+\S")
_BULLET_MARK = re.compile(r"^([ \t]*)[*+•·▪◦][ \t]+")
_WRAPPED_AT = 60  # characters; shorter lines were broken by a person, not by an editor


def decode(content: bytes, *, declared: str = "") -> str:
    """Read bytes as text, each line ended by a line feed.

    Args:
        content: The whole file or page.
        declared: The encoding that a header or the page itself names, or "". UTF-8 goes first: many
            servers name another one by default, and what is valid UTF-8 is hardly ever anything else.

    Raises:
        UnreadableError: It is no text in any known encoding.
    """
    text = _decode(content, declared).replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if len(_CONTROL.findall(text)) > _MOST_CONTROLS * len(text):
        raise UnreadableError(ProblemKind.UNSUPPORTED, "It holds binary data, not text; remove it or convert it.")
    return _CONTROL.sub("", text)


def _decode(content: bytes, declared: str) -> str:
    marked = next((encoding for bom, encoding in _BOMS if content.startswith(bom)), "")
    for encoding in (marked, _wide(content), "utf-8", _ALIASES.get(declared.lower(), declared)):
        try:
            if encoding:
                return content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return _guess(content)


def _wide(content: bytes) -> str:
    """Recognise UTF-16 without a mark: western text has a zero in every second byte."""
    sample = content[: _SAMPLE_BYTES - _SAMPLE_BYTES % 2]
    half = len(sample) // 2
    if half < 2 or len(content) % 2:  # noqa: PLR2004 - one character proves nothing
        return ""
    low, high = sample[0::2].count(0), sample[1::2].count(0)
    if high > half * 0.3 and low < half * 0.05:
        return "utf-16-le"
    return "utf-16-be" if low > half * 0.3 and high < half * 0.05 else ""


def _guess(content: bytes) -> str:
    from charset_normalizer import from_bytes  # only for the rare file that is not UTF-8

    sample = content[:_SAMPLE_BYTES]
    matches = [] if b"\0" in sample else list(from_bytes(sample, cp_isolation=list(_LEGACY)))
    if not matches:
        raise UnreadableError(
            ProblemKind.UNSUPPORTED,
            "It is neither text in a known encoding nor a known format; save it as UTF-8 text or convert it.",
        )
    # Western and eastern European encodings differ in a few letters: the likelier words decide a tie.
    first = (matches[0].chaos, matches[0].coherence)
    tied = [match for match in matches if (match.chaos, match.coherence) == first]
    best = tied[0] if len(tied) == 1 else max(tied, key=lambda match: plausibility(str(match)))
    return content.decode(best.encoding, errors="replace")


def parse(text: str) -> Content:
    """Read plain text: paragraphs stand apart by blank lines, wrapped lines are joined."""
    outline = Outline()
    for paragraph in re.split(r"\n[ \t]*\n", text.replace("\f", "\n\n")):
        outline.block(_unwrap(paragraph))
    return outline.content()


def _unwrap(paragraph: str) -> str:
    """Join lines that an editor wrapped; lists, verses and addresses keep their lines."""
    lines = [line.rstrip() for line in paragraph.split("\n") if line.strip()]
    if not lines:
        return ""
    wrapped = all(len(line) >= _WRAPPED_AT for line in lines[:-1])
    if wrapped and not any(_BULLET.match(line) for line in lines[1:]):
        return flow("\n".join(lines))
    return "\n".join(_BULLET_MARK.sub(r"\1- ", line) for line in lines)
