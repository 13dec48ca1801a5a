"""Training by the API: started, watched, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from adapters.types import Stage, Task
from bot.learning.types import Phase, Sample, Step, TaskResult, Verdict
from tests.integration.web.programs import http_client, key_for
from tests.integration.web.site import Site


async def until(client: httpx.AsyncClient, run_id: int, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """A run once it is so far."""
    async with asyncio.timeout(30):
        while not holds(run := (await client.get(f"/runs/{run_id}")).json()):  # noqa: ASYNC110 - the API tells no event
            await asyncio.sleep(0.02)
    return dict(run)


async def ended(client: httpx.AsyncClient, run_id: int) -> dict[str, Any]:
    """A run at its end."""
    return await until(client, run_id, lambda run: run["state"] != "running")


async def test_a_run_is_started_watched_and_told_of_without_anybodys_words(served: Site) -> None:
    key, secret = key_for(served)
    served.office.held = asyncio.Event()
    served.office.steps = [Step(task=Task.INTENT, phase=Phase.TRAIN, done=1, total=4)]
    sample = Sample(question="A private question?", before="a", after="b")
    served.office.results = lambda _: (
        TaskResult(task=Task.INTENT, verdict=Verdict.TOO_FEW, have=3, need=20, samples=(sample,)),
        TaskResult(task=Task.GENERATOR, verdict=Verdict.NOTHING, examples=40, stage=Stage.REJECTED, seconds=1.5),
    )
    async with http_client(served, secret) as client:
        begun = await client.post("/runs", json={"tasks": ["generator", "intent"]})
        run_id = begun.json()["id"]
        watched = await until(client, run_id, lambda run: run["step"] is not None)
        second = await client.post("/runs", json={})
        served.office.held.set()
        run = await ended(client, run_id)
        listed = (await client.get("/runs", params={"limit": 1})).json()["data"]
        late = await client.post(f"/runs/{run_id}/cancel")
    assert begun.status_code == 201
    assert (begun.json()["state"], begun.json()["tasks"]) == ("running", ["intent", "generator"])
    assert watched["step"] == {"task": "intent", "phase": "train", "done": 1, "total": 4}
    assert (second.status_code, second.json()["error"]["code"]) == (409, "not_now")
    assert run["state"] == "done"
    assert run["results"] == [
        {
            "task": "intent",
            "verdict": "too few",
            "version": None,
            "stage": None,
            "examples": 3,
            "needed": 20,
            "seconds": 0.0,
        },
        {
            "task": "generator",
            "verdict": "nothing",
            "version": None,
            "stage": "rejected",
            "examples": 40,
            "needed": None,
            "seconds": 1.5,
        },
    ]
    assert listed == [run]
    assert "private" not in str(run)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "not_running")
    done = [(one.action, one.detail) for one in served.store.audit.tail(100) if one.actor == f"api:{key.id}"]
    assert done == [("retrain", f"run {run_id}: intent generator")]


async def test_a_run_is_cancelled_by_its_id_alone(served: Site) -> None:
    key, secret = key_for(served)
    served.office.held = asyncio.Event()
    async with http_client(served, secret) as client:
        run_id = (await client.post("/runs", json={"tasks": ["intent"]})).json()["id"]
        unknown = await client.post(f"/runs/{run_id + 1}/cancel")
        running = await client.get(f"/runs/{run_id}")
        cancelled = await client.post(f"/runs/{run_id}/cancel")
        run = await ended(client, run_id)
    assert unknown.status_code == 404
    assert running.json()["state"] == "running"
    assert cancelled.status_code == 200
    assert (run["state"], run["sentence"]) == ("cancelled", "cancelled")
    done = [(one.action, one.detail) for one in served.store.audit.tail(100) if one.actor == f"api:{key.id}"]
    assert done[-1] == ("retrain", f"cancel run {run_id}")


async def test_a_run_that_ended_is_not_mistaken_for_the_one_after_it(served: Site) -> None:
    _, secret = key_for(served)
    async with http_client(served, secret) as client:
        first = (await client.post("/runs", json={"tasks": ["intent"]})).json()["id"]
        await ended(client, first)
        served.office.held = asyncio.Event()
        second = (await client.post("/runs", json={"tasks": ["intent"]})).json()["id"]
        assert await served.office.loop.cancel(first) is None, "it ended after somebody had looked"
        said = await client.post(f"/runs/{first}/cancel")
        served.office.held.set()
        run = await ended(client, second)
    assert (said.status_code, said.json()["error"]["code"]) == (409, "not_running")
    assert run["state"] == "done"


async def test_while_learning_is_paused_no_run_begins(served: Site) -> None:
    _, secret = key_for(served)
    await served.office.loop.pause()
    async with http_client(served, secret) as client:
        said = await client.post("/runs", json={})
        nonsense = await client.post("/runs", json={"tasks": ["cooking"]})
    assert (said.status_code, said.json()["error"]["code"]) == (409, "not_now")
    assert (nonsense.status_code, nonsense.json()["error"]["param"]) == (400, "tasks[0]")
