"""A strict Slack on loopback for the real client libraries: Web API, Socket Mode, signed HTTP events, files.

    async with SlackServer() as slack:
        ...start a bot with base_url=slack.base_url and the tokens of tests.fakes.slack_world...
        slack.say("U1", "D1", "When do refunds come?")
        await slack.settled()
        [answer] = slack.world.of_bot("D1")

What the bot does not acknowledge within `redeliver_seconds` is told again, also to a bot that was killed and has come
back. What people do (`say`, `press`, ...) returns at once; `settled` waits until the bot has acknowledged it all.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import urlencode

import aiohttp
from aiohttp import WSMsgType, web

from tests.fakes.slack_rules import Payload, RefusedError
from tests.fakes.slack_world import APP_TOKEN, BOT_TOKEN, BOT_USER, SIGNING_SECRET, TEAM, Posted, World

DEFAULT_SCOPES = (
    "app_mentions:read,assistant:write,channels:history,chat:write,commands,files:read,files:write,groups:history,"
    "im:history,im:write,mpim:history,reactions:read,users:read"
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that goes wrong with one call."""

    kind: Literal["429", "500", "drop"]
    after: bool = False  # whether the call was carried out all the same
    retry_after: float = 1.0  # seconds, for 429


@dataclass(kw_only=True)
class Envelope:
    """Something to be told to the bot."""

    id: str
    kind: Literal["events_api", "interactive", "slash_commands"]
    payload: Payload
    sent_at: float | None = None
    sent_on: object = None  # the connection
    tries: int = 0


@dataclass
class SlackServer:
    """The server and, as methods, what people do in its workspace."""

    redeliver_seconds: float = 3.0
    events_url: str = ""  # where events go by HTTP; "" for Socket Mode
    scopes: str = DEFAULT_SCOPES
    world: World = field(default_factory=World)
    chaos: Callable[[str], Fault | None] = lambda _method: None  # asked before every call
    per_minute: dict[str, int] = field(default_factory=dict)  # calls of a method that are allowed
    calls: Counter[str] = field(default_factory=Counter)  # by method, also those that failed
    bad_tickets: int = 0  # connections that break off before they stand
    acknowledged: dict[str, Payload] = field(default_factory=dict)  # by envelope id, with what came along

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)
        self._planted: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._windows: defaultdict[str, deque[float]] = defaultdict(deque)
        self._pending: dict[str, Envelope] = {}
        self._tickets: set[str] = set()
        self._socket: web.WebSocketResponse | None = None
        self._transport: asyncio.Transport | None = None
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()  # something was acknowledged
        self.connections = 0
        self.port = 0

    # -- life

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_post("/upload/{name}", self._upload)
        app.router.add_get("/socket", self._serve_socket)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.world.address = f"http://127.0.0.1:{self.port}"
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        self._pump_task = asyncio.create_task(self._pump())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pump_task.cancel()
        await asyncio.gather(self._pump_task, return_exceptions=True)
        await self._http.close()
        await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """Of the Web API."""
        return f"http://127.0.0.1:{self.port}/api/"

    def plant(self, method: str, *faults: Fault) -> None:
        """Let the next calls of a method go wrong."""
        self._planted[method].extend(faults)

    async def settled(self, *, seconds: float = 20.0) -> None:
        """Wait until everything that happened has been acknowledged."""
        async with asyncio.timeout(seconds):
            while self._pending:
                self._changed.clear()
                await self._changed.wait()

    @property
    def unacknowledged(self) -> int:
        """How much the bot has not acknowledged yet."""
        return len(self._pending)

    # -- what people do

    def say(self, user: str, channel: str, text: str, thread: str = "", *, files: tuple[Payload, ...] = ()) -> str:
        """Write a message, in Slack's markup (`<@UBOT>`); returns its ts. A mention in a channel is told twice."""
        posted = Posted(
            channel=channel, ts=self.world.next_ts(), user=user, text=text, thread=thread, files=list(files)
        )
        self.world.write(posted)
        told = {**self.world.told(posted), "channel": channel}
        self.event({**told, "channel_type": "im" if channel.startswith("D") else "channel"})
        if f"<@{BOT_USER}>" in text and not channel.startswith("D"):
            self.event({**told, "type": "app_mention"})
        return posted.ts

    def edit(self, channel: str, ts: str, text: str) -> None:
        """Change one's own message."""
        posted = self.world.channels[channel][ts]
        before = self.world.told(posted)
        posted.text, posted.edited = text, self.world.next_ts()
        posted.note()
        self._message_event(channel, "message_changed", message=self.world.told(posted), previous_message=before)

    def delete(self, channel: str, ts: str) -> None:
        """Remove one's own message."""
        posted = self.world.channels[channel][ts]
        before = self.world.told(posted)
        posted.deleted = True
        self._message_event(channel, "message_deleted", deleted_ts=ts, previous_message=before)

    def react(self, user: str, channel: str, ts: str, name: str, *, take_back: bool = False) -> None:
        """Put an emoji on a message, or take it back."""
        kind = "reaction_removed" if take_back else "reaction_added"
        item = {"type": "message", "channel": channel, "ts": ts}
        self.event({"type": kind, "user": user, "reaction": name, "item": item})

    def press(self, user: str, channel: str, ts: str, label: str) -> str:
        """Press the button with a label under a message; returns the envelope's id."""
        posted = self.world.channels[channel][ts]
        return self._press(user, posted, label, message=self.world.told(posted))

    def press_whispered(self, whispered: Posted, label: str) -> str:
        """The same under an ephemeral message, which Slack does not tell again; its reader is its `user`."""
        return self._press(whispered.user, whispered, label, is_ephemeral=True)

    def _press(
        self, user: str, posted: Posted, label: str, *, is_ephemeral: bool = False, message: Payload | None = None
    ) -> str:
        action_id, value = posted.buttons[label]
        action = {"action_id": action_id, "value": value, "type": "button", "action_ts": self.world.next_ts()}
        container: Payload = {"type": "message", "message_ts": posted.ts, "channel_id": posted.channel}
        container |= {"is_ephemeral": is_ephemeral, **({"thread_ts": posted.thread} if posted.thread else {})}
        more = {"message": message} if message else {}
        return self._interact(
            user,
            type="block_actions",
            actions=[action],
            channel={"id": posted.channel},
            container=container,
            **more,
        )

    def choose_language(self, user: str, value: str) -> None:
        """Choose from the list in the App Home."""
        action = {
            "action_id": "home.language",
            "type": "static_select",
            "selected_option": {"value": value},
            "action_ts": self.world.next_ts(),
        }
        self._interact(user, type="block_actions", actions=[action], container={"type": "view"})

    def submit(self, user: str, view: Payload, **fields: str) -> str:
        """Send a form with these texts; returns the envelope's id."""
        values = {name: {name: {"type": "plain_text_input", "value": text}} for name, text in fields.items()}
        return self._interact(user, type="view_submission", view={**view, "state": {"values": values}})

    def shortcut(self, user: str, channel: str, ts: str, callback: str = "keep_answer") -> None:
        """Choose a shortcut from a message's menu."""
        told = self.world.told(self.world.channels[channel][ts])
        self._interact(user, type="message_action", callback_id=callback, channel={"id": channel}, message=told)

    def slash(self, user: str, channel: str, text: str) -> str:
        """Give `/burnish ...`; returns the envelope's id."""
        given = {"command": "/burnish", "text": text, "user_id": user, "user_name": user.lower(), "team_id": TEAM}
        return self.deliver("slash_commands", {**given, "channel_id": channel, "trigger_id": self._trigger()})

    def event(self, event: Payload) -> str:
        """Let any event happen; returns the envelope's id."""
        body = {"type": "event_callback", "team_id": TEAM, "api_app_id": "A1", "event_id": f"Ev{next(self._numbers)}"}
        return self.deliver("events_api", {**body, "event_time": int(time.time()), "event": event})

    def deliver(self, kind: Literal["events_api", "interactive", "slash_commands"], payload: Payload) -> str:
        """Tell the bot something, until it acknowledges."""
        envelope = Envelope(id=f"env-{next(self._numbers)}", kind=kind, payload=payload)
        self._pending[envelope.id] = envelope
        self._wake.set()
        return envelope.id

    def _message_event(self, channel: str, subtype: str, **more: object) -> None:
        kind = "im" if channel.startswith("D") else "channel"
        self.event({"type": "message", "subtype": subtype, "channel": channel, "channel_type": kind, **more})

    def _interact(self, user: str, **more: object) -> str:
        who = {"id": user, "username": user.lower(), "name": user.lower()}
        return self.deliver("interactive", {"user": who, "team": {"id": TEAM}, "trigger_id": self._trigger(), **more})

    def _trigger(self) -> str:
        return f"trigger-{next(self._numbers)}"

    # -- telling the bot

    def drop_socket(self) -> None:
        """Break the connection as a network does: without a word."""
        if self._transport is not None:
            self._transport.abort()

    async def refresh_socket(self) -> None:
        """Ask the bot to come again on a new connection, as Slack does every few hours."""
        assert self._socket is not None
        await self._socket.send_json({"type": "disconnect", "reason": "refresh_requested"})

    def signed(self, body: str, *, at: float | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
        """The headers that Slack would send with a body."""
        moment = str(int(time.time() if at is None else at))
        digest = hmac.new(secret.encode(), f"v0:{moment}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": moment, "X-Slack-Signature": f"v0={digest}"}

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            for envelope in list(self._pending.values()):
                if self._is_due(envelope):
                    await self._tell(envelope)
            try:
                await asyncio.wait_for(self._wake.wait(), 0.05)
            except TimeoutError:
                continue

    def _is_due(self, envelope: Envelope) -> bool:
        if not self.events_url and self._socket is None:
            return False
        fresh = envelope.sent_at is None or (not self.events_url and envelope.sent_on is not self._socket)
        return fresh or time.monotonic() - (envelope.sent_at or 0.0) > self.redeliver_seconds

    async def _tell(self, envelope: Envelope) -> None:
        envelope.sent_at, envelope.sent_on = time.monotonic(), self._socket
        envelope.tries += 1
        if self.events_url:
            await self._post(envelope)
            return
        message: Payload = {"envelope_id": envelope.id, "type": envelope.kind, "payload": envelope.payload}
        message |= {"accepts_response_payload": envelope.kind != "events_api", "retry_attempt": envelope.tries - 1}
        try:
            if self._socket is not None:
                await self._socket.send_json(message)
        except ConnectionError:
            self._socket = None

    async def _post(self, envelope: Envelope) -> None:
        if envelope.kind == "events_api":
            body, content = json.dumps(envelope.payload), "application/json"
        else:
            form = {"payload": json.dumps(envelope.payload)} if envelope.kind == "interactive" else envelope.payload
            body, content = urlencode(form), "application/x-www-form-urlencoded"
        headers = {**self.signed(body), "Content-Type": content}
        if envelope.tries > 1:
            headers["X-Slack-Retry-Num"] = str(envelope.tries - 1)
        try:
            async with self._http.post(self.events_url, data=body.encode(), headers=headers) as response:
                if response.status == 200:
                    self._acknowledge(envelope.id, {"body": await response.text()})
        except aiohttp.ClientError:
            return

    def _acknowledge(self, envelope_id: str, payload: Payload) -> None:
        if self._pending.pop(envelope_id, None) is not None:
            self.acknowledged[envelope_id] = payload
        self._changed.set()

    async def _serve_socket(self, request: web.Request) -> web.StreamResponse:
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=403)
        self._tickets.discard(ticket)  # good for one connection
        if self.bad_tickets:
            self.bad_tickets -= 1
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "hello", "num_connections": 1})
        self._socket, self._transport = socket, request.transport
        self.connections += 1
        self._wake.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                told = json.loads(message.data)
                self._acknowledge(told["envelope_id"], told.get("payload") or {})
        if self._socket is socket:
            self._socket = self._transport = None
        return socket

    # -- the Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        given = await _arguments(request)
        self.calls[method] += 1
        fault = self._planted[method].popleft() if self._planted[method] else self.chaos(method)
        if fault is None and self._is_over(method):
            fault = Fault(kind="429", retry_after=1.0)
        if fault is None or fault.after:
            answer = self._answer(method, given, request.headers.get("Authorization", ""))
        if fault is None:
            return web.json_response(answer, headers={"X-OAuth-Scopes": self.scopes})
        return _failed(fault, request)

    def _answer(self, method: str, given: Payload, authorization: str) -> Payload:
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if authorization != f"Bearer {wanted}":
            return {"ok": False, "error": "invalid_auth" if authorization else "not_authed"}
        if method == "apps.connections.open":
            ticket = f"ticket-{next(self._numbers)}"
            self._tickets.add(ticket)
            return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/socket?ticket={ticket}"}
        act = self.world.methods.get(method)
        if act is None:
            return {"ok": False, "error": "unknown_method"}
        try:
            return {"ok": True, **act(given)}
        except RefusedError as error:
            return {"ok": False, "error": error.code, **error.more}

    def _is_over(self, method: str) -> bool:
        limit = self.per_minute.get(method)
        if limit is None:
            return False
        window, now = self._windows[method], time.monotonic()
        while window and window[0] < now - 60:
            window.popleft()
        if len(window) >= limit:
            return True
        window.append(now)
        return False

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """Take the bytes of a file for whose address the bot has asked."""
        given = await request.post()
        content = given.get("filename") or next(iter(given.values()), None)
        raw = content.file.read() if isinstance(content, web.FileField) else await request.read()
        self.world.files[f"/upload/{request.match_info['name']}"] = raw
        return web.Response(text="OK")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {BOT_TOKEN}":
            return web.Response(status=302, headers={"Location": "/login"})
        content = self.world.files.get(request.path)
        return web.Response(status=404) if content is None else web.Response(body=content)


async def _arguments(request: web.Request) -> Payload:
    if request.content_type == "application/json" and request.can_read_body:
        given: Any = await request.json()
        return dict(given)
    return {**request.query, **(await request.post())}


def _failed(fault: Fault, request: web.Request) -> web.StreamResponse:
    if fault.kind == "429":
        headers = {"Retry-After": f"{fault.retry_after:g}"}
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
    if fault.kind == "500":
        return web.Response(status=503, text="upstream connect error", content_type="text/html")
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
