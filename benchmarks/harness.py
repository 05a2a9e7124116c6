"""What all benchmarks share: options, timing in turns, the machine, the table, the JSON rows."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from textrep.core.files import atomic_write

# transformers.py beside this file must not stand before the package of that name.
_HERE = str(Path(__file__).resolve().parent)
sys.path.sort(key=lambda path: path == _HERE)


@dataclass
class Row:
    """One figure of ours beside a peer's.

    Attributes
    ----------
    name : what is measured, on which data
    metric : the quantity
    ours, peer : both figures, in ``unit``
    peer_name : whose the other figure is
    ratio : how many times better ours is
    unit : of ``ours`` and ``peer``
    threads : threads ours may use
    machine : where it ran
    """

    name: str
    metric: str
    ours: float
    peer_name: str
    peer: float
    ratio: float
    unit: str
    threads: int
    machine: str


def parse_options(
    description: str, parents: Sequence[argparse.ArgumentParser] = ()
) -> argparse.Namespace:
    """The options every benchmark takes, and those of its own parsers."""
    parser = argparse.ArgumentParser(
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=list(parents),
    )
    parser.add_argument("--quick", action="store_true", help="a smaller run of under ten minutes")
    parser.add_argument(
        "--data", type=Path, help="folder with the data sets (default: the variable TEXTREP_DATA)"
    )
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    options = parser.parse_args()
    if options.data is not None:
        os.environ["TEXTREP_DATA"] = str(options.data.resolve())
    return options


def machine_name() -> str:
    """Processor, cores, operating system and Python of this machine."""
    processor = platform.processor() or platform.machine()
    with contextlib.suppress(OSError), Path("/proc/cpuinfo").open() as lines:
        for line in lines:
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor}, {cores} cores, {platform.system()}, Python {platform.python_version()}"


def seconds(task: Callable[[], Any]) -> float:
    """Wall time of one call; its result is freed outside the measure."""
    gc.collect()
    begun = time.perf_counter()
    result = task()
    spent = time.perf_counter() - begun
    del result
    return spent


def take_turns(tasks: dict[str, Callable[[], Any]], repeats: dict[str, int]) -> dict[str, float]:
    """Median seconds of each task; the tasks take turns, so that a slow minute hits them all."""
    spent: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(max(repeats[name] for name in tasks)):
        for name, task in tasks.items():
            if turn < repeats[name]:
                spent[name].append(seconds(task))
    return {name: statistics.median(times) for name, times in spent.items()}


def write_rows(rows: list[Row], path: Path | None) -> None:
    """Write the rows as a JSON list, when a file was asked for."""
    if path is None:
        return
    with atomic_write(path) as file:
        file.write(json.dumps([asdict(row) for row in rows], indent=1).encode() + b"\n")


def resident(field: str) -> int:
    """Resident memory of this process in kB: now (VmRSS) or at most (VmHWM)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    raise RuntimeError(f"no {field} in /proc/self/status: peak memory is measured on Linux")


def begin_memory() -> int:
    """Forget what was freed and the peak so far; resident memory in kB to count from."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak (Linux)
    return before


def ask_child(script: str, *arguments: str) -> Any:
    """What a script prints as JSON in a process of its own, when called with ``--peak``."""
    command = [sys.executable, script, "--peak", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def report(title: str, rows: list[Row], path: Path | None, digits: int = 2) -> None:
    """Print all rows as one table, and write them when a file was asked for."""
    print_table(
        title,
        ["case", "measure", "threads", "ours", "peer", "ratio", "unit", "peer is"],
        [
            [
                row.name, row.metric, str(row.threads), f"{row.ours:,.{digits}f}",
                f"{row.peer:,.{digits}f}", f"{row.ratio:.2f}", row.unit, row.peer_name,
            ]
            for row in rows
        ],
    )  # fmt: skip
    print(machine_name())
    write_rows(rows, path)


def print_table(title: str, columns: list[str], lines: list[list[str]]) -> None:
    """A table for people."""
    table = Table(title=title)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    width = 30 * len(columns) + 60
    Console(width=None if os.isatty(1) else width).print(table)


def run_sections(
    title: str, sections: Mapping[str, Callable[[], Iterator[Row]]], path: Path | None
) -> list[str]:
    """Run sections one after another, keeping the rows of each; names of those that failed."""
    rows: list[Row] = []
    failed = []
    for section, run in sections.items():
        found: list[Row] = []
        begun = time.perf_counter()
        try:
            for row in run():
                found.append(row)
                # What takes minutes to measure is kept at once.
                write_rows([*rows, *found], path)
        except Exception:
            traceback.print_exc()
            failed.append(section)
        rows += found
        report(f"{title}: {section}", found, None, 3)
        print(f"{section}: {time.perf_counter() - begun:.0f} s", flush=True)
    return failed


LINEAR_RUNG = "tfidf-svm"


def compare_rungs(names: Sequence[str], *, quick: bool, device: str, machine: str) -> Iterator[Row]:
    """`textrep compare sst2` with these rungs, of which quick takes one; a row for each."""
    del device  # the command takes the best there is
    import torch

    names = names[:1] if quick else names
    methods = ",".join(["majority", LINEAR_RUNG, *names])
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "sst2.json"
        command = [
            sys.executable,
            "-m",
            "textrep",
            "compare",
            "sst2",
            "--fresh",
            "--no-label-check",
        ]
        subprocess.run([*command, "--methods", methods, "--json", str(found)], check=True)
        rungs = {rung["name"]: rung for rung in json.loads(found.read_text())["rungs"]}
    linear = 100 * rungs[LINEAR_RUNG]["accuracy"]
    for name in names:
        if (rungs.get(name) or {}).get("accuracy") is None:
            print(f"compare: no figure of {name}")
            continue
        ours = 100 * rungs[name]["accuracy"]
        yield Row(
            f"textrep compare sst2, {name}", "accuracy", ours, "TF-IDF + linear SVM", linear,
            ours / linear, "per cent", torch.get_num_threads(), machine,
        )  # fmt: skip
