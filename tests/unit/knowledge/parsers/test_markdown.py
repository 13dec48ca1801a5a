from __future__ import annotations

import pytest

from knowledge.parsers import markdown
from knowledge.types import Section


def sections(text: str) -> list[tuple[tuple[str, ...], str, str]]:
    return [(one.title_path, one.anchor, one.text) for one in markdown.parse(text).sections]


def test_headings_become_sections_with_their_path_and_github_anchor() -> None:
    content = markdown.parse(
        "# Guide\n\nHi.\n\n## First step\n\nOne.\n\n### More & more!\n\nTwo.\n\n## 第二步\n\nThree.\n"
    )

    assert content.title == "Guide"
    assert content.sections == (
        Section(title_path=(), anchor="", text="Hi."),
        Section(title_path=("First step",), anchor="#first-step", text="One."),
        Section(title_path=("First step", "More & more!"), anchor="#more--more", text="Two."),
        Section(title_path=("第二步",), anchor="#第二步", text="Three."),
    )


def test_repeated_headings_have_numbered_anchors() -> None:
    anchors = [anchor for _, anchor, _ in sections("# T\n\n## A\n\nx\n\n## A\n\ny\n\n## A-1\n\nz\n\n## A\n\nw")]

    assert anchors == ["#a", "#a-1", "#a-1-1", "#a-2"]


def test_the_title_of_the_front_matter_counts_and_the_same_heading_is_not_repeated() -> None:
    content = markdown.parse('---\ntitle: "Refunds: how"\ntags: [a]\n---\n# Refunds: how\n\nText.\n')

    assert content.title == "Refunds: how"
    assert content.sections == (Section(title_path=(), anchor="", text="Text."),)


@pytest.mark.parametrize("front", ["---\n: [broken\n---\n", "---\ntitle:\n---\n"])
def test_front_matter_without_a_title_is_left_out_of_the_text(front: str) -> None:
    content = markdown.parse(f"{front}# Heading\n\nText.")

    assert (content.title, content.sections[0].text) == ("Heading", "Text.")


def test_text_between_two_rules_is_no_front_matter() -> None:
    content = markdown.parse("---\njust words\n---\n\nText.")

    assert (content.title, content.sections[0].text) == ("just words", "Text.")  # a heading, by CommonMark's rules


def test_several_top_headings_mean_that_none_is_the_title() -> None:
    content = markdown.parse("# How do I pay?\n\nBy card.\n\n# How do I cancel?\n\nIn the menu.")

    assert content.title == ""
    assert [one.title_path for one in content.sections] == [("How do I pay?",), ("How do I cancel?",)]


def test_lists_tables_and_code_stay_readable() -> None:
    text = (
        "- one\n  and more\n- two\n  1. inner\n  2. next\n\n3. three\n4. four\n\n"
        "| A | B |\n|---|---|\n| `x` | y \\| z |\n\n```python title=a\nif a:\n    b\n```\n\n    indented\n"
    )

    ((_, _, written),) = sections(text)

    assert written == (
        "- one and more\n- two\n  1. inner\n  2. next\n\n3. three\n4. four\n\n"
        "| A | B |\n| --- | --- |\n| `x` | y \\| z |\n\n```python\nif a:\n    b\n```\n\n```\nindented\n```"
    )


def test_code_that_holds_fences_gets_longer_ones() -> None:
    ((_, _, written),) = sections("````md\n```sh\nls\n```\n````\n")

    assert written == "````md\n```sh\nls\n```\n````"


def test_emphasis_goes_links_keep_their_words_and_outside_addresses() -> None:
    text = (
        "A **bold** [page](other.md), the [portal](https://help.example.com/new), <https://example.com>,\n"
        "![a picture](x.png) and [mail](mailto:help@example.com)<br>next ~~old~~ line."
    )

    ((_, _, written),) = sections(text)

    assert written == (
        "A bold page, the portal (https://help.example.com/new), https://example.com, a picture and "
        "mail (help@example.com)\nnext old line."
    )


def test_wrapped_chinese_lines_are_joined_without_a_space() -> None:
    assert sections("请打开\n设置页面 and\ngo on。")[0][2] == "请打开设置页面 and go on。"


def test_embedded_html_is_read_as_text_and_comments_and_shortcodes_are_left_out() -> None:
    text = (
        "<details>\n<summary>More</summary>\n\nInside.\n\n</details>\n\n<!-- secret -->\n\n"
        '{{< copyable "sql" >}}\n\n<table><tr><th>K</th></tr><tr><td>v</td></tr></table>\n\n'
        "{{% def %}} kept {{% /def %}}\n"
    )

    assert sections(text)[0][2] == "More\n\nInside.\n\n| K |\n| --- |\n| v |\n\n{{% def %}} kept {{% /def %}}"


def test_a_heading_can_name_its_own_anchor() -> None:
    assert sections("# T\n\n## Custom {#my-id}\n\nText.") == [(("Custom",), "#my-id", "Text.")]


def test_a_heading_with_nothing_below_it_keeps_its_words_as_text() -> None:
    assert sections("# T\n\n## A\n\n### Only words\n\n## B\n\nText.")[0] == (("A",), "#only-words", "Only words")


def test_deep_nesting_ends_without_an_error() -> None:
    assert markdown.parse("Text.\n\n" + ">" * 5_000 + " deep").sections[0].text == "Text."
