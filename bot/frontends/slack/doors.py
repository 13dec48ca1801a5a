"""The two ways in which events come from Slack: Socket Mode, and signed HTTP requests. Bolt reads both."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import proxy_bypass
from weakref import WeakValueDictionary

from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.signature import Clock, SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bot.frontends.base import PlatformError, UnreachableError
from bot.frontends.slack.api import Identity, SlackApi, library_log
from bot.frontends.slack.inbound import Payload
from bot.frontends.slack.receiver import Receiver
from bot.http import HttpServer
from bot.logs import one_event

PATH = "/slack/events"  # for events, buttons and commands alike
STALE_SECONDS = 300  # Slack's own limit for the age of a signature
BODY_BYTES = 1024 * 1024  # of a request; Slack's are a few kB
LOST_PINGS = 6  # without a connection for so long, we connect anew
REFUSAL_SECONDS = 60.0  # between two lines about requests that were refused
FINISH_SECONDS = 5.0  # for events in hand when no more are taken
_ANY = re.compile("")

log = logging.getLogger(__name__)
_bolt_log = logging.getLogger("bot.frontends.slack.bolt")
_bolt_log.setLevel(logging.ERROR)  # its warnings quote what people said, and one comes for every token that is given


class Door(Protocol):
    """Where events come in."""

    async def open(self) -> None:
        """Begin to take events."""

    async def close(self) -> None:
        """Take no more; those in hand are finished and acknowledged."""


def bolt(receiver: Receiver, client: AsyncWebClient, me: Identity) -> AsyncApp:
    """Bolt, told where everything goes.

    It answers Slack only after a listener has returned, and with an error where one failed, so that Slack tells it
    again.

    Args:
        receiver: Takes it all.
        client: Slack's client.
        me: Who the bot is.
    """

    async def authorize(team_id: str | None) -> AuthorizeResult:
        # known since the start: asking once more could fail, and Bolt would then acknowledge what was not stored
        return AuthorizeResult(
            enterprise_id=None, team_id=team_id or me.team, bot_user_id=me.user, bot_id=me.bot, bot_token=client.token
        )

    app = AsyncApp(
        client=client,
        authorize=authorize,
        signing_secret="checked at the door",  # noqa: S106 - not a secret
        request_verification_enabled=False,
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        ignoring_self_events_enabled=False,
        ignoring_self_assistant_message_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
        logger=_bolt_log,
    )

    def listener(take: Callable[[Payload], Awaitable[None]]) -> Callable[..., Awaitable[BoltResponse]]:
        async def listen(body: Payload) -> BoltResponse:
            await take(body)
            return BoltResponse(status=200, body="")

        return listen

    app.event(_ANY)(listener(receiver.event))
    app.action(_ANY)(listener(receiver.action))
    app.view(_ANY)(listener(receiver.submitted))
    app.shortcut(_ANY)(listener(receiver.shortcut))
    app.command(_ANY)(listener(receiver.command))
    app.error(_answered)
    return app


async def _answered(error: Exception) -> BoltResponse:
    """What Slack is told when no listener returned: all is well with what nobody wants, else that it failed."""
    if isinstance(error, BoltUnhandledRequestError):
        return BoltResponse(status=200, body="")
    log.error("event failed", extra={"action": "slack-event-failed", "error": type(error).__name__})
    return BoltResponse(status=500, body="")


class SocketDoor:
    """Socket Mode: we call Slack, so no address of ours has to be reachable."""

    def __init__(self, app: AsyncApp, api: SlackApi, *, app_token: str, ping_seconds: float) -> None:
        """Keep what is needed.

        Args:
            app: Bolt.
            api: Asks for the socket's address.
            app_token: xapp-...
            ping_seconds: Between two signs of life; a dead connection is noticed after about four.
        """
        self._app = app
        self._api = api
        self._app_token = app_token
        self._ping_seconds = ping_seconds
        self._client: SocketModeClient | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._closing = False
        self._orders: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._in_hand = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    async def open(self) -> None:
        """Connect; afterwards there is a connection whenever Slack lets us have one.

        Raises:
            PlatformError: The token is wrong, or Slack cannot be reached.
        """
        self._client = await self._connected()
        self._watcher = asyncio.create_task(self._watch())

    async def _connected(self) -> SocketModeClient:
        url = await self._api.socket_url()
        client = SocketModeClient(
            app_token=self._app_token,
            logger=library_log,
            web_client=self._api.client,
            ping_interval=self._ping_seconds,
        )
        if proxy_bypass(urlsplit(url).netloc):
            client.proxy = None
        client.socket_mode_request_listeners.append(self._take)
        client.wss_uri = url
        try:
            async with asyncio.timeout(LOST_PINGS * self._ping_seconds):
                await client.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        except TimeoutError as error:
            await _closed(client)
            raise UnreachableError("Slack does not take the Socket Mode connection") from error
        return client

    async def _watch(self) -> None:
        """Begin anew where Slack's client does not find back: it tries one address for ever, and each is good once."""
        away = 0
        while True:
            await asyncio.sleep(self._ping_seconds)
            client = self._client
            if client is None or await client.is_connected():
                away = 0
                continue
            away += 1
            if away < LOST_PINGS:
                continue
            try:
                self._client = await self._connected()
            except PlatformError as error:
                log.warning("no connection", extra={"action": "slack-no-connection", "error": type(error).__name__})
                continue
            await _closed(client)

    @one_event
    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if self._closing:
            return  # not acknowledged: Slack keeps it for the next start
        self._in_hand += 1
        self._quiet.clear()
        try:
            async with self._order(request.payload):
                response = await run_async_bolt_app(self._app, request)
            await send_async_response(client, request, response, time.time())
        except (ConnectionError, RuntimeError) as error:  # the socket went away: Slack tells it again on the next one
            log.info("not acknowledged", extra={"action": "slack-ack-lost", "error": type(error).__name__})
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._quiet.set()

    def _order(self, payload: Payload) -> asyncio.Lock:
        """What keeps a channel's events in the order in which they came: the client takes them all at once."""
        event = payload.get("event") or {}
        channel = str(
            event.get("channel") or (payload.get("channel") or {}).get("id") or payload.get("channel_id") or ""
        )
        lock = self._orders.get(channel)
        if lock is None:
            lock = self._orders[channel] = asyncio.Lock()
        return lock

    async def close(self) -> None:
        """Disconnect."""
        self._closing = True
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.wait([self._watcher])
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await asyncio.wait_for(self._quiet.wait(), FINISH_SECONDS)
        except TimeoutError:
            log.warning("events left", extra={"action": "slack-events-left", "events": self._in_hand})
        await _closed(client)


async def _closed(client: SocketModeClient) -> None:
    """Close a client and wait for its tasks, which it leaves running."""
    await client.close()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
    tasks = (client.message_processor, client.current_session_monitor, client.message_receiver)
    await asyncio.gather(*filter(None, tasks), return_exceptions=True)


class _Clock(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()


class HttpDoor:
    """Signed HTTP requests to an address of ours."""

    def __init__(self, app: AsyncApp, *, secret: str, listen: str, now: Callable[[], float] = time.time) -> None:
        """Keep what is needed.

        Args:
            app: Bolt.
            secret: The app's signing secret.
            listen: "host:port"; port 0 takes any that is free.
            now: Seconds since 1970.
        """
        self._handler = AsyncSlackRequestHandler(app)
        self._verifier = SignatureVerifier(secret, _Clock(now))
        self._now = now
        self._seen: dict[str, float] = {}  # signatures, and until when each would pass as fresh
        routes = [Route(PATH, self._take, methods=["POST"])]
        self._server = HttpServer(Starlette(routes=routes), listen, setting="slack.listen")
        self.rejected = 0  # requests that were forged, stale or said before
        self._refusal_logged = -REFUSAL_SECONDS  # when a line was written of them last

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    async def open(self) -> None:
        """Listen.

        Raises:
            ListenError: The address is taken.
        """
        await self._server.start()

    async def close(self) -> None:
        """Listen no more."""
        await self._server.stop()

    @one_event
    async def _take(self, request: Request) -> Response:
        body = await _body(request)
        signature = request.headers.get("x-slack-signature", "")
        if body is None or not self._is_slacks(body, request) or signature in self._seen:
            self._refuse()
            return Response(status_code=401)
        self._see(signature)
        response = await self._handler.handle(request)
        if response.status_code != 200:  # noqa: PLR2004 - HTTP's "well done"; Slack may say it again
            self._seen.pop(signature, None)
        return response

    def _refuse(self) -> None:
        """Count, and write a line a minute at most: whoever tries may try a million times."""
        self.rejected += 1
        now = self._now()
        if now - self._refusal_logged >= REFUSAL_SECONDS:
            self._refusal_logged = now
            log.warning("requests refused", extra={"action": "slack-request-refused", "rejected": self.rejected})

    def _is_slacks(self, body: bytes, request: Request) -> bool:
        try:
            return self._verifier.is_valid_request(body, dict(request.headers))
        except ValueError:  # the timestamp is no number
            return False

    def _see(self, signature: str) -> None:
        now = self._now()
        self._seen = {one: until for one, until in self._seen.items() if until > now}
        self._seen[signature] = now + 2 * STALE_SECONDS  # a clock that is five minutes ahead passes too


async def _body(request: Request) -> bytes | None:
    """A request's body; None for one that is too large or broke off."""
    try:
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > BODY_BYTES:
                return None
    except ClientDisconnect:
        return None
    request._body = body  # noqa: SLF001 - where Starlette keeps it, so that Bolt's adapter can read it again
    return body
