"""/v1/knowledge: the documents that the bot answers from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Path, Query, UploadFile
from pydantic import BaseModel, Field, StrictInt

from bot.blocking import run_blocking
from bot.commands.knowledge import save
from bot.types import Scope
from bot.web.api.caller import MAX_ID, Caller, needs
from bot.web.api.errors import ApiError, not_there, told
from bot.web.api.shown import shown_uri
from bot.web.api.state import ApiState, state_of
from knowledge.errors import KnowledgeError
from knowledge.ingest import IngestOutcome, IngestReport, IngestRow
from knowledge.types import Passage, StoredDocument

MAX_TEXT = 1_000_000  # characters of a document that is sent as text
MOST = 100  # documents or passages in one reply

router = APIRouter()

_State = Annotated[ApiState, Depends(state_of)]
_Caller = Annotated[Caller, Depends(needs(Scope.KNOWLEDGE))]
_DocumentId = Annotated[int, Path(ge=1, le=MAX_ID, description="A document's id.")]


class DocumentBody(BaseModel):
    """A document, without its text."""

    object: Literal["document"] = "document"
    id: int
    title: str
    uri: str = Field(description="An address, or a file's name.")
    collection: str
    language: str = Field(description="ISO 639-1, or und.")
    media_type: str
    chunks: int = Field(description="Pieces in which it is searched.")
    ingested_at: str = Field(description="ISO 8601, UTC.")


class DocumentList(BaseModel):
    """Some of the documents, by id."""

    object: Literal["list"] = "list"
    data: list[DocumentBody]
    has_more: bool = Field(description="Whether there are more; ask again with `after` the last id.")


class PassageBody(BaseModel):
    """A piece of a document, scored for one query."""

    object: Literal["passage"] = "passage"
    rank: int
    document_id: int
    title: str
    uri: str
    anchor: str
    text: str
    similarity: float = Field(description="Cosine, -1 to 1.")
    lexical: float = Field(description="BM25.")


class PassageList(BaseModel):
    """What a search found, best first."""

    object: Literal["list"] = "list"
    data: list[PassageBody]


class SearchRequest(BaseModel):
    """What to search for."""

    query: Annotated[str, Field(min_length=1, max_length=4_000, pattern=r"\S")] = Field(examples=["refund"])
    limit: Annotated[StrictInt, Field(ge=1, le=MOST)] = 5


class TextDocument(BaseModel):
    """A document as text."""

    title: Annotated[str, Field(min_length=1, max_length=100, pattern=r"\w")] = Field(examples=["Refunds"])
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=r"\w")] = Field(
        description="Plain text or Markdown.", examples=["Refunds reach your bank within five working days."]
    )


class WebDocument(BaseModel):
    """A web page, to be read by the bot's server."""

    url: Annotated[str, Field(max_length=2_000, pattern=r"^https?://[\x21-\x7e]+$")] = Field(
        examples=["https://help.example/refunds"]
    )


class Taken(BaseModel):
    """What became of one document."""

    uri: str
    outcome: IngestOutcome
    document_id: int | None = Field(description="Its id, if it is there now.")
    chunks: int
    remarks: list[str]


class TakenIn(BaseModel):
    """What became of what was sent."""

    object: Literal["ingest"] = "ingest"
    data: list[Taken]


class Removed(BaseModel):
    """A document that is gone."""

    object: Literal["document.deleted"] = "document.deleted"
    id: int
    deleted: Literal[True] = True


@router.get("/knowledge", summary="List documents", responses=told(), operation_id="listDocuments")
async def documents(
    _: _Caller,
    state: _State,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 20,
    after: Annotated[int, Query(ge=0, le=MAX_ID, description="Begin behind this id.")] = 0,
) -> DocumentList:
    """List the documents, by id."""
    found = sorted((one for one in await _documents(state) if one.id > after), key=lambda one: one.id)
    return DocumentList(data=list(map(_document, found[:limit])), has_more=len(found) > limit)


@router.get(
    "/knowledge/{document_id:int}", summary="Look at a document", responses=told(404), operation_id="getDocument"
)
async def document(document_id: _DocumentId, _: _Caller, state: _State) -> DocumentBody:
    """One document, without its text."""
    found = next((one for one in await _documents(state) if one.id == document_id), None)
    if found is None:
        raise _unknown(document_id)
    return _document(found)


@router.post("/knowledge/search", summary="Search", responses=told(), operation_id="searchKnowledge")
async def search(body: SearchRequest, _: _Caller, state: _State) -> PassageList:
    """Search the documents as the bot does."""
    found = await run_blocking(state.parts.documents.search, body.query)
    return PassageList(data=list(map(_passage, found[: body.limit])))


@router.post(
    "/knowledge", summary="Add a text or a page", status_code=201, responses=told(409), operation_id="addDocument"
)
async def add(body: TextDocument | WebDocument, caller: _Caller, state: _State) -> TakenIn:
    """Take in a text, or a web page by its address; returns when it can be found.

    The same text under the same title is taken in once. A page that was taken in before is read again.
    """
    if isinstance(body, WebDocument):
        return await _ingest(state, caller, body.url)
    content = f"# {' '.join(body.title.split())}\n\n{body.text}\n".encode()
    return await _take(state, caller, f"{body.title}.md", content)


@router.post(
    "/knowledge/files", summary="Add a file", status_code=201, responses=told(409), operation_id="uploadDocument"
)
async def upload(
    file: Annotated[UploadFile, File(description="Such as a PDF, Word, HTML, Markdown, CSV or JSON file.")],
    caller: _Caller,
    state: _State,
) -> TakenIn:
    """Take in a file; returns when it can be found."""
    most = state.parts.documents.max_megabytes
    content = await file.read()
    if len(content) > most * 1_000_000:
        raise ApiError(f"A file has {most:g} MB at most.", status=413, param="file", code="file_too_large")
    return await _take(state, caller, file.filename or "document", content)


@router.delete(
    "/knowledge/{document_id:int}", summary="Remove a document", responses=told(404), operation_id="removeDocument"
)
async def remove(document_id: _DocumentId, caller: _Caller, state: _State) -> Removed:
    """Remove a document; the bot does not answer from it any more."""
    if not await run_blocking(state.parts.store.knowledge.remove_document, document_id):
        raise _unknown(document_id)
    await caller.note(state.parts.store, "remove document", str(document_id))
    return Removed(id=document_id)


async def _documents(state: ApiState) -> Sequence[StoredDocument]:
    return await run_blocking(state.parts.store.knowledge.documents)


async def _take(state: ApiState, caller: Caller, name: str, content: bytes) -> TakenIn:
    path = await run_blocking(save, state.parts.documents.uploads, name, content)
    return await _ingest(state, caller, str(path))


async def _ingest(state: ApiState, caller: Caller, source: str) -> TakenIn:
    try:
        report = await run_blocking(state.parts.documents.ingest, [source], lambda *_: None)
    except KnowledgeError as error:  # another one is going on, say
        raise ApiError(str(error), status=409, code="not_now") from error
    if not any(row.outcome is not IngestOutcome.PROBLEM for row in report.rows):
        reasons = " ".join(problem.reason for row in report.rows for problem in row.problems)
        raise ApiError(f"Nothing was taken in. {reasons}".strip(), code="not_taken_in")
    await caller.note(state.parts.store, "ingest", ", ".join(shown_uri(row.uri) for row in report.rows))
    return await _taken(state, report)


async def _taken(state: ApiState, report: IngestReport) -> TakenIn:
    ids = {one.uri: one.id for one in await _documents(state)}

    def taken(row: IngestRow) -> Taken:
        return Taken(
            uri=shown_uri(row.uri),
            outcome=row.outcome,
            document_id=ids.get(row.uri),
            chunks=row.chunks,
            remarks=[one.reason for one in row.problems],
        )

    return TakenIn(data=list(map(taken, report.rows)))


def _unknown(document_id: int) -> ApiError:
    return not_there(f"There is no document {document_id}.", param="document_id")


def _document(found: StoredDocument) -> DocumentBody:
    return DocumentBody(
        id=found.id,
        title=found.title,
        uri=shown_uri(found.uri),
        collection=found.collection,
        language=found.language,
        media_type=found.media_type,
        chunks=found.chunks,
        ingested_at=found.ingested_at,
    )


def _passage(passage: Passage) -> PassageBody:
    stored = passage.stored
    return PassageBody(
        rank=passage.rank,
        document_id=stored.document_id,
        title=stored.chunk.question or " > ".join(stored.chunk.title_path),
        uri=shown_uri(stored.uri),
        anchor=stored.chunk.anchor,
        text=stored.chunk.text,
        similarity=passage.similarity,
        lexical=passage.lexical,
    )
