"""`knowledge outdated`: the documents that people called out of date."""

from __future__ import annotations

from pathlib import PurePath

from bot.blocking import run_blocking
from bot.buttons import command as command_button
from bot.cards import safe
from bot.commands.base import Call, Reply, number_of, spelled, usage, words_of
from bot.store.document_tasks import DocumentTask
from bot.store.store import Store
from bot.texts import say
from bot.types import Place

SHOWN = 10  # documents
QUESTIONS = 3  # of each
QUESTION_CHARACTERS = 80


async def outdated(call: Call, store: Store, rest: str) -> Reply:
    """List the documents, or take one off the list.

    Args:
        call: Who asks.
        store: Where they are kept.
        rest: "" for the list, or "settle 12", the number of a document.
    """
    word, number = words_of(rest)
    tasks = await run_blocking(store.document_tasks.open)
    if word == "settle" and not number_of(number):
        settle = spelled(call, "knowledge", "outdated settle 12")
        return Reply(text=say("outdated-which", call.language, settle=settle))
    if word == "settle":
        task = next((one for one in tasks if one.document_id == number_of(number)), None)
        if task is None or not await run_blocking(store.document_tasks.settle, task.uri):
            return Reply(text=say("outdated-settled-before", call.language))
        text = say("outdated-settled", call.language, title=safe(task.title))
        return Reply(text=text, did=f"document {task.document_id} is up to date: {_named(task.uri)}")
    if word:
        return usage(call, "knowledge")
    if not tasks:
        return Reply(text=say("outdated-none", call.language))
    lines = [f"**{say('outdated-title', call.language, documents=len(tasks))}**"]
    lines += [_document(call, task) for task in tasks[:SHOWN]]
    rows = tuple(
        (
            command_button(
                say("button-settle", call.language, number=str(task.document_id)),
                "knowledge",
                f"outdated settle {task.document_id}",
            ),
        )
        for task in tasks[:SHOWN]
    )
    return Reply(text="\n".join([*lines, "", say("outdated-how", call.language)]), buttons=rows)


def _document(call: Call, task: DocumentTask) -> str:
    people = say("outdated-people", call.language, people=task.people)
    line = f"- {task.document_id} · {safe(task.title)} · {safe(_named(task.uri))} · {people}"
    if call.stored.message.origin.place is not Place.DIRECT:  # what somebody asked is not for a group to read
        return line
    asked = [f"  > {safe(_short(question))}" for question in task.questions[:QUESTIONS]]
    return "\n".join([line, *asked])


def _named(uri: str) -> str:
    return uri if uri.startswith(("http://", "https://")) else PurePath(uri).name


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= QUESTION_CHARACTERS else f"{flat[: QUESTION_CHARACTERS - 1]}…"
