"""`textrep lm evaluate`: what a language model can do after a few solved examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from textrep.cli.language_models import open_language_model, texts_of
from textrep.cli.neural_models import need_torch
from textrep.cli.output import fail, print_lines
from textrep.cli.word_models import refusing
from textrep.cli.word_training import Texts

if TYPE_CHECKING:
    from textrep.generation.in_context import InContextResult
    from textrep.generation.language_model import LanguageModel

TASKS = ("cloze", "arithmetic", "question-answering")


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|CHECKPOINT",
            help="File that `textrep lm fit --save` made, or a folder or name of a checkpoint for "
            "transformers.",
        ),
    ],
    tasks: Annotated[
        str, typer.Option(metavar=",".join(TASKS), help="What to ask for, with commas between.")
    ] = ",".join(TASKS),
    examples: Annotated[int, typer.Option(min=0, help="Solved examples before each question.")] = 5,
    questions: Annotated[int, typer.Option(min=1, help="Questions of each task.")] = 100,
    passages: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Texts whose last word cloze asks for, in place of textrep's own."
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(metavar="auto|cpu|cuda|mps", help="Where to compute; auto takes the fastest."),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="Decides the questions.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON in place of a table.")
    ] = False,
) -> None:
    """Ask a language model questions after a few solved ones, without training it.

    The last words of passages (cloze), sums, differences and products (arithmetic), and questions
    about a passage. Chance is what needs no understanding: the commonest answer, or any word of the
    passage.
    """
    wanted = [task.strip() for task in tasks.split(",") if task.strip()]
    unknown = [task for task in wanted if task not in TASKS]
    if unknown or not wanted:
        fail(f"--tasks: {unknown[0] if unknown else 'none'!r}; expected some of {', '.join(TASKS)}")
    need_torch()
    with refusing(model):
        from textrep.generation.in_context import evaluate_in_context

        result = evaluate_in_context(
            open_any_language_model(model, device),
            wanted,
            n_examples=examples,
            n_items=questions,
            passages=None if passages is None else texts_of(Texts(passages, None, None), False),
            random_state=seed,
        )
    printed = json.dumps(_document(result), indent=1) if as_json else str(result)
    print_lines(printed.split("\n"))


def open_any_language_model(model: str, device: str) -> LanguageModel:
    """A language model of textrep's own, or one that transformers can load.

    Parameters
    ----------
    model : str
        A file that textrep saved; or the folder or the name of a checkpoint.
    device : str

    Returns
    -------
    LanguageModel
        Fitted.

    Raises
    ------
    typer.Exit
        When a file holds something else.
    """
    path = Path(model)
    # Names of checkpoints have no suffix of ours, and a file that is missing should be named so.
    if path.is_file() or path.suffix == ".textrep":
        return open_language_model(path, device)
    from textrep.generation import PretrainedLanguageModel

    return PretrainedLanguageModel(checkpoint=model, device=device).fit()


def _document(result: InContextResult) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(result)
