from __future__ import annotations

import pytest

from knowledge.errors import UnreadableError
from knowledge.parsers import html
from knowledge.types import Section

PAGE = """<!doctype html><html><head><title>Refunds | Acme</title><style>p {}</style></head><body>
<nav><a href="/">Home</a> Products</nav>
<main><h1 id="top">Refunds <a href="#top">¶</a></h1><p>You get money back
in <b>5</b> days.<br>Always.</p>
<section id="how"><h2>How to ask</h2><ul><li>Write to <a href="https://acme.example/help">us</a>.</li>
<li>Wait:<ol><li>a day</li><li>two days</li></ol></li></ul></section>
<h2><a name="code"></a>Code</h2><pre><code>curl x
  y</code></pre><p>Use <code>curl</code>.</p>
<table><tr><th>Plan</th><th>Days</th></tr><tr><td>Pro</td><td>5 <img alt="star" src="s.png"></td></tr></table>
<div role="navigation">On this page</div><script>alert(1)</script><p hidden>hidden</p></main>
<footer>Copyright Acme</footer></body></html>"""


def test_the_marked_main_content_is_read_with_headings_and_their_anchors() -> None:
    content = html.parse(PAGE)

    assert content.title == "Refunds"
    assert content.sections == (
        Section(title_path=(), anchor="", text="You get money back in 5 days.\nAlways."),
        Section(
            title_path=("How to ask",),
            anchor="#how",
            text="- Write to us (https://acme.example/help).\n- Wait:\n  1. a day\n  2. two days",
        ),
        Section(
            title_path=("Code",),
            anchor="#code",
            text="```\ncurl x\n  y\n```\n\nUse `curl`.\n\n| Plan | Days |\n| --- | --- |\n| Pro | 5 star |",
        ),
    )


def test_a_small_page_without_marks_keeps_its_headings_and_loses_its_menus() -> None:
    content = html.parse(
        "<html><body><nav>Home</nav><h1>Hours</h1><p>We open at 9.</p><footer>(c)</footer></body></html>"
    )

    assert content.title == "Hours"
    assert content.sections == (Section(title_path=(), anchor="", text="We open at 9."),)


def test_a_long_page_without_marks_loses_its_boilerplate_and_keeps_its_anchors() -> None:
    story = "".join(
        f"<p>The help desk answers question number {n} on every working day, in full sentences.</p>" for n in range(20)
    )
    links = "".join(f'<li><a href="/{n}">Other page {n}</a></li>' for n in range(30))
    night = story.replace("question", "call")
    page = (
        f"<html><head><title>Desk</title></head><body><div class='sidebar menu'><ul>{links}</ul></div>"
        f"<div class='content'><h1>Help desk</h1>{story}<h2 id='late'>At night</h2>{night}</div></body></html>"
    )

    content = html.parse(page)

    assert [(one.title_path, one.anchor) for one in content.sections][-1] == (("At night",), "#late")
    text = "\n".join(one.text for one in content.sections)
    assert "question number 19" in text
    assert "call number 19" in text
    assert "Other page" not in text


def test_the_title_element_counts_where_there_is_no_heading() -> None:
    content = html.parse("<title> Opening\nhours </title><p>We open at 9.</p>")

    assert (content.title, content.sections[0].text) == ("Opening hours", "We open at 9.")


def test_a_question_in_a_button_inside_a_heading_is_kept_and_other_buttons_are_not() -> None:
    content = html.parse("<main><h1>FAQ</h1><h2><button>Why?</button></h2><p>So.</p><button>Copy</button></main>")

    assert content.sections == (Section(title_path=("Why?",), anchor="", text="So."),)


@pytest.mark.parametrize("markup", ["", "   "])
def test_nothing_is_reported_as_broken(markup: str) -> None:
    with pytest.raises(UnreadableError, match="holds no HTML"):
        html.parse(markup)


def test_endless_nesting_is_reported_as_broken() -> None:
    with pytest.raises(UnreadableError, match="nests deeper"):
        html.parse("<main>" + "<div>" * 150 + "deep" + "</div>" * 150 + "</main>")
