"""BM25 over chunks: words as people write them, Chinese segmented, access tested before places are given."""

from __future__ import annotations

import logging
import re
import unicodedata
import warnings
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

import bm25s
import numpy as np
import Stemmer  # type: ignore[import-not-found]  # ships no types
from bm25s.tokenization import Tokenized

from knowledge.types import ChunkIds, Hits, Vector

# Han with its extensions and compatibility forms, and kana: scripts that are written without spaces.
_UNSPACED: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN: Final = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+")
_NO_IDS: Final[ChunkIds] = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalSettings:
    """How words are cut and weighed; chosen with benchmarks/retrieval.py."""

    stem: bool = True  # English suffixes off ("certificates" finds "certificate")
    stopwords: bool = False  # leave English function words out; inverse document frequency already does
    k1: float = 1.5  # saturation of repeated words
    b: float = 0.75  # how far long chunks are marked down, [0, 1]


class Analyzer:
    """Text to terms; the same for queries and chunks.

    Args:
        settings: How words are cut.
        cache_folder: Where jieba keeps its parsed dictionary (5 MB); None for the system's temporary folder.
    """

    def __init__(self, settings: LexicalSettings | None = None, *, cache_folder: Path | None = None) -> None:
        self._settings = settings or LexicalSettings()
        self._cache_folder = cache_folder
        self._stop = frozenset(bm25s.stopwords.STOPWORDS_EN) if self._settings.stopwords else frozenset()

    @property
    def settings(self) -> LexicalSettings:
        """How words are cut and weighed."""
        return self._settings

    def words(self, text: str) -> list[str]:
        """Cut a text into whole words, each once, as they are written; punctuation is dropped."""
        segmenter = _segmenter(self._cache_folder)
        runs = _RUN.findall(unicodedata.normalize("NFKC", text))
        return [word for run in runs for word in (segmenter.lcut(run) if _is_unspaced(run) else (run,))]

    def terms(self, text: str) -> list[str]:
        """Cut a text into terms, lower-cased, in order; punctuation is dropped.

        An identifier with underscores gives its parts as well as itself.
        """
        stemmer = Stemmer.Stemmer("english")  # not shared: its calls are not thread-safe, making one takes 30 us
        terms: list[str] = []
        for run in _RUN.findall(unicodedata.normalize("NFKC", text).casefold()):
            if _is_unspaced(run):
                terms += _segmenter(self._cache_folder).lcut_for_search(run)
                continue
            parts = [part for part in run.split("_") if part and part not in self._stop]
            terms += stemmer.stemWords(parts) if self._settings.stem else parts
            if len(parts) > 1:
                terms.append(run)
        return terms


@dataclass(frozen=True, slots=True)
class _Built:
    """One complete state of the index; replaced as a whole."""

    ids: ChunkIds  # ascending; row i of the matrix is chunk ids[i]
    ranker: bm25s.BM25 | None  # None when no chunk has a term
    terms: int  # size of the vocabulary it was built with


class LexicalIndex:
    """BM25 by chunk id.

    bm25s scores at build time and cannot be changed afterwards, so an update builds anew (0.4 s for 10,000), from terms
    that are kept: only new chunks are cut into words. Thread-safe: searches read one complete state, an update swaps
    in the next.
    """

    def __init__(self, analyzer: Analyzer | None = None) -> None:
        self._analyzer = analyzer or Analyzer()
        self._updating = Lock()
        self._vocabulary: dict[str, int] = {}  # only grows; a term keeps its number
        self._documents: dict[int, array[int]] = {}  # chunk id to term numbers
        self._built = _Built(_NO_IDS, None, 0)
        self._last: tuple[_Built, str, Vector] | None = None

    def __len__(self) -> int:
        return len(self._built.ids)

    def words(self, text: str) -> list[str]:
        """Cut a text into words, as `Analyzer.words` does."""
        return self._analyzer.words(text)

    @property
    def ids(self) -> ChunkIds:
        """Every chunk id, ascending."""
        return self._built.ids

    def update(self, *, added: Mapping[int, str] | Iterable[tuple[int, str]] = (), removed: ChunkIds = _NO_IDS) -> None:
        """Add chunks' texts by id (in place of the same ids) and remove others, then build anew."""
        with self._updating:
            for chunk_id in removed.tolist():
                self._documents.pop(chunk_id, None)
            for chunk_id, text in added.items() if isinstance(added, Mapping) else added:
                numbers = self._vocabulary
                self._documents[chunk_id] = array(
                    "i", [numbers.setdefault(term, len(numbers)) for term in self._analyzer.terms(text)]
                )
            self._built = self._build()

    def search(self, text: str, top_k: int, allowed: ChunkIds | None = None) -> Hits:
        """Find the chunks that share the weightiest words with a text.

        Args:
            text: A query.
            top_k: How many at most; chunks that share no word are never returned.
            allowed: The only ids that may be found; None for all.

        Returns:
            Ids and BM25 scores (above 0), best first; equal scores by id.
        """
        built = self._built
        scores = self._score(built, text)
        if allowed is not None:
            scores = np.where(np.isin(built.ids, allowed), scores, np.float32(0))
        found = np.flatnonzero(scores > 0)
        if len(found) > top_k:
            found = found[np.argpartition(-scores[found], top_k - 1)[:top_k]] if top_k > 0 else found[:0]
        order = found[np.lexsort((built.ids[found], -scores[found]))]
        return Hits(built.ids[order], scores[order])

    def scores(self, text: str, ids: ChunkIds) -> Vector:
        """Compute the BM25 score of given chunks, shape (len(ids),); 0 where there is no such id."""
        built = self._built
        every = self._score(built, text)
        result = np.zeros(len(ids), dtype=np.float32)
        known = np.isin(ids, built.ids)
        result[known] = every[np.searchsorted(built.ids, ids[known])]
        return result

    def _score(self, built: _Built, text: str) -> Vector:
        """Score every chunk of one state; the last text's scores are kept, for a search asks twice."""
        last = self._last
        if last is not None and last[0] is built and last[1] == text:
            return last[2]
        numbers = [self._vocabulary.get(term, built.terms) for term in self._analyzer.terms(text)]
        known = [number for number in numbers if number < built.terms]
        if built.ranker is None or not known:
            scores: Vector = np.zeros(len(built.ids), dtype=np.float32)
        else:
            scores = built.ranker.get_scores_from_ids(known)
        self._last = (built, text, scores)  # one assignment: another thread sees all of it or nothing
        return scores

    def _build(self) -> _Built:
        """Score all kept chunks."""
        ids = np.array(sorted(self._documents), dtype=np.int64)
        documents = [self._documents[chunk_id] for chunk_id in ids.tolist()]
        if not any(documents):
            return _Built(ids, None, 0)
        settings = self._analyzer.settings
        ranker = bm25s.BM25(k1=settings.k1, b=settings.b, method="lucene")
        vocabulary = dict(self._vocabulary)
        ranker.index(Tokenized(ids=documents, vocab=vocabulary), create_empty_token=False, show_progress=False)
        return _Built(ids, ranker, len(vocabulary))


def _is_unspaced(run: str) -> bool:
    return re.match(rf"[{_UNSPACED}]", run) is not None


@lru_cache(maxsize=8)
def _segmenter(cache_folder: Path | None) -> Any:  # noqa: ANN401 - jieba ships no types
    """Load jieba once for a cache folder; 0.7 s the first time on a machine, 0.3 s later."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its regular expressions and pkg_resources are of another age
        import jieba

    jieba.setLogLevel(logging.WARNING)  # it prints loading times to stderr
    tokenizer = jieba.Tokenizer()
    if cache_folder is not None:
        cache_folder.mkdir(parents=True, exist_ok=True)
        tokenizer.tmp_dir = str(cache_folder)
    tokenizer.initialize()
    return tokenizer
