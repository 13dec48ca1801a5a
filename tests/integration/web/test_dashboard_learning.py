"""The dashboard's pages about versions and training runs, over real HTTP."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from adapters.types import Stage, Task
from bot.learning.types import Cause, Phase, Step, TaskResult, Verdict
from bot.store.runs import Asker
from bot.store.schema import RunState
from bot.texts import say
from bot.types import Role
from tests.integration.web.machine import QUESTION, add_picture, add_run, add_version, result
from tests.integration.web.site import Site

HTML = {"Accept": "text/html"}


async def seen(site: Site, path: str, *, role: Role = Role.ADMIN, language: str = "en") -> str:
    """A page as somebody with a role sees it."""
    async with site.client(site.login(role)) as client:
        found = await client.get(path, headers={**HTML, "Accept-Language": language})
        assert found.status_code == 200, found.text
        return found.text


async def told(client: httpx.AsyncClient, path: str, **form: str | list[str]) -> str:
    """The page to which a form leads, with what it says of what was done."""
    done = await client.post(path, data=form)
    assert done.status_code == 303, done.text
    return (await client.get(done.headers["location"], headers=HTML)).text


def stage(site: Site, name: str) -> Stage:
    """Of a version."""
    return site.office.registry.version(Task(name.partition("-")[0]), name).stage


def audited(site: Site) -> list[tuple[str, str, str, str]]:
    """What the admin did on the web."""
    return [one for one in site.office.audit() if one[2] == "web"]


# -- versions


async def test_before_anything_is_learned_the_page_says_what_serves(served: Site) -> None:
    shown = await seen(served, "/dashboard/versions")
    assert shown.count(say("learn-none", "en")) == 3


async def test_versions_are_listed_with_their_gain_and_whom_they_learned_from(served: Site) -> None:
    add_version(served, ratings=("7:1", "8:1", "9:2"), gain=0.12)
    add_version(served, gain=None)
    served.office.registry.promote(Task.GENERATOR, "generator-1")
    shown = await seen(served, "/dashboard/versions")
    assert "3 ratings" in shown
    assert "+10.0 (+5.8 to +14.3)" in shown
    assert 'class="gain better"' in shown
    assert shown.count(say("learn-not-compared", "en")) == 1
    assert say("learn-is-active", "en") in shown
    assert say("learn-is-active", "zh") in await seen(served, "/dashboard/versions", language="zh")


async def test_a_version_has_its_report_in_words_and_numbers_and_its_origin(served: Site) -> None:
    add_version(served)
    add_version(served, parent="generator-1", run=5, gain=0.12)
    shown = await seen(served, "/dashboard/versions/generator-2")
    assert "On 40 held-out questions its answers are worth +10.0 points more" in shown
    assert say("learn-suite", "en", cases=3, broken=0, mended=1) in shown
    assert say("part-right-passage", "en") in shown
    assert 'href="/dashboard/runs/5"' in shown
    assert "compare?first=generator-1&amp;second=generator-2" in shown
    assert "training.loss" not in shown
    assert "<code>loss</code>" in shown


async def test_a_version_that_is_torn_does_not_take_the_page_with_it(served: Site) -> None:
    add_version(served)
    torn = served.office.registry.version(Task.GENERATOR, "generator-1").folder / "lineage.json"
    torn.write_text("{")
    assert say("learn-torn", "en") in await seen(served, "/dashboard/versions")
    assert say("learn-torn", "en") in await seen(served, "/dashboard/versions/generator-1")
    add_version(served)
    shown = await seen(served, "/dashboard/versions/compare?first=generator-1&second=generator-2")
    assert say("learn-torn", "en") in shown


@pytest.mark.parametrize("name", ["generator-9", "nonsense", "..%2f..%2fburnish.key", "generator-1%2f..%2fx"])
async def test_a_version_or_picture_that_is_not_there_is_no_page(served: Site, name: str) -> None:
    add_version(served)
    async with served.client(served.login(Role.ADMIN)) as client:
        for path in (f"/dashboard/versions/{name}", f"/dashboard/versions/{name}/picture"):
            assert (await client.get(path, headers=HTML)).status_code == 404
        assert (await client.get("/dashboard/versions/generator-1/picture")).status_code == 404, "it has none"


async def test_a_picture_is_for_admins_alone(served: Site) -> None:
    name = add_version(served)
    content = add_picture(served, name)
    path = f"/dashboard/versions/{name}/picture"
    async with served.client(served.login(Role.ADMIN)) as client:
        found = await client.get(path)
        assert (found.content, found.headers["content-type"]) == (content, "image/png")
        assert found.headers["cache-control"] == "no-store"
    async with served.client(served.login(Role.TRAINER)) as client:
        assert (await client.get(path)).status_code == 403
    async with served.client() as client:
        assert (await client.get(path)).status_code == 401


async def test_a_version_is_promoted_turned_down_and_rolled_back(served: Site) -> None:
    for _ in range(3):
        add_version(served)
    served.office.registry.promote(Task.GENERATOR, "generator-1")
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, "/dashboard/versions/generator-2/promote")
        assert say("promoted", "en", version="generator-2") in shown
        assert stage(served, "generator-2") is Stage.ACTIVE
        assert say("kept-old", "en", version="generator-3") in await told(
            client, "/dashboard/versions/generator-3/keep-old"
        )
        assert stage(served, "generator-3") is Stage.REJECTED
        back = {"task": "generator", "to": "generator-1"}
        assert say("rolled-back", "en", version="generator-1") in await told(client, "/dashboard/rollback", **back)
        assert stage(served, "generator-1") is Stage.ACTIVE
        assert say("rolled-back-to-first", "en") in await told(client, "/dashboard/rollback", task="generator")
    assert audited(served) == [
        ("web:admin", "promote", "web", "generator-2"),
        ("web:admin", "versions", "web", "turn generator-3 down"),
        ("web:admin", "rollback", "web", "roll back to generator-1"),
        ("web:admin", "rollback", "web", "roll generator back"),
    ]


async def test_a_rollback_that_is_asked_for_twice_goes_back_once(served: Site) -> None:
    for name in ("generator-1", "generator-2", "generator-3"):
        add_version(served)
        served.office.registry.promote(Task.GENERATOR, name)
    async with served.client(served.login(Role.ADMIN)) as client:
        page = (await client.get("/dashboard/versions", headers=HTML)).text
        assert '<input type="hidden" name="to" value="generator-2">' in page
        back = {"task": "generator", "to": "generator-2"}
        await told(client, "/dashboard/rollback", **back)
        assert say("learn-moved", "en") in await told(client, "/dashboard/rollback", **back)
    assert stage(served, "generator-2") is Stage.ACTIVE
    assert [action for _, action, _, _ in audited(served)] == ["rollback", "refused: rollback"]


async def test_what_cannot_be_done_with_a_version_is_refused_with_the_reason(served: Site) -> None:
    for ratings in (("1:1",), ("2:2",), ("3:3",)):
        add_version(served, ratings=ratings)
    registry = served.office.registry
    registry.promote(Task.GENERATOR, "generator-1")
    registry.mark_stale(["2:2"])
    (registry.version(Task.GENERATOR, "generator-3").folder / "weights").write_text("torn")
    async with served.client(served.login(Role.ADMIN)) as client:
        for path, form, sentence in (
            ("versions/generator-1/promote", {}, say("promoted-before", "en", version="generator-1")),
            ("versions/generator-1/keep-old", {}, say("learn-waits-for-nothing", "en", version="generator-1")),
            ("versions/generator-2/promote", {}, say("learn-refused-stale", "en", version="generator-2")),
            ("versions/generator-3/promote", {}, say("learn-refused-unfit", "en", version="generator-3")),
            ("rollback", {"task": "intent"}, say("rollback-nothing", "en")),
        ):
            assert sentence in await told(client, f"/dashboard/{path}", **form), path
    assert stage(served, "generator-1") is Stage.ACTIVE
    assert [action for _, action, _, _ in audited(served)] == [
        "refused: promote",
        "refused: versions",
        "refused: promote",
        "refused: promote",
        "refused: rollback",
    ]


async def test_old_versions_are_removed_as_the_settings_say(served: Site) -> None:
    for _ in range(9):
        served.office.registry.promote(Task.GENERATOR, add_version(served))
    async with served.client(served.login(Role.ADMIN)) as client:
        assert "generator-1" in await told(client, "/dashboard/prune", task="generator")
        assert say("learn-pruned-none", "en") in await told(client, "/dashboard/prune", task="generator")
    left = [one.name for one in served.office.registry.versions(Task.GENERATOR)]
    assert "generator-9" in left
    assert len(left) < 9


async def test_two_versions_stand_side_by_side(served: Site) -> None:
    add_version(served, gain=0.1)
    add_version(served, parent="generator-1", gain=0.02)
    add_version(served, Task.INTENT)
    shown = await seen(served, "/dashboard/versions/compare?first=generator-1&second=generator-2")
    assert "report.decision.gain.value" in shown
    assert say("learn-each", "en") in shown
    async with served.client(served.login(Role.ADMIN)) as client:
        for second in ("intent-1", "generator-1"):
            found = await client.get(f"/dashboard/versions/compare?first=generator-1&second={second}", headers=HTML)
            assert found.status_code == 303
            shown = (await client.get(found.headers["location"], headers=HTML)).text
            assert say("learn-compare-two", "en") in shown


# -- runs


async def trained(site: Site, *, samples: bool = True) -> int:
    """A run of this program that made generator-1."""

    def made(_: object) -> tuple[TaskResult, ...]:
        name = add_version(site, run=1)
        return (result(name, samples=samples),)

    site.office.results = made
    begun = await site.office.loop.retrain([Task.GENERATOR], cause=Cause.SERVER)
    await site.office.loop.wait(begun.id)
    return begun.id


async def test_answers_before_and_after_are_shown_until_somebody_is_forgotten(served: Site) -> None:
    run = await trained(served)
    pages = (f"/dashboard/runs/{run}", "/dashboard/versions/generator-1")
    for path in pages:
        assert QUESTION in await seen(served, path)
    served.office.registry.mark_stale(
        ["55:9"]
    )  # somebody whose question may be among them without teaching the version
    for path in pages:
        assert QUESTION not in await seen(served, path)


async def test_a_run_is_begun_for_the_parts_that_are_chosen(served: Site) -> None:
    served.office.held = asyncio.Event()
    async with served.client(served.login(Role.ADMIN)) as client:
        assert say("learn-choose-part", "en") in await told(client, "/dashboard/runs")
        begun = await told(client, "/dashboard/runs", tasks=["generator", "intent"])
        assert say("learn-started", "en", run="1") in begun
        assert 'hx-get="/dashboard/runs/1/progress"' in begun
        assert say("learn-running", "en") in await told(client, "/dashboard/runs", tasks="intent")
        assert say("retrain-cancelling", "en", run="1") in await told(client, "/dashboard/runs/1/cancel")
        await served.office.loop.wait(1)
        assert say("learn-run-over", "en", run="1") in await told(client, "/dashboard/runs/1/cancel")
    run = served.store.runs.get(1)
    assert run is not None
    assert (run.tasks, run.state, run.cause) == ((Task.INTENT, Task.GENERATOR), RunState.CANCELLED, "asked")
    admin = served.store.people.by_platform("web", "admin")
    assert admin is not None
    assert run.asker.user_id == admin.id
    assert [(action, detail) for _, action, _, detail in audited(served)] == [
        ("retrain", "run 1: intent generator"),
        ("refused: retrain", "intent"),
        ("retrain", "cancel run 1"),
        ("refused: retrain", "cancel run 1"),
    ]


async def test_the_page_of_a_run_that_is_over_stops_no_other(served: Site) -> None:
    add_run(served)
    served.office.held = asyncio.Event()
    begun = await served.office.loop.retrain([Task.INTENT], cause=Cause.SERVER)
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = (await client.get(f"/dashboard/runs/{begun.id}", headers=HTML)).text
        assert f'action="/dashboard/runs/{begun.id}/cancel"' in shown
        assert say("learn-run-over", "en", run="1") in await told(client, "/dashboard/runs/1/cancel")
        assert (await client.post("/dashboard/runs/99/cancel")).status_code == 404
    served.office.held.set()
    ended = await served.office.loop.wait(begun.id)
    assert ended is not None
    assert ended[0].state is RunState.DONE


async def test_progress_says_how_far_it_is_and_has_the_page_loaded_again_at_the_end(served: Site) -> None:
    office = served.office
    office.held = asyncio.Event()
    office.steps = [Step(task=Task.GENERATOR, phase=Phase.REPLAY, done=23, total=60)]
    begun = await office.loop.retrain([Task.INTENT, Task.GENERATOR], cause=Cause.SERVER)
    while (await office.loop.state()).step is None:  # noqa: ASYNC110 - nothing else says that it got there
        await asyncio.sleep(0.01)
    path = f"/dashboard/runs/{begun.id}/progress"
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await client.get(path)
        assert 'max="100" value="38"' in shown.text
        assert "asking the held-out questions" in shown.text
        assert "<html" not in shown.text
        office.held.set()
        await office.loop.wait(begun.id)
        assert (await client.get(path)).headers["hx-refresh"] == "true"


async def test_a_run_of_another_program_is_said_to_be_one(served: Site) -> None:
    served.store.runs.begin([Task.INTENT], cause="server", asker=Asker())
    assert say("learn-elsewhere", "en", run="1") in await seen(served, "/dashboard/runs/1")


async def test_what_came_of_runs_is_listed_and_told(served: Site) -> None:
    add_run(served, TaskResult(task=Task.GENERATOR, verdict=Verdict.TOO_FEW, have=9, need=20))
    add_run(served, state=RunState.FAILED, sentence="It needed <b>too much</b> memory.")
    shown = await seen(served, "/dashboard/runs")
    assert say("came-too-few", "en") in shown
    assert say("run-state-failed", "en") in shown
    assert "11 are missing" in await seen(served, "/dashboard/runs/1")
    failed = await seen(served, "/dashboard/runs/2")
    assert "It needed &lt;b&gt;too much&lt;/b&gt; memory." in failed
    async with served.client(served.login(Role.ADMIN)) as client:
        assert (await client.get("/dashboard/runs/9", headers=HTML)).status_code == 404


async def test_many_runs_come_in_turns(served: Site) -> None:
    for _ in range(21):
        add_run(served)
    first, second = await seen(served, "/dashboard/runs"), await seen(served, "/dashboard/runs?turn=1")
    assert 'href="/dashboard/runs/21"' in first
    assert 'href="/dashboard/runs/1"' not in first
    assert 'href="/dashboard/runs/1"' in second
    assert 'rel="next"' not in second


async def test_what_would_be_learned_is_shown_and_nothing_begins(served: Site) -> None:
    assert "preview zh True" in await seen(served, "/dashboard/runs/preview", language="zh")
    assert served.store.runs.recent(1) == ()


async def test_nothing_is_gathered_before_somebody_asks_what_would_be_learned(served: Site) -> None:
    shown = await seen(served, "/dashboard/runs")
    assert 'href="/dashboard/runs/preview"' in shown
    assert "hx-get" not in shown, "gathering reads all that there is, and whoever looks at the page did not ask for it"
    assert served.previews == []
    await seen(served, "/dashboard/runs/preview")
    assert served.previews == ["en"]


async def test_a_plan_is_said_in_the_readers_language(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        await told(client, "/dashboard/schedule", kind="weekly", day="sun", weekly="03:00")
    assert "weekly sun 03:00" in await seen(served, "/dashboard")
    assert "每周日 03:00" in await seen(served, "/dashboard", language="zh")


@pytest.mark.parametrize(
    ("form", "plan"),
    [
        ({"kind": "daily", "daily": "04:30"}, "daily 04:30"),
        ({"kind": "weekly", "day": "tue", "weekly": "22:15"}, "weekly tue 22:15"),
        ({"kind": "after", "ratings": "75"}, "after 75 ratings"),
        ({"kind": "off"}, "off"),
    ],
)
async def test_a_plan_is_set_by_a_form_and_stands_in_it_then(served: Site, form: dict[str, str], plan: str) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, "/dashboard/schedule", **form)
    assert (await served.office.loop.state()).plan == plan
    assert f'name="kind" value="{form["kind"]}" checked' in shown
    for name, value in form.items():
        if name not in {"kind", "day"}:
            assert f'name="{name}" value="{value}"' in shown or f'value="{value}" aria-label' in shown
    assert audited(served) == [("web:admin", "schedule", "web", plan)]


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "daily", "daily": "25:00"},
        {"kind": "daily", "daily": ""},
        {"kind": "weekly", "day": "someday", "weekly": "03:00"},
        {"kind": "after", "ratings": "0"},
        {"kind": "after", "ratings": "many"},
        {"kind": "<script>"},
    ],
)
async def test_a_plan_that_is_none_is_refused_in_one_sentence(served: Site, form: dict[str, str]) -> None:
    before = (await served.office.loop.state()).plan
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = await told(client, "/dashboard/schedule", **form)
    assert "is no plan" in shown
    assert "<script>”" not in shown
    assert (await served.office.loop.state()).plan == before


async def test_learning_is_paused_and_goes_on(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        assert say("learn-paused", "en") in await told(client, "/dashboard/pause")
        assert (await served.office.loop.state()).paused
        assert say("learn-is-paused", "en") in await told(client, "/dashboard/runs", tasks="intent")
        assert served.store.runs.recent(1) == ()
        assert say("resumed", "en") in await told(client, "/dashboard/resume")
        assert not (await served.office.loop.state()).paused
