"""Encoders that answer faster: rounded to eight bits, or run by another engine."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "KINDS": "switch",
        "InferenceReport": "switch",
        "OnnxModule": "onnx_export",
        "export_onnx": "onnx_export",
        "onnx_module": "onnx_export",
        "quantised": "quantise",
    },
)
