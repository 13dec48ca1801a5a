"""/v1/embeddings: what the search's encoder makes of texts."""

from __future__ import annotations

import base64
from typing import Annotated, Final, Literal

import numpy as np
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, StrictInt

from adapters.types import Matrix
from bot.blocking import run_blocking
from bot.types import Scope
from bot.web.api.caller import EndUser, needs
from bot.web.api.errors import ApiError, not_there, told
from bot.web.api.models import ENCODER
from bot.web.api.state import ApiState, state_of

MOST_TEXTS: Final = 256  # in one request; a core encodes them in some seconds
AT_ONCE: Final = 32  # between which a question gets its turn with the encoder
MAX_CHARACTERS: Final = 100_000  # of a text; the encoder reads the beginning of a long one

router = APIRouter(dependencies=[Depends(needs(Scope.CHAT))])

_Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


class EmbeddingRequest(BaseModel):
    """Texts to encode."""

    model: Annotated[str, Field(max_length=200)] = Field(examples=[ENCODER], description=f"`{ENCODER}`.")
    input: _Text | Annotated[list[_Text], Field(min_length=1, max_length=MOST_TEXTS)] = Field(
        examples=["How long does a refund take?"], description="A text or a list of texts; tokens are not taken."
    )
    encoding_format: Literal["float", "base64"] | None = Field(
        "float", description="base64 is of 32 bit floats, little-endian."
    )
    dimensions: Annotated[StrictInt, Field(ge=1)] | None = Field(
        None, description="The encoder's own number, or nothing."
    )
    user: EndUser = None


class Embedding(BaseModel):
    """The vector of one text; its length is 1."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """How much was read, in the encoder's tokens."""

    prompt_tokens: int
    total_tokens: int


class Embeddings(BaseModel):
    """Vectors, in the order of their texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


@router.post("/embeddings", summary="Encode texts", responses=told(404), operation_id="createEmbedding")
async def embed(body: EmbeddingRequest, state: Annotated[ApiState, Depends(state_of)]) -> Embeddings:
    """Give the vectors that the bot's search compares texts by."""
    encoder = state.parts.encoder
    if body.model != ENCODER:
        raise not_there(f"There is no encoder {body.model!r}; it is {ENCODER}.", param="model", code="model_not_found")
    if body.dimensions not in {None, encoder.dimension}:
        raise ApiError(
            f"dimensions: the encoder has {encoder.dimension}; others are not offered.",
            param="dimensions",
            code="unsupported_value",
        )
    texts = [body.input] if isinstance(body.input, str) else body.input
    rows = [
        row
        for start in range(0, len(texts), AT_ONCE)
        for row in await run_blocking(encoder.encode, texts[start : start + AT_ONCE])
    ]
    tokens = await run_blocking(lambda: sum(map(encoder.count_tokens, texts)))
    as_text = body.encoding_format == "base64"
    return Embeddings(
        data=[Embedding(index=number, embedding=_written(row, as_text=as_text)) for number, row in enumerate(rows)],
        model=ENCODER,
        usage=EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens),
    )


def _written(row: Matrix, *, as_text: bool) -> list[float] | str:
    if not as_text:
        numbers: list[float] = row.tolist()
        return numbers
    return base64.b64encode(np.ascontiguousarray(row, dtype="<f4").tobytes()).decode()
