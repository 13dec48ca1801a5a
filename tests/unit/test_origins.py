from __future__ import annotations

from pathlib import Path

import pytest

from bot.config import Settings, load_settings
from bot.origins import Origin, section_meaning, settings_shown


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file that says three things."""
    made = tmp_path / "burnish.toml"
    made.write_text('[bot]\nname = "Bernie"\nhistory_turns = 5\n[slack]\nbot_token = "xoxb-1"\n')
    return made


def test_a_value_comes_from_the_file_the_environment_or_is_the_default(file: Path) -> None:
    settings = load_settings({"BURNISH_BOT__HISTORY_TURNS": "7", "SLACK_BOT_TOKEN": "xoxb-2"}, file)
    found = {f"{one.section}.{one.key}": one for one in settings_shown(settings, file)}
    assert found["bot.name"].origin is Origin.FILE
    assert (found["bot.name"].value, found["bot.name"].default) == ("Bernie", "Burnish")
    assert found["bot.history_turns"].origin is Origin.ENVIRONMENT
    assert found["slack.bot_token"].origin is Origin.ENVIRONMENT, "of two secrets that look alike when masked"
    assert found["bot.language"].origin is Origin.DEFAULT
    assert [name for name, one in found.items() if one.changed] == ["bot.name", "bot.history_turns", "slack.bot_token"]


def test_every_setting_is_there_with_its_meaning_and_no_secret_is(file: Path) -> None:
    found = settings_shown(load_settings({}, file), file)
    assert len(found) == sum(len(type(getattr(Settings(), name)).model_fields) for name in Settings.model_fields)
    assert all(one.meaning for one in found)
    assert "xoxb-1" not in str(found)
    assert all(section_meaning(name) for name in Settings.model_fields)


def test_a_file_that_is_unsound_now_or_not_there_keeps_nothing_from_being_shown(file: Path) -> None:
    settings = load_settings({}, file)
    for content in ("[bot\n", "[bot]\nnmae = 1\n"):
        file.write_text(content)
        [name] = [one for one in settings_shown(settings, file) if (one.section, one.key) == ("bot", "name")]
        assert name.value == "Bernie"
    file.unlink()
    assert settings_shown(Settings(), file)
