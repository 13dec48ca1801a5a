"""Why an answer is as it is, for a template: plain words, what was found, and the numbers (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from markupsafe import Markup

from bot.cards import safe, source_link, source_name, text_of
from bot.commands.answers import called, how, intent_said, listed_values
from bot.texts import say
from bot.types import Answer, Outcome, TracedPassage
from bot.web.markdown import render

OUTCOMES: Final[Mapping[Outcome, str]] = {
    Outcome.ANSWERED: "outcome-answered",
    Outcome.ABSTAINED: "outcome-abstained",
    Outcome.HANDED_OFF: "outcome-handed-off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSource:
    """A source with its passage."""

    number: int
    title: str
    name: str
    link: str  # "" for none
    excerpt: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An answer with what explains it."""

    body: Markup
    outcome: str
    because: str  # in plain words
    searched: str  # what was searched for, where that is not what was said; "" else
    sure: int | None  # percent; None where nobody estimated it
    facts: tuple[tuple[str, str], ...]  # what it is called, and what it is
    passages: tuple[TracedPassage, ...]
    sources: tuple[ShownSource, ...] = field(repr=False)


def explained(answer: Answer, question: str, language: str) -> Explained:
    """Put together what a page shows of an answer."""
    trace = answer.trace
    answerable = trace.scores.get("answerable") if trace.passages else None
    return Explained(
        body=render(text_of(answer)),
        outcome=say(OUTCOMES[answer.outcome], language),
        because=say(how(answer), language),
        searched=trace.query if trace.query != question else "",
        sure=None if answerable is None else round(100 * answerable),
        facts=_facts(answer, language),
        passages=trace.passages,
        sources=tuple(
            ShownSource(
                number=one.number,
                title=one.title,
                name=source_name(one, language),
                link=source_link(one),
                excerpt=render(safe(one.excerpt)),
            )
            for one in answer.sources
        ),
    )


def _facts(answer: Answer, language: str) -> tuple[tuple[str, str], ...]:
    trace = answer.trace
    facts = [
        ("why-because", trace.reason),
        ("why-taken", intent_said(trace.intent, language) if trace.intent is not None else ""),
        ("why-scores", listed_values(trace.scores, "{:.2f}", language)),
        ("why-versions", ", ".join(f"{called(task, language)} {name}" for task, name in trace.versions.items())),
        ("why-times", listed_values({name: ms / 1000 for name, ms in trace.timings_ms.items()}, "{:.2f} s", language)),
    ]
    return tuple((say(key, language).rstrip(":："), text) for key, text in facts if text)
