"""`textrep vectorize`: files of any size to a document-term matrix in shards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli.output import check_choice, fail, print_lines

METHODS = {
    "tfidf": "TfidfVectorizer",
    "counts": "CountVectorizer",
    "hashing": "HashingVectorizer",
    "bm25": "BM25Vectorizer",
}
FORMS = ("npz", "parquet")
ANALYZERS = ("word", "char", "char_wb")

_MEGABYTE = 1_000_000
_WILD = frozenset("*?[")

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Turn files of texts into a document-term matrix, side by side and in pieces.",
)

_Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Text by line (.txt), .csv, .tsv, .jsonl or .parquet, plain or compressed; in quotes, "
        "a pattern such as 'folder/*.jsonl.gz', of which ** stands for any folders.",
    ),
]
_Out = Annotated[
    Path,
    typer.Option(
        metavar="FOLDER",
        help="Write the shards, the model and manifest.json here. After an interruption the same "
        "command goes on with it.",
    ),
]
_TextColumn = Annotated[
    str | None, typer.Option(help="Column of the texts: header, or position from 0.")
]
_LabelColumn = Annotated[
    str | None, typer.Option(help="Column of labels to keep in the shards; none when left out.")
]
_Encoding = Annotated[str | None, typer.Option(help="Encoding of the files, when it is not UTF-8.")]
_Form = Annotated[
    str,
    typer.Option("--format", metavar="|".join(FORMS), help="Of the shards: scipy's or Parquet."),
]
_BlockSize = Annotated[
    int,
    typer.Option(
        min=1,
        metavar="MB",
        help="Text of a task; .txt and .jsonl files are cut into such blocks. A shard has at most "
        "twice as much.",
    ),
]
_Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Let the workers of this scheduler of dask do it, such as tcp://10.0.0.1:8786. They "
        "must see the files and the folder under the same paths.",
    ),
]
_Workers = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Processes on this machine; one with all cores when left out."
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command()
def fit(
    files: _Files,
    out: _Out,
    method: Annotated[
        str, typer.Option(metavar="|".join(METHODS), help="How texts are counted and weighed.")
    ] = "tfidf",
    ngram_range: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="MIN MAX", help="Lengths of n-grams; 1 1 when left out."),
    ] = None,
    analyzer: Annotated[
        str | None,
        typer.Option(metavar="|".join(ANALYZERS), help="What n-grams are of; word when left out."),
    ] = None,
    min_df: Annotated[
        str | None,
        typer.Option(help="Leave out terms of fewer documents: a count, or a share such as 0.01."),
    ] = None,
    max_df: Annotated[
        str | None, typer.Option(help="Leave out terms of more documents, likewise.")
    ] = None,
    max_features: Annotated[
        int | None, typer.Option(min=1, help="Keep only so many of the most frequent terms.")
    ] = None,
    n_features: Annotated[
        int | None, typer.Option(min=1, help="Columns of the method hashing.")
    ] = None,
    stop_words: Annotated[
        str | None, typer.Option(metavar="english", help="Leave out these stop words.")
    ] = None,
    further: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A further parameter of the estimator, such as sublinear_tf=true; may be given "
            "again.",
        ),
    ] = None,
    text_column: _TextColumn = None,
    label_column: _LabelColumn = None,
    encoding: _Encoding = None,
    form: _Form = "npz",
    block_size: _BlockSize = 64,
    scheduler: _Scheduler = None,
    workers: _Workers = None,
    quiet: _Quiet = False,
) -> None:
    """Learn the vocabulary of files, and write their matrix and the fitted model.

    The answer equals that of one machine for all texts in the order of the files.
    """
    check_choice("--method", method, tuple(METHODS))
    check_choice("--analyzer", analyzer, ANALYZERS)
    check_choice("--format", form, FORMS)
    from textrep.cli.word_models import refusing

    with refusing(str(out)):
        from textrep import sparse
        from textrep.cli.estimator_options import new_estimator
        from textrep.sparse.sharded import fit_files

        wanted = {
            "ngram_range": ngram_range,
            "analyzer": analyzer,
            "min_df": _count_or_share("--min-df", min_df),
            "max_df": _count_or_share("--max-df", max_df),
            "max_features": max_features,
            "n_features": n_features,
            "stop_words": stop_words,
        }
        vectorizer = new_estimator(getattr(sparse, METHODS[method]), wanted, further or [])
        manifest = fit_files(
            vectorizer,
            _found(files),
            out,
            text=text_column,
            label=label_column,
            encoding=encoding,
            form=form,
            block_bytes=block_size * _MEGABYTE,
            scheduler=scheduler,
            workers=workers,
            verbose=0 if quiet else 1,
        )
    print_lines(_summary(out, manifest))


@app.command()
def transform(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="model.textrep of `textrep vectorize fit`.")
    ],
    files: _Files,
    out: _Out,
    text_column: _TextColumn = None,
    label_column: _LabelColumn = None,
    encoding: _Encoding = None,
    form: _Form = "npz",
    block_size: _BlockSize = 64,
    scheduler: _Scheduler = None,
    workers: _Workers = None,
    quiet: _Quiet = False,
) -> None:
    """Write the matrix of files by a model that was fitted before."""
    check_choice("--format", form, FORMS)
    from textrep.cli.word_models import refusing

    with refusing(str(out)):
        from textrep.sparse.sharded import transform_files

        manifest = transform_files(
            model,
            _found(files),
            out,
            text=text_column,
            label=label_column,
            encoding=encoding,
            form=form,
            block_bytes=block_size * _MEGABYTE,
            scheduler=scheduler,
            workers=workers,
            verbose=0 if quiet else 1,
        )
    print_lines(_summary(out, manifest))


def _found(files: list[str]) -> list[str]:
    """The files that names and patterns stand for, those of a pattern in alphabetical order."""
    import glob

    found: dict[str, None] = {}
    for name in files:
        # What is there is meant, also where its name holds a bracket.
        if not _WILD & set(name) or Path(name).exists():
            found[name] = None
            continue
        # Path.glob takes no pattern that begins at the root.
        matches = glob.glob(name, recursive=True)  # noqa: PTH207
        matched = sorted(path for path in matches if Path(path).is_file())
        if not matched:
            fail(f"{name}: no file matches this pattern")
        found |= dict.fromkeys(matched)
    return list(found)


def _count_or_share(option: str, value: str | None) -> int | float | None:
    if value is None:
        return None
    try:
        return int(value) if value.lstrip("-").isdecimal() else float(value)
    except ValueError:
        fail(f"{option} is {value!r}; expected a count such as 2, or a share such as 0.01")


def _summary(out: Path, manifest: dict[str, Any]) -> Iterator[str]:
    schema, shards = manifest["schema"], manifest["shards"]
    yield (
        f"{manifest['rows']:,} texts, {schema['n_features']:,} columns, "
        f"{manifest['entries']:,} entries: {len(shards):,} shards in {out}"
    )
    yield f"Model: {out / manifest['model']}"
