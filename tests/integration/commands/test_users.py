"""What everybody may ask for."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from adapters.layout import seal_adapter
from adapters.registry import Lineage
from adapters.types import Task
from bot.commands.answers import came_about, explanation
from bot.config import Settings
from bot.store.expectations import Expectation
from bot.store.inbox import NOT_DIALOGUE
from bot.texts import languages, say
from bot.types import (
    AnswerKind,
    Correction,
    Origin,
    Outcome,
    Place,
    Rating,
    RatingReason,
    RatingValue,
    Role,
    StoredAnswer,
    Wanted,
)
from tests.integration.commands.office import PEOPLE, Office, data
from tests.stores import NOON, answer, message


async def test_help_names_the_bot_gives_examples_and_lists_what_the_person_may_do(office: Office) -> None:
    await office.say("/teach Who pays the fee? | We do.", role=Role.ADMIN)
    await office.say(f"/teach {'Why so long? ' * 5}| Because.", role=Role.ADMIN)
    said = await office.say("/help")
    assert "I am **Burnish**" in said.text
    assert "- Who pays the fee?" in said.text
    assert "`/burnish forget me`" in said.text
    assert "/burnish status" not in said.text
    assert data(said) == ["x:ask:Who pays the fee?"], "only what fits into a button"
    team = (await office.say("/help", role=Role.ADMIN)).text
    assert "`/burnish status`" in team
    assert team.index(say("help-team", "en")) < team.index("/burnish status")


async def test_help_offers_people_only_where_there_are_some(tmp_path: Path, office: Office) -> None:
    assert "`/burnish human`" in (await office.say("/help")).text
    (tmp_path / "alone").mkdir()
    with Office.open(tmp_path / "alone", Settings()) as alone:
        assert "human" not in (await alone.say("/help")).text


@pytest.mark.parametrize("text", ["/start", "", "/commands", "帮助"])
async def test_a_greeting_and_a_bare_mention_get_the_help(office: Office, text: str) -> None:
    assert (await office.say(text)).text == (await office.say("/help")).text


async def test_help_says_what_the_bot_knows_about_where_that_is_set(tmp_path: Path) -> None:
    with Office.open(tmp_path, Settings.model_validate({"bot": {"name": "Clio", "topics": "cards"}})) as clio:
        said = await clio.say("/help")
        assert said.text.startswith("I am **Clio**")
        assert say("help-about", "en", topics="cards") in said.text


async def test_ask_without_a_question_says_how(office: Office) -> None:
    assert (await office.say("/ask")).text == "Like this: `/burnish ask how long does a refund take?`"


async def test_a_language_that_was_chosen_is_spoken_from_then_on(office: Office) -> None:
    choice = await office.say("/language")
    assert data(choice) == ["x:language:en", "x:language:zh", "x:language:auto"]
    assert (await office.say("/language zh")).text == say("language-set", "zh")
    assert (await office.say("/new")).text == say("new-conversation", "zh")
    assert (await office.say("/language auto")).text == say("language-follows", "zh")
    assert (await office.say("/new")).text == say("new-conversation", "en")
    assert (await office.say("/language klingon")).text == say("language-which", "en")


async def test_without_a_choice_the_language_of_the_persons_client_is_spoken(office: Office) -> None:
    said = await office.say("", origin=Origin(command="new", language="zh-hans"))
    assert said.text == say("new-conversation", "zh")


async def test_new_draws_a_border(office: Office) -> None:
    first = office.asked("How long?")
    await office.say("/new")
    assert (await office.say("/why")).text == say("no-answer-yet", "en")
    assert office.asked("And then?").conversation_id != first.conversation_id


async def test_privacy_says_what_where_who_how_long_and_how_to_erase(office: Office, tmp_path: Path) -> None:
    text = (await office.say("/privacy")).text
    for key in ("what", "where", "model-here", "who", "team", "long"):
        assert say(f"privacy-{key}", "en") in text
    assert "`/burnish forget me`" in text
    elsewhere = Settings.model_validate({"models": {"generator": "openai:http://127.0.0.1:1/v1#m"}})
    other = tmp_path / "other"
    other.mkdir()
    with Office.open(other, elsewhere) as far:
        text = (await far.say("/privacy")).text
        assert say("privacy-model-elsewhere", "en") in text
        assert say("privacy-team", "en") not in text, "there is no team to pass anything on to"


# -- being forgotten


async def test_forget_me_shows_what_would_go_and_erases_it_once_confirmed(office: Office) -> None:
    answered = office.asked("How long?")
    mine = office.person_id(Role.USER)
    office.store.ratings.rate(Rating(answer_id=answered.id, user_id=mine, value=RatingValue.UP))
    office.store.ratings.correct(Correction(answer_id=answered.id, user_id=mine, text="3"))
    shown = await office.say("/forget me")
    # the question and this command; the answer
    counts = {"messages": 2, "answers": 1, "ratings": 1, "corrections": 1, "handoffs": 0}
    assert say("forget-sure", "en", platform="slack", **counts) == shown.text
    assert "What stands in this chat stays" in shown.text
    assert data(shown) == [f"x:forget_me:yes {mine}", "x:cancel"]
    assert office.store.people.get(mine) is not None, "nothing goes before it is confirmed"

    erased = await office.say(f"/forget_me yes {mine}")
    counts = {"messages": 3, "answers": 2, "ratings": 1, "corrections": 1, "handoffs": 0}
    assert erased.text == say("forgotten", "en", **counts)
    assert office.store.people.get(mine) is None
    assert office.store.answers.get(answered.id) is None
    [post] = office.store.posts.pending("slack")
    assert (post.channel, post.body.text) == ("D1", erased.text), "no answer can be kept for a message that is gone"


async def test_what_learned_from_a_person_is_marked_when_they_are_forgotten(office: Office, tmp_path: Path) -> None:
    answered = office.asked("How long?")
    mine, other = office.person_id(Role.USER), office.person_id(Role.OWNER)
    for user in (mine, other):
        office.store.ratings.rate(Rating(answer_id=answered.id, user_id=user, value=RatingValue.UP))
    folder = tmp_path / "adapter"
    folder.mkdir()
    seal_adapter(folder, source="run", base="b", created_at=office.clock())
    for ratings in ((f"{answered.id}:{mine}",), (f"{answered.id}:{other}",), ("99:98",)):
        lineage = Lineage(ratings=ratings, examples_digest="", parent="", base="b", code="", seed=0)
        office.registry.add_candidate(Task.INTENT, folder, lineage=lineage)
    await office.say("/forget_me")
    assert not any(version.stale for version in office.registry.versions(Task.INTENT)), "it is not confirmed yet"
    await office.say(f"/forget_me yes {mine}")
    # the second one learned from what somebody else said of an answer to them
    assert [version.stale for version in office.registry.versions(Task.INTENT)] == [True, True, False]


async def test_forgetting_covers_what_a_person_rated_in_the_browser(office: Office, tmp_path: Path) -> None:
    answered = office.asked("How long?", role=Role.OWNER)
    mine = office.person_id(Role.USER)
    browser = office.store.people.on_web(mine)
    assert browser is not None
    office.store.ratings.rate(Rating(answer_id=answered.id, user_id=browser.id, value=RatingValue.UP))
    folder = tmp_path / "adapter"
    folder.mkdir()
    seal_adapter(folder, source="run", base="b", created_at=office.clock())
    lineage = Lineage(
        ratings=(f"{answered.id}:{browser.id}",), examples_digest="", parent="", base="b", code="", seed=0
    )
    office.registry.add_candidate(Task.INTENT, folder, lineage=lineage)
    await office.say("/forget_me")
    await office.say(f"/forget_me yes {mine}")
    assert office.store.people.get(browser.id) is None
    assert [version.stale for version in office.registry.versions(Task.INTENT)] == [True]


async def test_nobody_else_may_confirm(office: Office) -> None:
    office.asked("How long?")
    mine = office.person_id(Role.USER)
    said = await office.say(f"/forget_me yes {mine}", role=Role.OWNER, place=Place.GROUP)
    assert said.text == say("forget-others", "en")
    assert office.store.people.get(mine) is not None
    assert office.audit() == [(f"slack:{PEOPLE[Role.OWNER]}", "refused: forget_me", "slack:C1", "")]


async def test_an_admin_is_told_that_the_log_stays(office: Office) -> None:
    assert say("forget-audit", "en") in (await office.say("/forget_me", role=Role.ADMIN)).text
    assert say("forget-audit", "en") not in (await office.say("/forget_me")).text


async def test_what_a_person_forgotten_meanwhile_had_asked_for_is_not_done(office: Office) -> None:
    waiting = office.accept("/help")
    office.store.people.forget(waiting.user_id)
    assert (await office.commands(waiting)).text == ""


# -- people


async def test_human_passes_the_last_question_on_and_again_changes_nothing(office: Office) -> None:
    office.asked("Where is my refund?")
    assert (await office.say("/human")).text == say("handed-off", "en")
    assert (await office.say("/human")).text == say("handed-off", "en")
    [handoff] = office.store.handoffs.waiting()
    assert handoff.question == "Where is my refund?"
    assert [post.channel for post in office.store.posts.pending("slack")] == ["C9"]


async def test_human_takes_a_text_of_its_own(office: Office) -> None:
    assert (await office.say("/human")).text.startswith("Like this:"), "there is nothing to pass on"
    await office.say("/human My card is gone")
    assert [one.question for one in office.store.handoffs.waiting()] == ["My card is gone"]


async def test_human_in_a_group_passes_on_what_its_sender_asked_last_not_what_others_did(office: Office) -> None:
    office.asked("How long?", place=Place.GROUP)
    office.asked("Who pays?", role=Role.TRAINER, place=Place.GROUP)
    await office.say("/human", place=Place.GROUP)
    assert [one.question for one in office.store.handoffs.waiting()] == ["How long?"]


async def test_without_a_team_human_says_so(tmp_path: Path) -> None:
    with Office.open(tmp_path, Settings()) as alone:
        assert (await alone.say("/human help")).text == say("human", "en")
        assert alone.store.handoffs.waiting() == ()


async def test_cancel_stops_the_waiting(office: Office) -> None:
    answered = office.asked("How long?")
    wanted = Expectation(kind=Wanted.CORRECTION, subject=answered.id)
    office.store.expectations.expect("slack", "D1", "", office.person_id(Role.USER), wanted, minutes=5)
    assert (await office.say("/cancel")).text == say("cancelled", "en")
    assert (await office.say("/cancel")).text == say("nothing-to-cancel", "en")
    stored = office.store.inbox.accept(message("Three days.", channel="D1", sender="U1"), idle_minutes=30)
    assert stored is not None
    assert stored.message.origin.command == ""


# -- answers


async def test_why_explains_the_last_answer(office: Office) -> None:
    assert (await office.say("/why")).text == say("no-answer-yet", "en")
    answered = office.asked("How long then?")
    said = (await office.say("/why", role=Role.ADMIN)).text
    plain, _, details = said.partition("\n\n**For whoever looks after me**\n")
    assert plain.splitlines() == [
        "**“How long then?”**",
        "I wrote this from the documents; every sentence of it was found in them.",
        "I searched for: How long does a refund take?",
        "",
        "What I found, the best first:",
        "1. Refunds · **used**",
    ]
    assert details.splitlines() == [
        f"- Answer #{answered.id}",
        "- Noted as the reason: the best passage is good enough",
        "- Taken for: question (sure by 30 %; 0 % close to what I am here for)",
        "- How well each fits: 1. by meaning -0.25, by words 3.5, both 0.016",
        "- Models: reads `mini`, writes `smol`",
        "- Time: reading the question 0.00 s, in all 0.31 s",
    ]
    for role in (Role.USER, Role.TRAINER):
        assert (await office.say("/why", role=role)).text == plain, "the figures are for whoever looks after the bot"


def test_why_says_how_sure_the_bot_was_and_knows_a_sentence_for_every_kind_of_answer() -> None:
    trace = replace(answer().trace, scores={"retrieval": 0.5, "head": -1.25, "answerable": 0.834, "later": 1.0})
    about = partial(StoredAnswer, id=3, message_id=1, conversation_id=1, question="Q", created_at=NOON)
    said = explanation(about(answer=replace(answer(), trace=trace)), "en", in_detail=True)
    assert "How likely the documents answer this, as far as I can tell: 83 %." in said
    assert "from the search 0.50, from the language model -1.25, all together 0.83, later 1.00" in said
    for language in ("en", "zh"):
        for kind in AnswerKind:
            for outcome in Outcome:
                found = about(answer=replace(answer(), kind=kind, outcome=outcome))
                assert explanation(found, language, in_detail=True)


async def test_why_names_a_long_question_by_its_beginning(office: Office) -> None:
    office.asked("怎么退款" * 40)
    first, *_ = (await office.say("/why")).text.splitlines()
    assert first == f"**“{('怎么退款' * 40)[:119]}…”**"


async def test_why_speaks_of_the_answer_that_it_replies_to(office: Office) -> None:
    first = office.asked("How long?")
    office.store.answers.mark_delivered(first.id, part=1, platform_message_id="ts-7")
    office.asked("Who pays?")
    said = await office.say("", origin=Origin(command="why", reply_to="ts-7"))
    assert said.text.startswith("**“How long?”**\n")


async def test_a_command_that_is_replied_to_is_no_answer(office: Office) -> None:
    answered = office.asked("How long?")
    stored = office.accept("/help")
    told = office.store.answers.add(stored.id, await office.commands(stored))
    office.store.answers.mark_delivered(told.id, part=1, platform_message_id="ts-8")
    said = await office.say("", origin=Origin(command="why", reply_to="ts-8"), role=Role.ADMIN)
    assert f"Answer #{answered.id}\n" in said.text


@pytest.mark.parametrize("kind", [one for one in AnswerKind if one not in NOT_DIALOGUE])
@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_way_in_which_an_answer_comes_about_has_words(kind: AnswerKind, outcome: Outcome) -> None:
    for language in languages():
        assert len(came_about(kind, outcome, language)) > len(" · ")


async def test_what_commands_said_is_not_the_last_answer(office: Office) -> None:
    answered = office.asked("How long?")
    await office.say("/help")
    assert f"Answer #{answered.id}\n" in (await office.say("/why", role=Role.ADMIN)).text


async def test_sources_shows_the_passages_in_full(office: Office) -> None:
    assert (await office.say("/sources")).text == say("no-answer-yet", "en")
    office.asked("How long?")
    assert (await office.say("/sources")).text == "**1.** Refunds (refunds.md)\n> 5 days"
    office.refused("What?")
    office.asked("What?", (await office.say("/help")))
    assert "Refunds" in (await office.say("/sources")).text


@pytest.mark.parametrize(
    ("said", "value", "reason", "comment"),
    [
        ("up", RatingValue.UP, None, ""),
        ("👍", RatingValue.UP, None, ""),
        ("down", RatingValue.DOWN, None, ""),
        ("- out of date", RatingValue.DOWN, RatingReason.OUT_OF_DATE, ""),
        ("down 2", RatingValue.DOWN, RatingReason.WRONG_SOURCE, ""),
        ("down far too long", RatingValue.DOWN, RatingReason.OTHER, "far too long"),
    ],
)
async def test_a_rating_in_words_counts_as_one_by_button(
    office: Office, said: str, value: RatingValue, reason: RatingReason | None, comment: str
) -> None:
    answered = office.asked("How long?")
    mine = office.person_id(Role.USER)
    await office.say(f"/rate {said}")
    kept = office.store.ratings.of(answered.id, mine)
    assert kept == Rating(answer_id=answered.id, user_id=mine, value=value, reason=reason, comment=comment)
    await office.say(f"/rate {said}")
    assert sum(office.store.ratings.tally().values()) == 1


async def test_rate_alone_offers_the_buttons(office: Office) -> None:
    answered = office.asked("How long?")
    assert data(await office.say("/rate")) == [f"r:{answered.id}:up", f"r:{answered.id}:down"]
    assert (await office.say("/rate so so")).text.startswith("Like this:")


async def test_a_correction_is_kept_once_and_a_trainer_may_put_it_in_force_at_once(office: Office) -> None:
    answered = office.asked("How long?")
    about = Origin(command="correction", subject=answered.id)
    first = await office.say("Three days.", origin=about)
    assert (first.text, data(first)) == (say("thanks-correction", "en"), [])
    waiting = office.accept("Four days.", role=Role.TRAINER, origin=about)
    once, again = await office.commands(waiting), await office.commands(waiting)
    assert data(once) == data(again) == ["x:report:approve 2"], "after a crash it is taken up again"
    assert [one.text for one in office.store.ratings.corrections(answered.id)] == ["Three days.", "Four days."]
    assert (await office.say("x", origin=Origin(command="correction"))).text == say("correction-of-nothing", "en")


# -- what is no command


async def test_an_unknown_command_names_the_nearest_and_offers_it(office: Office) -> None:
    said = await office.say("/sorces please")
    assert "`/burnish sources`" in said.text
    assert data(said) == ["x:sources"]
    needing = await office.say("/aks")
    assert "`/burnish ask`" in needing.text
    assert data(needing) == [], "a button could not say what to ask"
    nothing = await office.say("/qqqqqqq<b>")
    assert nothing.text == say("command-unknown", "en", name="qqqqqqq\\<b\\>", help="`/burnish help`")
    assert office.commands.counts["unknown commands"] == 3


async def test_a_user_is_not_offered_what_only_admins_may_do(office: Office) -> None:
    assert "status" not in (await office.say("/statsu")).text
    assert "status" in (await office.say("/statsu", role=Role.ADMIN)).text
