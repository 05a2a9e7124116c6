"""Vision-language checkpoints beside what transformers makes of them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("PIL")
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, GPT2Config

import textrep
from tests.image.tiny_checkpoints import save_blip, save_llava
from textrep.image import VisionLanguageModel

RNG = np.random.default_rng(0)
IMAGES = [RNG.integers(0, 256, (10, 12, 3), dtype=np.uint8) for _ in range(3)]
PROMPTS = ["what?", "", "is it a cat or a dog"]
ANSWERS = ["cat", "a dog", "ü"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("checkpoints")
    return {
        "llava": save_llava(base / "llava"),
        "plain": save_llava(base / "plain", chat=False),
        "blip": save_blip(base / "blip"),
    }


@pytest.fixture(scope="module")
def llava(folders):
    return VisionLanguageModel(folders["llava"], device="cpu")


@pytest.fixture(scope="module")
def peer(folders):
    """transformers' own processor and model."""
    model = AutoModelForImageTextToText.from_pretrained(folders["llava"]).eval()
    model.generation_config.repetition_penalty = 1.0
    return AutoProcessor.from_pretrained(folders["llava"]), model


def asked(processor, image, prompt):
    text = f"user: <image>{prompt}assistant: "
    return processor(images=Image.fromarray(image), text=text, return_tensors="pt")


def test_answers_are_what_transformers_generates(llava, peer):
    processor, model = peer
    found = llava.generate(IMAGES, PROMPTS, max_new_tokens=6)
    for answer, image, prompt in zip(found, IMAGES, PROMPTS, strict=True):
        inputs = asked(processor, image, prompt)
        whole = model.generate(**inputs, max_new_tokens=6, do_sample=False, bad_words_ids=[[3]])
        tokens = whole[0, inputs["input_ids"].shape[1] :]
        assert answer == processor.decode(tokens, skip_special_tokens=True).strip()
    assert len(set(found)) > 1


def test_answers_do_not_depend_on_what_else_is_asked(llava):
    options = {"max_new_tokens": 5, "temperature": 1.0, "top_p": 0.9, "random_state": 0}
    found = llava.generate(IMAGES, PROMPTS, **options)
    assert found[:1] == llava.generate(IMAGES[:1], PROMPTS[:1], **options)
    assert found == llava.generate(IMAGES, PROMPTS, **options)
    assert found != llava.generate(IMAGES, PROMPTS, **{**options, "random_state": 1})
    greedy = llava.generate(IMAGES, PROMPTS, max_new_tokens=5)
    assert greedy == llava.generate(IMAGES, PROMPTS, max_new_tokens=5, temperature=2.0, top_k=1)


def test_draws_are_as_likely_as_the_model_thinks(llava):
    """Of the two likeliest first tokens, each is drawn in its share of the cases."""
    draws = llava.generate(
        IMAGES[:1] * 80, PROMPTS[:1] * 80, max_new_tokens=1, temperature=4.0, top_k=2,
        random_state=0,
    )  # fmt: skip
    names, counts = np.unique(draws, return_counts=True)
    assert len(names) == 2
    inputs = asked(llava.processor_, IMAGES[0], PROMPTS[0])
    with torch.no_grad():
        logits = llava.model_(**inputs).logits[0, -1]
    logits[3] = -torch.inf  # the sign for an image is never written
    shares = torch.softmax(logits.topk(2).values / 4.0, 0)
    assert abs(counts.max() / 80 - float(shares.max())) < 0.15


def test_the_image_matters_and_its_kind_does_not(llava, tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(IMAGES[0]).save(path)
    same = llava.log_likelihoods(
        [IMAGES[0], path, str(path), Image.fromarray(IMAGES[0])], ["what?"] * 4, ["cat"] * 4
    )
    assert np.ptp(same) == 0
    others = llava.log_likelihoods(IMAGES, ["what?"] * 3, ["cat"] * 3)
    assert len(set(others)) == 3


def test_likelihoods_are_those_of_one_pass_over_prompt_and_answer(llava, peer):
    processor, model = peer
    found = llava.log_likelihoods(IMAGES, PROMPTS, ANSWERS)
    assert found.dtype == np.float64
    for value, image, prompt, answer in zip(found, IMAGES, PROMPTS, ANSWERS, strict=True):
        inputs = asked(processor, image, prompt)
        rest = torch.tensor([processor.tokenizer(answer)["input_ids"]])
        ids = torch.cat([inputs["input_ids"], rest], 1)
        with torch.no_grad():
            logits = model(input_ids=ids, pixel_values=inputs["pixel_values"]).logits[0]
        shares = torch.log_softmax(logits, 1)[-1 - rest.shape[1] : -1]
        expected = float(shares.gather(1, rest.T).sum())
        assert value == pytest.approx(expected, abs=1e-4)


def test_an_empty_answer_is_certain_and_an_end_sign_is_a_token_like_others(llava):
    assert llava.log_likelihoods(IMAGES[:1], ["what?"], [""]).tolist() == [0.0]
    pair = llava.log_likelihoods(IMAGES[:1] * 2, ["what?"] * 2, ["a</s>", "a</s>b"])
    assert pair[1] < pair[0] < 0


def test_an_end_sign_ends_an_answer(folders):
    model = VisionLanguageModel(folders["llava"], device="cpu")
    head = torch.nn.Linear(16, 260)
    with torch.no_grad():
        head.weight.zero_()
        head.bias.copy_(torch.arange(260) == 2)  # </s>, always
    model.model_.lm_head = head
    steps = []
    head.register_forward_hook(lambda *_: steps.append(1))
    assert model.generate(IMAGES[:1], ["what?"], max_new_tokens=5) == [""]
    assert len(steps) == 1


def test_without_a_chat_template_the_sign_for_the_image_stands_before_the_prompt(folders, peer):
    model = VisionLanguageModel(folders["plain"], device="cpu")
    processor, other = peer
    inputs = processor(
        images=Image.fromarray(IMAGES[0]), text="<image>\nwhat?", return_tensors="pt"
    )
    whole = other.generate(**inputs, max_new_tokens=4, do_sample=False, bad_words_ids=[[3]])
    tokens = whole[0, inputs["input_ids"].shape[1] :]
    expected = processor.decode(tokens, skip_special_tokens=True).strip()
    assert model.generate(IMAGES[:1], ["what?"], max_new_tokens=4) == [expected]
    assert model.generate(IMAGES[:1], ["<image>\nwhat?"], max_new_tokens=4) == [expected]


def test_models_that_look_at_images_by_cross_attention_work_too(folders):
    model = VisionLanguageModel(folders["blip"], device="cpu")
    processor, other = model.processor_, model.model_
    inputs = processor(images=Image.fromarray(IMAGES[0]), text="a photo of", return_tensors="pt")
    whole = other.generate(**inputs, max_new_tokens=4)[0]
    answer = model.generate(IMAGES[:1], ["a photo of"], max_new_tokens=4)[0]
    assert processor.decode(whole, skip_special_tokens=True).endswith(answer)
    found = model.log_likelihoods(IMAGES[:2], ["a photo of"] * 2, ["a cat", "dog"])
    assert (found < 0).all()


def test_the_name_is_public():
    assert textrep.VisionLanguageModel is VisionLanguageModel


def test_what_does_not_fit_together_is_refused(llava):
    with pytest.raises(ValueError, match=r"^prompts must be as many as images, got 1 for 3"):
        llava.generate(IMAGES, ["what?"])
    with pytest.raises(ValueError, match=r"^answers must be as many as images, got 1 for 3"):
        llava.log_likelihoods(IMAGES, PROMPTS, ["cat"])
    with pytest.raises(textrep.TextInputError, match=r"^prompts is a single str, 'what"):
        llava.generate(IMAGES, "what?")
    with pytest.raises(ValueError, match=r"^images must be a list of images, got 'cat.png'"):
        llava.generate("cat.png", ["what?"])
    with pytest.raises(ValueError, match=r"^max_new_tokens must be an integer of at least 1"):
        llava.generate(IMAGES, PROMPTS, max_new_tokens=0)
    with pytest.raises(ValueError, match=r"^temperature must be"):
        llava.generate(IMAGES, PROMPTS, temperature=-1)
    assert llava.generate([], []) == []


def test_a_prompt_with_a_second_image_is_refused(llava):
    # The processors of older transformers let it through, and the model finds it out.
    message = r"^prompts\[0\] does not fit the model with images\[0\]|and image tokens do not match"
    with pytest.raises(ValueError, match=message):
        llava.generate(IMAGES[:1], ["<image>"])


def opened(folder):
    return VisionLanguageModel(folder, device="cpu")


def test_checkpoints_of_another_kind_are_refused(tmp_path):
    GPT2Config(n_layer=1, n_embd=8, n_head=1).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="cannot be opened: it is a 'gpt2', which does not read"):
        opened(tmp_path)


def test_checkpoints_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is not there; expected a folder with config.json"):
        opened(tmp_path / "none")
    with pytest.raises(ValueError, match="cannot be opened: "):
        opened(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is no folder"):
        opened(str(tmp_path / "file"))
    for wrong in ("", None, 3):
        with pytest.raises(ValueError, match=r"^checkpoint must be a folder or a name of the hub"):
            opened(wrong)


def test_what_a_checkpoint_needs_besides_is_named(folders, monkeypatch):
    def lacking(*_, **__):
        raise ImportError("\nSomeVideoProcessor requires the Torchvision library\n but it was not")

    monkeypatch.setattr(AutoProcessor, "from_pretrained", lacking)
    with pytest.raises(ModuleNotFoundError, match="opened: SomeVideoProcessor requires the Torch"):
        opened(folders["llava"])


def test_checkpoints_without_all_weights_are_refused(folders, tmp_path):
    from safetensors.torch import load_file, save_file

    for path in folders["llava"].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    name = sorted(weights)[0]
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ValueError, match="1 weights are missing in it"):
        opened(tmp_path)


def test_pickled_weights_are_not_read(folders, tmp_path):
    for path in folders["llava"].iterdir():
        if path.name != "model.safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"cannot be opened: .*safetensors"):
        opened(tmp_path)


def test_no_code_of_a_checkpoint_is_run(folders, tmp_path):
    config = json.loads((folders["llava"] / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config"}
    config["model_type"] = "evil"
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "evil.py").write_text("raise SystemExit('run')")
    with pytest.raises(ValueError, match="cannot be opened: "):
        opened(tmp_path)
