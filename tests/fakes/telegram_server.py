"""A Bot API server on loopback for the real client library: strict, and full of trouble where a test asks for it.

    async with TelegramServer() as server:
        ada = Person(id=1, name="Ada")
        server.world.say(ada, "When do refunds come?")
        ...                                   # a bot with server.token at server.base_url answers
        server.world.replies(server.world.private(ada))

Updates stay in the queue until a bot confirms them by offset, so a bot in another process may be killed at any moment
and come back.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.fakes.telegram_rules import MAX_FILE_BYTES, Json, Refusal, bad
from tests.fakes.telegram_world import World

BATCH = 100  # updates in one answer
_IN_JSON = {
    "entities",
    "reply_markup",
    "reply_parameters",
    "link_preview_options",
    "allowed_updates",
    "commands",
    "scope",
}
_NUMBERS = {
    "chat_id",
    "user_id",
    "message_id",
    "message_thread_id",
    "offset",
    "timeout",
    "limit",
    "draft_id",
    "max_connections",
}
_WRITES = {"sendMessage", "sendPhoto", "editMessageText", "editMessageReplyMarkup"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Trouble for one call."""

    status: int = 0  # HTTP status; 0: the connection is dropped
    after: bool = False  # the call is carried out first, only its answer gets lost
    retry_after: int = 0  # seconds, with status 429
    description: str = "Internal Server Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many messages and edits the server takes."""

    chat: tuple[int, float] = (3, 3.0)  # so many in so many seconds
    group: tuple[int, float] = (20, 60.0)
    overall: tuple[int, float] = (30, 1.0)


class TelegramServer:
    """Speaks the Bot API for one bot."""

    def __init__(
        self,
        *,
        token: str = "1000:TEST",  # noqa: S107 - only this server knows it
        username: str = "helper_bot",
        rate: Rate | None = None,
    ) -> None:
        """Prepare.

        Args:
            token: The bot's; what stands before the colon is its id.
            username: The bot's.
            rate: How many messages are taken; None for any number.
        """
        self.token = token
        self.world = World(bot_id=int(token.partition(":")[0]), username=username)
        self.world.changed = self._wake
        self.rate = rate
        self.knows_drafts = True
        self.faults: dict[
            str, deque[Fault | None]
        ] = {}  # by method: for its next calls, in order; None: that one works
        self.trouble: Callable[[str], Fault | None] = lambda _: None  # asked for each call that no fault waits for
        self.calls: Counter[str] = Counter()
        self.throttled = 0  # calls refused because of the rate
        self.webhook = ""
        self.webhook_error = ""
        self._webhook_secret = ""
        self._stamps: dict[object, deque[float]] = {}
        self._news = asyncio.Event()
        self._poll = 0  # number of the latest getUpdates; an earlier one that still waits ends with 409
        self._runner: web.AppRunner | None = None
        self._bringing: asyncio.Task[None] | None = None
        self._port = 0

    # -- life

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; port 0 takes a free one."""
        app = web.Application()
        app.router.add_get("/", _front_page)
        app.router.add_route("*", "/file/bot{token}/{path:.+}", self._file)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self._bringing = asyncio.create_task(self._bring())

    async def stop(self) -> None:
        """Close everything; the world stays as it is."""
        if self._bringing is not None:
            self._bringing.cancel()
            await asyncio.wait([self._bringing])
        if self._runner is not None:
            await self._runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """For the setting telegram.base_url."""
        return f"http://127.0.0.1:{self._port}/bot"

    @property
    def base_file_url(self) -> str:
        """For the setting telegram.base_file_url."""
        return f"http://127.0.0.1:{self._port}/file/bot"

    def fail(self, method: str, *faults: Fault | None) -> None:
        """Plant trouble for the next calls of a method."""
        self.faults.setdefault(method, deque()).extend(faults)

    # -- HTTP

    async def _call(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls[method] += 1
        if request.match_info["token"] != self.token:
            return _refused(Refusal(401, "Unauthorized"))
        waiting = self.faults.get(method)
        fault = waiting.popleft() if waiting else self.trouble(method)
        if fault is not None and not fault.after:
            return _broken(request, fault)
        try:
            result = await self._carry_out(method, await _parameters(request))
        except Refusal as refusal:
            return _refused(refusal)
        except ConnectionResetError:  # the bot was killed in the middle of a call
            return web.Response()
        if fault is not None:
            return _broken(request, fault)
        return web.json_response({"ok": True, "result": result})

    async def _carry_out(self, method: str, given: Json) -> object:
        if method in _WRITES:
            self._count(given["chat_id"])
        known: dict[str, Callable[[Json], object]] = {
            "getMe": lambda _: self.world.me(),
            "sendMessage": self._send,
            "sendPhoto": self._send_photo,
            "editMessageText": lambda one: self.world.edit_text(
                one["chat_id"], one["message_id"], one["text"], one.get("entities", []), one.get("reply_markup", {})
            ),
            "editMessageReplyMarkup": lambda one: self.world.edit_buttons(
                one["chat_id"], one["message_id"], one.get("reply_markup", {})
            ),
            "deleteMessage": lambda one: self.world.delete(one["chat_id"], one["message_id"]),
            "sendChatAction": lambda one: self.world.action(
                one["chat_id"], one["action"], one.get("message_thread_id")
            ),
            "answerCallbackQuery": self._answer_press,
            "setMyCommands": self._set_commands,
            "setWebhook": self._set_webhook,
            "deleteWebhook": lambda _: self._set_webhook({"url": ""}),
            "getWebhookInfo": lambda _: self._webhook_info(),
            "getFile": self._get_file,
            "getChat": lambda one: self.world.get_chat(one["chat_id"]),
            "getChatMember": lambda one: self.world.member(one["chat_id"], one["user_id"]),
        }
        if self.knows_drafts:
            known["sendMessageDraft"] = lambda one: self.world.draft(
                one["chat_id"], one["draft_id"], one.get("text", ""), one.get("entities", [])
            )
        if method == "getUpdates":
            return await self._updates(given)
        if method not in known:
            raise Refusal(404, "Not Found")
        return known[method](given)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        content = self.world.files.get(request.match_info["path"])
        if request.match_info["token"] != self.token or content is None:
            return _refused(Refusal(404, "Not Found"))
        return web.Response(body=content)

    # -- methods

    def _send(self, given: Json) -> Json:
        if given.get("parse_mode"):
            raise bad("can't parse entities: this server takes entities alone")
        return self.world.send(
            given["chat_id"],
            given.get("text", ""),
            given.get("entities", []),
            given.get("reply_markup", {}),
            message_thread_id=given.get("message_thread_id"),
            reply_parameters=given.get("reply_parameters"),
        )

    def _send_photo(self, given: Json) -> Json:
        return self.world.send_photo(
            given["chat_id"],
            given["photo"],
            given.get("caption", ""),
            message_thread_id=given.get("message_thread_id"),
            reply_parameters=given.get("reply_parameters"),
        )

    def _answer_press(self, given: Json) -> bool:
        if not given["callback_query_id"].startswith("press-"):
            raise bad("query is too old and response timeout expired or query ID is invalid")
        if len(given.get("text", "")) > 200:
            raise bad("MESSAGE_TOO_LONG")
        self.world.toasts[given["callback_query_id"]] = given.get("text", "")
        return True

    def _set_commands(self, given: Json) -> bool:
        scope = given.get("scope", {})
        where = f"{scope.get('type', 'default')}{scope.get('chat_id', '')}"
        commands = given["commands"]
        if any(not 1 <= len(one["description"]) <= 256 for one in commands):
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.world.menus[where, given.get("language_code", "")] = [one["command"] for one in commands]
        return True

    def _get_file(self, given: Json) -> Json:
        content = self.world.files.get(given["file_id"])
        if content is None:
            raise bad("invalid file_id")
        if len(content) > MAX_FILE_BYTES:
            raise bad("file is too big")
        name = given["file_id"]
        return {"file_id": name, "file_unique_id": name, "file_size": len(content), "file_path": name}

    # -- updates

    async def _updates(self, given: Json) -> list[Json]:
        if self.webhook:
            raise Refusal(
                409,
                "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
                "webhook first",
            )
        self._poll += 1
        mine = self._poll
        self._wake()  # whoever waits ends
        self.world.confirm(given.get("offset", 0))
        try:
            async with asyncio.timeout(given.get("timeout", 0)):
                while not self.world.queue:
                    self._news.clear()
                    await self._news.wait()
                    if mine != self._poll:
                        break
        except TimeoutError:
            pass
        if mine != self._poll:
            raise Refusal(
                409,
                "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
            )
        return self.world.queue[: given.get("limit", BATCH)]

    def _wake(self) -> None:
        self._news.set()

    def _set_webhook(self, given: Json) -> bool:
        self.webhook = given.get("url", "")
        self._webhook_secret = given.get("secret_token", "")
        self._wake()
        return True

    def _webhook_info(self) -> Json:
        info: Json = {
            "url": self.webhook,
            "has_custom_certificate": False,
            "pending_update_count": len(self.world.queue),
        }
        if self.webhook_error:
            info |= {"last_error_date": 1_700_000_000, "last_error_message": self.webhook_error}
        return info

    async def _bring(self) -> None:
        """Bring updates to the webhook, in order, each until it is taken."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
            while True:
                if not (self.webhook and self.world.queue):
                    await asyncio.sleep(0.01)
                    continue
                update = self.world.queue[0]
                headers = {"X-Telegram-Bot-Api-Secret-Token": self._webhook_secret} if self._webhook_secret else {}
                with suppress(aiohttp.ClientError, TimeoutError):
                    async with session.post(self.webhook, json=update, headers=headers) as answer:
                        if answer.status == 200:
                            self.webhook_error = ""
                            self.world.confirm(update["update_id"] + 1)
                            continue
                        self.webhook_error = f"Wrong response from the webhook: {answer.status}"
                await asyncio.sleep(0.05)

    # -- the rate

    def _count(self, chat_id: int) -> None:
        if self.rate is None:
            return
        now = asyncio.get_running_loop().time()
        rules = (("all", self.rate.overall), (chat_id, self.rate.group if chat_id < 0 else self.rate.chat))
        for key, (most, seconds) in rules:
            stamps = self._stamps.setdefault(key, deque())
            while stamps and stamps[0] <= now - seconds:
                stamps.popleft()
            if len(stamps) >= most:
                self.throttled += 1
                wait = int(stamps[0] + seconds - now) + 1
                raise Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        for key, _ in rules:
            self._stamps[key].append(now)


async def _front_page(_: web.Request) -> web.Response:
    return web.Response(text="a Bot API server for tests")


async def _parameters(request: web.Request) -> Json:
    """A call's parameters: numbers and objects come as text."""
    given: dict[str, Any] = {}
    for key, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            given[key] = value.file.read()
            continue
        given[key] = json.loads(str(value)) if key in _IN_JSON else value
        if key in _NUMBERS:
            given[key] = int(str(value))
    return given


def _refused(refusal: Refusal) -> web.Response:
    body: Json = {"ok": False, "error_code": refusal.code, "description": refusal.description}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
    return web.json_response(body, status=refusal.code)


def _broken(request: web.Request, fault: Fault) -> web.StreamResponse:
    if not fault.status:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    if fault.status == 429:
        text = f"Too Many Requests: retry after {fault.retry_after}"
        return _refused(Refusal(429, text, retry_after=fault.retry_after))
    return _refused(Refusal(fault.status, fault.description))
