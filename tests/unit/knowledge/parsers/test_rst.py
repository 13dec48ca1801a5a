from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.parsers import rst
from knowledge.types import Section


def text(source: str) -> str:
    return "\n\n".join(one.text for one in rst.parse(source).sections)


def test_headings_become_sections_with_docutils_anchors() -> None:
    content = rst.parse("Guide\n=====\n\nHi there,\nfriend.\n\nFirst step\n----------\n\nOne.\n\nMore\n~~~~\n\nTwo.\n")

    assert content.title == "Guide"
    assert content.sections == (
        Section(title_path=(), anchor="", text="Hi there, friend."),
        Section(title_path=("First step",), anchor="#first-step", text="One."),
        Section(title_path=("First step", "More"), anchor="#more", text="Two."),
    )


def test_sphinx_roles_and_directives_keep_their_words() -> None:
    source = (
        ".. _here:\n\nTitle\n=====\n\nSee :doc:`Setting up </intro>`, :ref:`here`, :stconf:opt:`ignorePerms` and "
        "``code``.\n\n"
        ".. versionadded:: 1.2.0\n   It was new.\n\n.. note::\n   Take care.\n\n"
        ".. option:: --verbose\n   :noindex:\n\n   Says more.\n\n.. code-block:: bash\n   :linenos:\n\n   ls -l\n\n"
        ".. toctree::\n   :maxdepth: 2\n\n   other/page\n"
    )

    assert text(source) == (
        "See Setting up, here, `ignorePerms` and `code`.\n\nSince version 1.2.0 It was new.\n\nTake care.\n\n"
        "--verbose\n\nSays more.\n\n```bash\nls -l\n```"
    )


def test_lists_terms_fields_and_tables_stay_readable() -> None:
    source = (
        "- one\n\n  more of one\n- two\n\n3. three\n4. four\n\nTerm\n    Its meaning.\n\n"
        ":field: value\n\n-v  Says more.\n\n"
        "===  ===\nA    B\n===  ===\n1    2\n===  ===\n\n| line one\n| line two\n\nText::\n\n    code\n"
    )

    assert text(source) == (
        "- one\n  more of one\n- two\n\n3. three\n4. four\n\nTerm:\nIts meaning.\n\n"
        "field:\nvalue\n\n-v:\nSays more.\n\n"
        "| A | B |\n| --- | --- |\n| 1 | 2 |\n\nline one\nline two\n\nText:\n\n```\ncode\n```"
    )


@pytest.mark.parametrize(
    "directive",
    [".. include:: {}", ".. literalinclude:: {}", ".. csv-table::\n   :file: {}", ".. raw:: html\n   :file: {}"],
)
def test_no_other_file_is_ever_read(directive: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret,word", encoding="utf-8")

    assert "secret" not in text("Before.\n\n" + directive.format(secret) + "\n\nAfter.\n").replace(str(secret), "")


def test_broken_markup_keeps_its_text_and_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert (
        text("Title\n==\n\nAn *open emphasis and `:broken.\n\n.. note:\n\n|unknown| and unknown_\n").count("unknown")
        == 2
    )
    assert capfd.readouterr() == ("", "")


def test_very_long_lines_are_read() -> None:
    assert len(text("word " * 20_000)) == 99_999
