"""The composition root of Slack's App Home: what it shows a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from adapters.types import Stage
from bot.blocking import run_blocking
from bot.frontends.slack.views import HomeFacts
from bot.store.store import Store
from bot.texts import FALLBACK, say
from bot.types import Outcome, RatingValue, Role
from bot.wiring import Wiring


class Home:
    """What Slack's App Home shows a person."""

    def __init__(self, store: Store, wiring: Wiring) -> None:
        self._store = store
        self._wiring = wiring

    async def of(self, slack_id: str) -> HomeFacts:
        """Their language; for admins also how the bot is doing."""
        return await run_blocking(self._of, slack_id)

    def _of(self, slack_id: str) -> HomeFacts:
        person = self._store.people.by_platform("slack", slack_id)
        if person is None:
            return HomeFacts()
        if person.role in {Role.USER, Role.TRAINER}:
            return HomeFacts(language=person.language)
        counts = self._store.answers.counts(datetime.now(UTC) - timedelta(days=7))
        answered = sum(count for (_, outcome), count in counts.items() if outcome is Outcome.ANSWERED)
        tally = self._store.ratings.tally()
        serving = [one.name for one in self._wiring.versions() if one.stage is Stage.ACTIVE]
        language = person.language or FALLBACK
        return HomeFacts(
            language=person.language,
            lines=(
                say("home-answers", language, questions=sum(counts.values()), answered=answered),
                say("home-ratings", language, up=tally[RatingValue.UP], down=tally[RatingValue.DOWN]),
                say("home-documents", language, documents=len(self._store.knowledge.documents())),
                say("home-version", language, version=", ".join(serving) or "-"),
            ),
        )
