"""The API keeps to its own schema, whatever is sent: schemathesis, unchanged, finds nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.integration.web.programs import http_client, key_for
from tests.integration.web.site import Site

SETTINGS = Path(__file__).parents[2] / "data" / "schemathesis.toml"


@pytest.mark.slow
async def test_schemathesis_finds_nothing(served: Site, tmp_path: Path) -> None:
    _, secret = key_for(served, per_minute=100_000)
    process = await asyncio.create_subprocess_exec(
        *(str(Path(sys.executable).with_name("schemathesis")), "--no-color", "--config-file", str(SETTINGS)),
        *("run", f"{served.address}/v1/openapi.json", "--header", f"Authorization: Bearer {secret}"),
        *("--seed", "1", "--generation-deterministic", "--max-examples", "5", "--phases", "examples,coverage,fuzzing"),
        cwd=tmp_path,  # it leaves its notes there
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    assert "16 selected / 16 total" in said.decode()


async def test_every_route_is_described_and_says_what_it_may_answer(shared: Site) -> None:
    async with http_client(shared, "") as client:
        schema = (await client.get("/openapi.json")).json()
    assert schema["servers"] == [{"url": "/v1"}]
    operations = [operation for methods in schema["paths"].values() for operation in methods.values()]
    for operation in operations:
        assert operation["summary"]
        assert operation["description"]
        assert operation["security"] == [{"key": []}]
        assert {"400", "401", "403", "413", "429"} <= set(operation["responses"])
        assert "422" not in operation["responses"]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert "HTTPValidationError" not in json.dumps(schema)
