"""Training in several processes: what it gives, and what a kill -9 leaves of it.

    python benchmarks/launched.py [--quick] [--json FILE] [--only SECTION,...] [--models NAME,...]

    together  each model in one process, and in two that torchrun starts: the last loss, the time of
              `fit`, the largest difference of a weight. That of the two processes between each
              other must be 0, as must that of what they say of the data. Where a batch draws noise
              each process has numbers of its own, so that the weights of two processes are other
              ones than those of one: such rows have the loss alone
    killed    one of two processes is killed with SIGKILL: before it has written a checkpoint, when
              it has written its own but none has taken its place, and after. The launcher must end,
              and the same command once more give the weights of the training that was left alone,
              to the bit
    refused   `compare` under a launcher, and a training without a seed, end with one clear line

The models and their data are small and made up (`launched_models.py`), one or more of each room.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from harness import Row, machine_name, parse_options, run_sections
from launched_models import MODELS, MOMENTS

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "launched_models.py"
TORCHRUN = [
    sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
]  # fmt: skip
LIMIT_SECONDS = 900
TOLERANCE = 1e-5  # of a weight, between one process and two
QUICK_MODELS = ("GPT",)
NO_SEED = (
    "import textrep; textrep.Autoencoder(device='cpu').fit(__import__('numpy').zeros((4, 1, 8, 8)))"
)
COMPARE = "import textrep; textrep.compare(['a'] * 4, ['x', 'y'] * 2, methods=['majority'])"


def run(command: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which must come."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(HERE.parent), *filter(None, sys.path)]),
        "OMP_NUM_THREADS": "1",
        "GLOO_SOCKET_IFNAME": "lo",
    }
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LIMIT_SECONDS
    )
    if check and ended.returncode:
        raise RuntimeError(f"{command} ended with {ended.returncode}: {ended.stderr[-4000:]}")
    return ended


def train(name: str, folder: Path, launcher: list[str], *options: str) -> list[dict[str, Any]]:
    """Train a model; the weights and the report of each process."""
    folder.mkdir(parents=True, exist_ok=True)
    command = launcher or [sys.executable]
    run([*command, str(PROGRAM), name, str(folder), *options])
    return results(name, folder, 2 if launcher else 1)


def results(name: str, folder: Path, n: int) -> list[dict[str, Any]]:
    """What each of so many processes has written of a model."""
    found = []
    for number in range(n):
        told = json.loads((folder / f"{name}-{number}.json").read_text())
        if told["processes"] != n:
            raise RuntimeError(f"{told['processes']} processes trained together, not {n}")
        found.append({**told, "arrays": dict(np.load(folder / f"{name}-{number}.npz"))})
    return found


def difference(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    """The largest of all values of two processes."""
    return max(float(np.abs(a[name] - b[name]).max()) for name in a if a[name].size)


def together(names: list[str], machine: str) -> Iterator[Row]:
    """One process and two."""
    for name in names:
        model = MODELS[name]
        with tempfile.TemporaryDirectory() as folder:
            (one,) = train(name, Path(folder) / "one", [])
            first, second = train(name, Path(folder) / "two", TORCHRUN)
            if apart := difference(first["arrays"], second["arrays"]):
                raise RuntimeError(f"{name}: the two processes end {apart} apart")
        case = f"{model.room}: {name}"
        for metric, unit in (("loss", "nats"), ("seconds", "s")):
            yield Row(
                case, metric, first[metric], "one process", one[metric],
                one[metric] / first[metric], unit, 1, machine,
            )  # fmt: skip
        if model.exact:
            apart = difference(one["arrays"], first["arrays"])
            yield Row(
                case, "largest difference of a weight", apart, "promised", TOLERANCE,
                TOLERANCE / max(apart, np.finfo(float).tiny), "", 1, machine,
            )  # fmt: skip


def killed(names: list[str], machine: str) -> Iterator[Row]:
    """Kill one of two, and take up."""
    for name in names:
        with tempfile.TemporaryDirectory() as base:
            whole = train(name, Path(base) / "whole", TORCHRUN)[0]["arrays"]
            for moment in MOMENTS:
                folder = Path(base) / moment
                folder.mkdir()
                command = [*TORCHRUN, str(PROGRAM), name, str(folder), "--keep"]
                ended = run([*command, "--die", moment], check=False)
                left = sorted(path.name for path in folder.iterdir())
                if not ended.returncode or not any("training" in each for each in left):
                    raise RuntimeError(f"{name} was not killed {moment}: {left}, {ended.stderr}")
                again = train(name, folder, TORCHRUN, "--keep")[0]["arrays"]
                if litter := [path.name for path in folder.iterdir() if "training" in path.name]:
                    raise RuntimeError(f"{name}: {litter} stay behind")
                apart = difference(whole, again)
                yield Row(
                    f"{MODELS[name].room}: {name}", f"difference after a kill, {moment}", apart,
                    "promised", 0.0, float(apart == 0), "", 1, machine,
                )  # fmt: skip


def refused(names: list[str], machine: str) -> Iterator[Row]:
    """What cannot be done in several processes says so."""
    del names
    cases = {"compare": (COMPARE, "without torchrun"), "no seed": (NO_SEED, "random_state is None")}
    for case, (code, wanted) in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            script = Path(folder) / "script.py"
            script.write_text(code)
            ended = run([*TORCHRUN, str(script)], check=False)
        told = bool(ended.returncode) and wanted in ended.stderr
        yield Row(case, "refused", float(told), "promised", 1.0, float(told), "", 1, machine)


def main() -> None:
    """Run what the command line asks for."""
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--only", help="sections, with commas between (all)")
    extra.add_argument("--models", help="models, with commas between (all; --quick: GPT)")
    options = parse_options(__doc__ or "", [extra])
    sections = {"together": together, "killed": killed, "refused": refused}
    names = options.models.split(",") if options.models else list(MODELS)
    if options.quick and not options.models:
        names = list(QUICK_MODELS)
    chosen = options.only.split(",") if options.only else list(sections)
    for given, known in ((names, MODELS), (chosen, sections)):
        if unknown := sorted({*given} - {*known}):
            sys.exit(f"launched: there is no {unknown[0]!r}, only {', '.join(known)}")
    machine = machine_name()
    picked = {name: functools.partial(sections[name], names, machine) for name in chosen}
    if failed := run_sections("Several processes", picked, options.json):
        sys.exit(f"launched: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
