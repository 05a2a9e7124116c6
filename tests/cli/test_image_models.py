"""`textrep image fit` and what comes after it, in process."""

from __future__ import annotations

import re

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from textrep.cli.app import app

pytest.importorskip("torch")
pytest.importorskip("PIL")
from PIL import Image

import textrep
from textrep.cli.estimator_options import taken
from textrep.cli.image_models import KINDS, class_named, pictures_for, read_set
from textrep.image import StyleTransfer, TextToImage, check_pictures, load_pictures

SMALL = ("--epochs", "2", "--device", "cpu", "--seed", "0", "--quiet")
DENSE = ("--code-size", "3", "--set", "hidden=[8]")


def call(*arguments: object):
    return CliRunner().invoke(app, ["image", *map(str, arguments)])


def told(answer) -> str:
    """The one line of a refusal."""
    assert answer.exit_code == 2, answer.output
    assert answer.stdout == ""
    assert answer.stderr.count("\n") == 1
    return answer.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Digits of two classes, one folder each, in 8 x 8 pixels."""
    place = tmp_path_factory.mktemp("pictures")
    digits = load_pictures("digits")
    for kind in (0, 1):
        (place / digits.names[kind]).mkdir()
        for i, picture in enumerate(digits.pictures[digits.labels == kind][:20]):
            Image.fromarray(picture[0]).save(place / digits.names[kind] / f"{i:02d}.png")
    return place


@pytest.fixture(scope="module")
def vae(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "vae.textrep"
    answer = call("fit", "vae", folder, "--save", path, *DENSE, *SMALL)
    assert answer.exit_code == 0, answer.output
    assert re.search(r"VAE: 40 pictures of 1 x 8 x 8.*\n.*divergence.*\nModel:", answer.stdout)
    return path


def test_a_model_is_what_python_would_have_made(folder, vae):
    parameters = {"code_size": 3, "hidden": (8,), "epochs": 2}
    expected = textrep.VAE(**parameters, device="cpu", random_state=0).fit(folder)
    found = textrep.load(vae)
    np.testing.assert_array_equal(found.transform(folder), expected.transform(folder))


def test_pictures_are_drawn_into_a_grid_an_array_or_a_folder(vae, tmp_path):
    model = textrep.load(vae)
    expected = model.sample(5, random_state=3)
    outs = [tmp_path / name for name in ("grid.png", "array.npy", "folder")]
    for out in outs:
        answer = call("sample", vae, "--out", out, "-n", 5, "--seed", 3, "--device", "cpu")
        assert answer.exit_code == 0, answer.output
        assert answer.stdout == f"5 pictures: {out}\n"
    assert Image.open(outs[0]).size == (3 * 10 + 2, 2 * 10 + 2)
    np.testing.assert_array_equal(np.load(outs[1]), expected)
    np.testing.assert_allclose(check_pictures(outs[2]), expected, atol=0.51 / 255)
    mixture = tmp_path / "mixture.npy"
    assert call("sample", vae, "-o", mixture, "--prior", "mixture", "--seed", 1).exit_code == 0
    np.testing.assert_array_equal(
        np.load(mixture), model.sample(16, prior="mixture", random_state=1)
    )


def test_codes_go_to_a_file_of_numbers(vae, folder, tmp_path):
    out = tmp_path / "codes.npy"
    answer = call("transform", vae, folder, "--out", out, "--device", "cpu")
    assert answer.exit_code == 0, answer.output
    np.testing.assert_allclose(np.load(out), textrep.load(vae).transform(folder), atol=1e-6)
    table = tmp_path / "codes.csv"
    assert call("transform", vae, folder, "--out", table, "--limit", 5).exit_code == 0
    assert len(table.read_text().splitlines()) == 6


def test_reconstructions_stand_below_their_originals(vae, folder, tmp_path):
    out = tmp_path / "both.png"
    answer = call("reconstruct", vae, folder, "--out", out, "--limit", 4)
    assert answer.exit_code == 0, answer.output
    errors = float(re.search(r"squared error of a picture: (\S+)", answer.stdout)[1])
    assert errors > 0
    canvas = np.asarray(Image.open(out))
    assert canvas.shape == (2 * 10 + 2, 4 * 10 + 2, 3)
    first = np.asarray(Image.open(folder / "0" / "00.png"))
    np.testing.assert_array_equal(canvas[2:10, 2:10, 0], first)


def test_the_way_between_two_files_or_two_that_are_drawn(vae, folder, tmp_path):
    out = tmp_path / "walk.npy"
    ends = folder / "0" / "00.png", folder / "1" / "00.png"
    assert call("interpolate", vae, *ends, "--out", out, "--steps", 4).exit_code == 0
    expected = textrep.load(vae).interpolate(*ends, steps=4)
    np.testing.assert_allclose(np.load(out), expected, atol=1e-6)
    drawn = call("interpolate", vae, "--out", tmp_path / "drawn.png", "--seed", 1)
    assert drawn.exit_code == 0, drawn.output
    assert "give two pictures" in told(call("interpolate", vae, ends[0], "-o", out))


def test_a_set_is_shown_and_a_score_told(vae, folder, tmp_path):
    assert call("grid", folder, "--out", tmp_path / "all.png").exit_code == 0
    answer = call("score", vae, folder)
    assert answer.exit_code == 0, answer.output
    expected = textrep.load(vae).score(folder)
    assert f"score: {expected:.6g}" in answer.stdout


def test_a_classifier_names_classes_and_measures_what_was_made(vae, folder, tmp_path):
    pytest.importorskip("textrep.image.classifiers")
    path = tmp_path / "classifier.textrep"
    how = ("--set", "channels=[4,4,4]", "--set", "blocks=1", "--set", "feature_size=4")
    answer = call("fit", "resnet", folder, "--save", path, *how, *SMALL)
    assert answer.exit_code == 0, answer.output
    answer = call("predict", path, folder, "--device", "cpu")
    assert set(answer.stdout.split()) <= {"0", "1"}
    assert len(answer.stdout.split()) == 40
    right = float(re.search(r"(\S+)% of 40", answer.stderr)[1]) / 100
    score = call("score", path, folder, "--device", "cpu").stdout
    assert float(score.removeprefix("score: ")) == pytest.approx(right, abs=1e-4)
    assert "no classes" in told(call("score", path, folder / "0"))
    answer = call("measure", vae, folder, "--features", path, "-n", 20, "--device", "cpu")
    assert answer.exit_code == 0, answer.output
    assert "frechet" in answer.stdout
    assert "20 pictures each" in answer.stdout
    assert "has no sample" in told(call("sample", path, "--out", tmp_path / "x.png"))


def test_pictures_are_brought_to_the_size_and_channels_of_the_model(vae, folder, tmp_path):
    large = tmp_path / "large"
    large.mkdir()
    for path in sorted((folder / "0").iterdir())[:3]:
        Image.open(path).resize((32, 32)).convert("RGB").save(large / path.name)
    out = tmp_path / "codes.npy"
    assert call("transform", vae, large, "--out", out).exit_code == 0
    assert np.load(out).shape == (3, 3)


def test_codes_are_shown_on_a_map(vae, folder, tmp_path):
    pytest.importorskip("matplotlib")
    out = tmp_path / "map.png"
    answer = call("map", vae, folder, "--out", out, "--limit", 10)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"10 codes of 3 numbers: {out}\n"
    assert Image.open(out).width > 300
    assert "end the name in .png" in told(call("map", vae, folder, "--out", tmp_path / "map.npy"))


def test_filters_of_two_models_stand_side_by_side(vae, folder, tmp_path):
    models = [tmp_path / "clean.textrep", tmp_path / "noisy.textrep"]
    for path, noise in zip(models, (0.0, 0.3), strict=True):
        how = (*DENSE, *SMALL, "--noise", noise)
        assert call("fit", "autoencoder", folder, "--save", path, *how).exit_code == 0
    out = tmp_path / "filters.png"
    answer = call("filters", *models, "--out", out, "-n", 4, "--scale", 1)
    assert answer.exit_code == 0, answer.output
    assert answer.stdout == f"8 filters: {out}\n"
    # Two panels of 2 x 2 filters of 8 pixels with lines around, a gap, and room for the titles.
    assert Image.open(out).size == (2 * 19 + 6, 19 + 14)
    assert "VAE has no filters_" in told(call("filters", vae, "--out", out))


def test_a_file_is_cut_to_the_size_of_the_model_but_a_style_takes_any(tmp_path):
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 255
    path = tmp_path / "wide.png"
    Image.fromarray(picture).save(path)
    found = read_set(str(path), size=8).pictures
    assert found.shape == (1, 3, 8, 8)
    assert (found == 255).all()  # the middle is what is left
    style = StyleTransfer()
    style.image_size_, style.n_channels_ = (8, 8), 3
    assert pictures_for(style, str(path), None, None).pictures.shape == (1, 3, 10, 30)


def test_classes_that_are_numbers_are_found_by_their_text():
    model = textrep.ResNetClassifier()
    assert class_named(model, "7") == "7"
    model.classes_ = np.array([3, 7])
    assert class_named(model, "7") == 7
    assert class_named(model, "8") == "8"


def test_texts_that_are_needed_are_asked_for(capsys):
    options = {"prompts": None, "steps": 3}
    with pytest.raises(typer.Exit):
        taken(TextToImage().sample, options, "TextToImage")
    assert "needs --text" in capsys.readouterr().err
    given = {**options, "prompts": ["a seven"]}
    assert taken(TextToImage().sample, given, "TextToImage") == given
    with pytest.raises(typer.Exit):
        taken(textrep.VAE().sample, {"steps": 3}, "VAE")
    assert "no --steps" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_class_of_the_room(kind):
    import textrep.image

    if KINDS[kind] not in dir(textrep.image):
        pytest.skip(f"{KINDS[kind]} is not here")
    assert isinstance(getattr(textrep.image, KINDS[kind]), type)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("fit", "painter", "FOLDER"), "painter"),
        (("fit", "vae", "none"), "no such folder"),
        (("fit", "vae", "FOLDER", "--set", "wings=2"), "--wings: VAE has no such parameter"),
        (("fit", "vae", "FOLDER", "--set", "wings"), "NAME=VALUE"),
        (("fit", "vae", "FOLDER", "--noise", "0.3"), "--noise"),
        (("fit", "vae", "FOLDER", "--epochs", "0"), "epochs"),
        (("fit", "resnet", "FOLDER", "--progress", "OUT/p"), "--progress: ResNetClassifier has no"),
        (("fit", "vae", "FOLDER", "--and", "FOLDER"), "cyclegan"),
        (("fit", "resnet", "FOLDER/0"), "no classes"),
        (("fit", "vae", "FOLDER", "--labelled"), "learns no classes"),
        (("interpolate", "MODEL", "--out", "OUT/x.png", "--label", "7"), "takes no --label"),
        (("fit", "vae", "FOLDER", "--save", "FOLDER/x"), "inside the folder"),
        (("sample", "MODEL", "--out", "OUT/x.jpg"), ".png"),
        (("sample", "MODEL", "--out", "FOLDER"), "new folder"),
        (("sample", "MODEL", "--out", "OUT/x.png", "--text", "a seven"), "takes no --text"),
        (("sample", "FOLDER/0/00.png", "--out", "OUT/x.png"), "00.png"),
        (("sample", "OUT/none", "--out", "OUT/x.png"), "cannot be read"),
        (("transform", "MODEL", "FOLDER", "--out", "OUT/x.png"), "makes codes"),
        (("predict", "MODEL", "FOLDER"), "VAE has no predict"),
        (("grid", "OUT", "--out", "OUT/x.png"), "holds no pictures"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(vae, folder, tmp_path, arguments, named):
    places = {"FOLDER": str(folder), "MODEL": str(vae), "OUT": str(tmp_path)}
    filled = []
    for argument in arguments:
        for place, path in places.items():
            argument = argument.replace(place, path)
        filled.append(argument)
    if filled[0] == "fit" and "--save" not in filled:
        filled += ["--save", str(tmp_path / "m.textrep")]
    assert named in told(call(*filled))
