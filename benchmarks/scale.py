"""`textrep vectorize` on the workers of a cluster, and what it takes to end them.

    python benchmarks/scale.py [--data DIR] [--quick] [--json FILE] [--section NAMES] [--size MB]

scaling     MB of text a second, from files to shards of counts on the disk, with 1 and 2 workers on
            this machine, each of one thread. Beside, in the same run and from the same files:
            scikit-learn's `CountVectorizer` with joblib (a vocabulary for each file, merged; then
            each file counted with it), its `HashingVectorizer` with joblib, and the
            `CountVectorizer` of dask-ml, where that is installed. What a terabyte would take at
            these rates is printed below.
killed      A worker of two is killed (SIGKILL) each time some more blocks are done, and then the
            whole program; the shards are compared byte by byte with those of a run in peace.

The text is the training part of imdb, mixed, a review on each line, over and over until the files
have the size asked for. Processes are started, and kernels loaded, before the clock is.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from harness import Row, machine_name, parse_options, run_sections, take_turns
from joblib import Parallel, delayed
from sklearn.feature_extraction import text as theirs

import textrep as ours
from textrep.sparse.sharded import fit_files, read_manifest

# dask asks for a package of this name, which sparse.py beside this file is not.
sys.modules["sparse"] = None  # type: ignore[assignment]

SIZE_MB = 400
QUICK_MB = 20
N_FILES = 8
"""Enough that two workers end at about the same time."""

WORKERS = (1, 2)
ROUNDS = 3
MEGABYTE = 1e6
TERABYTE = 1e12
DAY = 24 * 3600


@dataclass
class Corpus:
    """Files of text, a document on each line."""

    folder: Path
    files: list[Path]
    n_bytes: int

    @property
    def megabytes(self) -> float:
        return self.n_bytes / MEGABYTE


def write_corpus(folder: Path, size_mb: float) -> Corpus:
    """IMDb's training reviews, mixed and repeated, in files of equal size."""
    texts = ours.load_corpus("imdb", split="train").texts
    order = np.random.default_rng(0).permutation(len(texts))
    lines = itertools.cycle([" ".join(texts[i].split()).encode() + b"\n" for i in order])
    files = [folder / f"reviews-{number}.txt" for number in range(N_FILES)]
    for path in files:
        with path.open("wb") as file:
            while file.tell() < size_mb * MEGABYTE / N_FILES:
                file.write(next(lines))
    return Corpus(folder, files, sum(path.stat().st_size for path in files))


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[str]:
    """Workers of one thread each on this machine; gives the address of their scheduler."""
    from distributed import LocalCluster

    running = LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
    )
    try:
        yield running.scheduler_address
    finally:
        # On a busy machine workers take longer to end than dask waits.
        with contextlib.suppress(TimeoutError):
            running.close()


# ---- ours


def ours_to_shards(vectorizer: Any, corpus: Corpus, scheduler: str, out: Path) -> None:
    """Files to shards by the workers of a cluster."""
    shutil.rmtree(out, ignore_errors=True)
    block = max(1, corpus.n_bytes // N_FILES)
    fit_files(vectorizer, corpus.files, out, block_bytes=block, scheduler=scheduler)


# ---- the peers, as their users do it


def lines_of(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def terms_of(path: Path) -> set[str]:
    return set(theirs.CountVectorizer().fit(lines_of(path)).vocabulary_)


def write_counts(vectorizer: Any, path: Path, out: Path) -> None:
    X = vectorizer.transform(lines_of(path))
    sp.save_npz(out / f"{path.stem}.npz", X, compressed=False)


def new_folder(out: Path) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return out


def counts_by_joblib(parallel: Parallel, corpus: Corpus, out: Path) -> None:
    """A vocabulary for each file, merged; then each file counted with it."""
    new_folder(out)
    terms = sorted(set().union(*parallel(delayed(terms_of)(path) for path in corpus.files)))
    vectorizer = theirs.CountVectorizer(vocabulary=terms)
    parallel(delayed(write_counts)(vectorizer, path, out) for path in corpus.files)


def hashes_by_joblib(parallel: Parallel, corpus: Corpus, out: Path) -> None:
    new_folder(out)
    vectorizer = theirs.HashingVectorizer()
    parallel(delayed(write_counts)(vectorizer, path, out) for path in corpus.files)


def counts_by_dask_ml(scheduler: str, corpus: Corpus, out: Path) -> None:
    import dask
    from dask import bag
    from dask_ml.feature_extraction.text import CountVectorizer
    from distributed import Client

    new_folder(out)
    with Client(scheduler):
        documents = bag.concat(
            [bag.from_delayed(dask.delayed(lines_of)(path)) for path in corpus.files]
        )
        X = CountVectorizer().fit_transform(documents)
        save = dask.delayed(functools.partial(sp.save_npz, compressed=False))
        blocks = X.to_delayed().ravel()
        dask.compute(*(save(out / f"{number}.npz", block) for number, block in enumerate(blocks)))


def has_dask_ml() -> bool:
    try:
        import dask_ml.feature_extraction.text  # noqa: F401
    except ImportError:
        return False
    return True


# ---- the section


def scaling(corpus: Corpus, quick: bool) -> Iterator[Row]:
    """MB/s with 1 and 2 workers, ours and the peers', in turns."""
    rates: dict[tuple[str, int], float] = {}
    for workers in WORKERS:
        with cluster(workers) as scheduler, Parallel(n_jobs=workers) as parallel:
            tasks = _tasks(corpus, scheduler, parallel)
            _warm_up(corpus, scheduler, parallel)
            spent = take_turns(tasks, dict.fromkeys(tasks, 1 if quick else ROUNDS))
        rates |= {(name, workers): corpus.megabytes / took for name, took in spent.items()}
    yield from _rows(rates)
    print_terabyte(corpus, rates)


def _tasks(corpus: Corpus, scheduler: str, parallel: Parallel) -> dict[str, Callable[[], Any]]:
    counts, hashes = ours.CountVectorizer(), ours.HashingVectorizer()
    out = corpus.folder
    tasks = {
        "counts": functools.partial(ours_to_shards, counts, corpus, scheduler, out / "counts"),
        "hashing": functools.partial(ours_to_shards, hashes, corpus, scheduler, out / "hashing"),
        "counts by joblib": functools.partial(counts_by_joblib, parallel, corpus, out / "theirs"),
        "hashing by joblib": functools.partial(hashes_by_joblib, parallel, corpus, out / "theirs"),
    }
    if has_dask_ml():
        tasks["counts by dask-ml"] = functools.partial(
            counts_by_dask_ml, scheduler, corpus, out / "theirs"
        )
    return tasks


def _warm_up(corpus: Corpus, scheduler: str, parallel: Parallel) -> None:
    """Let every process load what it needs, on a hundredth of the text."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for path in corpus.files:
            part = Path(folder) / path.name
            with path.open("rb") as source:
                part.write_bytes(b"".join(source.readlines(corpus.n_bytes // N_FILES // 100)))
            files.append(part)
        small = Corpus(Path(folder), files, sum(path.stat().st_size for path in files))
        for task in _tasks(small, scheduler, parallel).values():
            task()


PEERS = {
    "counts": [
        ("counts by joblib", "scikit-learn's CountVectorizer with joblib"),
        ("counts by dask-ml", "dask-ml's CountVectorizer"),
    ],
    "hashing": [("hashing by joblib", "scikit-learn's HashingVectorizer with joblib")],
}


def _rows(rates: dict[tuple[str, int], float]) -> Iterator[Row]:
    machine = machine_name()
    for name, peers in PEERS.items():
        for peer, said in peers:
            for workers in WORKERS:
                mine, other = rates[name, workers], rates.get((peer, workers), 0.0)
                said_now = said if other else f"{said} (not installed)"
                yield Row(
                    f"{name}, {workers} workers", "scaling: text", mine, said_now, other,
                    mine / other if other else 0.0, "MB/s", workers, machine,
                )  # fmt: skip
            if (peer, WORKERS[-1]) in rates:
                mine, other = (rates[n, 2] / rates[n, 1] for n in (name, peer))
                yield Row(
                    f"{name}, 2 workers over 1", "scaling: speed-up", mine, said, other,
                    mine / other, "times", 2, machine,
                )  # fmt: skip


def print_terabyte(corpus: Corpus, rates: dict[tuple[str, int], float]) -> None:
    """What a terabyte of such text would take at the rates measured."""
    out = read_manifest(corpus.folder / "counts")
    on_disk = sum((corpus.folder / "counts" / s["file"]).stat().st_size for s in out["shards"])
    one, two = rates["counts", 1], rates["counts", 2]
    hours = TERABYTE / (one * MEGABYTE) / 3600
    kept = two / (2 * one)
    needed = TERABYTE / (one * MEGABYTE) / DAY
    print(
        f"A terabyte at these rates: one worker of one thread does {one:.1f} MB/s from files to "
        f"counts on the disk, so it would take {hours:,.0f} hours, and {needed:.1f} workers' full "
        f"speed to be done in a day. Two workers on this machine keep {100 * kept:.0f} % of twice "
        "the rate of one; machines of their own do not share a disk and a memory, but the file "
        "system that all of them read from and write to has to keep up: the text is read twice, "
        f"and the shards take {on_disk / corpus.n_bytes:.2f} times its bytes. The vocabulary is "
        "merged as a tree whose last step one worker does alone; real text of that size has far "
        "more terms than the repeated reviews measured here, and min_df, max_features or the "
        "method hashing keep the model small."
    )


SECTIONS = ("scaling", "killed")


def run(sections: Sequence[str], size_mb: float, quick: bool, path: Path | None) -> list[str]:
    """Run sections over one corpus; names of those that failed."""
    from scale_killed import killed

    with tempfile.TemporaryDirectory(prefix="textrep-scale-") as folder:
        corpus = write_corpus(Path(folder), size_mb)
        print(f"{corpus.megabytes:,.0f} MB in {len(corpus.files)} files", flush=True)
        tasks = {
            "scaling": functools.partial(scaling, corpus, quick),
            "killed": functools.partial(killed, corpus, quick),
        }
        return run_sections("scale", {name: tasks[name] for name in sections}, path)


def main() -> None:
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--section", help="sections, with commas between (all)")
    extra.add_argument("--size", type=float, metavar="MB", help=f"of the text ({SIZE_MB})")
    options = parse_options(__doc__ or "", [extra])
    sections = options.section.split(",") if options.section else list(SECTIONS)
    if unknown := sorted(set(sections) - set(SECTIONS)):
        sys.exit(f"--section: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    size_mb = options.size or (QUICK_MB if options.quick else SIZE_MB)
    if failed := run(sections, size_mb, options.quick, options.json):
        sys.exit(f"scale: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
