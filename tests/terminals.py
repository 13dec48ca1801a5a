"""A place to talk to the bot: a real store that knows two things, and a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from adapters.testing import ScriptedGenerator
from adapters.types import ChatTurn
from bot.config import Settings
from bot.frontends.terminal import PLATFORM
from bot.service import Bot
from bot.store.crypto import Keyring
from bot.store.store import Store
from bot.testing import ADA, FixedClassifier, fake_bot, teach
from bot.types import Rating, StoredAnswer
from knowledge.testing import chunk

REFUNDS = "Refunds reach your bank within five working days. Fees are kept by the card company."
QUESTION = "What happens to refunds and fees?"
FROZEN = "Three wrong passwords freeze an account."
HINT = "  + good   - not good   /why"
ANSWERED = f"{REFUNDS} [1]\n  [1] Refunds  /help/a.md#part-0"
NOTHING_YET = "There is no answer yet to speak of; ask something first."
MENU = "Noted. What was wrong?  1 wrong topic  2 wrong source  3 bad wording  4 out of date  5 other  (Enter skips)"
RIGHT_ANSWER = "What would have been the right answer?  (Enter skips)"
STOPPED_BEFORE = "You asked this before I was stopped:"
WHOSE = {"platform": PLATFORM, "sender": ADA.sender}
SETTINGS = Settings.model_validate({"answers": {"min_answerability": 0.0}})
DID_YOU_MEAN = Settings.model_validate(
    {
        "answers": {
            "min_answerability": 1.0,
            "curated_similarity": 1.0,
            "suggestion_similarity": 0.4,
            "near_tie_margin": 1.0,
        }
    }
)


class Place(NamedTuple):
    """A store with documents in it, and a bot over it."""

    store: Store
    bot: Callable[..., Bot]

    def last(self) -> StoredAnswer:
        """The newest answer."""
        return self.store.answers.recent(limit=1)[0]

    def rating(self) -> Rating | None:
        """What Ada says about it."""
        asked = self.store.inbox.get(self.last().message_id)
        assert asked is not None
        return self.store.ratings.of(self.last().id, asked.user_id)

    def corrections(self) -> list[str]:
        """What she would have answered."""
        return [correction.text for correction in self.store.ratings.corrections(self.last().id)]


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Place]:
    """A store that knows two things."""
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(f"sqlite:///{tmp_path / 'store.db'}", Keyring.generate()))
        store.migrate()
        teach(
            store.knowledge,
            chunk(REFUNDS, title="Refunds"),
            chunk(FROZEN, question="Why is my account frozen?", title="FAQ", ordinal=1),
            chunk("Ask us to unlock it.", question="Why is my account locked?", title="FAQ", ordinal=2),
        )

        def bot(
            written: Callable[[Sequence[ChatTurn]], str] = lambda _: REFUNDS,
            *,
            intent: str = "question",
            settings: Settings = SETTINGS,
            seconds_per_word: float = 0.0,
        ) -> Bot:
            generator = ScriptedGenerator(written, seconds_per_word=seconds_per_word)
            return fake_bot(
                store,
                tmp_path / "index",
                generator=generator,
                classifier=FixedClassifier(intent),
                settings=settings,
            )

        yield Place(store=store, bot=bot)
