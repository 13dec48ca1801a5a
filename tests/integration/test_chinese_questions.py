"""Chinese questions to the example's curated answers, with the default encoder, which knows few Chinese characters."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.encoder.model import SentenceEncoder
from adapters.testing import ScriptedGenerator
from bot.pipeline import Pipeline
from bot.testing import fake_pipeline
from bot.types import AnswerKind
from knowledge.parsers.pairs import parse_csv
from knowledge.testing import MemoryStore, chunk, document
from tests.pipelines import answer

pytestmark = pytest.mark.models

FAQ = Path(__file__).parents[2] / "examples" / "faq.csv"
ENTRIES = {pair.question: pair.answer for pair in parse_csv(FAQ.read_text(encoding="utf-8"), uri="/help/faq.csv").pairs}


@pytest.fixture
def path(encoder: SentenceEncoder, tmp_path: Path) -> Pipeline:
    pieces = [chunk(text, question=asked, ordinal=place) for place, (asked, text) in enumerate(ENTRIES.items())]
    store = MemoryStore()
    vectors = encoder.encode([piece.embedding_text for piece in pieces])
    store.replace_document(document("/help/faq.csv"), pieces, vectors, encoder=encoder.name)
    return fake_pipeline(store, tmp_path / "index", generator=ScriptedGenerator([]), encoder=encoder)


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("退款需要多长时间才能到账？", "退款多久能到账？"),
        ("身份验证要多久？", "身份验证需要多长时间？"),
        ("怎样导出全部数据？", "如何导出我的全部数据？"),
        ("我的账户为何被冻结了?", "我的账户为何被冻结?"),
    ],
)
async def test_another_wording_gets_the_curated_answer_word_for_word(path: Pipeline, asked: str, entry: str) -> None:
    given = await answer(path, asked)
    assert (given.kind, given.text) == (AnswerKind.CURATED, ENTRIES[entry])


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("我可以修改已经发送的发票吗？", "发票发出后还能修改吗？"),
        ("账户被锁定了怎么办？", "账户被冻结和被锁定有什么区别？"),
        ("怎么关闭我的账户？", "如何注销账户？"),
    ],
)
async def test_a_question_that_shares_its_words_is_answered_with_a_quotation(
    path: Pipeline, asked: str, entry: str
) -> None:
    given = await answer(path, asked)
    assert given.kind is AnswerKind.QUOTED
    assert given.text.startswith(ENTRIES[entry])


@pytest.mark.parametrize(
    ("asked", "entry"),
    [
        ("账户被注销了怎么办？", "如何注销账户？"),
        ("订阅取消了怎么办？", "如何取消订阅？"),
        ("需要用美元或英镑收款吗？", "可以用美元或英镑收款吗？"),
        ("为什么要开启两步验证？", "必须开启两步验证吗？"),
    ],
)
async def test_what_was_done_to_somebody_gets_no_curated_answer_to_how_it_is_done(
    path: Pipeline, asked: str, entry: str
) -> None:
    given = await answer(path, asked)
    assert given.kind is not AnswerKind.CURATED
    assert given.text != ENTRIES[entry]


@pytest.mark.parametrize(
    "asked", ["公司的总裁是谁？", "怎么买股票？", "可以贷款吗？", "如何申请信用卡？", "你们的员工有多少人？"]
)
async def test_what_no_entry_tells_is_refused(path: Pipeline, asked: str) -> None:
    given = await answer(path, asked)
    assert (given.kind, given.sources) == (AnswerKind.REFUSAL, ())
