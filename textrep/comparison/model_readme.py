"""The card of a saved model that people read: ``README.md``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textrep.comparison.report.wording import (
    data_size,
    duration,
    number,
    percent,
    quoted,
)

README_FILE = "README.md"

# What Markdown would take for layout or HTML.
_MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]<>#|~"})
# Classes of which the figures are listed; card.json has all.
_MAX_CLASSES = 100

# True of every model that was chosen on one set of texts.
_UNKNOWN = (
    "How it does on texts from elsewhere: of another source, time, language or kind of writer "
    "than those it was tested on. Test it on labelled texts of yours before relying on it.",
    "Whether it treats groups of people alike: nothing about the writers was known to it, and no "
    "figure was taken by group.",
    "Whether the labels that it learnt from, and was tested on, are right.",
    "How it does on texts that somebody wrote to deceive it.",
)


def render_readme(card: Mapping[str, Any]) -> str:
    """Write the card of a saved model as Markdown.

    Parameters
    ----------
    card : mapping
        As `make_card` gives it.

    Returns
    -------
    str
        Sections after the proposal of the reference, as far as a comparison knows them.

    References
    ----------
    Mitchell et al. (2019), "Model cards for model reporting", https://arxiv.org/abs/1810.03993,
    figure 1.
    """
    sections = {
        None: _head(card),
        "Use": _use(card),
        "Data": _data(card),
        "Figures": _figures(card),
        "Figures by class": _by_class(card["classes"]),
        "Limits": _limits(card),
        "Not known": (f"- {sentence}" for sentence in _UNKNOWN),
        "How it was made": _making(card),
    }
    lines: list[str] = []
    for title, body in sections.items():
        held = list(body)
        if held:
            lines += [*([f"## {title}", ""] if title else []), *held, ""]
    return "\n".join(lines)


def _head(card: Mapping[str, Any]) -> Iterator[str]:
    names = [each["name"] for each in card["classes"]]
    listed = ", ".join(_text(name) for name in names[:_MAX_CLASSES])
    more = ", …" if len(names) > _MAX_CLASSES else ""
    yield f"# {_text(card['model'])} on {_text(card['data']['name'])}"
    yield ""
    yield (
        f"A classifier of texts into {len(names)} classes ({listed}{more}): "
        f"{_text(card['description'])}. Saved by textrep {card['textrep']} on {card['date'][:10]}."
    )
    if card["recommendation"]:
        yield ""
        yield f"Why this one: {_text(card['recommendation'], 1000)}"


def _use(card: Mapping[str, Any]) -> Iterator[str]:
    columns = [*card["columns"]["numeric"], *card["columns"]["categorical"]]
    yield (
        "FOLDER stands for the folder of this file. In a shell, for a table, JSON Lines, a text on "
        "each line, or `-` for standard input:"
    )
    yield ""
    yield "```sh"
    yield "textrep predict FOLDER texts.csv --explain --abstain 0.6"
    yield "```"
    yield ""
    yield "In Python:"
    yield ""
    yield "```python"
    yield "from textrep.comparison import load_model"
    yield ""
    yield 'model = load_model("FOLDER")'
    if columns:
        # As JSON, which for strings and lists is Python too.
        pairs = ", ".join(f"{json.dumps(name)}: [...]" for name in columns)
        yield f"columns = {{{pairs}}}"
        yield 'model.predict_proba(["a text"], columns=columns)'
        yield 'model.explain(["a text"], columns=columns)'
    else:
        yield 'model.predict_proba(["a text"])'
        yield 'model.explain(["a text"])'
    yield "```"
    yield ""
    yield (
        "It answers every text with one of its classes, also a text that belongs to none of them: "
        "leave doubtful ones unanswered with `--abstain`. The files hold no code and loading them "
        "runs none."
    )


def _data(card: Mapping[str, Any]) -> Iterator[str]:
    data = card["data"]
    tested = (
        f"tested in {data['folds']} folds on {data['n_test']:,}"
        if data["folds"]
        else f"tested on {data['n_test']:,} others"
    )
    yield f"- {_text(data['name'])}: learnt from {data['n_train']:,} texts, {tested}."
    if lengths := data.get("lengths"):
        # A quantile is called by its share, such as "95 %".
        listed = ", ".join(
            f"{name}{' up to' if name.endswith('%') else ''} {count:,.0f}"
            for name, count in lengths.items()
        )
        yield f"- Characters of a text that it learnt from: {listed}."
    for kind, title in (("scripts", "Scripts"), ("languages", "Languages, probably")):
        if shares := data.get(kind):
            listed = ", ".join(f"{_text(name)} {percent(share)}" for name, share in shares.items())
            yield f"- {title}: {listed}."
    for kind in ("numeric", "categorical"):
        if names := card["columns"][kind]:
            yield f"- {kind.capitalize()} columns beside the text: {_listed(names)}."


def _figures(card: Mapping[str, Any]) -> Iterator[str]:
    figures = card["figures"]
    rows = [
        ("accuracy", _with_interval(figures["accuracy"], figures["accuracy_interval"])),
        ("macro-F1", _with_interval(figures["macro_f1"], figures["macro_f1_interval"])),
        ("calibration error", _shown(percent, figures["calibration_error"])),
        ("time to fit", _shown(duration, figures["fit_seconds"])),
        ("texts a second", _shown(number, figures["documents_per_second"])),
        ("one text alone, median", _shown(duration, figures["latency_p50"])),
        ("one text alone, 99 of 100", _shown(duration, figures["latency_p99"])),
        ("size", _shown(data_size, figures["model_bytes"])),
        ("memory to fit and predict", _shown(data_size, figures["peak_memory_bytes"])),
    ]
    yield from _table(("on the test texts", "(95 % interval)"), [row for row in rows if row[1]])
    others = sorted(card["others"], key=lambda each: -each["accuracy"])
    if others:
        yield ""
        yield "What the other methods reached on the same texts:"
        yield ""
        yield from _table(
            ("method", "accuracy", "time to fit"),
            [
                (
                    _text(each["name"]),
                    _with_interval(each["accuracy"], each["accuracy_interval"]),
                    _shown(duration, each["fit_seconds"]),
                )
                for each in others
            ],
        )


def _by_class(classes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not classes or "f1" not in classes[0]:
        return
    yield from _table(
        ("class", "learnt from", "tested on", "precision", "recall", "F1"),
        [
            (
                _text(each["name"]),
                f"{each['n_train']:,}",
                f"{each['n_test']:,}",
                *(percent(each[name]) for name in ("precision", "recall", "f1")),
            )
            for each in classes[:_MAX_CLASSES]
        ],
    )
    if len(classes) > _MAX_CLASSES:
        yield ""
        yield f"And {len(classes) - _MAX_CLASSES} more, which are in card.json."


def _limits(card: Mapping[str, Any]) -> Iterator[str]:
    for sentence in card["limits"]:
        yield f"- {_text(sentence, 1000)}"
    for finding in card["health"]:
        effect = f" {_text(finding['effect'], 1000)}" if finding["effect"] else ""
        yield f"- In the data: {_text(finding['message'], 1000)}{effect}"


def _making(card: Mapping[str, Any]) -> Iterator[str]:
    chosen = card["figures"]["settings"]
    for name, values in (
        ("Settings of the method that a search chose", chosen),
        ("Settings of the comparison", card["settings"]),
        ("Versions", card["versions"]),
    ):
        given = [
            f"{_text(key)} {_setting(value)}"
            for key, value in values.items()
            if value is not None and value != []
        ]
        if given:
            yield f"- {name}: {'; '.join(given)}."


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{'---|' + '--:|' * (len(header) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _with_interval(share: float | None, interval: Sequence[float] | None) -> str:
    if share is None:
        return ""
    if interval is None:
        return percent(share)
    low, high = (f"{100 * end:.1f}" for end in interval)
    return f"{percent(share)} ({low} to {high})"


def _shown(write: Any, value: float | None) -> str:
    return "" if value is None else write(value)


def _listed(names: Sequence[Any]) -> str:
    return ", ".join(_text(name) for name in names)


def _setting(value: Any) -> str:
    return _listed(value) if isinstance(value, list) else _text(value)


def _text(value: object, limit: int = 80) -> str:
    """Other people's words on one line, none of them taken for Markdown."""
    return quoted(str(value), limit).translate(_MARKUP)
