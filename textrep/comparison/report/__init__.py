"""The report: one HTML file that holds all of a comparison and opens offline."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "render": "page",
        "write_report": "page",
    },
)
