"""Hostile files for every reader and loader of textrep, as a script and as a source of cases for
tests.

    python tests/hostile/campaign.py --cases 1000 [--only NAME] [--seed 0] [--save FOLDER]

A case is a sound file with faults that follow from its number. It is read in a process whose memory
and time are bounded. What it comes to is counted in a table; cases that end badly are printed with
what makes them again, their files are kept in --save, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[2]
if str(_ROOT) not in sys.path:
    sys.path.insert(0, str(_ROOT))

CASE_SECONDS = 60.0
"""Such small files are read in milliseconds; a machine may be busy with other things."""

MEMORY = 1 << 31
"""Bytes of address space beyond what a process has when its target was read once."""

_START_SECONDS = 1800.0  # to import everything and make the sound file, on a machine that is busy
_SHOWN = 5  # bad cases of a target that are printed


def case_file(target: Any, sound: bytes, number: int) -> bytes:
    """The hostile file of a case.

    Parameters
    ----------
    target : Target
    sound : bytes
        The file that it can read.
    number : int
        Of the case.

    Returns
    -------
    bytes
    """
    return target.mutate(sound, random.Random(f"{target.name} {number}"))


# ---- a process that reads


def work(name: str, first: int, last: int, seconds: float) -> None:
    """Read the files of some cases, and say what each comes to in a line of JSON."""
    from tests.hostile.outcomes import outcome_of
    from tests.hostile.targets import TARGETS

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        folder = Path(made, "case")
        folder.mkdir()
        path = folder / target.file
        sound = target.sound(folder)
        beside = {each: each.read_bytes() for each in folder.iterdir() if each.is_file()}
        path.write_bytes(sound)
        target.read(path)  # compiles and imports what it needs, and must not fail
        _bound_memory()
        _say(-1, "ready", "")
        for number in range(first, last):
            _restore(folder, beside)
            path.write_bytes(case_file(target, sound, number))
            found = outcome_of(target, path, seconds)
            _say(number, found.kind, found.error)


def _restore(folder: Path, beside: dict[Path, bytes]) -> None:
    for each in folder.iterdir():
        if each not in beside and each.is_file():
            each.unlink()
    for each, data in beside.items():
        if not each.exists() or each.read_bytes() != data:
            each.write_bytes(data)


def _bound_memory() -> None:
    status = Path("/proc/self/statm").read_text().split()
    most = int(status[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _say(number: int, kind: str, error: str) -> None:
    print(json.dumps([number, kind, error]), flush=True)


# ---- the one that watches


def run_target(name: str, first: int, last: int, seconds: float) -> Iterator[tuple[int, str, str]]:
    """What the cases of a target come to: number, kind and error of each.

    Parameters
    ----------
    name : str
    first, last : int
        Numbers of the cases, without the last.
    seconds : float
        For each.

    Yields
    ------
    tuple of int, str and str
    """
    at = first
    while at < last:
        with _started(name, at, last, seconds) as process:
            ready = False
            while at < last:
                line = _line(process, 3 * seconds if ready else _START_SECONDS)
                if not line:
                    break
                number, kind, error = json.loads(line)
                ready = True
                if number >= 0:
                    yield number, kind, error
                    at = number + 1
            if at < last:
                kind = "hang" if process.poll() is None else "crash"
                process.kill()
                process.wait()
                if not ready:
                    raise RuntimeError(f"{name}: its sound file cannot be read")
                yield at, kind, f"exit code {process.returncode}"
                at += 1


def _started(name: str, first: int, last: int, seconds: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--only", name, "--work", str(first), str(last)]
    return subprocess.Popen(
        [*command, "--seconds", str(seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """The next line; empty when the process has ended, or says nothing for so long."""
    stdout: IO[bytes] | None = process.stdout
    assert stdout is not None
    ready, _, _ = select.select([stdout], [], [], seconds)
    return stdout.readline() if ready else b""


def campaign(names: list[str], cases: int, seed: int, seconds: float, save: Path | None) -> int:
    """Run the cases of targets and print the table; the number of bad ones."""
    from tests.hostile.outcomes import BAD, KINDS

    total: Counter[str] = Counter()
    print(f"{'target':<32}" + "".join(f"{kind:>10}" for kind in KINDS) + f"{'s':>8}")
    for name in names:
        begun = time.perf_counter()
        counts: Counter[str] = Counter()
        bad: list[tuple[int, str, str]] = []
        for number, kind, error in run_target(name, seed, seed + cases, seconds):
            counts[kind] += 1
            if kind in BAD:
                bad.append((number, kind, error))
        total += counts
        row = "".join(f"{counts[kind]:>10,}" for kind in KINDS)
        print(f"{name:<32}{row}{time.perf_counter() - begun:>8.0f}", flush=True)
        for number, kind, error in bad[:_SHOWN]:
            print(f"    case {number}, {kind}: {error}"[:300])
        if save is not None and bad:
            _keep(name, [number for number, _, _ in bad], save)
    print(f"{'all':<32}" + "".join(f"{total[kind]:>10,}" for kind in KINDS))
    return sum(total[kind] for kind in BAD)


def _keep(name: str, numbers: list[int], folder: Path) -> None:
    """Write the files of bad cases."""
    from tests.hostile.targets import TARGETS

    target = TARGETS[name]
    with tempfile.TemporaryDirectory() as made:
        sound = target.sound(Path(made))
    place = folder / name.replace(" ", "-").replace(",", "")
    place.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (place / f"{number}-{target.file}").write_bytes(case_file(target, sound, number))


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1000, help="of each target")
    parser.add_argument("--only", help="targets whose names hold this")
    parser.add_argument("--seed", type=int, default=0, help="number of the first case")
    parser.add_argument("--seconds", type=float, default=CASE_SECONDS, help="for each case")
    parser.add_argument("--save", type=Path, help="folder for the files of bad cases")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.only, *options.work, options.seconds)
        return 0
    from tests.hostile.targets import TARGETS

    names = [name for name in TARGETS if options.only is None or options.only in name]
    bad = campaign(names, options.cases, options.seed, options.seconds, options.save)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
