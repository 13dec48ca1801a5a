"""The desk: takes what front ends bring, stores it, has it answered in order, and sees the answers delivered.

    event -> stored -> (front end acknowledges) -> lane of its conversation -> answer stored -> delivered part by part

Whatever a crash leaves half done is taken up at the next start: messages without an answer, answers not delivered,
posts not sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from functools import partial

from bot.blocking import run_blocking
from bot.buttons import Rows, stop_row
from bot.commands.registry import BY_NAME, with_caption
from bot.config import Settings
from bot.errors import BotError
from bot.frontends.base import Messenger, PlatformError, Press, Reaction, Response, target_of
from bot.growing import Growing
from bot.handoff import Handoffs
from bot.lanes import Lanes, Turn
from bot.limits import Limits, Verdict
from bot.logs import about, one_event
from bot.middleware import plain_answer
from bot.outgoing import Asks, Outgoing
from bot.pipeline import Delta, Progress, Searching, Writing
from bot.presses import Presses
from bot.service import Answered, Bot
from bot.store.store import Store
from bot.texts import language_for, language_of_sender, say
from bot.types import AnswerKind, Message, Rating, Role, StoredAnswer, StoredMessage

SWEEP_SECONDS = 60.0  # how often what could not be delivered is tried again
STOP_SECONDS = 30.0  # for what is in hand when the program is told to stop
MOST_TOO_FAST = 1_000  # messages that are remembered to have got no answer because of the limit

log = logging.getLogger(__name__)


class Desk:
    """Between the front ends and the bot; see bot.frontends.base.Inbox for what front ends call."""

    def __init__(
        self,
        *,
        bot: Bot,
        store: Store,
        settings: Settings,
        messengers: Mapping[str, Messenger],
        presses: Presses,
        handoffs: Handoffs,
        limits: Limits,
        asker: Asks | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._bot = bot
        self._store = store
        self._settings = settings
        self._messengers = messengers
        self._presses = presses
        self._handoffs = handoffs
        self._limits = limits
        self._sleep = sleep
        self._lanes = Lanes(width=settings.serve.conversations, capacity=settings.models.max_queue)
        self._sweeper: asyncio.Task[None] | None = None
        self._waited: dict[str, set[int]] = {}  # by platform: messages that the last sweep found without an answer
        self._too_fast: deque[int] = deque(maxlen=MOST_TOO_FAST)
        self.counts: Counter[str] = Counter()  # what happened since the start, by name, for the status page
        self._outgoing = Outgoing(
            store=store,
            settings=settings,
            messengers=messengers,
            handoffs=handoffs,
            counts=self.counts,
            sleep=sleep,
            asker=asker,
        )

    # -- life

    async def start(self) -> None:
        """Take up what the last run left: pending messages, answers and posts that were not delivered."""
        await self._handoffs.mend()
        for platform in self._messengers:
            await self._take_up(platform, first=True)
        await self.send_posts()
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Finish what is in hand; what waits stays in the store for the next start."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.wait([self._sweeper])
        await self._lanes.close(seconds=STOP_SECONDS)

    async def idle(self) -> None:
        """Wait until nothing is being done; for tests and benchmarks."""
        await self._lanes.idle()

    @property
    def lanes(self) -> Lanes:
        """Where the answers take turns; what else is answered takes its turn among them."""
        return self._lanes

    @property
    def waiting(self) -> int:
        """Jobs that wait for their turn."""
        return len(self._lanes)

    def place_of(self, stored: StoredMessage) -> int:
        """Which in line a message is, from 1; 0 if it waits for nobody else."""
        return self._lanes.place_of(_lane(stored), stored.id)

    def came_too_fast(self, stored: StoredMessage) -> bool:
        """Whether a message got no answer because of the limit, as far as that is remembered: a restart forgets it."""
        return stored.id in self._too_fast

    # -- what front ends bring

    @one_event
    async def said(self, message: Message) -> None:
        """Store a message and have it answered; a repeated event changes nothing.

        With origin.replaces it is a new version of an earlier message, and its answer takes the earlier one's place.
        """
        await self._said(message)

    async def _said(self, message: Message) -> bool:
        """As said(); False where a new version is not taken, and nothing is said of it: its sender sent too many."""
        message = with_caption(message)
        if message.origin.replaces:
            return await self._said_anew(message)
        await self._said_first(message)
        return True

    async def _said_first(self, message: Message) -> None:
        stored = await self._accepted(message)
        if stored is None:
            return
        # an album counts as the one thing that was sent
        verdict = Verdict.PASS if message.origin.rest else self._limits.check(message)
        if verdict is Verdict.PASS or await self._is_staff(stored) or await self._handoffs.takes(message):
            self._take(stored)
        elif verdict is Verdict.WARN:
            self.counts["slowed down"] += 1
            self._answer_at_once(stored, "slow-down")
        else:
            self.counts["slowed down"] += 1
            self._too_fast.append(stored.id)
            await self._bot.drop(stored)

    async def _said_anew(self, message: Message) -> bool:
        """Take a new version of an earlier message; one that is not taken leaves the earlier one's answer as it is."""
        before = await run_blocking(self._store.inbox.by_event, message.platform, message.origin.replaces)
        if before is None:
            if not message.origin.avoid:  # only the new text is for the bot: it is a question like any other
                await self._said_first(_as_first(message))
            return True
        if _same(before.message, message) and not message.origin.avoid:
            return True  # nothing changed but a link's preview, say
        if self._limits.check(message) is not Verdict.PASS and not await self._is_staff(before):
            self.counts["slowed down"] += 1
            return False
        stored = await self._accepted(message)
        if stored is not None:
            self._lanes.cancel(_lane(before), before.id)
            self._take(stored, must=True)
        return True

    async def _accepted(self, message: Message) -> StoredMessage | None:
        stored = await self._bot.accept(message)
        self.counts["repeated events" if stored is None else "messages"] += 1
        return stored

    async def _is_staff(self, stored: StoredMessage) -> bool:
        person = await run_blocking(self._store.people.get, stored.user_id)
        return person is not None and person.role is not Role.USER

    @one_event
    async def deleted(self, platform: str, channel: str, event_id: str) -> None:
        """Drop the pending answer to a message that its sender took back."""
        stored = await run_blocking(self._store.inbox.by_event, platform, event_id)
        if stored is None or stored.message.channel != channel:
            return
        await self._bot.drop(stored)
        self._lanes.cancel(_lane(stored), stored.id)
        # in its lane, so that it comes after what is just being sent there
        self._lanes.put(_lane(stored), ("deleted", stored.id), partial(self._clear, stored), always=True, waits=True)

    async def _clear(self, stored: StoredMessage, _: Turn) -> None:
        """Remove what was begun of an answer that nobody wants any more; one that is there stays."""
        answered = await run_blocking(self._store.answers.of_message, stored.id)
        if answered is not None:
            states = await run_blocking(self._store.answers.deliveries, answered.id)
            if any(state.delivered_at is not None for state in states):
                return  # it is there already, and stays
            await run_blocking(self._store.answers.abandon, answered.id)
        now = await run_blocking(self._store.inbox.get, stored.id)
        if now is not None and now.reply_id:
            with suppress(PlatformError):
                await self._messengers[now.message.platform].delete(target_of(now), now.reply_id)

    @one_event
    async def pressed(self, press: Press) -> Response:
        """Store what a press means, and say what it leads to."""
        person = await run_blocking(self._store.people.meet, press.platform, press.sender, press.sender_name)
        language = language_for(
            chosen=person.language, setting=self._settings.bot.language, client=press.language, text=""
        )
        self.counts["presses"] += 1
        outcome = await self._presses.press(press, person, language)
        if outcome.message is not None and not await self._said(outcome.message):
            return Response(toast=say("slow-down-press", language))
        if outcome.posts:
            await self.send_posts()
        return outcome.response

    @one_event
    async def reacted(self, reaction: Reaction) -> None:
        """Take 👍 and 👎 on an answer as ratings."""
        answer = await run_blocking(
            self._store.answers.by_message, reaction.platform, reaction.channel, reaction.message_id
        )
        if answer is None or answer.answer.kind is AnswerKind.COMMAND:
            return
        person = await run_blocking(self._store.people.meet, reaction.platform, reaction.sender, reaction.sender_name)
        if reaction.taken_back:
            await run_blocking(self._store.ratings.withdraw, answer.id, person.id, reaction.value)
        else:
            before = await run_blocking(self._store.ratings.of, answer.id, person.id)
            if before is None or before.value is not reaction.value:  # a reason that was given before stays
                await self._bot.rate(Rating(answer_id=answer.id, user_id=person.id, value=reaction.value))
        self.counts["ratings"] += 1

    @one_event
    async def renamed(self, platform: str, channel: str, new: str) -> None:
        """Follow a channel to its new id."""
        await run_blocking(self._store.inbox.rename_channel, platform, channel, new)
        self._handoffs.renamed(platform, channel, new)

    async def concerns(self, platform: str, channel: str, thread: str, reply_to: str) -> bool:
        """Whether something said there answers a question that was passed on to people."""
        return await self._handoffs.of_reply(platform, channel, thread, reply_to) is not None

    async def asked(self, platform: str, channel: str, thread: str, person: str) -> bool:
        """Whether somebody's question from this place is with people."""
        return await self._handoffs.asked(platform, channel, thread, person)

    async def album(self, message: Message) -> tuple[StoredMessage, ...]:
        """The messages of a message's album that were brought here."""
        return await run_blocking(self._store.inbox.album, message)

    async def knows(self, platform: str, event_id: str) -> bool:
        """Whether a message was brought here before."""
        return await run_blocking(self._store.inbox.by_event, platform, event_id) is not None

    async def speakers(self, platform: str, channel: str, thread: str) -> frozenset[str]:
        """The platform's ids of everybody who has spoken to the bot in a place."""
        return await run_blocking(self._store.inbox.speakers, platform, channel, thread)

    # -- answering

    def _take(self, stored: StoredMessage, *, again: bool = False, must: bool = False) -> None:
        """Queue a message; where too many wait, say so at once.

        Args:
            stored: The message.
            again: It was taken before, by the last run or a job that failed; it is taken however many wait.
            must: It is taken however many wait.
        """
        job = partial(self._work, stored, again=again)
        if not self._lanes.put(_lane(stored), stored.id, job, always=again or must):
            self.counts["busy"] += 1
            self._answer_at_once(stored, "busy")

    def _answer_at_once(self, stored: StoredMessage, key: str) -> None:
        """Say one of our own sentences outside the queue, which is full or closed to this person."""

        async def say_it(_: Turn) -> None:
            language = language_of_sender(stored, self._settings.bot.language)
            said = plain_answer(say(key, language), AnswerKind.CANNED, key)
            with about(message_id=stored.id):
                answer = await run_blocking(self._store.answers.add, stored.id, said)
                await self._outgoing.deliver(stored, answer, fresh=True)

        self._lanes.put((_lane(stored), "at once"), stored.id, say_it, always=True, waits=True)

    async def _work(self, stored: StoredMessage, turn: Turn, *, again: bool) -> None:
        with about(message_id=stored.id):
            await self._answer(stored, turn, again=again)

    async def _answer(self, stored: StoredMessage, turn: Turn, *, again: bool) -> None:
        if again and await run_blocking(self._store.answers.of_message, stored.id) is not None:
            return  # answered before a restart; its delivery waits elsewhere
        messenger = self._messengers[stored.message.platform]
        place, buttons = await self._outgoing.place(stored), self._meanwhile(stored)
        growing = Growing(self._store, messenger, stored, place, self._sleep, buttons=buttons)
        try:
            answer = await self._reply(stored, growing, fresh=not again)
            turn.give_back()  # from here on only the platform is waited for
            await growing.close()
            if answer is not None:
                await self._outgoing.deliver(stored, answer, fresh=not again)
        finally:
            await growing.close()
        if stored.message.origin.command or self._handoffs.possible:
            await self.send_posts()  # something may be left to be said elsewhere

    def _meanwhile(self, stored: StoredMessage) -> Rows:
        """The buttons under what grows."""
        command = BY_NAME.get(stored.message.origin.command)
        if command is None or not command.stoppable:
            return ()
        return (stop_row(stored.id, language_of_sender(stored, self._settings.bot.language)),)

    async def _reply(self, stored: StoredMessage, growing: Growing, *, fresh: bool) -> StoredAnswer | None:
        """Make and store the answer, which grows meanwhile before its reader's eyes."""
        answer = None
        async with aclosing(self._bot.reply(stored, fresh=fresh)) as events:
            async for event in events:
                if isinstance(event, Searching | Writing):
                    growing.hint()
                elif isinstance(event, Delta):
                    growing.add(event.text)
                elif isinstance(event, Progress):
                    growing.show(event.text)
                elif isinstance(event, Answered):
                    answer = event.stored
        return answer

    # -- what is still to be done

    async def _deliver_later(self, answer: StoredAnswer) -> None:
        stored = await run_blocking(self._store.inbox.get, answer.message_id)
        if stored is not None and not self._lanes.has(_lane(stored), stored.id):
            job = partial(self._deliver_again, stored, answer)
            self._lanes.put(_lane(stored), stored.id, job, always=True, waits=True)

    async def _deliver_again(self, stored: StoredMessage, answer: StoredAnswer, _: Turn) -> None:
        with about(message_id=stored.id):
            await self._outgoing.deliver(stored, answer)

    async def send_posts(self) -> None:
        """Say what was kept to be said without having been asked."""
        for post in await self._outgoing.posts():
            lane = ("posts", post.platform, post.channel, post.thread)
            if not self._lanes.has(lane, ("post", post.id)):
                self._lanes.put(lane, ("post", post.id), partial(self._send_post, post.id), always=True, waits=True)

    async def _send_post(self, post_id: int, _: Turn) -> None:
        if await self._outgoing.send_post(post_id):
            await self.send_posts()

    async def _sweep(self) -> None:
        """Try again what could not be delivered."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                for platform in self._messengers:
                    await self._take_up(platform)
                await self.send_posts()
            except (BotError, OSError) as error:  # the store cannot be reached, say; the next sweep may find it back
                log.warning("sweep failed", extra={"action": "sweep-failed", "error": type(error).__name__})

    async def _take_up(self, platform: str, *, first: bool = False) -> None:
        """Queue what is neither delivered nor in a lane: left by the last run, or by a job that failed."""
        for answer in await run_blocking(self._store.answers.undelivered, platform):
            await self._deliver_later(answer)
        pending = await run_blocking(self._store.inbox.pending, platform=platform)
        for stored in pending:
            # one that came in just now may be on its way into its lane: it was not there a sweep ago
            known = first or stored.id in self._waited.get(platform, ())
            if known and not self._lanes.has(_lane(stored), stored.id):
                self._take(stored, again=True)
        self._waited[platform] = {stored.id for stored in pending}


def _as_first(message: Message) -> Message:
    """A new text of a message that the bot never saw, under the name of that message: later edits find it."""
    return replace(message, event_id=message.origin.replaces, origin=replace(message.origin, replaces=""))


def _same(before: Message, now: Message) -> bool:
    return (before.text.strip(), before.origin.command) == (now.text.strip(), now.origin.command)


def _lane(stored: StoredMessage) -> tuple[str, str, str]:
    message = stored.message
    return (message.platform, message.channel, message.thread)
