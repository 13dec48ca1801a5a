"""Brings an answer to its platform exactly once, whatever happens on the way.

Sending a message is the one act that no platform lets us repeat safely: after a crash in the middle nobody can tell
whether it went through. Where the bot can find its own messages (Slack), each carries a key, and where it is not sure
it looks before it sends again. Where it cannot (Telegram), what is sent is a placeholder without content; its id is
stored, and the text is edited into it, which may be repeated any number of times. The worst that a crash leaves behind
is a lone "…".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_random_exponential

from bot.blocking import uncut
from bot.frontends.base import (
    PLACEHOLDER,
    Finder,
    MarkupError,
    MessageGoneError,
    Messenger,
    Part,
    Target,
    ThrottledError,
    UnreachableError,
)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]

GIVE_UP_SECONDS = 900.0  # what is not through by then waits in the store for the next sweep
MOST_PLACEHOLDERS = 3  # somebody who removes each one does not want the answer
_backoff = wait_random_exponential(multiplier=0.5, max=30)


async def patiently(act: Callable[[], Awaitable[T]], *, sleep: Sleep = asyncio.sleep) -> T:
    """Do something on a platform, again and again while it is throttled or unreachable.

    Raises:
        PlatformError: Waiting would not help, or did not for a quarter of an hour.
    """
    attempts = AsyncRetrying(
        retry=retry_if_exception_type((ThrottledError, UnreachableError)),
        wait=_seconds_to_wait,
        stop=stop_after_delay(GIVE_UP_SECONDS),
        sleep=sleep,
        reraise=True,
    )
    async for attempt in attempts:
        with attempt:
            return await act()
    raise AssertionError  # unreachable: the loop returns or raises


def _seconds_to_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, ThrottledError) else _backoff(state)


class Progress(Protocol):
    """How far a delivery got, in the store."""

    async def placed(self, number: int, message_id: str) -> None:
        """Note the message that part `number` (from 1) will be edited into; "" for none any more."""

    async def delivered(self, number: int, message_id: str) -> None:
        """Note that a part is there."""


async def deliver(
    messenger: Messenger,
    target: Target,
    parts: Sequence[Part],
    progress: Progress,
    *,
    key: str,
    places: Sequence[str],
    done: frozenset[int] = frozenset(),
    fresh: bool = False,
    sleep: Sleep = asyncio.sleep,
) -> tuple[str, ...]:
    """Bring parts to their place, in order.

    Args:
        messenger: Of the platform.
        target: Where.
        parts: What.
        progress: Told of each step before the next.
        key: What names this delivery, for ever.
        places: Ids of messages that stand there already, for the first parts in order; "" for none. Those beyond the
            parts are removed: they belong to an earlier, longer answer.
        done: Numbers of the parts that are there already.
        fresh: Nothing of it can have been sent before.
        sleep: Waits so many seconds.

    Returns:
        The messages' ids.

    Raises:
        PlatformError: It did not get through; what did is noted.
    """
    ids: list[str] = []
    for surplus in filter(None, places[len(parts) :]):  # first: a crash must not leave them beneath the new answer
        await patiently(lambda gone=surplus: messenger.delete(target, gone), sleep=sleep)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    for number, part in enumerate(parts, start=1):
        known = places[number - 1] if number <= len(places) else ""
        if number in done:
            ids.append(known)
        elif messenger.finder is None:
            ids.append(await _deliver_part(messenger, target, number, part, progress, known=known, sleep=sleep))
        else:
            post = _Post(messenger.finder, target, part, f"{key}:{number}", sure=fresh)
            ids.append(await _deliver_whole(messenger, post, known=known, sleep=sleep))
            await progress.delivered(number, ids[-1])
    return tuple(ids)


async def _deliver_whole(messenger: Messenger, post: _Post, *, known: str, sleep: Sleep) -> str:
    """Edit a part into the message that stands there already, if there is one; else send it whole."""
    if known:
        try:
            await _write(messenger, post.target, known, post.part, sleep=sleep)
        except MessageGoneError:
            return await post.send(sleep=sleep)
        return known
    return await post.send(sleep=sleep)


class _Post:
    """One part that is sent whole, and looked for before it is sent again."""

    def __init__(self, finder: Finder, target: Target, part: Part, key: str, *, sure: bool) -> None:
        self._finder = finder
        self.target = target
        self.part = part
        self._key = key
        self._sure = sure  # that it was not sent yet

    async def send(self, *, sleep: Sleep) -> str:
        try:
            return await patiently(lambda: uncut(self._once(plain=False)), sleep=sleep)
        except MarkupError:
            return await patiently(lambda: uncut(self._once(plain=True)), sleep=sleep)

    async def _once(self, *, plain: bool) -> str:
        if not self._sure:
            if found := await self._finder.find(self.target, self._key):
                return found
            self._sure = True
        try:
            return await self._finder.post(self.target, self.part, self._key, plain=plain)
        except UnreachableError:
            self._sure = False  # only its answer may have got lost
            raise


async def _deliver_part(
    messenger: Messenger, target: Target, number: int, part: Part, progress: Progress, *, known: str, sleep: Sleep
) -> str:
    message_id = known
    for attempt in range(1, MOST_PLACEHOLDERS + 1):
        if not message_id:
            message_id = await patiently(lambda: uncut(_place(messenger, target, number, progress)), sleep=sleep)
        try:
            await _write(messenger, target, message_id, part, sleep=sleep)
        except MessageGoneError:
            await progress.placed(number, "")
            message_id = ""
            if attempt == MOST_PLACEHOLDERS:
                raise
            continue
        await progress.delivered(number, message_id)
        break
    return message_id


async def _place(messenger: Messenger, target: Target, number: int, progress: Progress) -> str:
    message_id = await messenger.send(target, PLACEHOLDER)
    await progress.placed(number, message_id)
    return message_id


async def _write(messenger: Messenger, target: Target, message_id: str, part: Part, *, sleep: Sleep) -> None:
    try:
        await patiently(lambda: messenger.edit(target, message_id, part), sleep=sleep)
    except MarkupError:
        await patiently(lambda: messenger.edit(target, message_id, part, plain=True), sleep=sleep)
