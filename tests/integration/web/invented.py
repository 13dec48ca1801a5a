"""An invented help centre's last weeks: some hundred questions with answers, ratings and corrections."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

from bot.types import (
    AnswerKind,
    Correction,
    Message,
    Outcome,
    Rating,
    RatingReason,
    RatingValue,
    Source,
    TracedPassage,
)
from tests.integration.web.site import TEAM, Site
from tests.stores import answer

KNOWN = (
    ("How do I add a colleague to our team?", "Open Settings > Team and choose Invite member. [1]", "Invite members"),
    ("When do payouts arrive?", "Payouts reach your bank on the second working day after the sale. [1]", "Payouts"),
    ("What does a Bancontact payment cost?", "€0.39 for each payment, on every plan. [1]", "Fees"),
    ("How do I refund a payment?", "Open the payment and choose Refund; part of it can be given back. [1]", "Refunds"),
    ("Can I change my IBAN?", "Owners change it under Settings > Payouts > Bank account. [1]", "Bank account"),
    ("Where do I find my invoices?", "Under Billing > Invoices, on the first day of each month. [1]", "Invoices"),
    ("怎么更换银行账户？", "请打开「设置 > 提现 > 银行账户」，点击「更换」。[1]", "银行账户"),
    ("Which countries can we sell to?", "To 31 countries of Europe; the list is in the documents. [1]", "Countries"),
)
UNKNOWN = (
    ("Do you support Klarna?", "Can our customers pay with Klarna?", "is klarna possible"),
    ("Is there an app for Android tablets?", "Does the app run on a tablet?"),
    ("Can I get a discount for a charity?", "Do charities pay less?", "Is there a price for non-profits?"),
    ("How do I export my data to DATEV?",),
)
PEOPLE = ("Ada", "Ben", "Chen", "Dora", "Emil", "Fatima", "Georg", "Hana")


def invent(site: Site, *, days: int = 44, seed: int = 7) -> None:
    """Fill a site's store; its clock stands then where it stood."""
    dice, clock = random.Random(seed), site.office.clock  # noqa: S311 - invented data
    end = clock.now
    for back in range(days, -1, -1):
        start = (end - timedelta(days=back)).replace(hour=7, minute=0)
        busy = 4 if start.weekday() > 4 else 13
        moments = sorted(start + timedelta(minutes=dice.uniform(0, 600)) for _ in range(dice.randint(busy // 2, busy)))
        for moment in moments:
            if moment < end:
                _ask(site, dice, moment, better=1 - back / days)
    clock.now = end


def _ask(site: Site, dice: random.Random, moment: datetime, *, better: float) -> None:
    """Somebody asks; the later, the more often it is answered and liked."""
    store, clock, who = site.store, site.office.clock, dice.randrange(len(PEOPLE))
    known = dice.random() < 0.74 + 0.14 * better
    question, text, title = dice.choice(KNOWN) if known else (dice.choice(dice.choice(UNKNOWN)), "", "")
    clock.now = moment
    message = Message(
        platform=dice.choice(["slack", "slack", "telegram"]),
        event_id=f"invented-{moment.timestamp()}-{who}",
        channel=f"D{who}",
        thread="",
        sender=f"P{who}",
        sender_name=PEOPLE[who],
        text=question,
        received_at=moment,
    )
    stored = store.inbox.accept(message, idle_minutes=30)
    assert stored is not None
    clock.now = moment + timedelta(seconds=dice.lognormvariate(0.1, 0.5))
    refusal = "I could not find that in the documents. Your question is kept for the team."
    said = answer(text or refusal, outcome=Outcome.ANSWERED if known else Outcome.ABSTAINED)
    if known:
        kind = dice.choice([AnswerKind.GENERATED, AnswerKind.QUOTED, AnswerKind.CURATED])
        uri = f"/help/{title.lower().replace(' ', '-')}.md"
        source = Source(number=1, title=title, uri=uri, anchor="", excerpt=text.removesuffix(" [1]"), chunk_id=1)
        passage = TracedPassage(chunk_id=1, title=title, uri=uri, similarity=0.71, lexical=8.2, fused=0.66, used=True)
        trace = replace(said.trace, query=question, passages=(passage, replace(passage, used=False, fused=0.31)))
        said = replace(said, kind=kind, sources=(source,), trace=trace)
    else:
        said = replace(said, sources=(), trace=replace(said.trace, query=question, passages=()))
        if dice.random() < 0.25:
            said = replace(said, outcome=Outcome.HANDED_OFF)
            team = {"team_platform": "slack", "team_channel": TEAM}
            store.handoffs.open(stored.conversation_id, stored.user_id, question, **team)
    given = store.answers.add(stored.id, said)
    if known and dice.random() < 0.17:
        _rate(site, dice, given.id, stored.user_id, good=dice.random() < 0.6 + 0.3 * better)
    elif known and dice.random() < 0.03:
        _rate(site, dice, given.id, stored.user_id, good=True)
        other = store.people.meet("slack", f"P{(who + 1) % len(PEOPLE)}", PEOPLE[(who + 1) % len(PEOPLE)])
        _rate(site, dice, given.id, other.id, good=False)


def _rate(site: Site, dice: random.Random, answer_id: int, user_id: int, *, good: bool) -> None:
    if good:
        site.store.ratings.rate(Rating(answer_id=answer_id, user_id=user_id, value=RatingValue.UP))
        return
    reason = dice.choice([*RatingReason, None])
    comment = dice.choice(["", "", "That is the old price.", "It does not say where."]) if reason else ""
    rating = Rating(answer_id=answer_id, user_id=user_id, value=RatingValue.DOWN, reason=reason, comment=comment)
    site.store.ratings.rate(rating)
    if dice.random() < 0.25:
        text = "Since May it is the first working day, not the second."
        site.store.ratings.correct(Correction(answer_id=answer_id, user_id=user_id, text=text))
