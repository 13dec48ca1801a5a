from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bot.store.crypto import Keyring
from bot.store.store import Store
from knowledge.errors import KnowledgeError
from knowledge.ingest import COMMIT_CHUNKS, IngestOutcome, IngestReport, SourceReader, ingest
from knowledge.testing import WordEncoder
from knowledge.types import Chunk, Document, Found, KnowledgeStore, Matrix, Parsed, Problem, ProblemKind, SourceLimits
from tests.stores import keyring

__all__ = ["keyring"]

LIMITS = SourceLimits(max_megabytes=0.01, page_seconds=1.0, allow_private=True)
ADDED, CHANGED, UNCHANGED = IngestOutcome.ADDED, IngestOutcome.CHANGED, IngestOutcome.UNCHANGED
REMOVED, PROBLEM = IngestOutcome.REMOVED, IngestOutcome.PROBLEM
LOCK_HOLDER = """
import sys, time
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def store(tmp_path: Path, keyring: Keyring) -> Iterator[KnowledgeStore]:
    with Store.open(str(tmp_path / "store.sqlite3"), keyring) as opened:
        opened.migrate()
        yield opened.knowledge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A source of three documents, one of them below."""
    folder = tmp_path / "help"
    (folder / "money").mkdir(parents=True)
    (folder / "login.md").write_text("# Login\n\nUse your work address.\n\n## Locked out\n\nAsk the help desk.\n")
    (folder / "money" / "refunds.md").write_text("# Refunds\n\nA refund takes five days.\n")
    (folder / "faq.csv").write_text("question,answer\nHow long?,Five days.\n我的账户为何被冻结?,因为可疑登录。\n")
    return folder


@dataclass(frozen=True, slots=True)
class WatchedReader:
    """A SourceReader that notes what it parsed."""

    inner: SourceReader
    parsed: list[str] = field(default_factory=list)

    @property
    def collection(self) -> str:
        return self.inner.collection

    def resolve(self, source: str) -> str:
        return self.inner.resolve(source)

    def estimate(self, source: str) -> int:
        return self.inner.estimate(source)

    def discover(self, source: str) -> Iterator[Found | Problem]:
        return self.inner.discover(source)

    def parse(self, found: Found) -> Parsed:
        self.parsed.append(Path(found.uri).name)
        return self.inner.parse(found)

    def chunk(self, document: Document) -> tuple[Chunk, ...]:
        return self.inner.chunk(document)


def count_words(text: str) -> int:
    return len(text.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything that an ingest needs, and what it did."""

    store: KnowledgeStore
    encoder: WordEncoder
    lock_file: Path
    reader: WatchedReader

    def take(self, *sources: object, **chosen: Any) -> IngestReport:  # noqa: ANN401 - passed on as they are
        self.reader.parsed.clear()
        self.encoder.texts_encoded = 0
        used: dict[str, Any] = {"encoder": self.encoder, "reader": self.reader, **chosen}
        return ingest([str(source) for source in sources], store=self.store, lock_file=self.lock_file, **used)

    def held(self) -> dict[str, int]:
        """Chunks by file name, as the store says; checked against the chunks that are there."""
        documents = self.store.documents()
        counted = [stored.document_id for stored in self.store.load_chunks()]
        assert {one.id: one.chunks for one in documents} == {one.id: counted.count(one.id) for one in documents}
        return {Path(one.uri).name: one.chunks for one in documents}


@pytest.fixture
def desk(store: KnowledgeStore, tmp_path: Path) -> Desk:
    reader = SourceReader(collection="default", count_tokens=count_words, limits=LIMITS)
    return Desk(
        store=store,
        encoder=WordEncoder(),
        lock_file=tmp_path / "home" / "ingest.lock",
        reader=WatchedReader(reader),
    )


def outcomes(report: IngestReport) -> dict[str, IngestOutcome]:
    found = {Path(row.uri).name: row.outcome for row in report.rows}
    assert len(found) == len(report.rows)
    return found


def kinds(report: IngestReport) -> dict[str, set[ProblemKind]]:
    return {Path(row.uri).name: {problem.kind for problem in row.problems} for row in report.rows if row.problems}


def test_new_documents_are_added_with_their_chunks_and_vectors(desk: Desk, folder: Path) -> None:
    report = desk.take(folder)
    assert outcomes(report) == {"login.md": ADDED, "refunds.md": ADDED, "faq.csv": ADDED}
    assert {Path(row.uri).name: row.chunks for row in report.rows} == desk.held()
    assert report.chunks_encoded == desk.encoder.texts_encoded == sum(desk.held().values())
    assert desk.held()["faq.csv"] == 2
    chunks = list(desk.store.load_chunks())
    vectors = desk.encoder.encode([stored.chunk.embedding_text for stored in chunks])
    assert desk.store.load_vectors([stored.id for stored in chunks])[1].tolist() == vectors.tolist()
    assert {one.source for one in desk.store.documents()} == {str(folder)}


def test_what_is_unchanged_is_neither_parsed_nor_encoded_nor_written(desk: Desk, folder: Path) -> None:
    desk.take(folder)
    revision = desk.store.revision()
    report = desk.take(folder)
    assert set(outcomes(report).values()) == {UNCHANGED}
    assert (desk.reader.parsed, desk.encoder.texts_encoded, report.chunks_encoded) == ([], 0, 0)
    assert desk.store.revision() == revision
    assert {Path(row.uri).name: row.chunks for row in report.rows} == desk.held()


def test_only_what_changed_is_replaced_and_what_vanished_is_removed(desk: Desk, folder: Path) -> None:
    desk.take(folder)
    (folder / "money" / "refunds.md").write_text("# Refunds\n\nA refund takes a week.\n")
    (folder / "login.md").unlink()
    (folder / "new.txt").write_text("A new page.")
    report = desk.take(folder)
    assert outcomes(report) == {"refunds.md": CHANGED, "login.md": REMOVED, "faq.csv": UNCHANGED, "new.txt": ADDED}
    assert sorted(desk.reader.parsed) == ["new.txt", "refunds.md"]
    assert desk.encoder.texts_encoded == 2
    assert desk.held() == {"faq.csv": 2, "new.txt": 1, "refunds.md": 1}
    assert "A refund takes a week." in {stored.chunk.text for stored in desk.store.load_chunks()}
    assert report.counts == {CHANGED: 1, REMOVED: 1, UNCHANGED: 1, ADDED: 1}


def test_other_settings_of_the_chunker_change_every_document(desk: Desk, folder: Path) -> None:
    desk.take(folder)
    smaller = SourceReader(collection="default", count_tokens=count_words, target_tokens=100, limits=LIMITS)
    assert set(outcomes(desk.take(folder, reader=smaller)).values()) == {CHANGED}


def test_a_missing_source_is_reported_and_nothing_of_it_is_removed(desk: Desk, folder: Path) -> None:
    desk.take(folder)
    before = desk.held()
    folder.rename(folder.with_name("elsewhere"))
    report = desk.take(folder)
    assert kinds(report) == {"help": {ProblemKind.MISSING}}
    assert outcomes(report) == {"help": PROBLEM}
    assert desk.held() == before


def test_an_empty_source_as_of_a_disk_not_mounted_removes_nothing(desk: Desk, folder: Path) -> None:
    desk.take(folder)
    before = desk.held()
    shutil.rmtree(folder)
    folder.mkdir()
    report = desk.take(folder)
    assert kinds(report) == {"help": {ProblemKind.EMPTY}}
    assert "3 documents came from it before" in report.rows[0].problems[0].reason
    assert desk.held() == before


def test_a_document_that_can_no_longer_be_read_stays_as_it_was(desk: Desk, folder: Path) -> None:
    desk.take(folder)
    before = desk.held()
    (folder / "login.md").write_bytes(b"%PDF-1.7\nnot really")
    (folder / "faq.csv").write_bytes(b"")
    report = desk.take(folder)
    assert outcomes(report) == {"login.md": PROBLEM, "faq.csv": PROBLEM, "refunds.md": UNCHANGED}
    assert {Path(row.uri).name: row.chunks for row in report.rows} == before == desk.held()


def test_bad_files_are_reported_while_the_rest_is_taken(desk: Desk, folder: Path) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n%broken\n%%EOF")
    (folder / "locked.docx").write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(64) + "EncryptedPackage".encode("utf-16-le")
    )
    (folder / "zero.md").write_bytes(b"")
    (folder / "blank.md").write_text(" \n\n")
    (folder / "huge.txt").write_text("word " * 3_000)
    (folder / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (folder / "page.txt").write_text("<!doctype html><title>A page</title><p>Words of a page, enough of them to read.")
    (folder / "film.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(100))
    (folder / "pairs.jsonl").write_text('{"question": "Why?", "answer": "Because."}\n{"question": "What?"}\n')
    report = desk.take(folder)
    assert kinds(report) == {
        "broken.pdf": {ProblemKind.BROKEN},
        "locked.docx": {ProblemKind.ENCRYPTED},
        "zero.md": {ProblemKind.EMPTY},
        "blank.md": {ProblemKind.EMPTY},
        "huge.txt": {ProblemKind.TOO_LARGE},
        "picture.md": {ProblemKind.WRONGLY_NAMED},
        "page.txt": {ProblemKind.WRONGLY_NAMED},
        "film.mp4": {ProblemKind.UNSUPPORTED},
        "pairs.jsonl": {ProblemKind.BAD_ROW},
    }
    assert {name for name, outcome in outcomes(report).items() if outcome is ADDED} == set(desk.held())
    assert set(desk.held()) == {"login.md", "refunds.md", "faq.csv", "page.txt", "pairs.jsonl"}
    assert all(problem.reason.endswith(".") for row in report.rows for problem in row.problems)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[ThreadingHTTPServer, Path]]:
    """A real web server over a folder."""
    root = tmp_path / "site"
    root.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server, root
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_page_that_is_gone_or_unreachable_today_is_kept(desk: Desk, site: tuple[ThreadingHTTPServer, Path]) -> None:
    server, root = site
    (root / "page.html").write_text("<html><title>Parking</title><body><h1>Parking</h1><p>Park behind the house.</p>")
    url = f"http://127.0.0.1:{server.server_address[1]}/page.html"
    assert outcomes(desk.take(url)) == {"page.html": ADDED}
    assert outcomes(desk.take(url)) == {"page.html": UNCHANGED}
    (root / "page.html").unlink()
    assert kinds(desk.take(url)) == {"page.html": {ProblemKind.MISSING}}
    server.shutdown()
    server.server_close()
    report = desk.take(url)
    assert outcomes(report) == {"page.html": PROBLEM}
    assert kinds(report) == {"page.html": {ProblemKind.UNREACHABLE}}
    assert desk.held() == {"page.html": 1}


def test_a_source_named_twice_or_reached_by_two_names_is_one_document(desk: Desk, folder: Path) -> None:
    report = desk.take(folder, f"{folder}/", folder / "money" / "refunds.md")
    assert [Path(row.uri).name for row in report.rows].count("refunds.md") == 2  # once for each source
    assert report.counts == {ADDED: 3, UNCHANGED: 1}
    assert len(desk.held()) == 3


def test_collections_do_not_disturb_each_other(desk: Desk, folder: Path) -> None:
    team = SourceReader(collection="team", count_tokens=count_words, limits=LIMITS)
    desk.take(folder)
    assert set(outcomes(desk.take(folder, reader=team)).values()) == {ADDED}
    (folder / "login.md").unlink()
    desk.take(folder, reader=team)
    assert len(desk.store.documents(collections=["team"])) == 2
    assert len(desk.store.documents(collections=["default"])) == 3


class BlockedEncoder(WordEncoder):
    """Waits in the middle of an ingest until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.go = threading.Event(), threading.Event()

    def encode(self, texts: Sequence[str]) -> Matrix:
        self.reached.set()
        assert self.go.wait(30)
        return super().encode(texts)


def test_a_second_ingest_at_the_same_time_is_told_so_in_one_sentence(desk: Desk, folder: Path) -> None:
    blocked = BlockedEncoder()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(desk.take, folder, encoder=blocked)
        try:
            assert blocked.reached.wait(30)
            with pytest.raises(KnowledgeError) as caught:
                desk.take(folder)
        finally:
            blocked.go.set()
        assert str(caught.value) == "Another ingest is running; wait until it ends, then run this again."
        assert set(outcomes(first.result()).values()) == {ADDED}
    assert set(outcomes(desk.take(folder)).values()) == {UNCHANGED}


def test_another_process_holds_the_lock_until_it_is_killed(desk: Desk, folder: Path) -> None:
    desk.lock_file.parent.mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK_HOLDER, str(desk.lock_file)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(KnowledgeError, match="Another ingest is running"):
            desk.take(folder)
    finally:
        holder.kill()
        holder.communicate()
    assert set(outcomes(desk.take(folder)).values()) == {ADDED}


class FailingEncoder(WordEncoder):
    """Fails once it has encoded what one commit holds."""

    def encode(self, texts: Sequence[str]) -> Matrix:
        if self.texts_encoded >= COMMIT_CHUNKS:
            raise KnowledgeError("The encoder has failed.")
        return super().encode(texts)


def test_what_was_committed_before_a_failure_stays_and_the_next_run_does_the_rest(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    folder.mkdir()
    for number in range(3):  # each fills a commit of its own
        rows = "".join(f"Question {number}-{row}?,Answer {row}.\n" for row in range(COMMIT_CHUNKS))
        (folder / f"{number}.csv").write_text("question,answer\n" + rows)
    large = SourceReader(collection="default", count_tokens=count_words)
    with pytest.raises(KnowledgeError, match="encoder has failed"):
        desk.take(folder, reader=large, encoder=FailingEncoder())
    assert desk.held() == {"0.csv": COMMIT_CHUNKS}
    assert outcomes(desk.take(folder, reader=large)) == {"0.csv": UNCHANGED, "1.csv": ADDED, "2.csv": ADDED}
    assert desk.held() == {"0.csv": COMMIT_CHUNKS, "1.csv": COMMIT_CHUNKS, "2.csv": COMMIT_CHUNKS}


def test_progress_never_runs_backwards_and_ends_at_its_total(desk: Desk, folder: Path) -> None:
    (folder / ".hidden.md").write_text("Nobody counts this.")
    seen: list[tuple[int, int]] = []
    desk.take(folder, progress=lambda done, total, _: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert all(done <= total for done, total in seen)
    assert seen[-1] == (3, 3)
