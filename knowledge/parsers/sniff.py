"""What a file really is: its first bytes decide, its name only where they leave it open."""

from __future__ import annotations

import io
import re
import zipfile

from knowledge.errors import UnreadableError
from knowledge.types import ProblemKind

MARKDOWN = "text/markdown"
PLAIN = "text/plain"
HTML = "text/html"
RST = "text/x-rst"
CSV = "text/csv"
JSON = "application/json"
JSON_LINES = "application/jsonl"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

NAMES = {
    MARKDOWN: "Markdown",
    PLAIN: "plain text",
    HTML: "HTML",
    RST: "reStructuredText",
    CSV: "CSV",
    JSON: "JSON",
    JSON_LINES: "JSON lines",
    PDF: "PDF",
    DOCX: "Word (DOCX)",
}
SUFFIXES = {
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".mdx": MARKDOWN,
    ".txt": PLAIN,
    ".text": PLAIN,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".rst": RST,
    ".rest": RST,
    ".csv": CSV,
    ".tsv": CSV,
    ".json": JSON,
    ".jsonl": JSON_LINES,
    ".ndjson": JSON_LINES,
    ".pdf": PDF,
    ".docx": DOCX,
    "": PLAIN,  # README, LICENSE
}
_ZIPPED = {  # a file inside, and what the archive then is
    "word/document.xml": DOCX,
    "xl/workbook.xml": "an Excel workbook; export it as CSV",
    "ppt/presentation.xml": "a PowerPoint presentation; export it as PDF",
    "META-INF/container.xml": "an EPUB book; export it as HTML or PDF",
    "content.xml": "an OpenDocument file; save it as DOCX",
}
_MAGIC = (
    (b"{\\rtf", "an RTF document; save it as DOCX"),
    (b"\x89PNG", "a picture; write its content down as text"),
    (b"\xff\xd8\xff", "a picture; write its content down as text"),
    (b"GIF8", "a picture; write its content down as text"),
    (b"RIFF", "a sound, film or picture"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"BZh", "a bzip2 archive; unpack it"),
    (b"\xfd7zXZ", "an xz archive; unpack it"),
    (b"SQLite format 3", "a database"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"%!PS", "a PostScript file; export it as PDF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PDF_WITHIN = 1024  # bytes; what stands before %PDF- is ignored by every reader
_HTML_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)


def sniff(content: bytes, *, suffix: str, declared: str = "") -> str:
    """Tell the media type of a file or page.

    Args:
        content: The whole file; at least one byte.
        suffix: The end of its name with the dot, in lower case; "" without one.
        declared: The media type that a web server named, or "".

    Raises:
        UnreadableError: There is no parser for it, or it is locked by a password.
    """
    if media_type := _by_content(content, suffix):
        return media_type
    claimed = SUFFIXES.get(suffix, "")
    if declared in NAMES and (declared != PLAIN or not claimed):
        return declared
    if claimed in {PDF, DOCX}:
        return PLAIN  # no such thing by its content; as text it will be read or be found to be binary
    if not claimed:
        known = " ".join(sorted(filter(None, SUFFIXES)))
        raise UnreadableError(
            ProblemKind.UNSUPPORTED, f"There is no parser for {suffix} files; the known ones are {known}."
        )
    return claimed


def _by_content(content: bytes, suffix: str) -> str:
    if b"%PDF-" in content[:_PDF_WITHIN] and not (SUFFIXES.get(suffix) == MARKDOWN and _is_quoted(content)):
        return PDF
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(content, suffix)
    if content.startswith(_OLE):
        if _OLE_ENCRYPTED in content:
            raise UnreadableError(ProblemKind.ENCRYPTED, "It is locked by a password; save a copy without one.")
        raise _unsupported("an old Office file (.doc, .xls, .ppt); save it as DOCX or PDF", suffix)
    for magic, what in _MAGIC:
        if content.startswith(magic):
            raise _unsupported(what, suffix)
    return HTML if _HTML_START.match(content[:_PDF_WITHIN]) else ""


def _is_quoted(content: bytes) -> bool:
    """Whether "%PDF-" is only spoken about: the bytes around it are plain text."""
    return not content.lstrip().startswith(b"%PDF-") and b"%%EOF" not in content[-_PDF_WITHIN:]


def _zipped(content: bytes, suffix: str) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableError(
            ProblemKind.BROKEN, "It is cut off or damaged (a ZIP container without its end); copy it anew."
        ) from error
    what = next((what for name, what in _ZIPPED.items() if name in names), "a ZIP archive; unpack it")
    if what == DOCX:
        return DOCX
    raise _unsupported(what, suffix)


def _unsupported(what: str, suffix: str) -> UnreadableError:
    if suffix in SUFFIXES and suffix:
        return UnreadableError(ProblemKind.WRONGLY_NAMED, f"It is named {suffix} but is {what}.")
    return UnreadableError(ProblemKind.UNSUPPORTED, f"There is no parser for it: it is {what}.")
