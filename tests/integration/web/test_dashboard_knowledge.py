"""Documents on the dashboard: what is known and used, taking in with progress, removing, and search."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from bot.types import AnswerKind, Rating, RatingReason, RatingValue, Role, Source
from bot.web.access import CSRF_HEADER
from tests.integration.web.site import FROZEN, INVOICES, Q_REFUND, REFUNDS, Site
from tests.integration.web.test_dashboard import HTML, text_of
from tests.integration.web.test_dashboard_answers import post, read
from tests.stores import answer

PARKING = b"# Parking\n\nVisitors park behind the house, for two hours at most.\n"
File = tuple[str, tuple[str, bytes, str]]


def file(name: str, content: bytes) -> File:
    """A file of an upload."""
    return ("files", (name, content, "application/octet-stream"))


async def upload(client: httpx.AsyncClient, *files: File) -> str:
    """Send files, and wait for what becomes of them; the page that says so."""
    response = await client.post("/dashboard/knowledge/upload", files=list(files), headers=HTML)
    assert response.status_code == 303, response.text
    return await ended(client, response.headers["Location"])


async def ended(client: httpx.AsyncClient, path: str) -> str:
    """Wait until nothing on a page asks for its next state; what it says."""
    for _ in range(1000):
        shown = (await client.get(path, headers=HTML)).text
        if 'hx-trigger="load delay' not in shown:
            return text_of(shown)
        await asyncio.sleep(0.02)
    raise TimeoutError(path)


def document_id(site: Site, name: str) -> int:
    """Of the document whose file is called so."""
    return next(one.id for one in site.store.knowledge.documents() if one.uri.endswith(f"/{name}"))


async def test_files_are_taken_in_and_found_and_what_cannot_be_is_said(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await upload(
            client,
            file("parking.md", PARKING),
            file("../../etc/pass wd.md", b"# Doors\n\nThe door opens at nine.\n"),
            file("large.txt", b"x" * 1_001),
            file("broken.pdf", b"%PDF-1.7 nothing"),
        )
        assert "2 documents were read." in shown
        assert re.search(r"parking.md new 1", shown)
        assert "large.txt" in shown
        assert "broken.pdf" in shown
        found = await read(client, "/knowledge/search?words=where do visitors park")
        assert "Visitors park behind the house" in found
        assert await read(client, f"/knowledge/{document_id(served, 'parking.md')}")
    uploads = [one.relative_to(served.office.uploads).parts for one in served.office.uploads.rglob("*.*")]
    assert all(len(parts) == 2 for parts in uploads), "whatever a name says, it stays in its folder"
    ((actor, action, place, detail),) = served.office.audit()
    assert (actor, action, place) == ("web:admin", "ingest", "web")
    assert detail.startswith("parking.md, pass wd.md, broken.pdf")


async def test_an_earlier_upload_of_the_same_name_is_offered_for_removal(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        await upload(client, file("parking.md", PARKING))
        first = document_id(served, "parking.md")
        shown = await upload(client, file("parking.md", PARKING.replace(b"two", b"three")))
        assert "Earlier uploads" in shown
        await post(client, f"/knowledge/{first}/remove")
        assert "parking.md" in await read(client, "/knowledge")
    assert [one.id for one in served.store.knowledge.documents() if one.uri.endswith("/parking.md")] != [first]


async def test_nothing_chosen_and_too_much_are_refused_in_words(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        assert "Choose a file first." in await _sent(client, file("", b""))
        assert "large.md" in await _sent(client, file("large.md", b"x" * 1_001))
        huge = await client.post("/dashboard/knowledge/upload", files=[file("huge.md", b"x" * 2_000_000)], headers=HTML)
        assert huge.status_code == 413
        headers = {**HTML, "Content-Type": "multipart/form-data; boundary=x"}
        unsaid = await client.post("/dashboard/knowledge/upload", content=_pieces(), headers=headers)
        assert unsaid.status_code == 413
    assert served.office.audit() == []


async def test_an_upload_of_somebody_else_is_not_even_read(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        refused = await client.post("/dashboard/knowledge/upload", files=[file("a.md", PARKING)], headers=HTML)
    admin = served.login(Role.ADMIN)
    async with served.client(admin) as client:
        del client.headers[CSRF_HEADER]
        forged = await client.post("/dashboard/knowledge/upload", files=[file("a.md", PARKING)], headers=HTML)
        form = {"csrf": admin.csrf}
        own = await client.post("/dashboard/knowledge/upload", files=[file("a.md", PARKING)], data=form, headers=HTML)
        await ended(client, own.headers["Location"])
    assert (refused.status_code, forged.status_code, own.status_code) == (403, 403, 303)


@pytest.mark.parametrize("named", ["", "  ", "/etc/passwd", "https://a.example file:///etc/passwd", "ftp://a.example"])
async def test_only_web_addresses_are_taken_in_by_name(shared: Site, named: str) -> None:
    async with shared.client(shared.login(Role.ADMIN)) as client:
        response = await client.post("/dashboard/knowledge/address", data={"addresses": named}, headers=HTML)
        assert response.headers["Location"] == "/dashboard/knowledge"
        assert "begin with http:// or https://" in await read(client, "/knowledge")


async def test_a_web_address_that_must_not_be_visited_is_listed_with_the_reason(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        fields = {"addresses": "http://127.0.0.1:9/secret"}
        response = await client.post("/dashboard/knowledge/address", data=fields, headers=HTML)
        shown = await ended(client, response.headers["Location"])
    assert "Nothing could be read." in shown
    assert "http://127.0.0.1:9/secret" in shown


class Slowly:
    """Has an ingest wait, after each document, until it may go on."""

    def __init__(self, site: Site) -> None:
        self.reached, self.go = threading.Semaphore(0), threading.Event()
        site.office.between = self._wait

    def _wait(self) -> None:
        self.reached.release()
        self.go.wait(60)


async def test_progress_is_shown_and_an_ingest_can_be_stopped(served: Site) -> None:
    slowly = Slowly(served)
    async with served.client(served.login(Role.ADMIN)) as client:
        files = [file(f"{number}.md", PARKING + b"%d" % number) for number in range(3)]
        response = await client.post("/dashboard/knowledge/upload", files=files, headers=HTML)
        path = response.headers["Location"]
        await asyncio.to_thread(slowly.reached.acquire, timeout=60)
        assert "Being taken in: 0.md, 1.md, 2.md" in await read(client, "/knowledge")
        shown = (await client.get(path, headers=HTML)).text
        assert "<progress" in shown
        stopping = await client.post(f"{path}/stop", headers=HTML)
        assert stopping.headers["Location"] == path
        slowly.go.set()
        assert "Stopped." in await ended(client, path)
        assert "Being taken in" not in await read(client, "/knowledge")
        assert (await client.post(f"{path}/stop")).status_code == 303, "again does nothing"
    assert ("web:admin", "ingest", "web", "0.md, 1.md, 2.md stopped") in served.office.audit()


async def test_a_second_lot_waits_for_the_first(served: Site) -> None:
    slowly = Slowly(served)
    async with served.client(served.login(Role.ADMIN)) as client:
        paths = []
        for name in ("a.md", "b.md"):
            content = [file(name, PARKING + name.encode())]
            paths.append((await client.post("/dashboard/knowledge/upload", files=content)).headers["Location"])
        await asyncio.to_thread(slowly.reached.acquire, timeout=60)
        slowly.go.set()
        for path in paths:
            assert "One document was read." in await ended(client, path)


async def test_an_ingest_that_breaks_says_so_without_its_reason(served: Site) -> None:
    def broken() -> None:
        raise OSError("/secret/path")

    served.office.between = broken
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await upload(client, file("a.md", PARKING))
        assert "That did not work." in shown
        assert "/secret/path" not in shown
        assert (await client.get("/dashboard/knowledge/ingests/99", headers=HTML)).status_code == 404


async def test_documents_are_listed_with_how_they_are_used(served: Site) -> None:
    office = served.office
    source = Source(number=1, title="Refunds", uri="/help/a.md", anchor="", excerpt=REFUNDS, chunk_id=1)
    quoted = replace(answer(REFUNDS), kind=AnswerKind.QUOTED, sources=(source,))
    office.asked(Q_REFUND, quoted)
    async with served.client(served.login(Role.ADMIN)) as client:
        await upload(client, file("parking.md", PARKING))
        shown = await read(client, "/knowledge")
        assert re.search(r"Help a\.md 3 1 \d{4}", shown)
        assert re.search(r"Parking parking\.md 1 –", shown)
        assert "parking.md" not in await read(client, "/knowledge?show=unused"), "it came only now"
        assert "parking.md" in await read(client, "/knowledge?words=PARK")
        assert "Help" not in await read(client, "/knowledge?words=PARK")
        assert "No document is like that." in await read(client, "/knowledge?show=outdated")
        assert "parking.md" not in await read(client, "/knowledge?show=old")
    office.clock.now += timedelta(days=31)
    office.asked(Q_REFUND, quoted)
    async with served.client(served.login(Role.ADMIN)) as client:
        unused = await read(client, "/knowledge?show=unused")
        assert ("parking.md" in unused, "a.md" in unused) == (True, False)
    office.clock.now += timedelta(days=169)
    async with served.client(served.login(Role.ADMIN)) as client:
        assert "parking.md" in await read(client, "/knowledge?show=old")


async def test_a_document_that_is_called_out_of_date_is_shown_with_what_was_asked_and_settled(served: Site) -> None:
    office = served.office
    source = Source(number=1, title="Refunds", uri="/help/a.md", anchor="", excerpt=REFUNDS, chunk_id=1)
    given = office.asked("How long now?", replace(answer(REFUNDS), sources=(source,)))
    user = office.person_id(Role.USER)
    served.store.ratings.rate(
        Rating(answer_id=given.id, user_id=user, value=RatingValue.DOWN, reason=RatingReason.OUT_OF_DATE)
    )
    path = f"/knowledge/{document_id(served, 'a.md')}"
    async with served.client(served.login(Role.ADMIN)) as client:
        assert "called out of date by one person" in await read(client, "/knowledge?show=outdated")
        shown = await read(client, path)
        assert "How long now?" in shown
        assert FROZEN in shown
        assert INVOICES in shown
        await post(client, f"{path}/settle")
        assert "called out of date" not in await read(client, path)
        await post(client, f"{path}/settle")
        assert (await client.get("/dashboard/knowledge/999", headers=HTML)).status_code == 404


async def test_a_document_is_removed_after_a_question(served: Site) -> None:
    number = document_id(served, "a.md")
    async with served.client(served.login(Role.ADMIN)) as client:
        assert "Remove “Help” with its 3 passages?" in await read(client, f"/knowledge/{number}")
        assert "There are no documents yet." in await post(client, f"/knowledge/{number}/remove")
        again = await client.post(f"/dashboard/knowledge/{number}/remove", headers=HTML)
        assert again.status_code == 404
    assert ("web:admin", "knowledge", "web", f"remove document {number}: a.md") in served.office.audit()


async def test_a_search_shows_what_the_bot_sees_and_what_it_would_answer_and_keeps_nothing(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        found = await read(client, f"/knowledge/search?words={Q_REFUND}")
        assert re.search(r"1\. Refunds by meaning 0\.\d{3} · by words \d\.\d\d · both 0\.\d{3} · a\.md", found)
        would = await read(client, f"/knowledge/rehearsal?words={Q_REFUND}")
        for part in (REFUNDS, "answered", "Taken for", "question (sure by 100 %", "writes scripted-generator"):
            assert part in would, part
        assert "Give a question first." in await read(client, "/knowledge/rehearsal")
    now = served.office.clock.now
    assert served.store.overview.totals(now - timedelta(days=1), now + timedelta(days=1)).questions == 0


async def _sent(client: httpx.AsyncClient, *files: File) -> str:
    """Send what is refused; the page that one is led to."""
    response = await client.post("/dashboard/knowledge/upload", files=list(files), headers=HTML)
    assert response.headers["Location"] == "/dashboard/knowledge"
    return await read(client, "/knowledge")


async def _pieces() -> AsyncIterator[bytes]:
    """A body whose length is not said."""
    yield b"--x--"
