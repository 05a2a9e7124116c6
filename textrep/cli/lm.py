"""`textrep lm`: language models, which continue texts and say how likely texts are."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli.chat import chat
from textrep.cli.complete import complete, fit_code
from textrep.cli.evaluate import evaluate
from textrep.cli.language_models import (
    CELLS,
    LEVELS,
    MODELS,
    ScoreWriter,
    check_kept,
    new_language_model,
    open_model_or_checkpoint,
    printable_text,
    summary,
    texts_of,
)
from textrep.cli.neural_models import need_torch
from textrep.cli.output import (
    check_choice,
    fail,
    leave_the_rest_to_main,
    print_lines,
    writing,
)
from textrep.cli.word_models import refusing
from textrep.cli.word_training import Texts

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train a language model, let it write, and ask it how likely texts are.",
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
_Model = Annotated[
    Path | None,
    typer.Argument(
        metavar="[MODEL]", help="File that `textrep lm fit --save` made; or give --checkpoint."
    ),
]
_Checkpoint = Annotated[
    str | None,
    typer.Option(
        metavar="DIR",
        help="Folder of a published model in the layout of Hugging Face, or its name on the hub.",
    ),
]
_Text = Annotated[str | None, typer.Option(help="Column of the texts: header, or position from 0.")]
_Encoding = Annotated[str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")]
_Whole = Annotated[
    bool,
    typer.Option(
        "--whole", help="Take all lines together for one text, so that line ends are learnt too."
    ),
]
_Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]

app.command()(chat)
app.command()(evaluate)
app.command("fit-code")(fit_code)
app.command()(complete)


@app.command()
def fit(
    data: _Data,
    save: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="Save the model to this file.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="|".join(MODELS),
            help="A recurrent network, a Transformer, or a Transformer with experts.",
        ),
    ] = "rnn",
    level: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(LEVELS),
            help="What the model reads and writes; words of an rnn and subwords of others when "
            "left out.",
        ),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(metavar="|".join(CELLS), help="Kind of recurrent network.")
    ] = None,
    embedding_size: Annotated[
        int | None,
        typer.Option(
            help="Dimensions of a unit's vector; like those below, as the model thinks best."
        ),
    ] = None,
    hidden_size: Annotated[int | None, typer.Option(help="Units of each layer.")] = None,
    layers: Annotated[int | None, typer.Option(help="Layers.")] = None,
    heads: Annotated[
        int | None, typer.Option(help="Attentions side by side (gpt, switch).")
    ] = None,
    experts: Annotated[int | None, typer.Option(help="Experts of a layer (switch).")] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Units that the model looks back at (gpt, switch).")
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help="Share of the output that is dropped, of the last layer (rnn) or all."),
    ] = None,
    weight_dropout: Annotated[
        float | None,
        typer.Option(help="Share of the recurrent weights dropped (AWD-LSTM)."),
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Units through which gradients go back (rnn).")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Streams or windows of text that are read side by side.")
    ] = None,
    max_steps: Annotated[
        int | None, typer.Option(help="Batches to learn from, in place of epochs (gpt, switch).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Times to learn from each text.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better validation loss to stop after.")
    ] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Time for training.")] = None,
    max_vocabulary: Annotated[
        int | None, typer.Option(help="Different words or characters to know at most.")
    ] = None,
    min_count: Annotated[int | None, typer.Option(help="Leave out words that are rarer.")] = None,
    vocab_size: Annotated[int | None, typer.Option(help="Subwords to know at most.")] = None,
    lowercase: Annotated[
        bool | None, typer.Option("--lowercase", help="Lower-case the texts.", show_default=False)
    ] = None,
    validation: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Texts to choose the best epoch by, of the same form as the data.",
        ),
    ] = None,
    validation_fraction: Annotated[
        float | None,
        typer.Option(
            help="Share of the data, its end, to choose the best epoch by without --validation; a "
            "tenth (rnn) or none (gpt, switch) when left out."
        ),
    ] = None,
    whole: _Whole = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep interrupted training here; the same command then goes on with it.",
        ),
    ] = None,
    curve: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the losses to this picture, such as a .png."),
    ] = None,
    device: _Device = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Decides whatever is random.")] = 0,
    text: _Text = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Learn a language model from texts.

    Each text is read to its end, which the model learns too.
    """
    check_choice("--model", model, tuple(MODELS))
    check_choice("--level", level, LEVELS)
    check_choice("--cell", cell, CELLS)
    need_torch()
    source = Texts(data, text, encoding)
    held_source = None if validation is None else Texts(validation, text, encoding)
    with refusing(data):
        check_kept(save, checkpoint, curve, source, *filter(None, [held_source]))
        from textrep.engine.history_plot import save_history_plot

        wanted = {
            "level": level,
            "cell": cell,
            "embedding_size": embedding_size,
            "hidden_size": hidden_size,
            "num_layers": layers,
            "num_heads": heads,
            "n_experts": experts,
            "max_length": max_length,
            "dropout": dropout,
            "weight_dropout": weight_dropout,
            "window": window,
            "batch_size": batch_size,
            "max_steps": max_steps,
            "epochs": epochs,
            "learning_rate": learning_rate,
            "validation_fraction": validation_fraction,
            "patience": patience,
            "max_seconds": max_seconds,
            "max_vocabulary": max_vocabulary,
            "min_count": min_count,
            "vocab_size": vocab_size,
            "lowercase": lowercase,
            "checkpoint": checkpoint,
            "device": device,
            "random_state": seed,
            "verbose": 0 if quiet else 1,
        }
        made = new_language_model(model, wanted)
        held_out = None if held_source is None else texts_of(held_source, whole)
        begun = time.monotonic()
        made.fit(texts_of(source, whole), validation=held_out)
        leave_the_rest_to_main()
        lines = list(summary(made, time.monotonic() - begun))
        if save is not None:
            made.save(save)
            lines.append(f"Model: {save}")
        print_lines(lines)
        if curve is not None:
            # After the model is safe and said to be.
            print_lines([f"Curve: {save_history_plot(made.history_, curve)}"])


@app.command()
def sample(
    model: _Model = None,
    checkpoint: _Checkpoint = None,
    prompt: Annotated[
        list[str] | None,
        typer.Option(metavar="TEXT", help="Beginning to go on from; may be given again."),
    ] = None,
    number: Annotated[
        int, typer.Option("-n", "--number", min=1, help="Texts to write, for each prompt.")
    ] = 1,
    max_new_tokens: Annotated[
        int, typer.Option(min=1, help="Words, characters or subwords to write at most.")
    ] = 100,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="Below 1 the likely becomes likelier; 0 always takes the most."),
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Choose among the likeliest K only.")
    ] = None,
    top_p: Annotated[
        float | None, typer.Option(help="Choose among the likeliest that have this share together.")
    ] = None,
    repetition_penalty: Annotated[
        float, typer.Option(help="Above 1, what was written already becomes less likely.")
    ] = 1.0,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print each piece as it is written.")
    ] = False,
    device: _Device = "auto",
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Gives the same text again; another one each time without it."),
    ] = None,
) -> None:
    """Let a language model write, from nothing or on from a prompt.

    A text begins with its prompt. Several texts have an empty line between them.
    """
    prompts = prompt or [""]
    if stream and (number > 1 or len(prompts) > 1):
        fail("--stream is for one text; leave out -n and give at most one --prompt")
    need_torch()
    with refusing(str(model or checkpoint)):
        found = open_model_or_checkpoint(model, checkpoint, device)
        options: dict[str, Any] = {
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "repetition_penalty": repetition_penalty,
            "random_state": seed,
        }
        if stream:
            pieces = found.stream(prompts[0], **options)
            for piece in itertools.chain([prompts[0]], pieces, ["\n"]):
                _write(printable_text(piece))
            return
        repeated = [beginning for beginning in prompts for _ in range(number)]
        texts = found.generate(repeated, **options)
    written = [beginning + text for beginning, text in zip(repeated, texts, strict=True)]
    _write("\n\n".join(map(printable_text, written)) + "\n")


@app.command()
def score(
    model: _Model = None,
    data: Annotated[
        str | None, typer.Argument(metavar="FILE", help="Texts, as for `textrep lm fit`.")
    ] = None,
    checkpoint: _Checkpoint = None,
    per_text: Annotated[
        bool,
        typer.Option(
            "--per-text", help="Give the figures of each text, as lines with commas between them."
        ),
    ] = False,
    continuous: Annotated[
        bool,
        typer.Option(
            "--continuous",
            help="Read the texts as one, each with what came before it in mind, as published "
            "perplexities are measured.",
        ),
    ] = False,
    whole: _Whole = False,
    device: _Device = "auto",
    text: _Text = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Tell how likely texts are to a language model.

    The perplexity is that of a word, character or subword, ends of texts included: of so many
    equally likely ones the model would be as unsure. Bits per character can be compared between
    models of words and of characters.
    """
    if per_text and continuous:
        fail("--per-text and --continuous: give one of them")
    if checkpoint is not None and data is None:  # then the only argument is the data
        model, data = None, None if model is None else str(model)
    if data is None:
        fail("give FILE, the texts to be scored")
    need_torch()
    source = Texts(data, text, encoding)
    with refusing(data):
        writer = ScoreWriter(open_model_or_checkpoint(model, checkpoint, device), quiet)
        if continuous:
            rows = writer.continuous(texts_of(source, whole))
        elif per_text:
            pieces = iter([texts_of(source, whole)]) if whole else source.pieces()
            for lines in writer.per_text(pieces):
                _write(lines)
            return
        else:
            pieces = iter([texts_of(source, whole)]) if whole else source.pieces()
            rows = writer.total(pieces)
    print_lines(rows)


def _write(text: str) -> None:
    with writing():
        typer.echo(text, nl=False)
