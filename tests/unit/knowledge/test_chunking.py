from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import chunk, sentences
from knowledge.chunking import settings as chunk_settings
from knowledge.types import Chunk, ChunkKind, Document, QuestionAnswer, Section

WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]")


def count_tokens(text: str) -> int:
    """Count words, punctuation marks and Chinese characters, as a BERT tokenizer nearly does."""
    return len(WORD.findall(text))


def document(*sections: Section, pairs: tuple[QuestionAnswer, ...] = (), title: str = "Guide") -> Document:
    return Document(
        source="/docs",
        uri="/docs/guide.md",
        collection="default",
        title=title,
        language="en",
        media_type="text/markdown",
        digest="0" * 64,
        sections=sections,
        pairs=pairs,
    )


def section(text: str, *path: str, anchor: str = "") -> Section:
    return Section(title_path=path, anchor=anchor, text=text)


def cut(*sections: Section, target: int = 40, most: int = 60) -> tuple[Chunk, ...]:
    return chunk(document(*sections), count_tokens=count_tokens, target_tokens=target, max_tokens=most)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def numbered(count: int, *, start: int = 0, words: int = 6) -> str:
    return " ".join(f"Sentence {number} has {'very ' * words}few words." for number in range(start, start + count))


def test_a_short_section_is_one_chunk_with_its_titles_and_anchor() -> None:
    (only,) = cut(section("Click on Forgot password.", "Login", "Password", anchor="#password"))

    assert only == Chunk(
        ordinal=0,
        kind=ChunkKind.PASSAGE,
        title_path=("Guide", "Login", "Password"),
        anchor="#password",
        question="",
        text="Click on Forgot password.",
    )


def test_a_long_section_is_cut_between_sentences_into_even_chunks() -> None:
    text = numbered(10)

    chunks = cut(section(text, "Long"))

    assert " ".join(one.text for one in chunks) == text
    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    sizes = [count_tokens(one.text) for one in chunks]
    assert max(sizes) <= 46  # target and its slack
    assert min(sizes) >= 20
    assert all(one.text.endswith(".") for one in chunks)


def test_titles_and_text_together_stay_within_the_encoders_window() -> None:
    chunks = cut(section(numbered(30), "A rather long heading with many words", "And one more below it"))

    assert max(count_tokens(one.embedding_text) for one in chunks) <= 60


def test_titles_that_are_longer_than_the_window_leave_half_of_it_to_the_text() -> None:
    chunks = cut(section(numbered(10), " ".join(["heading"] * 100)))

    assert all(15 <= count_tokens(one.text) <= 30 for one in chunks)


def test_tiny_neighbours_under_one_parent_are_merged_and_keep_their_headings() -> None:
    chunks = cut(
        section("The terms.", "Glossary", anchor="#glossary"),
        section("A user.", "Glossary", "Account", anchor="#account"),
        section("A payment.", "Glossary", "Bill", anchor="#bill"),
        section(numbered(4), "Prices", anchor="#prices"),
    )

    assert chunks[0].title_path == ("Guide", "Glossary")
    assert chunks[0].anchor == "#glossary"
    assert chunks[0].text == "The terms.\n\nAccount:\n\nA user.\n\nBill:\n\nA payment."
    assert chunks[1].title_path == ("Guide", "Prices")


def test_tiny_sections_of_different_parents_stay_apart() -> None:
    chunks = cut(section("One.", "A", "X"), section("Two.", "B", "X"))

    assert [one.title_path for one in chunks] == [("Guide", "A", "X"), ("Guide", "B", "X")]


def test_pages_of_one_chapter_are_one_flow_and_each_chunk_names_the_page_it_begins_on() -> None:
    chunks = cut(
        section(numbered(2), "Chapter", anchor="page=1"),
        section(numbered(6, start=2), "Chapter", anchor="page=2"),
        section(numbered(1, start=8), "Chapter", anchor="page=3"),
    )

    assert chunks[0].anchor == "page=1"
    assert chunks[-1].anchor in {"page=2", "page=3"}
    assert squeezed("".join(one.text for one in chunks)) == squeezed(numbered(9))


def test_what_ends_in_a_colon_stays_with_what_follows() -> None:
    text = f"{numbered(3)}\n\nTo reset it, do this:\n\n1. Open the menu.\n2. Press reset.\n\n{numbered(3, start=3)}"

    chunks = cut(section(text, "Steps"))

    (steps,) = [one for one in chunks if "To reset it" in one.text]
    assert "To reset it, do this:\n\n1. Open the menu." in steps.text


def test_a_long_list_is_cut_between_its_items() -> None:
    items = "\n".join(f"- Item {number} says something that is short" for number in range(20))

    chunks = cut(section(items, "List"))

    assert len(chunks) > 1
    assert "\n".join(one.text for one in chunks) == items
    assert all(one.text.startswith("- Item") for one in chunks)


def test_code_that_fits_is_never_cut_and_blank_lines_in_it_do_not_part_it() -> None:
    code = "```python\nfirst = 1\n\n\nsecond = 2\n```"

    chunks = cut(section(f"{numbered(4)}\n\n{code}\n\n{numbered(4, start=4)}", "Code"))

    assert sum(code in one.text for one in chunks) == 1


def test_code_that_does_not_fit_is_cut_between_lines_and_every_piece_is_fenced() -> None:
    lines = [f"call_{number}(argument, other)" for number in range(30)]

    chunks = cut(section("```python\n" + "\n".join(lines) + "\n```", "Code"))

    assert len(chunks) > 2
    assert all(one.text.startswith("```python\n") and one.text.endswith("\n```") for one in chunks)
    kept = [line for one in chunks for line in one.text.split("\n") if line.startswith("call_")]
    assert kept == lines


def test_a_long_table_is_cut_between_rows_and_every_piece_repeats_the_header() -> None:
    header = "| Setting | Default |\n| --- | --- |\n"
    rows = [f"| option_{number} | value {number} |" for number in range(20)]

    chunks = cut(section(header + "\n".join(rows), "Table"))

    assert len(chunks) > 2
    assert all(one.text.startswith(header) for one in chunks)
    assert [line for one in chunks for line in one.text.split("\n")[2:]] == rows


def test_a_sentence_that_is_too_long_is_cut_at_its_commas() -> None:
    text = ", ".join(f"clause {number} of it" for number in range(40)) + "."

    chunks = cut(section(text, "Law"))

    assert " ".join(one.text for one in chunks) == text
    assert all(one.text.endswith((",", ".")) for one in chunks)


def test_a_text_without_any_space_is_cut_by_length_even_when_the_encoder_sees_one_token() -> None:
    blob = "QUJD" * 2_000

    chunks = chunk(document(section(blob, "Key")), count_tokens=lambda _: 1, target_tokens=40, max_tokens=60)

    assert "".join(one.text for one in chunks) == blob
    assert max(len(one.text) for one in chunks) <= 40 * 16


def test_long_chinese_text_without_spaces_is_cut_between_sentences() -> None:
    text = "".join(f"第{number}步：请打开设置页面，然后点击确认。" for number in range(20))

    chunks = cut(section(text, "步骤"))

    assert "".join(one.text for one in chunks) == text
    assert all(one.text.endswith("。") for one in chunks)
    assert len(chunks) > 3


def test_each_curated_pair_is_one_chunk_after_the_passages() -> None:
    pair = QuestionAnswer(question="我的账户为何被冻结?", answer=numbered(30), language="zh", anchor="row=2")

    chunks = chunk(document(section("Text.", "A"), pairs=(pair,)), count_tokens=count_tokens)

    assert chunks[1] == Chunk(
        ordinal=1,
        kind=ChunkKind.CURATED,
        title_path=("Guide",),
        anchor="row=2",
        question="我的账户为何被冻结?",
        text=numbered(30),
    )


def test_a_document_without_text_has_no_chunks() -> None:
    assert chunk(document(), count_tokens=count_tokens) == ()


def test_other_settings_give_another_mark_for_the_digest() -> None:
    marks = {chunk_settings(target_tokens=target, max_tokens=most) for target in (100, 200) for most in (240, 250)}

    assert len(marks) == 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ask Dr. Smith, e.g. today. He pays 3.5 dollars.", ["Ask Dr. Smith, e.g. today. ", "He pays 3.5 dollars."]),
        (
            "See https://a.example.com/x.html?q=1 first. Then go!",
            ["See https://a.example.com/x.html?q=1 first. ", "Then go!"],
        ),
        ("Use v1.2.3 of it. Done.", ["Use v1.2.3 of it. ", "Done."]),
        ("我的账户为何被冻结？请联系客服。", ["我的账户为何被冻结？", "请联系客服。"]),
        ("他说：“今天不行。”然后走了！", ["他说：“今天不行。”", "然后走了！"]),
        ("版本3.5发布了。价格为3.5元。", ["版本3.5发布了。", "价格为3.5元。"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_the_tokens_of_a_text_are_counted_a_bounded_number_of_times() -> None:
    counted = 0

    def counting(text: str) -> int:
        nonlocal counted
        counted += len(text)
        return count_tokens(text)

    lengths = []
    for size in (100, 200, 400):
        counted = 0
        chunk(document(section(numbered(size), "Long")), count_tokens=counting)
        lengths.append(counted)

    assert lengths[2] < 2.2 * lengths[1] < 2.2 * 2.2 * lengths[0]


prose = st.lists(
    st.sampled_from(
        [
            "Press the key.",
            "Is it 3.5 or e.g. four?",
            "请重新登录。",
            "价格，含税，为三元！",
            "no end here",
            "Wait: why, then; or not?",
        ]
    ),
    min_size=1,
    max_size=12,
).map(" ".join)
block = st.one_of(
    prose,
    st.lists(prose, min_size=1, max_size=6).map(lambda items: "\n".join(f"- {one}" for one in items)),
    st.lists(prose, min_size=1, max_size=6).map(lambda rows: "\n".join(f"| {one} | x |" for one in rows)),
    st.lists(prose, min_size=1, max_size=6).map(lambda lines: "```sh\n" + "\n\n".join(lines) + "\n```"),
    st.text(alphabet="ab,。 .\n`|-", max_size=80),
)
paths = st.lists(st.sampled_from(["Alpha", "Beta", "Gamma"]), max_size=3).map(tuple)
sections_strategy = st.lists(
    st.builds(
        lambda path, blocks, number: Section(title_path=path, anchor=f"#{number}", text="\n\n".join(blocks)),
        paths,
        st.lists(block, min_size=1, max_size=5),
        st.integers(0, 9),
    ),
    max_size=8,
)


def words(text: str) -> Counter[str]:
    """Words and signs of a text; fences and the headings that merged sections carry are no text."""
    without_fences = re.sub(r"`{3,}(?:sh)?", "", text)
    return Counter(
        re.findall(r"\w|[^\w\s`]", re.sub(r"^(?:Alpha|Beta|Gamma):$", "", without_fences, flags=re.MULTILINE))
    )


@settings(max_examples=100, deadline=None)
@given(sections_strategy)
def test_no_text_is_lost_none_is_doubled_and_no_chunk_is_too_long(sections: list[Section]) -> None:
    chunks = cut(*sections)

    assert words("\n".join(one.text for one in chunks)) == words("\n".join(one.text for one in sections))
    assert all(one.text.strip() for one in chunks)
    assert all(one.title_path[0] == "Guide" for one in chunks)
    assert all(count_tokens(one.text) <= 60 for one in chunks)
