"""The web application: the chat page, the dashboard, the API, and how the program is doing.

Observed -> Guard -> Boundary -> Bodies -> routes; a page is in bot.web.chat or bot.web.dashboard, the API in
bot.web.api, all over the same WebParts.
"""

from __future__ import annotations

import logging
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from bot.curation import Curation
from bot.texts import say
from bot.web import chat, dropped, login, metrics, probes
from bot.web.access import Access, access_of
from bot.web.api.app import PREFIX, create_api, docs
from bot.web.bodies import Bodies
from bot.web.dashboard import router as dashboard
from bot.web.dashboard.frame import Flashes
from bot.web.dashboard.ingests import Ingests
from bot.web.dashboard.machine import router as machine
from bot.web.errors import LoginNeededError, TooManyError, WebError
from bot.web.guard import Guard
from bot.web.observed import Boundary, Observed
from bot.web.pages import STATIC_FOLDER, page
from bot.web.parts import WebParts

log = logging.getLogger(__name__)


def create_app(parts: WebParts) -> FastAPI:
    """Everything that is served by HTTP."""
    app = FastAPI(
        title="Burnish",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(Observed, metrics=parts.metrics, telemetry=parts.telemetry),
            Middleware(Guard, settings=parts.settings),
            Middleware(Boundary, failed=_broken),
            Middleware(Bodies),
        ],
    )
    app.state.parts = parts
    app.state.access = Access(parts.store, parts.settings)
    app.state.curation = Curation(parts.store, parts.teacher, parts.encoder)
    app.state.flashes = Flashes()
    app.state.ingests = Ingests()
    app.include_router(login.router)
    app.include_router(chat.router)
    app.include_router(dropped.router)
    app.include_router(probes.router)
    app.include_router(metrics.router)
    app.include_router(dashboard)
    app.include_router(machine)
    app.include_router(docs)
    app.mount(PREFIX, create_api(parts))
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")

    @app.get("/health", include_in_schema=False)
    async def health() -> JSONResponse:
        """How the program is doing, without anybody's words."""
        return JSONResponse({"status": "ok", "waiting": parts.desk.waiting, **parts.facts()})

    app.add_exception_handler(LoginNeededError, _to_login)
    # what else fails may name hosts and files: the boundary tells that to the log alone
    app.add_exception_handler(WebError, _sentence)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    return app


def wants_page(request: Request) -> bool:
    """Whether a person waits for a page, rather than a script for data."""
    return "text/html" in request.headers.get("accept", "") and "hx-request" not in request.headers


async def _to_login(request: Request, error: Exception) -> Response:
    if request.method == "GET" and wants_page(request):
        return RedirectResponse(f"/login?next={quote(request.url.path)}", status_code=303)
    return await _sentence(request, error)


async def _sentence(request: Request, error: Exception) -> Response:
    """One sentence, as a page or as JSON."""
    return _told(request, error.status if isinstance(error, WebError) else 500, str(error), error)


async def _http(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    key = {404: "web-not-there", 405: "web-not-there", 413: "web-too-large"}.get(status, "web-failed")
    return _told(request, status, say(key, access_of(request).language(request)), error)


async def _broken(request: Request) -> Response:
    return await _http(request, HTTPException(500))


async def _invalid(request: Request, error: Exception) -> Response:
    fields: list[str] = []
    if isinstance(error, RequestValidationError):
        fields = sorted({".".join(str(part) for part in one["loc"][1:]) for one in error.errors()})
    sentence = say("web-invalid", access_of(request).language(request), fields=", ".join(fields))
    return _told(request, 422, sentence, error)


def _told(request: Request, status: int, sentence: str, error: Exception) -> Response:
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyError) else {}
    if wants_page(request):
        response = page(request, "problem.html", status=status, sentence=sentence)
        response.headers.update(headers)
        return response
    return JSONResponse({"error": {"message": sentence}}, status_code=status, headers=headers)
