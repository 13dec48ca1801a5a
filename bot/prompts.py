"""Passages and a question to the generator's prompt; a follow-up to a question that can be searched for (pure)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from adapters.types import ChatTurn
from bot.extract import quote
from bot.types import Turn
from bot.words import HAN, content_keys, has_han, words
from knowledge.types import Passage

MAX_CHARACTERS = 2_400  # of all extracts together: about 600 tokens, a third of a second to read on two cores
EXTRACT_LINES = 3

# Chosen among the variants in docs/experiments.md: a small model answers better from a few sentences than from a
# page, and keeps to the point after it has seen one short answer.
_TEMPLATE = "Answer the question from the text.\n\nText: {text}\n\nQuestion: {question}"
_EXAMPLE = (
    ChatTurn(
        role="user",
        content=_TEMPLATE.format(
            text="Parcels leave our warehouse on weekdays. Standard delivery takes two to four working days within "
            "the country and up to nine days abroad. Express orders placed before noon arrive the next working day.",
            question="How long does delivery abroad take?",
        ),
    ),
    ChatTurn(role="assistant", content="Delivery abroad takes up to nine days."),
)

# A question that leans on the one before: it starts like a continuation ...
_CONTINUES = re.compile(r"(?:and|but|or|so|then|also|plus|what about|how about|same for)\b[\s,]*", re.IGNORECASE)
_ASKS = re.compile(r"(?:how|what|when|where|who|why|which|can|could|do|does|is|are|will|may|should)\b", re.IGNORECASE)
# ... or points back with a pronoun that nothing in it explains.
_POINTS_BACK = re.compile(
    r"\b(?:it|its|it's|that|this|those|these|they|them|their|one|ones|there|he|she|him|her|his|"
    r"the same|the (?:first|second|third|last|other|latter|former) one|"
    r"(?:in|during) the meantime|meanwhile|until then|by then)\b",
    re.IGNORECASE,
)
_EXPLAINED = re.compile(  # "that" as a conjunction, "it is possible", "is there", "this page"
    r"\b(?:is|are|was|were) there\b|\bthere (?:is|are|was|were|a way)\b|"
    r"\b(?:is|was) it (?:\w+ )?(?:to|that|possible|allowed)\b|"
    r"\b(?!(?:is|was|do|does|did|can|will|would|could|should|for|about|of|with|after|before|like|than|on|in|to|by|from|"
    r"and|or|if|change|undo|see|mean|explain|avoid|stop|get|fix)\b)[a-z]+ that\b|"
    r"\bone (?:of|account|user|day|month|year)\b",
    re.IGNORECASE,
)
_HAN_LEADS_ON = re.compile(r"^(?:那么|那|还有|另外|然后|而且|但是|可是|所以|再|为什么|为何|多久|多少|什么时候|在哪)")
_HAN_POINTS_BACK = re.compile(
    r"它们?|(?<!其)他们?|她们?|这个|那个|这些|那些|这样|那样|此|其(?!他|它|实|中|余|次)|该|这(?=[是要会能需])|那(?=[是要会能需])"
)
_HAN_TAIL = re.compile(r"呢[？?]?$")
_SHORT_WORDS = 3  # content words; fewer rarely make a question of their own
_SHORT_HAN = 8  # characters


def answer_turns(
    question: str, passages: Sequence[Passage], history: Sequence[Turn], *, extracts: Sequence[str] = ()
) -> tuple[ChatTurn, ...]:
    """Build the prompt for a grounded answer.

    Args:
        question: What was asked, as written.
        passages: What was found, best first; those beyond MAX_CHARACTERS are left out.
        history: The conversation's last turns, oldest first; they explain a follow-up and are no evidence.
        extracts: What the model reads of the passages (as bot.extract.best_extract chose it), best first; if none are
            given, the lines of each passage that share most words with the question.

    Returns:
        Turns for a chat template, the last one the user's. There is no system turn: another system prompt than its
        own makes the default model babble.
    """
    resolved = any(turn.question.strip() in question for turn in history)  # by the caller, for the search
    asked = question if resolved else resolve_follow_up(question, history)
    return (
        *_EXAMPLE,
        ChatTurn(role="user", content=_TEMPLATE.format(text=_evidence(asked, passages, extracts), question=asked)),
    )


def _evidence(question: str, passages: Sequence[Passage], extracts: Sequence[str]) -> str:
    """The extracts that fit into MAX_CHARACTERS; of the first one, as much as fits."""
    chosen = extracts or [quote(question, passage.stored.chunk.text, EXTRACT_LINES) for passage in passages]
    kept: list[str] = []
    room = MAX_CHARACTERS
    for extract in chosen:
        if kept and len(extract) > room:
            break
        kept.append(extract[:room])
        room -= len(extract)
    return "\n\n".join(kept)


def passage_text(passage: Passage) -> str:
    """A passage as the groundedness check reads it: titles (or the curated question), an empty line, the text."""
    chunk = passage.stored.chunk
    head = " > ".join((*chunk.title_path, chunk.question) if chunk.question else chunk.title_path)
    return f"{head}\n\n{chunk.text}" if head else chunk.text


def resolve_follow_up(text: str, history: Sequence[Turn]) -> str:
    """Turn a follow-up into a question that can be searched for by itself.

    Args:
        text: What the person just wrote.
        history: The conversation's last turns, oldest first.

    Returns:
        The text unchanged if it stands alone; else the last question that did, then the text.
    """
    if not history or not _leans_back(text):
        return text
    topic = _topic(history)
    return f"{topic.rstrip()} {_CONTINUES.sub('', text.strip(), count=1).strip() or text.strip()}" if topic else text


def _topic(history: Sequence[Turn]) -> str:
    """The latest question that stands alone, with the follow-up in between if it named something new."""
    later: list[str] = []
    for turn in reversed(history):
        if not _leans_back(turn.question):
            return " ".join([turn.question.strip(), *later[-1:]])
        later.append(turn.question.strip())
    return history[-1].question


def _leans_back(text: str) -> bool:
    stripped = text.strip()
    if has_han(stripped):
        return _leans_back_han(stripped)
    content = len(content_keys(stripped))
    if not content:
        return bool(words(stripped))
    points = _points_back(stripped)
    if (opening := _CONTINUES.match(stripped)) is not None:
        return points or content < _SHORT_WORDS or _ASKS.match(stripped, opening.end()) is None
    asks = _ASKS.match(stripped) is not None  # "How much?", "Why not?"
    return (points and content <= 2 * _SHORT_WORDS) or (asks and len(words(stripped)) < _SHORT_WORDS)


def _points_back(text: str) -> bool:
    """Whether a pronoun stands for something that was said before it in the conversation, not in this text."""
    bare = _EXPLAINED.sub(" ", text)
    pronoun = _POINTS_BACK.search(bare)
    return pronoun is not None and len(content_keys(bare[: pronoun.start()])) < _SHORT_WORDS


def _leans_back_han(text: str) -> bool:
    characters = len(re.findall(f"[{HAN}A-Za-z0-9]", text))
    if _HAN_TAIL.search(text) or (_HAN_POINTS_BACK.search(text) and characters <= 2 * _SHORT_HAN):
        return characters <= 2 * _SHORT_HAN
    return _HAN_LEADS_ON.match(text) is not None and characters <= _SHORT_HAN
