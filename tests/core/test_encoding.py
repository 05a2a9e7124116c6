import json
import math

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from textrep.core.container import PersistError
from textrep.core.decoding import Decoder
from textrep.core.encoding import Encoder


def round_trip(value):
    encoder = Encoder(None)
    node = json.loads(json.dumps(encoder.encode(value, "value"), allow_nan=False))
    return Decoder(encoder.arrays, None).decode(node)


def same(a, b):
    """Equal in type and value, NaN being itself and -0.0 not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and repr(a) == repr(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return a == b


any_text = st.text(st.characters(exclude_categories=[]), max_size=20)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), any_text, st.binary(max_size=20)
)
hashables = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), any_text),
    lambda inner: st.one_of(st.tuples(inner, inner), st.frozensets(inner, max_size=3)),
    max_leaves=4,
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(any_text | hashables, inner, max_size=4),
        st.sets(hashables, max_size=4),
        st.builds(slice, st.none() | st.integers(), st.integers()),
    ),
    max_leaves=12,
)


@given(values)
def test_any_python_value_comes_back(value):
    assert same(round_trip(value), value)


@given(st.lists(any_text, max_size=80))
def test_lists_of_any_text_come_back(texts):
    assert round_trip(texts) == texts


@given(st.dictionaries(any_text, st.integers(), min_size=28, max_size=40))
def test_vocabularies_come_back_in_order(vocabulary):
    answer = round_trip(vocabulary)
    assert list(answer.items()) == list(vocabulary.items())
    assert {type(value) for value in answer.values()} == {int}


def test_vocabularies_keep_numpy_integers():
    vocabulary = {f"word{i}": np.int64(i) for i in range(50)}
    answer = round_trip(vocabulary)
    assert answer == vocabulary
    assert {type(value) for value in answer.values()} == {np.int64}


def test_large_vocabularies_and_lists_lie_in_arrays():
    encoder = Encoder(None)
    node = encoder.encode({f"word{i}": i for i in range(1000)}, "vocabulary_")
    assert len(json.dumps(node)) < 200
    assert len(encoder.arrays) == 3


def test_two_lone_surrogates_do_not_become_one_character():
    two = "\ud83d\ude00"
    assert len(two) == 2
    assert round_trip([two, {two: 1}]) == [two, {two: 1}]


@given(
    hnp.arrays(
        st.one_of(
            hnp.scalar_dtypes(),
            hnp.unicode_string_dtypes(max_len=4),
            hnp.byte_string_dtypes(max_len=4),
        ),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
    ),
    st.booleans(),
)
def test_any_array_comes_back_bit_for_bit_in_its_order(array, fortran):
    if fortran:
        array = np.asfortranarray(array) if array.ndim else array
    answer = round_trip(array)
    assert answer.dtype == array.dtype
    assert answer.shape == array.shape
    assert answer.tobytes() == array.tobytes()
    assert answer.flags.c_contiguous == array.flags.c_contiguous
    assert answer.flags.f_contiguous == array.flags.f_contiguous
    assert answer.flags.writeable


@given(hnp.from_dtype(np.dtype("f8")) | hnp.arrays("U3", ()).map(lambda a: a[()]))
def test_numpy_scalars_come_back(value):
    answer = round_trip(value)
    assert type(answer) is type(value)
    assert np.asarray(answer).tobytes() == np.asarray(value).tobytes()


def test_object_arrays_come_back():
    array = np.array([["a", 1], [None, (2, 3)]], dtype=object)
    answer = round_trip(array)
    assert answer.dtype == object
    assert answer.tolist() == array.tolist()


def test_sliced_arrays_come_back():
    array = np.arange(24).reshape(4, 6)[::2, ::-1]
    assert round_trip(array).tolist() == array.tolist()


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("kind", ["matrix", "array"])
def test_sparse_matrices_come_back(form, kind):
    make = getattr(scipy.sparse, f"{form}_{kind}")
    matrix = make(np.array([[0, 1.5, 0], [2, 0, 0]]))
    answer = round_trip(matrix)
    assert type(answer) is type(matrix)
    assert answer.dtype == matrix.dtype
    assert (answer != matrix).nnz == 0


@pytest.mark.parametrize(
    "value", [int, float, str, object, np.int64, np.float32, np.dtype("f4"), np.dtype("<U3")]
)
def test_types_come_back(value):
    assert round_trip(value) is value or round_trip(value) == value


@pytest.mark.parametrize(
    "bits", [np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]
)
def test_random_generators_go_on_where_they_were(bits):
    generator = np.random.Generator(bits(5))
    generator.random(3)
    assert (round_trip(generator).random(5) == generator.random(5)).all()


def test_random_states_go_on_where_they_were():
    state = np.random.RandomState(5)
    state.normal()
    assert (round_trip(state).normal(size=5) == state.normal(size=5)).all()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (len, "value is <built-in function len>, and a model file holds no code"),
        ({"a": [str.split]}, r"value\['a'\]\[0\] is .* holds no code"),
        (Encoder, "holds no code"),
        (object(), "value is of type builtins.object, which a model file cannot hold"),
        (np.ma.masked_array([1, 2], [True, False]), "MaskedArray"),
        (np.zeros(2, dtype=[("a", "i4")]), "value has dtype"),
        (scipy.sparse.lil_matrix((2, 2)), "tocsr"),
    ],
)
def test_what_cannot_be_saved_is_named_with_its_place(value, message):
    with pytest.raises(PersistError, match=message):
        Encoder(None).encode(value, "value")


@pytest.mark.parametrize(
    "node",
    [
        {"$": "os.system"},
        {"$": ["list"]},
        {"$": "texts", "utf8": "a", "ends": "decreasing"},
        {"$": "texts", "utf8": "a", "ends": "too far"},
        {"$": "vocabulary", "ids": "a", "utf8": "a", "ends": "too far", "python": True},
        {"$": "dtype", "text": "O"},
        {"$": "sparse", "format": "spmatrix"},
        {"$": "estimator", "node": {}},
    ],
)
def test_malformed_nodes_are_refused(node):
    arrays = {
        "a": np.zeros(4, np.uint8),
        "decreasing": np.array([3, 2, 4]),
        "too far": np.array([9]),
    }
    with pytest.raises(PersistError):
        Decoder(arrays, None).decode(node)


def test_sparse_indices_out_of_bounds_are_refused():
    encoder = Encoder(None)
    node = encoder.encode(scipy.sparse.csr_array(np.eye(3)), "matrix")
    arrays = {name: array.copy() for name, array in encoder.arrays.items()}
    arrays[node["parts"][1]["name"]][:] = 10**6
    with pytest.raises(ValueError, match=r"ind(ices|ex)"):
        Decoder(arrays, None).decode(node)
