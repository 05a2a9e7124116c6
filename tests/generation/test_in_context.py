"""The in-context evaluation, on models that are known to be right or wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.generation.oracles import oracle
from textrep.generation import evaluate_in_context
from textrep.generation import in_context_tasks as tasks
from textrep.generation.prompts import window_of, write_prompts
from textrep.generation.squad_scores import exact_match, normalised, word_f1

CHARACTERS = ["".join(map(chr, range(32, 127))) + "\n"]


def calculator(prompt):
    first, sign, second = re.search(r"(\d+) ([-+*]) (\d+) =$", prompt).groups()
    number = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[sign](int(first), int(second))
    return f" {number}\n1 + 1"


def reader(prompt):
    """Answers the last of some questions from its passage."""
    passage, question = re.findall(r"Passage: (.*)\nQuestion: (.*)\nAnswer:", prompt)[-1]
    facts = re.findall(r"(\w+) is in the (\w+) and has a (\w+) (\w+)\.", passage)
    for name, place, colour, thing in facts:
        answers = {
            f"Where is {name}?": f"the {place}",
            f"Who is in the {place}?": name,
            f"What does {name} have?": f"A {colour} {thing}.",
            f"What colour is the {thing}?": colour,
        }
        if question in answers:
            return f" {answers[question]}\n\nPassage: "
    raise AssertionError(question)


def test_a_model_that_calculates_gets_all_sums_right():
    model = oracle(CHARACTERS, level="character", answer=calculator)
    result = evaluate_in_context(model, ["arithmetic"], n_examples=2, n_items=30)
    for operation in tasks.OPERATIONS:
        score = result[f"arithmetic: {operation}", "accuracy"]
        assert (score.value, score.n) == (1.0, 30)
        assert 0 < score.chance < 0.3


def test_a_model_that_reads_finds_all_answers():
    model = oracle(CHARACTERS, level="character", answer=reader)
    result = evaluate_in_context(model, "question-answering", n_examples=1, n_items=40)
    assert result["question-answering", "exact match"].value == 1.0
    assert result["question-answering", "F1"].value == 1.0
    assert 0 < result["question-answering", "exact match"].chance < 0.15


def test_one_answer_to_all_is_as_often_right_as_chance():
    passages = [f"there was a long text about the {word}." for word in ["end", "end", "way", "day"]]
    model = oracle([*passages, "x"], answer=lambda prompt: "end.")
    score = evaluate_in_context(model, "cloze", n_examples=0, passages=passages)[
        "cloze", "accuracy"
    ]
    assert (score.value, score.chance, score.n) == (0.5, 0.5, 4)


def test_the_perplexity_is_that_of_the_right_answers():
    passages = ["so much text so little time", "much text and little much text"]
    model = oracle(passages, answer=lambda prompt: "time")
    result = evaluate_in_context(model, ["cloze"], n_examples=0, passages=passages)
    vocabulary = len(model.codec_)
    # "time" has not been seen in its prompt, "text" once.
    expected = np.sqrt((vocabulary + 5) * (vocabulary + 5) / 2)
    assert result["cloze", "perplexity"].value == pytest.approx(expected)


def test_questions_are_right_and_none_is_an_example():
    task = tasks.arithmetic("subtraction", 50, 10, np.random.default_rng(0))
    assert (len(task.items), len(task.examples)) == (50, 10)
    assert len({item.prompt for item in [*task.items, *task.examples]}) == 60
    for item in task.items:
        first, _, second, _ = item.prompt.split()
        assert int(item.answer) == int(first) - int(second)
    for item in tasks.cloze(None, 100, 3, np.random.default_rng(0)).items:
        assert not item.prompt.endswith(" ")
        assert item.answer.isalpha()


def test_questions_about_passages_have_one_answer():
    task = tasks.question_answering(60, 0, np.random.default_rng(0))
    for item in task.items:
        assert item.answer.casefold() == normalised(reader(item.prompt).split("\n")[0])
        assert 0 < item.guess < 0.2 or " " in item.answer


@pytest.mark.parametrize(
    ("text", "number"), [(" 12", "12"), ("-3\n", "-3"), ("- 3", "-3"), ("x 3", ""), ("", "")]
)
def test_the_answer_to_a_sum_is_the_number_that_comes_first(text, number):
    assert tasks.read_number(text) == number


def test_answers_are_compared_as_squad_does():
    assert normalised("  The U.S.A., an idea ") == "usa idea"
    assert exact_match("a Red ball!", "red ball") == 1.0
    assert exact_match("red", "red ball") == 0.0
    assert word_f1("red", "red ball") == pytest.approx(2 / 3)
    assert word_f1("red red ball", "red ball ball") == pytest.approx(2 / 3)
    assert word_f1("", "the") == 0.0


def test_the_result_is_a_table():
    model = oracle(CHARACTERS, level="character", answer=calculator)
    lines = str(evaluate_in_context(model, "arithmetic", n_items=3)).split("\n")
    assert lines[0].split() == ["task", "n", "measure", "value", "chance"]
    assert lines[1].split() == ["arithmetic:", "addition", "3", "accuracy", "1.000", "0.333"]
    assert len(lines) == 1 + 2 * len(tasks.OPERATIONS)


def test_examples_that_do_not_fit_are_left_out_and_told_of():
    model = oracle(CHARACTERS, level="character", window=40, answer=calculator)
    result = evaluate_in_context(model, "arithmetic", n_examples=5, n_items=4)
    assert result["arithmetic: addition", "accuracy"].value == 1.0
    assert result.n_shortened == 12
    assert "12 prompts were too long for the model and had fewer than 5 examples" in str(result)


def test_prompts_lose_their_first_examples_and_never_the_question():
    examples = ["one is odd", "two is even", "six is even"]
    model = oracle([*examples, "five is . long"], window=10)
    assert window_of(model) == 10
    questions = ["five is", "five five five five five five five five is", "five " * 30]
    prompts = write_prompts(model, [examples] * 3, questions, separator=" . ", reserved=0)
    # A sign that begins texts is read, too: nine words are left.
    assert prompts.texts[0] == "six is even . five is"
    assert prompts.texts[1:] == questions[1:]
    assert prompts.n_shortened == 3
    roomy = oracle([*examples, "five is . long"])
    assert window_of(roomy) is None
    whole = write_prompts(roomy, [examples], questions[:1], separator=" . ", reserved=0)
    assert whole.texts == ["one is odd . two is even . six is even . five is"]
    assert whole.n_shortened == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": ["sums"]}, "tasks: no task 'sums'; there are cloze, arithmetic, question"),
        ({"tasks": []}, "tasks is empty"),
        ({"n_items": 0}, "n_items must be an integer of at least 1"),
        ({"n_examples": -1}, "n_examples must be an integer of at least 0"),
        ({"passages": ["too short"]}, "passages must be more than n_examples=5, got 0"),
        ({"passages": "a text"}, "passages is a single str"),
        ({"tasks": "arithmetic", "n_examples": 100}, "n_examples must be below 100, as many as"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, message):
    model = oracle(CHARACTERS, level="character", answer=calculator)
    with pytest.raises(ValueError, match=message):
        evaluate_in_context(model, **options)


def test_what_is_no_model_is_refused():
    with pytest.raises(TypeError, match="model must be a language model such as GPT, got 'gpt2'"):
        evaluate_in_context("gpt2")
