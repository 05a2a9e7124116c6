"""Several processes that train together; the one file that imports accelerate.

Each process takes its share of the rows of every batch. Gradients and counts are summed over all of
them before the step, so that the step is that of the whole batch, whatever the shares: nothing is
repeated or dropped to make them even, and no module is wrapped. Started by ``torchrun`` or
``accelerate launch --multi_gpu``, on a machine without GPUs too (``accelerate launch --cpu`` starts
only one); alone, accelerate is not imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from textrep.core.launching import is_launched
from textrep.engine.batches import Share

if TYPE_CHECKING:
    from accelerate import Accelerator


class Processes:
    """This process among those that train together; by itself where it was not launched.

    Parameters
    ----------
    device : torch.device
        What was chosen for a process alone.

    Attributes
    ----------
    device : torch.device
        Of this process: each has a GPU of its own where GPUs were chosen.
    share : Share
        Its part of every batch.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.share = Share()
        self._accelerator: Accelerator | None = None
        if is_launched():
            self._join()

    def _join(self) -> None:
        try:
            from accelerate import Accelerator
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "WORLD_SIZE says that several processes train together, which needs accelerate: "
                "pip install textrep[neural]",
                name=error.name,
            ) from error

        # Precision is the estimator's own, by autocast: accelerate's is one for the whole process.
        self._accelerator = Accelerator(
            mixed_precision="no", cpu=self.device.type == "cpu", device_placement=False
        )
        self.device = self._accelerator.device
        self.share = Share(self._accelerator.process_index, self._accelerator.num_processes)

    @property
    def alone(self) -> bool:
        return self.share.parts == 1

    @property
    def is_main(self) -> bool:
        """Whether this process shows the progress."""
        return self.share.part == 0

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Sum over all processes."""
        if self._accelerator is None:
            return values
        summed: Any = self._accelerator.reduce(values, reduction="sum")
        return summed

    def merge(self, sums: dict[str, float]) -> dict[str, float]:
        """Sums by name over all processes, whichever names each has."""
        if self._accelerator is None:
            return sums
        merged: dict[str, float] = {}
        for part in self.gather(sums):
            for name, value in part.items():
                merged[name] = merged.get(name, 0.0) + value
        return merged

    def gather(self, value: Any) -> list[Any]:
        """The value that each process has, in their order; for what pickles and is small."""
        if self._accelerator is None:
            return [value]
        from accelerate.utils import gather_object

        values: list[Any] = gather_object([value])
        return values

    def of_main(self, value: float) -> float:
        """The main process's value, for what all must decide alike."""
        if self._accelerator is None:
            return value
        own = value if self.is_main else 0.0
        return float(self.total(torch.tensor(own, dtype=torch.float64, device=self.device)))

    def copy_from_main(self, tensors: Sequence[torch.Tensor]) -> None:
        """Give all processes the main one's tensors, in place."""
        if self._accelerator is None:
            return
        from accelerate.utils import broadcast

        for tensor in tensors:
            copied: Any = broadcast(tensor.detach().clone(), from_process=0)
            with torch.no_grad():
                tensor.copy_(copied)

    def sum_gradients(
        self, parameters: Sequence[torch.nn.Parameter], *further: float | torch.Tensor
    ) -> list[float]:
        """Sum gradients over all processes in place, and further numbers with them.

        A parameter that no process has a gradient for keeps none, so that the optimiser leaves it.

        Parameters
        ----------
        parameters : sequence of Parameter
            In the same order everywhere.
        *further : float or scalar tensor

        Returns
        -------
        list of float
            The sums of `further`.
        """
        if self.alone:
            return [float(value) for value in further]
        # In one collective of float32 and one of float64: counts are exact beyond 2**24.
        have = [float(parameter.grad is not None) for parameter in parameters]
        numbers = self.total(
            torch.tensor([*map(float, further), *have], dtype=torch.float64, device=self.device)
        ).tolist()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        if gradients:
            flat = self.total(torch.cat([gradient.reshape(-1) for gradient in gradients]))
            parts = flat.split([gradient.numel() for gradient in gradients])
            for parameter, part, n_having in zip(
                parameters, parts, numbers[len(further) :], strict=True
            ):
                parameter.grad = part.view_as(parameter) if n_having else None
        return numbers[: len(further)]
