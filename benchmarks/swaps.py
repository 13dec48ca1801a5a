"""Versions swapped under load: whether a request fails, or an answer is made by two versions.

    python -m benchmarks.swaps [--swaps 10000] [--people 3] [--quick]

A Llama of random weights, a few adapters on it, and the real registry, message path, generator threads and search. All
the while people ask questions; versions of all three tasks are promoted, tried out and rolled back through another
registry on the same folder, as the command line does it. Of every version it is known beforehand what it makes of every
question, so each reply tells which versions made it, word for word.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final

import torch

from adapters.bases import fingerprint
from adapters.generator.config import GeneratorSettings
from adapters.generator.model import LocalGenerator
from adapters.layout import seal_adapter
from adapters.pretrained import quiet_transformers
from adapters.registry import Lineage, Registry
from adapters.testing import FakeEncoder
from adapters.types import AdapterVersion, Generator, Intent, Matrix, Task
from benchmarks.table import QUICK, RESULTS, Row, keep
from bot.config import Settings
from bot.learning.live import Arm, LivePath, Versions
from bot.looking import LineVectors
from bot.pipeline import Done, Pipeline
from bot.routing import Router
from bot.types import Answer
from bot.wiring_live import Generators
from knowledge.retrieve import KnowledgeBase
from knowledge.testing import MemoryStore, chunk, document

SEED: Final = 0
PER_TASK: Final = 3  # versions to choose from
WORDS: Final = 99
QUESTIONS: Final = (
    "When do refunds reach my bank?",
    "When are invoices sent?",
    "Who pays the fee?",
    "How many people can join the team?",
)
HELP: Final = (
    "Refunds reach your bank within five working days.",
    "Invoices are sent by mail on the first day of each month.",
    "The seller pays the fee of each payment.",
    "Up to twenty people can join the team.",
)
SETTINGS: Final = Settings.model_validate({"answers": {"min_answerability": 0.0, "max_new_tokens": 16}})
LINEAGE: Final = Lineage(ratings=(), examples_digest="", parent="", base="", code="", seed=SEED)


def make_base(folder: Path) -> Path:
    """A Llama of random weights that speaks words without meaning."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    quiet_transformers()
    torch.manual_seed(SEED)
    config = LlamaConfig(
        vocab_size=WORDS, hidden_size=48, intermediate_size=80, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=2, initializer_range=0.3, max_position_embeddings=2_048, bos_token_id=1, eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 1e4},
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"word{number}": number for number in range(3, WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>")  # noqa: S106 - no password
    fast.chat_template = "{% for message in messages %}{{ message.content }} {% endfor %}"
    fast.save_pretrained(folder)
    return folder


def make_adapter(base: Path, folder: Path, number: int) -> Path:
    """A LoRA with weights large enough to change what is said."""
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    torch.manual_seed(number)
    config = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False, task_type="CAUSAL_LM")
    get_peft_model(LlamaForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    seal_adapter(folder, source=f"swap {number}", base=fingerprint(base), created_at=datetime.now(UTC))
    return folder


def make_small(folder: Path, number: int) -> Path:
    """A version of a task whose work here is only to show its number."""
    folder.mkdir()
    (folder / "number.json").write_text(json.dumps(number))
    seal_adapter(folder, source=f"swap {number}", base="b", created_at=datetime.now(UTC))
    return folder


class Numbered:
    """An intent classifier whose confidence is its version's number, in thousandths."""

    def __init__(self, number: int) -> None:
        self._intent = Intent(label="question", confidence=number / 1000, in_scope=1.0)

    @property
    def name(self) -> str:
        """Of no registry."""
        return "numbered"

    @property
    def labels(self) -> tuple[str, ...]:
        """The one label."""
        return ("question",)

    def predict(self, texts: Sequence[str], embeddings: Matrix) -> tuple[Intent, ...]:  # noqa: ARG002 - the Protocol's
        """Its intent for every text."""
        return (self._intent,) * len(texts)


@dataclass(slots=True, kw_only=True)
class Counts:
    """What happened."""

    replies: int = 0
    wrong: list[str] = field(default_factory=list)  # replies that no single set of versions gives
    by_versions: set[str] = field(default_factory=set)


class World:
    """Versions to swap, and a message path that follows them."""

    def __init__(self, root: Path) -> None:
        self.base = make_base(root / "base")
        self.registry = Registry(root / "versions")
        self.names: dict[Task, list[str]] = {task: [] for task in Task}
        for number in range(PER_TASK):
            lora = make_adapter(self.base, root / f"lora-{number}", number + 1)
            small = make_small(root / f"small-{number}", number)
            for task in Task:
                folder = lora if task is Task.GENERATOR else small
                self.names[task].append(self.registry.add_candidate(task, folder, lineage=LINEAGE).name)
        self.elsewhere = Registry(root / "versions")
        self.notices: list[str] = []
        self.loaded = 0
        self._encoder = FakeEncoder()
        store = MemoryStore()
        chunks = [chunk(text, title=f"Page {number}", ordinal=number) for number, text in enumerate(HELP)]
        vectors = self._encoder.encode([one.embedding_text for one in chunks])
        store.replace_document(document("/help.md"), chunks, vectors, encoder=self._encoder.name)
        self._knowledge = KnowledgeBase.open(store, self._encoder, root / "index")
        self._lines = LineVectors(self._encoder)
        self._generators = Generators()

    def build(self, versions: Versions) -> Arm:
        """A message path for a set of versions."""
        version = versions[Task.GENERATOR]
        key = version.folder if version is not None else None
        generator = self._generators.take(key, partial(self._load, version))
        intent = versions[Task.INTENT]
        path = Pipeline(
            encoder=self._encoder,
            classifier=Numbered(0 if intent is None else intent.number),
            router=Router([], min_confidence=1.0, match=lambda _: None),
            knowledge=self._knowledge,
            generator=generator,
            settings=SETTINGS,
            line_vectors=self._lines,
        )
        return Arm(path=path, versions=versions, generator=generator, aclose=partial(self._generators.release, key))

    def _load(self, version: AdapterVersion | None) -> Generator:
        self.loaded += 1
        settings = GeneratorSettings(device="cpu", dtype="float32", threads=1)
        return LocalGenerator(self.base, settings, adapter=version.folder if version else None)

    async def drafts(self) -> Mapping[str, Mapping[str, str]]:
        """What each version of the generator writes upon each question, by its name."""
        found = {}
        versions = {version.name: version for version in self.registry.versions(Task.GENERATOR)}
        for name, version in (("", None), *versions.items()):
            arm = self.build({**dict.fromkeys(Task), Task.GENERATOR: version})
            live = LivePath(arm, self.build, self.registry, canary_share=0.0)
            found[name] = {question: (await ask(live, question, 0)).trace.draft for question in QUESTIONS}
            await live.aclose()
        return found

    def live(self) -> LivePath:
        """A message path that begins with nothing learned."""
        first = self.build(dict.fromkeys(Task, None))
        return LivePath(first, self.build, self.registry, canary_share=0.5, notice=self.notices.append)

    def swap(self, number: int) -> None:
        """Change what serves, by turns: promote, try out, go back."""
        task = tuple(Task)[number % 3]
        step = number // 3
        name = self.names[task][step % PER_TASK]
        active = self.elsewhere.active(task)
        if step % 4 == 3 and self.elsewhere.served(task):
            self.elsewhere.rollback(task)
        elif step % 4 == 1 and active is not None and active.name != name:
            self.elsewhere.canary(task, name)
        else:
            self.elsewhere.promote(task, name)


async def ask(live: LivePath, question: str, conversation: int) -> Answer:
    """Ask one question."""
    async with aclosing(live.answer(question, conversation_id=conversation)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event.answer
    raise RuntimeError(question)


def fault(answer: Answer, question: str, drafts: Mapping[str, Mapping[str, str]]) -> str:
    """Why an answer is not that of one set of versions; "" if it is."""
    trace = answer.trace
    generator = trace.versions.get("generator", "")
    named = generator if generator.startswith("generator-") else ""
    if trace.draft != drafts[named][question]:
        return f"{named or 'the bare model'} does not write {trace.draft!r}"
    intent = trace.versions.get("intent", "")
    number = int(intent.removeprefix("intent-")) if intent.startswith("intent-") else 0
    confidence = trace.intent.confidence if trace.intent else -1
    return "" if confidence == number / 1000 else f"{intent} is not sure by {confidence}"


async def swapped(world: World, swaps: int, people: int) -> Counts:
    """Swap so often while people ask, and look at every reply."""
    counts, over = Counts(), asyncio.Event()
    drafts = await world.drafts()
    live = world.live()

    async def person(number: int) -> None:
        for turn, question in enumerate(itertools.cycle(QUESTIONS)):
            answer = await ask(live, question, 1_000 * number + turn)
            counts.replies += 1
            counts.by_versions.add(" ".join(answer.trace.versions.values()))
            if wrong := fault(answer, question, drafts):
                counts.wrong.append(wrong)
            if over.is_set():
                return

    asking = [asyncio.create_task(person(number)) for number in range(people)]
    for number in range(swaps):
        await asyncio.to_thread(world.swap, number)
        await live.follow()
        for task in asking:
            if task.done():
                task.result()
    over.set()
    await asyncio.gather(*asking)
    await live.aclose()
    return counts


def memory() -> float:
    """What the process has held at most, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rows(counts: Counts, world: World, swaps: int, seconds: float, grown: float) -> Iterator[Row]:
    """The figures."""
    label = f"{swaps:,} swaps under load"
    found: list[tuple[str, float, str, float | None]] = [
        ("requests that failed or were mixed", len(counts.wrong) + len(world.notices), "", 0.0),
        ("replies meanwhile", counts.replies, "", None),
        ("sets of versions that replies came from", len(counts.by_versions), "", None),
        ("generators loaded", world.loaded, "", None),
        ("one swap, with the registry's two waits for the disk", 1000 * seconds / swaps, "ms", None),
        ("memory that the second half needed more than the first", grown, "MB", 50.0),
    ]
    for what, figure, unit, goal in found:
        yield Row(area="learning", what=f"{label}: {what}", figure=figure, unit=unit, goal=goal, at_least=False,
                  n=swaps, seed=SEED)  # fmt: skip


def main() -> None:
    """Swap and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=10_000)
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    swaps = 60 if options.quick else options.swaps
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        started = time.monotonic()
        half = asyncio.run(swapped(world, swaps // 2, options.people))
        between = memory()
        rest = asyncio.run(swapped(world, swaps - swaps // 2, options.people))
        seconds = time.monotonic() - started
        both = Counts(
            replies=half.replies + rest.replies,
            wrong=half.wrong + rest.wrong,
            by_versions=half.by_versions | rest.by_versions,
        )
        for wrong in (both.wrong + world.notices)[:10]:
            print(wrong)
        command = f"python -m benchmarks.swaps --swaps {swaps}"
        found = list(rows(both, world, swaps, seconds, memory() - between))
        keep("swaps", found, command=command, folder=QUICK if options.quick else RESULTS)


if __name__ == "__main__":
    main()
