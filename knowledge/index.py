"""Vectors by chunk id, closest first; the only module that imports faiss.

The index is a copy of the store's vectors. It is exact while it is small and moves over to an inverted file with
16-bit codes (IVF-SQfp16) when it has grown; both can delete, and both test access inside the search.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeAlias

import faiss as faiss_untyped
import numpy as np

from knowledge.errors import KnowledgeError
from knowledge.types import ChunkIds, Hits, Matrix, Vector

faiss: Any = faiss_untyped  # its own stubs know neither search parameters nor Python's constructors
Originals: TypeAlias = Callable[[Sequence[int]], tuple[ChunkIds, Matrix]]

NO_IDS: Final[ChunkIds] = np.zeros(0, dtype=np.int64)
NO_SCORES: Final[Vector] = np.zeros(0, dtype=np.float32)
FAISS_MIN_POINTS_PER_LIST: Final = 39  # below this k-means warns that it has too few points
TRAINING_POINTS_PER_LIST: Final = 64  # more did not raise recall (benchmarks/index.py)
ADD_BATCH: Final = 50_000  # vectors; 77 MB of 384 numbers each
REBUILD_GROWTH: Final = 4  # an inverted file that grew by this factor gets new lists
# The codes decide what is found: with 8 bits .990 of the true ten nearest among 100,000, .952 among a million, however
# many lists are read; with 16 bits .9997. The index is twice as large: 768 MB for a million vectors of 384 numbers.
CODES: Final = faiss.ScalarQuantizer.QT_fp16
BITMAP_MAX_SPARSITY: Final = 512  # above this many bits an id, a hash set is smaller than the bitmap


class DimensionMismatchError(KnowledgeError):
    """Vectors are not as wide as the index; it was made by another encoder and must be rebuilt."""

    def __init__(self, *, expected: int, got: int) -> None:
        super().__init__(
            f"The index holds vectors of {expected} numbers but got one of {got}; "
            "was the encoder changed? Open the knowledge base again to rebuild it."
        )
        self.expected = expected
        self.got = got


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """Where the index changes its form; see benchmarks/index.py for the figures."""

    # Vectors; above it inverted, back to exact below half of it. One query at 100,000: exact 6 to 9 ms, little beside
    # the encoder's; inverted .1 ms, but it takes seconds to build and finds a little less than everything.
    exact_limit: int = 100_000
    lists_factor: float = (
        2.0  # number of lists = factor * sqrt(vectors); twice as many take four times as long to build
    )
    nprobe: int = 32  # lists read for one query


class VectorIndex:
    """Unit vectors by id, with inner product search.

    Thread-safe: updates run one after another; a search holds a lock for its milliseconds, so it sees the index before
    or after an update, never within one. A change of form is prepared beside the live index and swapped in.

    Args:
        dimension: Width of the vectors.
        settings: Where the form changes.
        originals: Reads full-precision vectors by id, leaving out ids that are gone (the store's ``load_vectors``).
            Needed to go back from inverted to exact and to renew the lists of an index that has grown; without it the
            form stays.
    """

    def __init__(
        self, dimension: int, *, settings: IndexSettings | None = None, originals: Originals | None = None
    ) -> None:
        self._settings = settings or IndexSettings()
        self._originals = originals
        self._updating = Lock()
        self._access = Lock()
        self._faiss: Any = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))
        self._ids = NO_IDS  # sorted; replaced, never changed in place
        self._trained_on = 0  # vectors there were when the lists were made; 0 while exact

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def dimension(self) -> int:
        """Width of the vectors."""
        return int(self._faiss.d)

    @property
    def ids(self) -> ChunkIds:
        """Every id, ascending."""
        return self._ids

    @property
    def exact(self) -> bool:
        """Whether every vector is compared in full precision."""
        return self._trained_on == 0

    def add(self, ids: ChunkIds, vectors: Matrix) -> None:
        """Add vectors, shape (n, dim), in place of those with the same ids.

        Raises:
            DimensionMismatchError: The vectors are not as wide as the index.
            KnowledgeError: Ids and vectors differ in number, an id stands twice, or a number is not finite.
        """
        vectors = self._unit(vectors)
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        if len(ids) != len(vectors) or len(np.unique(ids)) != len(ids) or (len(ids) and ids.min() < 0):
            raise KnowledgeError(
                f"Each vector needs one id of its own, from 0: got {len(vectors)} vectors, {len(ids)} ids."
            )
        with self._updating:
            with self._access:
                self._drop(self._known(ids))
                if len(ids):
                    self._faiss.add_with_ids(vectors, ids)
                    new = np.sort(ids)
                    self._ids = np.insert(self._ids, np.searchsorted(self._ids, new), new)
            self._reshape()

    def remove(self, ids: ChunkIds) -> int:
        """Remove vectors; ids that are not there are passed over.

        Returns:
            How many were removed.
        """
        with self._updating:
            with self._access:
                known = self._known(np.unique(np.asarray(ids, dtype=np.int64)))
                self._drop(known)
            self._reshape()
        return len(known)

    def search(self, queries: Matrix, top_k: int, allowed: ChunkIds | None = None) -> tuple[Hits, ...]:
        """Find the vectors closest to each query.

        Args:
            queries: Shape (n, dim), any length; compared by direction.
            top_k: How many to return for each; fewer come back only when fewer are there or allowed.
            allowed: The only ids that may be found; None for all. The test runs inside the search, so a closer
                forbidden vector neither appears nor takes a place.

        Returns:
            One Hits for each query; its scores are cosine similarities in [-1, 1].

        Raises:
            DimensionMismatchError: The queries are not as wide as the index.
        """
        queries = self._unit(queries)
        candidates = len(self._ids) if allowed is None else min(len(allowed), len(self._ids))
        wanted = min(top_k, candidates)
        if wanted < 1 or not len(queries):
            return tuple(Hits(NO_IDS, NO_SCORES) for _ in queries)
        selector = None if allowed is None else _selector(allowed)
        with self._access:
            similarities, ids = self._search(queries, wanted, candidates, selector)
        np.minimum(similarities, 1.0, out=similarities)  # both in a fifth of np.clip's time
        np.maximum(similarities, -1.0, out=similarities)
        if (ids[:, -1] < 0).any():  # places that stayed empty come last
            return tuple(Hits(row[row >= 0], scores[row >= 0]) for row, scores in zip(ids, similarities, strict=True))
        return tuple(Hits(row, scores) for row, scores in zip(ids, similarities, strict=True))

    def scores(self, query: Vector, ids: ChunkIds) -> Vector:
        """Compute the cosine similarity of one query with given vectors.

        Args:
            query: Shape (dim,), any length.
            ids: Whose similarity is wanted.

        Returns:
            Shape (len(ids),), in their order; NaN where there is no such id. Exact while the index is exact; from
            16-bit codes afterwards (error below 0.0005).

        Raises:
            DimensionMismatchError: The query is not as wide as the index.
        """
        unit = self._unit(query[np.newaxis, :])[0]
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        result = np.full(len(ids), np.nan, dtype=np.float32)
        with self._access:
            known = np.isin(ids, self._ids)
            if known.any():
                result[known] = self._faiss.reconstruct_batch(ids[known]) @ unit
        return np.clip(result, -1.0, 1.0)

    def vectors(self, ids: ChunkIds) -> Matrix:
        """Read given vectors, all of which are there, shape (len(ids), dim); an inverted index has them in 16 bits."""
        with self._access:
            return self._faiss.reconstruct_batch(np.ascontiguousarray(ids, dtype=np.int64))  # type: ignore[no-any-return]  # untyped

    def mean(self, ids: ChunkIds) -> Vector:
        """Mean of given vectors, shape (dim,); zeros without any, ids that are not there are passed over."""
        with self._access:
            known = self._known(ids)
            if not len(known):
                return np.zeros(self.dimension, dtype=np.float32)
            return self._faiss.reconstruct_batch(known).mean(axis=0)  # type: ignore[no-any-return]  # untyped

    def write(self, path: Path) -> ChunkIds:
        """Write the index to a file, flushed but not synced.

        Returns:
            The ids it holds, ascending.
        """
        with self._updating:  # keeps updates out; searches only read and go on
            faiss.write_index(self._faiss, str(path))
            return self._ids

    @classmethod
    def read(
        cls, path: Path, *, settings: IndexSettings | None = None, originals: Originals | None = None
    ) -> VectorIndex:
        """Read what ``write`` wrote; the caller has checked that the file is whole.

        Raises:
            KnowledgeError: The file holds no index of ours.
        """
        try:
            loaded = faiss.read_index(str(path))
        except RuntimeError as error:
            raise KnowledgeError(f"The file {path.name} holds no vector index; it will be rebuilt.") from error
        index = cls(loaded.d, settings=settings, originals=originals)
        if isinstance(loaded, faiss.IndexIDMap2):
            ids = faiss.vector_to_array(loaded.id_map)
        elif isinstance(loaded, faiss.IndexIVFScalarQuantizer) and loaded.sq.qtype == CODES:
            ids = _listed_ids(loaded)
            index._trained_on = len(ids)
        else:
            raise KnowledgeError(f"The file {path.name} holds another kind of index; it will be rebuilt.")
        index._faiss = loaded
        index._ids = np.sort(ids)
        return index

    def _unit(self, vectors: Matrix) -> Matrix:
        """Check vectors and scale them to length 1; a zero vector stays zero."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dimension:  # noqa: PLR2004 - a matrix has two axes
            raise DimensionMismatchError(expected=self.dimension, got=vectors.shape[-1] if vectors.ndim else 0)
        divisor: np.float32 | Vector | Matrix
        if len(vectors) == 1:  # a query: in a third of the time
            length = math.sqrt(vectors[0] @ vectors[0])
            finite, divisor = math.isfinite(length), np.float32(length or 1.0)
        else:
            lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
            finite, divisor = bool(np.isfinite(lengths).all()), np.where(lengths > 0, lengths, 1)[:, np.newaxis]
        if not finite:
            raise KnowledgeError("A vector holds a number that is not finite; the encoder is broken.")
        return np.ascontiguousarray(vectors / divisor, dtype=np.float32)

    def _search(self, queries: Matrix, top_k: int, candidates: int, selector: object) -> tuple[Matrix, Any]:
        """Search under the lock; an inverted file reads more lists when few of its vectors are allowed."""
        if self.exact:
            params = faiss.SearchParameters(sel=selector) if selector else None
            return self._faiss.search(queries, top_k, params=params)  # type: ignore[no-any-return]  # untyped
        nlist = int(self._faiss.nlist)
        nprobe = min(nlist, math.ceil(self._settings.nprobe * len(self._ids) / candidates))
        params = _all_allowed(nprobe) if selector is None else faiss.SearchParametersIVF(sel=selector, nprobe=nprobe)
        similarities, ids = self._faiss.search(queries, top_k, params=params)
        if nprobe < nlist and ids.min() < 0:  # the lists read held too few: read them all
            params = faiss.SearchParametersIVF(sel=selector, nprobe=nlist)
            similarities, ids = self._faiss.search(queries, top_k, params=params)
        return similarities, ids

    def _known(self, ids: ChunkIds) -> ChunkIds:
        """Those of some ids that are there, in their order; sorting a million for each document would take .1 s."""
        places = np.searchsorted(self._ids, ids)
        places[places == len(self._ids)] = 0
        return ids[self._ids[places] == ids] if len(self._ids) else NO_IDS

    def _drop(self, known: ChunkIds) -> None:
        """Remove ids that are there; under both locks."""
        if len(known):
            kind = faiss.IDSelectorBatch if self.exact else faiss.IDSelectorArray  # what each form asks for
            self._faiss.remove_ids(kind(known))
            self._ids = np.delete(self._ids, np.searchsorted(self._ids, known))

    def _reshape(self) -> None:
        """Change the form when the size asks for it; under the update lock."""
        count, limit = len(self._ids), self._settings.exact_limit
        if self.exact:
            if count > limit:
                self._replace(self._ids, self._faiss.reconstruct_batch(self._ids), exact=False)
        elif self._originals is not None and (count < limit // 2 or count > REBUILD_GROWTH * self._trained_on):
            ids, vectors = self._originals(self._ids.tolist())
            if vectors.ndim == 2 and vectors.shape[1] in (self.dimension, 0):  # noqa: PLR2004 - a matrix
                self._replace(ids, vectors, exact=len(ids) <= limit)

    def _replace(self, ids: ChunkIds, vectors: Matrix, *, exact: bool) -> None:
        """Build the other form beside the live one, then swap."""
        ids = np.ascontiguousarray(ids, dtype=np.int64)
        made = faiss.IndexIDMap2(faiss.IndexFlatIP(self.dimension)) if exact else self._trained(vectors)
        for start in range(
            0, len(ids), ADD_BATCH
        ):  # a scaled copy of all of them would take the memory of another index
            part = slice(start, start + ADD_BATCH)
            made.add_with_ids(self._unit(vectors[part]), ids[part])
        with self._access:
            self._faiss, self._ids = made, np.sort(ids)
            self._trained_on = 0 if exact else len(ids)

    def _trained(self, vectors: Matrix) -> Any:  # noqa: ANN401 - faiss ships no types
        """Make an empty inverted index with lists fitted to a sample of the vectors."""
        count = len(vectors)
        nlist = max(1, min(int(self._settings.lists_factor * math.sqrt(count)), count // FAISS_MIN_POINTS_PER_LIST))
        made = faiss.index_factory(self.dimension, f"IVF{nlist},SQfp16", faiss.METRIC_INNER_PRODUCT)
        step = max(1, count // (nlist * TRAINING_POINTS_PER_LIST))
        made.train(np.ascontiguousarray(vectors[::step]))
        made.set_direct_map_type(faiss.DirectMap.Hashtable)  # ids to places: reads and deletes without a scan
        return made


@lru_cache(maxsize=64)
def _all_allowed(nprobe: int) -> object:
    """Parameters without a test of access; making them takes as long as reading two lists."""
    return faiss.SearchParametersIVF(nprobe=nprobe)


def _selector(allowed: ChunkIds) -> object:
    """Make the test of access: a bitmap, or a hash set when the ids lie far apart."""
    known = np.asarray(allowed, dtype=np.int64)
    bits = int(known.max()) + 1
    if bits > BITMAP_MAX_SPARSITY * len(known):
        return faiss.IDSelectorBatch(known)
    mask = np.zeros(bits, dtype=bool)
    mask[known] = True
    return faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def _listed_ids(ivf: Any) -> ChunkIds:  # noqa: ANN401 - faiss ships no types
    """Collect the ids of every inverted list."""
    lists = ivf.invlists
    parts = [
        faiss.rev_swig_ptr(lists.get_ids(number), lists.list_size(number)).copy()
        for number in range(ivf.nlist)
        if lists.list_size(number)
    ]
    return np.concatenate(parts) if parts else NO_IDS
