"""Folders, files and web pages to documents: what cannot be read becomes a Problem, never an exception.

discover() reads raw bytes and their digest, parse() makes a document of them: whoever knows the digest
already skips the second step.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeAlias
from urllib.parse import unquote, urlsplit

from knowledge import web
from knowledge.chunking import CHUNKER_VERSION
from knowledge.errors import UnreadableError
from knowledge.language import UNKNOWN, detect
from knowledge.parsers import sniff
from knowledge.parsers.outline import Content
from knowledge.parsers.text import decode
from knowledge.types import Document, Found, Parsed, Problem, ProblemKind, SourceLimits

Fetch: TypeAlias = Callable[[str, SourceLimits], web.Page]

PARSER_VERSION = "2"  # raise it when a parser reads the same bytes differently: all is then read anew

_SCHEME = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]+)://")
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_META_WITHIN = 2048  # bytes; the HTML standard looks no further than 1024
_OFFICE_LOCK = "~$"  # Word's mark beside an open file
_LANGUAGE_TEXTS = 50  # sections or questions that are looked at
_LANGUAGE_START = 300  # characters
_WEB_TYPES = {
    "application/xhtml+xml": sniff.HTML,
    "text/x-markdown": sniff.MARKDOWN,
    "text/tab-separated-values": sniff.CSV,
    "application/x-ndjson": sniff.JSON_LINES,
    "application/jsonlines": sniff.JSON_LINES,
    "text/prs.fallenstein.rst": sniff.RST,
}


def canonical(source: str) -> str:
    """Write a source as it is stored: an absolute path, or a URL without its fragment."""
    if _SCHEME.match(source):
        return source.partition("#")[0]
    return os.path.abspath(os.path.expanduser(source))  # noqa: PTH100, PTH111 - Path.resolve would follow links


def discover(
    source: str,
    *,
    limits: SourceLimits | None = None,
    settings: str = "",
    fetch: Fetch = web.fetch,
) -> Iterator[Found | Problem]:
    """Find everything that a source holds, in a fixed order.

    Args:
        source: A folder (read with all folders below, hidden names left out), a file, or a URL.
        limits: How much is taken; the defaults of SourceLimits without it.
        settings: The chunker's settings; they go into every digest.
        fetch: Gets a web page.

    Yields:
        One item per file or page. The bytes of one file are held at a time if the caller lets go of it.
    """
    limits = limits or SourceLimits()
    named = canonical(source)
    if _SCHEME.match(named):
        yield _page(named, limits, settings, fetch)
        return
    for path in _walk(Path(named), named):
        yield path if isinstance(path, Problem) else _file(path, named, limits, settings)


def parse(found: Found, *, collection: str, limits: SourceLimits | None = None) -> Parsed:
    """Make a document of what was found.

    Args:
        found: One item of discover().
        collection: Where the document belongs.
        limits: How much text is taken; the defaults of SourceLimits without it.

    Returns:
        The document and what was left out of it; no document when nothing could be kept.
    """
    limits = limits or SourceLimits()
    try:
        content = _content(found, limits)
    except UnreadableError as error:
        return _failed(found, error.kind, error.reason)
    except Exception as error:  # noqa: BLE001 - parsers of other people's formats raise anything; one file must not stop the rest
        name = sniff.NAMES[found.media_type]
        reason = f"It is damaged, or no {name} that can be read ({type(error).__name__})."
        return _failed(found, ProblemKind.BROKEN, reason)
    if not content.sections and not content.pairs:
        return _failed(found, ProblemKind.EMPTY, "There is no text in it.")
    document = Document(
        source=found.source,
        uri=found.uri,
        collection=collection,
        title=content.title or _name(found.uri),
        language=_language(content),
        media_type=found.media_type,
        digest=found.digest,
        sections=content.sections,
        pairs=content.pairs,
    )
    return Parsed(document=document, problems=(*found.remarks, *content.problems))


def _failed(found: Found, kind: ProblemKind, reason: str) -> Parsed:
    return Parsed(document=None, problems=(*found.remarks, Problem(uri=found.uri, kind=kind, reason=reason)))


def _walk(path: Path, source: str) -> Iterator[Path | Problem]:
    """Yield the files of a source, folder by folder, each in the order of its names."""
    try:
        status = path.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        kind = ProblemKind.MISSING if missing else ProblemKind.UNREADABLE
        reason = "There is no such file or folder." if missing else _os_reason(error)
        yield Problem(uri=source, kind=kind, reason=reason)
        return
    if stat.S_ISDIR(status.st_mode):
        yield from _walk_folder(path, {(status.st_dev, status.st_ino)})
    else:
        yield path


def _walk_folder(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path | Problem]:
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        yield Problem(uri=str(folder), kind=ProblemKind.UNREADABLE, reason=_os_reason(error))
        return
    for path in paths:
        if path.name.startswith((".", _OFFICE_LOCK)):
            continue
        if not path.is_dir():
            yield path
            continue
        status = path.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            reason = "It links to a folder that was read already; it is not read again."
            yield Problem(uri=str(path), kind=ProblemKind.LOOP, reason=reason)
            continue
        seen.add(identity)
        yield from _walk_folder(path, seen)


def _file(path: Path, source: str, limits: SourceLimits, settings: str) -> Found | Problem:
    uri = str(path)
    suffix = path.suffix.lower()
    try:
        uri.encode()
        content = _read(path, suffix, limits)
        media_type = sniff.sniff(content, suffix=suffix)
    except UnreadableError as error:
        return Problem(uri=uri, kind=error.kind, reason=error.reason)
    except OSError as error:
        return Problem(uri=uri, kind=ProblemKind.UNREADABLE, reason=_os_reason(error))
    except UnicodeEncodeError:
        reason = "Its name is not valid UTF-8; rename it."
        return Problem(uri=os.fsencode(path).decode(errors="replace"), kind=ProblemKind.WRONGLY_NAMED, reason=reason)
    return Found(
        source=source,
        uri=uri,
        media_type=media_type,
        digest=_digest(content, media_type, settings),
        remarks=_remarks(uri, suffix, media_type),
        content=content,
    )


def _read(path: Path, suffix: str, limits: SourceLimits) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableError(ProblemKind.UNSUPPORTED, "It is no ordinary file.")
    if not status.st_size:
        raise UnreadableError(ProblemKind.EMPTY, "It has 0 bytes.")
    if status.st_size > limits.max_bytes:
        if suffix in sniff.SUFFIXES:
            raise _too_large(status.st_size, limits)
        with path.open("rb") as file:
            sniff.sniff(file.read(_META_WITHIN), suffix=suffix)  # a film is no text that is too long
        raise _too_large(status.st_size, limits)
    with path.open("rb") as file:
        content = file.read(limits.max_bytes + 1)  # it may have grown meanwhile
    if len(content) > limits.max_bytes:
        raise _too_large(len(content), limits)
    if not content.strip():
        raise UnreadableError(ProblemKind.EMPTY, "It holds only white space.")
    return content


def _too_large(size: int, limits: SourceLimits) -> UnreadableError:
    return UnreadableError(
        ProblemKind.TOO_LARGE,
        f"It has {size / 1e6:,.1f} MB where {limits.max_megabytes:g} MB is the limit; split it or raise the limit.",
    )


def _os_reason(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "Permission denied; let the user that Burnish runs as read it."
    if isinstance(error, FileNotFoundError):
        return "It is gone, or a link that leads nowhere."
    return f"It cannot be read: {error.strerror or type(error).__name__}."


def _remarks(uri: str, suffix: str, media_type: str) -> tuple[Problem, ...]:
    claimed = sniff.SUFFIXES.get(suffix, media_type)
    if not suffix or claimed == media_type:
        return ()
    reason = f"It is named {suffix} but is {sniff.NAMES[media_type]}, and was read as that."
    return (Problem(uri=uri, kind=ProblemKind.WRONGLY_NAMED, reason=reason, skipped=False),)


def _page(url: str, limits: SourceLimits, settings: str, fetch: Fetch) -> Found | Problem:
    try:
        page = fetch(url, limits)
        if not page.content.strip():
            raise UnreadableError(ProblemKind.EMPTY, "The page is empty.")  # noqa: TRY301 - one way to a Problem
        suffix = PurePosixPath(urlsplit(page.url).path).suffix.lower()
        declared = _WEB_TYPES.get(page.media_type, page.media_type)
        media_type = sniff.sniff(page.content, suffix=suffix, declared=declared)
    except UnreadableError as error:
        return Problem(uri=url, kind=error.kind, reason=error.reason)
    content = page.content
    if page.charset and media_type not in {sniff.PDF, sniff.DOCX}:
        # The header is gone once the page is kept as bytes: what it said of them is settled here.
        content = _as_utf8(content, page.charset)
    return Found(
        source=url,
        uri=url,
        media_type=media_type,
        digest=_digest(content, media_type, settings),
        remarks=(),
        content=content,
    )


def _as_utf8(content: bytes, charset: str) -> bytes:
    try:
        return decode(content, declared=charset).encode()
    except UnreadableError:
        return content  # parse() reports it


def _digest(content: bytes, media_type: str, settings: str) -> str:
    digest = hashlib.sha256(content)
    digest.update(f"\0{PARSER_VERSION}\0{CHUNKER_VERSION}\0{settings}\0{media_type}".encode())
    return digest.hexdigest()


def _content(found: Found, limits: SourceLimits) -> Content:
    """Parse; each parser's module is loaded when its first file comes."""
    if found.media_type == sniff.PDF:
        from knowledge.parsers import pdf

        return pdf.parse(found.content, max_characters=limits.max_characters)
    if found.media_type == sniff.DOCX:
        from knowledge.parsers import docx

        return docx.parse(found.content, max_bytes=limits.max_bytes)
    charset = _META_CHARSET.search(found.content[:_META_WITHIN]) if found.media_type == sniff.HTML else None
    text = decode(found.content, declared=charset[1].decode("ascii") if charset else "")
    if len(text) > limits.max_characters:
        raise UnreadableError(
            ProblemKind.TOO_LARGE,
            f"It holds {len(text):,} characters where {limits.max_characters:,} is the limit; split it.",
        )
    return _from_text(found, text)


def _from_text(found: Found, text: str) -> Content:
    from knowledge.parsers import html, markdown, pairs, rst
    from knowledge.parsers import text as plain

    readers: dict[str, Callable[[str], Content]] = {
        sniff.MARKDOWN: markdown.parse,
        sniff.HTML: html.parse,
        sniff.RST: rst.parse,
        sniff.CSV: partial(pairs.parse_csv, uri=found.uri),
        sniff.JSON_LINES: partial(pairs.parse_json_lines, uri=found.uri),
        sniff.JSON: partial(pairs.parse_json, uri=found.uri),
        sniff.PLAIN: plain.parse,
    }
    return readers[found.media_type](text)


def _name(uri: str) -> str:
    """Make a title of a file's name or of a URL's last part."""
    parts = urlsplit(uri) if _SCHEME.match(uri) else None
    path = PurePosixPath(unquote(parts.path)) if parts else Path(uri)
    words = re.sub(r"[-_\s]+", " ", path.stem).strip()
    return words or (parts.netloc if parts else uri)


def _language(content: Content) -> str:
    """Tell the language by the beginning of the text; by its very first words where that is a mixture."""
    texts = [section.text for section in content.sections] + [pair.question for pair in content.pairs]
    language = detect("\n".join(texts[:_LANGUAGE_TEXTS]))
    return detect(f"{content.title}\n{texts[0][:_LANGUAGE_START]}") if language == UNKNOWN else language
