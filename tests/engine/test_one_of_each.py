"""There is exactly one of some things in the whole tree."""

import ast
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def trees():
    root = Path(__file__).resolve().parents[2]
    return {
        file.relative_to(root).as_posix(): ast.parse(file.read_text("utf-8"))
        for file in sorted((root / "textrep").rglob("*.py"))
    }


def places(trees, wanted):
    return [name for name, tree in trees.items() for node in ast.walk(tree) if wanted(node)]


def test_one_place_where_optimisers_step(trees):
    def steps(node):
        return (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "step"
        )

    assert places(trees, steps) == ["textrep/engine/loop.py"]


def test_one_place_where_optimisers_are_made(trees):
    def makes(node):
        return (
            isinstance(node, ast.Attribute)
            and node.attr in {"SGD", "Adam", "AdamW"}
            and isinstance(node.value, ast.Attribute)
        )

    assert set(places(trees, makes)) == {"textrep/engine/optimizers.py"}


def test_one_file_imports_accelerate(trees):
    def imports(node):
        if isinstance(node, ast.ImportFrom):
            return (node.module or "").partition(".")[0] == "accelerate"
        names = node.names if isinstance(node, ast.Import) else []
        return any(alias.name.partition(".")[0] == "accelerate" for alias in names)

    assert set(places(trees, imports)) == {"textrep/engine/processes.py"}


@pytest.mark.parametrize(
    ("kind", "name", "file"),
    [
        (ast.ClassDef, "Sampler", "textrep/generation/sampling.py"),
        (ast.FunctionDef, "beam_search", "textrep/generation/beam.py"),
        (ast.ClassDef, "PaddingMask", "textrep/layers/masks.py"),
    ],
)
def test_one_sampler_beam_search_and_mask(trees, kind, name, file):
    def defines(node):
        return isinstance(node, kind) and node.name == name

    assert places(trees, defines) == [file]


def test_mask_types_live_in_one_file(trees):
    # A mask of one's own is where signs and fully masked rows go wrong.
    def defines(node):
        return isinstance(node, ast.ClassDef) and node.name.endswith("Mask")

    assert set(places(trees, defines)) == {"textrep/layers/masks.py"}
