"""The dashboard's frame and its first page."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.types import Correction, Outcome, Rating, RatingValue, Role
from tests.integration.web.invented import invent
from tests.integration.web.machine import add_version
from tests.integration.web.site import Site
from tests.stores import answer

HTML = {"Accept": "text/html"}


def text_of(page: str) -> str:
    """What a page says, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


async def test_a_trainer_sees_the_pages_that_a_trainer_may_use(served: Site) -> None:
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = (await client.get("/dashboard", headers=HTML)).text
    assert 'href="/dashboard/questions"' in shown
    assert 'href="/dashboard/curated"' in shown
    assert 'href="/dashboard/knowledge"' not in shown
    assert "Training begins by itself" not in shown


async def test_the_page_that_is_open_is_marked_and_what_waits_is_counted(served: Site) -> None:
    served.office.refused("Do you support Klarna?")
    served.office.refused("Where is the moon?")
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = (await client.get("/dashboard/answers", headers=HTML)).text
    assert re.search(r'href="/dashboard/answers" aria-current="page"', shown)
    assert shown.count("aria-current") == 1
    assert "(2 waiting)" in shown


async def test_without_data_the_first_page_makes_nothing_up(served: Site) -> None:
    async with served.client(served.login(Role.ADMIN)) as client:
        shown = text_of((await client.get("/dashboard", headers=HTML)).text)
    assert "Questions 0" in shown
    assert "Answered –" in shown
    assert "Nothing waits for you." in shown


async def test_the_first_page_counts_what_happened_and_what_waits(served: Site) -> None:
    office = served.office
    liked = office.asked("When do refunds reach my bank?")
    served.store.ratings.rate(Rating(answer_id=liked.id, user_id=office.person_id(Role.USER), value=RatingValue.UP))
    served.store.ratings.correct(
        Correction(answer_id=liked.id, user_id=office.person_id(Role.USER), text="Within three days.")
    )
    office.refused("Do you support Klarna?")
    office.clock.now += timedelta(days=2)
    office.asked("Later")
    office.clock.move(minutes=1)
    async with served.client(served.login(Role.ADMIN)) as client:
        week = text_of((await client.get("/dashboard", headers=HTML)).text)
        day = text_of((await client.get("/dashboard?days=1", headers=HTML)).text)
        nonsense = await client.get("/dashboard?days=5", headers=HTML)
    assert "Questions 3" in week
    assert "Answered 67 % 2 of 3" in week
    assert "Share of 👍 100 % 1 of 1 ratings; likely 21 to 100 %" in week
    assert "One correction to approve" in week
    assert "One question without an answer" in week
    assert "Questions 1" in day
    assert nonsense.status_code == 422


async def test_the_charts_name_each_day_and_have_a_table(served: Site) -> None:
    served.office.asked("When?")
    served.office.refused("Who?")
    served.office.clock.move(minutes=1)
    today = f"{served.office.clock.now:%Y-%m-%d}"
    async with served.client(served.login(Role.TRAINER)) as client:
        shown = (await client.get("/dashboard", headers=HTML)).text
    assert f"<title>{today}: 2</title>" in shown
    assert re.search(rf'<th scope="row">{today}</th><td class="number">1</td><td class="number">1</td>', shown)
    assert "style=" not in shown, "the policy allows no styles in a page's text"


async def test_some_hundred_answers_make_a_page_in_both_languages(served: Site) -> None:
    invent(served)
    async with served.client(served.login(Role.OWNER)) as client:
        english = text_of((await client.get("/dashboard?days=30", headers=HTML)).text)
        chinese = await client.get("/dashboard?days=30", headers={**HTML, "Accept-Language": "zh-CN"})
    assert re.search(r"\d+ corrections to approve", english)
    assert re.search(r"[+−]\d+ points against before", english)
    assert "等待您处理" in chinese.text
    assert '<html lang="zh">' in chinese.text


async def test_what_was_done_is_told_once_and_to_whoever_did_it(served: Site) -> None:
    lost = served.office.refused("Do you support Klarna?")
    trainer, other = served.login(Role.TRAINER), served.login(Role.ADMIN)
    async with served.client(trainer) as mine, served.client(other) as theirs:
        path = f"/dashboard/questions/{lost.id}/answer"
        response = await mine.post(path, data={"answer": "Yes, since <b>May</b>."}, headers=HTML)
        assert (response.status_code, response.headers["Location"]) == (303, "/dashboard/questions")
        piece = await mine.get("/dashboard/questions", headers={**HTML, "HX-Request": "true"})
        assert "Do you support Klarna?" not in piece.text, "a piece of a page uses nothing up"
        assert "Do you support Klarna?" not in (await theirs.get("/dashboard/questions", headers=HTML)).text
        assert "Do you support Klarna?" in (await mine.get("/dashboard/questions", headers=HTML)).text
        assert "Do you support Klarna?" not in (await mine.get("/dashboard/questions", headers=HTML)).text


async def test_what_people_wrote_is_text_on_every_page(served: Site) -> None:
    evil = "<script>alert(1)</script>"
    reply = answer(evil, outcome=Outcome.ABSTAINED)
    served.office.asked(evil, reply)
    given = served.office.asked(evil, answer(evil))
    user = served.office.person_id(Role.USER)
    served.store.ratings.rate(Rating(answer_id=given.id, user_id=user, value=RatingValue.DOWN, comment=evil))
    served.store.ratings.correct(Correction(answer_id=given.id, user_id=user, text=evil))
    served.parts.teacher.teach(evil, evil)
    pages = ("", "/questions", "/answers", f"/answers/{given.id}", "/corrections", "/corrections?show=complaints")
    async with served.client(served.login(Role.OWNER)) as client:
        for path in (*pages, "/curated", "/knowledge", f"/knowledge/search?words={evil}", f"/answers?words={evil}"):
            shown = await client.get(f"/dashboard{path}", headers=HTML)
            assert shown.status_code == 200
            assert evil not in shown.text, path


async def test_a_version_that_waits_for_a_decision_is_named_to_admins(served: Site) -> None:
    name = add_version(served)
    async with served.client(served.login(Role.ADMIN)) as client:
        assert f"One version waits for your decision: {name}" in (await client.get("/dashboard", headers=HTML)).text
    async with served.client(served.login(Role.TRAINER)) as client:
        assert name not in (await client.get("/dashboard", headers=HTML)).text


async def test_every_page_speaks_chinese_to_whoever_reads_it(served: Site) -> None:
    invent(served, days=8)
    pages = ("", "/questions", "/answers", "/answers/1", "/corrections", "/corrections?show=disputed")
    more = ("/corrections?show=complaints", "/curated", "/knowledge", "/knowledge/1", "/knowledge/search?words=a")
    async with served.client(served.login(Role.OWNER)) as client:
        for path in (*pages, *more, "/knowledge/rehearsal?words=a"):
            shown = await client.get(f"/dashboard{path}", headers={**HTML, "Accept-Language": "zh-CN"})
            assert shown.status_code == 200, path
            assert '<html lang="zh">' in shown.text
            assert "未能回答" in shown.text
