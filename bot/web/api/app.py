"""The API under /v1, as OpenAI's clients expect it, with what the bot can do beyond that."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from bot.web.api import chat, embeddings, feedback, knowledge, models, runs
from bot.web.api.asking import Asking
from bot.web.api.door import Door
from bot.web.api.errors import add_handlers
from bot.web.api.state import ApiState
from bot.web.pages import page
from bot.web.parts import WebParts

PREFIX: Final = "/v1"
PROGRAMS: Final = 2  # they may fill one part in so many of the queue, so that people always find room

ROUTERS: Final = {
    "chat": chat.router,
    "models": models.router,
    "embeddings": embeddings.router,
    "feedback": feedback.router,
    "knowledge": knowledge.router,
    "runs": runs.router,
}

docs = APIRouter(include_in_schema=False)


@docs.get(f"{PREFIX}/docs")
async def show(request: Request) -> Response:
    """The page that shows what the API looks like."""
    return page(request, "api.html", schema=f"{PREFIX}/openapi.json")


class _Api(FastAPI):
    """Its schema is without the errors that FastAPI would tell by itself: all are told in OpenAI's shape."""

    def openapi(self) -> dict[str, Any]:
        """The schema."""
        schema = super().openapi()
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        return schema


def create_api(parts: WebParts) -> FastAPI:
    """What is served under /v1."""
    origins = parts.settings.web.cors
    cors = Middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    api = _Api(
        title="Burnish",
        summary="Ask the bot, rate its answers, keep its documents, and have it learn.",
        description="Works with OpenAI's clients. Every request brings a key: `Authorization: Bearer bk-...`.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        servers=[{"url": PREFIX}],
        root_path_in_servers=False,
        redirect_slashes=False,
        middleware=[*([cors] if origins else []), Middleware(Door, parts=parts)],
    )
    share = max(1, parts.settings.models.max_queue // PROGRAMS)
    api.state.api = ApiState(parts=parts, asking=Asking(parts.desk, parts.bots, most=share))
    for tag, router in ROUTERS.items():
        api.include_router(router, tags=[tag])
    add_handlers(api, [route for router in ROUTERS.values() for route in router.routes])
    return api
