"""A saved model behind an address: JSON over HTTP."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Limits": "asking",
        "RequestError": "asking",
        "ServedModel": "served",
        "ServerOptions": "running",
        "ServingError": "errors",
        "create_app": "app",
        "open_served": "served",
        "run_server": "running",
    },
)
