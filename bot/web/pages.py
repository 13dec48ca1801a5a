"""Pages: templates with the bot's own words in the reader's language."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from starlette.responses import HTMLResponse, Response
from starlette.templating import Jinja2Templates

from bot.texts import languages, say
from bot.web.access import CSRF_HEADER, Visitor, access_of

FOLDER: Final = Path(__file__).parent
STATIC_FOLDER: Final = FOLDER / "static"

_TEMPLATES = Jinja2Templates(FOLDER / "templates")
_TEMPLATES.env.trim_blocks = _TEMPLATES.env.lstrip_blocks = True


def page(
    request: Request,
    template: str,
    *,
    visitor: Visitor | None = None,
    status: int = 200,
    **values: Any,  # noqa: ANN401 - whatever the template shows
) -> Response:
    """Fill in a template.

    Every template has `say` (a text of the Fluent files in the reader's language), `language`, `languages`, `visitor`,
    `bot_name` and what is given here.

    Args:
        request: What is answered.
        template: Its path under bot/web/templates.
        visitor: The reader; None if unknown.
        status: HTTP's.
        values: For the template.
    """
    access = access_of(request)
    language = visitor.language if visitor is not None else access.language(request)
    context = {
        "say": partial(_say, language),
        "language": language,
        "languages": languages(),
        "visitor": visitor,
        "bot_name": request.app.state.parts.settings.bot.name,
        "csrf_header": CSRF_HEADER,
        **values,
    }
    found: HTMLResponse = _TEMPLATES.TemplateResponse(request, template, context, status_code=status)
    return found


def piece(template: str, language: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
    """Fill in a template that is a piece of a page, outside any request."""
    context = {"say": partial(_say, language), "language": language, **values}
    return _TEMPLATES.env.get_template(template).render(context)


def _say(language: str, key: str, **values: str | int) -> str:
    return say(key, language, **values)
