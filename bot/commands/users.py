"""Commands for everybody: help, privacy, language, a new conversation, people, being forgotten."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice

from adapters.examples import RatingId
from adapters.source import EndpointSource, parse_source
from bot.blocking import run_blocking
from bot.buttons import MAX_BYTES, Rows, Verb
from bot.buttons import command as command_button
from bot.cards import safe
from bot.commands.base import LOCAL, Call, Reply, Run, spelled, usage
from bot.commands.registry import BY_NAME, menu
from bot.config import Settings
from bot.handoff import Handoffs, handed_off
from bot.store.posts import PostBody
from bot.store.store import Store
from bot.texts import language_of, say
from bot.types import Button, Place, Role, StoredAnswer
from bot.words import content_keys

EXAMPLES = 3  # questions that help offers
LOOKED_AT = 200  # curated answers among which fitting questions are looked for
EXAMPLE_CHARACTERS = 80  # longer questions are no good examples

_LANGUAGES = {
    "en": "en",
    "english": "en",
    "英文": "en",
    "zh": "zh",
    "chinese": "zh",
    "中文": "zh",
    "auto": "",
    "自动": "",
}

Unlearn = Callable[[Collection[RatingId]], object]


class ForEverybody:
    """What any user may ask for."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        handoffs: Handoffs,
        unlearn: Unlearn,
    ) -> None:
        """Keep what the commands work with.

        Args:
            store: Of everything.
            settings: Those in force.
            handoffs: Pass conversations on to people.
            unlearn: Marks what learned from ratings that are to be erased; blocks.
        """
        self._store = store
        self._settings = settings
        self._handoffs = handoffs
        self._unlearn = unlearn

    @property
    def runs(self) -> Mapping[str, Run]:
        """What carries out which command."""
        return {
            "help": self.help,
            "start": self.help,
            "ask": self.ask,
            "new": self.new,
            "language": self.language,
            "privacy": self.privacy,
            "forget_me": self.forget_me,
            "human": self.human,
            "cancel": self.cancel,
        }

    async def help(self, call: Call) -> Reply:
        """Welcome, example questions, and the commands that this person may give."""
        language, bot = call.language, self._settings.bot
        welcome = say("help-welcome", language, name=safe(bot.name))
        if bot.topics:
            welcome += " " + say("help-about", language, topics=safe(bot.topics))
        parts = [welcome]
        examples = await run_blocking(example_questions, self._store, language)
        if examples:
            parts.append("\n".join([say("help-examples", language), *(f"- {safe(one)}" for one in examples)]))
        people = self._handoffs.possible
        entries = [one for one in menu(language, call.person.role) if one[0] != "human" or people]
        parts.append(_listed(call, "help-commands", [e for e in entries if BY_NAME[e[0]].least is Role.USER]))
        if more := [e for e in entries if BY_NAME[e[0]].least is not Role.USER]:
            parts.append(_listed(call, "help-team", more))
        return Reply(text="\n\n".join(parts), buttons=_asking(examples))

    async def ask(self, call: Call) -> Reply:
        """Say how it is used; with a question it is answered as one before it comes here."""
        return usage(call, "ask")

    async def new(self, call: Call) -> Reply:
        """Draw a border: later questions know nothing of earlier ones."""
        message = call.stored.message
        await run_blocking(self._store.inbox.close_conversation, message.platform, message.channel, message.thread)
        return Reply(text=say("new-conversation", call.language))

    async def language(self, call: Call) -> Reply:
        """Speak another language to this person, or offer the choice."""
        chosen = _LANGUAGES.get(call.arguments.lower())
        if chosen is None:
            buttons = (
                (
                    command_button("English", "language", "en"),
                    command_button("简体中文", "language", "zh"),
                    command_button(say("language-auto", call.language), "language", "auto"),
                ),
            )
            return Reply(text=say("language-which", call.language), buttons=buttons)
        await run_blocking(self._store.people.set_language, call.person.id, chosen)
        if not chosen:
            return Reply(text=say("language-follows", call.language))
        return Reply(text=say("language-set", chosen))

    async def privacy(self, call: Call) -> Reply:
        """Say what is stored, where, who can read it, how long, and how to erase it."""
        language = call.language
        source = parse_source(self._settings.models.generator)
        keys = ["privacy-what", "privacy-where"]
        keys.append("privacy-model-elsewhere" if isinstance(source, EndpointSource) else "privacy-model-here")
        keys.append("privacy-who")
        if self._handoffs.possible:
            keys.append("privacy-team")
        keys.append("privacy-long")
        lines = [f"- {say(key, language)}" for key in keys]
        lines.append(f"- {say('privacy-erase', language, command=spelled(call, 'forget_me'))}")
        button = command_button(say("button-forget", language), "forget_me")
        return Reply(text="\n".join([f"**{say('privacy-title', language)}**", *lines]), buttons=((button,),))

    async def forget_me(self, call: Call) -> Reply:
        """Say what would be erased; with the button of the person concerned, erase it."""
        person, language = call.person, call.language
        counts = dict(await run_blocking(self._store.people.footprint, person.id))
        if not call.arguments:
            buttons = (
                (
                    command_button(say("button-erase", language), "forget_me", f"yes {person.id}", style="danger"),
                    command_button(say("button-keep-me", language), "cancel"),
                ),
            )
            text = say("forget-sure", language, platform=call.stored.message.platform, **counts)
            if person.role is not Role.USER:
                text += "\n\n" + say("forget-audit", language)
            if person.role is Role.OWNER and await run_blocking(self._store.people.is_last_owner, person.id):
                text += "\n\n" + say("forget-last-owner", language)
            return Reply(text=text, buttons=buttons)
        if call.arguments != f"yes {person.id}":
            return Reply(text=say("forget-others", language), refused=True)
        message = call.stored.message
        # This message goes too, so no answer can be kept for it: what is said lies in a post. It comes first, so
        # that after a crash in between the message, still there, has the rest done again.
        if message.platform != LOCAL:
            await run_blocking(
                self._store.posts.add,
                f"forgotten:{call.stored.id}",
                PostBody(text=say("forgotten", language, **counts)),
                platform=message.platform,
                channel=message.channel,
                thread=message.thread,
            )
        await run_blocking(forget, self._store, self._unlearn, person.id)
        return Reply(text=say("forgotten", language, **counts))

    async def human(self, call: Call) -> Reply:
        """Pass the conversation on to people."""
        question, about = call.arguments, call.stored.id
        if not question:
            last = await self._own_last(call)
            if last is None:
                return usage(call, "human")
            question, about = last.question, last.message_id
        unseen = call.stored.message.origin.unseen
        opened = await self._handoffs.open(
            call.stored.conversation_id, call.person, question, about=about, unseen=unseen
        )
        return Reply(text=say(handed_off(unseen) if opened else "human", call.language))

    async def _own_last(self, call: Call) -> StoredAnswer | None:
        """The answer to what this person asked last; in a thread, which has one subject, that to what anybody did."""
        conversation, place = call.stored.conversation_id, call.stored.message.origin.place
        own = await run_blocking(self._store.answers.latest, conversation, user_id=call.person.id)
        if own is not None or place is Place.GROUP:
            return own
        return await run_blocking(self._store.answers.latest, conversation)

    async def cancel(self, call: Call) -> Reply:
        """Wait no more for what this person was asked for."""
        message = call.stored.message
        waited = await run_blocking(
            self._store.expectations.cancel, message.platform, message.channel, message.thread, call.person.id
        )
        return Reply(text=say("cancelled" if waited else "nothing-to-cancel", call.language))


def forget(store: Store, unlearn: Unlearn, user_id: int) -> Mapping[str, int]:
    """Erase a person with all their selves; what learned from them is marked before, while it is known who they are.

    Args:
        store: Of everything.
        unlearn: Marks what learned from ratings that are to be erased.
        user_id: One of the person's selves.

    Returns:
        What was erased, as `People.footprint` counts it. Blocks.
    """
    unlearn([rating for one in store.people.selves(user_id) for rating in store.ratings.ids_of(one)])
    return store.people.forget(user_id)


def example_questions(store: Store, language: str) -> tuple[str, ...]:
    """Some questions that the bot can answer, to begin with; those in this language first. Blocks.

    Each is of another matter, as far as there are such.
    """
    found = (one.chunk.question for one in store.knowledge.curated(limit=LOOKED_AT))
    fitting = [question for question in found if len(question) <= EXAMPLE_CHARACTERS]
    ordered = sorted(fitting, key=lambda question: language_of(question) != language)
    chosen: list[str] = []
    for question in ordered:
        if not any(content_keys(question) & content_keys(one) for one in chosen):
            chosen.append(question)
        if len(chosen) == EXAMPLES:
            return tuple(chosen)
    alike = (one for one in ordered if one not in chosen)
    return (*chosen, *islice(alike, EXAMPLES - len(chosen)))


def _listed(call: Call, title: str, entries: Sequence[tuple[str, str]]) -> str:
    lines = (f"- {spelled(call, name)} {text}" for name, text in entries)
    return "\n".join([f"**{say(title, call.language)}**", *lines])


def _asking(questions: Sequence[str]) -> Rows:
    """A button for each question that fits into one."""
    fitting = (one for one in questions if len(f"{Verb.COMMAND.value}:ask:{one}".encode()) <= MAX_BYTES)
    return tuple((_ask_button(one),) for one in fitting)


def _ask_button(question: str) -> Button:
    return command_button(question, "ask", question)
