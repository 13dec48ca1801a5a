"""The bot's own words in each language (Fluent files under bot/locales; add a folder, add a language)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

from fluent.runtime import FluentBundle, FluentResource

from bot.types import StoredMessage

FALLBACK = "en"
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")
TITLE_CHARACTERS = 48  # of a page's title that is named in a sentence; three such fill two lines
_FILE_NAME = re.compile(r"_|/|\\|\.\w{1,5}$|^[\w.-]*\d[\w.-]*$")
_HAN_SHARE = 0.3  # of the letters; one Chinese character says about as much as three Latin letters


def language_of(text: str, *, setting: str = "auto") -> str:
    """The language in which to speak to whoever wrote this text.

    Args:
        text: What the person wrote.
        setting: "auto", or the language that the admin fixed.

    Returns:
        "zh" or "en".
    """
    if setting != "auto":
        return setting
    letters = len(_LETTER.findall(text))
    return "zh" if letters and len(_HAN.findall(text)) / letters >= _HAN_SHARE else FALLBACK


def language_for(*, chosen: str, setting: str, client: str, text: str) -> str:
    """The language in which to speak to a person.

    Args:
        chosen: That the person chose with `/language`; "" for none.
        setting: "auto", or the language that the admin fixed.
        client: Of the person's chat program, such as "zh-hans"; "" if unknown.
        text: What the person just wrote; "" if that tells nothing, as with a command.

    Returns:
        One of `languages()`.
    """
    if chosen in languages():
        return chosen
    if setting != "auto":
        return setting
    if _LETTER.search(text):
        return language_of(text)
    spoken = client.lower().replace("_", "-").partition("-")[0]
    return spoken if spoken in languages() else FALLBACK


def language_of_sender(stored: StoredMessage, setting: str) -> str:
    """The language in which to speak to whoever wrote a message."""
    message = stored.message
    return language_for(
        chosen=stored.language,
        setting=setting,
        client=message.origin.language,
        text="" if message.origin.command else message.text,
    )


@cache
def languages() -> tuple[str, ...]:
    """Every language that has a folder."""
    folder = resources.files("bot") / "locales"
    return tuple(sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("_")))


def say(key: str, language: str, **values: str | int) -> str:
    """One of the bot's sentences.

    Args:
        key: The message's name in the Fluent files.
        language: As given by language_of; one without a folder falls back to English.
        values: What the message's variables stand for.

    Raises:
        KeyError: No such message: a slip in the program.
    """
    bundle = _bundle(language if language in languages() else FALLBACK)
    pattern = bundle.get_message(key).value
    if pattern is None:
        raise KeyError(key)
    text, errors = bundle.format_pattern(pattern, values)
    if errors:
        raise KeyError(f"{key}: {errors[0]}")
    return str(text)


def listed(items: Sequence[str], language: str) -> str:
    """Several things in a sentence: "a, b and c"."""
    *first, last = items
    if not first:
        return last
    return say("listed", language, first=say("listed-comma", language).join(first), last=last)


def reads_well(title: str) -> bool:
    """Whether a page's title can stand in a sentence: short, in words, and no file's name."""
    plain = title.strip()
    return 0 < len(plain) <= TITLE_CHARACTERS and _LETTER.search(plain) is not None and not _FILE_NAME.search(plain)


@cache
def _bundle(language: str) -> FluentBundle:
    bundle = FluentBundle([language], use_isolating=False)
    for source in _sources(language):
        bundle.add_resource(FluentResource(source))
    return bundle


def keys(language: str) -> tuple[str, ...]:
    """The names of all messages in a language's files, sorted; a name that stands there twice is here twice."""
    entries = (getattr(entry, "id", None) for source in _sources(language) for entry in FluentResource(source).body)
    return tuple(sorted(entry.name for entry in entries if entry is not None))


def _sources(language: str) -> tuple[str, ...]:
    folder = resources.files("bot") / "locales" / language
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".ftl")), key=lambda one: one.name)
    return tuple(one.read_text(encoding="utf-8") for one in files)
