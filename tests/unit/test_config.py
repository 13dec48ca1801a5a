"""Settings: file, environment, and what is said when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import ConfigError, Settings, effective, example_toml, folders, load_settings

ROOT = Path(__file__).parents[2]


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "burnish.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path / "absent.toml") == Settings()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = written(tmp_path, '[bot]\nname = "Ada"\nhistory_turns = 2\n')
    settings = load_settings({"BURNISH_BOT__NAME": "Grace", "BURNISH_KNOWLEDGE__TOP_K": "7"}, file)
    assert (settings.bot.name, settings.bot.history_turns, settings.knowledge.top_k) == ("Grace", 2, 7)


def test_the_folders_are_no_settings_but_may_stand_in_the_environment(tmp_path: Path) -> None:
    environ = {"BURNISH_HOME": str(tmp_path / "home"), "BURNISH_CACHE": str(tmp_path / "cache")}
    found = folders(environ)
    assert (found.home, found.cache) == (tmp_path / "home", tmp_path / "cache")
    assert found.file == tmp_path / "home" / "burnish.toml"
    assert load_settings(environ, found.file) == Settings()


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ("[bott]\nname = 'x'", "there is no section [bott]; did you mean [bot]?"),
        ("[bot]\nnaem = 'x'", "there is no setting bot.naem; did you mean bot.name"),
        ("[knowledge]\ntop_k = 0", "knowledge.top_k = 0 does not fit: input should be greater than or equal to 1"),
        (
            "[models]\ndevice = 'gpu'",
            "models.device = 'gpu' does not fit: input should be 'auto', 'cpu', 'cuda' or 'mps'",
        ),
        ("top_k = 3", "'top_k' stands outside a section"),
        ("[bot\n", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence_that_names_what_fits(tmp_path: Path, toml: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({}, written(tmp_path, toml))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("BURNISH_BOT__NAEM", "BURNISH_BOT__NAEM: there is no setting bot.naem; did you mean bot.name"),
        ("BURNISH_NAME", "expected BURNISH_SECTION__KEY"),
        ("BURNISH_STROE__URL", "did you mean [store]?"),
    ],
)
def test_a_wrong_variable_is_one_sentence_that_names_it(tmp_path: Path, variable: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match="BURNISH_") as caught:
        load_settings({variable: "x"}, tmp_path / "absent.toml")
    assert sentence in str(caught.value)


def test_a_settings_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="There is no settings file at"):
        folders({"BURNISH_CONFIG": str(tmp_path / "absent.toml")})


def test_secrets_are_masked_where_settings_are_shown_and_in_errors(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "BURNISH_STORE__KEY": "hush-hush",
            "BURNISH_STORE__URL": "postgresql+psycopg://ada:hush-hush@db/burnish",
            "BURNISH_MODELS__GENERATOR_API_KEY": "hush-hush",
        },
        tmp_path / "absent.toml",
    )
    assert "hush-hush" not in str(effective(settings))
    assert effective(settings)["store"]["url"] == "postgresql+psycopg://ada:********@db/burnish"
    with pytest.raises(ConfigError) as caught:
        load_settings({}, written(tmp_path, "[store]\nkey = 12345678"))
    assert "12345678" not in str(caught.value)


def test_the_example_file_in_the_repository_is_the_generated_one() -> None:
    assert (ROOT / "burnish.example.toml").read_text(encoding="utf-8") == example_toml()


def test_the_example_file_sets_every_default(tmp_path: Path) -> None:
    assert load_settings({}, written(tmp_path, example_toml())) == Settings()


def test_the_platforms_own_variables_are_read_and_ours_win_over_them(tmp_path: Path) -> None:
    environ = {"TELEGRAM_BOT_TOKEN": "1:a", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "", "PATH": "/bin"}
    settings = load_settings(environ, tmp_path / "none.toml")
    assert settings.serves == ("telegram", "slack")
    assert settings.telegram.token.get_secret_value() == "1:a"
    assert settings.slack.app_token.get_secret_value() == ""
    both = load_settings({**environ, "BURNISH_TELEGRAM__TOKEN": "2:b"}, tmp_path / "none.toml")
    assert both.telegram.token.get_secret_value() == "2:b"
    shown = repr(settings) + str(effective(settings))
    assert "1:a" not in shown
    assert "xoxb-1" not in shown


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("BURNISH_SERVE__TEAM", "C0123", "expected slack:CHANNEL or telegram:CHAT"),
        ("BURNISH_SERVE__LISTEN", "8765", "expected HOST:PORT"),
        ("BURNISH_SLACK__BASE_URL", "slack.com/api", "expected an address that begins with http"),
    ],
)
def test_a_malformed_place_is_named_with_what_was_expected(
    tmp_path: Path, variable: str, value: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence):
        load_settings({variable: value}, tmp_path / "none.toml")
