"""One switch for all ways to compute the same answers, each taken only where it is faster."""

from __future__ import annotations

import contextlib
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textrep.contextual.encoder_inference.onnx_export import missing_packages, onnx_module
from textrep.contextual.encoder_inference.quantise import can_quantise, quantised
from textrep.contextual.encoders.batches import tokens_read_at_once
from textrep.embeddings.parameters import check_choice
from textrep.engine.device import choose_precision, cpu_has_bf16
from textrep.engine.inference import apply_in_batches, lent_to

KINDS = ("fp32", "bf16", "int8", "onnx", "onnx-int8")
"""Ways to compute; all but bf16 on a GPU are for the CPU."""

MOST_CHANGED = 0.005
"""Share of answers that a way may change and still be taken."""

_ROUNDS = 3  # of which the fastest counts

Outputs: TypeAlias = NDArray[np.float64]


@dataclass
class Runner:
    """Something that computes outputs of texts.

    Attributes
    ----------
    kind : str
    module : callable
        A module, or what stands for one: takes a batch of texts and gives a tensor whose first axis
        they are.
    device : torch.device
    precision : str
    """

    kind: str
    module: Callable[..., Any]
    device: torch.device
    precision: str

    def outputs(
        self,
        lengths: NDArray[np.int64],
        collate: Callable[[NDArray[np.int64]], Any],
        function: Callable[..., Any] | None = None,
    ) -> list[Any]:
        """Outputs of all texts, in their order.

        Parameters
        ----------
        lengths : int64 array (n_texts,)
        collate : callable
            Takes numbers of texts and gives a batch.
        function : callable, optional
            What to compute, where it is not what the module itself does.

        Returns
        -------
        list of Tensor
        """
        with contextlib.ExitStack() as stack:
            if isinstance(self.module, nn.Module):
                stack.enter_context(lent_to(self.module, self.device))
            return apply_in_batches(
                function or self.module,
                lengths,
                collate,
                device=self.device,
                precision=self.precision,
                max_tokens=tokens_read_at_once(self.device),
            )


class Measured(NamedTuple):
    """One way, and what it is worth here.

    Attributes
    ----------
    kind : str
    texts_per_second : float
        NaN where it was not measured.
    agreement : float
        Share of the answers that are those of fp32; NaN where it was not measured.
    note : str
        Why it was not measured, or not taken.
    """

    kind: str
    texts_per_second: float = math.nan
    agreement: float = math.nan
    note: str = ""


class InferenceReport(NamedTuple):
    """What was measured, and what is used.

    Attributes
    ----------
    chosen : str
    measured : list of Measured
    """

    chosen: str
    measured: list[Measured]

    def __str__(self) -> str:
        lines = ["kind         texts/s    agrees"]
        for row in self.measured:
            mark = "*" if row.kind == self.chosen else " "
            if math.isnan(row.texts_per_second):
                lines.append(f"{mark} {row.kind:<10} {row.note}")
                continue
            agrees = f"{row.agreement:8.2%}"
            line = f"{mark} {row.kind:<10} {row.texts_per_second:8,.1f}  {agrees}  {row.note}"
            lines.append(line.rstrip())
        return "\n".join(lines)


def plain_runner(module: nn.Module, device: torch.device, precision: str) -> Runner:
    """A module as it is."""
    return Runner(choose_precision(precision, device), module, device, precision)


def make_runner(module: Any, kind: str, device: torch.device, folder: Path) -> Runner:
    """A module computed in some way.

    Parameters
    ----------
    module : EncoderClassifierModule
        On the CPU; left as it is.
    kind : str
        One of `KINDS`.
    device : torch.device
    folder : Path
        For files that are needed while runners are made.

    Returns
    -------
    Runner

    Raises
    ------
    ValueError
        If there is no such kind on this device.
    ModuleNotFoundError
        If onnx or onnxruntime is not installed.
    """
    check_choice("kind", kind, KINDS)
    if kind in ("fp32", "bf16"):
        return Runner(kind, module, device, choose_precision(kind, device))
    if device.type != "cpu":
        raise ValueError(f"kind={kind!r} is for the CPU; on {device.type} take 'bf16' or 'fp32'")
    if kind == "int8":
        return Runner(kind, quantised(module), device, "fp32")
    made = onnx_module(module, folder, eight_bits=kind == "onnx-int8")
    return Runner(kind, made, device, "fp32")


def reason_against(module: Any, kind: str, device: torch.device) -> str:
    """Why a kind cannot be tried here, or is known to be slow; empty where nothing speaks against.

    Parameters
    ----------
    module : EncoderClassifierModule
    kind : str
    device : torch.device

    Returns
    -------
    str
    """
    if kind == "bf16":
        if device.type == "cpu" and not cpu_has_bf16():
            return "this CPU has no instructions for it"
        if device.type == "cuda" and not torch.cuda.is_bf16_supported(False):
            return "this GPU has none"
        return ""
    if kind == "fp32":
        return ""
    if device.type != "cpu":
        return "for the CPU only"
    if kind == "int8":
        return "" if can_quantise() else "this torch has no kernels for it"
    if missing := missing_packages():
        return f"not installed: {', '.join(missing)}"
    return "" if module.encoder.can_pack else "this network cannot be exported"


def choose_runner(
    module: Any,
    kind: str,
    rows: Sequence[Any],
    outputs_of: Callable[[Sequence[Any], Runner], Outputs],
    same: Callable[[Outputs, Outputs], NDArray[np.bool_]],
    *,
    device: torch.device,
) -> tuple[Runner, InferenceReport]:
    """The fastest way that gives the same answers, or the one that is asked for.

    Parameters
    ----------
    module : EncoderClassifierModule
        On the CPU.
    kind : str
        One of `KINDS`, or "auto".
    rows : sequence
        Of texts to measure on; may be empty where one kind is asked for.
    outputs_of : callable
        Takes rows and a runner, gives outputs.
    same : callable
        Takes outputs and those of fp32, says for each text whether they lead to the same answer.
    device : torch.device

    Returns
    -------
    Runner
    InferenceReport
    """
    check_choice("kind", kind, ("auto", *KINDS))
    runners, notes = _make_runners(module, kind, device)
    if not len(rows):
        return runners[kind], InferenceReport(kind, [Measured(kind, note="not measured")])
    measured = _measure(runners, rows, outputs_of, same, notes if kind == "auto" else None)
    chosen = kind
    if kind == "auto":
        fit = [row for row in measured if row.agreement >= 1.0 - MOST_CHANGED]
        chosen = max(fit, key=lambda row: row.texts_per_second).kind
    measured += [Measured(name, note=note) for name, note in notes.items()]
    measured.sort(key=lambda row: KINDS.index(row.kind))
    return runners[chosen], InferenceReport(chosen, measured)


def _make_runners(
    module: Any, kind: str, device: torch.device
) -> tuple[dict[str, Runner], dict[str, str]]:
    """Those to be measured, that of fp32 among them, and why others are not."""
    runners: dict[str, Runner] = {}
    notes: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        for each in KINDS if kind == "auto" else dict.fromkeys(["fp32", kind]):
            reason = reason_against(module, each, device) if kind == "auto" else ""
            if reason:
                notes[each] = reason
                continue
            try:
                runners[each] = make_runner(module, each, device, Path(name))
            except Exception as error:
                # What torch and onnx raise for a network that they cannot convert is of many types.
                if kind != "auto":
                    raise
                notes[each] = f"cannot be made: {error!s:.60}".splitlines()[0]
    return runners, notes


def _measure(
    runners: dict[str, Runner],
    rows: Sequence[Any],
    outputs_of: Callable[[Sequence[Any], Runner], Outputs],
    same: Callable[[Outputs, Outputs], NDArray[np.bool_]],
    notes: dict[str, str] | None = None,
) -> list[Measured]:
    """What each is worth; why one cannot be run goes into the notes, where there are any."""
    # The first round of each warms up; the others take turns, so that all have the same weather.
    outputs: dict[str, Outputs] = {}
    for name, runner in runners.items():
        try:
            outputs[name] = outputs_of(rows, runner)
        except Exception as error:
            if notes is None or name == "fp32":
                raise
            notes[name] = f"cannot be run: {error!s:.60}".splitlines()[0]
    seconds = dict.fromkeys(outputs, math.inf)
    for _ in range(_ROUNDS):
        for name in outputs:
            start = time.perf_counter()
            outputs_of(rows, runners[name])
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    found = []
    for name in outputs:
        agreement = float(same(outputs[name], outputs["fp32"]).mean())
        note = "" if agreement >= 1.0 - MOST_CHANGED else "changes too many answers"
        found.append(Measured(name, len(rows) / seconds[name], agreement, note))
    return found
