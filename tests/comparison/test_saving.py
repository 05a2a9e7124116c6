"""A model is saved with its card, whole or not at all, and loaded again."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import classification_report

import textrep
from tests.comparison.toy_results import KINDS, LABELS, PRICES, TEXTS, make_result
from textrep.comparison import (
    RUNGS,
    ComparisonError,
    Outcome,
    check_model_target,
    load_model,
    save_model,
)
from textrep.comparison.health import examine
from textrep.comparison.limits import limits_of
from textrep.comparison.model_card import FORMAT_VERSION, read_card

NAMES = {"README.md", "card.json", "model.textrep"}


@pytest.fixture(scope="module")
def result():
    return make_result()


@pytest.fixture(scope="module")
def saved(result, tmp_path_factory):
    return save_model(result, tmp_path_factory.mktemp("models") / "model")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_probabilities_are_the_same_after_loading(result, saved):
    model = load_model(saved)
    expected = result.model("bow-logreg")
    # Without a matrix the sums are taken in another order.
    assert np.allclose(model.predict_proba(TEXTS), expected.predict_proba(TEXTS), atol=1e-12)
    assert np.array_equal(model.predict(TEXTS), expected.predict(TEXTS))
    assert np.array_equal(textrep.load(saved).predict_proba(TEXTS), expected.predict_proba(TEXTS))


@pytest.mark.parametrize("rung", RUNGS, ids=[rung.name for rung in RUNGS])
def test_every_rung_answers_the_same_after_loading(rung, tmp_path):
    texts = [*TEXTS, "", "nothing known", "免费"]
    result = make_result(pipeline=rung.factory(0))
    expected = result.model("bow-logreg")
    model = load_model(save_model(result, tmp_path / "model"))
    assert np.allclose(model.predict_proba(texts), expected.predict_proba(texts), atol=1e-9)
    assert model.predict(texts).tolist() == expected.predict(texts).tolist()
    explained = model.explain(["free prize at home"])[0]
    assert {word for word, _ in explained} <= {"free", "prize", "at", "home"}


@pytest.mark.parametrize("labels", [[True, False], [3, 10], ["é\ud800", "|`<b>\n"]])
def test_labels_of_any_type_come_back(tmp_path, labels):
    values = [labels[label == "ham"] for label in LABELS]
    folder = save_model(make_result(values), tmp_path / "model")
    model = load_model(folder)
    assert model.predict(TEXTS).tolist() == values
    assert [each["label"] for each in model.card["classes"]] == sorted(labels)


def test_further_columns_are_asked_for_by_name(tmp_path):
    result = make_result(columns=True)
    model = load_model(save_model(result, tmp_path / "model"))
    assert model.column_names == ("price", "kind")
    task = result.task
    expected = result.model("bow-logreg").predict_proba(task.inputs(np.arange(24)))
    columns = {"kind": KINDS.tolist(), "price": PRICES, "other": [None]}
    assert np.array_equal(model.predict_proba(TEXTS, columns=columns), expected)
    with pytest.raises(ComparisonError, match="column 'price' is missing: the model was learnt"):
        model.predict(["a text"])
    with pytest.raises(ComparisonError, match="column 'kind' has 24 values, but there are 1 texts"):
        model.predict(["a text"], columns={"price": [1], "kind": KINDS})


def test_an_explanation_leaves_the_columns_as_they_are(tmp_path):
    model = load_model(save_model(make_result(columns=True), tmp_path / "model"))
    texts = ["free lunch", "see you"]
    columns = {"price": ["9", ""], "kind": ["ad", "unheard of"]}
    table = model.predict_proba(texts, columns=columns)
    without = model.predict_proba([" lunch", "see you"], columns=columns)
    log_odds = np.log(table[0].max() / table[0].min())
    column = table[0].argmax()
    left = np.log(without[0, column] / without[0, 1 - column])
    explained = dict(model.explain(texts, columns=columns)[0])
    assert explained["free"] == pytest.approx(log_odds - left)


def test_no_texts_give_no_predictions(saved):
    model = load_model(saved)
    assert model.predict([]).shape == (0,)
    assert model.predict_proba([]).shape == (0, 2)
    assert model.explain([]) == []


@given(st.lists(st.text(alphabet=st.characters()), min_size=1, max_size=5))
def test_any_text_gets_an_answer(saved, texts):
    model = load_model(saved)
    table = model.predict_proba(texts)
    assert np.allclose(table.sum(axis=1), 1)
    assert model.predict(texts).tolist() == model.classes_[table.argmax(axis=1)].tolist()
    assert len(model.explain(texts)) == len(texts)


def test_the_card_holds_what_the_outcome_does(result, saved):
    card = read_card(saved)
    outcome = result.outcomes[0]
    assert card["model"] == outcome.name
    assert card["figures"]["accuracy"] == outcome.accuracy
    assert card["figures"]["accuracy_interval"] == list(outcome.accuracy_interval)
    assert card["figures"]["settings"] == {"classifier__C": 3.0}
    assert card["settings"] == {"random_state": 0, "methods": ["bow-logreg", "bow-nb"]}
    assert card["data"]["n_train"] == 16


def test_figures_by_class_are_those_of_scikit_learn(tmp_path):
    predicted = np.array(["spam", "ham", "spam", "ham"] * 2)
    result = make_result(predictions_={"bow-logreg": predicted})
    card = read_card(save_model(result, tmp_path / "model"))
    report = classification_report(result.task.truth, predicted, output_dict=True)
    for each in card["classes"]:
        expected = report[each["name"]]
        assert each["n_train"] == 8
        assert each["n_test"] == expected["support"]
        assert each["f1"] == pytest.approx(expected["f1-score"])
        assert each["recall"] == pytest.approx(expected["recall"])


def test_the_readme_names_figures_limits_and_what_is_not_known(saved):
    readme = (saved / "README.md").read_text()
    assert "# bow-logreg on messages" in readme
    assert "| accuracy | 100.0\xa0% (67.6 to 100.0) |" in readme
    assert "| ham | 8 | 4 | 100.0\xa0% | 100.0\xa0% | 100.0\xa0% |" in readme
    assert "With 8 test texts its accuracy is known only to lie between" in readme
    assert "Learnt from fewer than 50 texts: ham (8), spam (8)." in readme
    assert "Its probabilities are off by 6.2 points on average" in readme
    assert "Whether it treats groups of people alike" in readme
    assert "- Settings of the comparison: random\\_state 0; methods bow-logreg, bow-nb." in readme


def test_card_and_readme_say_what_the_health_check_found(tmp_path):
    result = make_result()
    health = examine(result.task)
    folder = save_model(make_result(health=health), tmp_path / "model")
    card, readme = read_card(folder), (folder / "README.md").read_text()
    copies = next(each for each in health.findings if each.kind == "duplicates-across-split")
    assert {
        "kind": copies.kind,
        "severity": copies.severity,
        "message": copies.message,
        "effect": copies.effect,
        "action": copies.action,
    } in card["health"]
    assert f"- In the data: {copies.message} {copies.effect}".replace("_", r"\_") in readme
    assert card["data"]["lengths"]["longest"] == max(map(len, TEXTS[:16]))
    assert f"shortest {min(map(len, TEXTS[:16]))}, " in readme
    assert card["data"]["scripts"] == {"Latin": 1.0}
    assert "- Scripts: Latin 100.0\xa0%." in readme


def test_limits_follow_from_the_figures():
    outcome, _ = make_result().outcomes
    sure = replace(outcome, accuracy_interval=(0.98, 0.99), calibration_error=0.01)
    result = make_result(outcomes=(sure,), task=None)
    assert limits_of(result, sure) == []
    for count, limits in ((0, []), (3, ["About 3 labels look wrong."])):
        doubtful = SimpleNamespace(estimated_count=count, message="About 3 labels look wrong.")
        assert limits_of(replace(result, label_errors=doubtful), sure) == limits
    poor = replace(outcome, stopped_early=True, calibration_error=None)
    other = replace(outcome, name="other")
    task = make_result([*LABELS[:16], *["eggs"] * 8]).task
    assert limits_of(make_result(outcomes=(poor, other), task=task), poor) == [
        "It was chosen among 2 methods by their results on the same test texts, so its own result "
        "is a little flattering.",
        "With 8 test texts its accuracy is known only to lie between 67.6\xa0% and 100.0\xa0% "
        "(95 % interval).",
        "Its training was stopped when its share of the time was used up.",
        "Learnt from fewer than 50 texts: ham (8), spam (8). It may do worse on them than their "
        "few test texts show.",
        "In the test texts but never learnt, so never predicted: eggs.",
        "Whether its probabilities can be taken at their word was not measured.",
    ]


def test_what_others_wrote_cannot_change_the_layout(tmp_path):
    labels = [{"spam": "a|b\n# c", "ham": "<script>"}[label] for label in LABELS]
    result = make_result(labels, name="[x](http://y) `z`")
    readme = (save_model(result, tmp_path / "model") / "README.md").read_text()
    assert r"| a\|b \# c | 8 |" in readme
    assert r"\<script\>" in readme
    assert "<script>" not in readme
    assert r"\[x\](http://y) \`z\`" in readme


def test_the_recommended_model_is_saved_unless_another_is_named(result, tmp_path):
    with pytest.raises(
        ComparisonError, match=r"'bow-nb': no such method got through; .* bow-logreg"
    ):
        save_model(result, tmp_path / "model", name="bow-nb")
    save_model(result, tmp_path / "model", name="bow-logreg")
    nothing = make_result(outcomes=(Outcome("bow-nb", "", "failed", message="why"),))
    with pytest.raises(ComparisonError, match="no method got through"):
        save_model(nothing, tmp_path / "other")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_model_replaces_another_and_nothing_else(result, tmp_path):
    folder = tmp_path / "model"
    save_model(make_result(name="older"), folder)
    save_model(result, folder)
    assert set(contents(folder)) == NAMES
    assert read_card(folder)["data"]["name"] == "messages"
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(ComparisonError, match=r"holds 'thesis\.tex', which is not part of a saved"):
        save_model(result, folder)
    assert set(contents(folder)) == {*NAMES, "thesis.tex"}


def test_folders_that_must_not_be_replaced_are_refused(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.json").write_text('{"format": "of mine"}')
    (tmp_path / "data" / "spam").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for folder, source, message in (
        ("file", None, "this is a file; give the name of a folder"),
        ("missing/model", None, "does not exist; make it first"),
        ("mine", None, "the folder is not empty and holds no saved model"),
        ("data", None, "the folder holds 'spam', which is not part of a saved model"),
        ("data/model", "data", "inside the folder of the data"),
        ("a\0b", None, "no folder can be made there"),
    ):
        with pytest.raises(ComparisonError, match=message):
            check_model_target(tmp_path / folder, None if source is None else tmp_path / source)
    check_model_target(tmp_path / "empty", tmp_path / "data")
    check_model_target(tmp_path / "new", tmp_path / "file")
    monkeypatch.chdir(tmp_path / "empty")
    with pytest.raises(ComparisonError, match="this is the current folder"):
        check_model_target(".")


def test_a_disk_that_is_full_at_any_write_keeps_the_old_model(result, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    save_model(make_result(name="older"), folder)
    old = contents(folder)
    for name in ("model.textrep", "card.json", "README.md"):
        with monkeypatch.context() as patch:
            _fill_disk_at(patch, name)
            with pytest.raises(OSError, match="No space left on device") as caught:
                save_model(result, folder)
        assert caught.value.filename == str(folder)
        assert contents(folder) == old
        assert [path.name for path in tmp_path.iterdir()] == ["model"]
        assert load_model(folder).predict(["free prize"]).tolist() == ["spam"]


def _fill_disk_at(patch: pytest.MonkeyPatch, name: str) -> None:
    original = Path.write_text

    def write_text(self, *arguments, **options):
        if self.name == name:
            original(self, "hal", encoding="ascii")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(self, *arguments, **options)

    def no_space(path, contents):
        path.write_bytes(b"hal")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if name == "model.textrep":
        patch.setattr(textrep.core.container, "write", no_space)
    else:
        patch.setattr(Path, "write_text", write_text)


@pytest.mark.slow
def test_a_process_that_is_killed_while_saving_leaves_a_whole_model(result, tmp_path):
    folder = tmp_path / "model"
    save_model(result, folder)
    program = (
        "import sys\n"
        "from tests.comparison.toy_results import make_result\n"
        "from textrep.comparison import save_model\n"
        "result = make_result(name='newer')\n"
        "print('saving', flush=True)\n"
        "while True:\n"
        "    save_model(result, sys.argv[1])\n"
    )
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), *sys.path])
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"saving\n"
    # As long as it lives, and after it was killed, a whole model is there.
    for _ in range(5):
        assert load_model(folder).predict(["free prize"]).tolist() == ["spam"]
    process.kill()
    process.communicate()
    assert load_model(folder).predict(["free prize"]).tolist() == ["spam"]
    assert set(contents(folder)) == NAMES


def test_a_card_of_a_newer_version_is_refused(saved, tmp_path):
    folder = _copied(saved, tmp_path)
    _edit(folder, format_version=FORMAT_VERSION + 1, textrep="9.9")
    with pytest.raises(ComparisonError, match=r"format version 2, written by textrep '9\.9'"):
        load_model(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "another"}, "not the card of a model that textrep saved"),
        ({"format_version": None}, "unknown format_version None"),
        ({"columns": {"numeric": [1], "categorical": []}}, "columns is .* the file is damaged"),
        ({"classes": "ham"}, "classes is 'ham'; the file is damaged"),
        ({"classes": [{"name": "ham"}, {"name": "eggs"}]}, "do not belong together"),
    ],
)
def test_a_card_that_was_tampered_with_is_refused(saved, tmp_path, change, message):
    folder = _copied(saved, tmp_path)
    _edit(folder, **change)
    with pytest.raises(ComparisonError, match=message):
        load_model(folder)


@given(st.data())
def test_a_damaged_model_or_card_raises_an_error_of_ours_and_nothing_else(
    saved, tmp_path_factory, data
):
    folder = _copied(saved, tmp_path_factory.mktemp("damaged"))
    name = data.draw(st.sampled_from(["model.textrep", "card.json"]))
    raw = bytearray((folder / name).read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw[at] ^= data.draw(st.integers(1, 255))
    else:
        del raw[at:]
    (folder / name).write_bytes(raw)
    try:
        model = load_model(folder)
    except (ComparisonError, textrep.PersistError):
        return
    # What changed is a figure of the card, or the date of a member: the model itself is whole.
    assert model.predict(["free prize"]).tolist() == ["spam"]


def test_a_model_that_is_no_classifier_is_refused(saved, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(saved, folder)
    textrep.CountVectorizer().fit(TEXTS).save(folder / "model.textrep")
    with pytest.raises(ComparisonError, match=r"model\.textrep holds no classifier that can be"):
        load_model(folder)


def test_a_folder_without_a_model_is_named(saved, tmp_path):
    with pytest.raises(ComparisonError, match="there is no such folder"):
        load_model(tmp_path / "missing")
    with pytest.raises(ComparisonError, match=r"not the folder of a saved model, which holds card"):
        load_model(tmp_path)
    folder = _copied(saved, tmp_path)
    (folder / "model.textrep").unlink()
    with pytest.raises(ComparisonError, match=r"holds no model\.textrep"):
        load_model(folder)


def _copied(saved: Path, place: Path) -> Path:
    folder = place / "model"
    folder.mkdir()
    for name, raw in contents(saved).items():
        (folder / name).write_bytes(raw)
    return folder


def _edit(folder: Path, **change: object) -> None:
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | change))
