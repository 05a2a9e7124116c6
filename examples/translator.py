"""A translator of numbers, English to German, that learns from pairs made by rule.

    python examples/translator.py --out translator

German says the ones before the tens: "forty two" is "zwei und vierzig". A recurrent network with
attention learns that from six hundred pairs and is tested on numbers that it has not seen; the
picture shows where it looked while it wrote.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from gallery import options

from textrep import RNNSeq2Seq

ENGLISH = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
).split()
ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
GERMAN = (
    "ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn"
    " sechzehn siebzehn achtzehn neunzehn"
).split()
GERMAN_TENS = "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig".split()


def english(number: int) -> str:
    """A number from 1 to 999 in words, such as "three hundred forty two"."""
    hundreds, rest = divmod(number, 100)
    words = [ENGLISH[hundreds - 1], "hundred"] if hundreds else []
    if rest >= 20:
        words.append(ENGLISH_TENS[rest // 10 - 2])
        rest %= 10
    return " ".join([*words, ENGLISH[rest - 1]] if rest else words)


def german(number: int) -> str:
    """The same in German, such as "drei hundert zwei und vierzig"."""
    hundreds, rest = divmod(number, 100)
    words = [GERMAN[hundreds - 1], "hundert"] if hundreds else []
    tens, ones = divmod(rest, 10) if rest >= 20 else (0, rest)
    if tens:
        words += [GERMAN[ones - 1], "und"] if ones else []
        words.append(GERMAN_TENS[tens - 2])
    elif ones:
        words.append("eins" if ones == 1 else GERMAN[ones - 1])
    return " ".join(words)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make pairs, learn from some, translate the others."""
    chosen = options(__doc__ or "", arguments)
    numbers = np.random.default_rng(0).permutation(np.arange(1, 1000))
    learnt, tested = numbers[:600], numbers[600 : 640 if chosen.quick else 999]
    model = RNNSeq2Seq(
        embedding_size=32,
        hidden_size=64,
        dropout=0.1,
        batch_tokens=512,
        epochs=15 if chosen.quick else 30,
        learning_rate=0.01,
        beam_width=1,
        device="cpu",
        random_state=0,
    )
    begin = time.perf_counter()
    model.fit([english(n) for n in learnt], [german(n) for n in learnt])
    print(f"{len(learnt)} pairs learnt in {time.perf_counter() - begin:.1f} s")

    written = model.predict([english(n) for n in tested])
    for number, words in list(zip(tested, written, strict=True))[:5]:
        print(f"  {number}: {english(number)} -> {words}")
    right = np.mean([words == german(n) for n, words in zip(tested, written, strict=True)])
    print(f"exactly right, of {len(tested)} numbers not learnt: {right:.1%}")

    picture = chosen.out / "attention.png"
    model.plot_attention(english(742)).figure.savefig(picture, dpi=150)
    print("where it looked:", picture)


if __name__ == "__main__":
    main()
