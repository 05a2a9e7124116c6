"""The pipelines of the rungs: each makes one from texts to labels, given a seed.

alpha, C, min_df, the weighting and the numbers of dimensions are what ``benchmarks/rungs.py
--quick`` chooses by cross-validation on training texts; test texts had no say.
"""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from textrep.comparison.semantics import LatentSemanticAnalysis
from textrep.comparison.topics import TopicModel
from textrep.embeddings.fasttext import FastText
from textrep.embeddings.fasttext_classifier import FastTextClassifier
from textrep.embeddings.glove import GloVe
from textrep.embeddings.static import StaticEmbedder
from textrep.embeddings.word2vec import Word2Vec
from textrep.sparse import (
    NBSVM,
    BM25Vectorizer,
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)

# Twenty times the default of the SVM: enough on every corpus that has a card.
_MAX_ITER = 20_000
# What liblinear itself stops at in the primal; scikit-learn hands it the tolerance of the dual.
_PRIMAL_TOL = 1e-2
# Ten times as loose as the default: on dense columns it is as often right, in less time.
_DENSE_TOL = 1e-3
# Topics are spoilt by words that most documents have, and rare ones only cost time.
_TOPIC_MAX_DF = 0.5
_TOPIC_TERMS = 10_000
_TOPIC_WORDS = 8
_LSA_TERMS = 50_000
# A power of two above the words of most corpora (20 newsgroups has 130,000), so that few share a
# column; a search on few texts would not see those that do.
_HASHED_COLUMNS = 2**18
# One thread gives the same vectors twice, and so the same leaderboard.
_ONE_THREAD = 1
# Texts to compare on are few words beside those that vectors are usually learnt from: more of the
# words are kept, they are read more often, and the steps are larger.
_VECTOR_MIN_COUNT = 2
_VECTOR_EPOCHS = "auto"
_VECTOR_SAMPLE = 1e-3
_SKIP_GRAM_ALPHA = 0.05
# A network learns little of a word that it meets once; such words teach it what unknown ones are.
_NEURAL_MIN_COUNT = 2
# Where no limit is given: enough for some thousands of short texts on two cores; the networks end
# with what they have learnt, so that a comparison on long texts takes minutes, too.
_NEURAL_SECONDS = 120.0
# Of a prompt: what is read again for each text costs more time than it is worth beyond these.
_SHOWN_EXAMPLES = 2
_SHOWN_CHARACTERS = 600
# The time is for a small BERT to see the texts often; a larger one would have seen them once.
_OWN_BERT = {"num_layers": 2, "hidden_size": 128}
_READ_TOKENS = 128
_OWN_PIECES = 4000
_STATIC_EPOCHS = 20


def majority(seed: int) -> Pipeline:
    """The most frequent class, whatever the text."""
    return Pipeline([("classifier", DummyClassifier(strategy="most_frequent"))])


def bow_nb(seed: int) -> Pipeline:
    """Word counts and multinomial naive Bayes."""
    return Pipeline([("counts", CountVectorizer()), ("classifier", MultinomialNB(alpha=0.03))])


def hashing_svm(seed: int) -> Pipeline:
    """Hashed words: no vocabulary to learn, to hold or to save."""
    hashing = HashingVectorizer(n_features=_HASHED_COLUMNS, alternate_sign=False, norm=None)
    return Pipeline(
        [
            ("counts", hashing),
            ("tfidf", TfidfTransformer(sublinear_tf=True)),
            ("classifier", _svm(1.0, seed)),
        ]
    )


def bow_logreg(seed: int) -> Pipeline:
    """Word counts and logistic regression."""
    return _logistic(CountVectorizer(), C=300.0)


def ngrams_logreg(seed: int) -> Pipeline:
    """Counts of words and pairs, and logistic regression."""
    return _logistic(CountVectorizer(ngram_range=(1, 2), min_df=2), C=300.0)


def tfidf_svm(seed: int) -> Pipeline:
    """TF-IDF of words and a linear SVM."""
    return _tfidf_svm(TfidfVectorizer(sublinear_tf=True), 1.0, seed)


def stemmed_tfidf_svm(seed: int, language: str = "english") -> Pipeline:
    """TF-IDF of word stems and a linear SVM.

    Parameters
    ----------
    seed : int
        Of the SVM.
    language : str, default="english"
        Of the texts, as for `textrep.Stemmer`. The rung in the registry is for English; one for
        another language is made with `functools.partial`.

    Returns
    -------
    Pipeline

    Examples
    --------
    >>> from functools import partial
    >>> from textrep.comparison import Rung
    >>> factory = partial(stemmed_tfidf_svm, language="german")
    >>> Rung("german-tfidf-svm", "TF-IDF of German stems", factory).factory(0)["tfidf"].stemmer
    'german'
    """
    return _tfidf_svm(TfidfVectorizer(stemmer=language, sublinear_tf=True), 1.0, seed)


def bm25_svm(seed: int) -> Pipeline:
    """BM25 weights of words, made unit length, and a linear SVM."""
    return Pipeline(
        [
            ("bm25", BM25Vectorizer(b=0.4)),
            ("length", Normalizer()),
            ("classifier", _svm(3.0, seed)),
        ]
    )


def nb_svm(seed: int) -> Pipeline:
    """NB-SVM (Wang and Manning, ACL 2012) on words and pairs.

    It weighs TF-IDF where the paper weighs occurrences: by cross-validation on training texts, 88.9
    in place of 88.2 % of 8,000 reviews of imdb, and 79 in place of 75 % of the three corpora of
    ``benchmarks/rungs.py``.
    """
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    classifier = NBSVM(
        beta=1.0, C=1.0, alpha=0.03, binarize=False, max_iter=_MAX_ITER, random_state=seed
    )
    return Pipeline([("tfidf", vectorizer), ("classifier", classifier)])


def tfidf_bigram_svm(seed: int) -> Pipeline:
    """TF-IDF of words and pairs, and a linear SVM."""
    return _tfidf_svm(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), 3.0, seed)


def char_tfidf_svm(seed: int) -> Pipeline:
    """TF-IDF of character n-grams within words, and a linear SVM."""
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2
    )
    return _tfidf_svm(vectorizer, 1.0, seed)


def lsa_logreg(seed: int) -> Pipeline:
    """Latent semantic analysis of TF-IDF, and logistic regression."""
    return Pipeline(
        [
            ("tfidf", TfidfVectorizer(sublinear_tf=True, max_features=_LSA_TERMS)),
            ("lsa", LatentSemanticAnalysis(n_components=300, random_state=seed)),
            ("length", Normalizer()),
            ("classifier", LogisticRegression(C=30.0, max_iter=_MAX_ITER)),
        ]
    )


def lda_logreg(seed: int) -> Pipeline:
    """Shares of topics (latent Dirichlet allocation), and logistic regression."""
    return Pipeline(
        [
            ("counts", CountVectorizer(max_df=_TOPIC_MAX_DF, max_features=_TOPIC_TERMS)),
            ("topics", TopicModel(n_topics=50, random_state=seed)),
            # lbfgs takes several times as long to get as many right.
            ("classifier", _one_vs_rest(300.0)),
        ]
    )


def static_logreg(seed: int) -> Pipeline:
    """Means of the word vectors that come with textrep, and logistic regression."""
    return _vectors_logreg(StaticEmbedder(pooling="idf"))


def word2vec_logreg(seed: int) -> Pipeline:
    """Means of skip-gram vectors learnt from the training texts, and logistic regression."""
    return _vectors_logreg(_word2vec("mean", seed))


def word2vec_sif_logreg(seed: int) -> Pipeline:
    """The same vectors, rare words weighing more (SIF), and logistic regression."""
    return _vectors_logreg(_word2vec("sif", seed))


def glove_logreg(seed: int) -> Pipeline:
    """Means of GloVe vectors learnt from the training texts, and logistic regression."""
    glove = GloVe(
        sample=_VECTOR_SAMPLE,
        min_count=_VECTOR_MIN_COUNT,
        epochs=25,
        n_jobs=_ONE_THREAD,
        random_state=seed,
    )
    return _vectors_logreg(glove)


def fasttext_logreg(seed: int) -> Pipeline:
    """Means of fastText vectors learnt from the training texts, weighted by inverse document
    frequency, and logistic regression.
    """
    fasttext = FastText(
        pooling="idf",
        sample=_VECTOR_SAMPLE,
        min_count=_VECTOR_MIN_COUNT,
        epochs=10,
        n_jobs=_ONE_THREAD,
        random_state=seed,
    )
    return _vectors_logreg(fasttext)


def fasttext_classifier(seed: int) -> Pipeline:
    """fastText's classifier: means of vectors of words and pairs, learnt for the labels."""
    classifier = FastTextClassifier(
        loss="ova",
        alpha=1.0,
        epochs=20,
        vector_size=32,
        n_jobs=_ONE_THREAD,
        random_state=seed,
    )
    return Pipeline([("classifier", classifier)])


def lstm(seed: int) -> Pipeline:
    """An LSTM that reads the words in order, all of it learnt from the labels."""
    from textrep.contextual import RNNClassifier

    classifier = RNNClassifier(
        min_count=_NEURAL_MIN_COUNT, max_seconds=_NEURAL_SECONDS, random_state=seed
    )
    return Pipeline([("classifier", classifier)])


def bilstm_word2vec(seed: int) -> Pipeline:
    """LSTMs that read the words from both ends, starting from skip-gram vectors of the training
    texts.
    """
    from textrep.contextual import RNNClassifier

    classifier = RNNClassifier(
        embeddings=_word2vec("mean", seed),
        hidden_size=64,
        bidirectional=True,
        min_count=_NEURAL_MIN_COUNT,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return Pipeline([("classifier", classifier)])


def elmo_logreg(seed: int) -> Pipeline:
    """Means of ELMo's vectors of words in their context, from language models of the training
    texts that start from skip-gram vectors, and logistic regression.

    From characters alone, a language model of so few texts has learnt next to nothing of a word.
    """
    from textrep.contextual import ElmoEmbedder

    embedder = ElmoEmbedder(
        embeddings=_word2vec("mean", seed),
        lowercase=True,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return _vectors_logreg(embedder)


def ulmfit(seed: int) -> Pipeline:
    """A language model of the training texts, turned into a classifier layer by layer.

    What so small a language model knows is not worth protecting: all layers learn at one rate, and
    it is not tuned once more to the texts that it has just read. With the defaults 65 in place of
    78 % of sst2's training texts are classified rightly (a fifth of them held out).
    """
    from textrep.contextual import UlmfitClassifier

    classifier = UlmfitClassifier(
        embedding_size=100,
        hidden_size=128,
        vector_epochs=20,
        finetune_epochs=0,
        epochs="auto",
        learning_rate=6e-3,
        lr_decay=1.0,
        dropout=0.3,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return Pipeline([("classifier", classifier)])


def transformer(seed: int) -> Pipeline:
    """A Transformer encoder over the words, all of it learnt from the labels.

    Few texts teach a small one most, and the maximum of each value more than their mean: 78 % of
    sst2's training texts are classified rightly (a fifth of them held out), with the defaults 69.
    """
    from textrep.contextual import TransformerClassifier

    classifier = TransformerClassifier(
        hidden_size=64,
        num_layers=1,
        pooling="max",
        dropout=0.5,
        word_dropout=0.2,
        min_count=_NEURAL_MIN_COUNT,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return Pipeline([("classifier", classifier)])


def few_shot_lm(seed: int) -> Pipeline:
    """A small language model of the training texts and their labels, which sees two of them before
    each text and is asked what label comes next.

    Its own names of the classes need no calibration: it has seen how frequent they are.
    """
    from textrep.contextual import FewShotClassifier

    classifier = FewShotClassifier(
        n_examples=_SHOWN_EXAMPLES,
        calibration="none",
        length_normalization=False,
        max_characters=_SHOWN_CHARACTERS,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return Pipeline([("classifier", classifier)])


def frozen_encoder(seed: int, checkpoint: str | None = None) -> Pipeline:
    """Means of a BERT's vectors of the tokens, and logistic regression; the BERT learns to fill in
    words of the training texts, or is a published one that stays as it is.
    """
    from textrep.contextual import EncoderEmbedder

    embedder = EncoderEmbedder(
        checkpoint=checkpoint,
        size=_OWN_BERT,
        vocab_size=_OWN_PIECES,
        layers="all",
        max_length=_READ_TOKENS,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return _vectors_logreg(embedder)


def static_student(seed: int, checkpoint: str | None = None) -> Pipeline:
    """Means of word vectors that such a BERT has taught, rare words weighing more (SIF), and
    logistic regression.
    """
    from textrep.contextual import StaticStudent

    student = StaticStudent(
        checkpoint=checkpoint,
        size=_OWN_BERT,
        vocab_size=_OWN_PIECES,
        pretrain_epochs=_STATIC_EPOCHS,
        n_jobs=_ONE_THREAD,
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return _vectors_logreg(student)


def bert(seed: int, checkpoint: str | None = None) -> Pipeline:
    """A BERT that first learns to fill in words of the training texts, unless it is a published
    one, and then to tell their classes apart.

    Of sst2's test part 78 % are classified rightly then, in place of 81 by TF-IDF and a linear SVM,
    which takes a thousandth of the time: so few texts teach little beside which words say what.
    """
    classifier = _bert(checkpoint).set_params(max_seconds=_NEURAL_SECONDS, random_state=seed)
    return Pipeline([("classifier", classifier)])


def distilbert(seed: int, checkpoint: str | None = None) -> Pipeline:
    """Such a classifier, and a student with half its layers that learns from its answers."""
    from textrep.contextual import DistilledClassifier

    classifier = DistilledClassifier(
        teacher=_bert(checkpoint),
        max_seconds=_NEURAL_SECONDS,
        random_state=seed,
    )
    return Pipeline([("classifier", classifier)])


def topic_notes(pipeline: Pipeline) -> tuple[str, ...]:
    """Words of each topic of a fitted pipeline with the steps ``counts`` and ``topics``.

    Parameters
    ----------
    pipeline : Pipeline
        Such as `lda_logreg` makes, fitted.

    Returns
    -------
    tuple of str
        One for each topic, such as ``"topic 3: game, team, season"``.
    """
    names = pipeline["counts"].get_feature_names_out()
    words = pipeline["topics"].topic_words(names, n=_TOPIC_WORDS)
    return tuple(f"topic {number}: {', '.join(row)}" for number, row in enumerate(words, start=1))


def _word2vec(pooling: str, seed: int) -> Word2Vec:
    return Word2Vec(
        pooling=pooling,
        min_count=_VECTOR_MIN_COUNT,
        epochs=_VECTOR_EPOCHS,
        alpha=_SKIP_GRAM_ALPHA,
        n_jobs=_ONE_THREAD,
        random_state=seed,
    )


def _bert(checkpoint: str | None) -> Any:
    from textrep.contextual import EncoderClassifier

    return EncoderClassifier(
        checkpoint=checkpoint, size=_OWN_BERT, vocab_size=_OWN_PIECES, max_length=_READ_TOKENS
    )


def _vectors_logreg(embedder: BaseEstimator) -> Pipeline:
    return Pipeline(
        [
            ("vectors", embedder),
            ("scale", StandardScaler()),
            ("classifier", LogisticRegression(C=0.3, tol=_DENSE_TOL, max_iter=_MAX_ITER)),
        ]
    )


def _logistic(vectorizer: CountVectorizer, C: float) -> Pipeline:
    return Pipeline(
        [("counts", vectorizer), ("length", Normalizer()), ("classifier", _one_vs_rest(C))]
    )


def _one_vs_rest(C: float) -> OneVsRestClassifier:
    # The primal, because the time of the dual grows with C; one class at a time, because fitting
    # all of them at once takes several times as long.
    solver = LogisticRegression(solver="liblinear", C=C, tol=_PRIMAL_TOL, max_iter=_MAX_ITER)
    return OneVsRestClassifier(solver)


def _tfidf_svm(vectorizer: TfidfVectorizer, C: float, seed: int) -> Pipeline:
    return Pipeline([("tfidf", vectorizer), ("classifier", _svm(C, seed))])


def _svm(C: float, seed: int) -> LinearSVC:
    # dual=True: with more terms than texts, which is the rule, it is the faster of the two.
    return LinearSVC(dual=True, C=C, max_iter=_MAX_ITER, random_state=seed)
