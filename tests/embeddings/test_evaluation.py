"""Analogy questions and human judgements, against gensim and closed forms."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from textrep.embeddings import WordVectors, evaluate_analogies, evaluate_similarity, neighbours

SECTIONS = {"capitals": 12, "family": 8, "gram1-plural": 15}


@pytest.fixture(scope="module")
def vectors():
    """Pairs of words a noisy step apart, some in two spellings, among words of no pair."""
    rng = np.random.default_rng(3)
    words, rows = [], []
    for name, n in SECTIONS.items():
        step = rng.standard_normal(30)
        for i in range(n):
            start = rng.standard_normal(30)
            words += [f"{name}{i}x", f"{name}{i}y"]
            rows += [start, start + step + 1.5 * rng.standard_normal(30)]
            if i % 3 == 0:  # as close to the answer as the answer's lower case is
                words.append(f"{name}{i}Y")
                rows.append(rows[-1] + 0.1 * rng.standard_normal(30))
    words += [f"other{i}" for i in range(400)]
    rows += list(rng.standard_normal((400, 30)))
    order = rng.permutation(len(words))
    matrix = np.array(rows, dtype=np.float32)[order]
    return WordVectors([words[i] for i in order], matrix)


@pytest.fixture(scope="module")
def question_lines():
    lines = []
    for name, n in SECTIONS.items():
        lines.append(f": {name}")
        for i, j in itertools.permutations(range(n + 1), 2):
            lines.append(f"{name}{i}x {name}{i}Y {name}{j}X {name}{j}y")
    return lines


@pytest.fixture
def question_file(question_lines, tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text("\n".join(question_lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("case_insensitive", [True, False])
@pytest.mark.parametrize("restrict_vocab", [200, 350, 10_000])
def test_analogies_are_answered_as_by_gensim(
    vectors, question_file, restrict_vocab, case_insensitive
):
    settings = {"restrict_vocab": restrict_vocab, "case_insensitive": case_insensitive}
    _, sections = vectors.to_keyed_vectors().evaluate_word_analogies(str(question_file), **settings)
    expected = [
        (s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"]))
        for s in sections[:-1]
    ]
    scores = vectors.evaluate_analogies(question_file, **settings)
    assert [(s.name, s.n_correct, s.n_questions) for s in scores.sections] == expected
    n_lines = sum(n * (n + 1) for n in SECTIONS.values())
    assert scores.total.n_questions + scores.total.n_unknown == n_lines


def test_some_analogies_are_right_and_some_wrong(vectors, question_lines):
    assert 0.2 < evaluate_analogies(vectors, question_lines).accuracy < 0.95


def test_blocks_of_the_vocabulary_do_not_change_the_answers(vectors, question_lines, monkeypatch):
    whole = evaluate_analogies(vectors, question_lines)
    monkeypatch.setattr(neighbours, "BLOCK_VALUES", 30 * 37)
    assert evaluate_analogies(vectors, question_lines) == whole


def test_lines_tuples_and_files_are_the_same_questions(vectors, question_lines, question_file):
    tuples, name = [], ""
    for line in question_lines:
        name = line[2:] if line.startswith(":") else name
        if not line.startswith(":"):
            tuples.append((name, *line.split()))
    expected = evaluate_analogies(vectors, question_file)
    assert evaluate_analogies(vectors, question_lines) == expected
    assert evaluate_analogies(vectors, tuples) == expected


def test_sections_are_summed_by_meaning_and_grammar(vectors, question_lines):
    scores = evaluate_analogies(vectors, question_lines)
    assert scores.syntactic.n_questions == scores.sections[2].n_questions
    assert scores.semantic.n_correct == sum(s.n_correct for s in scores.sections[:2])
    assert scores.total.n_questions == scores.semantic.n_questions + scores.syntactic.n_questions


def test_words_of_the_question_are_no_answers_in_any_case():
    words = ["a", "b", "c", "B", "d"]
    matrix = np.array([[1, 0, 0], [0, 1, 0], [1, 0.1, 0], [0, 1, 0.01], [0, 0.7, 0.7]])
    vectors = WordVectors(words, matrix)
    assert evaluate_analogies(vectors, [": s", "a b c d"]).total.n_correct == 1
    assert evaluate_analogies(vectors, [": s", "a b c B"], case_insensitive=False).accuracy == 1


def test_questions_that_cannot_be_asked_leave_no_accuracy(vectors):
    scores = evaluate_analogies(vectors, [": s", "no such words here"])
    assert scores.total.n_unknown == 1
    assert math.isnan(scores.accuracy)
    assert "nan %" in repr(scores)
    assert evaluate_analogies(vectors, []).sections == ()
    empty = WordVectors([], np.zeros((0, 3)))
    assert evaluate_analogies(empty, [": s", "a b c d"]).total.n_unknown == 1


@pytest.mark.parametrize(
    ("questions", "error", "message"),
    [
        ("questions.txt", TypeError, "wrap the name of a file in pathlib.Path"),
        (3, TypeError, "an iterable of lines, got int"),
        ([3], TypeError, "got 3 of type int at position 0"),
        (["a b c d"], ValueError, "must stand before the questions"),
        ([": s", "a b c"], ValueError, "questions, position 1: expected a question of 4 words"),
        ([("s", "a", "b")], ValueError, "expected .section, a, b, c, d."),
    ],
)
def test_bad_questions_are_refused_with_their_place(vectors, questions, error, message):
    with pytest.raises(error, match=message):
        evaluate_analogies(vectors, questions)


def test_a_bad_line_of_a_file_is_named(vectors, tmp_path):
    path = tmp_path / "questions.txt"
    path.write_text(": s\na b c d\na b\n")
    with pytest.raises(ValueError, match=r"questions\.txt, line 3"):
        evaluate_analogies(vectors, path)


# Similarity


@pytest.fixture
def pair_lines(vectors):
    rng = np.random.default_rng(5)
    words = [*vectors.words[:80], "unknown"]
    # Not a word with itself, nor a pair twice: float32 ranks them by their rounding errors.
    chosen = np.unique(np.sort(rng.integers(len(words), size=(300, 2))), axis=0)
    chosen = rng.permutation(chosen[chosen[:, 0] < chosen[:, 1]])
    return [f"{words[i].title()}\t{words[j]}\t{rng.integers(1, 11)}" for i, j in chosen]


@pytest.mark.parametrize("case_insensitive", [True, False])
@pytest.mark.parametrize("restrict_vocab", [50, None])
def test_similarity_is_correlated_as_by_gensim(
    vectors, pair_lines, tmp_path, case_insensitive, restrict_vocab
):
    path = tmp_path / "pairs.tsv"
    if not case_insensitive:
        pair_lines = [line.replace("O", "o") for line in pair_lines]
    path.write_text("\n".join(["# first\tsecond\tmean", *pair_lines]), encoding="utf-8")
    pearson, spearman, unknown = vectors.to_keyed_vectors().evaluate_word_pairs(
        str(path), case_insensitive=case_insensitive, restrict_vocab=restrict_vocab
    )
    score = vectors.evaluate_similarity(
        path, case_insensitive=case_insensitive, restrict_vocab=restrict_vocab
    )
    assert score.spearman == pytest.approx(spearman.statistic, abs=1e-6)
    assert score.pearson == pytest.approx(pearson.statistic, abs=1e-6)
    assert score.n_unknown == pytest.approx(unknown / 100 * len(pair_lines))
    assert score.n_pairs + score.n_unknown == len(pair_lines)
    assert score.n_pairs > 10


@pytest.mark.parametrize("separator", ["\t", ",", ";", " ", "   "])
def test_pairs_are_separated_by_tabs_commas_semicolons_or_spaces(vectors, pair_lines, separator):
    lines = [line.replace("\t", separator) for line in pair_lines]
    tuples = [tuple(line.split("\t")) for line in pair_lines]
    headings = separator.join(["Word 1".replace(" ", ""), "Word2", "Human"])
    assert evaluate_similarity(vectors, [headings, *lines]) == evaluate_similarity(vectors, tuples)


def test_ranks_that_agree_correlate_by_one():
    vectors = WordVectors(["a", "b", "c"], np.array([[1, 0], [1, 0.2], [0, 1]]))
    pairs = [("a", "b", 9), ("b", "c", 5), ("a", "c", 1)]
    assert evaluate_similarity(vectors, pairs).spearman == pytest.approx(1)
    turned = [(a, b, -score) for a, b, score in pairs]
    assert evaluate_similarity(vectors, turned).spearman == pytest.approx(-1)


def test_too_few_pairs_leave_no_correlation(vectors):
    assert math.isnan(evaluate_similarity(vectors, []).spearman)
    assert math.isnan(evaluate_similarity(vectors, [("other1", "other2", 3)]).spearman)


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        ("pairs.tsv", TypeError, "wrap the name of a file in pathlib.Path"),
        (["a b 1", "a b"], ValueError, "pairs, position 1: expected two words and a number"),
        (["a b 1", "a b high"], ValueError, "expected two words and a number, got 'a b high'"),
        (["a b 1", "a b nan"], ValueError, "expected two words and a number"),
        ([("a", 2, 3)], ValueError, "expected two words and a number"),
    ],
)
def test_bad_pairs_are_refused_with_their_place(vectors, pairs, error, message):
    with pytest.raises(error, match=message):
        evaluate_similarity(vectors, pairs)


def test_a_missing_file_is_an_error_of_the_system(vectors, tmp_path):
    with pytest.raises(FileNotFoundError):
        evaluate_similarity(vectors, Path(tmp_path, "none.tsv"))
