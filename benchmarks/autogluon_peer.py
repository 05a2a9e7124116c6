"""AutoGluon's TabularPredictor on texts: a peer of benchmarks/comparison.py.

    PYTHON_WITH_AUTOGLUON benchmarks/autogluon_peer.py DATA.json SECONDS

The file is that of benchmarks/by_hand.py; SECONDS is the time limit. Printed are the seconds of
all of it, the accuracy of its best model on the test part, and that model's name, as JSON.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from autogluon.tabular import TabularPredictor


def main():
    data = json.loads(Path(sys.argv[1]).read_text())
    begun = time.perf_counter()
    train = pd.DataFrame({"text": data["train"], "label": data["train_labels"]})
    test = pd.DataFrame({"text": data["test"], "label": data["test_labels"]})
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor("label", path=folder, verbosity=0)
        predictor.fit(train, time_limit=float(sys.argv[2]))
        accuracy = predictor.evaluate(test, silent=True)["accuracy"]
        best = predictor.model_best
    seconds = time.perf_counter() - begun
    print(json.dumps({"seconds": seconds, "accuracy": accuracy, "best": best}))


if __name__ == "__main__":
    main()
