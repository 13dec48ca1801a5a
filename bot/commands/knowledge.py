"""Commands about documents: take one in, see what is known, search it, remove it."""

from __future__ import annotations

import asyncio
import hashlib
import math
import re
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from bot.blocking import run_blocking
from bot.buttons import Rows
from bot.buttons import command as command_button
from bot.cards import safe
from bot.commands.base import STOPPED, Call, Reply, Run, number_of, spelled, usage, words_of
from bot.commands.outdated import outdated as list_outdated
from bot.frontends.base import PlatformError
from bot.handoff import quoted
from bot.store.store import Store
from bot.texts import say
from bot.types import Attachment, AttachmentKind, Button
from knowledge.errors import KnowledgeError
from knowledge.ingest import IngestOutcome, IngestReport, Progress
from knowledge.types import Passage, StoredDocument

Fetch = Callable[[str, str], Awaitable[bytes]]  # platform, file id
Ingest = Callable[[Sequence[str], Progress], IngestReport]  # blocks; tells done, total and what is being done
Search = Callable[[str], Sequence[Passage]]  # blocks

WHOLE, QUARTER = 100, 25  # percent
PAGE = 20  # documents listed at once
PASSAGES = 5  # shown of a search
PROBLEMS = 10  # listed of an ingest
NAMED = 10  # documents that are named one by one, after an ingest or as a choice
EXCERPT_CHARACTERS = 300
NAME_BYTES = 150  # of an upload's file name; file systems take 255

WEB = re.compile(r"https?://\S+", re.IGNORECASE)
_UNSAFE = re.compile(r"[^\w.\- ]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What a bot takes documents in with."""

    uploads: Path  # where uploaded files are kept
    fetch: Fetch
    ingest: Ingest
    search: Search
    max_megabytes: float  # of one file, MB of 10^6 bytes


class Steps:
    """Says each quarter of the work once, one after the other in one line."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._text = say("ingest-progress", call.language)
        self._said = 0
        call.tell(self._text)

    def note(self, done: int, total: int) -> None:
        """Take note of how much of all there is, as far as is known, is done."""
        percent = WHOLE * done // total // QUARTER * QUARTER if total else 0
        if self._said < percent < WHOLE:
            self._said = percent
            self._text += f" {percent} % …"
            self._call.tell(self._text)


class KnowledgeCommands:
    """`ingest` and `knowledge`."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {"ingest": self.ingest, "knowledge": self.knowledge}

    async def ingest(self, call: Call) -> Reply:
        """Take in the web addresses that are named and the documents that are attached."""
        message = call.stored.message
        named = call.arguments.split()
        # never a path: what lies on the server is for those who sit there to take in
        if not all(WEB.fullmatch(one) for one in named) or not (named or message.origin.attachments):
            return usage(call, "ingest")
        try:
            return await self._take_in(call, named, message.origin.attachments)
        except _StoppedError:
            return Reply(text=say("ingest-stopped", call.language), did=" ".join([*named, "stopped"]))
        except KnowledgeError as error:
            return Reply(text=say("ingest-failed", call.language, reason=safe(str(error))))

    async def _take_in(self, call: Call, named: Sequence[str], files: Sequence[Attachment]) -> Reply:
        saved: list[Path] = []
        refused: list[str] = []  # why, of each file that cannot be taken in; it does not keep out the others
        for file in files:
            path = await self._save(call, file)
            if isinstance(path, Path):
                saved.append(path)
            else:
                refused.append(path if len(files) == 1 else f"- {safe(file.name) or '?'}: {path}")
        if not (named or saved):
            return Reply(text="\n".join(refused))
        reply = await self._ingest(call, named, saved)
        return replace(reply, text="\n".join([reply.text, *refused]))

    async def _ingest(self, call: Call, named: Sequence[str], saved: Sequence[Path]) -> Reply:
        steps, loop = Steps(call), asyncio.get_running_loop()

        def progress(done: int, total: int, _: str) -> None:  # called in a thread, between documents
            if str(call.stored.id) in (self._store.settings.get(STOPPED) or "").split():
                raise _StoppedError
            loop.call_soon_threadsafe(steps.note, done, total)

        report = await run_blocking(self._documents.ingest, [*named, *map(str, saved)], progress)
        return _reported(call, report, await run_blocking(older_uploads, self._store, self._documents.uploads, saved))

    async def knowledge(self, call: Call) -> Reply:
        """Say what is known; list, search or remove it, or see what is called out of date."""
        word, rest = words_of(call.arguments)
        if word == "search" and rest:
            return await self._search(call, rest)
        if word == "outdated":
            return await list_outdated(call, self._store, rest)
        documents = await run_blocking(self._store.knowledge.documents)
        if word == "remove" and rest:
            return await self._remove(call, documents, rest)
        if word == "documents" and (not rest or number_of(rest)):
            return _listed(call, documents, number_of(rest) or 1)
        if word:
            return usage(call, "knowledge")
        return _summed(call, documents, outdated=len(await run_blocking(self._store.document_tasks.open)))

    async def _search(self, call: Call, words: str) -> Reply:
        passages = (await run_blocking(self._documents.search, words))[:PASSAGES]
        if not passages:
            return Reply(text=say("knowledge-nothing", call.language))
        return Reply(text="\n\n".join(map(_passage, passages)))

    async def _remove(self, call: Call, documents: Sequence[StoredDocument], rest: str) -> Reply:
        number, _, sure = rest.partition(" ")
        found = next((one for one in documents if one.id == number_of(number)), None)
        if found is None and not number_of(number):
            like = [one for one in documents if _is_called(one, rest)]
            if len(like) > 1:
                return _which(call, like)
            found, sure = like[0] if like else None, ""
        if found is None:
            return Reply(text=say("knowledge-no-document", call.language))
        title = safe(found.title)
        if sure.strip() != "yes":
            label = say("button-remove", call.language)
            button = command_button(label, "knowledge", f"remove {found.id} yes", style="danger")
            text = say("knowledge-remove-sure", call.language, title=title, chunks=found.chunks)
            return Reply(text=text, buttons=((button,),), did=f"asked to remove document {found.id}")
        await run_blocking(self._store.knowledge.remove_document, found.id)
        return Reply(
            text=say("knowledge-removed", call.language, title=title),
            did=f"remove document {found.id}: {short(found.uri)}",
        )

    async def _save(self, call: Call, file: Attachment) -> Path | str:
        """Fetch a file and keep it; or say in a sentence why not."""
        if file.kind is not AttachmentKind.DOCUMENT:
            return say("ingest-no-document", call.language)
        limit = f"{self._documents.max_megabytes:g}"
        too_large = say("ingest-too-large", call.language, name=safe(file.name) or "?", limit=limit)
        if file.size > self._limit:  # known before anything is fetched
            return too_large
        try:
            content = await self._documents.fetch(call.stored.message.platform, file.file_id)
        except PlatformError:
            return say("ingest-not-fetched", call.language)
        if len(content) > self._limit:
            return too_large
        return await run_blocking(save, self._documents.uploads, file.name, content)

    @property
    def _limit(self) -> int:
        return int(self._documents.max_megabytes * 1_000_000)


class _StoppedError(Exception):
    """Somebody pressed the button."""


def older_uploads(store: Store, uploads: Path, saved: Sequence[Path]) -> tuple[StoredDocument, ...]:
    """Earlier uploads of the same names. Blocks."""
    new = {str(path): path.name for path in saved}
    return tuple(
        one
        for one in store.knowledge.documents()
        if one.uri not in new and one.uri.startswith(str(uploads)) and PurePath(one.uri).name in new.values()
    )


def save(uploads: Path, name: str, content: bytes) -> Path:
    """Write an uploaded file whole or not at all; the same file again is the same path.

    Args:
        uploads: The folder for all uploads.
        name: As its sender called it; what no file name may hold is replaced.
        content: Its bytes.
    """
    path = uploads.resolve() / hashlib.sha256(content).hexdigest() / safe_name(name)
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        file.write(content)
    Path(file.name).replace(path)
    return path


def safe_name(name: str) -> str:
    """A file name without folders, dots in front, or anything that is special somewhere."""
    plain = _UNSAFE.sub("_", PurePath(name.replace("\\", "/")).name).strip(" .")
    stem, suffix = PurePath(plain).stem, PurePath(plain).suffix[:16]
    stem = stem.encode()[: NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return f"{stem}{suffix}" or "document"


def _reported(call: Call, report: IngestReport, older: Sequence[StoredDocument]) -> Reply:
    language, counts = call.language, report.counts
    read = [row for row in report.rows if row.outcome is not IngestOutcome.PROBLEM]
    lines = []
    if read:
        lines.append(
            say(
                "ingested",
                language,
                added=counts[IngestOutcome.ADDED],
                changed=counts[IngestOutcome.CHANGED],
                unchanged=counts[IngestOutcome.UNCHANGED],
                chunks=sum(row.chunks for row in read),
            )
        )
    if 1 < len(read) <= NAMED:
        lines += [
            "- " + say("ingest-row", language, name=safe(short(row.uri)), outcome=row.outcome.value, chunks=row.chunks)
            for row in read
        ]
    problems = [problem for row in report.rows for problem in row.problems]
    if not read:
        lines.append(say("ingested-nothing", language))
    lines += [f"- {safe(short(one.uri))}: {safe(one.reason)}" for one in problems[:PROBLEMS]]
    if len(problems) > PROBLEMS:
        lines.append("- " + say("ingest-more-problems", language, problems=len(problems) - PROBLEMS))
    rows: Rows = ()
    if read and older:
        lines += ["", say("ingest-older", language)]
        rows = tuple(_remove_row(language, one, "button-remove-older") for one in older)
    names = ", ".join(short(row.uri) for row in report.rows)
    return Reply(text="\n".join(lines), buttons=rows, did=names)


def _is_called(document: StoredDocument, name: str) -> bool:
    """Whether a document's title or file has this in it."""
    wanted = " ".join(name.split()).casefold()
    return wanted in document.title.casefold() or wanted in short(document.uri).casefold()


def _which(call: Call, documents: Sequence[StoredDocument]) -> Reply:
    """Several documents are called so: the person chooses."""
    shown = documents[:NAMED]
    lines = [f"- {one.id} · {safe(one.title)} · {safe(short(one.uri))}" for one in shown]
    buttons = tuple(_remove_row(call.language, one, "button-remove-number") for one in shown)
    title = say("knowledge-which", call.language, documents=len(documents))
    return Reply(text="\n".join([title, *lines]), buttons=buttons, did=f"asked to remove one of {len(documents)}")


def _remove_row(language: str, document: StoredDocument, key: str) -> tuple[Button, ...]:
    label = say(key, language, number=str(document.id))
    return (command_button(label, "knowledge", f"remove {document.id}"),)


def _summed(call: Call, documents: Sequence[StoredDocument], *, outdated: int) -> Reply:
    if not documents:
        return Reply(text=say("knowledge-empty", call.language, command=spelled(call, "ingest")))
    collections = Counter(one.collection for one in documents)
    lines = [
        "- "
        + say(
            "knowledge-collection",
            call.language,
            name=safe(name),
            documents=count,
            chunks=sum(one.chunks for one in documents if one.collection == name),
        )
        for name, count in collections.most_common()
    ]
    buttons = [command_button(say("button-documents", call.language), "knowledge", "documents")]
    if outdated:
        lines += ["", say("outdated-title", call.language, documents=outdated)]
        buttons.append(command_button(say("button-outdated", call.language), "knowledge", "outdated"))
    search = spelled(call, "knowledge", say("knowledge-search-words", call.language))
    lines += ["", say("knowledge-how", call.language, command=search)]
    return Reply(text="\n".join(lines), buttons=(tuple(buttons),))


def _listed(call: Call, documents: Sequence[StoredDocument], page: int) -> Reply:
    pages = max(1, math.ceil(len(documents) / PAGE))
    page = min(page, pages)
    shown = documents[(page - 1) * PAGE : page * PAGE]
    title = say("knowledge-documents", call.language, documents=len(documents), page=page, pages=pages)
    lines = [f"- {one.id} · {safe(one.title)} · {safe(short(one.uri))} · {one.chunks}" for one in shown]
    turns = ((page - 1, "button-earlier"), (page + 1, "button-later"))
    leaves = tuple(
        command_button(say(key, call.language), "knowledge", f"documents {to}") for to, key in turns if 1 <= to <= pages
    )
    how = say("knowledge-remove-how", call.language, command=spelled(call, "knowledge", "remove 12"))
    return Reply(text="\n".join([f"**{title}**", *lines, "", how]), buttons=(leaves,) if leaves else ())


def _passage(passage: Passage) -> str:
    chunk = passage.stored.chunk
    text = chunk.text if len(chunk.text) <= EXCERPT_CHARACTERS else f"{chunk.text[:EXCERPT_CHARACTERS]}…"
    title = safe(chunk.question or " > ".join(chunk.title_path))
    return f"**{passage.rank}.** {title} · {passage.similarity:.3f} · {passage.lexical:.2f}\n{quoted(text)}"


def short(uri: str) -> str:
    """A link as it is; of a file its name, never the server's folders."""
    return uri if uri.startswith(("http://", "https://")) else PurePath(uri).name
