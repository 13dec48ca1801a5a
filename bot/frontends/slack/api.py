"""Slack's Web API: the one place that calls it, and that turns its errors into the front ends' own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.config import SlackSettings
from bot.frontends.base import (
    MarkupError,
    MessageGoneError,
    PlaceGoneError,
    PlatformError,
    ThrottledError,
    UnreachableError,
)

TIMEOUT_SECONDS = 20.0  # for one call, as an assumption: Slack answers within one or two
FILE_BYTES = 20 * 1024 * 1024  # the largest attachment that is downloaded
DEFAULT_WAIT_SECONDS = 1.0  # where Slack says "too many" without saying how long

# Slack's libraries write what people said into their debug lines, and build those lines even where nobody reads them
# unless the level says so.
library_log = logging.getLogger("bot.frontends.slack.library")
library_log.setLevel(logging.WARNING)

# These take no JSON body.
_BY_QUERY = frozenset({"users.info", "conversations.replies", "conversations.history", "conversations.info"})

_MESSAGE_GONE = frozenset({"message_not_found", "cant_update_message", "cant_delete_message", "edit_window_closed"})
_PLACE_GONE = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "user_not_in_channel",
        "user_not_found",
        "user_disabled",
        "cannot_dm_bot",
        "messages_tab_disabled",
        "team_access_not_granted",
        "access_denied",
        "ekm_access_denied",
    }
)
_MARKUP = frozenset(
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "markdown_text_conflict"}
)
_LATER = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_LOGIN = {
    "invalid_auth": "Slack does not know the token. Copy it again from your app's page on api.slack.com/apps",
    "not_authed": "no token was given. Set SLACK_BOT_TOKEN",
    "token_revoked": "the token was revoked. Install the app again and copy the new token",
    "token_expired": "the token has expired. Install the app again and copy the new token",
    "account_inactive": "the app was removed from the workspace. Install it again and copy the new token",
    "not_allowed_token_type": "the token is of another kind. SLACK_BOT_TOKEN begins with xoxb-, SLACK_APP_TOKEN with "
    "xapp-",
}


class RefusedError(PlatformError):
    """Slack said no, by a name that is not one of the common cases."""

    def __init__(self, method: str, code: str) -> None:
        """Keep Slack's name of the error."""
        super().__init__(f"Slack refused {method}: {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the bot is, as `auth.test` says."""

    user: str  # "U..."
    bot: str  # "B..."
    team: str  # "T..."
    name: str
    scopes: frozenset[str]  # granted to the token; empty where Slack does not say
    seconds_ahead: float | None  # by which Slack's clock is ahead of ours; None where it does not say


class SlackApi:
    """One workspace's Web API. Nothing is repeated here: bot.frontends.delivery.patiently does that."""

    def __init__(self, settings: SlackSettings) -> None:
        """Keep the tokens; connections are opened when they are first needed.

        Args:
            settings: The tokens and the API's address.
        """
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncWebClient | None = None

    @property
    def client(self) -> AsyncWebClient:
        """Slack's own client; must be asked for where an event loop runs."""
        if self._client is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
            self._client = AsyncWebClient(
                token=self._settings.bot_token.get_secret_value(),
                base_url=self._settings.base_url,
                session=self._session,
                retry_handlers=[],
                logger=library_log,
            )
            if proxy_bypass(urlsplit(self._settings.base_url).netloc):
                self._client.proxy = None  # Slack's client reads HTTP_PROXY but not NO_PROXY
        return self._client

    async def call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """Call a method of the Web API.

        Args:
            method: "chat.update".
            arguments: As Slack names them; None for what is to be left out.

        Returns:
            What Slack answered.

        Raises:
            PlatformError: One of bot.frontends.base, or a RefusedError.
        """
        given = {key: value for key, value in arguments.items() if value is not None}
        if method in _BY_QUERY:
            return _data(await _translated(method, lambda: self.client.api_call(method, params=given)))
        return _data(await _translated(method, lambda: self.client.api_call(method, json=given)))

    async def who(self) -> Identity:
        """Ask who the token belongs to."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        response = await _translated("auth.test", self.client.auth_test)
        data = _data(response)
        headers = {key.lower(): value for key, value in (response.headers or {}).items()}
        scopes = headers.get("x-oauth-scopes", "")
        return Identity(
            user=str(data["user_id"]),
            bot=str(data.get("bot_id", "")),
            team=str(data.get("team_id", "")),
            name=str(data.get("user", "")),
            scopes=frozenset(filter(None, (scope.strip() for scope in scopes.split(",")))),
            seconds_ahead=_ahead(headers.get("date", ""), trip=loop.time() - began),
        )

    async def socket_url(self) -> str:
        """Ask for a Socket Mode address; it serves for one connection, soon."""
        token = self._settings.app_token.get_secret_value()
        response = await _translated(
            "apps.connections.open", lambda: self.client.apps_connections_open(app_token=token)
        )
        return str(_data(response)["url"])

    async def upload(self, content: bytes, name: str, *, channel: str, thread: str | None, words: str) -> None:
        """Put a file into a channel with some words beside it."""
        await _translated(
            "files.upload",
            lambda: self.client.files_upload_v2(
                file=content, filename=name, title=words, channel=channel, thread_ts=thread, initial_comment=words
            ),
        )

    async def download(self, url: str) -> bytes:
        """Download a file that somebody sent.

        Raises:
            PlatformError: It cannot be had, is larger than 20 MB, or lies elsewhere than with Slack (our token goes
                nowhere else).
        """
        if not self._is_slack(url):
            raise PlatformError("the file does not lie with Slack, and is not fetched from anywhere else")
        client = self.client
        assert self._session is not None  # noqa: S101 - made together with the client
        try:
            async with self._session.get(
                url,
                headers={"Authorization": f"Bearer {client.token}"},
                proxy=client.proxy,
                allow_redirects=False,  # without the scope, Slack leads to its login page
            ) as response:
                return await _body(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(f"Slack's files cannot be reached: {type(error).__name__}") from error

    async def aclose(self) -> None:
        """Close all connections; they are opened again when needed."""
        session, self._session, self._client = self._session, None, None
        if session is not None:
            await session.close()

    def _is_slack(self, url: str) -> bool:
        parts, ours = urlsplit(url), urlsplit(self._settings.base_url)
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return True
        return parts.scheme == "https" and (parts.hostname or "").endswith(".slack.com")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    if response.status >= 500:  # noqa: PLR2004 - HTTP's border
        raise UnreachableError(f"Slack's store of files has trouble of its own (HTTP {response.status})")
    if response.status != 200:  # noqa: PLR2004 - HTTP's "here it is"
        raise PlatformError(
            f"Slack does not hand out the file; the app may lack the permission files:read (HTTP {response.status})"
        )
    pieces = bytearray()
    async for piece in response.content.iter_chunked(64 * 1024):
        pieces += piece
        if len(pieces) > FILE_BYTES:
            raise PlatformError(f"the file is larger than {FILE_BYTES // 1024 // 1024} MB")
    return bytes(pieces)


async def _translated(method: str, act: Callable[[], Awaitable[AsyncSlackResponse]]) -> AsyncSlackResponse:
    """Call Slack, and say what went wrong in the front ends' own errors."""
    try:
        return await act()
    except SlackApiError as error:
        raise _error(method, error.response) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnreachableError(f"Slack cannot be reached ({method}): {type(error).__name__}") from error


def _data(response: AsyncSlackResponse) -> Mapping[str, Any]:
    data = response.data
    return data if isinstance(data, dict) else {}


def _error(method: str, response: Any) -> PlatformError:  # noqa: ANN401 - Slack's response, or the bare HTTP one
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    found = getattr(response, "data", None)
    data: Mapping[str, Any] = found if isinstance(found, dict) else {}
    code = str(data.get("error", ""))
    if status == 429 or code in {"ratelimited", "rate_limited"}:  # noqa: PLR2004 - HTTP's "too many requests"
        return ThrottledError(_seconds(response.headers))
    if status >= 500 or code in _LATER or not code:  # noqa: PLR2004 - HTTP's border
        return UnreachableError(f"Slack has trouble of its own ({method}: {code or f'HTTP {status}'})")
    return _refusal(method, code, data)


def _refusal(method: str, code: str, data: Mapping[str, Any]) -> PlatformError:
    if code in _LOGIN:
        return PlatformError(f"Slack refused {method} ({code}): {_LOGIN[code]}.")
    if code == "missing_scope":
        return PlatformError(
            f"Slack refused {method}: the token lacks the scope {data.get('needed', '')}. Paste the manifest that "
            "`burnish slack manifest` prints into your app, and install the app again."
        )
    if code in _MESSAGE_GONE:
        return MessageGoneError(f"Slack has no such message any more ({method}: {code})")
    if code in _PLACE_GONE or code.startswith("restricted_action"):
        return PlaceGoneError(f"nothing can be sent there any more ({method}: {code})")
    if code in _MARKUP or (code == "invalid_arguments" and "block" in str(data.get("response_metadata", ""))):
        return MarkupError(f"Slack does not take this formatting ({method}: {code})")
    return RefusedError(method, code)


def _seconds(headers: Mapping[str, str]) -> float:
    said = {key.lower(): value for key, value in headers.items()}.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        return DEFAULT_WAIT_SECONDS


def _ahead(date: str, *, trip: float) -> float | None:
    """By how many seconds Slack's clock is ahead of ours, to about a second; `trip` is how long the call took."""
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (there - datetime.now(UTC)).total_seconds() + trip / 2
