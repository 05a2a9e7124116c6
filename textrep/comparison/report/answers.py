"""The answers of the rung that the report is about: confusions, reliability, mistakes, terms."""

from __future__ import annotations

from dataclasses import dataclass

from textrep.comparison.calibration.error import reliability
from textrep.comparison.outcome import Outcome
from textrep.comparison.report.confusions import Confusions, confusions
from textrep.comparison.report.mistakes import Quotation, confident_mistakes, suspicions
from textrep.comparison.report.reliability import Reliability, reliability_curve
from textrep.comparison.report.terms import TopTerms, count_terms, linear_terms
from textrep.comparison.report.wording import label_text, legible
from textrep.comparison.result import ComparisonResult

_N_BINS = 15  # of the reliability curve, as in Guo et al., ICML 2017
_MAX_CLASSES = 40  # whose terms are listed


@dataclass(frozen=True)
class Suspicions:
    """Labels that may be wrong: what was found in one sentence, and the most suspicious."""

    message: str
    quotations: tuple[Quotation, ...]


@dataclass(frozen=True)
class Terms:
    """Terms of each class, where they come from, and of how many classes they are not listed."""

    source: str
    classes: tuple[tuple[str, tuple[str, ...]], ...]
    n_left_out: int


def confusions_of(result: ComparisonResult, name: str) -> Confusions | None:
    """What a rung took for what; None without its predictions."""
    predicted = result.predictions_.get(name)
    if result.task is None or predicted is None:
        return None
    return confusions(result.task.truth, predicted)


def reliability_of(result: ComparisonResult, name: str) -> Reliability | None:
    """How reliable the probabilities of a rung are; None without them."""
    probabilities = result.probabilities_.get(name)
    if result.task is None or probabilities is None:
        return None
    bins = reliability(result.task.truth, probabilities, result.classes, _N_BINS)
    return reliability_curve(bins)


def mistakes_of(result: ComparisonResult, name: str) -> tuple[Quotation, ...] | None:
    """The most confident mistakes of a rung; None without its predictions."""
    predicted = result.predictions_.get(name)
    if result.task is None or predicted is None:
        return None
    return confident_mistakes(result.task, predicted, result.probabilities_.get(name))


def suspicions_of(result: ComparisonResult) -> Suspicions | None:
    """Labels that may be wrong; None where they were not looked for."""
    found = result.label_errors
    if found is None:
        return None
    quotations = (
        suspicions(result.task, found.positions, found.suggested, found.confidence)
        if result.task is not None
        else ()
    )
    return Suspicions(legible(found.message), quotations)


def terms_of(result: ComparisonResult, subject: Outcome) -> Terms | None:
    """Terms of each class: of the rung itself, else of the best linear one, else word counts."""
    candidates = [subject, *(o for o in result.outcomes if o.accuracy is not None and o != subject)]
    columns = () if result.task is None else result.task.column_names
    unread = ""
    for outcome in candidates:
        name = label_text(outcome.name)
        try:
            model = result.model(outcome.name)
        except (ValueError, OSError) as error:  # not kept, or no longer on the disk
            if outcome == subject:
                unread = f" ({legible(str(error))})"
            continue
        found = linear_terms(getattr(model, "estimator_", model), columns=columns)
        if found is not None:
            return _terms(f"by the weights of {name}{unread}", found)
    if result.task is None:
        return None
    source = "by word counts of the training texts, since there is no model linear on words"
    return _terms(source + unread, count_terms(result.task))


def _terms(source: str, found: TopTerms) -> Terms:
    classes = [
        (label_text(label), tuple(_visible(term) for term, _ in terms))
        for label, terms in found.items()
    ]
    return Terms(source, tuple(classes[:_MAX_CLASSES]), max(0, len(classes) - _MAX_CLASSES))


def _visible(term: str) -> str:
    """A term whose blanks at its ends can be seen."""
    inner = term.strip(" ")
    left = len(term) - len(term.lstrip(" "))
    right = len(term) - left - len(inner)
    return label_text("␣" * left + inner + "␣" * right)
