"""A card as Slack shows it (pure): Markdown cut to size, buttons as blocks, and nothing in it that could ping anybody.

The text goes as a `markdown` block, which Slack formats itself. In it `<` begins everything that Slack would act on
(`<@U1>`, `<!channel>`, `<https://...|label>`), so no `<` of ours goes out as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.buttons import Rows, Verb, read
from bot.cards import Card
from bot.frontends.base import PLACEHOLDER, Part
from bot.types import Button

Block = dict[str, Any]

# Slack takes 12,000 characters in markdown blocks and has refused about 11,300 in all blocks of a message together;
# the rest is left to labels.
TEXT_CHARACTERS = 10_000
SECTION_CHARACTERS = 3_000  # of a section's text
NOTIFICATION_CHARACTERS = 3_000  # of the text beside the blocks: notifications and screen readers use it
BUTTONS_PER_ROW = 25  # Slack's limit for an actions block
BUTTON_BLOCKS = frozenset({"actions", "context_actions", "context"})  # what stands under a text of ours

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
_FENCE = "```"
_FENCE_LINE = 60  # characters; a longer first line of a code block names no language
_JOINER = "\u2060"  # no width: parts a `<` from what would make it a mention
_OPENS = re.compile(r"\\(.)|<", re.DOTALL)
_ENTITY = re.compile(r"&(?=#?\w{1,31};)")  # an ampersand that would be read as the beginning of an entity
_TORN = re.compile(r"(?:&[#\w]{0,31}|\\)\Z")  # an entity or an escape that a cut would tear
_LINK = re.compile(r"\[((?:\\.|[^\]\\\n])*)\]\((\S*?)\)")
_ENDS = (". ", "! ", "? ", "。", "！", "？", "\n", " ")


def parts(card: Card) -> tuple[Part, ...]:
    """Cut a card into pieces that fit into a message each; the last has the buttons."""
    pieces = cut(harmless(card.text), TEXT_CHARACTERS) or [PLACEHOLDER]
    last = len(pieces) - 1
    return tuple(
        Part(
            body=piece,
            plain=plain(piece),
            buttons=card.buttons if number == last else (),
            rates=card.rates if number == last else None,
        )
        for number, piece in enumerate(pieces)
    )


def harmless(text: str) -> str:
    """Markdown in which nothing can ping anybody; it looks the same to a reader."""
    pieces = _CODE.split(text)
    return "".join(_harmless_code(piece) if index % 2 else _harmless_prose(piece) for index, piece in enumerate(pieces))


def _harmless_prose(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        escaped = match.group(1)
        if escaped is None or escaped == "<":
            return "&lt;"
        return "&gt;" if escaped == ">" else match.group()

    return _OPENS.sub(one, _ENTITY.sub("&amp;", text))


def _harmless_code(text: str) -> str:
    # entities may be shown as they are within code, so a character without width has to do
    return re.sub(r"<(?=[@!#])", f"<{_JOINER}", text)


def plain(markdown: str) -> str:
    """The same words without formatting; takes what `harmless` made."""
    pieces = _CODE.split(markdown)
    text = "".join(_plain_code(piece) if index % 2 else _plain_prose(piece) for index, piece in enumerate(pieces))
    return text.strip() or PLACEHOLDER


def _plain_prose(text: str) -> str:
    text = _LINK.sub(lambda match: f"{match.group(1)} ({match.group(2)})" if match.group(2) else match.group(), text)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text.replace("**", ""))
    return unescaped(text)


def _plain_code(text: str) -> str:
    return text.replace(_JOINER, "").replace(_FENCE, "").strip("`")


def unescaped(text: str) -> str:
    """Slack's three entities as characters."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escaped(text: str) -> str:
    """Plain text for a `text` field: Slack acts on nothing in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def notification(words: str) -> str:
    """What stands beside the blocks: enough for a notification, never too long."""
    short = words if len(words) <= NOTIFICATION_CHARACTERS else f"{words[: NOTIFICATION_CHARACTERS - 1]}…"
    return escaped(short)


# -- blocks


def text_blocks(markdown: str) -> list[Block]:
    """A piece of formatted text."""
    return [{"type": "markdown", "text": markdown or PLACEHOLDER}]


def plain_blocks(words: str) -> list[Block]:
    """The same without formatting: text that Slack shows as it is."""
    return [
        {"type": "section", "text": {"type": "plain_text", "text": piece, "emoji": False}}
        for piece in _lengths(words or PLACEHOLDER, SECTION_CHARACTERS)
    ]


def button_blocks(rows: Rows, *, note: str = "") -> list[Block]:
    """Buttons, and over them a line that says what they are for; 👍 and 👎 become Slack's own feedback buttons."""
    blocks: list[Block] = []
    if note and rows:
        blocks.append({"type": "context", "elements": [{"type": "plain_text", "text": note, "emoji": True}]})
    for number, row in enumerate(rows):
        if _rates(row):
            blocks.append({"type": "context_actions", "elements": [_feedback(number, *row)]})
        elif row:
            elements = [_button(f"{number}.{place}", button) for place, button in enumerate(row[:BUTTONS_PER_ROW])]
            blocks.append({"type": "actions", "elements": elements})
    return blocks


def without_buttons(blocks: Sequence[Mapping[str, Any]]) -> list[Block]:
    """A message's own blocks without what `button_blocks` added."""
    return [dict(block) for block in blocks if block.get("type") not in BUTTON_BLOCKS]


def _rates(row: tuple[Button, ...]) -> bool:
    read_all = [read(button.data) for button in row]
    return len(row) == 2 and all(one is not None and one.verb is Verb.RATE for one in read_all)  # noqa: PLR2004 - a pair


def _feedback(number: int, up: Button, down: Button) -> Block:
    return {
        "type": "feedback_buttons",
        "action_id": f"{number}.feedback",
        "positive_button": {"text": {"type": "plain_text", "text": up.label}, "value": up.data},
        "negative_button": {"text": {"type": "plain_text", "text": down.label}, "value": down.data},
    }


def _button(action_id: str, button: Button) -> Block:
    block: Block = {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": button.label, "emoji": True},
        "value": button.data,
    }
    if button.style in {"primary", "danger"}:
        block["style"] = button.style
    return block


# -- cutting


def cut(text: str, limit: int) -> list[str]:
    """Cut Markdown at borders of paragraphs or of code, into pieces of at most so many characters.

    Code that is cut is closed in one piece and opened again, with its language, in the next.
    """
    pieces: list[str] = []
    for unit in _units(text):
        for piece in _fitting(unit, limit):
            if pieces and len(pieces[-1]) + 2 + len(piece) <= limit:
                pieces[-1] = f"{pieces[-1]}\n\n{piece}"
            else:
                pieces.append(piece)
    return pieces


def _units(text: str) -> Iterator[str]:
    """Paragraphs and blocks of code, in order."""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        fence = line.lstrip().startswith(_FENCE) and (fenced or _FENCE not in line.lstrip()[3:])
        if fence and not fenced:
            yield from _unit(lines)
            lines = [line]
        elif fenced or line.strip():
            lines.append(line)
        if (fence and fenced) or (not fenced and not fence and not line.strip()):
            yield from _unit(lines)
            lines = []
        fenced = fenced != fence
    yield from _unit([*lines, _FENCE] if fenced else lines)


def _unit(lines: list[str]) -> Iterator[str]:
    if lines:
        yield "\n".join(lines)


def _fitting(unit: str, limit: int) -> Iterator[str]:
    if len(unit) <= limit:
        yield unit
    elif unit.lstrip().startswith(_FENCE):
        opening, *inside = unit.splitlines()
        opening = opening if len(opening) <= _FENCE_LINE else _FENCE
        code = "\n".join(inside[:-1])
        room = limit - len(opening) - len(_FENCE) - 2
        for piece in _lengths(code, max(room, 1), ends=("\n",)):
            yield f"{opening}\n{piece}\n{_FENCE}"
    else:
        yield from _lengths(unit, limit)


def _lengths(text: str, limit: int, *, ends: tuple[str, ...] = _ENDS) -> Iterator[str]:
    """Cut at the last end of a sentence or word that fits; in the middle of one that is longer than the limit."""
    while len(text) > limit:
        at = next((found for end in ends if (found := text.rfind(end, limit // 2, limit - len(end) + 1)) > 0), -1)
        if at >= 0:
            at += len(next(end for end in ends if text.startswith(end, at)))
        else:
            torn = _TORN.search(text, max(0, limit - 34), limit)
            at = torn.start() if torn and torn.start() > 0 else limit
        piece, text = text[:at].rstrip("\n "), text[at:].lstrip("\n")
        if piece:
            yield piece
    if text.strip():
        yield text
