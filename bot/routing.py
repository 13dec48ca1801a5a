"""From an intent to what happens with the message (pure)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.intent.config import IntentDefinition, IntentRoute
from adapters.types import Intent
from bot.texts import FALLBACK, say
from bot.types import Outcome

NAME = "{name}"
QUESTION = "question"
HUMAN = "human"
COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a message goes."""

    search: bool  # look for passages
    refuse: bool  # say that it is out of scope
    outcome: Outcome
    reason: str  # in plain words, for the trace
    replies: Mapping[str, str] = field(default_factory=dict)  # canned replies by language; empty: none

    def reply(self, language: str, name: str) -> str | None:
        """The canned reply in a language, or None if the message is to be answered."""
        text = self.replies.get(language) or self.replies.get(FALLBACK) or next(iter(self.replies.values()), None)
        return text.replace(NAME, name) if text else None


class Router:
    """Knows every intent's route and reply."""

    def __init__(
        self,
        definitions: Sequence[IntentDefinition],
        *,
        min_confidence: float,
        match: Callable[[str], Intent | None] = lambda _: None,
    ) -> None:
        """Keep the definitions.

        Args:
            definitions: The built-in intents and the team's own.
            min_confidence: From here on a message may leave the way of a question, 0 to 1.
            match: Recognises short texts that stand almost word for word among an intent's examples.
        """
        self._definitions = {definition.name: definition for definition in definitions}
        self._min_confidence = min_confidence
        self.match = match

    def route(self, intent: Intent) -> Route:
        """Decide where a message of this intent goes.

        A question that is taken for small talk annoys more than small talk that is searched for, so a message leaves
        the way of a question only when its intent is sure.
        """
        definition = self._definitions.get(intent.label)
        if definition is None or definition.route is IntentRoute.QUESTION:
            return _question(f"intent {intent.label}")
        if intent.confidence < self._min_confidence:
            return _question(f"intent {intent.label} is too unsure ({intent.confidence:.2f})")
        reason = f"intent {intent.label} (confidence {intent.confidence:.2f})"
        if definition.route is IntentRoute.REFUSE:
            # The documents have the last word: a refusal still offers what they are about.
            return Route(search=True, refuse=True, outcome=Outcome.ABSTAINED, reason=reason)
        if definition.route is IntentRoute.HUMAN:
            return Route(
                search=False, refuse=False, outcome=Outcome.ABSTAINED, reason=reason, replies=_human(definition)
            )
        return Route(search=False, refuse=False, outcome=Outcome.ANSWERED, reason=reason, replies=definition.reply)

    @staticmethod
    def as_question(route: Route, answerable: float) -> Route:
        """The route of a message that the documents answer, whatever its intent seemed to be.

        "How do I add a colleague?" sounds like a call for a person; a page that says how has the last word.
        """
        if route.search and not route.refuse:
            return route
        return _question(f"{route.reason}, but the documents have an answer ({answerable:.2f})")


def _question(reason: str) -> Route:
    return Route(search=True, refuse=False, outcome=Outcome.ANSWERED, reason=reason)


def _human(definition: IntentDefinition) -> Mapping[str, str]:
    """The reply to a call for a person; the built-in one promises a handover, which a terminal cannot make."""
    if definition.reply and definition.name != HUMAN:
        return definition.reply
    return {language: say("human", language) for language in ("en", "zh")}
