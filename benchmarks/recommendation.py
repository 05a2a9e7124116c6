"""Is the recommendation of `textrep compare` right? Simulated rungs, whose true accuracy is known.

    python benchmarks/recommendation.py [--quick] [--json FILE]

Whether two rungs are right on a document is drawn with a given accuracy and a given correlation: a
hard document is hard for both. Five questions, 1,000 trials each (200 with --quick):

1. Two rungs that are equally good: how often are they called different?
2. Thirteen equally good rungs: how often is any of them called different from the best?
3. One of two rungs is better: how often is that seen?
4. One of thirteen rungs is better: how much worse than it is the rung that is recommended, how
   often by more than a point, and what does it cost?
5. How often do the 95 % intervals hold the true figure?

Peers are the unpaired z-test, McNemar's test without correction, the mid-p variant of McNemar's
test, taking the top of the table, and the textbook interval of a proportion.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from harness import Row, machine_name, parse_options, print_table, write_rows
from numpy.typing import NDArray
from scipy.stats import binom, norm
from sklearn.metrics import f1_score

from textrep.comparison import Outcome
from textrep.comparison.statistics import (
    accuracy_interval,
    approximate_randomization,
    macro_f1_interval,
    recommend,
)
from textrep.comparison.statistics.paired import mcnemar_of_counts

SEED = 0
LEVEL = 0.05
N_RUNGS = 13
TRIALS, QUICK_TRIALS = 1000, 200
# Rungs are right together: tfidf-svm and char-tfidf-svm correlate by 0.58 on mr, by 0.73 on
# reuters_r8 and by 0.84 on sms_spam. The lower it is, the harder are differences to see.
CORRELATION = 0.6


class Counts(NamedTuple):
    """Documents on which both of two rungs, only the first, only the second or none is right."""

    both: NDArray[np.intp]
    only_a: NDArray[np.intp]
    only_b: NDArray[np.intp]
    none: NDArray[np.intp]


def draw_pairs(
    accuracies: tuple[float, float],
    correlation: float,
    n: int,
    trials: int,
    rng: np.random.Generator,
) -> Counts:
    """Two rungs on `n` documents, `trials` times."""
    a, b = accuracies
    both = a * b + correlation * np.sqrt(a * (1 - a) * b * (1 - b))
    both = min(both, a, b)  # the correlation that unequal accuracies allow is below 1
    return Counts(*rng.multinomial(n, [both, a - both, b - both, 1 - a - b + both], size=trials).T)


def exact(counts: Counts) -> NDArray[np.float64]:
    """p-values of ours."""
    return mcnemar_of_counts(counts.only_a, counts.only_b)


def mid_p(counts: Counts) -> NDArray[np.float64]:
    """p-values that count only half of the outcomes as likely as the observed one."""
    fewer, total = np.minimum(counts.only_a, counts.only_b), counts.only_a + counts.only_b
    two_sided = 2 * binom.cdf(fewer, total, 0.5) - binom.pmf(fewer, total, 0.5)
    return np.where(2 * fewer == total, 1.0, two_sided)


def unpaired(counts: Counts) -> NDArray[np.float64]:
    """p-values of the z-test of two proportions, as if of different documents."""
    n = sum(counts)
    pooled = (2 * counts.both + counts.only_a + counts.only_b) / (2 * n)
    error = np.sqrt(np.maximum(2 * pooled * (1 - pooled) / n, 1e-300))
    return 2 * norm.sf(np.abs(counts.only_a - counts.only_b) / n / error)


TESTS: dict[str, Callable[[Counts], NDArray[np.float64]]] = {
    "exact": exact,
    "mid-p": mid_p,
    "unpaired z-test": unpaired,
}


def equal_pairs(trials: int) -> list[Row]:
    """Question 1."""
    rng = np.random.default_rng(SEED)
    settings = list(
        itertools.product([0.7, 0.8, 0.9, 0.95], [0.0, 0.3, 0.6, 0.9], [100, 300, 1000, 5000])
    )
    alarms: dict[str, list[float]] = {name: [] for name in TESTS}
    for accuracy, correlation, n in settings:
        counts = draw_pairs((accuracy, accuracy), correlation, n, trials, rng)
        for name, test in TESTS.items():
            alarms[name].append(float((test(counts) <= LEVEL).mean()))
    print_table(
        f"1. Two equal rungs called different, {len(settings)} settings of {trials} trials",
        ["test", "mean", "highest", "settings above 5 %"],
        [
            [
                name,
                f"{np.mean(found):.2%}",
                f"{np.max(found):.2%}",
                str(sum(share > LEVEL for share in found)),
            ]
            for name, found in alarms.items()
        ],
    )
    ours = float(np.mean(alarms["exact"]))
    case = f"two equal rungs, {len(settings)} settings"
    return [
        _lower_is_better(case, "called different", ours, name, float(np.mean(alarms[name])))
        for name in ("mid-p", "unpaired z-test")
    ]


class Drawn(NamedTuple):
    """Rungs on the same documents: whether each is right, (n_rungs, n_documents)."""

    truth: NDArray[np.intp]
    correct: NDArray[np.bool_]


def draw_rungs(accuracies: NDArray[np.float64], n: int, rng: np.random.Generator) -> Drawn:
    """Rungs that are right together where they share the hardness of a document."""
    shape = (len(accuracies), n)
    # Both of two rungs share it with probability CORRELATION.
    shared = rng.random(shape) < np.sqrt(CORRELATION)
    hardness = np.where(shared, rng.random(n), rng.random(shape))
    return Drawn(np.arange(n) % 2, hardness < accuracies[:, None])


def outcomes_of(drawn: Drawn, seconds: NDArray[np.float64]) -> list[Outcome]:
    """Their figures, the best first."""
    found = [
        Outcome(
            f"rung {at}", "", "ok", accuracy=float(right.mean()), macro_f1=0.0, fit_seconds=spent
        )
        for at, (right, spent) in enumerate(zip(drawn.correct, seconds.tolist(), strict=True))
    ]
    return sorted(found, key=lambda outcome: -(outcome.accuracy or 0.0))


def predictions_of(drawn: Drawn) -> dict[str, NDArray[np.intp]]:
    """Labels 0 and 1 that are right where the rungs are."""
    return {
        f"rung {at}": np.where(right, drawn.truth, 1 - drawn.truth)
        for at, right in enumerate(drawn.correct)
    }


def equal_families(trials: int) -> list[Row]:
    """Question 2."""
    rng = np.random.default_rng(SEED)
    seconds = np.ones(N_RUNGS)
    rows, lines = [], []
    for n, accuracy in itertools.product([200, 1000, 5000], [0.8, 0.95]):
        ours = uncorrected = 0
        for _ in range(trials):
            drawn = draw_rungs(np.full(N_RUNGS, accuracy), n, rng)
            outcomes = outcomes_of(drawn, seconds)
            found = recommend(outcomes, predictions_of(drawn), drawn.truth)
            assert found is not None
            ours += len(found.tied) < N_RUNGS - 1
            best = drawn.correct[int(found.best.removeprefix("rung "))]
            only_best, only_other = (best & ~drawn.correct).sum(1), (~best & drawn.correct).sum(1)
            uncorrected += bool((mcnemar_of_counts(only_best, only_other) <= LEVEL).any())
        name = f"{N_RUNGS} equal rungs, accuracy {accuracy}, {n} texts"
        lines.append([name, f"{ours / trials:.2%}", f"{uncorrected / trials:.2%}"])
        peer = "McNemar without correction"
        rows.append(
            _lower_is_better(
                name, "any called different", ours / trials, peer, uncorrected / trials
            )
        )
    print_table(
        f"2. Any of {N_RUNGS} equal rungs called different from the best, {trials} trials",
        ["setting", "ours", "without correction"],
        lines,
    )
    return rows


def power(trials: int) -> list[Row]:
    """Question 3."""
    rng = np.random.default_rng(SEED)
    many = N_RUNGS * (N_RUNGS - 1) // 2
    rows, lines = [], []
    for n, difference in itertools.product([500, 2000, 10_000], [0.01, 0.02, 0.04]):
        counts = draw_pairs((0.85, 0.85 + difference), CORRELATION, n, 10 * trials, rng)
        seen = {name: float((test(counts) <= LEVEL).mean()) for name, test in TESTS.items()}
        among = float((exact(counts) <= LEVEL / many).mean())
        name = f"{n:,} texts, {100 * difference:.0f} points"
        lines.append([name, *(f"{share:.1%}" for share in seen.values()), f"{among:.1%}"])
        rows.append(
            Row(
                name=f"85 % against {85 + 100 * difference:.0f} %, {n} texts",
                metric="difference seen",
                ours=seen["exact"],
                peer_name="unpaired z-test",
                peer=seen["unpaired z-test"],
                ratio=_ratio(seen["exact"], seen["unpaired z-test"]),
                unit="share of trials",
                threads=1,
                machine=machine_name(),
            )
        )
    print_table(
        "3. A difference between two rungs is seen",
        ["setting", *TESTS, f"exact, hardest of {many} pairs"],
        lines,
    )
    return rows


def regret(trials: int) -> list[Row]:
    """Question 4."""
    rng = np.random.default_rng(SEED)
    # A thousandfold between the cheapest and the dearest, as between naive Bayes and a search over
    # character n-grams; the better rung is the dearest.
    seconds = np.geomspace(0.1, 100, N_RUNGS)
    rows, lines = [], []
    for n, lead in itertools.product([200, 1000, 5000], [0.0, 0.01, 0.03, 0.06]):
        accuracies = np.full(N_RUNGS, 0.85)
        accuracies[-1] += lead
        lost: dict[str, list[float]] = {"ours": [], "top": []}
        spent: dict[str, list[float]] = {"ours": [], "top": []}
        for _ in range(trials):
            drawn = draw_rungs(accuracies, n, rng)
            outcomes = outcomes_of(drawn, seconds)
            found = recommend(outcomes, predictions_of(drawn), drawn.truth)
            assert found is not None
            for who, name in (("ours", found.name), ("top", outcomes[0].name)):
                at = int(name.removeprefix("rung "))
                lost[who].append(accuracies.max() - accuracies[at])
                spent[who].append(seconds[at])
        name = f"one of {N_RUNGS} better by {100 * lead:.0f} points, {n:,} texts"
        cells = []
        for who in ("ours", "top"):
            losses = np.array(lost[who])
            cells += [
                f"{100 * losses.mean():.2f}",
                f"{(losses > 0.0101).mean():.1%}",
                f"{np.mean(spent[who]):.1f}",
            ]
        lines.append([name, *cells])
        for metric, unit, figures in (("regret", "points", lost), ("cost", "seconds", spent)):
            factor = 100 if unit == "points" else 1
            ours, top = (factor * float(np.mean(figures[who])) for who in ("ours", "top"))
            rows.append(_lower_is_better(name, metric, ours, "top of the table", top, unit))
    print_table(
        f"4. Points lost, how often more than one, and seconds of the rung taken, {trials} trials",
        ["setting", "ours: points", "> 1", "s", "top: points", "> 1", "s"],
        lines,
    )
    return rows


def coverage(trials: int) -> list[Row]:
    """Question 5."""
    rng = np.random.default_rng(SEED)
    rows, lines = [], []
    z = norm.ppf(0.975)
    for n, accuracy in itertools.product([50, 200, 2000], [0.7, 0.9, 0.98]):
        n_correct = rng.binomial(n, accuracy, size=10 * trials)
        wilson = np.array([accuracy_interval(int(k), n) for k in n_correct])
        share = n_correct / n
        half = z * np.sqrt(share * (1 - share) / n)
        ours = float(((wilson[:, 0] <= accuracy) & (accuracy <= wilson[:, 1])).mean())
        wald = float((np.abs(share - accuracy) <= half).mean())
        name = f"accuracy {accuracy}, {n} texts"
        lines.append([name, f"{ours:.1%}", f"{wald:.1%}"])
        rows.append(_coverage(name, ours, "textbook interval", wald))
    for name, inside in _macro_f1_coverage(trials, rng):
        lines.append([name, f"{inside:.1%}", ""])
        rows.append(_coverage(name, inside, "what it should be", 0.95))
    print_table(
        "5. The 95 % interval holds the truth", ["figure", "ours", "textbook interval"], lines
    )
    return rows


def _macro_f1_coverage(trials: int, rng: np.random.Generator) -> Iterator[tuple[str, float]]:
    for n, n_classes in ((200, 4), (2000, 4), (2000, 20)):
        shares = 0.5 ** np.arange(n_classes) if n_classes == 4 else np.ones(n_classes)
        shares = shares / shares.sum()
        # 0.7 of the documents of a class are found, the others fall on a random one.
        table = np.diag(np.full(n_classes, 0.7)) + 0.3 / n_classes
        cells = (shares[:, None] * table).ravel()
        true, predicted = (labels.ravel() for labels in np.indices((n_classes, n_classes)))
        truth = f1_score(true, predicted, sample_weight=cells, average="macro")
        inside = 0
        for _ in range(trials):
            counts = rng.multinomial(n, cells)
            lower, upper = macro_f1_interval(
                true.repeat(counts), predicted.repeat(counts), n_resamples=500, random_state=rng
            )
            inside += lower <= truth <= upper
        yield f"macro-F1, {n_classes} classes, {n} texts", inside / trials


def randomized_pairs(trials: int) -> list[Row]:
    """Question 1 for macro-F1."""
    rng = np.random.default_rng(SEED)
    rows, lines = [], []
    for n, n_classes in ((200, 2), (200, 6), (1000, 6)):
        alarms = 0
        for _ in range(trials):
            truth = rng.integers(0, n_classes, n)
            # Two thirds of the documents get the same answer from both.
            own, shared = rng.random((2, n)), rng.random(n)
            drawn = np.where(rng.random((2, n)) < np.sqrt(CORRELATION), shared, own)
            a, b = np.where(drawn < 0.8, truth, rng.integers(0, n_classes, (2, n)))
            p_value = approximate_randomization(truth, a, b, n_resamples=999, random_state=rng)
            alarms += p_value <= LEVEL
        name = f"macro-F1 of two equal rungs, {n_classes} classes, {n} texts"
        lines.append([name, f"{alarms / trials:.2%}"])
        rows.append(_lower_is_better(name, "called different", alarms / trials, "its level", LEVEL))
    print_table(
        f"1b. Approximate randomization, {trials} trials", ["setting", "called different"], lines
    )
    return rows


def _lower_is_better(
    name: str, metric: str, ours: float, peer_name: str, peer: float, unit: str = "share of trials"
) -> Row:
    return Row(name, metric, ours, peer_name, peer, _ratio(peer, ours), unit, 1, machine_name())


def _coverage(name: str, ours: float, peer_name: str, peer: float) -> Row:
    """How many times nearer to 95 % ours is."""
    ratio = _ratio(abs(peer - 0.95), abs(ours - 0.95))
    return Row(
        name, "coverage of the 95 % interval", ours, peer_name, peer, ratio, "share of trials", 1,
        machine_name(),
    )  # fmt: skip


def _ratio(larger: float, smaller: float) -> float:
    """Their ratio; 1 where both are 0, and a bounded one where only the second is."""
    tiny = 1e-4
    return (larger + tiny) / (smaller + tiny)


def main() -> None:
    """Read the command line, ask the questions, write the rows."""
    options = parse_options(__doc__ or "")
    trials = QUICK_TRIALS if options.quick else TRIALS
    questions = (equal_pairs, randomized_pairs, equal_families, power, regret, coverage)
    write_rows([row for ask in questions for row in ask(trials)], options.json)


if __name__ == "__main__":
    main()
