"""/v1/models."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from adapters.types import AdapterVersion, Task
from bot.blocking import run_blocking
from bot.types import Scope
from bot.web.api.caller import needs
from bot.web.api.completion import BOT
from bot.web.api.errors import not_there, told
from bot.web.api.state import ApiState, state_of

ENCODER: Final = "burnish-embedding"  # the model that is the search's encoder

router = APIRouter(dependencies=[Depends(needs(Scope.CHAT))])


class Pin(BaseModel):
    """The version that a model's name asks for."""

    task: Task
    version: str
    stage: str


class Model(BaseModel):
    """Something that can be asked for by name."""

    id: str = Field(examples=[BOT])
    object: Literal["model"] = "model"
    created: int
    owned_by: str = BOT
    burnish: Pin | None = Field(None, description="The version of one task that is put in; all else is what serves.")


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.get("/models", summary="List the models", responses=told(), operation_id="listModels")
async def models(state: Annotated[ApiState, Depends(state_of)]) -> Models:
    """The bot with what serves, the bot with each version that can be loaded, and the search's encoder."""
    return Models(data=await _all(state))


@router.get("/models/{model}", summary="Look at a model", responses=told(404), operation_id="retrieveModel")
async def model(model: Annotated[str, Path(max_length=200)], state: Annotated[ApiState, Depends(state_of)]) -> Model:
    """One of them."""
    found = next((one for one in await _all(state) if one.id == model), None)
    if found is None:
        raise not_there(f"There is no model {model!r}.", param="model", code="model_not_found")
    return found


async def _all(state: ApiState) -> list[Model]:
    versions = await run_blocking(state.parts.bots.pinned.versions)
    return [Model(id=BOT, created=0), *map(_of, versions), Model(id=ENCODER, created=0)]


def _of(version: AdapterVersion) -> Model:
    return Model(
        id=f"{BOT}:{version.name}",
        created=int(version.created_at.timestamp()),
        burnish=Pin(task=version.task, version=version.name, stage=version.stage.value),
    )
