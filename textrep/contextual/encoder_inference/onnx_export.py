"""A classifier as an ONNX file, and what it computes through onnxruntime."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from textrep.contextual.encoder_classifier.windows import TextBatch
from textrep.contextual.encoders.encoder import EncoderBatch

_PACKAGES = ("onnx", "onnxscript", "onnxruntime")
_INPUTS = ("ids", "types", "lengths")
_OUTPUT = "outputs"
_EXAMPLE = (3, 5)  # rows and tokens of what is traced: no numbers that stand for something else


def missing_packages() -> list[str]:
    """Those of the packages that an export needs which are not installed."""
    return [name for name in _PACKAGES if importlib.util.find_spec(name) is None]


def require_packages() -> None:
    """Refuse to go on without them.

    Raises
    ------
    ModuleNotFoundError
    """
    if missing := missing_packages():
        raise ModuleNotFoundError(
            f"ONNX needs {' and '.join(missing)}: pip install 'textrep[onnx]'"
        )


class _Traced(nn.Module):
    """Single rows in, outputs out."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, ids: Tensor, types: Tensor, lengths: Tensor) -> Tensor:
        outputs: Tensor = self.module.of_windows(EncoderBatch(ids, types, lengths), traced=True)
        return outputs


def export_onnx(module: Any, path: str | os.PathLike[str]) -> None:
    """Write a file that computes the outputs of rows.

    Its inputs are ``ids`` and ``types``, int64 (B, T), padded on the right, and ``lengths``, int64
    (B,); its output is ``outputs``, float32 (B, n_outputs).

    Parameters
    ----------
    module : EncoderClassifierModule
        On the CPU. Any network of transformers that takes positions, which XLNet's does not.
    path : path
        Of the file.

    Raises
    ------
    ModuleNotFoundError
        If onnx or onnxscript is not installed.
    ValueError
        If the network is XLNet's.
    """
    require_packages()
    if not module.encoder.can_pack:
        raise ValueError(
            f"{module.encoder.architecture} cannot be exported: its positions depend on the batch"
        )
    n_rows, width = _EXAMPLE
    example = (
        torch.full((n_rows, width), module.encoder.tokenizer.cls_id),
        torch.zeros((n_rows, width), dtype=torch.int64),
        torch.tensor([width, width - 1, width - 2]),
    )
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens")
    shapes = ({0: rows, 1: tokens}, {0: rows, 1: tokens}, {0: rows})
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            _Traced(module).eval(),
            example,
            dynamo=True,
            input_names=list(_INPUTS),
            output_names=[_OUTPUT],
            dynamic_shapes=shapes,
            verbose=False,
        )
        assert program is not None
        program.save(os.fspath(path))


class OnnxModule:
    """What onnxruntime computes, in the place of a module.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        Of a file as `export_onnx` writes it.
    together : callable
        Takes outputs of rows (n_rows, n_outputs) and rows of each text (n_texts,), and gives the
        outputs of the texts.
    """

    def __init__(self, session: Any, together: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._session = session
        self._together = together

    def __call__(self, texts: TextBatch) -> Tensor:
        """Outputs of texts, (n_texts, n_outputs)."""
        wanted = {value.name for value in self._session.get_inputs()}  # DistilBERT has no types
        given = dict(zip(_INPUTS, texts.windows, strict=True))
        [found] = self._session.run(
            None, {name: value.numpy() for name, value in given.items() if name in wanted}
        )
        return self._together(torch.from_numpy(found), texts.counts)


def onnx_module(module: Any, folder: Path, *, eight_bits: bool = False) -> OnnxModule:
    """A module of a classifier, run by onnxruntime on the CPU.

    Parameters
    ----------
    module : EncoderClassifierModule
        Left as it is.
    folder : Path
        Where its file is put, or has been put before; it is not needed afterwards.
    eight_bits : bool, default=False
        Whether matrix products are computed in eight bits.

    Returns
    -------
    OnnxModule

    Raises
    ------
    ModuleNotFoundError, ValueError
        See `export_onnx`.
    """
    require_packages()
    import onnxruntime  # type: ignore[import-untyped]

    path = folder / "classifier.onnx"
    if not path.exists():
        export_onnx(module, path)
    if eight_bits:
        path = _in_eight_bits(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(
        path.read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    return OnnxModule(session, module.together)


def _in_eight_bits(path: Path) -> Path:
    import onnx
    from onnxruntime.quantization import (  # type: ignore[import-untyped]
        QuantType,
        quantize_dynamic,
    )

    # onnxruntime before 1.23 takes the shapes that torch wrote down before it transposed weights
    # for a contradiction; it works out its own.
    model = onnx.load(path)
    del model.graph.value_info[:]
    target = path.with_name("rounded.onnx")
    with _quiet():
        quantize_dynamic(model, target, weight_type=QuantType.QInt8, per_channel=True)
    return target


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice of the packages, which is for those who write them."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
