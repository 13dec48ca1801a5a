"""What an admin drops into the chat page, and what is offered and shown from what is there."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from bot.store.people import WEB
from bot.types import Message, Origin, Role
from tests.integration.web.site import Site
from tests.integration.web.talking import talking

HTML = {"Accept": "text/html"}


def channel(site_name: str, talk: str = "t1") -> str:
    return f"{site_name}/{talk}"


async def test_a_document_that_an_admin_drops_is_taken_in_as_with_ingest(served: Site) -> None:
    login = served.login(Role.ADMIN)
    async with talking(served, login) as admin:
        content = b"# Parking\n\nGuests park behind the house."
        response = await admin.client.post(
            "/c/t1/file", params={"id": "drop-0001", "name": "parking.md"}, content=content
        )
        assert response.status_code == 202
        await served.desk.idle()
        [message] = served.store.inbox.named([1])
        [attachment] = message.message.origin.attachments
        assert (message.message.origin.command, attachment.name) == ("ingest", "parking.md")
        assert await served.chat.messenger.fetch(attachment.file_id) == content
        page = await admin.page()
        assert "parking.md" in page
        assert 'id="add"' in page


async def test_only_admins_drop_documents_and_none_that_are_too_large(served: Site) -> None:
    params = {"id": "drop-0001", "name": "a.md"}
    for login in (served.login(Role.TRAINER), served.login(Role.USER), served.visit()):
        async with served.client(login) as client:
            response = await client.post("/c/t1/file", params=params, content=b"x")
            assert response.status_code in {401, 403}
            assert 'id="add"' not in (await client.get("/c/t1", headers=HTML)).text
    async with served.client(served.login(Role.ADMIN)) as admin:
        too_large = b"x" * int(served.parts.documents.max_megabytes * 1_000_000 + 1)
        response = await admin.post("/c/t1/file", params=params, content=too_large)
        assert response.status_code == 413
        assert "a.md" in response.json()["error"]["message"]
        del admin.headers["X-CSRF-Token"]
        assert (await admin.post("/c/t1/file", params=params, content=b"x")).status_code == 403
    assert served.store.inbox.pending(platform=WEB) == ()
    assert not served.chat.files.exists() or not list(served.chat.files.iterdir())


async def test_the_first_questions_are_of_different_matters(served: Site) -> None:
    for question in ("How do I unfreeze a frozen account?", "What do cards cost?", "Where is the car park?"):
        served.parts.teacher.teach(question, "So.")
    async with talking(served, served.login()) as ada:
        said = re.findall(r'data-say="([^"]+)"', await ada.page())
        assert said == ["Why is my account frozen?", "What do cards cost?", "Where is the car park?"]


async def test_the_first_questions_that_are_offered_are_in_the_readers_language(served: Site) -> None:
    served.parts.teacher.teach("怎么退款？", "请联系客服。")
    async with talking(served, served.login()) as ada:
        said = re.findall(r'data-say="([^"]+)"', await ada.page())
        assert said == ["Why is my account frozen?", "怎么退款？"]
        await ada.client.post("/language", json={"language": "zh"})
        assert re.findall(r'data-say="([^"]+)"', await ada.page()) == said[::-1]


async def test_earlier_messages_are_shown_when_they_are_asked_for(served: Site) -> None:
    for number in range(70):
        message = Message(
            platform=WEB,
            event_id=f"1-t1-{number}",
            channel=channel("ada"),
            thread="",
            sender="ada",
            sender_name="Ada",
            text=f"Number {number}?",
            received_at=datetime.now(UTC),
            origin=Origin(message_id=f"n{number}"),
        )
        stored = served.store.inbox.accept(message, idle_minutes=30)
        assert stored is not None
        served.store.inbox.fail(stored.id)
    async with talking(served, served.login(name="ada")) as ada:
        page = await ada.page()
        assert "<p>Number 10?</p>" in page
        assert "<p>Number 9?</p>" not in page
        assert 'href="?earlier=true"' in page
        whole = (await ada.client.get("/c/t1?earlier=true", headers=HTML)).text
        assert "<p>Number 0?</p>" in whole
        assert "?earlier=true" not in whole
