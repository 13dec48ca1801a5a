"""Ask a human: a question goes to the team's channel, the bot is silent to its asker, and people's replies go there."""

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
from bot.types import Button, Message, Origin, Place, StoredMessage

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

    @property
    def possible(self) -> bool:
        """Whether there are people to pass a conversation on to."""
        return bool(self._channel)

    def renamed(self, platform: str, channel: str, new: str) -> None:
        """Follow the team's channel to its new id."""
        if (platform, channel) == (self._platform, self._channel):
            self._channel = new

    async def open(
        self, conversation_id: int, person: Person, question: str, *, about: int, unseen: bool = False
    ) -> bool:
        """Pass a question on; False if there is nobody to pass it to. The same again changes nothing.

        Args:
            conversation_id: Which.
            person: Who asks for people.
            question: What about; where a question of this person's is open there already, it is added to that.
            about: Id of the message that asked it.
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
        if handoff.question != question:
            key, name = f"handoff:{handoff.id}:asked:{about}", person.name or person.platform_user_id
            await self._to_team(handoff, key, f"**{safe(name)}:** {safe(question)}")
            await self._note_alone(handoff, key, question)
        return True

    async def _to_team(self, handoff: Handoff, key: str, text: str) -> None:
        await run_blocking(
            self._store.posts.add,
            key,
            PostBody(text=text, under=root_key(handoff.id)),
            platform=handoff.team_platform,
            channel=handoff.team_channel,
            handoff_id=handoff.id,
        )

    async def _to_asker(self, handoff: Handoff, key: str, body: PostBody) -> None:
        await run_blocking(
            self._store.posts.add,
            key,
            body,
            platform=handoff.platform,
            channel=handoff.channel,
            thread=handoff.thread,
            handoff_id=handoff.id,
        )

    async def _open_alone(self, handoff: Handoff, person: Person) -> None:
        """Tell the asker, in their direct conversation, that replies come there."""
        text = f"{say('handoff-alone', self._language_of(handoff, person))}\n\n{quoted(handoff.question)}"
        await self._to_asker(handoff, alone_key(handoff.id), PostBody(text=text, person=person.platform_user_id))

    async def _note_alone(self, handoff: Handoff, key: str, said: str) -> None:
        """Where nobody saw what somebody said, not even they themselves see it: show that it went to people."""
        if not (alone := await self._alone_with(handoff)):
            return
        person = await run_blocking(self._store.people.get, handoff.user_id)
        text = f"{say('handoff-added', self._language_of(handoff, person))}\n\n{quoted(said)}"
        await self._to_asker(handoff, f"{key}:noted", PostBody(text=text, person=alone))

    def _language_of(self, handoff: Handoff, asker: Person | None) -> str:
        chosen = asker.language if asker else ""
        return language_for(chosen=chosen, setting=self._language, client="", text=handoff.question)

    async def _alone_with(self, handoff: Handoff) -> str:
        """The platform's id of the asker, where replies are for them alone; "" where they go to the place itself."""
        post = await run_blocking(self._store.posts.by_key, alone_key(handoff.id))
        return post.body.person if post is not None else ""

    async def open_for(self, stored: StoredMessage) -> bool:
        """Pass a conversation on because its sender asks for people in words; False if there is nobody."""
        person = await run_blocking(self._store.people.get, stored.user_id) if self.possible else None
        message = stored.message
        return person is not None and await self.open(
            stored.conversation_id, person, message.text, about=stored.id, unseen=message.origin.unseen
        )

    async def mend(self) -> None:
        """Say to the team what a crash kept from being said: the beginnings of conversations that wait for it."""
        for handoff in await run_blocking(self._store.handoffs.waiting):
            if await run_blocking(self._store.posts.by_key, root_key(handoff.id)) is None:
                person = await run_blocking(self._store.people.get, handoff.user_id)
                last = await self._last_said(handoff)
                if person is not None and last is not None and last.message.origin.unseen:
                    await self._open_alone(handoff, person)
                await self._post_root(handoff)

    async def _last_said(self, handoff: Handoff) -> StoredMessage | None:
        """What the asker said last in the place where they asked."""
        return await run_blocking(
            self._store.inbox.latest_of, handoff.platform, handoff.channel, handoff.thread, handoff.user_id
        )

    async def _post_root(self, handoff: Handoff) -> None:
        person = await run_blocking(self._store.people.get, handoff.user_id)
        name = safe(person.name) or person.platform_user_id if person else "?"
        turns = await run_blocking(
            self._store.inbox.history,
            handoff.conversation_id,
            before_message_id=_NO_LIMIT,
            turns=TURNS,
            # a thread is one conversation; outside any, others talk to the bot beside it
            user_id=None if handoff.thread else handoff.user_id,
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
        key, name, said = f"relay:{stored.id}", safe(message.sender_name) or message.sender, safe(message.text)
        if message.origin.attachments:
            names = ", ".join(one.name or one.kind.value for one in message.origin.attachments)
            said += f"\n\n_{say('relay-files', self._language, names=safe(names))}_"
        if theirs is not None:
            await self._answer_asker(theirs, key, name, said)
            if message.text.strip():  # a file alone is no answer that could be kept
                await run_blocking(self._store.handoffs.said, theirs.id, message.text)
        elif mine is not None:
            await self._to_team(mine, key, f"**{name}:** {said}")
            if message.origin.unseen:
                await self._note_alone(mine, key, message.text)
        return True

    async def _answer_asker(self, handoff: Handoff, key: str, name: str, said: str) -> None:
        """Bring what people said to the asker; where others ask too, it says for whom it is."""
        whom = await self._among_others(handoff)
        asker = await run_blocking(self._store.people.get, handoff.user_id)
        head = f"**{name}:**"
        if whom:
            head = say("relay-to", self._language_of(handoff, asker), name=name, asker=whom)
        await self._to_asker(handoff, key, await self._for_asker(handoff, f"{head} {said}"))

    async def _for_asker(self, handoff: Handoff, text: str) -> PostBody:
        """As a reply to what the asker said last, which platforms show and tell them of."""
        if alone := await self._alone_with(handoff):
            return PostBody(text=text, person=alone)
        last = await self._last_said(handoff)
        origin = last.message.origin if last is not None else Origin()
        return PostBody(text=text, reply_to="" if origin.place is Place.DIRECT else origin.message_id)

    async def _among_others(self, handoff: Handoff) -> str:
        """The asker's name where others speak to the bot too; "" where nobody else reads or asks."""
        asker = await run_blocking(self._store.people.get, handoff.user_id)
        if asker is None or await self._alone_with(handoff):
            return ""
        speakers = await run_blocking(self._store.inbox.speakers, handoff.platform, handoff.channel, handoff.thread)
        return (safe(asker.name) or asker.platform_user_id) if speakers - {asker.platform_user_id} else ""

    async def takes(self, message: Message) -> bool:
        """Whether a message belongs to a conversation that is with people."""
        theirs, mine = await self._with_people(message)
        return theirs is not None or mine is not None

    async def asked(self, platform: str, channel: str, thread: str, person: str) -> bool:
        """Whether somebody's question from this place is with people."""
        ours = await self._store.run(self._store.handoffs.open_of, platform, person)
        return any((one.channel, one.thread) == (channel, thread) for one in ours)

    async def _with_people(self, message: Message) -> tuple[Handoff | None, Handoff | None]:
        """The handoff that a message of the team's, or of the asker's, belongs to.

        No place is given away as a whole: others there go on with the bot.
        """
        theirs = await self.of_reply(message.platform, message.channel, message.thread, message.origin.reply_to)
        return (theirs, None) if theirs is not None else (None, await self._of_asker(message))

    async def _of_asker(self, message: Message) -> Handoff | None:
        ours = await self._store.run(self._store.handoffs.open_of, message.platform, message.sender)
        for one in ours:
            if (one.channel, one.thread) == (message.channel, message.thread):
                return one
        if message.origin.place is not Place.DIRECT:
            return None
        # what nobody saw is talked about here; of several, the thread tells which, else it is the newest
        alone = [one for one in ours if await self._alone_with(one)]
        answers = message.origin.reply_to or message.thread
        for one in alone if answers else ():
            post = await run_blocking(self._store.posts.by_message, one.platform, one.channel, answers)
            if post is not None and post.handoff_id == one.id:
                return one
        return alone[0] if alone else None

    async def resolve(self, handoff_id: int) -> Handoff | None:
        """Let the bot answer the asker again, and tell them; None if it had been resolved before."""
        handoff = await run_blocking(self._store.handoffs.get, handoff_id)
        if handoff is None or handoff.resolved_at is not None:
            return None
        asker = await run_blocking(self._store.people.get, handoff.user_id)
        language, whom = self._language_of(handoff, asker), await self._among_others(handoff)
        text = say("handoff-resolved-of", language, asker=whom) if whom else say("handoff-resolved", language)
        # said first: after a crash in between the button is still there, and what is said is said once
        key = f"handoff:{handoff_id}:resolved"
        await self._to_asker(handoff, key, await self._for_asker(handoff, text))
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
