"""The order of the rooms, and life without torch."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib

import pytest

from tests import torch_free


def test_rooms_import_only_rooms_above_them(checkout):
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    answer = subprocess.run(
        [*command, "--config", "pyproject.toml", "--no-cache"],
        cwd=checkout,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 kept, 0 broken" in answer.stdout


def test_every_folder_of_the_package_is_a_room_of_the_contract(checkout):
    settings = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    rooms = {layer.strip("()") for layer in layers}
    present = {path.parent.name for path in (checkout / "textrep").glob("*/__init__.py")}
    assert present <= rooms


def test_torch_free_rooms_import_without_torch_and_the_other_extras(checkout):
    answer = subprocess.run(
        [sys.executable, "tests/torch_free.py"],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    assert "modules import without" in answer.stdout


@pytest.mark.parametrize("room", torch_free.ROOMS)
def test_torch_free_rooms_never_mention_torch_at_the_top(checkout, room):
    for file in (checkout / "textrep" / room).rglob("*.py"):
        for statement in ast.parse(file.read_text("utf-8")).body:
            names = [alias.name for alias in getattr(statement, "names", [])]
            module = getattr(statement, "module", None)
            if isinstance(statement, ast.ImportFrom):
                names = [module or ""]
            if isinstance(statement, ast.Import | ast.ImportFrom):
                heavy = {name.partition(".")[0] for name in names} & torch_free.BLOCKED
                assert not heavy, f"{file} imports {heavy}"
