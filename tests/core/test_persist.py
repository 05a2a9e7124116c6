import contextlib
import errno
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler
from sklearn.svm import LinearSVC

import textrep
from tests.core import toys
from tests.hostile.mutations import members_of, signed, zip_of
from textrep import CountVectorizer, PersistError, TfidfVectorizer

TEXTS = ["so much text", "so little time", "time is much", "text is text"] * 3
LABELS = ["a", "b", "b", "a"] * 3


@pytest.fixture
def toy(monkeypatch):
    return toys.publish(monkeypatch)


def round_trip(estimator, folder):
    return textrep.load(textrep.save(estimator, folder / "model.textrep"))


def rewrite(path, edit):
    """Apply `edit` to the tree of a file and sign the result as `save` would."""
    members = members_of(path.read_bytes())
    tree = edit(json.loads(members["model.json"]))
    members["model.json"] = json.dumps(tree).encode()
    write_signed(path, members)


def write_signed(path, members):
    path.write_bytes(zip_of(signed(members)))


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(CountVectorizer(), MultinomialNB()),
        make_pipeline(TfidfVectorizer(ngram_range=(1, 2), dtype=np.float32), LinearSVC()),
        make_pipeline(
            FeatureUnion(
                [("words", CountVectorizer()), ("chars", TfidfVectorizer(analyzer="char"))]
            ),
            MaxAbsScaler(),
            LogisticRegression(),
        ),
        make_pipeline(
            CountVectorizer(), MLPClassifier(4, solver="adam", max_iter=2000, random_state=0)
        ),
        make_pipeline(CountVectorizer(), CalibratedClassifierCV(LinearSVC(), cv=2)),
        make_pipeline(CountVectorizer(), FunctionTransformer(np.sqrt), MultinomialNB()),
        Pipeline([("counts", CountVectorizer()), ("none", "passthrough"), ("nb", MultinomialNB())]),
    ],
    ids=lambda pipeline: "-".join(name for name, _ in pipeline.steps),
)
def test_pipelines_answer_the_same_after_loading(estimator, tmp_path):
    estimator = clone(estimator).fit(TEXTS, LABELS)
    loaded = round_trip(estimator, tmp_path)
    assert loaded.predict(TEXTS).tolist() == estimator.predict(TEXTS).tolist()
    assert repr(loaded) == repr(estimator)
    # What was loaded can be fitted anew.
    assert (
        clone(loaded).fit(TEXTS, LABELS).predict(TEXTS).tolist() == loaded.predict(TEXTS).tolist()
    )


def test_column_transformers_answer_the_same_after_loading(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"title": TEXTS, "body": TEXTS[::-1], "year": range(len(TEXTS))})
    transformer = ColumnTransformer(
        [
            ("title", CountVectorizer(), "title"),
            ("body", TfidfVectorizer(), "body"),
            ("year", MaxAbsScaler(), ["year"]),
        ]
    )
    expected = transformer.fit_transform(frame)
    loaded = round_trip(transformer, tmp_path)
    answer = loaded.transform(frame)
    assert (expected != answer).sum() == 0
    assert loaded.get_feature_names_out().tolist() == transformer.get_feature_names_out().tolist()


def test_an_unfitted_estimator_is_saved_with_its_parameters(tmp_path):
    vectorizer = CountVectorizer(
        ngram_range=(1, 3), stop_words=["a", "b"], vocabulary={"x": 0, "\udc80": 1}, dtype=np.int32
    )
    loaded = round_trip(vectorizer, tmp_path)
    assert loaded.get_params() == vectorizer.get_params()
    assert vars(loaded).keys() == vars(vectorizer).keys()


def test_terms_with_lone_surrogates_come_back(tmp_path):
    texts = ["ab\ud83dcd \ude00ef", "\ud83d\ude00 gh"] * 20
    vectorizer = CountVectorizer(analyzer="char").fit(texts)
    loaded = round_trip(vectorizer, tmp_path)
    assert loaded.vocabulary_ == vectorizer.vocabulary_


def test_estimators_inside_parameters_and_attributes_are_kept(toy, tmp_path):
    inner = CountVectorizer().fit(TEXTS)
    estimator = toy(inner=inner, option=[toy(option=1)]).fit({"nb": MultinomialNB()})
    loaded = round_trip(estimator, tmp_path)
    assert loaded.inner.vocabulary_ == inner.vocabulary_
    assert loaded.option[0].option == 1
    assert isinstance(loaded.fitted_["nb"], MultinomialNB)
    assert not hasattr(loaded, "_private_")


def test_the_chosen_output_container_is_kept(toy, tmp_path):
    estimator = toy().set_output(transform="pandas")
    assert round_trip(estimator, tmp_path)._sklearn_output_config == {"transform": "pandas"}


any_text = st.text(st.characters(exclude_categories=[]), max_size=10)
simple = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), any_text),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(any_text, inner),
    max_leaves=6,
)


@given(option=simple, state=simple)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_parameter_and_state_comes_back(monkeypatch, tmp_path, option, state):
    toy = toys.publish(monkeypatch)
    loaded = round_trip(toy(option=option).fit(state), tmp_path)
    assert loaded.option == option
    assert loaded.fitted_ == state


def test_save_as_a_method_gives_the_path(tmp_path):
    path = CountVectorizer().save(str(tmp_path / "model"))
    assert path == tmp_path / "model"
    assert isinstance(textrep.load(str(path)), CountVectorizer)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (CountVectorizer(tokenizer=str.split), r"CountVectorizer.tokenizer is .* holds no code"),
        (make_pipeline(CountVectorizer(analyzer=len)), r"Pipeline.steps\[0\]\[1\].analyzer is"),
        (CountVectorizer, "is the class CountVectorizer; save an instance"),
        ({"a": 1}, "only estimators of textrep and scikit-learn"),
        (
            RandomForestClassifier(2).fit([[0], [1]], [0, 1]),
            "RandomForestClassifier holds sklearn.tree._tree.Tree, which could not be loaded",
        ),
        (
            GridSearchCV(make_pipeline(CountVectorizer(), MultinomialNB()), {}),
            "GridSearchCV holds textrep.*best_estimator_",
        ),
    ],
)
def test_what_cannot_be_saved_is_named(estimator, message, tmp_path):
    with pytest.raises(PersistError, match=message):
        textrep.save(estimator, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_class_that_is_not_public_is_refused_when_saving(tmp_path):
    class Mine(CountVectorizer):
        pass

    with pytest.raises(PersistError, match="Mine is not a public class of textrep"):
        textrep.save(Mine(), tmp_path / "model")


def test_an_attribute_that_holds_itself_is_refused(toy, tmp_path):
    loop = []
    loop.append(loop)
    with pytest.raises(PersistError, match="holds itself"):
        textrep.save(toy(option=loop), tmp_path / "model")


def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = CountVectorizer(min_df=2).save(tmp_path / "model")
    before = path.read_bytes()
    real = zipfile.ZipFile.writestr

    def full(self, info, data, *args, **kwargs):
        if info.filename == "model.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, info, data, *args, **kwargs)

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="No space left"):
        CountVectorizer(min_df=3).save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_crash_before_the_rename_keeps_the_old_file(tmp_path, monkeypatch):
    path = CountVectorizer(min_df=2).save(tmp_path / "model")

    def crash(*args):
        raise SystemExit(1)

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(SystemExit):
        CountVectorizer(min_df=3).save(path)
    assert textrep.load(path).min_df == 2


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.Popen",
        "textrep.core.persist.Persistent",
        "textrep.core.Persistent",
        "textrep.core.check_texts",
        "textrep.cli.main",
        "textrep.sparse.__doc__",
        "textrep.sparse.np",
        "sklearn.pipeline.Pipeline",
        "",
        None,
        ["textrep"],
    ],
)
def test_classes_outside_the_registry_are_refused(name, tmp_path):
    path = CountVectorizer().save(tmp_path / "model")
    rewrite(path, lambda tree: {**tree, "class": name})
    with pytest.raises(PersistError, match=r"cannot load .*model.json: unknown class"):
        textrep.load(path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda tree: None,
        lambda tree: [],
        lambda tree: {},
        lambda tree: {"kind": ["textrep"]},
        lambda tree: {**tree, "kind": "pickle"},
        lambda tree: {**tree, "params": []},
        lambda tree: {**tree, "params": {"no_such": 1}},
        lambda tree: {**tree, "state": 3},
        lambda tree: {"kind": "textrep", "class": tree["class"]},
        lambda tree: {"kind": "composite", "class": "GridSearchCV", "state": {}},
        lambda tree: {"kind": "composite", "class": "Pipeline", "state": None},
        lambda tree: {"kind": "sklearn", "class": "LinearSVC", "member": "parts/0.skops"},
        lambda tree: {**tree, "params": {"ngram_range": {"$": "eval", "code": "1"}}},
        lambda tree: {**tree, "params": {"min_df": {"$": "array", "name": "a99", "order": "C"}}},
    ],
)
def test_a_tampered_tree_is_refused(edit, tmp_path):
    path = CountVectorizer().save(tmp_path / "model")
    rewrite(path, edit)
    with pytest.raises(PersistError, match="cannot load"):
        textrep.load(path)


def test_a_parameter_of_another_version_is_named(tmp_path):
    path = CountVectorizer().save(tmp_path / "model")
    rewrite(path, lambda tree: {**tree, "params": {**tree["params"], "flavour": 1}})
    with pytest.raises(PersistError, match="CountVectorizer has no parameter 'flavour'"):
        textrep.load(path)


def part_with(obj, tmp_path):
    """A file whose skops part holds `obj`, which `save` would refuse."""
    path = textrep.save(MultinomialNB().fit([[1], [2]], [0, 1]), tmp_path / "model")
    members = members_of(path.read_bytes())
    members["parts/0.skops"] = obj
    write_signed(path, members)
    return path


def test_a_part_with_code_is_refused_and_not_run(tmp_path):
    path = part_with(skops.io.dumps(FunctionTransformer(os.system)), tmp_path)
    with pytest.raises(PersistError, match=r"member 'parts/0.skops' is refused.*system"):
        textrep.load(path)


def test_a_part_that_is_no_estimator_is_refused(tmp_path):
    with pytest.raises(PersistError, match="holds no estimator of scikit-learn"):
        textrep.load(part_with(skops.io.dumps([1, 2, 3]), tmp_path))


@pytest.mark.parametrize("path", [None, 3, b"model", ["model"]])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TypeError, match="path must be the file of a saved model, or the name"):
        textrep.load(path)


def test_a_part_that_swells_is_refused(tmp_path):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", " " * 10**7)
    with pytest.raises(PersistError, match="claims more bytes than it has"):
        textrep.load(part_with(data.getvalue(), tmp_path))


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_files_raise_persist_error_and_nothing_else(tmp_path, data):
    path = textrep.save(make_pipeline(CountVectorizer(), MultinomialNB()), tmp_path / "model")
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    with contextlib.suppress(PersistError):
        textrep.load(path)


@given(
    tree=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["kind", "class", "params", "state", "output", "$", "items", "node"]
                ),
                inner,
            )
        ),
        max_leaves=8,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_is_refused_with_persist_error(tmp_path, tree):
    path = CountVectorizer().save(tmp_path / "model")
    rewrite(path, lambda _: tree)
    with pytest.raises(PersistError):
        textrep.load(path)
