"""Encoder-decoders: multi30k from German to English, and the lecture's tasks.

multi30k: `RNNSeq2Seq` with a GRU and attention (for `recurrent.py`), or `TransformerSeq2Seq` (for
`transformers.py`), learns from the 29,000 training pairs; nothing is chosen by the test part. BLEU
of test_2016_flickr is that of sacreBLEU, cased and detokenised, whose signature is printed. Beside
it stands what the project demands of it; and beside that of lower-cased texts the figure that the
tutorial "PyTorch Seq2Seq" gives for its GRU with attention, which is of tokens in lower case.
Beside the Transformer stands what the GRU reached: it is read from the last figures of
`recurrent.py` in results/ and not measured again.

The lecture's other tasks, of `lecture_tasks.py`: questions (synthetic) by the share of exact
answers and their BLEU, beside copying the source; headlines by ROUGE-L, beside the first words of a
story.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from harness import Row, print_table
from lecture_tasks import lead, rouge_l

from textrep import load_corpus
from textrep.engine.device import cpu_has_bf16
from textrep.generation import RNNSeq2Seq, TransformerSeq2Seq

SEED = 1
MULTI30K = "multi30k de-en, test_2016_flickr"
DEMANDED = 28.0
DEMANDED_OF_TRANSFORMER, DEMANDED_ON_GPU = 32.0, 37.0
GRU_RESULTS = Path(__file__).parent / "results" / "2026-11-26-recurrent.json"
TUTORIAL = 29.0  # "around 29" on the same test part, tokens in lower case, torchtext's BLEU

# Other settings are those of `RNNSeq2Seq`, chosen on the validation part.
SETTINGS: dict[str, Any] = {
    "level": "subword",  # which are put together again with their spaces and capitals
    "vocab_size": 5000,
    "embedding_size": 256,
    "hidden_size": 320,
    "batch_tokens": 2048,
    "learning_rate": 3e-3,
    "dropout": 0.3,
    "epochs": 7,
}
# Of `TransformerSeq2Seq`: small, and with a rate that falls to nothing, for the 20 minutes of one
# core that there are; with it the mean of the last epochs would be worse than the last.
TRANSFORMER_SETTINGS: dict[str, Any] = {
    "vocab_size": 4000,
    "hidden_size": 192,
    "num_heads": 4,
    "inner_size": 512,
    "num_layers": 3,
    "dropout": 0.15,
    "batch_tokens": 1280,
    "epochs": 6,
    "learning_rate": 1.5e-3,
    "schedule": "one-cycle",
    "warmup": 0.12,
    "average_last": None,
    "length_penalty": 1.0,
    "beam_width": 5,
}
# Small batches: steps are what two minutes have too few of.
TASK_SETTINGS: dict[str, Any] = {
    "min_count": 2,
    "epochs": 20,
    "batch_tokens": 1024,
    "learning_rate": 4e-3,
    "dropout": 0.1,
}
QUICK_SECONDS = 40.0
TASK_SECONDS, QUICK_TASK_SECONDS = 150.0, 15.0
QUICK_TESTED = 200
N_EXAMPLES = 3

Pairs = tuple[list[str], list[str]]


def multi30k(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of BLEU of the GRU, and some translations."""
    model = RNNSeq2Seq(
        **SETTINGS,
        max_seconds=QUICK_SECONDS if quick else None,
        device=device,
        random_state=SEED,
        verbose=1,
    )
    found = learn_and_translate(model, "multi30k", quick)
    yield bleu_row("", "BLEU", found.bleu, "demanded", DEMANDED, machine)
    yield bleu_row(
        "", "BLEU, lower-cased", found.caseless, "tutorial PyTorch Seq2Seq", TUTORIAL, machine
    )


def multi30k_transformer(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of BLEU of the Transformer, beside what is demanded and what the GRU reached."""
    model = TransformerSeq2Seq(
        **TRANSFORMER_SETTINGS,
        max_seconds=QUICK_SECONDS if quick else None,
        device=device,
        precision="bf16" if device == "cpu" and cpu_has_bf16() else "auto",
        random_state=SEED,
        verbose=1,
    )
    found = learn_and_translate(model, "multi30k, Transformer", quick)
    demanded = DEMANDED_OF_TRANSFORMER if device == "cpu" else DEMANDED_ON_GPU
    yield bleu_row(", Transformer", "BLEU", found.bleu, "demanded", demanded, machine)
    gru = gru_bleu()
    print(f"multi30k: BLEU {gru:.2f} of the GRU is from {GRU_RESULTS.name}, not trained again here")
    yield bleu_row(", Transformer", "BLEU", found.bleu, "GRU, earlier run", gru, machine)


class Translated(NamedTuple):
    """What a model reached on the test part, cased and in lower case."""

    bleu: float
    caseless: float


def learn_and_translate(
    model: RNNSeq2Seq | TransformerSeq2Seq, title: str, quick: bool
) -> Translated:
    """Fit on the training part, translate the test part and print what there is to say."""
    train, valid, test = (german_english(part) for part in ("train", "validation", "test"))
    sources, references = (side[: QUICK_TESTED if quick else None] for side in test)
    begun = time.perf_counter()
    model.fit(*train)
    fitted = time.perf_counter()
    written = model.predict(sources)
    spent = time.perf_counter() - fitted
    score, signature = bleu(written, references)
    greedy, _ = bleu(model.predict(sources, beam_width=1), references)
    show_examples(MULTI30K, sources, references, written)
    print(f"{title}: {signature}")
    print(
        f"{title}: BLEU {score:.2f}, greedy {greedy:.2f}; {model.n_epochs_} epochs in "
        f"{fitted - begun:.0f} s, {len(sources) / spent:.0f} sentences/s by beam search"
    )
    chosen_by, _ = bleu(model.predict(valid[0][:QUICK_TESTED]), valid[1][:QUICK_TESTED])
    print(f"{title}: BLEU {chosen_by:.2f} of {QUICK_TESTED} sentences of the validation part")
    caseless, _ = bleu([t.lower() for t in written], [t.lower() for t in references])
    return Translated(score, caseless)


def bleu_row(what: str, metric: str, ours: float, peer: str, theirs: float, machine: str) -> Row:
    """A row of BLEU on the test part."""
    return Row(
        MULTI30K + what, metric, ours, peer, theirs, ours / theirs,
        "sacreBLEU", torch.get_num_threads(), machine,
    )  # fmt: skip


def gru_bleu() -> float:
    """What the GRU reached when `recurrent.py` was last run in full."""
    rows = json.loads(GRU_RESULTS.read_text())
    return next(
        float(row["ours"]) for row in rows if (row["name"], row["metric"]) == (MULTI30K, "BLEU")
    )


def german_english(part: str) -> Pairs:
    """Sentences in German, and the same in English."""
    corpus = load_corpus("multi30k_en_de").part(part)
    assert corpus.labels is not None
    return [str(german) for german in corpus.labels], list(corpus.texts)


def task(
    name: str, train: Pairs, test: Pairs, *, quick: bool, device: str, machine: str
) -> Iterator[Row]:
    """Rows of another task, beside what costs nothing."""
    sources, references = (side[: QUICK_TESTED if quick else None] for side in test)
    seconds = QUICK_TASK_SECONDS if quick else TASK_SECONDS
    model = RNNSeq2Seq(
        **TASK_SETTINGS, max_seconds=seconds, device=device, random_state=SEED, verbose=1
    )
    written = model.fit(*train).predict(sources)
    show_examples(name, sources, references, written)
    for metric, ours, peer, theirs, unit in figures(name, sources, references, written):
        yield Row(
            name, metric, ours, peer, theirs, ours / theirs, unit, torch.get_num_threads(), machine
        )  # fmt: skip


def figures(
    name: str, sources: list[str], references: list[str], written: list[str]
) -> list[tuple[str, float, str, float, str]]:
    """Metric, figure of ours, peer, its figure and unit."""
    if name.startswith("headlines"):
        first_words = rouge_l([lead(source) for source in sources], references)
        return [("ROUGE-L", rouge_l(written, references), "first words", first_words, "per cent")]
    right = 100 * sum(a == b for a, b in zip(written, references, strict=True)) / len(references)
    ours, copied = (bleu(texts, references)[0] for texts in (written, sources))
    return [
        ("exact answers", right, "the rules that made them", 100.0, "per cent"),
        ("BLEU", ours, "copying the source", copied, "sacreBLEU"),
    ]


def bleu(written: Sequence[str], references: Sequence[str]) -> tuple[float, str]:
    """BLEU of sacreBLEU, cased and detokenised, and its signature."""
    from sacrebleu.metrics import BLEU

    metric = BLEU()
    score = metric.corpus_score(list(written), [list(references)])
    return float(score.score), str(metric.get_signature())


def show_examples(
    title: str, sources: Sequence[str], references: Sequence[str], written: Sequence[str]
) -> None:
    """The first texts, as a table."""
    lines = [[a[:60], b[:60], c[:60]] for a, b, c in zip(sources, references, written, strict=True)]
    print_table(title, ["source", "expected", "written"], lines[:N_EXAMPLES])
