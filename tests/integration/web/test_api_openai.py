"""OpenAI's own client, unchanged: what it sends is understood, and what comes back is what it expects."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import openai
import pytest

from adapters.layout import seal_adapter
from adapters.types import AdapterVersion, Task
from bot.types import Scope
from tests.integration.web.programs import key_for, openai_client
from tests.integration.web.site import FROZEN, INVOICES, Q_FROZEN, Q_INVOICE, Q_REFUND, REFUNDS, Site
from tests.stores import NOON


def version(site: Site, folder: Path, *, base: str = "fits") -> AdapterVersion:
    """A version of the generator in the registry."""
    folder.mkdir()
    (folder / "weights").write_text(folder.name, encoding="utf-8")
    seal_adapter(folder, source="a run", base=base, created_at=NOON)
    return site.office.registry.add_candidate(Task.GENERATOR, folder)


async def test_the_client_gets_an_answer_with_its_sources(shared: Site) -> None:
    async with openai_client(shared) as client:
        said = await client.chat.completions.create(
            model="burnish", messages=[{"role": "user", "content": Q_REFUND}], user="ada"
        )
    assert said.object == "chat.completion"
    assert said.choices[0].message.content == f"{REFUNDS} [1]"
    assert said.choices[0].finish_reason == "stop"
    assert said.usage is not None
    assert said.usage.total_tokens == said.usage.prompt_tokens + said.usage.completion_tokens == 6 + 9
    assert said.model_extra is not None
    extension = said.model_extra["burnish"]
    assert extension["outcome"] == "answered"
    assert extension["kind"] == "generated"
    assert extension["tokens_counted_by"] == "encoder"
    assert [(one["number"], one["title"], one["excerpt"]) for one in extension["sources"]] == [(1, "Refunds", REFUNDS)]
    assert extension["trace"] is None
    stored = shared.store.answers.get(extension["answer_id"])
    assert stored is not None
    assert stored.question == Q_REFUND
    assert stored.answer.text == f"{REFUNDS} [1]"


async def test_the_client_that_does_not_wait_asynchronously_works_too(shared: Site) -> None:
    _, secret = key_for(shared)

    def talk() -> tuple[str | None, str, list[str]]:
        with openai.OpenAI(base_url=f"{shared.address}/v1", api_key=secret, max_retries=0) as client:
            whole = client.chat.completions.create(model="burnish", messages=[{"role": "user", "content": Q_INVOICE}])
            stream = client.chat.completions.create(
                model="burnish", messages=[{"role": "user", "content": Q_INVOICE}], stream=True
            )
            pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
            return whole.choices[0].message.content, "".join(pieces), [one.id for one in client.models.list()]

    whole, streamed, models = await asyncio.to_thread(talk)
    assert whole == streamed == f"{INVOICES} [1]"
    assert models == ["burnish", "burnish-embedding"]


async def test_a_stream_comes_in_chunks_with_sources_in_the_last_and_the_usage_behind_it(shared: Site) -> None:
    async with openai_client(shared) as client:
        stream = await client.chat.completions.create(
            model="burnish",
            messages=[{"role": "user", "content": Q_REFUND}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == f"{REFUNDS} [1]"
    last, usage = chunks[-2:]
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None] * (len(chunks) - 2) + ["stop"]
    assert last.model_extra is not None
    assert last.model_extra["burnish"]["sources"][0]["title"] == "Refunds"
    assert usage.choices == []
    assert usage.usage is not None
    assert usage.usage.completion_tokens == 9


async def test_the_clients_helper_for_streams_works(shared: Site) -> None:
    async with (
        openai_client(shared) as client,
        client.chat.completions.stream(model="burnish", messages=[{"role": "user", "content": Q_FROZEN}]) as stream,
    ):
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == FROZEN


async def test_embeddings_are_the_searchs_own_in_either_encoding(shared: Site) -> None:
    texts = [Q_REFUND, Q_INVOICE]
    expected = shared.office.encoder.encode(texts)
    async with openai_client(shared) as client:
        as_base64 = await client.embeddings.create(model="burnish-embedding", input=texts)  # what the client asks for
        as_floats = await client.embeddings.create(model="burnish-embedding", input=texts, encoding_format="float")
        single = await client.embeddings.create(model="burnish-embedding", input=texts[1])
    assert [one.index for one in as_base64.data] == [0, 1]
    assert np.allclose([one.embedding for one in as_base64.data], expected, atol=1e-7)
    assert np.allclose([one.embedding for one in as_floats.data], expected, atol=1e-7)
    assert np.allclose(single.data[0].embedding, expected[1], atol=1e-7)
    assert as_base64.usage.prompt_tokens == 10


async def test_tokens_too_many_texts_and_other_encoders_are_refused_by_name(shared: Site) -> None:
    async with openai_client(shared) as client:
        with pytest.raises(openai.BadRequestError) as tokens:
            await client.embeddings.create(model="burnish-embedding", input=[[1, 2, 3]])
        with pytest.raises(openai.BadRequestError) as many:
            await client.embeddings.create(model="burnish-embedding", input=["a"] * 257)
        with pytest.raises(openai.BadRequestError) as dimensions:
            await client.embeddings.create(model="burnish-embedding", input="a", dimensions=7)
        with pytest.raises(openai.NotFoundError) as model:
            await client.embeddings.create(model="text-embedding-3-small", input="a")
    assert tokens.value.param == "input[0]"
    assert many.value.param == "input"
    assert dimensions.value.param == "dimensions"
    assert "384" in dimensions.value.message
    assert model.value.code == "model_not_found"


async def test_a_version_is_asked_for_by_name_and_says_so(served: Site, tmp_path: Path) -> None:
    first = version(served, tmp_path / "first")
    second = version(served, tmp_path / "second")
    version(served, tmp_path / "other", base="another model")
    async with openai_client(served) as client:
        listed = {one.id: one async for one in client.models.list()}
        looked_at = await client.models.retrieve(f"burnish:{first.name}")
        said = [
            await client.chat.completions.create(
                model=f"burnish:{name}",
                messages=[{"role": "user", "content": Q_REFUND}],
                extra_body={"burnish": {"trace": True}},
            )
            for name in (first.name, first.name, second.name)
        ]
        plain = await client.chat.completions.create(model="burnish", messages=[{"role": "user", "content": Q_REFUND}])
    assert list(listed) == ["burnish", "burnish:generator-1", "burnish:generator-2", "burnish-embedding"]
    assert looked_at == listed["burnish:generator-1"]
    assert [one.model for one in said] == ["burnish:generator-1", "burnish:generator-1", "burnish:generator-2"]
    traces = [(one.model_extra or {})["burnish"]["trace"] for one in said]
    assert [trace["versions"]["generator"] for trace in traces] == ["generator-1", "generator-1", "generator-2"]
    assert [trace["draft"].rpartition("by ")[2] for trace in traces] == ["generator-1.", "generator-1.", "generator-2."]
    assert len(served.built) == 2, "a version that was loaded just now is not loaded again"
    assert plain.choices[0].message.content == f"{REFUNDS} [1]"


async def test_a_version_that_is_not_there_or_cannot_be_loaded_is_not_found(served: Site, tmp_path: Path) -> None:
    version(served, tmp_path / "other", base="another model")
    async with openai_client(served) as client:
        for name in ("burnish:generator-1", "burnish:generator-9", "burnish:nonsense", "burnish:", "gpt-5", ""):
            with pytest.raises(openai.NotFoundError) as error:
                await client.chat.completions.create(model=name, messages=[{"role": "user", "content": Q_REFUND}])
            assert (error.value.code, error.value.param) == ("model_not_found", "model")
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("burnish:generator-1")


async def test_errors_are_the_clients_own_exceptions(shared: Site) -> None:
    _, limited = key_for(shared, per_minute=1)
    asked = {"model": "burnish", "messages": [{"role": "user", "content": Q_REFUND}]}
    address = f"{shared.address}/v1"
    async with openai.AsyncOpenAI(base_url=address, api_key="bk-wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as unknown:
            await client.models.list()
    async with openai_client(shared, Scope.TRAIN) as client:
        with pytest.raises(openai.PermissionDeniedError) as unscoped:
            await client.models.list()
    async with openai.AsyncOpenAI(base_url=address, api_key=limited, max_retries=0) as client:
        await client.models.list()
        with pytest.raises(openai.RateLimitError) as often:
            await client.models.list()
    assert unknown.value.code == "invalid_api_key"
    assert unscoped.value.code == "missing_scope"
    assert often.value.code == "rate_limit_exceeded"
    assert 1 <= int(often.value.response.headers["retry-after"]) <= 60
    async with openai_client(shared) as client:
        with pytest.raises(openai.NotFoundError) as nowhere:
            await client.post("/audio/speech", body=asked, cast_to=object)
    assert nowhere.value.code == "unknown_url"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"modalities": ["text", "audio"]}, "modalities[1]"),
        ({"audio": {"voice": "alloy", "format": "wav"}}, "audio"),
        ({"stop": ["days"]}, "stop"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
    ],
)
async def test_what_would_change_the_answer_and_is_not_offered_is_refused_by_name(
    shared: Site, more: dict[str, object], param: str
) -> None:
    async with openai_client(shared) as client:
        with pytest.raises(openai.BadRequestError) as error:
            await client.chat.completions.create(
                model="burnish", messages=[{"role": "user", "content": Q_REFUND}], extra_body=more
            )
    assert (error.value.param, error.value.code) == (param, "unsupported_parameter")
    assert error.value.message.endswith(f"{param} is not offered here; leave it out.")


async def test_what_does_no_harm_is_taken_and_ignored(shared: Site) -> None:
    async with openai_client(shared) as client:
        said = await client.chat.completions.create(
            model="burnish",
            messages=[{"role": "user", "content": [{"type": "text", "text": Q_REFUND}]}],
            temperature=1.5,
            top_p=0.1,
            max_tokens=1,
            max_completion_tokens=1,
            presence_penalty=1,
            frequency_penalty=-1,
            seed=7,
            n=1,
            tools=[],
            logit_bias={"50256": -100},
            metadata={"a": "b"},
            store=True,
            service_tier="auto",
            reasoning_effort="low",
            response_format={"type": "text"},
            modalities=["text"],
            safety_identifier="ada",
        )
    assert said.choices[0].message.content == f"{REFUNDS} [1]"
