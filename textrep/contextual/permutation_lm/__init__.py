"""XLNet: language models that predict tokens in random orders."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "PermutationLanguageModel": "permutation_language_model",
        "draw_permutation": "permutations",
    },
)
