"""The wheel carries what it should, and works away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # Without isolation: the tests need no network, and hatchling is installed with them.
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    checkout = Path(__file__).resolve().parents[1]
    answer = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    [path] = folder.glob("*.whl")
    return path


def test_the_wheel_holds_code_types_cards_and_licence_and_nothing_else(wheel, checkout):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for card in (checkout / "corpora").glob("*.toml"):
        assert f"textrep/corpora/{card.name}" in names
    assert {"textrep/py.typed", "textrep/__main__.py"} <= names
    for template in (checkout / "textrep" / "comparison" / "report" / "templates").iterdir():
        assert f"textrep/comparison/report/templates/{template.name}" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert all(name.startswith("textrep") for name in names)
    assert not [name for name in names if name.endswith((".nbi", ".nbc", ".pyc"))]


def test_the_wheel_offers_the_command_and_the_extras(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [entry_points] = [n for n in archive.namelist() if n.endswith("entry_points.txt")]
        [metadata] = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        assert b"textrep = textrep.cli:main" in archive.read(entry_points)
        text = archive.read(metadata).decode("utf-8")
    core = [
        line
        for line in text.splitlines()
        if line.startswith("Requires-Dist:") and "extra ==" not in line
    ]
    assert core
    assert not [line for line in core if "torch" in line or "transformers" in line]
    for extra in ("neural", "image", "music", "distributed", "bench", "test", "all"):
        assert f"Provides-Extra: {extra}" in text


def test_an_installed_wheel_works_from_another_folder(wheel, checkout, tmp_path):
    target = tmp_path / "installed"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(target), str(wheel)], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(target)}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    smoke = run(str(checkout / "tests" / "smoke.py"))
    assert smoke.returncode == 0, smoke.stderr
    assert "works from" in smoke.stdout
    help_ = run("-m", "textrep", "--help")
    assert help_.returncode == 0, help_.stderr
    assert "compare" in help_.stdout
