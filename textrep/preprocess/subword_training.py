"""Train a tokenizer of the tokenizers library, and get the same one each time.

The library's trainers for WordPiece and unigram models walk through hash tables whose order changes
from run to run, so that ties end differently. Here the order is fixed before or after.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODELS = ("bpe", "wordpiece", "unigram")
"""What `model` can be."""

UNKNOWN = {"wordpiece": "[UNK]", "unigram": "<unk>"}
"""The token for what is not known; byte-level BPE knows every byte."""

_CONTINUES = "##"
_SPACE = "▁"  # stands for a space in unigram pieces
_PENALTY_STEP = 1e-4  # see `_settle_unigram`
_SCORE_DECIMALS = 4
_NEVER = -1e6  # a score that no cut of a text can make up for


@dataclass(frozen=True)
class Settings:
    """What to train.

    Attributes
    ----------
    model : "bpe", "wordpiece" or "unigram"
    vocab_size : tokens at most
    min_frequency : occurrences that make a pair worth a merge
    lowercase : whether texts are put in lower case first
    special_tokens : further tokens, which no text is cut into
    """

    model: str
    vocab_size: int
    min_frequency: int
    lowercase: bool
    special_tokens: tuple[str, ...]

    @property
    def specials(self) -> list[str]:
        """All special tokens, the unknown one first."""
        unknown = [UNKNOWN[self.model]] if self.model in UNKNOWN else []
        return [*unknown, *(token for token in self.special_tokens if token not in unknown)]


def train(texts: Sequence[str], settings: Settings) -> Tokenizer:
    """Train a tokenizer.

    Parameters
    ----------
    texts : sequence of str
    settings : Settings

    Returns
    -------
    tokenizers.Tokenizer

    Raises
    ------
    ValueError
        If `vocab_size` has no room for the characters of the texts, or there are none.

    Examples
    --------
    >>> settings = Settings("wordpiece", 20, 1, True, ())
    >>> train(["so much, so much"], settings).encode("so much").tokens
    ['so', 'much']
    """
    require_tokenizers()
    return {"bpe": _train_bpe, "wordpiece": _train_wordpiece, "unigram": _train_unigram}[
        settings.model
    ](texts, settings)


def require_tokenizers() -> None:
    """Say what to install where the library is missing.

    Raises
    ------
    ImportError
    """
    try:
        import tokenizers  # noqa: F401
    except ImportError:
        raise ImportError(
            "SubwordTokenizer works with the package tokenizers, which is not installed: "
            "pip install 'textrep[subwords]'"
        ) from None


def _train_bpe(texts: Sequence[str], settings: Settings) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    alphabet = pre_tokenizers.ByteLevel.alphabet()
    _check_room(settings, len(alphabet), "bytes")
    tokenizer = Tokenizer(models.BPE())
    if settings.lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=settings.vocab_size,
        min_frequency=settings.min_frequency,
        initial_alphabet=alphabet,
        special_tokens=settings.specials,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _train_wordpiece(texts: Sequence[str], settings: Settings) -> Tokenizer:
    """Two rounds: the first finds the characters, the second has them in a fixed order."""
    specials = settings.specials
    round_one = _wordpiece_round(texts, settings, vocab_size=0, first=specials)
    characters = sorted(set(round_one.get_vocab()) - set(specials), key=_continuing_last)
    if not characters:
        raise ValueError(_NOTHING)
    _check_room(settings, len(characters), "characters, at the start of words and inside them,")
    round_two = _wordpiece_round(texts, settings, settings.vocab_size, [*specials, *characters])
    tree = json.loads(round_two.to_str())
    # The characters went in as special tokens, which is what kept their order.
    kept = set(specials)
    tree["added_tokens"] = [token for token in tree["added_tokens"] if token["content"] in kept]
    return _from_tree(tree)


def _wordpiece_round(
    texts: Sequence[str], settings: Settings, vocab_size: int, first: list[str]
) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordPiece(unk_token=UNKNOWN["wordpiece"]))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=settings.lowercase, strip_accents=False
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix=_CONTINUES)
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size,
        min_frequency=settings.min_frequency,
        special_tokens=first,
        continuing_subword_prefix=_CONTINUES,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _continuing_last(token: str) -> tuple[bool, str]:
    return len(token) > 1 and token.startswith(_CONTINUES), token


def _train_unigram(texts: Sequence[str], settings: Settings) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.Unigram())
    if settings.lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    characters: set[str] = set().union(*texts)
    if not characters:
        raise ValueError(_NOTHING)
    if settings.lowercase:
        characters = set().union(*(character.lower() for character in characters))
    # A text that spells out a special token is cut into characters, so these must be known.
    spelled = sorted(set().union(*settings.specials[1:]))
    characters = characters - {" "} | {_SPACE} | set(spelled)
    # Given room for the characters alone, the trainer overshoots.
    _check_room(settings, len(characters), "characters", spare=1)
    trainer = trainers.UnigramTrainer(
        vocab_size=settings.vocab_size,
        special_tokens=settings.specials,
        unk_token=UNKNOWN["unigram"],
        initial_alphabet=spelled,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _settle_unigram(tokenizer, settings.specials)


def _settle_unigram(tokenizer: Tokenizer, specials: list[str]) -> Tokenizer:
    """Take from the pieces what the order of a hash table left in them.

    The trainer gives the characters that its pruning dropped the least score of all, plus 0.0001
    more for each, in an order that changes; here they all have the least. The other scores are sums
    in changing order, which rounding makes equal. Pieces stand by falling score.

    Special tokens have the best score of all by the trainer, and get the worst.
    """
    tree = json.loads(tokenizer.to_str())
    pieces = tree["model"]["vocab"]
    learnt = [(piece, score) for piece, score in pieces if piece not in specials]
    least = min(score for _, score in learnt)
    steps = sum(len(piece) == 1 for piece, _ in learnt)
    settled = []
    for piece, score in learnt:
        step = (score - least) / _PENALTY_STEP
        dropped = len(piece) == 1 and step < steps and abs(step - round(step)) < _PENALTY_STEP
        settled.append([piece, round(least if dropped else score, _SCORE_DECIMALS)])
    settled.sort(key=lambda pair: (-pair[1], pair[0]))
    scores = [0.0, *(_NEVER for _ in specials[1:])]
    tree["model"]["vocab"] = [*map(list, zip(specials, scores, strict=True)), *settled]
    return _from_tree(tree)


def _from_tree(tree: dict[str, Any]) -> Tokenizer:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(json.dumps(tree))


_NOTHING = "texts hold nothing but white space; there are no subwords to learn."


def _check_room(settings: Settings, needed: int, what: str, spare: int = 0) -> None:
    least = needed + len(settings.specials) + spare
    if settings.vocab_size < least:
        special = f" and {len(settings.specials)} special tokens" if settings.specials else ""
        raise ValueError(
            f"vocab_size={settings.vocab_size} is too small for the {needed} {what}{special} that "
            f"the vocabulary begins with; give at least {least}."
        )
