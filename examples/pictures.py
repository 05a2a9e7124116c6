"""Handwritten digits into a few numbers and back: an autoencoder, and a VAE that draws new ones.

    python examples/pictures.py --out digits

Writes a grid of digits above what is left of them after eight numbers, a grid of digits that no
one wrote, and a map of the two numbers that the VAE has for each digit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gallery import options
from sklearn.decomposition import PCA

from textrep.image import VAE, Autoencoder, latent_map, load_pictures, save_grid
from textrep.image.pixels import check_pictures

CODE_SIZE = 8
SHOWN = 10


def error_of_components(learnt: np.ndarray, tested: np.ndarray) -> float:
    """Squared error of a picture from as many principal components as the code has numbers."""
    components = PCA(CODE_SIZE, random_state=0).fit(learnt.reshape(len(learnt), -1))
    flat = tested.reshape(len(tested), -1)
    back = components.inverse_transform(components.transform(flat))
    return float(((flat - back) ** 2).sum(axis=1).mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Learn, measure on digits of other people, draw."""
    chosen = options(__doc__ or "", arguments)
    learnt = check_pictures(load_pictures("digits", part="train").pictures)
    other_people = load_pictures("digits", part="test")
    tested = check_pictures(other_people.pictures)
    common = {"device": "cpu", "random_state": 0, "epochs": 15 if chosen.quick else 60}

    coder = Autoencoder(code_size=CODE_SIZE, hidden=(128,), batch_size=64, **common).fit(learnt)
    blank = float(((tested - learnt.mean(axis=0)) ** 2).sum(axis=(1, 2, 3)).mean())
    print(f"squared error of a digit of 64 pixels, from {CODE_SIZE} numbers")
    print(f"  autoencoder           {-coder.score(tested):.2f}")
    print(f"  principal components  {error_of_components(learnt, tested):.2f}")
    print(f"  the mean digit        {blank:.2f}")
    pairs = np.concatenate([tested[:SHOWN], coder.reconstruct(tested[:SHOWN])])
    print(save_grid(chosen.out / "reconstructed.png", pairs, columns=SHOWN, scale=6))

    drawer = VAE(code_size=2, hidden=(128, 64), batch_size=64, **common).fit(learnt)
    print(f"VAE of 2 numbers: lower bound {drawer.score(tested):.1f} nats a digit")
    new = drawer.sample(40, random_state=0)
    print(save_grid(chosen.out / "drawn.png", new, columns=SHOWN, scale=6))
    codes = drawer.transform(tested)
    names = other_people.names
    print(latent_map(chosen.out / "map.png", codes, other_people.labels, names=names))


if __name__ == "__main__":
    main()
