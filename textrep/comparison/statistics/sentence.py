"""A verdict in one plain sentence with its numbers."""

from __future__ import annotations

from textrep.comparison.statistics.prices import Price
from textrep.comparison.statistics.verdict import Contender, Verdict
from textrep.core.messages import shown

# Ratios nearer to 1 than these are within the noise of a time taken once.
_ABOUT_THE_SAME = (1 / 1.2, 1.2)
# From here on a share reads better as "1/2" than as "52 %", a multiple as "2 times" than "1.9".
_FRACTION, _MULTIPLE = 0.55, 1.95
# Methods of this kind differ by a few points; where five would not show, hardly any choice would.
_A_GUESS = 0.05
_PREPOSITIONS = {"cost": "at", "time": "in", "size": "of"}
_MINUTE, _HOUR = 60, 3600


def sentence(verdict: Verdict, *, uncertain: bool = False) -> str:
    """A verdict in words.

    Parameters
    ----------
    verdict : Verdict
        What the tests say.
    uncertain : bool, default=False
        Whether to add how large a difference would have to be to show.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> import numpy as np
    >>> from textrep.comparison import Outcome
    >>> from textrep.comparison.statistics.verdict import judge
    >>> truth = np.array([0, 1] * 10)
    >>> rung = Contender(Outcome("good", "", "ok", 1.0, 1.0, 9.0, 10.0), truth)
    >>> sentence(judge([rung], truth))
    'Take good: 100.0 % of 20 test texts right; it is the only method with figures.'
    """
    chosen, best = verdict.chosen, verdict.best
    achieved = _achieved(chosen, verdict)
    if len(verdict.ranking) == 1 and chosen.is_constant:
        return f"Only {_constant(chosen)} has figures, which looks at no text: {achieved}."
    if len(verdict.ranking) == 1:
        return f"Take {chosen.name}: {achieved}; it is the only method with figures."
    if chosen.is_constant:
        words = _no_method(verdict, achieved)
        advice = "so collect more before you choose"
    elif chosen is best:
        words = f"Take {chosen.name}: {achieved}, {_as_the_best(verdict)}"
        advice = "so treat this as a first guess"
    else:
        words = (
            f"Take {chosen.name}: {achieved}, not told apart from the best, {best.name} "
            f"({_percent(best.score(verdict.metric))}, {_p_value(chosen, verdict)}), "
            f"{_saving(chosen.price, best.price)}"
        )
        advice = "so treat this as a first guess"
    return f"{words}{_caution(verdict, advice) if uncertain else ''}."


def _achieved(contender: Contender, verdict: Verdict) -> str:
    """``91.2 % of 2,000 test texts right (95 % interval 89.9 to 92.4)``"""
    figure = _percent(contender.score(verdict.metric))
    texts = _texts(verdict.n_documents)
    words = f"{figure} of {texts} right"
    if verdict.metric == "macro_f1":
        words = f"a macro-F1 of {figure} on {texts}"
    interval = contender.interval(verdict.metric)
    if interval is None:
        return words
    return f"{words} (95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def _no_method(verdict: Verdict, achieved: str) -> str:
    """Where always giving the same answer is not told apart from the best."""
    chosen, best = verdict.chosen, verdict.best
    if best.score(verdict.metric) <= chosen.score(verdict.metric):
        return f"No method does better than {_constant(chosen)}, which gets {achieved}"
    return (
        f"No method is told apart from {_constant(chosen)}, which gets {achieved}: the best, "
        f"{best.name}, gets {_percent(best.score(verdict.metric))} ({_p_value(best, verdict)})"
    )


def _as_the_best(verdict: Verdict) -> str:
    """Where the best rung is taken: what can be said against the others."""
    n_contenders, n_alike = len(verdict.ranking), len(verdict.tied) + 1
    if n_alike == n_contenders:
        return f"the best and the cheapest of {n_contenders} methods that are not told apart"
    words = f"the best of {n_contenders} methods"
    if verdict.tied:
        words += f" and the cheapest of the {n_alike} that are not told apart"
    cheaper = [other for other in verdict.worse if verdict.is_cheaper(other)]
    if not cheaper:
        nearest = verdict.worse[0]
        return f"{words}; the next, {nearest.name}, {_distance(nearest, verdict)}"
    # Always giving the same answer is of interest only where nothing else is cheaper.
    rival = next((other for other in cheaper if not other.is_constant), cheaper[0])
    name = _constant(rival) if rival.is_constant else rival.name
    which = "the only cheaper one" if len(cheaper) == 1 else "the best of the cheaper ones"
    return f"{words}; {which}, {name}, {_distance(rival, verdict)}"


def _distance(contender: Contender, verdict: Verdict) -> str:
    """``is worse by 2.1 points (p < 0.001)``"""
    points = 100 * (verdict.best.score(verdict.metric) - contender.score(verdict.metric))
    return f"is worse by {points:.1f} points ({_p_value(contender, verdict)})"


def _constant(contender: Contender) -> str:
    return f"always answering {shown(contender.predictions[:1].tolist()[0])}"


def _p_value(contender: Contender, verdict: Verdict) -> str:
    """``p = 0.43 after Holm's correction for 91 pairs``"""
    other = verdict.chosen if contender is verdict.best else contender
    p_value = verdict.p_value_of(other)
    words = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
    if verdict.n_comparisons == 1:
        return words
    return f"{words} after Holm's correction for {verdict.n_comparisons} pairs"


def _caution(verdict: Verdict, advice: str) -> str:
    """``; with 1,000 test texts a difference of less than 4.2 points would not show``"""
    texts = _texts(verdict.n_documents)
    if verdict.detectable is None or verdict.detectable >= 1:
        return f"; with only {texts} no difference would show, {advice}"
    points = 100 * verdict.detectable
    least = f"a difference of less than {points:.{1 if points < 10 else 0}f} points would not show"
    if verdict.detectable > _A_GUESS:
        return f"; with only {texts} {least}, {advice}"
    return f"; with {texts} {least}"


def _saving(chosen: Price, best: Price) -> str:
    """``at 1/12 of its time (0.8 s against 9.9 s) and at 1/5 of its size``"""
    parts = []
    if best.money > chosen.money:
        parts.append(_money(chosen.money, best.money))
    times = f"({_duration(chosen.seconds)} against {_duration(best.seconds)})"
    parts.append(f"{_share(chosen.seconds / max(best.seconds, 1e-9), 'time')} {times}")
    if max(chosen.model_bytes, best.model_bytes) < float("inf"):
        parts.append(_share(chosen.model_bytes / max(best.model_bytes, 1), "size"))
    return f"{', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}"


def _money(chosen: float, best: float) -> str:
    if not chosen:
        return f"at no cost (against {best:.2f})"
    return f"{_share(chosen / best, 'cost')} ({chosen:.2f} against {best:.2f})"


def _share(ratio: float, of_what: str) -> str:
    """``at 1/12 of its time``, ``at 70 % of its time``, ``in about the same time``"""
    low, high = _ABOUT_THE_SAME
    if low < ratio < high:
        return f"{_PREPOSITIONS[of_what]} about the same {of_what}"
    if ratio >= high:
        multiple = f"{ratio:,.{1 if ratio < _MULTIPLE else 0}f}"
        return f"at {'twice' if multiple == '2' else f'{multiple} times'} its {of_what}"
    if ratio > _FRACTION:
        return f"at {100 * ratio:.0f} % of its {of_what}"
    if ratio <= 0:
        return f"at none of its {of_what}"
    part = f"{1 / ratio:,.0f}"
    return f"at half its {of_what}" if part == "2" else f"at 1/{part} of its {of_what}"


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.{1 if seconds >= 0.1 else 2}f} s"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _texts(number: int) -> str:
    return f"{number:,} test text{'s' * (number != 1)}"
