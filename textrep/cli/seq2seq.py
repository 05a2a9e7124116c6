"""`textrep seq2seq`: models that make one text of another."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from textrep.cli.incoming import Wanted, read_pieces
from textrep.cli.language_models import printable_text
from textrep.cli.neural_models import need_torch
from textrep.cli.output import (
    check_choice,
    fail,
    leave_the_rest_to_main,
    print_lines,
    writing,
)
from textrep.cli.target import check_targets
from textrep.cli.text_pairs import (
    ATTENTIONS,
    CELLS,
    LEVELS,
    MODELS,
    NORMS,
    naming_columns,
    new_seq2seq,
    open_seq2seq,
    read_text_pairs,
    summary,
)
from textrep.cli.word_models import refusing

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Learn from pairs of texts to make one of the other, and do it.",
)

_Encoding = Annotated[str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")]
_Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
_Source = Annotated[
    str | None,
    typer.Option(
        help="Column of the texts to read: header, or position from 0 in a table without headers."
    ),
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command()
def fit(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="A .csv, .tsv, .jsonl or .parquet file with a column of sources and one of "
            "targets, or a corpus of pairs such as multi30k_en_de.",
        ),
    ],
    save: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Save the model to this file.")
    ] = None,
    source: _Source = None,
    target: Annotated[
        str | None, typer.Option(help="Column of the texts to write, likewise.")
    ] = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="Read the targets and write the sources.")
    ] = False,
    model: Annotated[
        str,
        typer.Option(metavar="|".join(MODELS), help="A recurrent network, or attention alone."),
    ] = "rnn",
    level: Annotated[
        str, typer.Option(metavar="|".join(LEVELS), help="What the model reads and writes.")
    ] = "subword",
    cell: Annotated[
        str | None, typer.Option(metavar="|".join(CELLS), help="Of rnn: kind of network (gru).")
    ] = None,
    attention: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(ATTENTIONS),
            help="Of rnn: how it looks back at the source (luong-general).",
        ),
    ] = None,
    embedding_size: Annotated[
        int | None,
        typer.Option(
            help="Of rnn: dimensions of a unit's vector; like those below, else the default."
        ),
    ] = None,
    heads: Annotated[
        int | None, typer.Option(help="Of transformer: heads of each attention.")
    ] = None,
    inner_size: Annotated[
        int | None, typer.Option(help="Of transformer: units inside the feed-forward layers.")
    ] = None,
    norm: Annotated[
        str | None,
        typer.Option(metavar="|".join(NORMS), help="Of transformer: where its norms stand."),
    ] = None,
    average_last: Annotated[
        int | None, typer.Option(help="Of transformer: epochs to take the mean of the weights of.")
    ] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units of each layer.")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of units dropped.")] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Units to know at most, a side.")] = None,
    min_count: Annotated[int | None, typer.Option(help="Leave out units that are rarer.")] = None,
    batch_tokens: Annotated[
        int | None, typer.Option(help="Units of both sides in a batch, with padding.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Times to learn from each pair.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the pairs to choose the best epoch by.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better validation loss to stop after.")
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Time for training.")] = None,
    lowercase: Annotated[
        bool | None, typer.Option("--lowercase", help="Lower-case the texts.", show_default=False)
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep interrupted training here; the same command then goes on with it.",
        ),
    ] = None,
    device: _Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Decides whatever is random.")] = 0,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Learn what is made of what: translations, questions, headlines."""
    check_choice("--model", model, MODELS)
    check_choice("--level", level, LEVELS)
    for option, value, choices in (
        ("--cell", cell, CELLS),
        ("--attention", attention, ATTENTIONS),
        ("--norm", norm, NORMS),
    ):
        if value is not None:
            check_choice(option, value, choices)
    need_torch()
    with refusing(data), naming_columns():
        if save is None:
            fail("give --save: nothing would be kept of the work")
        from textrep.data.load import find_source

        check_targets({"--save": save, "--checkpoint": checkpoint}, find_source(data))
        own = {
            "cell": cell,
            "attention": attention,
            "embedding_size": embedding_size,
            "num_heads": heads,
            "inner_size": inner_size,
            "norm": norm,
            "average_last": average_last,
        }
        fitted = new_seq2seq(
            model,
            own,
            level=level,
            hidden_size=hidden_size,
            num_layers=layers,
            dropout=dropout,
            vocab_size=vocab_size,
            min_count=min_count,
            batch_tokens=batch_tokens,
            epochs=epochs,
            learning_rate=learning_rate,
            validation_fraction=validation_fraction,
            patience=patience,
            max_seconds=max_seconds,
            lowercase=lowercase,
            checkpoint=checkpoint,
            device=device,
            random_state=seed,
            verbose=0 if quiet else 1,
        )
        sources, targets = read_text_pairs(data, source, target, encoding, reverse)
        begun = time.monotonic()
        fitted.fit(sources, targets)
        leave_the_rest_to_main()
        lines = [*summary(fitted, len(sources), time.monotonic() - begun)]
        fitted.save(save)
    print_lines([*lines, f"Model: {save}"])


@app.command()
def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="File that `textrep seq2seq fit --save` made.")
    ],
    data: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A file with a text on each line, a table, a corpus; or - for standard input.",
        ),
    ],
    source: _Source = None,
    beam_width: Annotated[
        int | None, typer.Option(min=1, help="Beams of the search; 1 is greedy.")
    ] = None,
    replace_unknown: Annotated[
        bool,
        typer.Option(
            "--replace-unknown", help="Copy words of the source where the model lacks one."
        ),
    ] = False,
    device: _Device = "auto",
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Make a text of each text, one a line, in their order."""
    need_torch()
    with refusing(data), naming_columns():
        known = open_seq2seq(model, device)
        if replace_unknown:
            known.set_params(replace_unknown=True)
        from textrep.core.progress import Progress, progress

        bar: Progress[object]
        pieces = read_pieces(data, None, Wanted(source, False, (), encoding))
        with progress(description="writing", verbose=0 if quiet else 1, unit="texts") as bar:
            for piece in pieces:
                answers = known.predict(piece.texts, beam_width=beam_width)
                with writing():
                    for answer in answers:
                        # A text on each line, whatever line ends are in it.
                        sys.stdout.write(printable_text(" ".join(answer.splitlines())) + "\n")
                    sys.stdout.flush()
                bar.update(len(answers))
