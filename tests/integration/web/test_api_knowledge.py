"""Documents by the API: added, listed, searched and removed."""

from __future__ import annotations

import asyncio

from filelock import FileLock

from tests.integration.web.programs import ask, http_client, key_for
from tests.integration.web.site import REFUNDS, Site

PARCELS = "Parcels leave the warehouse on weekdays at noon."
Q_PARCELS = "When do parcels leave the warehouse?"


async def test_a_text_is_taken_in_found_answered_from_and_removed(served: Site) -> None:
    key, secret = key_for(served)
    async with http_client(served, secret) as client:
        added = await client.post("/knowledge", json={"title": "Parcels and more", "text": PARCELS})
        again = await client.post("/knowledge", json={"title": "Parcels and more", "text": PARCELS})
        [taken] = added.json()["data"]
        looked_at = (await client.get(f"/knowledge/{taken['document_id']}")).json()
        found = (await client.post("/knowledge/search", json={"query": Q_PARCELS, "limit": 1})).json()["data"]
        answer = (await ask(client, Q_PARCELS)).json()
        removed = await client.delete(f"/knowledge/{taken['document_id']}")
        gone = await client.get(f"/knowledge/{taken['document_id']}")
        twice = await client.delete(f"/knowledge/{taken['document_id']}")
    assert added.status_code == 201
    assert (taken["uri"], taken["outcome"], taken["chunks"]) == ("Parcels and more.md", "added", 1)
    assert again.json()["data"][0]["outcome"] == "unchanged"
    assert (looked_at["title"], looked_at["uri"], looked_at["media_type"]) == (
        "Parcels and more",
        "Parcels and more.md",
        "text/markdown",
    )
    assert [(one["rank"], one["text"], one["uri"]) for one in found] == [(1, PARCELS, "Parcels and more.md")]
    assert answer["burnish"]["sources"][0]["uri"] == "Parcels and more.md"
    assert removed.json() == {"object": "document.deleted", "id": taken["document_id"], "deleted": True}
    assert [gone.status_code, twice.status_code] == [404, 404]
    done = [(one.action, one.detail) for one in served.store.audit.tail(100) if one.actor == f"api:{key.id}"]
    assert done == [
        ("ingest", "Parcels and more.md"),
        ("ingest", "Parcels and more.md"),
        ("remove document", str(taken["document_id"])),
    ]


async def test_a_file_is_taken_in_and_what_cannot_be_read_is_refused_with_the_reason(served: Site) -> None:
    _, secret = key_for(served)
    async with http_client(served, secret) as client:
        added = await client.post("/knowledge/files", files={"file": ("../parcels.md", PARCELS.encode())})
        broken = await client.post("/knowledge/files", files={"file": ("parcels.pdf", b"%PDF-1.7 torn")})
        empty = await client.post("/knowledge/files", files={"file": ("empty.md", b"")})
        large = await client.post("/knowledge/files", files={"file": ("large.md", b"a" * 1_001)})
        larger = await client.post("/knowledge/files", files={"file": ("larger.md", b"a" * 200_000)})
        none = await client.post("/knowledge/files", data={"file": "no file"})
    assert added.status_code == 201
    assert added.json()["data"][0]["uri"] == "parcels.md"
    for said in (broken, empty):
        assert said.status_code == 400
        assert said.json()["error"]["code"] == "not_taken_in"
        assert str(served.office.uploads) not in said.text
    assert (large.status_code, large.json()["error"]["code"]) == (413, "file_too_large")
    assert (larger.status_code, larger.json()["error"]["code"]) == (413, "request_too_large")
    assert (none.status_code, none.json()["error"]["param"]) == (400, "file")


async def test_a_page_inside_the_own_network_is_not_read(shared: Site) -> None:
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        said = await client.post("/knowledge", json={"url": f"{shared.address}/health"})
        file = await client.post("/knowledge", json={"url": "file:///etc/passwd"})
    assert said.status_code == 400
    assert said.json()["error"]["code"] == "not_taken_in"
    assert file.status_code == 400


async def test_while_another_ingest_goes_on_a_program_is_told_to_come_back(served: Site) -> None:
    _, secret = key_for(served)
    lock = FileLock(served.office.uploads.parent / "ingest.lock")
    await asyncio.to_thread(lock.acquire)
    try:
        async with http_client(served, secret) as client:
            said = await client.post("/knowledge", json={"title": "Parcels", "text": PARCELS})
    finally:
        lock.release()
    assert (said.status_code, said.json()["error"]["code"]) == (409, "not_now")


async def test_documents_are_listed_page_by_page(served: Site) -> None:
    _, secret = key_for(served)
    async with http_client(served, secret) as client:
        for name in ("One", "Two", "Three"):
            assert (
                await client.post("/knowledge", json={"title": name, "text": f"{name}. {REFUNDS}"})
            ).status_code == 201
        titles, after, more = [], 0, True
        while more:
            page = (await client.get("/knowledge", params={"limit": 2, "after": after})).json()
            titles += [one["title"] for one in page["data"]]
            after, more = page["data"][-1]["id"], page["has_more"]
        bad = await client.get("/knowledge", params={"limit": 0})
    assert titles == ["Help", "One", "Two", "Three"]
    assert (bad.status_code, bad.json()["error"]["param"]) == (400, "limit")
