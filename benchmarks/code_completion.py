"""Code completion, for `transformers.py`: `CodeCompleter` beside a Kneser-Ney 5-gram with a cache.

Modules of the running interpreter's standard library, without tests, applications and tables, lie
between 0 and 1 by a hash of their names: below 0.1 they are held out, below 0.2 they are for
validation, and from the others both sides learn. The weights of the peer's cache, the gate of ours,
and the settings of both beam searches are found on validation modules alone.

Exact match of the next line: the line's tokens, comments and white space aside, all as they are in
the module, given the true text before. Lines are drawn among those with a token that begins and
ends in them, so not among those inside strings; that it is no comment is known to both sides.
Identifier accuracy: the name that is expected next is the true one, given the true text before; it
is known to be a name that is no keyword.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from harness import Row, print_table
from kneser_ney import (
    LAYOUT,
    LINE_ENDS,
    CachedKneserNey,
    FileCache,
    KneserNey5,
    Token,
    is_identifier,
    tokens_of,
)

from textrep.generation import CodeCompleter
from textrep.generation.code.sources import place_of, standard_library

SEED = 1
HELD_OUT, VALIDATION = 0.1, 0.2
N_NAMES, N_LINES = 1000, 400
QUICK_NAMES, QUICK_LINES = 100, 40
STEPS, QUICK_STEPS = 1400, 80  # of the network; 13 minutes of one core at most
N_CHOSEN_BY = 100  # validation lines that decoding is chosen by
PEER_DECODING = [(width, alpha) for width in (1, 4, 16) for alpha in (0.0, 0.3, 0.6)]
OUR_DECODING = [(4, 0.0), (4, 0.6)]


class Module(NamedTuple):
    """A file and its tokens."""

    text: str
    tokens: list[Token]


class Place(NamedTuple):
    """Something to be completed.

    Attributes
    ----------
    module : its module
    token : the first token of it
    end : the token after it
    """

    module: Module
    token: int
    end: int

    @property
    def words(self) -> list[str]:
        """All tokens before, for the peer."""
        return [token.text for token in self.module.tokens[: self.token]]

    @property
    def prefix(self) -> str:
        """All text before, for ours."""
        return self.module.text[: self.module.tokens[self.token].begin]

    @property
    def expected(self) -> list[str]:
        """The tokens that are to be found."""
        tokens = self.module.tokens[self.token : self.end]
        return [token.text for token in tokens if token.text not in LAYOUT]


def code_completion(*, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """Rows of both measures, and tables."""
    train, validation, held_out = modules()
    rng = np.random.default_rng(SEED)
    names = draw(names_of(held_out), QUICK_NAMES if quick else N_NAMES, rng)
    lines = draw(lines_of(held_out), QUICK_LINES if quick else N_LINES, rng)
    chosen_by = draw(lines_of(validation), QUICK_LINES if quick else N_CHOSEN_BY, rng)
    peer, peer_decoding = fit_peer(train, validation, chosen_by)
    ours = fit_ours(train, validation, chosen_by, quick=quick, device=device)
    found = {
        "identifier accuracy": (
            [ours.complete_name(place.prefix) == place.expected[0] for place in names],
            [peer_name(peer, place) == place.expected[0] for place in names],
        ),
        "next line, exact match": (
            [our_line_is_right(ours, place) for place in lines],
            [peer.complete_line(place.words, *peer_decoding) == place.expected for place in lines],
        ),
    }
    table = []
    for metric, sides in found.items():
        right, theirs = (np.array(side, dtype=float) * 100 for side in sides)
        errors = [side.std() / math.sqrt(len(side)) for side in (right, theirs, right - theirs)]
        table.append(
            [metric, str(len(right)), f"{right.mean():.1f} ± {errors[0]:.1f}",
             f"{theirs.mean():.1f} ± {errors[1]:.1f}",
             f"{(right - theirs).mean():+.1f} ± {errors[2]:.1f}"]
        )  # fmt: skip
        yield Row(
            "code completion, held-out modules", metric, right.mean(),
            "Kneser-Ney 5-gram + file cache", theirs.mean(), right.mean() / theirs.mean(),
            "per cent", torch.get_num_threads(), machine,
        )  # fmt: skip
    columns = ["measure", "places", "ours", "5-gram + cache", "difference"]
    print_table("Code completion: per cent, with standard errors", columns, table)
    show(ours, peer, peer_decoding, lines)


def modules() -> tuple[list[Module], list[Module], list[Module]]:
    """Those to learn from, to validate with, and held out."""
    sources = standard_library()
    parts: tuple[list[Module], list[Module], list[Module]] = ([], [], [])
    for file in sources.files:
        place = place_of(file.name)
        part = 2 if place < HELD_OUT else 1 if place < VALIDATION else 0
        tokens = tokens_of(file.text)
        if tokens is not None:
            parts[part].append(Module(file.text, tokens))
    counts = [f"{len(part)} ({sum(len(m.tokens) for m in part):,} tokens)" for part in parts]
    print(
        "code completion: modules to learn from, to validate with, held out: "
        f"{', '.join(counts)}; {len(sources.skipped)} could not be decoded"
    )
    return parts


def names_of(found: Sequence[Module]) -> list[Place]:
    """All identifiers."""
    return [
        Place(module, place, place + 1)
        for module in found
        for place, token in enumerate(module.tokens)
        if is_identifier(token.text)
    ]


def lines_of(found: Sequence[Module]) -> list[Place]:
    """All lines with tokens that begin and end in them, but the first of a module."""
    places = []
    for module in found:
        first = 0
        for place, token in enumerate(module.tokens):
            if token.text not in LINE_ENDS:
                continue
            inside = [t for t in module.tokens[first:place] if t.text not in LAYOUT]
            if first and inside and "\n" not in module.text[inside[0].begin : inside[-1].end]:
                places.append(Place(module, first, place))
            first = place + 1
    return places


def draw(places: Sequence[Place], n: int, rng: np.random.Generator) -> list[Place]:
    """Some of them."""
    return [places[number] for number in rng.choice(len(places), n, replace=False)]


def fit_peer(
    train: Sequence[Module], validation: Sequence[Module], chosen_by: Sequence[Place]
) -> tuple[CachedKneserNey, tuple[int, float]]:
    """The peer, and its beam width and length normalisation."""
    begun = time.perf_counter()
    peer = CachedKneserNey(KneserNey5([[t.text for t in module.tokens] for module in train]))
    peer.tune([t.text for t in module.tokens] for module in validation[::2])
    decoding = best_of(
        PEER_DECODING,
        lambda each: [
            peer.complete_line(place.words, *each) == place.expected for place in chosen_by
        ],
    )
    print(
        f"5-gram: {peer.model.n_words:,} words, weights of the cache by lengths seen "
        f"{peer.weights.round(2).tolist()}, beam and length {decoding}, "
        f"{time.perf_counter() - begun:.0f} s"
    )
    return peer, decoding


def fit_ours(
    train: Sequence[Module],
    validation: Sequence[Module],
    chosen_by: Sequence[Place],
    *,
    quick: bool,
    device: str,
) -> CodeCompleter:
    """Ours, with its decoding."""
    begun = time.process_time()
    ours = CodeCompleter(
        max_steps=QUICK_STEPS if quick else STEPS, device=device, random_state=SEED, verbose=1
    ).fit([module.text for module in train], validation=[module.text for module in validation])
    spent = time.process_time() - begun
    last = ours.history_[-1]

    def lines(each: tuple[int, float]) -> list[bool]:
        ours.set_params(beam_width=each[0], length_penalty=each[1])
        return [our_line_is_right(ours, place) for place in chosen_by]

    width, penalty = best_of(OUR_DECODING, lines)
    ours.set_params(beam_width=width, length_penalty=penalty)
    n_weights = sum(weights.numel() for weights in ours.module_.parameters())
    print(
        f"CodeCompleter: {n_weights:,} weights, {last['epoch']:.2f} epochs, "
        f"{spent / 60:.1f} minutes of one core, beam {width}, length penalty {penalty}"
    )
    return ours


def best_of(
    settings: Sequence[tuple[int, float]], lines: Callable[[tuple[int, float]], list[bool]]
) -> tuple[int, float]:
    """The first of the settings that complete most lines."""
    return max(settings, key=lambda each: sum(lines(each)))


def peer_name(peer: CachedKneserNey, place: Place) -> str:
    """The identifier that the peer expects."""
    best = peer.top(place.words, FileCache(place.words), 1, names_only=True)
    return best[0][0] if best else ""


def our_line(ours: CodeCompleter, place: Place) -> str:
    """The line that ours expects, given all lines before."""
    inside = next(token for token in place.module.tokens[place.token :] if token.text not in LAYOUT)
    text = place.module.text
    return ours.next_line(text[: text.rfind("\n", 0, inside.begin) + 1], comments=False)


def our_line_is_right(ours: CodeCompleter, place: Place) -> bool:
    """Whether it has the same tokens: the same characters, white space and a comment aside."""
    written = our_line(ours, place).partition("  #")[0]
    return squeezed(written) == squeezed("".join(place.expected))


def squeezed(text: str) -> str:
    """Without white space."""
    return re.sub(r"\s+", "", text)


def show(
    ours: CodeCompleter,
    peer: CachedKneserNey,
    decoding: tuple[int, float],
    places: Sequence[Place],
) -> None:
    """The first lines, as a table."""
    table = [
        [" ".join(place.expected)[:50], our_line(ours, place).strip()[:50],
         " ".join(peer.complete_line(place.words, *decoding))[:50]]
        for place in places[:8]
    ]  # fmt: skip
    print_table("Next lines", ["expected", "ours", "5-gram + cache"], table)


def main() -> None:
    """The section by itself."""
    from harness import machine_name, parse_options, report

    options = parse_options(__doc__ or "")
    rows = code_completion(quick=options.quick, device="cpu", machine=machine_name())
    report("Code completion", list(rows), options.json)


if __name__ == "__main__":
    main()
