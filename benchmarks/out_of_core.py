"""Text larger than memory through the vectorisers and Word2Vec: speed, memory, and the answer.

    python benchmarks/out_of_core.py [--size 5GB] [--only SECTION,...] [--data DIR] [--quick]
                                     [--json FILE]

Writes text of the given size into a temporary folder (``TMPDIR``), as parts of JSON Lines
compressed by gzip, whose vocabulary grows by Heaps' law (`endless_text.py`), and reads it in
processes of their own, whose peaks of resident memory are added up:

    stream      CountVectorizer.fit of a generator, then transform batch by batch to files
    vectorize   the command `textrep vectorize fit`, in one process with all cores
    word2vec    Word2Vec.fit of a generator: CBOW, 100 dimensions, one epoch, all cores

Each answer is checked: documents, words, and how often each of some 200 words stands in the text
and in how many documents, as Python's regular expressions count them while the text is written.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import scipy.sparse
from endless_text import Written, open_source, read_texts, write_text
from harness import Row, machine_name, parse_options, run_sections, seconds

from textrep import CountVectorizer, DataError, Word2Vec, load
from textrep.sparse.threads import available_cores

LIMIT_MB = 2000.0
"""Resident memory that all of it is to keep to."""

DEFAULT_SIZE, QUICK_SIZE = "5GB", "30MB"
UNITS = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
ROOM = 2.5  # bytes on disk for each byte of text: the parts, and matrices or numbered words
MIN_COUNT = 5
DOCUMENTS_AT_ONCE = 20_000
LOOK_SECONDS = 0.1


@dataclass
class Ran:
    """A command that has ended.

    Attributes
    ----------
    seconds : wall time
    peak : MB of resident memory at most, the peaks of all its processes added up
    printed : the last line of its standard output
    """

    seconds: float
    peak: float
    printed: str


def run_watched(command: list[str]) -> Ran:
    """Run a command and look at the memory of all its processes meanwhile."""
    peaks: dict[int, int] = {}
    with tempfile.TemporaryFile("w+") as out:
        begun = time.perf_counter()
        process = subprocess.Popen(command, stdout=out)
        while process.poll() is None:
            _look(process.pid, peaks)
            time.sleep(LOOK_SECONDS)
        spent = time.perf_counter() - begun
        out.seek(0)
        lines = out.read().splitlines()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Ran(spent, sum(peaks.values()) / 1e3, lines[-1] if lines else "")


def _look(pid: int, peaks: dict[int, int]) -> None:
    """Note the peak so far, kB, of a process and of all that it has started."""
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:  # it has ended
            continue
        if found := re.search(r"VmHWM:\s+(\d+) kB", status):
            peaks[process.pid] = max(peaks.get(process.pid, 0), int(found[1]))


class Bench:
    """A run over one text.

    Parameters
    ----------
    folder : Path
        Holds the parts and takes what is made of them.
    written : Written
        What they hold.
    """

    def __init__(self, folder: Path, written: Written) -> None:
        self.folder = folder
        self.written = written
        self.megabytes = written.n_bytes / 1e6
        self.machine = machine_name()
        self.reading = self.megabytes / seconds(lambda: sum(1 for _ in read_texts(folder)))

    def stream(self) -> Iterator[Row]:
        out = self.folder / "stream"
        out.mkdir()
        ran = self._child("stream", out)
        self._check_matrices(out / "model", sorted(out.glob("*.npz")))
        shutil.rmtree(out)
        yield from self._rows("CountVectorizer, generator", ran)

    def vectorize(self) -> Iterator[Row]:
        out = self.folder / "vectorized"
        pattern = str(self.folder / "part-*.jsonl.gz")
        ran = run_watched(
            [
                *(sys.executable, "-m", "textrep", "vectorize", "fit", pattern),
                *("--out", str(out), "--method", "counts", "--min-df", str(MIN_COUNT)),
                *("--text-column", "text", "--quiet"),
            ]
        )
        (model,) = out.glob("*.textrep")
        self._check_matrices(model, sorted(out.rglob("*.npz")))
        shutil.rmtree(out)
        yield from self._rows("textrep vectorize fit", ran)

    def word2vec(self) -> Iterator[Row]:
        sample = self.folder / "sample.json"
        sample.write_text(json.dumps(sorted(self.written.occurrences)))
        ran = self._child("word2vec", sample)
        found = json.loads(ran.printed)
        expected = {w: n for w, n in self.written.occurrences.items() if n >= MIN_COUNT}
        assert found["n_documents"] == self.written.n_documents, found["n_documents"]
        assert {w: n for w, n in found["counts"].items() if n} == expected
        assert np.isfinite(found["loss"])
        print(f"word2vec: {found['n_words']:,} words, {found['vocabulary']:,} different ones kept")
        yield from self._rows("Word2Vec, CBOW, one epoch", ran)

    def _child(self, section: str, path: Path) -> Ran:
        """A section in a process of its own, which gets the folder of the text and a path."""
        command = [sys.executable, __file__, "--peak", section, str(self.folder), str(path)]
        return run_watched(command)

    def _check_matrices(self, model: Path, shards: list[Path]) -> None:
        """Compare the sampled words with what was counted as they were written."""
        columns = load(model).vocabulary_
        written = self.written
        kept = [word for word, n in written.documents.items() if n >= MIN_COUNT]
        assert {word for word in written.documents if word in columns} == set(kept)
        places = [columns[word] for word in kept]
        occurrences, documents, n_rows = np.zeros(len(kept)), np.zeros(len(kept)), 0
        for shard in shards:
            matrix = scipy.sparse.load_npz(shard).tocsc()[:, places]
            occurrences += np.asarray(matrix.sum(axis=0)).ravel()
            documents += np.diff(matrix.indptr)
            n_rows += matrix.shape[0]
        assert n_rows == written.n_documents, (n_rows, written.n_documents)
        assert occurrences.tolist() == [written.occurrences[word] for word in kept]
        assert documents.tolist() == [written.documents[word] for word in kept]
        print(f"{len(shards)} matrices, {len(columns):,} words kept, {len(kept)} checked")

    def _rows(self, name: str, ran: Ran) -> Iterator[Row]:
        name = f"{name}, {self.megabytes / 1000:.3g} GB"
        rate = self.megabytes / ran.seconds
        cores = available_cores()
        yield Row(
            name, "peak of resident memory", ran.peak, "the limit", LIMIT_MB, LIMIT_MB / ran.peak,
            "MB", cores, self.machine,
        )  # fmt: skip
        yield Row(
            name, "speed", rate, "reading the parts alone", self.reading, rate / self.reading,
            "MB/s", cores, self.machine,
        )  # fmt: skip
        if ran.peak > LIMIT_MB:
            print(f"{name}: {ran.peak:.0f} MB is more than the limit of {LIMIT_MB:.0f} MB")


# ---- the measured processes


def run_stream(folder: Path, out: Path) -> None:
    """Fit, and write a matrix for each run of documents."""
    vectorizer = CountVectorizer(min_df=MIN_COUNT, dtype=np.int32).fit(read_texts(folder))
    vectorizer.save(out / "model")
    texts = read_texts(folder)
    batches = iter(lambda: list(itertools.islice(texts, DOCUMENTS_AT_ONCE)), [])
    for i, batch in enumerate(batches):
        path = out / f"{i:06}.npz"
        scipy.sparse.save_npz(path, vectorizer.transform(batch), compressed=False)


def run_word2vec(folder: Path, sample: Path) -> dict[str, Any]:
    """Train, and say what was seen of the sampled words."""
    model = Word2Vec(algorithm="cbow", epochs=1, min_count=MIN_COUNT, random_state=0)
    model.fit(read_texts(folder))
    vectors = model.vectors_
    counts = dict(zip(vectors.words, vectors.counts.tolist(), strict=True))
    return {
        "n_documents": model.n_documents_,
        "n_words": model.n_words_trained_,
        "vocabulary": len(vectors),
        "counts": {word: counts.get(word, 0) for word in json.loads(sample.read_text())},
        "loss": model.loss_history_[0],
    }


CHILDREN: dict[str, Callable[[Path, Path], Any]] = {
    "stream": run_stream,
    "word2vec": run_word2vec,
}
SECTIONS = ("stream", "vectorize", "word2vec")


def bytes_of(text: str) -> int:
    """A size such as 5GB or 30MB."""
    found = re.fullmatch(r"([0-9.]+)\s*([KMGT]B)", text.upper())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 5GB or 30MB")
    return int(float(found[1]) * UNITS[found[2]])


def check_room(folder: Path, size: int) -> None:
    """Stop when the disk is too small."""
    free = shutil.disk_usage(folder).free
    needed = int(ROOM * size)
    if free < needed:
        sys.exit(
            f"out_of_core.py: {folder} has {free / 1e9:.1f} GB free, and {needed / 1e9:.1f} GB are "
            f"needed for a text of {size / 1e9:.1f} GB; name another folder in TMPDIR"
        )


def main() -> None:
    """Write the text and run the sections."""
    if sys.argv[1:2] == ["--peak"]:
        print(json.dumps(CHILDREN[sys.argv[2]](*map(Path, sys.argv[3:]))))
        return
    extra = argparse.ArgumentParser(add_help=False)
    extra.add_argument("--size", type=bytes_of, help=f"of the text (default: {DEFAULT_SIZE})")
    extra.add_argument("--only", help=f"sections, with commas between, of {', '.join(SECTIONS)}")
    options = parse_options(__doc__ or "", [extra])
    size = options.size or bytes_of(QUICK_SIZE if options.quick else DEFAULT_SIZE)
    chosen = options.only.split(",") if options.only else list(SECTIONS)
    if unknown := sorted(set(chosen) - set(SECTIONS)):
        sys.exit(f"--only: no section {unknown[0]!r}; there are {', '.join(SECTIONS)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_room(folder, size)
        try:
            source = open_source(size)
        except DataError as error:
            sys.exit(f"out_of_core.py: {error}")
        written = write_text(source, folder, size, available_cores())
        growth = source.growth
        print(
            f"{written.n_bytes:,} bytes, {written.n_documents:,} documents, {written.n_words:,} "
            f"words; Heaps' law: {growth.k:.1f} n ** {growth.beta:.3f}, here "
            f"{growth.distinct(written.n_words):,.0f} different words"
        )
        del source
        bench = Bench(folder, written)
        failed = run_sections(
            "out of core", {section: getattr(bench, section) for section in chosen}, options.json
        )
    if failed:
        sys.exit(f"out_of_core.py: {', '.join(failed)} failed")


if __name__ == "__main__":
    main()
