from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from knowledge.lexical import Analyzer, LexicalIndex, LexicalSettings
from knowledge.types import ChunkIds

CORPUS = {
    10: "Refunds are paid within ten working days.",
    11: "我的账户为何被冻结？账户在三次密码错误后会被冻结。",
    12: "TiKV 的 toml 配置文件修改后没有生效，需要重启集群。",
    13: "Certificates are renewed every sixty days; set renew_before_expiry to change it.",
}


@pytest.fixture
def index() -> LexicalIndex:
    made = LexicalIndex()
    made.update(added=CORPUS)
    return made


def ids(*values: int) -> ChunkIds:
    return np.array(values, dtype=np.int64)


def test_chinese_is_cut_into_words_and_mixed_text_keeps_both() -> None:
    terms = Analyzer().terms("我的账户为何被冻结? TiDB 配置")
    assert {"账户", "为何", "冻结", "tidb", "配置"} <= set(terms)


def test_width_case_and_punctuation_make_no_difference() -> None:
    assert Analyzer().terms("ＴｉＤＢ, Ready!") == Analyzer().terms("tidb ready")


def test_an_identifier_gives_its_parts_and_itself() -> None:
    assert Analyzer(LexicalSettings(stem=False, stopwords=False)).terms("tidb_mem_quota") == [
        "tidb",
        "mem",
        "quota",
        "tidb_mem_quota",
    ]


def test_stemming_and_stopwords_are_settings() -> None:
    text = "The certificates are renewed"
    assert Analyzer(LexicalSettings(stem=False, stopwords=False)).terms(text) == text.lower().split()
    assert Analyzer(LexicalSettings(stem=True, stopwords=True)).terms(text) == ["certif", "renew"]


def test_segmenting_chinese_raises_no_warning_and_caches_in_the_given_folder(tmp_path: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Analyzer(cache_folder=tmp_path / "jieba").terms("缓存文件夹")  # type: ignore[operator]  # pytest gives a Path
    assert [path.name for path in (tmp_path / "jieba").iterdir()] == ["jieba.cache"]  # type: ignore[operator]  # as above


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("为什么账户被冻结", 11),
        ("修改 tikv 的配置不生效", 12),
        ("When is a refund paid", 10),
        ("renew_before_expiry", 13),
    ],
)
def test_the_chunk_with_the_weightiest_common_words_comes_first(index: LexicalIndex, query: str, best: int) -> None:
    hits = index.search(query, 3)
    assert hits.ids[0] == best
    assert (np.diff(hits.scores) <= 0).all()
    assert hits.scores.min() > 0


def test_a_chunk_without_a_common_word_is_not_found(index: LexicalIndex) -> None:
    assert index.search("volcano", 10).ids.tolist() == []
    assert index.search("", 10).ids.tolist() == []


def test_what_is_not_allowed_neither_appears_nor_takes_a_place(index: LexicalIndex) -> None:
    assert index.search("days", 1).ids.tolist() != index.search("days", 1, ids(13)).ids.tolist()
    assert index.search("days", 1, ids(13)).ids.tolist() == [13]
    assert index.search("days", 1, ids()).ids.tolist() == []


def test_scores_of_given_ids_equal_those_of_the_search_and_are_zero_for_strangers(index: LexicalIndex) -> None:
    hits = index.search("days refund", 4)
    assert index.scores("days refund", ids(999, *hits.ids.tolist())).tolist() == [0.0, *hits.scores.tolist()]


def test_an_updated_index_scores_like_one_built_at_once() -> None:
    grown = LexicalIndex()
    grown.update(added={1: "gone tomorrow", **{key: text for key, text in CORPUS.items() if key < 12}})
    grown.update(added={key: text for key, text in CORPUS.items() if key >= 12}, removed=ids(1, 77))
    whole = LexicalIndex()
    whole.update(added=CORPUS)
    assert grown.ids.tolist() == whole.ids.tolist() == [10, 11, 12, 13]
    for query in ("days", "账户 配置", "renewed certificates are paid"):
        np.testing.assert_array_equal(
            grown.scores(query, grown.ids), whole.scores(query, whole.ids), err_msg=query, strict=True
        )


def test_chunks_without_words_and_an_empty_index_are_no_trouble() -> None:
    index = LexicalIndex()
    assert index.search("anything", 3).ids.tolist() == []
    index.update(added={1: "", 2: "?!"})
    assert (len(index), index.search("anything", 3).ids.tolist()) == (2, [])
    index.update(added={3: "anything"})
    assert index.search("anything", 3).ids.tolist() == [3]
    index.update(removed=ids(1, 2, 3))
    assert (len(index), index.search("anything", 3).ids.tolist()) == (0, [])


def test_searches_during_updates_see_one_whole_state(index: LexicalIndex) -> None:
    def change() -> None:
        for number in range(100, 130):
            index.update(added={number: f"refund number {number}"}, removed=ids(number - 1))

    with ThreadPoolExecutor(2) as pool:
        changing = pool.submit(change)
        while not changing.done():
            hits = index.search("refund number", 10)
            assert len(hits.ids) == len(hits.scores)
            assert sum(key >= 100 for key in hits.ids.tolist()) <= 1
        changing.result()
    assert index.search("refund number", 10).ids.tolist()[0] == 129


def test_one_text_after_another_gets_its_own_scores_also_after_an_update() -> None:
    index = LexicalIndex()
    index.update(added={1: "refund", 2: "parking"})
    first = [index.search("refund", 5).ids.tolist(), index.search("parking", 5).ids.tolist()]
    index.update(added={3: "parking"})
    assert [*first, index.search("parking", 5).ids.tolist()] == [[1], [2], [2, 3]]
