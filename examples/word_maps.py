"""A map of words: which ones stand near each other, as a picture and as a page.

    python examples/word_maps.py --out maps

The vectors come with textrep. The words are of five groups, which the vectors know nothing of;
that each word's closest one is of its own group says how well the map can be believed.
"""

from __future__ import annotations

from collections.abc import Sequence

from gallery import options

import textrep
from textrep.embeddings import map_words

GROUPS = {
    "countries": "france germany italy spain poland sweden norway greece austria portugal",
    "music": "guitar piano violin drums bass vocals orchestra trumpet flute cello",
    "animals": "dog cat horse cow sheep wolf bear lion tiger mouse",
    "family": "father mother son daughter brother sister wife husband uncle grandfather",
    "science": "physics chemistry biology mathematics astronomy geology economics philosophy",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Look words up, lay them out, and count neighbours of their own group."""
    chosen = options(__doc__ or "", arguments)
    vectors = textrep.load("textrep-static-en").vectors_
    for word in ("river", "guitar", "king"):
        closest = vectors.most_similar(word, topn=4)
        print(f"{word}:", ", ".join(f"{other} {cosine:.2f}" for other, cosine in closest))
    analogy = vectors.most_similar(["paris", "italy"], "france", topn=1)
    print("paris - france + italy:", analogy[0][0])

    group_of = {word: group for group, words in GROUPS.items() for word in words.split()}
    word_map = map_words(
        vectors, group_of, method="tsne", highlight=GROUPS["countries"].split(), random_state=0
    )
    right = sum(
        group_of[word] == group_of[closest[0][0]]
        for word, closest in zip(word_map.words, word_map.closest, strict=True)
    )
    print(f"closest word is of the same group: {right} of {len(word_map.words)}")

    picture = chosen.out / "words.png"
    axes = word_map.plot()
    axes.figure.savefig(picture, dpi=150)
    print("picture:", picture)
    print("page:", word_map.to_html(chosen.out / "words.html"))


if __name__ == "__main__":
    main()
