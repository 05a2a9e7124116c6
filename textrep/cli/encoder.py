"""`textrep encoder`: BERT and its kin, for classes, vectors and small students."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from textrep.cli import answers
from textrep.cli.encoder_models import (
    ARCHITECTURES,
    INFERENCE,
    POOLINGS,
    PROBLEMS,
    SIZES,
    Columns,
    floats_of,
    new_classifier,
    new_language_model,
    open_classifier,
    open_encoder,
    read_labelled,
    read_more,
    size_of,
    summary,
)
from textrep.cli.encoder_output import check_files, write_predictions, write_vectors
from textrep.cli.neural_models import need_torch
from textrep.cli.output import check_choice, fail, leave_the_rest_to_main, print_lines
from textrep.cli.word_models import refusing

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Fine-tune BERT or another encoder, published or pre-trained on your own texts, and use "
    "it.",
)

_Data = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A .csv, .tsv, .jsonl or .parquet file, a file with a text on each line, a folder, an "
        "archive or a corpus, as for `textrep compare`; or - for standard input.",
    ),
]
_Model = Annotated[
    Path, typer.Argument(metavar="MODEL", help="File that `textrep encoder fit --save` made.")
]
_Save = Annotated[Path | None, typer.Option(metavar="MODEL", help="Save the model to this file.")]
_Text = Annotated[str | None, typer.Option(help="Column of the texts: header, or position from 0.")]
_Pair = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Column of second texts, where they come in pairs."),
]
_Label = Annotated[str | None, typer.Option(help="Column of the labels: header, or position.")]
_Encoding = Annotated[str | None, typer.Option(help="Encoding of the data, when it is not UTF-8.")]
_Unlabelled = Annotated[
    bool,
    typer.Option("--unlabelled", help="Learn from the texts alone, whatever labels there are."),
]
_MaxSeconds = Annotated[float | None, typer.Option(help="Time for training.")]
_Device = Annotated[
    str, typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest.")
]
_Seed = Annotated[int, typer.Option(min=0, help="Decides whatever is random.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


@app.command()
def fit(
    data: _Data,
    save: _Save = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Encoder to start from: a folder in the layout of Hugging Face, a name on its "
            "hub, or a file of textrep. Without it, a small one is pre-trained on the texts.",
        ),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Branch, tag or commit of a model of the hub.")
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(metavar="|".join(ARCHITECTURES), help="Of a new one; else modernbert."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(
            metavar=f"{'|'.join(SIZES)}|LAYERSxWIDTH", help="Likewise; mini when left out."
        ),
    ] = None,
    vocab_size: Annotated[
        int | None, typer.Option(help="Subwords that a new encoder knows at most.")
    ] = None,
    cased: Annotated[
        bool, typer.Option("--cased", help="Tell capitals from small letters in a new encoder.")
    ] = False,
    pretrain_on: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Further texts, without labels, to pre-train on."),
    ] = None,
    pretrain_epochs: Annotated[
        int | None,
        typer.Option(help="Times to read the texts before; 0 starts from what there is at once."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Times to learn from each text.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Texts in a batch.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Highest learning rate.")] = None,
    max_length: Annotated[
        int | None, typer.Option(help="Subwords of a text that are read at once.")
    ] = None,
    windows: Annotated[
        bool, typer.Option("--windows", help="Read longer texts in windows to their end.")
    ] = False,
    problem: Annotated[
        str, typer.Option(metavar="|".join(PROBLEMS), help="What the labels are.")
    ] = "classes",
    pooling: Annotated[
        str | None,
        typer.Option(metavar="|".join(POOLINGS), help="What vector stands for a text."),
    ] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of units dropped.")] = None,
    freeze_layers: Annotated[
        int | None, typer.Option(help="Leave the embeddings and so many lower layers as they are.")
    ] = None,
    layer_decay: Annotated[
        float | None, typer.Option(help="Learning rate of a layer, in parts of that above it.")
    ] = None,
    lora_rank: Annotated[
        int | None, typer.Option(help="Train adapters of this rank alone (needs peft).")
    ] = None,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Let rare classes count as much as frequent ones.")
    ] = False,
    validation_fraction: Annotated[
        float | None, typer.Option(help="Share of the texts to choose the best epoch by.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="Epochs without a better validation loss to stop after.")
    ] = None,
    max_seconds: _MaxSeconds = None,
    unlabelled: _Unlabelled = False,
    resume: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Keep interrupted training here; the same command then goes on with it.",
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write the encoder for transformers, in the layout of its own."
        ),
    ] = None,
    device: _Device = "auto",
    precision: Annotated[
        str | None,
        typer.Option(metavar="auto|fp32|bf16", help="bf16 is faster where there is such."),
    ] = None,
    seed: _Seed = 0,
    text: _Text = None,
    pair: _Pair = None,
    label: _Label = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Learn classes from labelled texts, or with --unlabelled from texts alone."""
    for option, value, known in (
        ("--architecture", architecture, ARCHITECTURES),
        ("--problem", problem, PROBLEMS),
        ("--pooling", pooling, POOLINGS),
    ):
        check_choice(option, value, known)
    shape = size_of(size)
    need_torch()
    columns = Columns(text, pair, label, encoding)
    with refusing(data):
        if save is None and export is None:
            fail("give --save or --export: nothing would be kept of the work")
        check_files({"--save": save, "--resume": resume}, data, pretrain_on, export=export)
        wanted: dict[str, Any] = {
            "checkpoint": checkpoint,
            "revision": revision,
            "architecture": architecture,
            "size": shape,
            "vocab_size": vocab_size,
            "lowercase": False if cased else None,
            "pretrain_epochs": pretrain_epochs,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "max_length": max_length,
            "long_texts": "windows" if windows else None,
            "problem": "regression" if problem == "regression" else None,
            "pooling": pooling,
            "dropout": dropout,
            "freeze_layers": freeze_layers,
            "layer_decay": layer_decay,
            "lora_rank": lora_rank,
            "class_weight": "balanced" if balanced else None,
            "validation_fraction": validation_fraction,
            "patience": patience,
            "max_seconds": max_seconds,
            "training_checkpoint": resume,
            "device": device,
            "precision": precision,
            "random_state": seed,
            "verbose": 0 if quiet else 1,
        }
        made = new_language_model(wanted) if unlabelled else new_classifier(wanted)
        found = read_labelled(data, columns, labels=not unlabelled)
        more = read_more(pretrain_on, encoding)
        begun = time.monotonic()
        if unlabelled:
            if pair is not None:
                fail("--pair is for texts with labels; leave it out, or --unlabelled")
            made.fit([*found.inputs, *(more or [])])
        else:
            if found.labels is None:
                fail(
                    "the data have no labels: name their column with --label, or give --unlabelled "
                    "to learn from the texts alone"
                )
            labels = floats_of(found.labels) if problem == "regression" else found.labels
            made.set_params(pretrain_on=more).fit(found.inputs, labels)
        leave_the_rest_to_main()
        lines = list(summary(made, len(found.inputs), time.monotonic() - begun))
        if save is not None:
            made.save(save)
            lines.append(f"Model: {save}")
        if export is not None:
            made.encoder_.save_pretrained(export)
            lines.append(f"Encoder: {export}")
    print_lines(lines)


@app.command()
def predict(
    model: _Model,
    data: _Data,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="|".join(answers.FORMATS),
            help="Of the output, which has a line for each text, in their order.",
        ),
    ] = "jsonl",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write to this file, whole or not at all."
        ),
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="Give the probability of each class.")
    ] = False,
    inference: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(INFERENCE),
            help="Compute in this way; auto measures all on the first texts and takes the fastest "
            "that changes no more than one answer in 200.",
        ),
    ] = None,
    device: _Device = "auto",
    text: _Text = None,
    pair: _Pair = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Predict the classes of texts, one a line."""
    check_choice("--format", form, answers.FORMATS)
    check_choice("--inference", inference, INFERENCE)
    need_torch()
    columns = Columns(text, pair, None, encoding)
    with refusing(data):
        check_files({"--output": output}, data, model)
        known = open_classifier(model, device)
        write_predictions(
            known,
            data,
            columns,
            form=form,
            out=output,
            probabilities=probabilities,
            inference=inference,
            quiet=quiet,
        )


@app.command()
def transform(
    model: _Model,
    data: _Data,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write to a .npy, .csv, .tsv or .parquet file, whole or not at all; without it "
            "lines of numbers, separated by commas, go to standard output.",
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(POOLINGS[1:]),
            help="How the tokens of a text become its vector; as the model has it when left out.",
        ),
    ] = None,
    device: _Device = "auto",
    text: _Text = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Turn texts into vectors, one each, in their order."""
    check_choice("--pooling", pooling, POOLINGS[1:])
    need_torch()
    columns = Columns(text, None, None, encoding)
    with refusing(data):
        check_files({"--out": out}, data, model)
        written = write_vectors(open_encoder(model, device), data, columns, pooling, out, quiet)
    print_lines(written)


@app.command()
def distill(
    model: _Model,
    data: _Data,
    save: _Save = None,
    layers: Annotated[
        int | None, typer.Option(min=1, help="Of the student; half the teacher's when left out.")
    ] = None,
    hidden_size: Annotated[
        int | None, typer.Option(min=1, help="Values of a token; the teacher's when left out.")
    ] = None,
    static: Annotated[
        bool,
        typer.Option(
            "--static",
            help="Keep vectors of words alone, which a text is the mean of: much faster.",
        ),
    ] = False,
    epochs: Annotated[
        int | None, typer.Option(help="Times to learn from each text for the task.")
    ] = None,
    transfer_epochs: Annotated[
        int | None, typer.Option(help="Times to learn before to see what the teacher sees.")
    ] = None,
    max_seconds: _MaxSeconds = None,
    unlabelled: _Unlabelled = False,
    device: _Device = "auto",
    seed: _Seed = 0,
    text: _Text = None,
    pair: _Pair = None,
    label: _Label = None,
    encoding: _Encoding = None,
    quiet: _Quiet = False,
) -> None:
    """Teach a smaller encoder what a fitted one knows, on texts with labels or without."""
    need_torch()
    if save is None:
        fail("give --save: nothing would be kept of the work")
    own: dict[str, Any] = {"--layers": layers, "--hidden-size": hidden_size, "--epochs": epochs}
    own |= {"--transfer-epochs": transfer_epochs, "--max-seconds": max_seconds, "--pair": pair}
    if static and (given := [option for option, value in own.items() if value is not None]):
        fail(f"{given[0]} is for a student that reads; leave it out, or --static")
    columns = Columns(text, pair, label, encoding)
    with refusing(data):
        check_files({"--save": save}, data, model)
        teacher = open_encoder(model, device)
        common: dict[str, Any] = {
            "device": device,
            "random_state": seed,
            "verbose": 0 if quiet else 1,
        }
        labelled = hasattr(teacher, "predict") and not static and not unlabelled
        found = read_labelled(data, columns, labels=labelled)
        begun = time.monotonic()
        if static:
            from textrep.contextual import StaticStudent

            student: Any = StaticStudent(checkpoint=teacher, **common).fit(found.inputs)
            lines = [f"vectors of {len(student.vectors_):,} words, {student.vectors_.dim} numbers"]
        else:
            student = _student(
                teacher,
                found,
                {"num_layers": layers, "hidden_size": hidden_size},
                epochs=epochs,
                transfer_epochs=transfer_epochs,
                max_seconds=max_seconds,
                **common,
            )
            from textrep.contextual.distillation import DistillationReport

            lines = [str(DistillationReport.of(student))]
        leave_the_rest_to_main()
        lines.append(f"{len(found.inputs):,} texts in {time.monotonic() - begun:.1f} s")
        student.save(save)
    print_lines([*lines, f"Model: {save}"])


def _student(teacher: Any, found: Any, shape: dict[str, int | None], **options: Any) -> Any:
    from textrep.contextual import distill as teach

    given = {name: value for name, value in options.items() if value is not None}
    wanted = {name: value for name, value in shape.items() if value is not None}
    labels = found.labels
    if labels is not None and getattr(teacher, "problem_", "") == "regression":
        labels = floats_of(labels)
    return teach(teacher, found.inputs, labels, student=wanted or None, **given)
