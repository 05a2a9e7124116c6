"""`CodeCompleter`: its parts together, completions, saving."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("tokenizers")

import torch

import textrep
from textrep.core.container import PersistError
from textrep.generation import CodeCompleter
from textrep.generation.code.codec import CodeCodec
from textrep.generation.code.fill_in import prompt
from textrep.generation.code.mixture import network_windows
from textrep.generation.code.search import Cursor

FILE = (
    "class Shape:\n    def __init__(self, width, height):\n        self.width = width\n"
    "        self.height = height\n\n    def area(self):\n        return self.width * self.height\n"
)
SMALL = {"vocab_size": 320, "num_layers": 1, "num_heads": 2, "hidden_size": 8, "max_length": 32,
         "batch_size": 4, "epochs": 2, "device": "cpu", "random_state": 0}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    return CodeCompleter(**SMALL).fit([FILE] * 20, validation=[FILE])


def test_the_next_line_is_that_of_a_file_that_was_learnt(model):
    lines = FILE.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if line.strip() and number:
            assert model.next_line("".join(lines[:number])) == line.rstrip("\n")


@pytest.mark.parametrize("cut", range(4, 12))
def test_a_line_is_completed_from_any_character(model, cut):
    line = "        return self.width * self.height"
    begun = FILE[: FILE.index(line) + 8 + cut]
    assert begun + model.complete(begun) == FILE[: FILE.index(line)] + line


def test_several_lines_are_written(model):
    begun = FILE[: FILE.index("        self.width")]
    written = model.complete(begun, max_lines=2)
    assert written == "        self.width = width\n        self.height = height"


def test_a_line_that_is_no_comment_can_be_asked_for():
    text = "x = 1\n# and so on\ny = 2\n"
    found = CodeCompleter(**SMALL).fit([text] * 30, validation=[text])
    assert found.next_line("x = 1\n") == "# and so on"
    assert not found.next_line("x = 1\n", comments=False).lstrip().startswith("#")


def test_names_are_completed_and_are_no_keywords(model):
    assert model.complete_name("class Shape:\n    def __init__(self, ") == "width"
    assert model.complete_name("class Shape:\n    def __init__(self, wid") == "th"
    assert model.complete_name("        self.height = ") == "height"
    # The likeliest here is `return`.
    assert model.complete_name("    def area(self):\n        ") == "self"


def test_the_cache_learns_names_of_the_file_at_hand():
    def file(name):
        return f"{name} = Shape(1, 2)\nprint({name}.width)\nprint({name}.height)\nprint({name})\n"

    # The gate sees files in which only the cache knows the name.
    found = CodeCompleter(**SMALL).fit([FILE] * 20, validation=[file("zebra"), file("quagga")])
    begun = "xylophone = Shape(1, 2)\nprint(xylophone.width)\nprint(xylophone.height)\nprint("
    assert found.complete_name(begun + "xyl") == "ophone"
    assert found.complete(begun).startswith("xylophone")


def test_the_cursor_is_before_the_piece_that_may_go_on(model):
    search = model._search()

    def rest(prefix):
        cursor = search.cursor(prefix)
        assert model.codec_.decode(cursor.before) + cursor.rest.decode() == prefix
        return cursor.rest.decode()

    assert rest("") == rest("a = b\n") == rest("a\n\n") == rest("if a:\n    ") == rest("\t") == ""
    assert rest("x = sel") == " sel"
    assert rest("f(") == "("
    assert rest("x = ") == " "
    assert rest("größe.ü") == "ü"


def test_probabilities_are_those_of_the_three_parts_and_sum_to_one(model):
    row = model.codec_.encode(FILE)
    mixture = model._mixture()
    (first, network), *_ = network_windows(model.module_, row, model.codec_.EOS)
    places = np.arange(first, first + 8)
    contexts = [row[max(0, p - 32) : p] for p in places]
    cache = model._new_file_cache(row)
    parts, features = mixture.parts(network[:8], contexts, cache, places.tolist())
    mixed = mixture.probabilities(network[:8], contexts, cache, places.tolist())
    np.testing.assert_allclose(parts.sum(axis=2), 1.0, rtol=1e-6)
    np.testing.assert_allclose(mixed.sum(axis=1), 1.0, rtol=1e-6)
    weights = model.gate_(torch.from_numpy(features)).detach().numpy()
    np.testing.assert_allclose(mixed, (weights[:, :, None] * parts).sum(axis=1), rtol=1e-5)


def test_windows_of_the_network_agree_with_reading_the_whole(model):
    row = model.codec_.encode(FILE * 2)
    found = list(network_windows(model.module_, row, model.codec_.EOS))
    assert sum(len(p) for _, p in found) == len(row)
    assert [place for place, _ in found] == np.cumsum([0, *(len(p) for _, p in found)])[
        :-1
    ].tolist()
    # Each window is as long as the model's, and what it predicts has half of one before it.
    stream = np.array([model.codec_.EOS, *row])
    for place, p in found:
        begin = max(0, place - 16)
        ids = torch.from_numpy(stream[begin : place + len(p)].astype(np.int64))[None]
        scores = model.module_.scores(model.module_.hidden(ids)[0]).softmax(-1)
        np.testing.assert_allclose(p, scores[place - begin :].detach().numpy(), atol=1e-6)


def test_a_score_is_of_the_mixture_file_by_file(model):
    alone = [model.log_likelihoods([text])[0] for text in (FILE, FILE[:60], "")]
    np.testing.assert_allclose(model.log_likelihoods([FILE, FILE[:60], ""]), alone)
    n_units = [len(model.codec_.encode(text)) + 1 for text in (FILE, FILE[:60], "")]
    assert model.score([FILE, FILE[:60], ""]) == pytest.approx(sum(alone) / sum(n_units))


def test_the_network_reads_what_comes_after_first(model):
    before, after = model.codec_.encode("def a"), model.codec_.encode("):\n    pass\n")
    read = model._search()._prompt(Cursor(before, after, b""), longest=4)
    assert read.tolist() == prompt(before, after[: (32 - 4) // 3]).tolist()
    assert len(model._search()._prompt(Cursor(np.tile(before, 40), after, b""), 4)) <= 28


def test_beams_with_a_cache_get_what_reading_again_gives(model):
    search = model._search()
    begun = FILE[: FILE.index("return")]
    cursor = search.cursor(begun)
    tokens = model.codec_.encode("return self").tolist()
    beams = search._start(cursor, 8)
    for token in [beams.last, *tokens]:
        p, _ = search._read(torch.tensor([token]), beams)
    whole = np.array([*search._prompt(cursor, 8), *tokens], dtype=np.int64)
    scores = model.module_.scores(model.module_.hidden(torch.from_numpy(whole)[None])[:, -1])
    np.testing.assert_allclose(p, scores.softmax(-1).detach().numpy(), atol=1e-6)


@pytest.mark.parametrize("how", ["save", "pickle"])
def test_a_completer_is_kept_whole(model, how, tmp_path):
    if how == "save":
        model.save(tmp_path / "m.textrep")
        found = textrep.load(tmp_path / "m.textrep")
    else:
        found = pickle.loads(pickle.dumps(model))
    assert found.score([FILE]) == model.score([FILE])
    assert found.complete(FILE[:40]) == model.complete(FILE[:40])
    assert found.generate("def", max_new_tokens=5, random_state=0) == model.generate(
        "def", max_new_tokens=5, random_state=0
    )


def test_a_wrong_state_is_refused(model):
    state = model._get_state()
    for counts in (None, [1, 2], np.array([1, 65_000], dtype=np.uint16)):
        with pytest.raises(PersistError, match="counts"):
            CodeCompleter(**SMALL)._set_state({**state, "counts": counts})


def test_signs_are_never_written(model):
    assert not set(model.codec_.encode(model.generate(max_new_tokens=30, random_state=1))) & set(
        range(len(("pad", "unk", "bos", "eos")), CodeCodec.END + 1)
    )


def test_a_folder_is_learnt_from(tmp_path):
    for number in range(6):
        (tmp_path / f"m{number}.py").write_text(FILE + f"\nx = {number}\n")
    (tmp_path / "bad.py").write_bytes(b"\xff\n")
    found = CodeCompleter(**SMALL).fit(tmp_path)
    assert found.skipped_ == ["bad"]
    assert 1 <= found.n_files_ <= 6
    one = CodeCompleter(**SMALL).fit(tmp_path / "m0.py")
    assert (one.n_files_, one.skipped_) == (1, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [("order", 1), ("fill_in_rate", 1.5), ("gate_fraction", 0.9), ("cache_discount", 0.0),
     ("beam_width", 0), ("length_penalty", -1.0), ("vocab_size", 100), ("vocab_size", 70_000),
     ("hidden_size", 9)],
)  # fmt: skip
def test_parameters_out_of_range_are_named(name, value):
    with pytest.raises(ValueError, match=name):
        CodeCompleter(**{**SMALL, name: value}).fit([FILE])


def test_wrong_prefixes_are_refused(model):
    with pytest.raises(textrep.TextInputError, match="prefix"):
        model.complete(None)
    with pytest.raises(textrep.TextInputError, match="suffix"):
        model.complete("a", 3)
    with pytest.raises(ValueError, match="max_lines"):
        model.complete("a", max_lines=0)
