"""A generator behind an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from adapters.errors import GenerationError
from adapters.generator.config import EndpointSettings
from adapters.types import ChatTurn, GenerationLimits, Judged

_TOO_MANY: Final = 429
_SERVER_ERRORS: Final = 500
_DONE: Final = "[DONE]"


class _TemporaryError(GenerationError):
    """Worth another try.

    Attributes:
        after: Seconds to wait as the endpoint asked for, or None.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class OpenAIGenerator:
    """Generates through an OpenAI-compatible endpoint; implements the Generator Protocol."""

    def __init__(self, url: str, model: str, settings: EndpointSettings | None = None, *, api_key: str = "") -> None:
        """Describe the endpoint; nothing is sent yet.

        Args:
            url: Where /chat/completions is found, such as "http://127.0.0.1:8080/v1".
            model: The model's name there.
            settings: Timeouts and tries.
            api_key: Sent as a bearer token; "" sends none.
        """
        self._url, self._model = url.rstrip("/"), model
        self._settings = settings or EndpointSettings()
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        timeout = httpx.Timeout(self._settings.read_seconds, connect=self._settings.connect_seconds)
        self._client = httpx.AsyncClient(headers=headers, timeout=timeout)

    @property
    def name(self) -> str:
        """Digest of URL and model: the endpoint does not show its weights."""
        return f"openai-{hashlib.sha256(f'{self._url}#{self._model}'.encode()).hexdigest()[:16]}"

    @property
    def grounded(self) -> bool:
        """No: the endpoint's model knows nothing of our prompt."""
        return False

    async def stream(
        self,
        turns: Sequence[ChatTurn],
        limits: GenerationLimits,
        *,
        judged: Judged | None = None,  # noqa: ARG002 - never called: see grounded
    ) -> AsyncGenerator[str, None]:
        """Generate greedily; yields pieces of text as they come.

        Before the first piece, a refused connection, HTTP 429 and HTTP 5xx are tried again; afterwards nothing is, or
        the reader would see the answer twice. Closing the iterator closes the connection. Ends at the end of the
        turn or at a limit.

        Raises:
            GenerationError: The endpoint cannot be reached, refuses, breaks off, or sends something else; or the time
                limit passed before the first piece.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limits.seconds
        started = False
        try:
            async with self._open(turns, limits, deadline=deadline) as response, aclosing(_pieces(response)) as pieces:
                while True:
                    async with asyncio.timeout_at(deadline):
                        piece = await anext(pieces, None)
                    if piece is None:
                        return
                    started = True
                    yield piece
        except TimeoutError:
            if not started:
                raise GenerationError(
                    f"{self._url} gave no word within {limits.seconds:g} seconds; check its load or raise the limit."
                ) from None
        except httpx.TransportError as error:
            where = "in the middle of" if started else "before"
            raise GenerationError(f"{self._url} broke off {where} its answer: {_why(error)}.") from error

    async def aclose(self) -> None:
        """Close the connections; requests in flight end with an error."""
        await self._client.aclose()

    @asynccontextmanager
    async def _open(
        self, turns: Sequence[ChatTurn], limits: GenerationLimits, *, deadline: float
    ) -> AsyncIterator[httpx.Response]:
        """A response whose status is good, after as many tries as it takes."""
        body = {
            "model": self._model,
            "messages": [{"role": turn.role, "content": turn.content} for turn in turns],
            "max_tokens": limits.max_new_tokens,
            "temperature": 0,
            "stream": True,
        }
        response: httpx.Response | None = None
        async with asyncio.timeout_at(deadline):
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_TemporaryError),
                stop=stop_after_attempt(self._settings.attempts),
                wait=self._wait,
                reraise=True,
            ):
                with attempt:
                    response = await self._send(body)
        if response is None:
            raise GenerationError(f"{self._url} was not asked: attempts is {self._settings.attempts}.")
        try:
            yield response
        finally:
            await response.aclose()

    async def _send(self, body: dict[str, Any]) -> httpx.Response:
        """One try."""
        request = self._client.build_request("POST", f"{self._url}/chat/completions", json=body)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise _TemporaryError(
                f"{self._url} cannot be reached: {_why(error)}; check that the endpoint runs."
            ) from error
        except RuntimeError as error:
            raise GenerationError("The generator was closed.") from error
        if response.is_success:
            return response
        await response.aclose()
        raise self._refusal(response)

    def _refusal(self, response: httpx.Response) -> GenerationError:
        """What an error status means. The body is left out: it may quote the prompt."""
        status = response.status_code
        if status in {401, 403}:
            return GenerationError(f"{self._url} refused the API key (HTTP {status}); check it.")
        if status == httpx.codes.NOT_FOUND:
            return GenerationError(
                f"{self._url} has no model {self._model!r} or is no OpenAI-compatible address (HTTP 404)."
            )
        if status == _TOO_MANY:
            after = _retry_after(response.headers.get("Retry-After", ""))
            return _TemporaryError(f"{self._url} is over its rate limit (HTTP 429); try again later.", after=after)
        if status >= _SERVER_ERRORS:
            return _TemporaryError(f"{self._url} failed (HTTP {status}); see the endpoint's own log.")
        return GenerationError(f"{self._url} did not accept the request (HTTP {status}).")

    def _wait(self, state: RetryCallState) -> float:
        """Seconds before the next try: as the endpoint asked, else .5, 1, 2 ..."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.after if isinstance(error, _TemporaryError) else None
        wait = 0.5 * 2 ** (state.attempt_number - 1) if asked is None else asked
        return min(wait, self._settings.longest_wait_seconds)


async def _pieces(response: httpx.Response) -> AsyncGenerator[str, None]:
    """The text in a stream of server-sent events."""
    finished = False
    async for line in response.aiter_lines():
        field, _, value = line.partition(":")
        if field != "data":
            continue  # comments, event names and blank lines between events
        if value.strip() == _DONE:
            return
        piece, ended = _read_event(value)
        finished = finished or ended
        if piece:
            yield piece
    if not finished:
        raise GenerationError("The endpoint's answer ended before it was complete.")


def _read_event(data: str) -> tuple[str, bool]:
    """The text of one event, and whether the turn ends with it."""
    try:
        event = json.loads(data)
        if "error" in event:
            raise GenerationError("The endpoint reported an error in the middle of its answer; see its own log.")
        if not event["choices"]:
            return "", False  # usage figures
        choice = event["choices"][0]
        # Joining refuses what is no text.
        return "".join([choice["delta"].get("content") or ""]), choice.get("finish_reason") is not None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise GenerationError(
            "The endpoint sent something that is no chat completion; is it OpenAI-compatible?"
        ) from error


def _retry_after(header: str) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date."""
    if header.strip().isdecimal():
        return float(header)
    try:
        return max((parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError):
        return None


def _why(error: httpx.TransportError) -> str:
    """A transport error in words; some of them have none of their own."""
    return str(error) or type(error).__name__
