"""Takes what Slack tells, one method for each way in; each returns once the desk has stored what happened."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.buttons import Verb, data_of, read
from bot.frontends.base import Inbox, PlatformError, Press, Response, Target
from bot.frontends.delivery import patiently
from bot.frontends.slack import inbound, views
from bot.frontends.slack.api import Identity, SlackApi
from bot.frontends.slack.background import Background
from bot.frontends.slack.inbound import Payload, Who
from bot.frontends.slack.listening import Listening
from bot.frontends.slack.markup import Block, unescaped
from bot.frontends.slack.messenger import PLATFORM, SlackMessenger
from bot.frontends.slack.people import Profiles
from bot.frontends.slack.places import place_of
from bot.frontends.slack.views import HomeFacts, Opened, Pair
from bot.texts import language_for, say
from bot.types import Message, Origin

Home = Callable[[str], Awaitable[HomeFacts]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a front end is told at its making."""

    language: str = "auto"  # of the bot's own words, or the one that the admin fixed
    examples: tuple[str, ...] = ()  # questions that a new conversation offers
    home: Home | None = None  # what the App Home shows to a person, by their id
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Receiver:
    """From Slack to the desk."""

    def __init__(
        self, *, api: SlackApi, messenger: SlackMessenger, desk: Inbox, me: Identity, options: Options
    ) -> None:
        self._api = api
        self._messenger = messenger
        self._desk = desk
        self._me = me
        self._options = options
        self._listening = Listening(me.user)
        self._profiles = Profiles(api)
        self.background = Background()
        self._events: dict[str, Callable[[Payload, str], Awaitable[None]]] = {
            "message": self._message,
            "app_mention": self._message,
            "reaction_added": self._reaction,
            "reaction_removed": self._reaction,
            "assistant_thread_started": self._conversation_opened,
            "app_home_opened": self._home_opened,
            "channel_id_changed": self._renamed,
        }

    # -- events

    async def event(self, body: Payload) -> None:
        """An event of the Events API; those that mean nothing here are taken and forgotten."""
        event = body.get("event") or {}
        take = self._events.get(str(event.get("type", "")))
        if take is not None:
            await take(event, str(body.get("team_id") or self._me.team))

    async def _message(self, event: Payload, team: str) -> None:
        if (gone := inbound.deleted(event)) is not None:
            await self._desk.deleted(PLATFORM, *gone)
        elif (edit := inbound.edited(event, team)) is not None:
            # what a team member said to an asker was passed on as it was; it is no question
            if edit.thread and await self._desk.concerns(PLATFORM, edit.channel, edit.thread, ""):
                return
            words = inbound.words(edit.raw, bot=self._me.user)
            # what was never for the bot may become so by being edited: it is then mentioned
            if words.named or await self._desk.knows(PLATFORM, edit.event_id):
                await self._said(edit, words)
        elif (told := inbound.said(event, team)) is not None and told.sender != self._me.user:
            words = inbound.words(told.raw, bot=self._me.user)
            if await self._listening.concerns_bot(told, self._desk, named=words.named):
                await self._said(told, words)

    async def _said(self, told: inbound.Said, words: inbound.Words) -> None:
        who = await self._profiles.of(told.sender)
        names = await self._profiles.names(words.mentions)
        await self._desk.said(inbound.message_of(told, words, who, self._options.now(), names))

    async def _reaction(self, event: Payload, team: str) -> None:  # noqa: ARG002 - all events are alike
        if event.get("user") == self._me.user or inbound.reaction_of(event, Who()) is None:
            return
        reaction = inbound.reaction_of(event, await self._profiles.of(str(event["user"])))
        if reaction is not None:
            await self._desk.reacted(reaction)

    async def _renamed(self, event: Payload, team: str) -> None:  # noqa: ARG002 - all events are alike
        await self._desk.renamed(PLATFORM, str(event["old_channel_id"]), str(event["new_channel_id"]))

    async def _conversation_opened(self, event: Payload, team: str) -> None:  # noqa: ARG002 - all events are alike
        thread = event.get("assistant_thread") or {}
        self.background.start("prompts", self._offer_prompts(thread))

    async def _offer_prompts(self, thread: Payload) -> None:
        language = self._language(await self._profiles.of(str(thread.get("user_id", ""))))
        await self._api.call(
            "assistant.threads.setSuggestedPrompts",
            channel_id=thread.get("channel_id"),
            thread_ts=thread.get("thread_ts"),
            title=say("slack-prompts-title", language),
            prompts=views.prompts(self._options.examples, language),
        )

    async def _home_opened(self, event: Payload, team: str) -> None:  # noqa: ARG002 - all events are alike
        if event.get("tab", "home") == "home":
            self.background.start("home", self._publish_home(str(event["user"])))

    async def _publish_home(self, person: str) -> None:
        facts = await self._options.home(person) if self._options.home else HomeFacts()
        who = await self._profiles.of(person)
        view = views.home(facts, self._language(who, chosen=facts.language))
        await self._api.call("views.publish", user_id=person, view=view)

    # -- commands

    async def command(self, payload: Payload) -> None:
        """`/burnish ...`."""
        who = await self._profiles.of(str(payload["user_id"]))
        names = await self._profiles.names(inbound.people_in(str(payload.get("text") or "")))
        await self._desk.said(inbound.command_of(payload, who, self._options.now(), names))

    # -- buttons

    async def action(self, payload: Payload) -> None:
        """Somebody pressed a button or chose from a list."""
        who = await self._profiles.of(str(payload["user"]["id"]))
        for action in payload.get("actions") or ():
            if action.get("action_id") == views.LANGUAGE_CHOICE:
                await self._choose_language(payload, action, who)
            elif action.get("value"):
                await self._press(payload, action, who)

    async def _press(self, payload: Payload, action: Payload, who: Who) -> None:
        press = inbound.press_of(payload, action, who)
        message = payload.get("message") or {}
        if self._messenger.remembers(press.channel, press.message_id) is None and message.get("blocks"):
            self._messenger.remember(
                press.channel, press.message_id, message["blocks"], str(message.get("text") or "…")
            )
        pressed = read(press.data)
        if pressed is not None and pressed.verb is Verb.CORRECT:
            opened = Opened(channel=press.channel, message=press.message_id, thread=press.thread, data=press.data)
            await self._open(payload, views.correction_form(opened, self._language(who)))
            return
        response = await self._desk.pressed(press)
        if response.form is not None:
            opened = Opened(channel=press.channel, message=press.message_id, thread=press.thread, data=press.data)
            view = views.change_form(opened, response.form, self._language(who))
            if view is not None and await self._open(payload, view):
                return
            response = await self._desk.pressed(replace(press, takes_form=False))
        self.background.start("press", self._show(press, response))

    async def _choose_language(self, payload: Payload, action: Payload, who: Who) -> None:
        """The choice in the App Home is the command `language`, given in the person's own conversation."""
        person = str(payload["user"]["id"])
        opened = await self._api.call("conversations.open", users=person)
        press = replace(
            inbound.press_of(payload, action, who),
            channel=str(opened["channel"]["id"]),
            place=place_of(str(opened["channel"]["id"]), ""),
            message_id="",
            data=str((action.get("selected_option") or {}).get("value") or ""),
        )
        response = await self._desk.pressed(press)
        self.background.start("press", self._show(press, response))

    async def _show(self, press: Press, response: Response) -> None:
        target = _target(press)
        buttons = response.buttons if press.message_id else None
        if buttons is not None:
            await patiently(lambda: self._messenger.set_buttons(target, press.message_id, buttons, note=response.toast))
        if response.toast and not buttons:
            await patiently(lambda: self._messenger.whisper(target, response.toast))
        if response.say is not None:
            card = response.say
            await patiently(lambda: self._messenger.tell(target, card, expects_text=response.expects_text))

    # -- forms

    async def _open(self, payload: Payload, view: Block) -> bool:
        """Open a form; Slack allows it for three seconds after the press. False if it is not open."""
        try:
            await self._api.call("views.open", trigger_id=payload.get("trigger_id"), view=view)
        except PlatformError as error:
            log.warning("form not opened", extra={"action": "slack-form-failed", "error": type(error).__name__})
            return False
        return True

    async def submitted(self, payload: Payload) -> None:
        """Somebody sent a form."""
        view = payload.get("view") or {}
        who = await self._profiles.of(str(payload["user"]["id"]))
        if view.get("callback_id") in {views.CORRECT, views.CHANGE}:
            await self._filled_in(payload, view, who)
        elif view.get("callback_id") == views.KEEP:
            await self._kept(payload, view, who)

    async def _filled_in(self, payload: Payload, view: Payload, who: Who) -> None:
        """What a button asked for: it is pressed with the text."""
        opened = Opened.unpacked(str(view["private_metadata"]))
        press = Press(
            platform=PLATFORM,
            channel=opened.channel,
            thread=opened.thread,
            place=place_of(opened.channel, opened.thread),
            message_id=opened.message,
            event_id=f"view:{view.get('id', '')}",
            sender=str(payload["user"]["id"]),
            sender_name=who.name,
            data=opened.data,
            language=who.language,
            team=str((payload.get("team") or {}).get("id") or ""),
            text=views.filled_in(view).get("text", ""),
        )
        response = await self._desk.pressed(press)
        pressed = read(press.data)
        if (
            pressed is not None and pressed.verb is Verb.CORRECT
        ):  # the form has done its part: the first buttons come back
            first = await self._desk.pressed(replace(press, data=data_of(Verb.BACK, pressed.subject), text=""))
            response = replace(response, buttons=first.buttons)
        self.background.start("press", self._show(press, response))

    async def shortcut(self, payload: Payload) -> None:
        """The shortcut that keeps a thread's answer; opens its form."""
        if payload.get("callback_id") != views.KEEP or not payload.get("message"):
            return
        message, channel = payload["message"], str(payload["channel"]["id"])
        opened = Opened(channel=channel, message=str(message["ts"]), thread=str(message.get("thread_ts") or ""))
        said = self._messenger.remembers(channel, opened.message) or str(message.get("text") or "")
        pair = Pair(question=await self._question(opened), answer=views.bare(inbound.readable(unescaped(said), {})))
        who = await self._profiles.of(str(payload["user"]["id"]))
        await self._open(payload, views.keep_form(opened, pair, self._language(who)))

    async def _question(self, opened: Opened) -> str:
        """What the thread begins with; "" where Slack does not say or the message stands alone."""
        if not opened.thread or opened.thread == opened.message:
            return ""
        try:
            found = await self._api.call(
                "conversations.replies", channel=opened.channel, ts=opened.thread, limit=1, inclusive=True
            )
        except PlatformError:
            return ""
        root: Payload = next(iter(found.get("messages") or ()), {})
        return inbound.readable(inbound.words(str(root.get("text") or ""), bot=self._me.user).text, {})

    async def _kept(self, payload: Payload, view: Payload, who: Who) -> None:
        opened = Opened.unpacked(str(view["private_metadata"]))
        fields = views.filled_in(view)
        pair = Pair(question=fields.get("question", ""), answer=fields.get("answer", ""))
        await self._desk.said(
            Message(
                platform=PLATFORM,
                event_id=f"view:{view.get('id', '')}",
                channel=opened.channel,
                thread=opened.thread,
                sender=str(payload["user"]["id"]),
                sender_name=who.name,
                text=pair.taught,
                received_at=self._options.now(),
                origin=Origin(
                    place=place_of(opened.channel, opened.thread),
                    command="teach",
                    language=who.language,
                    message_id=opened.message,
                    team=str((payload.get("team") or {}).get("id") or ""),
                ),
            )
        )

    def _language(self, who: Who, *, chosen: str = "") -> str:
        return language_for(chosen=chosen, setting=self._options.language, client=who.language, text="")


def _target(press: Press) -> Target:
    return Target(channel=press.channel, thread=press.thread, place=press.place, person=press.sender, team=press.team)
