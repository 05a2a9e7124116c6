"""A folder of shards that is being filled: its blocks, and the tasks that are left to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textrep.core.progress import progress
from textrep.data.readers.blocks import Block
from textrep.sparse.sharded.running import Runner
from textrep.sparse.sharded.tasks import Work, part_name, read_report

_MEGABYTE = 1e6


class Job:
    """A folder that is being filled.

    Parameters
    ----------
    work : Work
    blocks : sequence of Block
    runner : Runner
    verbose : int
    """

    def __init__(self, work: Work, blocks: Sequence[Block], runner: Runner, verbose: int) -> None:
        self.work = work
        self.blocks = blocks
        self.runner = runner
        self.verbose = verbose

    def over_blocks(
        self, task: Callable[..., dict[str, Any]], reports: str, description: str
    ) -> list[dict[str, Any]]:
        """Run a task over the blocks that have no report yet.

        Parameters
        ----------
        task : callable
            Takes the work, the number of a block and the block; gives its report.
        reports : str
            Folder of the reports, made if it is not there.
        description : str
            What the progress bar says.

        Returns
        -------
        list of dict
            The reports of all blocks, in their order.
        """
        folder = self.work.folder / reports
        folder.mkdir(exist_ok=True)
        found = [read_report(folder / part_name(number)) for number in range(len(self.blocks))]
        waiting = [number for number, report in enumerate(found) if report is None]
        calls = [(self.work, number, self.blocks[number]) for number in waiting]
        bar: Any = progress(
            total=sum(block.n_bytes for block in self.blocks) / _MEGABYTE,
            description=description,
            verbose=self.verbose,
            unit="MB",
        )
        with bar:
            done = (b.n_bytes for b, r in zip(self.blocks, found, strict=True) if r is not None)
            bar.update(sum(done) / _MEGABYTE)
            for at, report in self.runner.run(task, calls):
                found[waiting[at]] = report
                bar.update(self.blocks[waiting[at]].n_bytes / _MEGABYTE)
        return [report for report in found if report is not None]
