"""The options of `textrep compare` for a hosted language model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from textrep.comparison import Rung


class LLMOptions(NamedTuple):
    """What the command line says of a hosted model."""

    url: str | None
    model: str | None
    prompt: Path | None
    price_in: float
    price_out: float
    max_cost: float | None
    examples: int | None
    key_variable: str

    def rung(self) -> Rung | None:
        """The rung that the options ask for; None where they ask for none.

        Raises
        ------
        ComparisonError
            When the address or the model is missing, or the prompt cannot be read.
        LLMError
            See `llm_rung`.
        """
        from textrep.comparison import ComparisonError
        from textrep.comparison.llm import llm_rung

        if self.url is None:
            if self.model is not None or self.prompt is not None:
                raise ComparisonError("a hosted model needs its address; give --llm-url too")
            return None
        if self.model is None:
            raise ComparisonError("--llm-url needs the name of a model; give --llm-model too")
        settings: dict[str, Any] = {"price_in": self.price_in, "price_out": self.price_out}
        settings["api_key_variable"] = self.key_variable or None
        if self.prompt is not None:
            settings["prompt"] = _read(self.prompt)
        if self.max_cost is not None:
            settings["max_cost"] = self.max_cost
        if self.examples is not None:
            settings["examples_per_class"] = self.examples
        return llm_rung(self.url, self.model, **settings)


def _read(path: Path) -> str:
    from textrep.comparison import ComparisonError
    from textrep.core.messages import printable

    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ComparisonError(f"--llm-prompt {printable(str(path))}: {reason}") from None
