"""The message path: look (encode, classify, retrieve) -> decide -> write, each sentence checked before it is shown."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from adapters.errors import AdapterError
from adapters.retrieval.answers import AnswerMemory
from adapters.retrieval.config import Calibration
from adapters.types import Encoder, GenerationLimits, Generator, IntentClassifier
from bot.blocking import run_blocking
from bot.confidence import UNCALIBRATED, judged_answerability
from bot.config import Settings
from bot.drafting import Draft, sentences_of
from bot.extract import Extract
from bot.grounding import check_sentence
from bot.judging import judge
from bot.looking import SUGGESTIONS, LineVectors, Look, Looker, Question, Retriever
from bot.reading import Reading, bare_reading, grounded_reading, question_alone
from bot.routing import Router
from bot.sources import cited, source_of, traced
from bot.texts import listed, reads_well, say
from bot.types import Answer, AnswerKind, Outcome, Trace, Turn
from bot.words import content_keys, has_han
from knowledge.curated import MIN_LETTERS, TAUGHT
from knowledge.retrieve import CuratedMatch
from knowledge.types import ChunkKind, Passage

WRITTEN_LANGUAGES = frozenset({"en"})  # languages that the default generator writes; others are quoted
PRIOR = 20.0  # log odds that a reading's best line is worth, by its score; 8 has four of 45 dev questions less
SURE = 2.0  # log odds from which the generator's own words are shown; below, its reading's lines are quoted
HOPELESS = 0.1  # by retrieval; below, the generator is not asked (of 20 such questions no verdict changed the refusal)
TOPICS = 3
# From here on a page that is named in a refusal has something to do with the question: of thirty questions that the
# example help centre does not answer, what lay below was about something else ("How do I train my dog?", at most .28).
TOPIC_SIMILARITY = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Searching:
    """The passages are being looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """The generator has been asked; `passages` are read."""

    passages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """More of the answer's text, already checked; all deltas together are a prefix of the final text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a command is that takes a while; each text begins with the one before."""

    text: str  # Markdown


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The whole answer."""

    answer: Answer


Event = Searching | Writing | Delta | Progress | Done


class Pipeline:
    """classify -> retrieve -> generate, with a refusal where the documents do not tell."""

    def __init__(
        self,
        *,
        encoder: Encoder,
        classifier: IntentClassifier,
        router: Router,
        knowledge: Retriever,
        generator: Generator,
        settings: Settings,
        clock: Callable[[], float] = time.perf_counter,
        line_vectors: LineVectors | None = None,
        calibration: Calibration = UNCALIBRATED,
        curated_from: float | None = None,
        answers: AnswerMemory | None = None,
    ) -> None:
        self._looker = Looker(
            encoder=encoder,
            classifier=classifier,
            router=router,
            knowledge=knowledge,
            settings=settings,
            clock=clock,
            line_vectors=line_vectors,
            calibration=calibration,
            answers=answers,
            same_from=curated_from,
        )
        self._calibration = calibration
        self._curated_from = curated_from
        self._generator = generator
        self._settings = settings
        self._clock = clock

    async def answer(
        self,
        text: str,
        *,
        history: Sequence[Turn] = (),
        collections: Sequence[str] | None = None,
        avoid: Collection[int] = (),
    ) -> AsyncGenerator[Event, None]:
        """Answer one message.

        Args:
            text: What was said.
            history: The conversation's last turns, oldest first.
            collections: The collections that this person may see; None for all.
            avoid: Ids of chunks that were shown already, where another answer is wanted.

        Yields:
            Progress and checked pieces of text, and at the end one Done.
        """
        started = self._clock()
        yield Searching()
        question = Question(
            text=text,
            history=tuple(history),
            collections=None if collections is None else tuple(collections),
            avoid=frozenset(avoid),
        )
        look = await self._looker.look(question)
        decided = self._decide(look)
        if decided is not None:
            yield Done(answer=self._timed(decided, started))
            return
        async with aclosing(self._write(look, started)) as events:  # a reader who leaves stops the generator
            async for event in events:
                yield event

    # -- decide

    def _decide(self, look: Look) -> Answer | None:
        """The answer that needs no generator; None where the generator is to write one."""
        limits = self._settings.answers
        best = look.curated[0] if look.curated else None
        if best is not None and best.exact:
            return self._from_curated(look, best)
        reply = look.route.reply(look.language, self._settings.bot.name)
        if reply is not None:
            unread = replace(look, passages=())
            return self._plain(unread, reply, AnswerKind.CANNED, look.route.outcome, look.route.reason)
        if best is not None and (best.strength >= limits.curated_similarity or self._learned_same(look, best)):
            return self._from_curated(look, best)
        if look.liked is not None:
            return self._again(look, look.liked)
        least = limits.min_answerability
        if self._asks_generator(look):
            least = min(least, HOPELESS)
        if look.route.refuse or not look.extracts or look.answerable < least:
            return self._near_tie(look) or self._refusal(look)
        return None

    def _asks_generator(self, look: Look) -> bool:
        """Whether the generator has a say in what can be answered."""
        return self._generator.grounded and look.language in WRITTEN_LANGUAGES

    def _learned_same(self, look: Look, match: CuratedMatch) -> bool:
        """Whether, as the team's ratings show, so near a question has the same answer; its meaning counts alone.

        What was learned is of questions that were asked and taught, which lie close together; the nearest question of
        an FAQ file may be another one. And it is of questions that the default encoder reads: Chinese ones it finds
        all alike.
        """
        if self._curated_from is None or match.passage.stored.source != TAUGHT:
            return False
        if has_han(look.query) or match.string_similarity < MIN_LETTERS:
            return False
        nearer = 0.0 if look.liked is None else look.liked.score
        return match.similarity >= max(self._curated_from, nearer)

    def _from_curated(self, look: Look, match: CuratedMatch) -> Answer:
        reason = f'the curated question "{match.passage.stored.chunk.question}" matches ({match.strength:.2f})'
        text = match.passage.stored.chunk.text
        return self._sourced(look, text, AnswerKind.CURATED, [match.passage], reason)

    def _again(self, look: Look, liked: Extract) -> Answer:
        reason = f"people liked it as the answer to a question that is nearly the same ({liked.score:.2f})"
        return self._word_for_word(look, liked, reason)

    def _near_tie(self, look: Look) -> Answer | None:
        """Up to three curated questions that come near, where no passage is good enough."""
        limits = self._settings.answers
        asked = content_keys(look.query)
        near = [
            match
            for match in look.curated
            # "How do I ...?" is near every question that begins so: a word of its matter has to be shared as well
            if match.strength >= limits.suggestion_similarity
            and asked & content_keys(match.passage.stored.chunk.question)
        ]
        close = [match for match in near if near[0].strength - match.strength <= limits.near_tie_margin]
        if look.route.refuse or not close:
            return None
        answer = self._plain(
            look,
            say("did-you-mean", look.language),
            AnswerKind.CLARIFICATION,
            Outcome.ABSTAINED,
            f"no passage is good enough ({look.answerable:.2f} < {limits.min_answerability:.2f}), but these come near",
        )
        return replace(answer, suggestions=tuple(match.passage.stored.chunk.question for match in close[:SUGGESTIONS]))

    def _refusal(self, look: Look) -> Answer:
        if look.route.refuse:
            reason = look.route.reason
            text = self._with_topics(look, "out-of-scope")
        elif not look.passages:
            reason, text = "there are no documents to search", say("refusal-empty", look.language)
        else:
            reason = (
                f"no passage is good enough: answerability {look.answerable:.2f} is below "
                f"{self._settings.answers.min_answerability:.2f}"
            )
            text = f"{self._with_topics(look, 'refusal')} {say('refusal-kept', look.language)}"
        return self._plain(look, text, AnswerKind.REFUSAL, Outcome.ABSTAINED, reason)

    def _with_topics(self, look: Look, key: str) -> str:
        """A refusal that says what else there is: the topics that were set, or the pages that come nearest."""
        if self._settings.bot.topics:
            return say(f"{key}-topics", look.language, topics=self._settings.bot.topics)
        pages = [say("page", look.language, title=title) for title in self._pages(look)]
        if not pages:
            return say(key, look.language)
        return say(f"{key}-pages", look.language, pages=listed(pages, look.language), count=len(pages))

    def _pages(self, look: Look) -> list[str]:
        """Titles of the nearest pages, best first, as far as they can stand in a sentence."""
        titles: dict[str, None] = {}
        for passage in look.passages:
            title = passage.stored.chunk.title_path[0]
            near = passage.similarity >= TOPIC_SIMILARITY
            if near and passage.stored.chunk.kind is ChunkKind.PASSAGE and reads_well(title):
                titles[title] = None
        return list(titles)[:TOPICS]

    # -- write

    async def _write(self, look: Look, started: float) -> AsyncGenerator[Event, None]:
        if look.language not in WRITTEN_LANGUAGES:
            yield Done(answer=self._timed(self._quoted(look, f"answers in {look.language} are quoted"), started))
            return
        yield Writing(passages=len(look.passages))
        draft = Draft(started=self._clock())
        try:
            async with aclosing(self._checked(look, draft)) as pieces:
                async for piece in pieces:
                    yield Delta(text=piece)
        except AdapterError as error:  # the passage is there all the same
            draft.failed = str(error)
        timings = {"first_token": draft.first_token_ms, "check": draft.check_ms, "write": self._since(draft.started)}
        look = replace(look, timings_ms={**look.timings_ms, **timings})
        if draft.answerable is not None:
            scores = {**look.scores, "head": draft.head, "answerable": draft.answerable}
            if draft.gain is not None:
                scores["likelihood"] = draft.gain
            look = replace(look, answerable=draft.answerable, scores=scores)
        yield Done(answer=self._timed(self._finished(look, draft), started))

    async def _checked(self, look: Look, draft: Draft) -> AsyncGenerator[str, None]:
        """The generator's sentences, up to the first that what it reads does not support."""
        limits = GenerationLimits(
            max_new_tokens=self._settings.answers.max_new_tokens, seconds=self._settings.answers.max_seconds
        )
        readings = self._readings(look)
        priors = [PRIOR * extract.score for extract in look.readings]
        aside = self._generator.grounded and self._settings.models.max_batch > 1
        alone = question_alone(look.query, name=self._settings.bot.name) if aside else ()
        judged = await judge(self._generator, readings, limits, priors=priors, bare=alone)
        reading = readings[judged.number]
        draft.chosen = judged.number
        if judged.head is not None and judged.best_head is not None:
            draft.head, draft.unsure = judged.best_head, judged.head < SURE
            draft.gain = judged.gain
            retrieved = look.scores["retrieval"]
            draft.answerable = judged_answerability(retrieved, judged.best_head, judged.gain, self._calibration)
        joined = look.answerable if draft.answerable is None else draft.answerable
        draft.refused = joined < self._settings.answers.min_answerability
        minimum = self._settings.answers.min_support
        async with aclosing(sentences_of(judged.pieces, draft, self._since)) as sentences:
            async for sentence in sentences:
                began = self._clock()
                support = await run_blocking(check_sentence, sentence, reading.evidence, look.query, minimum=minimum)
                draft.check_ms += self._since(began)
                if not support.supported:
                    draft.stopped_by = support
                    return
                if piece := draft.keep(sentence):
                    yield piece

    def _readings(self, look: Look) -> list[Reading]:
        if not self._generator.grounded:
            return [bare_reading(look.text, look.history, look.passages, look.extracts[0])]
        name = self._settings.bot.name
        # All are computed together, with the question alone: more than fit into a batch would wait for one another.
        read = look.readings[: max(1, self._settings.models.max_batch - 1)]
        return [grounded_reading(look.query, look.passages, extract, name=name) for extract in read]

    def _finished(self, look: Look, draft: Draft) -> Answer:
        if draft.refused or look.answerable < self._settings.answers.min_answerability:
            return self._near_tie(look) or self._refusal(look)
        if not draft.kept:
            return self._quoted(look, f"word for word: {draft.why_not_shown}", draft)
        reason = f"written from the documents; every sentence was found in them (answerability {look.answerable:.2f})"
        if draft.stopped_by is not None:
            reason += f"; it ends where the model left them: {draft.stopped_by.reason}"
        elif draft.failed:
            reason += f"; it was cut short: {draft.failed}"
        used = [look.passages[look.extracts[draft.chosen].passage - 1]]
        text = draft.kept + cited(draft.kept)
        return self._sourced(look, text, AnswerKind.GENERATED, used, reason, draft=draft.text)

    def _quoted(self, look: Look, reason: str, draft: Draft | None = None) -> Answer:
        extract = look.extracts[draft.chosen if draft else 0]
        return self._word_for_word(look, extract, reason, draft=draft.text if draft else "")

    def _word_for_word(self, look: Look, extract: Extract, reason: str, *, draft: str = "") -> Answer:
        best = look.passages[extract.passage - 1]
        chunk = best.stored.chunk
        gap = "\n" if "\n" in extract.text else " "
        text = chunk.text if chunk.kind is ChunkKind.CURATED else f"{say('quoted', look.language)}{gap}{extract.text}"
        return self._sourced(look, text + cited(text), AnswerKind.QUOTED, [best], reason, draft=draft)

    # -- put together

    def _sourced(
        self, look: Look, text: str, kind: AnswerKind, used: Sequence[Passage], reason: str, *, draft: str = ""
    ) -> Answer:
        sources = tuple(source_of(number, passage) for number, passage in enumerate(used, start=1))
        trace = self._trace(look, reason, used={s.chunk_id for s in sources}, draft=draft)
        return Answer(text=text, kind=kind, outcome=Outcome.ANSWERED, sources=sources, suggestions=(), trace=trace)

    def _plain(self, look: Look, text: str, kind: AnswerKind, outcome: Outcome, reason: str) -> Answer:
        trace = self._trace(look, reason, used=set(), draft="")
        return Answer(text=text, kind=kind, outcome=outcome, sources=(), suggestions=(), trace=trace)

    def _trace(self, look: Look, reason: str, *, used: set[int], draft: str) -> Trace:
        versions = {
            **self._looker.versions,
            "generator": self._generator.name if draft or "head" in look.scores else "",
        }
        return Trace(
            intent=look.intent,
            passages=tuple(traced(passage, used) for passage in look.passages),
            reason=reason,
            query=look.query,
            draft=draft,
            versions={task: name for task, name in versions.items() if name},
            timings_ms=look.timings_ms,
            scores=look.scores,
        )

    def _since(self, started: float) -> float:
        return round((self._clock() - started) * 1000, 2)  # ms

    def _timed(self, answer: Answer, started: float) -> Answer:
        timings = {**answer.trace.timings_ms, "total": self._since(started)}
        return replace(answer, trace=replace(answer.trace, timings_ms=timings))
