"""`burnish ingest` and `burnish knowledge`: documents in, and a look at what the bot sees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.context import FINDINGS, Context, context, fail
from knowledge.types import DEFAULT_COLLECTION, ChunkKind, Passage, StoredDocument

if TYPE_CHECKING:
    from knowledge.ingest import IngestReport, IngestRow

app = typer.Typer(help="See, search and remove what the bot knows.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="For a script.")]
ROWS = 40  # of unproblematic documents in the summary table; problems are always listed


def ingest(
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Folders, files or web addresses.")],
    collection: Annotated[str, typer.Option(help="The collection to put them in.")] = DEFAULT_COLLECTION,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 4 if anything could not be read.")] = False,
    as_json: Json = False,
) -> None:
    """Take documents into the bot's knowledge; unchanged ones are skipped, vanished ones removed.

    Markdown, reStructuredText, text, HTML, PDF, DOCX, and question-answer pairs as CSV or JSONL.
    """
    from knowledge.ingest import IngestOutcome

    call = context(ctx)
    with call.bar():
        report = call.wiring_alone.ingest(sources, collection=collection)
    if as_json:
        call.print_json([_row(row) for row in report.rows])
    else:
        show_report(call.out, report)
    problems = [row for row in report.rows if row.outcome is IngestOutcome.PROBLEM]
    if problems and len(problems) == len(report.rows):
        fail(call, "Nothing could be read; the table above says why.")
    if problems and strict:
        raise typer.Exit(FINDINGS)


def show_report(out: Console, report: IngestReport) -> None:
    """Print the summary table of an ingest: what changed, and everything that was not read or not wholly."""
    from knowledge.ingest import IngestOutcome

    changed = [row for row in report.rows if row.outcome not in {IngestOutcome.PROBLEM, IngestOutcome.UNCHANGED}]
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("")
    table.add_column("document", overflow="fold")
    table.add_column("chunks", justify="right")
    for row in changed[:ROWS]:
        table.add_row(row.outcome.value, Text(short(row.uri)), str(row.chunks or ""))
    if len(changed) > ROWS:
        table.add_row("", Text(f"... and {len(changed) - ROWS} more", style="dim"))
    if changed:
        out.print(table)
    remarks = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for row in report.rows:
        for problem in row.problems:
            style = "red" if problem.skipped else "yellow"
            remarks.add_row(Text(problem.kind.value, style=style), Text(short(problem.uri)), Text(problem.reason))
    if remarks.row_count:
        out.print(remarks)
    said = ", ".join(f"{report.counts[o]} {o.value}" for o in IngestOutcome if report.counts[o]) or "Nothing found"
    out.print(Text(f"{said}; {report.chunks_encoded} chunks encoded in {report.seconds:.1f} s"))


@app.command("list")
def list_(
    ctx: typer.Context,
    collection: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    as_json: Json = False,
) -> None:
    """List the documents."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        documents = store.knowledge.documents(collections=None if collection is None else [collection])
    if as_json:
        call.print_json([_document(d) for d in documents])
        return
    if not documents:
        call.out.print("No documents yet; add some with: burnish ingest FOLDER")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("id", justify="right")
    table.add_column("collection", overflow="fold")
    table.add_column("title", overflow="fold")
    table.add_column("language")
    table.add_column("chunks", justify="right")
    table.add_column("document", overflow="fold")
    for document in documents:
        table.add_row(
            str(document.id),
            Text(document.collection),
            Text(document.title),
            document.language,
            str(document.chunks),
            Text(short(document.uri), style="dim"),
        )
    call.out.print(table)


@app.command()
def show(
    ctx: typer.Context,
    document: Annotated[str, typer.Argument(help="Its id, or the end of its path.")],
    as_json: Json = False,
) -> None:
    """Print a document's chunks as the bot has them."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        found = _one(call, store.knowledge.documents(), document)
        chunks = [stored for stored in store.knowledge.load_chunks() if stored.document_id == found.id]
    if as_json:
        call.print_json(
            {
                **_document(found),
                "chunks": [
                    {"id": s.id, "anchor": s.chunk.anchor, "question": s.chunk.question, "text": s.chunk.text}
                    for s in chunks
                ],
            }
        )
        return
    call.out.print(Text(f"{found.title}  (id {found.id}, {found.collection})", style="bold"))
    call.out.print(Text(found.uri, style="dim"))
    for stored in chunks:
        chunk = stored.chunk
        call.out.print()
        call.out.print(Text(f"#{stored.id}  {' > '.join(chunk.title_path)}  {chunk.anchor}", style="dim"))
        call.out.print(Text(f"Q: {chunk.question}\nA: {chunk.text}" if chunk.kind is ChunkKind.CURATED else chunk.text))


@app.command()
def remove(
    ctx: typer.Context,
    document: Annotated[str, typer.Argument(help="Its id, or the end of its path.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a document; it comes back at the next ingest if its file is still there."""
    call = context(ctx)
    with call.wiring.open_store() as store:
        found = _one(call, store.knowledge.documents(), document)
        if not yes and not typer.confirm(f'Remove "{found.title}" ({found.chunks} chunks)?'):
            raise typer.Exit
        store.knowledge.remove_document(found.id)
        call.out.print(Text(f'Removed "{found.title}".'))


@app.command()
def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(help="What to look for.")],
    top: Annotated[int, typer.Option(min=1, max=100, help="How many passages.")] = 5,
    collection: Annotated[list[str] | None, typer.Option(help="Only in these; may be repeated.")] = None,
    as_json: Json = False,
) -> None:
    """Show what the bot would see for a question, with scores."""
    call = context(ctx)
    with call.bar():
        passages = call.wiring.search(query, collections=collection, top_k=top)
    if as_json:
        call.print_json([_passage(p) for p in passages])
        return
    if not passages:
        call.out.print("Nothing found.")
        return
    for passage in passages:
        chunk = passage.stored.chunk
        scores = f"similarity {passage.similarity:.3f}  BM25 {passage.lexical:.2f}  fused {passage.fused:.4f}"
        call.out.print(Text.assemble((f"{passage.rank}. {' > '.join(chunk.title_path)}", "bold"), f"   {scores}"))
        call.out.print(Text(f"   {short(passage.stored.uri)}  {chunk.anchor}", style="dim"))
        text = f"Q: {chunk.question}\nA: {chunk.text}" if chunk.kind is ChunkKind.CURATED else chunk.text
        call.out.print(Text("   " + " ".join(text.split())[:300]))
        call.out.print()


def _one(call: Context, documents: Sequence[StoredDocument], named: str) -> StoredDocument:
    if named.isdigit():
        matches = [d for d in documents if d.id == int(named)]
    else:
        matches = [d for d in documents if d.uri.endswith(named)]
    if not matches:
        fail(call, f"There is no document {named!r}; `burnish knowledge list` shows ids and paths.")
    if len(matches) > 1:
        fail(call, f"{named!r} fits {len(matches)} documents; name one by its id (`burnish knowledge list`).")
    return matches[0]


def short(uri: str) -> str:
    """A path below the working folder without it; a link as it is."""
    if uri.startswith(("http://", "https://")):
        return uri
    path, working = Path(uri), Path.cwd()
    return str(path.relative_to(working)) if path.is_relative_to(working) else uri


def _row(row: IngestRow) -> dict[str, object]:
    return {
        "uri": row.uri,
        "outcome": row.outcome.value,
        "chunks": row.chunks,
        "reason": " ".join(problem.reason for problem in row.problems),
    }


def _document(d: StoredDocument) -> dict[str, object]:
    return {
        "id": d.id,
        "collection": d.collection,
        "title": d.title,
        "language": d.language,
        "media_type": d.media_type,
        "uri": d.uri,
        "source": d.source,
        "chunks": d.chunks,
        "digest": d.digest,
        "ingested_at": d.ingested_at,
    }


def _passage(passage: Passage) -> dict[str, object]:
    chunk = passage.stored.chunk
    return {
        "rank": passage.rank,
        "similarity": passage.similarity,
        "lexical": passage.lexical,
        "fused": passage.fused,
        "title": " > ".join(chunk.title_path),
        "uri": passage.stored.uri,
        "anchor": chunk.anchor,
        "kind": chunk.kind.value,
        "question": chunk.question,
        "text": chunk.text,
    }
