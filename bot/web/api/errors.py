"""Errors as OpenAI's API tells them: {"error": {"message", "type", "param", "code"}}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route

from bot.web.errors import WebError

INVALID: Final = "invalid_request_error"
METHOD_NOT_ALLOWED: Final = 405
RESTART_SECONDS: Final = 15  # after which a program that was stopped is worth another try: a start loads the models
ROLES: Final = frozenset({"user", "assistant", "system", "developer", "tool", "function"})
# of OpenAI's parameters those that would change what is answered, and are refused where they are used
NOT_OFFERED: Final = frozenset(
    {"n", "tools", "functions", "modalities", "audio", "stop", "logprobs", "response_format"}
)


class ApiError(WebError):
    """A request that is not carried out.

    Attributes:
        status: HTTP's.
        kind: OpenAI's `type`.
        param: Which part of the request is meant; None for none.
        code: For programs; None for none.
        headers: To go along.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = INVALID,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = dict(headers or {})


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str = Field(description="One sentence for a person.")
    type: str = Field(description="invalid_request_error, authentication_error, permission_error, ...")
    param: str | None = Field(description="Which part of the request is meant.")
    code: str | None = Field(description="For programs.")


class ErrorBody(BaseModel):
    """What comes instead of an answer; the shape is OpenAI's."""

    error: ErrorDetail


_SAID: Final = {
    400: "The request is not right.",
    401: "There is no key, or it is not known or was revoked.",
    403: "The key lacks the scope for this.",
    404: "There is no such thing.",
    409: "It cannot be done now.",
    413: "The request is too large.",
    429: "Too many requests, or too many questions wait; Retry-After says when to come back.",
    500: "The bot failed; its log says why.",
    503: "The bot is being stopped or started anew; Retry-After says when to come back.",
}


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route documents, besides those that any route may tell."""
    known = sorted({400, 401, 403, 413, 429, *statuses})
    return {status: {"model": ErrorBody, "description": _SAID[status]} for status in known}


def shaped(error: ApiError) -> JSONResponse:
    """An error as a response."""
    return JSONResponse(body_of(error), status_code=error.status, headers=error.headers)


def body_of(error: ApiError) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    detail = ErrorDetail(message=str(error), type=error.kind, param=error.param, code=error.code)
    return ErrorBody(error=detail).model_dump()


def not_there(what: str, *, param: str | None = None, code: str = "not_found") -> ApiError:
    """There is no such thing."""
    return ApiError(what, status=404, param=param, code=code)


def failed() -> ApiError:
    """The bot failed at something; more than that is in its log."""
    return ApiError(
        "The bot failed at this; its log says why. Try again.", status=500, kind="server_error", code="internal_error"
    )


def stopping() -> ApiError:
    """The program stops before there is an answer."""
    return ApiError(
        "The bot is being stopped or started anew; ask again in a while.",
        status=503,
        kind="server_error",
        code="stopping",
        headers={"Retry-After": str(RESTART_SECONDS)},
    )


def add_handlers(app: FastAPI, routes: Iterable[BaseRoute]) -> None:
    """Have every error of an application told in this shape.

    Args:
        app: Which.
        routes: All that it has.
    """
    known = tuple(route for route in routes if isinstance(route, Route))

    async def http(request: Request, error: Exception) -> Response:
        return _http(request, error, known)

    app.add_exception_handler(WebError, _web)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, _invalid)


async def _web(_: Request, error: Exception) -> Response:
    if isinstance(error, ApiError):
        return shaped(error)
    status = error.status if isinstance(error, WebError) else 400
    return shaped(ApiError(str(error), status=status))


def _http(request: Request, error: Exception, routes: Iterable[Route]) -> Response:
    if not isinstance(error, HTTPException):  # pragma: no cover - it is registered for nothing else
        raise error
    what, headers = f"{request.method} {request.url.path}", dict(error.headers or {})
    sentence = {
        404: f"There is no {what}; /v1/docs shows what there is.",
        405: f"{what} is not possible; /v1/docs shows what is.",
    }.get(error.status_code, str(error.detail))
    code = {404: "unknown_url", 405: "method_not_allowed", 413: "request_too_large"}.get(error.status_code)
    if error.status_code == METHOD_NOT_ALLOWED:  # said by one of several routes at this place, of itself alone
        headers["Allow"] = ", ".join(sorted(_methods(request, routes)))
    return shaped(ApiError(sentence, status=error.status_code, code=code, headers=headers))


def _methods(request: Request, routes: Iterable[Route]) -> set[str]:
    """What is possible at the place that a request asked for."""
    here = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return {method for route in here for method in route.methods or ()}


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):  # pragma: no cover - it is registered for nothing else
        raise error
    # of several readings of a value the one that came furthest says best what is wrong with it
    fault = max(error.errors(), key=lambda one: len(one["loc"]))
    param = _place(fault["loc"][1:])
    if fault["type"] == "json_invalid":
        return shaped(ApiError("The body is not valid JSON.", code="invalid_json"))
    if param.replace("[", ".").partition(".")[0] in NOT_OFFERED:
        return shaped(
            ApiError(f"{param} is not offered here; leave it out.", param=param, code="unsupported_parameter")
        )
    sentence = f"{param}: {fault['msg']}." if param else f"The body does not fit: {fault['msg']}."
    return shaped(ApiError(sentence, param=param or None, code="invalid_value"))


def _place(parts: Sequence[int | str]) -> str:
    """Where a value stands, such as messages[0].content; how it was tried to be read is left out."""
    place = ""
    for before, part in zip(("", *parts), parts, strict=False):
        if isinstance(part, int):
            place += f"[{part}]"
        elif part.isidentifier() and part.islower() and part != "str" and not _is_role(part, before):
            place += f".{part}" if place else part
    return place


def _is_role(part: str, before: int | str) -> bool:
    """Whether a part only says which kind of message was read: the one behind a message's number."""
    return isinstance(before, int) and part in ROLES
