"""Settings: defaults, then one TOML file, then the environment; the only reader of both."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from adapters.bases import DEFAULT_ENCODER, DEFAULT_GENERATOR
from bot.confidence import DEFAULT_ANSWERABILITY
from bot.errors import BotError
from bot.grounding import DEFAULT_SUPPORT
from bot.learning.settings import LearningSettings
from bot.section import Address, Url, like
from bot.section import Section as _Section
from bot.web.settings import WebSettings

ENV_PREFIX = "BURNISH_"
HOME_VARIABLE = "BURNISH_HOME"
CACHE_VARIABLE = "BURNISH_CACHE"
FILE_VARIABLE = "BURNISH_CONFIG"
_RESERVED = {HOME_VARIABLE, CACHE_VARIABLE, FILE_VARIABLE}
MASK = "********"


# Names that people know from the platforms' own documentation.
PLATFORM_VARIABLES = {
    "TELEGRAM_BOT_TOKEN": ("telegram", "token"),
    "SLACK_BOT_TOKEN": ("slack", "bot_token"),
    "SLACK_APP_TOKEN": ("slack", "app_token"),
    "SLACK_SIGNING_SECRET": ("slack", "signing_secret"),
}

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class ConfigError(BotError):
    """A setting is unknown or has a bad value."""


class BotSettings(_Section):
    """Who the bot is and how it talks."""

    name: str = Field("Burnish", min_length=1, max_length=40, description="What the bot calls itself.")
    topics: str = Field(
        "",
        max_length=200,
        description='What it can help with, named in refusals, such as "payments, invoices and your account". '
        "Empty: the titles of the documents that come nearest.",
    )
    language: Literal["auto", "en", "zh"] = Field(
        "auto", description="Language of the bot's own words; auto follows the message."
    )
    conversation_idle_minutes: int = Field(
        30, ge=1, le=10_080, description="Minutes of silence after which a new conversation starts."
    )
    history_turns: int = Field(
        3, ge=0, le=20, description="Earlier question-answer pairs that a follow-up may refer to."
    )
    max_message_characters: int = Field(
        4_000, ge=100, le=100_000, description="Longer messages are declined with a kind sentence."
    )


class ModelSettings(_Section):
    """Which models answer, and where they run."""

    encoder: str = Field(
        DEFAULT_ENCODER,
        description="Sentence encoder: package:NAME==VERSION!path, hub:OWNER/NAME[@revision] or path:FOLDER.",
    )
    generator: str = Field(
        DEFAULT_GENERATOR,
        description="Language model: as above, or openai:URL#MODEL for an OpenAI-compatible endpoint.",
    )
    adapter: Literal["auto", "none"] = Field(
        "auto",
        description="What the generator has learned: auto takes the version that serves (`burnish versions list`), "
        "none the bare model.",
    )
    generator_api_key: SecretStr = Field(
        SecretStr(""), description="Key for an openai: generator; better given in the environment."
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field("auto", description="Where the models run.")
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Number format; auto takes bfloat16 where the hardware has it."
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads of each model; 0: half of the cores, at most 4.")
    max_batch: int = Field(8, ge=1, le=64, description="Answers that are generated together at most.")
    max_queue: int = Field(64, ge=1, le=10_000, description="Answers that may wait before the bot says it is busy.")


class StoreSettings(_Section):
    """Where everything is kept."""

    url: str = Field(
        "",
        description="Database: sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/NAME. "
        "Empty: burnish.db under the home folder.",
        pattern=r"^$|://",
    )
    key: SecretStr = Field(
        SecretStr(""),
        description="Encryption key; better given in the environment. Empty: the file burnish.key under the "
        "home folder, created on first use.",
    )
    keep_audit_days: int = Field(
        730, ge=1, le=36_500, description="Entries of the audit log are removed after so many days."
    )


class KnowledgeSettings(_Section):
    """How documents are read and searched."""

    chunk_tokens: int = Field(200, ge=40, le=1_000, description="Length of a chunk in the encoder's tokens, about.")
    max_file_megabytes: float = Field(20.0, gt=0, le=2_000, description="Larger files and pages are left out, MB.")
    web_timeout_seconds: float = Field(20.0, gt=0, le=600, description="Time limit for a web page, seconds.")
    allow_private_addresses: bool = Field(
        False, description="Fetch pages from private and loopback addresses (your intranet)."
    )
    exact_limit: int = Field(
        100_000, ge=1_000, le=10_000_000, description="Up to this many chunks the index is exact, above approximate."
    )
    top_k: int = Field(5, ge=1, le=50, description="Passages found per question.")
    fusion: Literal["scores", "places"] = Field(
        "places",
        description="How hybrid search joins meaning and words: places is reciprocal rank fusion, scores adds what "
        "both say (finds more in large collections of like pages).",
    )
    rrf_k: int = Field(10, ge=1, le=1_000, description="Constant of reciprocal rank fusion (fusion = places).")
    mode: Literal["hybrid", "vector", "lexical"] = Field("hybrid", description="How passages are found.")


class IntentSettings(_Section):
    """How messages are sorted."""

    file: str = Field("", description="Your own intents (TOML), relative to this file or the home folder.")
    small_talk_confidence: Fraction = Field(
        0.85,
        description="Confidence from which a message is small talk, a call for a human or out of scope, "
        "rather than a question, 0 to 1.",
    )


class AnswerSettings(_Section):
    """When and how the bot answers."""

    min_answerability: Fraction = Field(
        DEFAULT_ANSWERABILITY, description="Below this score the bot says that it does not know, 0 to 1."
    )
    min_support: Fraction = Field(
        DEFAULT_SUPPORT,
        description="Below this score a sentence is not sent and the passage is quoted instead, 0 to 1.",
    )
    curated_similarity: Fraction = Field(
        0.92, description="From this similarity on, a curated question's answer is given word for word, 0 to 1."
    )
    suggestion_similarity: Fraction = Field(
        0.6, description="From this similarity on, a curated question may be offered as 'did you mean', 0 to 1."
    )
    near_tie_margin: Fraction = Field(
        0.15, description="Curated questions closer together than this are offered as a choice, 0 to 1."
    )
    passages: int = Field(5, ge=1, le=10, description="Passages among which the best lines are chosen.")
    max_new_tokens: int = Field(160, ge=16, le=2_048, description="Length limit of a written answer, tokens.")
    max_seconds: float = Field(60.0, ge=1, le=600, description="Time limit of a written answer, seconds.")


class ServeSettings(_Section):
    """The server: `burnish serve`."""

    listen: Address = Field(
        "127.0.0.1:8765",
        description="Where the chat page, the dashboard, the API and health are served. "
        'Beyond loopback web.access = "login" is needed.',
    )
    conversations: int = Field(4, ge=1, le=256, description="Conversations that are answered side by side.")
    team: Annotated[str, like(r"(slack:|telegram:)\S+", "slack:CHANNEL or telegram:CHAT")] = Field(
        "",
        description="Where questions go that people shall answer, such as slack:C0123ABCD or telegram:-1001234567890. "
        "Empty: nowhere, and the bot says so.",
    )
    user_messages_per_minute: int = Field(
        12, ge=1, le=10_000, description="More from one person are not answered, with a kind word."
    )
    channel_messages_per_minute: int = Field(60, ge=1, le=100_000, description="The same for a whole channel.")


class TelegramSettings(_Section):
    """Telegram; docs/telegram.md shows the way to the first answer."""

    token: SecretStr = Field(
        SecretStr(""), description="The bot's token from @BotFather; better given in TELEGRAM_BOT_TOKEN."
    )
    base_url: Url = Field(
        "https://api.telegram.org/bot", description="The Bot API's address, for a server of your own."
    )
    base_file_url: Url = Field("https://api.telegram.org/file/bot", description="The same for files that people send.")
    mode: Literal["polling", "webhook"] = Field(
        "polling", description="polling needs no address that others can reach; webhook does."
    )
    webhook_url: Url = Field("", description="The public https address that leads to webhook_listen.")
    webhook_listen: Address = Field("127.0.0.1:8766", description="Where the webhook is received.")
    webhook_secret: SecretStr = Field(
        SecretStr(""), description="What Telegram must send along, 1 to 256 of A-Z a-z 0-9 _ -. Empty: made at start."
    )
    messages_per_second: float = Field(
        30.0, ge=1, le=1_000, description="In all chats together; Telegram allows 30, more against payment."
    )


class SlackSettings(_Section):
    """Slack; docs/slack.md shows the way to the first answer."""

    bot_token: SecretStr = Field(SecretStr(""), description="xoxb-...; better given in SLACK_BOT_TOKEN.")
    app_token: SecretStr = Field(
        SecretStr(""), description="xapp-... for Socket Mode; better given in SLACK_APP_TOKEN."
    )
    signing_secret: SecretStr = Field(
        SecretStr(""), description="For events by HTTP; better given in SLACK_SIGNING_SECRET."
    )
    mode: Literal["socket", "http"] = Field(
        "socket", description="socket needs no address that others can reach; http does."
    )
    base_url: Url = Field("https://slack.com/api/", description="The Web API's address.")
    listen: Address = Field("127.0.0.1:8767", description="Where events are received in http mode.")


class Settings(_Section):
    """All settings, section by section."""

    bot: BotSettings = BotSettings()
    models: ModelSettings = ModelSettings()
    store: StoreSettings = StoreSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    intents: IntentSettings = IntentSettings()
    answers: AnswerSettings = AnswerSettings()
    serve: ServeSettings = ServeSettings()
    web: WebSettings = WebSettings()
    telegram: TelegramSettings = TelegramSettings()
    slack: SlackSettings = SlackSettings()
    learning: LearningSettings = LearningSettings()

    @property
    def serves(self) -> tuple[str, ...]:
        """The chat platforms that are set up."""
        found = {"telegram": self.telegram.token, "slack": self.slack.bot_token}
        return tuple(name for name, secret in found.items() if secret.get_secret_value())


class Folders(BaseModel):
    """The two folders that Burnish writes to, and the settings file."""

    model_config = ConfigDict(frozen=True)

    home: Path  # everything the bot keeps
    cache: Path  # model weights; may be deleted at any time
    file: Path  # the settings file; may be absent

    @property
    def key_file(self) -> Path:
        """The encryption key."""
        return self.home / "burnish.key"

    @property
    def index(self) -> Path:
        """The search index, a copy of the store."""
        return self.home / "index"

    @property
    def intents(self) -> Path:
        """The trained intent head."""
        return self.home / "intents"

    @property
    def versions(self) -> Path:
        """The adapter versions."""
        return self.home / "versions"

    @property
    def training(self) -> Path:
        """What training runs work with, and the pictures of their reports."""
        return self.home / "training"

    @property
    def history(self) -> Path:
        """What was typed in the terminal."""
        return self.home / "history"


def folders(environ: Mapping[str, str], *, file: Path | None = None) -> Folders:
    """Find the folders and the settings file.

    Args:
        environ: The environment; BURNISH_HOME, BURNISH_CACHE and BURNISH_CONFIG are read.
        file: A settings file named on the command line.
    """
    home = Path(environ.get(HOME_VARIABLE) or platformdirs.user_data_dir("burnish")).expanduser().absolute()
    cache = Path(environ.get(CACHE_VARIABLE) or platformdirs.user_cache_dir("burnish")).expanduser().absolute()
    named = file or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    if named is not None and not named.is_file():
        raise ConfigError(f"There is no settings file at {named}; name an existing file or leave the option out.")
    return Folders(home=home, cache=cache, file=(named or home / "burnish.toml").absolute())


def load_settings(environ: Mapping[str, str], file: Path) -> Settings:
    """Read the settings file and the environment on top of the defaults.

    Args:
        environ: The environment; variables BURNISH_SECTION__KEY are read.
        file: The TOML file; may be absent.

    Raises:
        ConfigError: A setting is unknown or its value is not what is expected; one sentence.
    """
    values: dict[str, dict[str, Any]] = {}
    if file.is_file():
        for section, content in _read_toml(file).items():
            if not isinstance(content, dict):
                raise ConfigError(f"{file}: {section!r} stands outside a section; {_known_sections(section)}")
            values[section] = _checked(section, content, where=str(file))
    for section, key, value, variable in _from_environment(environ):
        content = _checked(section, {key: value}, where=variable)
        values.setdefault(section, {}).update(content)
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from error


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}.") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.") from error


def _from_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, Any, str]]:
    for variable, (section, key) in PLATFORM_VARIABLES.items():
        if environ.get(variable):
            yield section, key, environ[variable], variable
    for variable, text in sorted(environ.items()):
        if not variable.startswith(ENV_PREFIX) or variable in _RESERVED:
            continue
        section, separator, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        if not separator:
            raise ConfigError(
                f"The environment variable {variable} is not a setting; expected BURNISH_SECTION__KEY, such as "
                f"BURNISH_BOT__NAME, or one of {', '.join(sorted(_RESERVED))}."
            )
        yield section, key, text, variable


def _checked(section: str, content: Mapping[str, Any], *, where: str) -> dict[str, Any]:
    field = Settings.model_fields.get(section)
    if field is None:
        raise ConfigError(f"{where}: there is no section [{section}]; {_known_sections(section)}")
    known = list(_section_class(section).model_fields)
    for key in content:
        if key not in known:
            raise ConfigError(f"{where}: there is no setting {section}.{key}; {_nearest(key, known, section)}.")
    return dict(content)


def _section_class(section: str) -> type[_Section]:
    kind = Settings.model_fields[section].annotation
    assert isinstance(kind, type)  # noqa: S101 - a slip in this module, never an input
    return kind


def _known_sections(given: str) -> str:
    known = list(Settings.model_fields)
    near = difflib.get_close_matches(given, known, n=1, cutoff=0.5)
    owner = next((one for one in known if given in _section_class(one).model_fields), None)
    if owner is not None:
        return f"it belongs into [{owner}]."
    return f"did you mean [{near[0]}]?" if near else f"the sections are {', '.join(known)}."


def _nearest(key: str, known: list[str], section: str) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean {section}.{near[0]}" if near else f"[{section}] knows {', '.join(known)}"


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=True)[0]
    section, key = str(first["loc"][0]), str(first["loc"][1])
    default = _section_class(section).model_fields[key].default
    if isinstance(default, SecretStr):
        return f"{section}.{key} is not a valid value: expected text."
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    return f"{section}.{key} = {first['input']!r} does not fit: {message} (the default is {default!r})."


def effective(settings: Settings) -> dict[str, dict[str, Any]]:
    """The values in force, secrets masked."""
    shown: dict[str, dict[str, Any]] = {}
    for section in Settings.model_fields:
        part = getattr(settings, section)
        shown[section] = {key: _masked(key, getattr(part, key)) for key in type(part).model_fields}
    return shown


def _masked(key: str, value: object) -> object:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else ""
    if key == "url" and isinstance(value, str) and "@" in value:
        scheme, _, rest = value.partition("://")
        login, _, host = rest.rpartition("@")
        return f"{scheme}://{login.partition(':')[0]}:{MASK}@{host}"
    return value


def example_toml() -> str:
    """The text of burnish.example.toml: every setting with its default, unit and meaning."""
    lines = [
        "# Burnish's settings, each with its default. Copy to burnish.toml under the home folder",
        "# (`burnish config path` prints it) and keep only what you change.",
        "# Any of them can come from the environment: BURNISH_SECTION__KEY, such as BURNISH_BOT__NAME.",
    ]
    for section in Settings.model_fields:
        kind = _section_class(section)
        lines += ["", f"# {kind.__doc__}", f"[{section}]"]
        for key, field in kind.model_fields.items():
            default = field.default
            value = default.get_secret_value() if isinstance(default, SecretStr) else default
            lines += [f"# {field.description}", f"{key} = {json.dumps(value)}"]
    return "\n".join(lines) + "\n"
