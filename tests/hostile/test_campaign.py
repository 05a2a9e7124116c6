"""A few cases of the campaign for every reader, in this process."""

from __future__ import annotations

import pytest

from tests.hostile.campaign import CASE_SECONDS, case_file
from tests.hostile.mutations import mutated_model
from tests.hostile.outcomes import GOOD, outcome_of
from tests.hostile.targets import TARGETS

CASES = 30
MODEL_CASES = 12
# Of the saved models those that hold what others do not; the campaign has all of them.
MODELS = (
    *("Pipeline", "CountVectorizer", "BM25Index", "FastText", "FastTextClassifier"),
    *("ResNetClassifier", "SpellingCorrector", "SubwordTokenizer"),
)
CHOSEN = [name for name in TARGETS if not name.startswith("model ") or name.split()[1] in MODELS]


@pytest.mark.parametrize("name", CHOSEN)
def test_hostile_files_are_read_or_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target = TARGETS[name]
    folder = tmp_path / "case"
    folder.mkdir()
    sound = target.sound(folder)
    beside = {path: path.read_bytes() for path in folder.iterdir()}
    path = folder / target.file
    path.write_bytes(sound)
    target.read(path)
    bad = []
    for number in range(MODEL_CASES if target.mutate is mutated_model else CASES):
        for each, data in beside.items():
            each.write_bytes(data)
        path.write_bytes(case_file(target, sound, number))
        outcome = outcome_of(target, path, CASE_SECONDS)
        if outcome.kind not in GOOD:
            bad.append((number, outcome))
    assert bad == []
