"""``python -m textrep.patch script.py``: run a script with textrep's vectorisers in the place of
scikit-learn's.

The script runs as ``python script.py`` would run it, and ``-m module`` as ``python -m module``.
"""

from __future__ import annotations

import argparse
import builtins
import importlib.util
import io
import os
import runpy
import sys
import types
import zipfile
from collections.abc import Callable
from importlib.machinery import PathFinder, SourceFileLoader
from typing import Any, NoReturn

from textrep.sparse.patching import (
    announce,
    is_patched,
    patch_sklearn,
    patched_names,
    patched_sklearn,
    unpatch_sklearn,
)

__all__ = ["is_patched", "main", "patch_sklearn", "patched_sklearn", "unpatch_sklearn"]

USAGE_ERROR = 2  # Python's own exit code when it cannot open a script


def main(arguments: list[str] | None = None) -> None:
    """The command line: see ``python -m textrep.patch --help``."""
    parser = argparse.ArgumentParser(
        prog="python -m textrep.patch",
        description="Run a script with textrep's vectorisers in the place of scikit-learn's.",
    )
    parser.add_argument(
        "-m", dest="is_module", action="store_true", help="run a module, not a file"
    )
    parser.add_argument(
        "--names", metavar="A,B", help="patch only these classes, such as TfidfVectorizer"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing of the patch")
    parser.add_argument("target", help="script to run, or with -m the name of a module")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="handed to it")
    options = parser.parse_args(arguments)
    try:
        patch_sklearn(options.names.split(",") if options.names else None, verbose=False)
    except ValueError as error:
        parser.error(str(error))
    sys.argv = [options.target, *options.args]
    run = (_find_module if options.is_module else _find_file)(options.target)
    if not options.quiet:
        announce(patched_names())
    try:
        run()
    except SystemExit:
        raise
    except BaseException:
        _hide_our_frames()
        raise


def _stop(message: str, code: int) -> NoReturn:
    print(f"python -m textrep.patch: {message}", file=sys.stderr)
    sys.exit(code)


def _find_file(path: str) -> Callable[[], Any]:
    """What runs a script, or a folder or zip archive with a ``__main__.py``."""
    # paths as the user gave them
    if os.path.isdir(path) or zipfile.is_zipfile(path):  # noqa: PTH112
        if PathFinder.find_spec("__main__", [os.path.abspath(path)]) is None:  # noqa: PTH100
            _stop(f"can't find '__main__' module in {path!r}", 1)
        if not sys.flags.safe_path:
            sys.path.pop(0)  # runpy puts the folder there
        return lambda: runpy.run_path(path, run_name="__main__")
    try:
        with io.open_code(os.path.abspath(path)) as file:  # noqa: PTH100
            source = file.read()
    except OSError as error:
        _stop(f"can't open file {path!r}: [Errno {error.errno}] {error.strerror}", USAGE_ERROR)
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.realpath(path))  # noqa: PTH120

    def run() -> None:
        module = _new_main(os.path.abspath(path))  # noqa: PTH100
        exec(compile(source, module.__file__ or path, "exec", dont_inherit=True), vars(module))

    return run


def _new_main(path: str) -> types.ModuleType:
    """An empty ``__main__`` like the one that Python makes for a script."""
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__loader__ = SourceFileLoader("__main__", path)
    vars(module)["__builtins__"] = builtins
    usual: dict[str, Any] = {"__annotations__": {}, "__cached__": None}  # not in every Python
    vars(module).update({k: v for k, v in usual.items() if k in vars(sys.modules["__main__"])})
    sys.modules["__main__"] = module
    return module


def _find_module(name: str) -> Callable[[], Any]:
    """What runs a module, or the ``__main__`` of a package."""
    try:
        spec = importlib.util.find_spec(name)
        is_package = spec is not None and spec.submodule_search_locations is not None
        runs = not is_package or importlib.util.find_spec(f"{name}.__main__") is not None
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        _stop(f"cannot find the module {name!r}: {error}", 1)
    if spec is None:
        _stop(f"no module named {name}", 1)
    if not runs:
        _stop(f"no module named {name}.__main__; {name!r} is a package and cannot be run", 1)
    return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)


def _hide_our_frames() -> None:
    """Let the traceback of what the script raises begin in the script."""
    hook = sys.excepthook  # perhaps the script's own

    def show(kind: Any, error: Any, traceback: Any) -> None:
        while traceback is not None and _is_ours(traceback.tb_frame):
            traceback = traceback.tb_next
        hook(kind, error.with_traceback(traceback), traceback)

    sys.excepthook = show


def _is_ours(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename in (__file__, runpy.__file__, "<frozen runpy>")


if __name__ == "__main__":
    main()
