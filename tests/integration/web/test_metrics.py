"""What Prometheus reads: that it follows the conventions, counts what happens, and is not for everybody."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from bot.types import Rating, RatingValue, Role, Scope
from tests.integration.web.site import Q_FROZEN, Q_REFUND, Site
from tests.stores import message

PROMTOOL = shutil.which("promtool")
NAME = re.compile(r"(burnish|process)(_[a-z]+)+")
LOOKED_AT = re.compile(r"\b(?:burnish|process)(?:_[a-z]+)+\b")
ROOT = Path(__file__).parents[3]
COUNTERS_END, NO_OTHER_ENDS = "_total", ("_total", "_count", "_sum", "_bucket", "_created")
UNITS = ("milliseconds", "minutes", "hours", "days", "megabytes", "kilobytes", "percent", "ms")  # base units only


async def read(site: Site, **headers: str) -> str:
    """The metrics as Prometheus reads them."""
    async with site.client() as client:
        response = await client.get("/metrics", headers=headers)
    assert response.status_code == 200, response.text
    return response.text


def families(text: str) -> Mapping[str, Metric]:
    """By name; a counter's has no _total, as in the library."""
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(text: str, name: str, **labels: str) -> float:
    """The sum of the samples that have these labels."""
    samples = [one for family in families(text).values() for one in family.samples if one.name == name]
    return sum(one.value for one in samples if labels.items() <= one.labels.items())


async def busy(site: Site) -> None:
    """Two questions on Slack, one of the answers rated."""
    for text in (Q_REFUND, Q_FROZEN):
        await site.desk.said(message(text, channel="D1"))
    await site.desk.idle()
    answer, person = site.store.answers.recent(1)[0], site.store.people.meet("slack", "U1")
    for _ in range(2):  # the same again changes nothing, and is not counted
        await site.parts.bot.rate(Rating(answer_id=answer.id, user_id=person.id, value=RatingValue.DOWN))


async def test_what_happens_is_counted_where_it_belongs(served: Site) -> None:
    before = await read(served)
    assert value(before, "burnish_ratings_total", value="down") == 0
    await busy(served)
    after = await read(served)
    assert value(after, "burnish_messages_total", platform="slack") == 2
    assert value(after, "burnish_answers_total", outcome="answered", kind="curated") == 1
    assert value(after, "burnish_answers_total", outcome="answered") == 2
    assert value(after, "burnish_answer_duration_seconds_count", outcome="answered") == 2
    assert value(after, "burnish_answer_wait_seconds_count") == 2
    assert value(after, "burnish_answer_first_token_seconds_count") == 1, "the curated answer does not grow"
    assert value(after, "burnish_ratings_total", value="down") == 1
    assert value(after, "burnish_desk_events_total", event="messages") == 2
    assert value(after, "burnish_queue_messages") == 0
    assert value(after, "burnish_documents") == 1
    assert value(after, "burnish_chunks") == 3
    assert value(after, "burnish_store_up") == 1
    assert value(after, "burnish_store_bytes") > 10_000
    assert value(after, "process_resident_memory_bytes") > 1_000_000
    assert value(after, "burnish_last_ingest_timestamp_seconds") == served.office.clock.now.timestamp()
    assert "burnish_last_backup_timestamp_seconds" not in families(after), "there never was one"


async def test_requests_are_counted_by_the_template_of_their_route(served: Site) -> None:
    async with served.client(served.login(Role.OWNER)) as client:
        for path in ("/login?code=abc", "/static/base.css", "/static/icon.svg", "/nowhere/at/all", "/v1/runs/7"):
            await client.get(path)
    text = await read(served)
    routes = {one.labels["route"]: one.value for one in families(text)["burnish_http_requests"].samples}
    assert routes == {"/login": 1, "/static/*": 2, "unmatched": 1, "/v1/*": 1}
    assert value(text, "burnish_http_requests_total", route="unmatched", status="404") == 1
    assert value(text, "burnish_http_request_duration_seconds_count", route="/static/*", method="GET") == 2
    assert value(text, "burnish_http_requests_in_progress") == 1, "the one that reads this"


async def test_an_invented_method_makes_no_series_of_its_own(served: Site) -> None:
    async with served.client() as client:
        await client.request("FROBNICATE", "/login")
    text = await read(served)
    assert value(text, "burnish_http_requests_total", method="OTHER") == 1
    assert "FROBNICATE" not in text


async def test_names_and_help_follow_the_conventions(served: Site) -> None:
    await busy(served)
    for name, family in families(await read(served)).items():
        assert NAME.fullmatch(name), name
        assert family.documentation.strip(), name
        assert not name.endswith(NO_OTHER_ENDS), name
        assert not name.endswith(UNITS), name
        if family.type == "counter":
            assert {one.name for one in family.samples} <= {name + COUNTERS_END}, name
        if family.type == "histogram":
            assert name.endswith("_seconds"), name
        for sample in family.samples:
            assert set(sample.labels).isdisjoint({"instance", "job"}), "Prometheus gives these itself"


@pytest.mark.skipif(PROMTOOL is None, reason="NOT CHECKED BY PROMTOOL: it is not installed (Debian: prometheus)")
async def test_promtool_finds_nothing_to_say(served: Site) -> None:
    await busy(served)
    checked = subprocess.run(  # noqa: ASYNC221 - a tool that takes a blink
        [str(PROMTOOL), "check", "metrics"], input=await read(served), capture_output=True, text=True, check=False
    )
    ours = [line for line in checked.stderr.splitlines() if line]
    assert (checked.returncode, ours) == (0, [])


async def test_programs_on_this_machine_read_it_and_others_need_a_key_that_allows_it(served: Site) -> None:
    _, right = served.store.api_keys.issue("prometheus", [Scope.METRICS])
    _, wrong = served.store.api_keys.issue("a bot", [Scope.CHAT])
    gone, revoked = served.store.api_keys.issue("old", [Scope.METRICS])
    served.store.api_keys.revoke(gone.id)
    proxied = {"X-Forwarded-For": "203.0.113.7"}
    async with served.client() as client:

        async def status(**headers: str) -> int:
            given = {name.replace("_", "-"): text for name, text in headers.items()}
            return (await client.get("/metrics", headers=given)).status_code

        assert await status() == 200
        assert await status(**proxied) == 403
        assert await status(Forwarded="for=203.0.113.7") == 403
        assert await status(Host="bot.example.org") == 403, "another site's name may be made to point here"
        assert await status(**proxied, Authorization=f"Bearer {right}") == 200
        for secret in (wrong, revoked, "bk-nothing", ""):
            assert await status(**proxied, Authorization=f"Bearer {secret}".strip()) == 403
        refused = await client.get("/metrics", headers=proxied)
    assert "burnish keys" in refused.json()["error"]["message"]


async def test_a_store_that_cannot_be_read_is_told_and_the_rest_still_counted(served: Site) -> None:
    await busy(served)
    with served.store.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE handoffs")
    text = await read(served)
    assert value(text, "burnish_store_up") == 0
    assert value(text, "burnish_messages_total") == 2
    assert "burnish_store_bytes" not in families(text)


@pytest.mark.parametrize("file", ["deploy/grafana/burnish.json", "deploy/prometheus/alerts.yml", "docs/operations.md"])
async def test_what_the_dashboard_the_alerts_and_the_page_for_operators_name_is_there(served: Site, file: str) -> None:
    await busy(served)
    served.store.census.note_backup(served.office.clock.now)
    async with served.client() as client:
        await client.get("/login")
    there = set[str]()
    for family in families(await read(served)).values():  # one without samples is declared all the same
        total = {family.name + COUNTERS_END} if family.type == "counter" else {family.name}
        there |= total | {sample.name for sample in family.samples}
    named = set(LOOKED_AT.findall((ROOT / file).read_text(encoding="utf-8")))
    assert len(named) > 4
    assert named <= there | {name.removesuffix("_bucket") for name in there}  # a page names a histogram as a whole
