"""PDF and Word files, made here by real writers and read back."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import fpdf
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from fpdf.enums import EncryptionMethod

from knowledge.errors import UnreadableError
from knowledge.parsers import docx as docx_parser
from knowledge.parsers import pdf as pdf_parser
from knowledge.parsers.outline import Content
from knowledge.parsers.sniff import DOCX, sniff
from knowledge.sources import discover, parse
from knowledge.types import Found, ProblemKind, Section


def pdf(build: Callable[[fpdf.FPDF], None]) -> bytes:
    document = fpdf.FPDF()
    document.set_font("Helvetica", size=12)
    build(document)
    return bytes(document.output())


def two_pages(document: fpdf.FPDF) -> None:
    document.add_page()
    document.start_section("Refunds")
    document.multi_cell(0, text="Refunds are paid within five days after the request was con-\nfirmed by the desk.")
    document.add_page()
    document.start_section("How to ask", level=1)
    document.multi_cell(0, text="Write to us.")


def read_pdf(content: bytes) -> tuple[Section, ...]:
    return pdf_parser.parse(content, max_characters=100_000).sections


def read_docx(document: object) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)  # type: ignore[attr-defined] # python-docx has no types
    return buffer.getvalue()


def test_each_page_of_a_pdf_is_a_section_under_its_bookmark_with_words_joined_again() -> None:
    assert read_pdf(pdf(two_pages)) == (
        Section(
            title_path=("Refunds",),
            anchor="page=1",
            text="Refunds are paid within five days after the request was confirmed by the desk.",
        ),
        Section(title_path=("Refunds", "How to ask"), anchor="page=2", text="Write to us."),
    )


def titled(title: str, build: Callable[[fpdf.FPDF], None]) -> Content:
    def build_with_title(document: fpdf.FPDF) -> None:
        document.set_title(title)
        build(document)

    return pdf_parser.parse(pdf(build_with_title), max_characters=10_000)


def headed(document: fpdf.FPDF) -> None:
    """As a browser prints: a small line above, a large heading over two lines, a section of its own name."""
    document.add_page()
    document.set_font_size(8)
    document.cell(text="Acme intranet, 27.11.2026")
    document.ln(10)
    document.start_section("Working from abroad: who may, for how long, and whom to ask first")
    document.set_font_size(24)
    document.multi_cell(0, text="Working from abroad: who may, for how long, and whom to ask first")
    document.ln(15)
    document.set_font_size(12)
    document.multi_cell(0, text="Within the EU you may work for up to 20 days. Outside the EU it is not possible. " * 5)


JUNK = (
    "",
    "about:blank",
    "Microsoft Word - final2.doc",
    "Microsoft Word - Refund policy",
    "PowerPoint Presentation",
    "untitled",
    "Untitled-1",
    "Document1",
    "无标题文档",
    "Slide 1",
    "scan0001.pdf",
    "Refund policy.DOCX",
    "C:\\Users\\ada\\policy",
    "/home/ada/policy",
    "docs/policies/refunds",
    "https://example.com/policy?id=5",
    "file:///tmp/x",
    "mailto:ada@example.com",
    "ftp://example.com/policy",
    "policies\\2026\\refunds",
    "notes.md",
    "www.example.com",
    "20261127-01",
)


@pytest.mark.parametrize("title", JUNK)
def test_a_pdf_whose_title_is_no_title_is_called_by_its_first_heading(title: str) -> None:
    content = titled(title, headed)
    assert content.title == "Working from abroad: who may, for how long, and whom to ask first"
    assert content.sections[0].title_path == ()  # the bookmark of the same name is not said twice


def test_a_pdf_without_title_and_heading_is_called_by_its_file_name(tmp_path: Path) -> None:
    path = tmp_path / "refund-policy_2026.pdf"
    path.write_bytes(pdf(two_pages))
    (found,) = discover(str(path))
    assert isinstance(found, Found)
    document = parse(found, collection="help").document
    assert document is not None
    assert document.title == "refund policy 2026"


@pytest.mark.parametrize(
    "title",
    [
        "Refund policy",
        "Terms of Acme Inc.",
        "Handbook v. 2.1",
        "Documents that we need",
        "Inputs and/or outputs",
        "24/7 support: who answers",
        "24/7/365",
        "24/7/365-support",
        "Design/Build/Operate",
        "FAQ:Refunds",
        "node.js guide.md",
        "员工手册",
    ],
)
def test_the_title_that_a_pdf_states_counts(title: str) -> None:
    assert titled(title, headed).title == title


def test_a_title_of_a_pdf_is_cut_at_300_characters() -> None:
    assert titled("Refunds " * 5_000, headed).title == "Refunds " * 37 + "Refu"


def test_a_title_of_many_slashes_does_not_hold_up_the_reading() -> (
    None
):  # its letters were gone through in every pairing
    assert titled("a/" * 20_000 + " x", headed).title.startswith("Working from abroad")


def test_a_cover_is_read_by_the_size_of_the_text_behind_it() -> None:
    def build(document: fpdf.FPDF) -> None:
        document.add_page()
        document.set_font_size(30)
        document.multi_cell(0, text="Employee handbook")
        document.add_page()
        document.set_font_size(12)
        document.multi_cell(0, text="Everybody is to read this. " * 20)

    assert titled("about:blank", build).title == "Employee handbook"


def test_running_heads_and_page_numbers_are_left_out() -> None:
    def build(document: fpdf.FPDF) -> None:
        for number in range(1, 7):
            document.add_page()
            document.cell(text=f"Acme handbook - page {number}")
            document.ln(20)
            document.multi_cell(0, text=f"Rule {number} is to be kept.")

    assert [one.text for one in read_pdf(pdf(build))] == [f"Rule {number} is to be kept." for number in range(1, 7)]


def test_paragraphs_and_bullets_of_a_pdf_stay_apart() -> None:
    paragraph = "This is one paragraph whose lines are so long that whoever set the page must wrap them. It ends."

    def build(document: fpdf.FPDF) -> None:
        document.add_page()
        document.multi_cell(0, text=f"{paragraph}\n- first\n- second")

    assert read_pdf(pdf(build))[0].text == f"{paragraph}\n\n- first\n\n- second"


def test_an_encrypted_pdf_is_reported() -> None:
    def build(document: fpdf.FPDF) -> None:
        document.set_encryption(owner_password="o", user_password="u", encryption_method=EncryptionMethod.AES_256)
        two_pages(document)

    with pytest.raises(UnreadableError, match="password") as caught:
        read_pdf(pdf(build))
    assert caught.value.kind is ProblemKind.ENCRYPTED


def test_a_pdf_of_pictures_is_reported() -> None:
    def build(document: fpdf.FPDF) -> None:
        document.add_page()
        document.rect(10, 10, 50, 50, style="F")

    with pytest.raises(UnreadableError, match=r"pictures but no text; run text recognition") as caught:
        read_pdf(pdf(build))
    assert caught.value.kind is ProblemKind.EMPTY


@pytest.mark.parametrize("share", [0.02, 0.5])
def test_a_truncated_pdf_is_reported_as_broken(share: float) -> None:
    content = pdf(two_pages)

    with pytest.raises(UnreadableError, match="cut off or damaged") as caught:
        read_pdf(content[: int(share * len(content))])
    assert caught.value.kind is ProblemKind.BROKEN


def test_a_pdf_with_too_much_text_is_reported() -> None:
    with pytest.raises(UnreadableError, match="more than 10 characters") as caught:
        pdf_parser.parse(pdf(two_pages), max_characters=10)
    assert caught.value.kind is ProblemKind.TOO_LARGE


def test_a_word_document_is_read_in_its_order() -> None:
    document = docx.Document()
    document.add_paragraph("Handbook", style="Title")
    document.add_paragraph("Before all.")
    document.add_heading("Refunds", level=1)
    document.add_paragraph("Steps:")
    document.add_paragraph("Ask us", style="List Number")
    document.add_paragraph("Wait", style="List Number")
    document.add_paragraph("inner", style="List Bullet 2")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), ("Plan", "Days", "Pro", "5"), strict=True
    ):
        cell.text = text
    document.add_heading("Details", level=2)
    document.add_paragraph("After the").add_run(" table.").bold = True

    content = docx_parser.parse(read_docx(document), max_bytes=1_000_000)

    assert content.title == "Handbook"
    assert content.sections == (
        Section(title_path=(), anchor="", text="Before all."),
        Section(
            title_path=("Refunds",),
            anchor="#refunds",
            text="Steps:\n\n1. Ask us\n2. Wait\n  - inner\n\n| Plan | Days |\n| --- | --- |\n| Pro | 5 |",
        ),
        Section(title_path=("Refunds", "Details"), anchor="#details", text="After the table."),
    )


def test_content_controls_and_accepted_changes_of_a_word_document_are_read_and_deletions_not() -> None:
    document = docx.Document()
    namespace = nsdecls("w")
    document.element.body.insert(
        0,
        parse_xml(
            f"<w:sdt {namespace}><w:sdtContent><w:p><w:r><w:t>Controlled.</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        ),
    )
    document.element.body.insert(
        1,
        parse_xml(
            f'<w:p {namespace}><w:ins w:id="1" w:author="a"><w:r><w:t>Added.</w:t></w:r></w:ins>'
            f'<w:del w:id="2" w:author="a"><w:r><w:delText>Gone.</w:delText></w:r></w:del></w:p>'
        ),
    )

    (section,) = docx_parser.parse(read_docx(document), max_bytes=1_000_000).sections

    assert section.text == "Controlled.\n\nAdded."


def test_a_truncated_word_document_is_reported_as_broken() -> None:
    content = read_docx(docx.Document())

    with pytest.raises(UnreadableError, match="cut off or damaged") as caught:
        sniff(content[: len(content) // 2], suffix=".docx")
    assert caught.value.kind is ProblemKind.BROKEN


def test_a_word_document_with_damage_inside_is_reported_as_broken() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<broken")

    assert sniff(buffer.getvalue(), suffix=".docx") == DOCX
    with pytest.raises(UnreadableError, match="damaged") as caught:
        docx_parser.parse(buffer.getvalue(), max_bytes=1_000_000)
    assert caught.value.kind is ProblemKind.BROKEN


def test_a_word_document_that_unpacks_to_a_flood_is_refused_before_it_does() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 5_000_000)

    with pytest.raises(UnreadableError, match=r"unpacks to 5 MB where 2 MB is the limit") as caught:
        docx_parser.parse(buffer.getvalue(), max_bytes=100_000)
    assert caught.value.kind is ProblemKind.TOO_LARGE


def test_entities_that_multiply_in_a_word_document_are_not_expanded() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    body = f"<w:document {nsdecls('w')}><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>"
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(read_docx(docx.Document()))) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            if name != "word/document.xml":
                target.writestr(name, source.read(name))
        target.writestr("word/document.xml", f'<!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>{body}')

    with pytest.raises(UnreadableError, match="damaged") as caught:
        docx_parser.parse(buffer.getvalue(), max_bytes=1_000_000)
    assert caught.value.kind is ProblemKind.BROKEN
