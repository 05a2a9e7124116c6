"""Docstrings of a source tree, read with `ast` and never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

# Files that document nothing, or that not every installation has.
_SKIPPED_FOLDERS = frozenset({"test", "tests", "__pycache__", "externals", "_vendor", "vendored"})
# numpy and scipy attach the documentation of compiled functions by calls to these.
_ATTACHING_CALLS = frozenset({"add_newdoc", "add_docstring", "add_newdoc_for_scalar_type"})

_Documented = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_files(path: Path) -> Iterator[Path]:
    """Python files under a path, in a fixed order.

    Parameters
    ----------
    path : Path
        A package folder, or a module without its suffix.

    Yields
    ------
    Path
        A file ending in ``.py`` or ``.pyi``; nothing where the path does not exist.
    """
    if path.is_dir():
        for entry in sorted(path.iterdir()):
            if entry.is_dir():
                if entry.name not in _SKIPPED_FOLDERS:
                    yield from source_files(entry)
            elif entry.suffix in {".py", ".pyi"}:
                yield entry
    else:
        for suffix in (".py", ".pyi"):
            if (file := path.with_name(path.name + suffix)).is_file():
                yield file


def docstrings(file: Path) -> Iterator[str]:
    """Docstrings of the modules, classes and functions of a file, top to bottom.

    Parameters
    ----------
    file : Path
        Python source. A file that this Python cannot parse has none.

    Yields
    ------
    str
        A docstring as it stands in the source.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return
    if text := _docstring(tree):
        yield text
    yield from _in_body(tree.body)


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    match node.body[:1]:
        case [ast.Expr(value=ast.Constant(value=str(text)))]:
            return text
    return ""


def _in_body(body: Iterable[ast.AST]) -> Iterator[str]:
    # Only statements can hold a definition, so expressions, nine tenths of a tree, are not visited.
    for node in body:
        if isinstance(node, _Documented):
            if text := _docstring(node):
                yield text
            yield from _in_body(node.body)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from _attached(node.value)
        else:
            for block in ("body", "orelse", "finalbody", "handlers", "cases"):
                inner = getattr(node, block, None)
                if inner:
                    yield from _in_body(inner)


def _attached(call: ast.Call) -> Iterator[str]:
    name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
    if name in _ATTACHING_CALLS:
        for argument in call.args:
            for node in ast.walk(argument):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value
