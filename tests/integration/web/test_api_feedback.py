"""What programs say of answers, and what the bot makes of it."""

from __future__ import annotations

import pytest

from bot.types import Correction, Rating, RatingReason, RatingValue
from tests.integration.web.programs import ask, http_client, key_for
from tests.integration.web.site import Q_FROZEN, Q_INVOICE, Q_REFUND, Site
from tests.stores import answered


async def test_an_end_user_rates_an_answer_and_rates_it_again(served: Site) -> None:
    key, secret = key_for(served)
    async with http_client(served, secret) as client:
        answer_id = (await ask(client, Q_REFUND, user="ada")).json()["burnish"]["answer_id"]
        up = await client.post("/ratings", json={"answer_id": answer_id, "value": "up", "user": "ada"})
        down = {"answer_id": answer_id, "value": "down", "reason": "out of date", "comment": "Old.", "user": "ada"}
        said = [await client.post("/ratings", json=down) for _ in range(2)]
        program = await client.post("/ratings", json={"answer_id": answer_id, "value": "up", "reason": "out of date"})
    assert up.json() == {"object": "rating", "answer_id": answer_id, "value": "up", "reason": None}
    assert [one.json()["reason"] for one in said] == ["out of date"] * 2
    assert program.json()["reason"] is None, "a reason is of a bad answer alone"
    ada, itself = (served.store.people.by_platform("api", name) for name in (f"{key.id}:ada", f"{key.id}"))
    assert ada is not None
    assert itself is not None
    assert served.store.ratings.of(answer_id, ada.id) == Rating(
        answer_id=answer_id,
        user_id=ada.id,
        value=RatingValue.DOWN,
        reason=RatingReason.OUT_OF_DATE,
        comment="Old.",
    )
    assert served.store.ratings.tally() == {RatingValue.UP: 1, RatingValue.DOWN: 1}
    details = [one.detail for one in served.store.audit.tail(100) if one.action == "rate"]
    assert details == [f"answer {answer_id}: {value}" for value in ("up", "down", "up")], "the same again is no change"


async def test_a_correction_waits_for_an_admin_and_is_kept_once(served: Site) -> None:
    key, secret = key_for(served)
    async with http_client(served, secret) as client:
        answer_id = (await ask(client, Q_INVOICE, user="ada")).json()["burnish"]["answer_id"]
        body = {"answer_id": answer_id, "text": " They come by mail. ", "user": "ada"}
        said = [await client.post("/corrections", json=body) for _ in range(2)]
    assert [one.status_code for one in said] == [201, 201]
    assert said[0].json() == said[1].json()
    assert (said[0].json()["object"], said[0].json()["status"]) == ("correction", "proposed")
    [proposal] = served.store.ratings.proposed(9)
    assert (proposal.question, proposal.text) == (Q_INVOICE, "They come by mail.")
    ada = served.store.people.by_platform("api", f"{key.id}:ada")
    assert ada is not None
    assert served.store.ratings.corrections(answer_id) == (
        Correction(answer_id=answer_id, user_id=ada.id, text="They come by mail."),
    )
    [entry] = [one for one in served.store.audit.tail(100) if one.actor == f"api:{key.id}"]
    assert (entry.action, entry.detail) == ("correct", f"correction {proposal.id} of answer {answer_id}")


async def test_a_key_rates_and_corrects_no_answers_but_those_that_it_was_given(shared: Site) -> None:
    _, secret = key_for(shared)
    _, other = key_for(shared)
    people = answered(shared.store).id
    async with http_client(shared, secret) as client, http_client(shared, other) as stranger:
        mine = (await ask(client, Q_FROZEN, user="ada")).json()["burnish"]["answer_id"]
        for one, answer_id in ((stranger, mine), (client, people), (client, 10**9)):
            rated = await one.post("/ratings", json={"answer_id": answer_id, "value": "up"})
            corrected = await one.post("/corrections", json={"answer_id": answer_id, "text": "No."})
            for said in (rated, corrected):
                assert said.status_code == 404
                assert said.json()["error"]["param"] == "answer_id"
    assert shared.store.ratings.tally() == {RatingValue.UP: 0, RatingValue.DOWN: 0}


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/ratings", {"answer_id": 1, "value": "meh"}, "value"),
        ("/ratings", {"answer_id": 0, "value": "up"}, "answer_id"),
        ("/ratings", {"answer_id": 2**63, "value": "up"}, "answer_id"),
        ("/ratings", {"answer_id": 1, "value": "up", "user": "a\nb"}, "user"),
        ("/ratings", {"value": "up"}, "answer_id"),
        ("/corrections", {"answer_id": 1, "text": " "}, "text"),
        ("/corrections", {"answer_id": 1, "text": "a" * 4_001}, "text"),
    ],
)
async def test_what_does_not_fit_is_named(shared: Site, path: str, body: dict[str, object], param: str) -> None:
    _, secret = key_for(shared)
    async with http_client(shared, secret) as client:
        said = await client.post(path, json=body)
    assert said.status_code == 400
    assert said.json()["error"]["param"] == param
