from __future__ import annotations

import pytest

from bot.web.markdown import render


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and `code`", "<p><strong>bold</strong> and <code>code</code></p>"),
        ("one\ntwo", "<p>one<br />\ntwo</p>"),
        ("<b>x</b> & y", "<p>&lt;b&gt;x&lt;/b&gt; &amp; y</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("```\n<i>\n```", "<pre><code>&lt;i&gt;\n</code></pre>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](data:text/html,hi)", "<p>[x](data:text/html,hi)</p>"),
        ("[x](/logout)", "<p>[x](/logout)</p>"),
        ("[1]", "<p>[1]</p>"),
    ],
)
def test_markdown_becomes_html_and_html_in_it_is_read_as_it_stands(text: str, html: str) -> None:
    assert render(text).strip() == html


def test_links_lead_out_of_the_page() -> None:
    assert render('[x](https://e.org/?a=1&b="c)').strip() == (
        '<p><a href="https://e.org/?a=1&amp;b=%22c" rel="noopener noreferrer" target="_blank">x</a></p>'
    )


def test_nothing_is_loaded_from_elsewhere() -> None:
    assert "<img" not in render("![x](https://e.org/pixel.png)")


def test_columns_are_aligned_without_styles_in_the_text() -> None:
    html = render("| a | b |\n| :-: | --: |\n| 1 | 2 |")
    assert "style" not in html
    assert '<th class="align-center whole">a</th>' in html
    assert '<td class="align-right whole">2</td>' in html


def test_a_table_scrolls_in_a_frame_of_its_own_and_short_cells_are_whole() -> None:
    html = render("| Card | Fee |\n| --- | --- |\n| Business card from outside the EEA | 2.9 % + €0.25 |\n\nSo.")
    assert html.startswith('<div class="wide" tabindex="0">\n<table>')
    assert "</table>\n</div>\n<p>So.</p>" in html
    assert "<td>Business card from outside the EEA</td>" in html
    assert '<td class="whole">2.9 % + €0.25</td>' in html


def test_a_citation_opens_its_source_wherever_it_stands_but_in_code() -> None:
    opens, labels = {1: "s-7-1"}, {1: 'Source 1: "Fees" & more'}
    cite = (
        '<button type="button" class="cite" data-opens="s-7-1" aria-label="Source 1: &#34;Fees&#34; &amp; more">1'
        "</button>"
    )
    assert render("So it is [1]. `[1]` [2]", opens=opens, labels=labels).strip() == (
        f"<p>So it is {cite}. <code>[1]</code> [2]</p>"
    )
    assert cite in render("| a |\n| --- |\n| x [1] |", opens=opens, labels=labels)
