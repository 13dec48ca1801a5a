"""Real folders and files on disk."""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docx
import pytest

from knowledge.errors import UnreadableError
from knowledge.sources import canonical, discover, parse
from knowledge.types import Document, Found, Problem, ProblemKind, SourceLimits
from knowledge.web import Page

SMALL = SourceLimits(max_megabytes=0.01, max_characters=5_000)


def found(source: Path, *, limits: SourceLimits = SMALL) -> dict[str, Found | Problem]:
    items = {}
    for item in discover(str(source), limits=limits):
        items[os.path.relpath(item.uri, source)] = item
    return items


def problem(path: Path) -> Problem:
    """Read one file that cannot be read, and return why."""
    (item,) = discover(str(path), limits=SMALL)
    if isinstance(item, Found):
        parsed = parse(item, collection="default", limits=SMALL)
        assert parsed.document is None
        item = parsed.problems[-1]
    assert item.uri == str(path)
    assert item.skipped
    return item


def document(path: Path) -> Document:
    (item,) = discover(str(path), limits=SMALL)
    assert isinstance(item, Found), item
    parsed = parse(item, collection="help", limits=SMALL)
    assert parsed.document, parsed.problems
    return parsed.document


def test_a_folder_is_read_to_its_depth_in_order_without_hidden_names(tmp_path: Path) -> None:
    for name in ("b.md", "a/z.txt", "a/deep/er/x.md", ".git/config.md", "a/.hidden.md", "~$open.docx"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# T\n\nText.", encoding="utf-8")

    assert list(found(tmp_path)) == ["a/deep/er/x.md", "a/z.txt", "b.md"]


def test_a_file_becomes_a_document_with_all_its_fields(tmp_path: Path) -> None:
    path = tmp_path / "getting-started.md"
    path.write_text(
        "## How to begin\n\nOpen the settings of your account first.\n\n## Then\n\nGo on.", encoding="utf-8"
    )

    result = document(path)

    assert (result.source, result.uri, result.collection) == (str(path), str(path), "help")
    assert (result.title, result.language, result.media_type) == ("getting started", "en", "text/markdown")
    assert [section.title_path for section in result.sections] == [("How to begin",), ("Then",)]
    assert result.pairs == ()


def test_the_digest_tells_content_and_settings_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.md"

    def digest(text: str, settings: str) -> str:
        path.write_text(text, encoding="utf-8")
        (item,) = discover(str(path), settings=settings)
        assert isinstance(item, Found)
        return item.digest

    assert digest("one", "200") == digest("one", "200")
    assert len({digest("one", "200"), digest("two", "200"), digest("one", "100")}) == 3


def test_a_source_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    (item,) = discover(str(tmp_path / "nothing"))

    assert item == Problem(
        uri=str(tmp_path / "nothing"), kind=ProblemKind.MISSING, reason="There is no such file or folder."
    )


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("zero.md", b"", ProblemKind.EMPTY, "0 bytes"),
        ("blank.md", b" \n\t\n", ProblemKind.EMPTY, "white space"),
        ("comment.md", b"<!-- nothing -->", ProblemKind.EMPTY, "no text"),
        ("bom.txt", b"\xff\xfe \x00\n\x00", ProblemKind.EMPTY, "no text"),
        ("huge.txt", b"word " * 3_000, ProblemKind.TOO_LARGE, "0.0 MB where 0.01 MB"),
        ("long.txt", b"word " * 1_500, ProblemKind.TOO_LARGE, "7,500 characters where 5,000"),
        ("film.mp4", b"\x00\x00\x00\x18ftyp" * 9_000, ProblemKind.UNSUPPORTED, "no parser for .mp4"),
        ("code.py", b"print(1)", ProblemKind.UNSUPPORTED, "no parser for .py"),
        ("binary.txt", bytes(range(256)) * 8, ProblemKind.UNSUPPORTED, "neither text in a known encoding"),
        ("picture.md", b"\x89PNG\r\n\x1a\n" + bytes(50), ProblemKind.WRONGLY_NAMED, "named .md but is a picture"),
        ("half.pdf", b"%PDF-1.7\n1 0 obj\n<<", ProblemKind.BROKEN, "cut off or damaged"),
        ("half.docx", b"PK\x03\x04" + bytes(60), ProblemKind.BROKEN, "cut off or damaged"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ProblemKind.UNSUPPORTED, "old Office file"),
        (
            "locked.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            ProblemKind.ENCRYPTED,
            "locked by a password",
        ),
        ("faq.csv", b"name,price\nx,3\n", ProblemKind.UNSUPPORTED, "must name the columns"),
        ("data.json", b'{"a": 1}', ProblemKind.UNSUPPORTED, "must be a list"),
    ],
)  # fmt: skip
def test_each_bad_file_has_its_own_clear_reason(
    tmp_path: Path, name: str, content: bytes, kind: ProblemKind, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    result = problem(path)

    assert result.kind is kind
    assert words in result.reason


def test_a_zip_archive_named_as_text_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside.txt", "text")

    assert problem(path).reason == "It is named .txt but is a ZIP archive; unpack it."
    assert problem(path).kind is ProblemKind.WRONGLY_NAMED


def test_a_wrongly_named_document_is_read_by_its_content_and_remarked_on(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    word = docx.Document()
    word.add_paragraph("Written in Word.")
    word.save(buffer)
    (tmp_path / "a.md").write_bytes(buffer.getvalue())
    (tmp_path / "b.txt").write_bytes(b"<!DOCTYPE html><title>T</title><p>A page.</p>")
    (tmp_path / "c.docx").write_bytes(b"Only text.")

    read = {}
    for item in discover(str(tmp_path), limits=SourceLimits()):
        assert isinstance(item, Found)
        parsed = parse(item, collection="default")
        assert parsed.document
        read[Path(item.uri).name] = (parsed.document.sections[0].text, [one.reason for one in parsed.problems])
        assert [(one.kind, one.skipped) for one in parsed.problems] == [(ProblemKind.WRONGLY_NAMED, False)]

    assert read == {
        "a.md": ("Written in Word.", ["It is named .md but is Word (DOCX), and was read as that."]),
        "b.txt": ("A page.", ["It is named .txt but is HTML, and was read as that."]),
        "c.docx": ("Only text.", ["It is named .docx but is plain text, and was read as that."]),
    }


def test_text_that_speaks_of_pdf_is_still_markdown(tmp_path: Path) -> None:
    path = tmp_path / "formats.md"
    path.write_text("# Formats\n\nA PDF file begins with `%PDF-1.7` in its first line.", encoding="utf-8")

    assert document(path).media_type == "text/markdown"


@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_text_in_another_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "faq.csv"
    path.write_bytes("问题;答案\n我的账户为何被冻结?;请联系客服，他们会马上处理。\n".encode(encoding))

    assert [(one.question, one.answer) for one in document(path).pairs] == [
        ("我的账户为何被冻结?", "请联系客服，他们会马上处理。")
    ]
    assert document(path).language == "zh"


def test_the_charset_that_a_page_names_in_itself_is_used(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes('<html><meta charset="gb2312"><title>退款</title><p>退款</p></html>'.encode("gb18030"))

    assert document(path).sections[0].text == "退款"


def test_bad_rows_do_not_cost_the_good_ones(tmp_path: Path) -> None:
    path = tmp_path / "faq.csv"
    path.write_text("question,answer\nHow?,So.\nWhy?,\n", encoding="utf-8")
    (item,) = discover(str(path))
    assert isinstance(item, Found)

    parsed = parse(item, collection="default")

    assert parsed.document is not None
    assert [pair.question for pair in parsed.document.pairs] == ["How?"]
    assert parsed.problems == (
        Problem(uri=str(path), kind=ProblemKind.BAD_ROW, reason="Row 3 has no answer.", skipped=False),
    )


def test_a_link_back_to_a_folder_above_is_reported_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "page.md").write_text("Text.", encoding="utf-8")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)

    items = found(tmp_path)

    assert list(items) == ["a/loop", "a/page.md"]
    loop = items["a/loop"]
    assert isinstance(loop, Problem)
    assert loop.kind is ProblemKind.LOOP


def test_a_link_that_leads_nowhere_and_a_socket_are_reported_and_do_not_hang(tmp_path: Path) -> None:
    (tmp_path / "dead.md").symlink_to(tmp_path / "nowhere.md")
    os.mkfifo(tmp_path / "pipe.md")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # a socket's path must be short
        try:
            listener.bind("socket.md")
        finally:
            os.chdir(here)
        items = found(tmp_path)

    assert [(name, item.kind, item.reason) for name, item in items.items() if isinstance(item, Problem)] == [
        ("dead.md", ProblemKind.UNREADABLE, "It is gone, or a link that leads nowhere."),
        ("pipe.md", ProblemKind.UNSUPPORTED, "It is no ordinary file."),
        ("socket.md", ProblemKind.UNSUPPORTED, "It is no ordinary file."),
    ]


@contextmanager
def without_rights(folder: Path) -> Iterator[None]:
    """Be an ordinary user for a while: root may read everything."""
    if os.geteuid() != 0:
        yield
        return
    modes = {above: above.stat().st_mode for above in (folder, *folder.parents[:3])}
    for above in modes:
        above.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for above, mode in modes.items():
            above.chmod(mode)


def test_what_may_not_be_read_is_reported_and_the_rest_is_read(tmp_path: Path) -> None:
    for name in ("open.md", "secret.md"):
        (tmp_path / name).write_text("Text.", encoding="utf-8")
    (tmp_path / "closed").mkdir()
    for name in ("secret.md", "closed"):
        (tmp_path / name).chmod(0)

    with without_rights(tmp_path):
        items = found(tmp_path)

    (tmp_path / "closed").chmod(0o700)
    assert isinstance(items.pop("open.md"), Found)
    assert {
        name: (item.kind, item.reason) for name, item in items.items() if isinstance(item, Problem)
    } == dict.fromkeys(
        ("closed", "secret.md"),
        (ProblemKind.UNREADABLE, "Permission denied; let the user that Burnish runs as read it."),
    )


def test_a_file_name_that_is_no_utf_8_is_reported(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.md"
    with open(name, "wb") as file:  # noqa: PTH123 - Path takes no bytes
        file.write(b"Text.")

    (item,) = discover(str(tmp_path))

    assert isinstance(item, Problem)
    assert item.kind is ProblemKind.WRONGLY_NAMED
    item.uri.encode()


def test_a_parser_that_fails_in_its_own_way_is_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("Text.", encoding="utf-8")
    (item,) = discover(str(path))
    assert isinstance(item, Found)
    wrong = Found(
        source=item.source, uri=item.uri, media_type="application/pdf", digest="", remarks=(), content="no bytes"  # type: ignore[arg-type] # what provokes a TypeError deep inside
    )  # fmt: skip

    parsed = parse(wrong, collection="default")

    assert parsed.document is None
    assert parsed.problems[0].kind is ProblemKind.BROKEN


def test_a_source_is_stored_in_one_form(tmp_path: Path) -> None:
    assert canonical(f"{tmp_path}/a/../b/") == f"{tmp_path}/b"
    assert canonical("~") == str(Path.home())
    assert canonical("docs") == str(Path.cwd() / "docs")
    assert canonical("https://example.com/a?b=c#d") == "https://example.com/a?b=c"


def page(content: bytes, *, media_type: str = "text/html", charset: str = "", url: str = "") -> Document | Problem:
    def fetch(asked: str, _: SourceLimits) -> Page:
        return Page(url=url or asked, media_type=media_type, charset=charset, content=content)

    (item,) = discover("https://example.com/help/reset-password#top", fetch=fetch)
    if isinstance(item, Problem):
        return item
    parsed = parse(item, collection="default")
    return parsed.document or parsed.problems[-1]


def test_a_web_page_becomes_a_document_under_the_address_that_was_named() -> None:
    result = page("<p>Größe ändern</p>".encode("cp1252"), charset="iso-8859-1", url="https://example.com/moved.php")

    assert isinstance(result, Document)
    assert result.uri == result.source == "https://example.com/help/reset-password"
    assert result.title == "reset password"
    assert result.sections[0].text == "Größe ändern"


@pytest.mark.parametrize(
    ("content", "media_type", "kind"),
    [
        (b" ", "text/html", ProblemKind.EMPTY),
        (b"\x89PNG", "image/png", ProblemKind.UNSUPPORTED),
        (b"words", "application/zip", None),
    ],
)
def test_a_page_that_is_no_document_is_reported(content: bytes, media_type: str, kind: ProblemKind | None) -> None:
    result = page(content, media_type=media_type)

    assert isinstance(result, Document) if kind is None else isinstance(result, Problem) and result.kind is kind


def test_a_page_that_cannot_be_fetched_is_a_problem() -> None:
    def fetch(_: str, __: SourceLimits) -> Page:
        raise UnreadableError(ProblemKind.UNREACHABLE, "It is down.")

    assert list(discover("https://example.com/", fetch=fetch)) == [
        Problem(uri="https://example.com/", kind=ProblemKind.UNREACHABLE, reason="It is down.")
    ]
