"""`textrep embed`: vectors of words and of documents."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textrep.cli.document_vectors import (
    POOLINGS,
    check_out,
    static_embedder,
    write_document_vectors,
)
from textrep.cli.output import check_choice, fail, print_lines, stdout, writing
from textrep.cli.word_maps import PROJECTIONS, check_map, listed_words, write_map
from textrep.cli.word_models import DEFAULT_MODEL, open_embedder, open_vectors, refusing
from textrep.cli.word_training import ALGORITHMS, METHODS, Kept, Texts, estimator, summary

if TYPE_CHECKING:
    from textrep.embeddings import AnalogyScores

_EXIT_NOTHING = 1

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train word vectors, look at them, and turn texts into vectors by them.",
)

_Data = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A file with a text on each line, plain or compressed; a .csv, .tsv, .jsonl or "
        ".parquet file; a folder, an archive or a corpus, as for `textrep compare`; or - for "
        "standard input.",
    ),
]
_Text = Annotated[str | None, typer.Option(help="Column of the texts: header, or position from 0.")]
_Encoding = Annotated[str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")]
_Model = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="File that `textrep embed fit --save` made, or name of a model that comes with "
        f"textrep.  [default: {DEFAULT_MODEL}]",
        show_default=False,
    ),
]
_Vectors = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Word vectors of word2vec, GloVe or fastText instead of a model."
    ),
]
_Map = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE",
        help="Draw the words and those found in the plane, on an HTML page of its own.",
    ),
]
_Projection = Annotated[
    str,
    typer.Option(metavar="|".join(PROJECTIONS), help="How words get their places on the map."),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command()
def fit(
    data: _Data,
    method: Annotated[
        str, typer.Option(metavar="|".join(METHODS), help="How vectors are learnt.")
    ] = "word2vec",
    save: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Save the model to this file.")
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the word vectors for other programs: .txt or .bin of word2vec, .vec of "
            "fastText; .gz behind it compresses.",
        ),
    ] = None,
    algorithm: Annotated[
        str | None,
        typer.Option(metavar="|".join(ALGORITHMS), help="Of word2vec and fastText."),
    ] = None,
    size: Annotated[int, typer.Option(help="Dimensions.")] = 100,
    window: Annotated[
        int | None,
        typer.Option(help="Words on each side; the default of the method when left out."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Times to learn from each text; likewise."),
    ] = None,
    min_count: Annotated[int, typer.Option(help="Leave out words that are rarer.")] = 5,
    negative: Annotated[
        int | None, typer.Option(help="Words drawn for each, of word2vec and fastText.")
    ] = None,
    alpha: Annotated[float | None, typer.Option(help="Learning rate at the start.")] = None,
    pooling: Annotated[
        str,
        typer.Option(metavar="|".join(POOLINGS), help="How the model makes document vectors."),
    ] = "mean",
    threads: Annotated[
        int | None,
        typer.Option(help="All cores when left out. Only 1 gives the same vectors again."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides whatever is random.")] = 0,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep interrupted training here; the same command then goes on with it.",
        ),
    ] = None,
    text: _Text = None,
    encoding: _Encoding = None,
    map_: Annotated[
        Path | None,
        typer.Option(
            "--map", metavar="FILE", help="Draw the most frequent content words on an HTML page."
        ),
    ] = None,
    map_words: Annotated[
        int | None, typer.Option(metavar="N", min=2, help="How many of them; 100 when left out.")
    ] = None,
    projection: _Projection = "pca",
    quiet: _Quiet = False,
) -> None:
    """Learn word vectors from texts.

    Each text is a sentence or a document; a file with a text on each line may be larger than
    memory.
    """
    for option, value, known in (
        ("--method", method, tuple(METHODS)),
        ("--algorithm", algorithm, ALGORITHMS),
        ("--pooling", pooling, POOLINGS),
    ):
        check_choice(option, value, known)
    check_map(map_, projection, {"--map-words": map_words})
    texts, kept = Texts(data, text, encoding), Kept(save, export, map_)
    with refusing(data):
        kept.check(texts, checkpoint)
        model = estimator(
            method,
            {
                "--algorithm": ("algorithm", algorithm),
                "--size": ("vector_size", size),
                "--window": ("window", window),
                "--epochs": ("epochs", epochs),
                "--min-count": ("min_count", min_count),
                "--negative": ("negative", negative),
                "--alpha": ("alpha", alpha),
                "--checkpoint": ("checkpoint", checkpoint),
            },
        )
        model.set_params(
            pooling=pooling, n_jobs=threads, random_state=seed, verbose=0 if quiet else 1
        )
        begun = time.monotonic()
        model.fit(texts.to_learn_from())
        lines = list(summary(method, model, time.monotonic() - begun))
        written, faults = kept.write(model, projection, map_words or 100, seed)
    print_lines([*lines, *written])
    if faults:
        fail(faults)


@app.command()
def transform(
    data: _Data,
    model: _Model = None,
    vectors: _Vectors = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(POOLINGS),
            help="How the words of a text become its vector; as the model was trained when left "
            "out, mean for --vectors. With --vectors, idf and sif are learnt from FILE.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write to a .npy, .csv, .tsv or .parquet file, whole or not at all; without it "
            "lines of numbers, separated by commas, go to standard output.",
        ),
    ] = None,
    lowercase: Annotated[
        bool,
        typer.Option(help="Lower-case the texts for --vectors. A model knows how it was trained."),
    ] = True,
    text: _Text = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Turn texts into vectors, one each, in their order."""
    check_choice("--pooling", pooling, POOLINGS)
    texts = Texts(data, text, encoding)
    with refusing(data):
        check_out(out, texts)
        if vectors is None:
            embedder = open_embedder(model)
            if pooling is not None:
                embedder.set_params(pooling=pooling)
        else:
            found = open_vectors(model, vectors)
            embedder = static_embedder(found, pooling or "mean", lowercase, texts)
        count, zeros = write_document_vectors(embedder, texts.pieces(), out, quiet)
    if zeros:
        typer.echo(
            f"textrep: {zeros:,} of {count:,} texts became zeros, as those without any word that "
            "has a vector do",
            err=True,
        )
    if out is not None:
        print_lines([f"{count:,} vectors of {embedder.vectors_.dim:,} numbers: {out}"])


@app.command()
def similar(
    words: Annotated[
        list[str], typer.Argument(metavar="WORD", help="Words; of several, their sum.")
    ],
    model: _Model = None,
    vectors: _Vectors = None,
    negative: Annotated[
        list[str] | None,
        typer.Option(metavar="WORD", help="A word to subtract; may be given again."),
    ] = None,
    topn: Annotated[int, typer.Option(min=1, help="How many words to give.")] = 10,
    restrict_vocab: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Look only among the N most frequent words."),
    ] = None,
    map_: _Map = None,
    map_list: Annotated[
        str | None, typer.Option("--words", help="Further words for the map, with commas between.")
    ] = None,
    words_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Further words for the map, one on each line."),
    ] = None,
    projection: _Projection = "pca",
) -> None:
    """List the words closest to a word, by the cosine between their vectors.

    As in `textrep embed similar king woman --negative man`.
    """
    subtracted = negative or []
    check_map(map_, projection, {"--words": map_list, "--words-file": words_file})
    for word in (*words, *subtracted):
        if not word.strip():
            fail("a word is empty; give one that has a vector")
    with refusing(str(vectors or model or DEFAULT_MODEL)):
        known = open_vectors(model, vectors)
        found = known.most_similar(words, subtracted, topn=topn, restrict_vocab=restrict_vocab)
        lines = []
        if map_ is not None:
            shown = [*words, *subtracted, *(word for word, _ in found)]
            shown += listed_words(map_list, words_file)
            highlight = [*words, *subtracted]
            lines.append(write_map(known, map_, projection, words=shown, highlight=highlight))
    rows = [(word, f"{cosine:.3f}") for word, cosine in found]
    _print_table(("word", "cosine"), rows)
    print_lines(lines)


@app.command()
def score(
    model: _Model = None,
    vectors: _Vectors = None,
    analogies: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Questions such as questions-words.txt of word2vec; may be given again.",
        ),
    ] = None,
    similarity: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Pairs of words with a human judgement each, such as WS-353; may be given again.",
        ),
    ] = None,
    restrict_vocab: Annotated[
        int, typer.Option(min=1, metavar="N", help="Words that analogies are made of.")
    ] = 30_000,
) -> None:
    """Test word vectors by analogies and by human judgements of similarity.

    Analogies: the share answered right. Similarity: Spearman's correlation with the cosines. What
    has a word without a vector is left out and counted. The exit code is 1 when nothing is left of
    a test.
    """
    if not analogies and not similarity:
        fail("give --analogies or --similarity, a file of tests")
    rows: list[tuple[str, ...]] = []
    empty = []
    with refusing(str(vectors or model or DEFAULT_MODEL)):
        known = open_vectors(model, vectors)
        for path in analogies or ():
            answers = known.evaluate_analogies(path, restrict_vocab=restrict_vocab)
            rows += _analogy_rows(path.name, answers)
            if not answers.total.n_questions:
                empty.append(path.name)
        for path in similarity or ():
            judged = known.evaluate_similarity(path)
            spearman = f"{judged.spearman:.3f}" if judged.spearman == judged.spearman else "-"
            rows.append((path.name, spearman, f"{judged.n_pairs:,}", f"{judged.n_unknown:,}"))
            if not judged.n_pairs:
                empty.append(path.name)
    _print_table(("test", "score", "used", "unknown"), rows)
    if empty:
        typer.echo(
            f"textrep: {', '.join(empty)}: nothing is asked of words that have vectors", err=True
        )
        raise typer.Exit(_EXIT_NOTHING)


def _analogy_rows(name: str, answers: AnalogyScores) -> Iterator[tuple[str, ...]]:
    sections = [(f"  {section.name}", section) for section in answers.sections]
    for title, section in ((name, answers.total), *sections):
        share = f"{100 * section.accuracy:.1f} %" if section.n_questions else "-"
        yield title, share, f"{section.n_questions:,}", f"{section.n_unknown:,}"


def _print_table(headers: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from textrep.core.messages import printable

    console = stdout()
    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(printable(cell)) for cell in row))
    with writing():
        console.print(table)
