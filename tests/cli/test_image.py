"""`textrep image`, in process."""

from __future__ import annotations

import numpy as np
import pytest
from typer.testing import CliRunner

from textrep.cli.app import app

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("PIL")
from PIL import Image

from tests.image.tiny_checkpoints import save_llava
from textrep.image import VisionLanguageModel


def call(*arguments: object):
    return CliRunner().invoke(app, ["image", "describe", *map(str, arguments)])


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_llava(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / "one.png", folder / "two words.png"]
    for number, path in enumerate(paths):
        pixels = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


def test_each_image_gets_a_line(checkpoint, pictures):
    options = ("--checkpoint", checkpoint, "--max-new-tokens", 4, "--device", "cpu", "--quiet")
    expected = VisionLanguageModel(checkpoint, device="cpu").generate(
        pictures, ["what?"] * 2, max_new_tokens=4
    )
    both = call(*pictures, "--prompt", "what?", *options)
    assert both.exit_code == 0, both.output
    lines = both.stdout.split("\n")[:-1]
    assert [line.split("\t")[0] for line in lines] == [str(path) for path in pictures]
    alone = call(pictures[0], "--prompt", "what?", *options)
    assert alone.stdout == lines[0].split("\t", 1)[1] + "\n"
    assert bool(alone.stdout.strip()) == bool(expected[0])
    assert alone.stderr == ""


@pytest.mark.parametrize("case", ["image", "checkpoint"])
def test_what_is_not_there_is_told_in_one_line(checkpoint, pictures, tmp_path, case):
    image = tmp_path / "none.png" if case == "image" else pictures[0]
    folder = tmp_path / "none" if case == "checkpoint" else checkpoint
    answer = call(image, "--checkpoint", folder, "--device", "cpu", "--quiet")
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("textrep: ")
    assert answer.stderr.count("\n") == 1
