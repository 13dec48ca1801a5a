"""Pictures reach both platforms through their real clients."""

from __future__ import annotations

from pydantic import SecretStr

from bot.config import SlackSettings, TelegramSettings
from bot.frontends.base import Target
from bot.frontends.slack.api import SlackApi
from bot.frontends.slack.messenger import SlackMessenger
from bot.frontends.telegram.api import Api
from bot.frontends.telegram.messenger import TelegramMessenger
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import BOT_TOKEN
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Person

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def test_a_picture_is_a_photo_with_a_caption_on_telegram() -> None:
    ada = Person(id=11, name="Ada")
    async with TelegramServer() as server:
        chat = server.world.private(ada)
        settings = TelegramSettings(token=SecretStr(server.token), base_url=server.base_url)
        api = Api(settings)
        try:
            messenger = TelegramMessenger(api)
            sent = await messenger.picture(Target(channel=await messenger.direct("11"), person="11"), PNG, "+12 %")
        finally:
            await api.aclose()
        [post] = server.world.replies(chat)
    assert (str(post.id), post.photo, post.text) == (sent, PNG, "+12 %")


async def test_a_picture_is_a_file_with_words_on_slack() -> None:
    async with SlackServer() as server:
        server.world.user("UADA")
        api = SlackApi(SlackSettings(bot_token=SecretStr(BOT_TOKEN), base_url=server.base_url))
        try:
            messenger = SlackMessenger(api)
            channel = await messenger.direct("UADA")
            await messenger.picture(Target(channel=channel, person="UADA"), PNG, "+12 %")
        finally:
            await api.aclose()
        [posted] = server.world.of_bot(channel)
        [file] = posted.files
        assert server.world.files[f"/upload/{file['id']}"] == PNG
        assert posted.text == "+12 %"
