"""One estimator in many threads gives what it gives in one."""

import threading

import numpy as np
import pytest
import scipy.sparse
import torch

import textrep
from tests.estimators import PUBLIC_ESTIMATORS, TEXTS
from tests.reliability.together import N_THREADS, at_once
from textrep.engine.inference import lent_to

ROUNDS = 5

KINDS = {
    "counts": lambda: textrep.CountVectorizer(),
    "pairs of words": lambda: textrep.TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
    "characters": lambda: textrep.TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4)),
    "stems": lambda: textrep.TfidfVectorizer(stemmer="english", stop_words="english"),
    "hashes": lambda: textrep.HashingVectorizer(n_features=256),
    "BM25": lambda: textrep.BM25Vectorizer(),
    "a given vocabulary": lambda: textrep.CountVectorizer(vocabulary=["was", "the", "it"]),
}


def texts_of(number):
    """Other texts, and another number of them, for each thread and round."""
    rng = np.random.default_rng(number)
    words = sorted({word for text in TEXTS for word in text.split()})
    return [" ".join(rng.choice(words, 9)) for _ in range(1 + number % 40)]


def assert_equal(ours, theirs):
    if scipy.sparse.issparse(ours):
        assert ours.shape == theirs.shape
        assert (ours != theirs).nnz == 0
    elif np.asarray(ours).dtype.kind in "fc":
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_a_vectoriser_counts_alike_in_many_threads(kind):
    fitted = KINDS[kind]().fit(TEXTS)
    numbers = [range(i, i + 7 * ROUNDS, 7) for i in range(N_THREADS)]
    found = at_once(lambda i: [fitted.transform(texts_of(n)) for n in numbers[i]])
    alone = KINDS[kind]().fit(TEXTS)
    for own, answers in zip(numbers, found, strict=True):
        for number, answer in zip(own, answers, strict=True):
            assert_equal(answer, alone.transform(texts_of(number)))


def test_the_vocabulary_is_made_once_however_many_ask():
    fitted = textrep.CountVectorizer().fit(texts_of(39) * 50)
    found = at_once(lambda i: fitted.vocabulary_)
    assert len({id(each) for each in found}) == 1


def test_what_was_learnt_bit_by_bit_is_settled_once():
    grown = textrep.TfidfVectorizer()
    for number in range(6):
        grown.partial_fit(texts_of(number))
    whole = textrep.TfidfVectorizer().fit([t for n in range(6) for t in texts_of(n)])
    for answer in at_once(lambda i: grown.transform(texts_of(i))):
        assert answer.shape[1] == len(whole.vocabulary_)
    assert_equal(grown.transform(TEXTS), whole.transform(TEXTS))


def test_threads_that_learn_at_once_lose_nothing():
    grown = textrep.CountVectorizer()
    at_once(lambda i: [grown.partial_fit(texts_of(8 * n + i)) for n in range(ROUNDS)])
    every = [text for n in range(8 * ROUNDS) for text in texts_of(n)]
    whole = textrep.CountVectorizer().fit(every)
    assert grown._tower.whole().n_documents == len(every)
    assert grown.vocabulary_.keys() == whole.vocabulary_.keys()
    # The order of the documents is that of the threads, and so is that of equal terms' columns.
    order = [grown.vocabulary_[term] for term in whole.vocabulary_]
    columns = list(whole.vocabulary_.values())
    assert_equal(grown.transform(TEXTS)[:, order], whole.transform(TEXTS)[:, columns])


def entry(estimator):
    return next(each for each in PUBLIC_ESTIMATORS if each.estimator is estimator)


MODELS = [
    entry(kind)
    for kind in (
        textrep.FastTextClassifier,
        textrep.Word2Vec,
        textrep.GPT,
        textrep.RNNClassifier,
        textrep.EncoderEmbedder,
        textrep.VAE,
        textrep.ChoraleModel,
    )
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.estimator.__name__)
def test_a_model_answers_alike_in_many_threads(model):
    data = model.data()
    fitted = model.make().fit(data, model.labels)
    ask = getattr(fitted, model.verb)
    parts = [data[i % 4 : i % 4 + 8] for i in range(N_THREADS)]
    alone = [ask(part) for part in parts]
    found = at_once(lambda i: [ask(parts[i]) for _ in range(ROUNDS)])
    for answers, theirs in zip(found, alone, strict=True):
        for answer in answers:
            assert_equal(answer, theirs)


def test_networks_that_learn_in_threads_learn_what_each_learns_alone():
    model = entry(textrep.RNNClassifier)

    def learnt(seed):
        made = model.make().set_params(random_state=seed, dropout=0.5)
        return made.fit(TEXTS, model.labels).predict_proba(TEXTS)

    before = torch.get_rng_state()
    found = at_once(lambda i: learnt(i % 2))
    assert torch.equal(torch.get_rng_state(), before)
    alone = [learnt(0), learnt(1)]
    for i, answer in enumerate(found):
        np.testing.assert_array_equal(answer, alone[i % 2])


class Moved(torch.nn.Module):
    """Notes where it is moved, instead of going there."""

    def __init__(self):
        super().__init__()
        self.places = []

    def to(self, place):
        self.places.append(str(place))
        return self


def test_a_lent_module_stays_until_the_last_thread_gives_it_back():
    module, first = Moved(), torch.device("cuda")
    waits = threading.Thread(target=lambda: lend(torch.device("mps")))

    def lend(device):
        with lent_to(module, device):
            pass

    with lent_to(module, first):
        assert not module.training
        lend(first)
        waits.start()
        waits.join(timeout=0.2)
        assert module.places == ["cuda"]
    waits.join()
    assert module.places == ["cuda", "cpu", "mps", "cpu"]
    assert module.training


class Full(Moved):
    """Does not fit on any device."""

    def to(self, place):
        super().to(place)
        if str(place) != "cpu":
            raise torch.OutOfMemoryError("no room")
        return self


def test_a_module_that_cannot_be_lent_is_brought_back():
    module = Full()
    for _ in range(2):
        with pytest.raises(torch.OutOfMemoryError), lent_to(module, torch.device("cuda")):
            pass
    assert module.places == ["cuda", "cpu"] * 2
    assert module.training
