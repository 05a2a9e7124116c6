"""Use an installed textrep for its simplest jobs; run as a script from outside the checkout."""

from __future__ import annotations

import importlib.metadata
import tempfile
import tomllib
from pathlib import Path


def main(checkout: Path) -> None:
    """Vectorise, read the cards, save and load."""
    import textrep
    from textrep.core.paths import corpora_dir

    installed = Path(textrep.__file__).resolve()
    assert not installed.is_relative_to(checkout), f"{installed} is the checkout"
    assert textrep.__version__ == importlib.metadata.version("textrep")

    cards = [tomllib.loads(card.read_text("utf-8")) for card in corpora_dir().glob("*.toml")]
    assert "docstrings" in {card["name"] for card in cards}, "no card of the embedded corpus"
    assert corpora_dir().is_relative_to(installed.parent)

    # long enough for the kernels: scikit-learn's own code counts a few short texts
    texts = ["It was the best of times,", "it was the worst of times"] * 20
    vectorizer = textrep.TfidfVectorizer()
    matrix = vectorizer.fit_transform(texts)
    assert matrix.shape == (40, 7), matrix.shape

    with tempfile.TemporaryDirectory() as folder:
        loaded = textrep.load(textrep.save(vectorizer, Path(folder, "tfidf.textrep")))
    assert (loaded.transform(texts) != matrix).nnz == 0
    print(f"textrep {textrep.__version__} works from {installed.parent}; {len(cards)} cards")


if __name__ == "__main__":
    main(Path(__file__).resolve().parents[1])
