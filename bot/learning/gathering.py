"""What the store holds of ratings and corrections, as examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

from adapters.examples import Examples, ShownPassage
from bot.learning.feedback import Gathered, gather
from bot.learning.held_out import rater_of
from bot.learning.masking import Masker
from bot.sources import source_of
from bot.store.store import Store
from knowledge.types import ChunkKind, Passage
from training.splits import feedback_side, normalised
from training.trust import TrustConfig
from training.types import Split

_LOWER: Final = re.compile(r"\b[^\W\d_A-Z][^\W\d_]+")


class Gathering:
    """Reads everything anew each time: a rating may have been changed, a person forgotten. Blocks."""

    def __init__(
        self,
        store: Store,
        *,
        search: Callable[[str], Sequence[Passage]],
        labels: Callable[[], Collection[str]],
        config: TrustConfig | None = None,
    ) -> None:
        """Keep what is read.

        Args:
            store: Ratings, corrections, people and documents.
            search: Finds the passages that a text's words stand in.
            labels: Gives every intent there is.
            config: How careful to be about whom to believe.
        """
        self._store = store
        self._search = search
        self._labels = labels
        self._config = config

    def gathered(self) -> Gathered:
        """What can be learned now, from whom, and what cannot."""
        return gather(
            self._store.feedback.rated(),
            self._store.feedback.raters(),
            masker=Masker(self._store.feedback.names(), words=self._words()),
            search=self._passages,
            labels=self._labels(),
            config=self._config,
        )

    def examples(self) -> Examples:
        """The same without the reasons: what a training run is given."""
        return self.gathered().examples

    def usable(self, since: datetime | None) -> int:
        """How many ratings and approved corrections can be learned from that were given since a time, or at all.

        What nobody believes, what says nothing that can be learned and what is kept back to test with is not counted;
        what one person says again of the same question is counted once.
        """
        given = self._store.feedback.given(since)
        learned = [one for one in self.examples().all if feedback_side(one.question) is not Split.TEST]
        said = ((one.question, rating) for one in learned for rating in one.ratings if rating in given)
        return len({(normalised(question), rater_of(rating)) for question, rating in said})

    def _passages(self, text: str) -> tuple[ShownPassage, ...]:
        """Passages of the documents; the curated answer that an approved correction has become is no source for it."""
        found = (one for one in self._search(text) if one.stored.chunk.kind is ChunkKind.PASSAGE)
        sources = (source_of(number, passage) for number, passage in enumerate(found, start=1))
        return tuple(ShownPassage(uri=one.uri, title=one.title, text=one.excerpt) for one in sources)

    def _words(self) -> frozenset[str]:
        """Words that the documents write in lower case: names of people are masked unless they are among them."""
        return frozenset(word for one in self._store.knowledge.load_chunks() for word in _LOWER.findall(one.chunk.text))
