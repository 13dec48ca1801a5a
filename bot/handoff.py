"""Ask a human: a conversation goes to the team's channel, the bot is silent, and people's replies go to the asker."""

from __future__ import annotations

from collections.abc import Collection

from bot.blocking import run_blocking
from bot.buttons import Rows, Verb, data_of
from bot.cards import safe
from bot.config import ServeSettings
from bot.store.handoffs import Handoff
from bot.store.people import Person
from bot.store.posts import PostBody
from bot.store.store import Store
from bot.texts import language_for, say
from bot.types import Button, Message, Place, StoredMessage

TURNS = 5  # of the conversation that go along
_NO_LIMIT = 2**62  # above every message id


class Handoffs:
    """Conversations given to people."""

    def __init__(self, store: Store, settings: ServeSettings, *, language: str, platforms: Collection[str]) -> None:
        """Keep the store.

        Args:
            store: Where handoffs and the posts that carry them lie.
            settings: Where the team is.
            language: In which to speak to the team; "auto" is English.
            platforms: Those that this program speaks on; a team elsewhere would never hear of anything.
        """
        self._store = store
        self._platform, _, self._channel = settings.team.partition(":")
        if self._platform not in platforms:
            self._platform = self._channel = ""
        self._language = language
        # askers whose question nobody else saw: what people reply reaches them alone, and what they say there goes back
        self._alone: dict[tuple[str, str], int] = {}  # by platform and its id of the person: the handoff

    @property
    def possible(self) -> bool:
        """Whether there are people to pass a conversation on to."""
        return bool(self._channel)

    def renamed(self, platform: str, channel: str, new: str) -> None:
        """Follow the team's channel to its new id."""
        if (platform, channel) == (self._platform, self._channel):
            self._channel = new

    async def open(self, conversation_id: int, person: Person, question: str, *, unseen: bool = False) -> bool:
        """Pass a conversation on; False if there is nobody to pass it to. Again changes nothing.

        Args:
            conversation_id: Which.
            person: Who asks for people.
            question: What about.
            unseen: Nobody else saw the question, so the replies are for the person alone.
        """
        if not self.possible:
            return False
        handoff = await run_blocking(
            self._store.handoffs.open,
            conversation_id,
            person.id,
            question,
            team_platform=self._platform,
            team_channel=self._channel,
        )
        if unseen:
            await self._open_alone(handoff, person)
        await self._post_root(handoff)
        return True

    async def _open_alone(self, handoff: Handoff, person: Person) -> None:
        """Tell the asker, in their direct conversation, that replies come there."""
        self._alone[person.platform, person.platform_user_id] = handoff.id
        language = language_for(chosen=person.language, setting=self._language, client="", text=handoff.question)
        await run_blocking(
            self._store.posts.add,
            alone_key(handoff.id),
            PostBody(
                text=f"{say('handoff-alone', language)}\n\n{quoted(handoff.question)}", person=person.platform_user_id
            ),
            platform=handoff.platform,
            channel=handoff.channel,
            thread=handoff.thread,
            handoff_id=handoff.id,
        )

    async def _alone_with(self, handoff: Handoff) -> str:
        """The platform's id of the asker, where replies are for them alone; "" where they go to the place itself."""
        post = await run_blocking(self._store.posts.by_key, alone_key(handoff.id))
        return post.body.person if post is not None else ""

    async def open_for(self, stored: StoredMessage) -> bool:
        """Pass a conversation on because its sender asks for people in words; False if there is nobody."""
        person = await run_blocking(self._store.people.get, stored.user_id) if self.possible else None
        message = stored.message
        return person is not None and await self.open(
            stored.conversation_id, person, message.text, unseen=message.origin.unseen
        )

    async def mend(self) -> None:
        """Say to the team what a crash kept from being said: the beginnings of conversations that wait for it."""
        for handoff in await run_blocking(self._store.handoffs.waiting):
            if person := await self._alone_with(handoff):
                self._alone[handoff.platform, person] = handoff.id
            if await run_blocking(self._store.posts.by_key, root_key(handoff.id)) is None:
                await self._post_root(handoff)

    async def _post_root(self, handoff: Handoff) -> None:
        person = await run_blocking(self._store.people.get, handoff.user_id)
        name = safe(person.name) or person.platform_user_id if person else "?"
        turns = await run_blocking(
            self._store.inbox.history, handoff.conversation_id, before_message_id=_NO_LIMIT, turns=TURNS
        )
        earlier = "\n\n".join(
            f"**{say('handoff-asked', self._language)}** {safe(turn.question)}\n"
            f"**{say('handoff-answered', self._language)}** {safe(turn.answer)}"
            for turn in turns
        )
        text = f"{say('handoff-question', self._language, name=name)}\n\n{quoted(handoff.question)}"
        if earlier:
            text += f"\n\n{say('handoff-history', self._language)}\n\n{earlier}"
        text += f"\n\n_{say('handoff-how', self._language)}_"
        await run_blocking(
            self._store.posts.add,
            root_key(handoff.id),
            PostBody(text=text, buttons=self._resolve_row(handoff.id)),
            platform=handoff.team_platform,
            channel=handoff.team_channel,
            handoff_id=handoff.id,
        )

    async def of_reply(self, platform: str, channel: str, thread: str, reply_to: str) -> Handoff | None:
        """The handoff that something said in the team's channel belongs to; None for all else.

        What people add after it was closed goes to the asker as well.
        """
        if platform != self._platform:
            return None
        for message_id in filter(None, (reply_to, thread)):
            post = await run_blocking(self._store.posts.by_message, platform, channel, message_id)
            if post is not None and post.handoff_id is not None:
                handoff = await run_blocking(self._store.handoffs.get, post.handoff_id)
                with_us = handoff is not None and (handoff.team_platform, handoff.team_channel) == (platform, channel)
                return handoff if with_us else None
        return None

    async def relay(self, stored: StoredMessage) -> bool:
        """Pass a message on if its conversation is with people: the asker's to the team, the team's to the asker.

        Returns:
            Whether it was passed on; the bot says nothing to it then.
        """
        message = stored.message
        if message.origin.command or message.origin.avoid:  # "another answer" is asked of the bot
            return False
        theirs, mine = await self._with_people(message)
        if theirs is None and mine is None:
            return False
        text = f"**{safe(message.sender_name) or message.sender}:** {safe(message.text)}"
        if message.origin.attachments:
            names = ", ".join(one.name or one.kind.value for one in message.origin.attachments)
            text += f"\n\n_{say('relay-files', self._language, names=safe(names))}_"
        key = f"relay:{stored.id}"
        if theirs is not None:
            await run_blocking(
                self._store.posts.add,
                key,
                PostBody(text=text, person=await self._alone_with(theirs)),
                platform=theirs.platform,
                channel=theirs.channel,
                thread=theirs.thread,
                handoff_id=theirs.id,
            )
            await run_blocking(self._store.handoffs.said, theirs.id, message.text)
            return True
        if mine is None:
            return False
        await run_blocking(
            self._store.posts.add,
            key,
            PostBody(text=text, under=root_key(mine.id)),
            platform=mine.team_platform,
            channel=mine.team_channel,
            handoff_id=mine.id,
        )
        return True

    async def takes(self, message: Message) -> bool:
        """Whether a message belongs to a conversation that is with people."""
        theirs, mine = await self._with_people(message)
        return theirs is not None or mine is not None

    async def _with_people(self, message: Message) -> tuple[Handoff | None, Handoff | None]:
        """The handoff that a message of the team's, or of the asker's, belongs to."""
        theirs = await self.of_reply(message.platform, message.channel, message.thread, message.origin.reply_to)
        if theirs is not None:
            return theirs, None
        mine = await self._store.run(self._store.handoffs.open_in, message.platform, message.channel, message.thread)
        if mine is None and message.origin.place is Place.DIRECT:
            alone = self._alone.get((message.platform, message.sender))
            mine = None if alone is None else await run_blocking(self._store.handoffs.get, alone)
        if mine is None or message.origin.place is not Place.GROUP:
            return None, mine
        # a group is not given away as a whole: others there go on with the bot
        asker = await run_blocking(self._store.people.get, mine.user_id)
        return None, mine if asker is not None and asker.platform_user_id == message.sender else None

    async def resolve(self, handoff_id: int) -> Handoff | None:
        """Let the bot answer there again, and tell the asker; None if it had been resolved before."""
        handoff = await run_blocking(self._store.handoffs.get, handoff_id)
        if handoff is None or handoff.resolved_at is not None:
            return None
        asker = await run_blocking(self._store.people.get, handoff.user_id)
        language = language_for(
            chosen=asker.language if asker else "", setting=self._language, client="", text=handoff.question
        )
        # said first: after a crash in between the button is still there, and what is said is said once
        await run_blocking(
            self._store.posts.add,
            f"handoff:{handoff_id}:resolved",
            PostBody(text=say("handoff-resolved", language), person=await self._alone_with(handoff)),
            platform=handoff.platform,
            channel=handoff.channel,
            thread=handoff.thread,
            handoff_id=handoff_id,
        )
        if asker is not None:
            self._alone.pop((asker.platform, asker.platform_user_id), None)
        return handoff if await run_blocking(self._store.handoffs.resolve, handoff_id) else None

    def keep_row(self, handoff: Handoff) -> Rows:
        """The offer to keep a resolved pair as a curated answer; none if people said nothing."""
        if not handoff.reply:
            return ()
        return (
            (
                Button(label=say("button-keep", self._language), data=data_of(Verb.KEEP, handoff.id)),
                Button(label=say("button-change", self._language), data=data_of(Verb.CHANGE, handoff.id)),
            ),
        )

    def _resolve_row(self, handoff_id: int) -> Rows:
        return ((Button(label=say("button-resolve", self._language), data=data_of(Verb.RESOLVE, handoff_id)),),)


def root_key(handoff_id: int) -> str:
    """The key of the post that a handoff begins with in the team's channel."""
    return f"handoff:{handoff_id}:question"


def alone_key(handoff_id: int) -> str:
    """The key of the post that tells an asker that replies are for them alone."""
    return f"handoff:{handoff_id}:alone"


def handed_off(unseen: bool) -> str:  # noqa: FBT001 - a fact, not a switch
    """Which sentence tells an asker that people have the question now."""
    return "handed-off-alone" if unseen else "handed-off"


def quoted(text: str) -> str:
    """A text as a Markdown quotation."""
    return "\n".join(f"> {line}" for line in safe(text).splitlines()) or "> "
