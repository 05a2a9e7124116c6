"""Section `killed` of scale.py: workers and whole programs that end in the middle of their work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import Row, machine_name

import textrep as ours
from textrep.sparse.sharded import fit_files, read_manifest
from textrep.sparse.sharded.tasks import LEARNT, REPORTS

if TYPE_CHECKING:
    from scale import Corpus

BLOCKS = 64
KILLS = 6
QUICK_KILLS = 2
PROGRAM_KILLS = 3

_POLL_SECONDS = 0.05

PROGRAM = """
import sys
import textrep
from textrep.sparse.sharded import fit_files

if __name__ == "__main__":
    fit_files(textrep.TfidfVectorizer(), sys.argv[3:], sys.argv[1], block_bytes=int(sys.argv[2]))
"""


def killed(corpus: Corpus, quick: bool) -> Iterator[Row]:
    """Shards of runs in which workers, or the program itself, were killed; beside one in peace."""
    from scale import cluster

    block_bytes = max(1, corpus.n_bytes // BLOCKS)
    peace = corpus.folder / "peace"
    with cluster(2) as address:
        took = _fit(corpus, peace, block_bytes, address)
    kills = QUICK_KILLS if quick else KILLS
    yield from _workers_killed(corpus, peace, block_bytes, kills, took)
    yield from _program_killed(corpus, peace, block_bytes, 1 if quick else PROGRAM_KILLS)


def _fit(corpus: Corpus, out: Path, block_bytes: int, address: str) -> float:
    """Seconds that the workers of a scheduler take for the TF-IDF of the files."""
    begun = time.perf_counter()
    vectorizer = ours.TfidfVectorizer()
    fit_files(vectorizer, corpus.files, out, block_bytes=block_bytes, scheduler=address)
    return time.perf_counter() - begun


def _workers_killed(
    corpus: Corpus, peace: Path, block_bytes: int, kills: int, took: float
) -> Iterator[Row]:
    from scale import cluster

    out = corpus.folder / "workers-killed"
    with cluster(2) as address:
        killer = _Killer(address, out, 2 * len(read_manifest(peace)["inputs"]), kills)
        killer.start()
        spent = _fit(corpus, out, block_bytes, address)
        killer.stop()
    name = f"a worker of 2 killed, {killer.done} times"
    yield _differences(name, out, peace)
    yield Row(name, "time", spent, "the same in peace", took, took / spent, "s", 2, machine_name())


class _Killer(threading.Thread):
    """Kills a worker each time some more blocks are done, in turn.

    Parameters
    ----------
    address : str
        Of the scheduler.
    out : Path
        Folder of the shards.
    n_tasks : int
        Reports that will be written.
    kills : int
    """

    def __init__(self, address: str, out: Path, n_tasks: int, kills: int) -> None:
        super().__init__(daemon=True)
        self._address = address
        self._out = out
        self._after = [n_tasks * (i + 1) // (kills + 2) for i in range(kills)]
        self._stopped = threading.Event()
        self.done = 0

    def run(self) -> None:
        from distributed import Client

        with Client(self._address) as client:
            for n_reports in self._after:
                while n_done(self._out) < n_reports:
                    if self._stopped.wait(_POLL_SECONDS):
                        return
                pids = sorted(client.run(os.getpid).values())
                os.kill(pids[self.done % len(pids)], signal.SIGKILL)
                self.done += 1

    def stop(self) -> None:
        """End the thread, whether or not it has killed all."""
        self._stopped.set()
        self.join()


def _program_killed(corpus: Corpus, peace: Path, block_bytes: int, kills: int) -> Iterator[Row]:
    """The program is killed and started again, as often as asked for, and then left alone."""
    out = corpus.folder / "program-killed"
    n_tasks = 2 * len(read_manifest(peace)["inputs"])
    finished: dict[Path, int] = {}
    written_again = 0
    for i in range(kills + 1):
        program = _start(corpus, out, block_bytes)
        if i < kills:
            while program.poll() is None and n_done(out) < n_tasks * (i + 1) // (kills + 1):
                time.sleep(_POLL_SECONDS)
            program.kill()
        elif program.wait():
            raise RuntimeError("the program that was left alone failed")
        program.wait()
        now = {path: path.stat().st_mtime_ns for path in out.glob("shards/part-*")}
        written_again += sum(now.get(path) != before for path, before in finished.items())
        reports = {path.stem for path in out.glob(f"{REPORTS}/part-*.json")}
        finished = {path: at for path, at in now.items() if path.stem.rpartition("-")[0] in reports}
    name = f"the program killed, {kills} times"
    yield _differences(name, out, peace)
    yield Row(
        name, "finished shards written again", written_again, "a run in peace", 0,
        float(not written_again), "shards", 1, machine_name(),
    )  # fmt: skip


def _start(corpus: Corpus, out: Path, block_bytes: int) -> subprocess.Popen[bytes]:
    files: list[Any] = [out, block_bytes, *corpus.files]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, files)])


def n_done(out: Path) -> int:
    """Blocks learnt from and blocks written so far, until the folder is finished."""
    return sum(1 for part in (LEARNT, REPORTS) for _ in out.glob(f"{part}/part-*.json"))


def _differences(name: str, out: Path, peace: Path) -> Row:
    """How many shards are missing or differ from those of the run in peace."""
    found, wanted = (
        {shard["file"]: shard["sha256"] for shard in read_manifest(folder)["shards"]}
        for folder in (out, peace)
    )
    lost = sum(found.get(file) != checksum for file, checksum in wanted.items())
    return Row(
        name, "shards lost or different", lost, "shards of a run in peace", len(wanted),
        float(not lost), "shards", 2, machine_name(),
    )  # fmt: skip
