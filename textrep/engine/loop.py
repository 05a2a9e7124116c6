"""The one training loop: text, images and music alike."""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from textrep.core.progress import Progress, progress
from textrep.engine.averaging import MovingAverage, RecentAverage
from textrep.engine.batches import Batches
from textrep.engine.checkpoint import Checkpoint, Place, Tensors
from textrep.engine.device import autocast, choose_device, choose_precision, to_device
from textrep.engine.evaluation import Sums, evaluate_here
from textrep.engine.interruption import Interruption, held_back
from textrep.engine.memory import memory_kept
from textrep.engine.optimizers import (
    get_optimizer_state,
    make_optimizer,
    set_optimizer_state,
    set_rate,
    thaw,
)
from textrep.engine.processes import Processes
from textrep.engine.schedules import learning_rate_factor
from textrep.engine.seeding import get_state, set_state, torch_seed
from textrep.engine.settings import TrainingSettings
from textrep.engine.task import Task

_CHECK_STEPS = 50  # between two looks at whether the loss is finite, which wait for a GPU


@dataclass
class Outcome:
    """What training came to.

    Attributes
    ----------
    history : list of dict of str to float
        One entry for each evaluation: ``epoch`` (epochs done), ``step``, ``learning_rate``,
        ``seconds``, the means of ``loss`` and of the task's measures since the entry before, and
        with validation data the same of those as ``validation_loss`` and so on. Of a task with
        several phases, the names of losses and measures begin with the phase.
    n_epochs : int
        Epochs begun.
    n_steps : int
    stopped_early : bool
        Whether `patience` or `max_seconds` ended it.
    out_of_time : bool
        Whether it was `max_seconds`.
    seconds : float
        Wall time, that before an interruption included.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    n_epochs: int = 0
    n_steps: int = 0
    stopped_early: bool = False
    out_of_time: bool = False
    seconds: float = 0.0


def train(
    task: Task,
    batches: Batches,
    settings: TrainingSettings,
    *,
    validation: Batches | None = None,
    device: str = "auto",
    precision: str = "auto",
    seed: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    identity: Mapping[str, Any] | None = None,
    verbose: int = 0,
    description: str = "Training",
    unit: str = "tokens",
) -> Outcome:
    """Train a task in place.

    Parameters
    ----------
    task : Task
        Ends on the CPU, in evaluation mode, with its best state by validation, or its average, or
        its last.
    batches : Batches
        To train on.
    settings : TrainingSettings
    validation : Batches, optional
        To evaluate on, `evaluations_per_epoch` times an epoch.
    device, precision : str
        See `choose_device` and `choose_precision`.
    seed : int
        Of dropout and whatever else draws from torch; torch's global state is not changed.
    checkpoint : path, optional
        File to keep interrupted training in, and to take it up from.
    identity : mapping, optional
        JSON values that tell this training from others, for `checkpoint`.
    verbose : int
        1 shows a bar.
    description, unit : str
        What the bar says.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        When there are no batches.
    FloatingPointError
        When the loss is not finite.
    KeyboardInterrupt
        Passed on after the checkpoint, if there is one, has been written.
    PersistError
        When the checkpoint is damaged or of another training, or several processes have none of the
        same step.
    """
    processes = Processes(choose_device(device))
    device_here = processes.device
    saved = None
    if checkpoint is not None:
        # What is left of a time limit differs from one call to the next.
        untimed = repr(replace(settings, max_seconds=None))
        identity = {"settings": untimed, "seed": seed, **(identity or {})}
        if not processes.alone:  # what each carries belongs to its share
            identity["processes"] = processes.share.parts
        saved = Checkpoint(checkpoint, identity, processes)
    task.to(device_here)
    processes.copy_from_main([*task.parameters(), *task.buffers()])
    # Dropout differs between processes, as between the rows that they have.
    with (
        torch_seed(seed + processes.share.part, device_here),
        memory_kept(device_here),
        held_back(saved is not None) as held,
    ):
        run = _Run(
            task,
            batches,
            settings,
            validation,
            processes,
            choose_precision(precision, device_here),
            saved,
            held,
        )
        try:
            outcome = run.all_epochs(verbose, description, unit)
        finally:
            run.tidy()
    if saved is not None:
        saved.remove()
    return outcome


class _Run:
    """Training under way."""

    def __init__(
        self,
        task: Task,
        batches: Batches,
        settings: TrainingSettings,
        validation: Batches | None,
        processes: Processes,
        precision: str,
        checkpoint: Checkpoint | None,
        held: Interruption,
    ) -> None:
        self._task = task
        self._batches = batches
        self._settings = settings
        self._validation = validation
        self._processes = processes
        self._precision = precision
        self._checkpoint = checkpoint
        self._held = held
        self._trainable = {p: p.requires_grad for p in task.parameters()}
        self._all = list(task.parameters())
        self._groups = {phase: task.groups(phase) for phase in task.phases}
        self._optimizers = {
            phase: make_optimizer(groups, settings) for phase, groups in self._groups.items()
        }
        self._parameters = {
            phase: [p for group in optimizer.param_groups for p in group["params"]]
            for phase, optimizer in self._optimizers.items()
        }
        self._average = None
        if settings.ema_decay is not None:
            self._average = MovingAverage(list(task.parameters()), settings.ema_decay)
        self._recent = None
        if settings.average_last is not None:
            self._recent = RecentAverage(list(task.parameters()), settings.average_last)
        self._best: dict[str, torch.Tensor] = {}
        self._place = Place()
        self._sums = Sums()
        self._rate = 0.0
        self._steps_per_epoch = 0
        if checkpoint is not None:
            self._resume(checkpoint)
        self._started = time.monotonic() - self._place.seconds

    # ---- epochs and steps

    def all_epochs(self, verbose: int, description: str, unit: str) -> Outcome:
        """Train, and say what it came to."""
        first = self._plan(0)
        if not first:
            raise ValueError("there is nothing to train on: the batches have no items")
        self._steps_per_epoch = len(first)
        per_epoch = sum(self._size(step) for step in first)
        stopped = self._is_worn_out()  # when interrupted in the last step of all
        bar: Progress[None] = progress(
            total=float(per_epoch * self._settings.epochs),
            description=description,
            verbose=verbose if self._processes.is_main else 0,
            unit=unit,
        )
        with bar:
            bar.update(self._done_share() * per_epoch)
            while self._place.epoch < self._settings.epochs and not stopped:
                stopped = self._epoch(bar, description)
        place = self._place
        n_epochs = place.epoch + (place.step_in_epoch > 0)
        stopped = stopped and place.epoch < self._settings.epochs
        out_of_time = stopped and not self._is_worn_out()
        seconds = self._elapsed()
        return Outcome(place.history, n_epochs, place.step, stopped, out_of_time, seconds)

    def _plan(self, epoch: int) -> list[list[Any]]:
        """The batches of each step of an epoch."""
        specs = self._batches.plan(epoch)
        k = self._settings.accumulate
        return [specs[i : i + k] for i in range(0, len(specs), k)]

    def _size(self, step: Sequence[Any]) -> int:
        return sum(self._batches.size(spec) for spec in step)

    def _done_share(self) -> float:
        """Epochs done, with the part of the one under way."""
        return self._place.epoch + self._place.step_in_epoch / max(self._steps_per_epoch, 1)

    def _epoch(self, bar: Progress[None], description: str) -> bool:
        """The rest of an epoch; True when training is to end."""
        place, task = self._place, self._task
        for groups in self._groups.values():
            thaw(groups, place.epoch)
        task.train()
        task.begin_epoch(place.epoch)
        steps = self._plan(place.epoch)
        stops = self._evaluation_points(len(steps))
        while True:
            bar.update(0, description=self._label(description))
            batches = steps[place.step_in_epoch]
            over_time = self._step(batches, (place.epoch + place.step_in_epoch / len(steps)))
            bar.update(self._size(batches))
            place.step += 1
            place.step_in_epoch += 1
            ended = place.step_in_epoch == len(steps)
            if over_time or ended or place.step_in_epoch in stops:
                share = place.epoch + place.step_in_epoch / len(steps)
                if self._look(share) or over_time:
                    if ended:
                        place.next_epoch()
                    self._save_where_due(False)
                    return True
            if ended:
                place.next_epoch()
            self._save_where_due(ended)
            if ended:
                break
        return False

    def _evaluation_points(self, n_steps: int) -> set[int]:
        """Steps of an epoch after which the history gets an entry."""
        n = self._settings.evaluations_per_epoch
        return {math.ceil(n_steps * i / n) for i in range(1, n + 1)}

    def _label(self, description: str) -> str:
        label = f"{description}, epoch {self._place.epoch + 1}/{self._settings.epochs}"
        if self._place.history:
            last = self._place.history[-1]
            for name in ("loss", "validation_loss"):
                if name in last:
                    label += f", {name.replace('_', ' ')} {last[name]:.4f}"
        return label

    def _step(self, specs: Sequence[Any], epochs_done: float) -> bool:
        """One step of each phase; True when the time is over."""
        over_time = False
        read = [self._batches.read(spec, self._processes.share) for spec in specs]
        batches = [to_device(batch, self._processes.device) for batch in read if batch is not None]
        for phase in self._task.phases:
            if self._task.takes_turn(phase, self._place.step):
                over_time |= self._step_phase(phase, batches, epochs_done)
        if self._average is not None:
            self._average.update(self._place.step)
        if self._place.step % _CHECK_STEPS == 0:
            self._check_finite({"step": self._place.step, **self._sums.numbers()})
        return over_time

    def _step_phase(self, phase: str, batches: Sequence[Any], epochs_done: float) -> bool:
        optimizer, parameters = self._optimizers[phase], self._parameters[phase]
        for parameter in self._all:
            parameter.grad = None
        count: float | torch.Tensor = 0.0
        for batch in batches:
            with autocast(self._processes.device, self._precision):
                loss = self._task.loss(phase, batch)
            loss.total.backward()
            count = count + loss.count
            self._sums.add(loss, self._prefix(phase))
        count, elapsed = self._processes.sum_gradients(
            parameters, count, self._elapsed() if self._processes.is_main else 0.0
        )
        gradients = [p.grad for p in parameters if p.grad is not None]
        if count and gradients:
            # Here and not in the loss: the count of the whole step is known only now.
            torch._foreach_div_(gradients, float(count))
            if self._settings.max_grad_norm is not None:
                torch.nn.utils.clip_grad_norm_(parameters, self._settings.max_grad_norm)
            self._rate = self._settings.learning_rate * self._factor(epochs_done, elapsed)
            set_rate(optimizer, self._rate)
            optimizer.step()
        limit = self._settings.max_seconds
        return limit is not None and elapsed >= limit

    def _prefix(self, phase: str) -> str:
        return "" if len(self._task.phases) == 1 else f"{phase}_"

    def _factor(self, epochs_done: float, elapsed: float) -> float:
        settings = self._settings
        n_steps = self._steps_per_epoch * settings.epochs
        share = epochs_done / settings.epochs
        if settings.max_seconds is not None:
            by_time = min(1.0, elapsed / settings.max_seconds)
            # Less than a step ahead does not count, as at the first step it always is: training
            # that is in good time goes the same way each time.
            share = by_time if (by_time - share) * n_steps > 1 else share
        # Rounded where it is a whole number but for the last bits.
        step = round(share * n_steps, 6)
        return learning_rate_factor(settings.schedule, step, n_steps, settings.warmup)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    # ---- history, validation, early stop

    def _look(self, epochs_done: float) -> bool:
        """Add an entry to the history; True when patience is at its end."""
        place = self._place
        # Such as the means of batch normalisation, which each process has of its own rows.
        self._processes.copy_from_main(list(self._task.buffers()))
        entry: dict[str, float] = {"epoch": epochs_done, "step": place.step}
        for phase in self._task.phases:
            prefix = self._prefix(phase)
            means = self._sums.means(self._processes, prefix)
            entry.update({prefix + name: mean for name, mean in means.items()})
        self._sums = Sums()
        entry.update(learning_rate=self._rate, seconds=self._elapsed())
        self._check_finite(entry)
        if self._recent is not None:
            self._recent.take(len(place.history) + 1)
        worn_out = self._validate(entry) if self._validation is not None else False
        place.history.append(entry)
        return worn_out

    def _check_finite(self, entry: Mapping[str, float]) -> None:
        for name, value in entry.items():
            if name.endswith("loss") and not math.isfinite(value):
                raise FloatingPointError(
                    f"the {name.replace('_', ' ')} is {value} after {entry['step']:.0f} steps: the "
                    "learning rate is too high for this; try a tenth of it, or max_grad_norm=1"
                )

    def _validate(self, entry: dict[str, float]) -> bool:
        assert self._validation is not None
        place = self._place
        with self._averaged():
            found = evaluate_here(
                self._task,
                self._validation,
                self._processes,
                self._precision,
                self._task.phases[0],
            )
            entry.update({f"validation_{name}": value for name, value in found.items()})
            self._check_finite(entry)
            if place.best_loss is None or found["loss"] < place.best_loss:
                place.best_loss, place.since_best = found["loss"], 0
                self._best = {
                    k: v.detach().cpu().clone() for k, v in self._task.state_dict().items()
                }
                return False
        place.since_best += 1
        return self._is_worn_out()

    def _is_worn_out(self) -> bool:
        patience = self._settings.patience
        return patience is not None and self._place.since_best >= patience

    def _averaged(self) -> contextlib.AbstractContextManager[None]:
        average = self._average or self._recent
        return contextlib.nullcontext() if average is None else average.applied()

    # ---- checkpoints

    def _save_where_due(self, epoch_ended: bool) -> None:
        """Save after an epoch, once a while in between, and when the user wants to end."""
        if self._checkpoint is None:
            return
        wish = 2.0 if self._held.asked else float(epoch_ended or self._checkpoint.is_due())
        # All processes do the same at the same step.
        wish = self._processes.of_main(wish)
        if wish:
            self._save(self._checkpoint)
        if wish > 1:
            raise KeyboardInterrupt

    def _save(self, checkpoint: Checkpoint) -> None:
        self._place.seconds = self._elapsed()
        self._place.sums = self._sums.numbers()
        self._check_finite({"step": self._place.step, **self._place.sums})
        tensors: Tensors = {
            "model": self._task.state_dict(),
            "best": self._best,
            "carried": self._task.carried,
            "random": get_state(self._processes.device),
        }
        for phase, optimizer in self._optimizers.items():
            tensors[f"optimizer-{phase}"] = get_optimizer_state(optimizer)
        if self._average is not None:
            tensors["average"] = {str(i): a for i, a in enumerate(self._average.averages)}
        if self._recent is not None:
            tensors["recent"] = self._recent.state()
        checkpoint.save(self._place, tensors)

    def _resume(self, checkpoint: Checkpoint) -> None:
        held = checkpoint.resume()
        if held is None:
            return
        place, tensors = held
        device = self._processes.device
        try:
            self._task.load_state_dict(tensors["model"])
            for phase, optimizer in self._optimizers.items():
                set_optimizer_state(optimizer, tensors.get(f"optimizer-{phase}", {}))
            if self._average is not None:
                for i, average in enumerate(self._average.averages):
                    average.copy_(tensors["average"][str(i)])
            if self._recent is not None:
                self._recent.restore(tensors.get("recent", {}))
            set_state(tensors["random"], device)
        except (KeyError, RuntimeError, ValueError) as error:
            checkpoint.damaged(error)
        self._best = tensors.get("best", {})
        self._task.carried = {k: v.to(device) for k, v in tensors.get("carried", {}).items()}
        self._place, self._sums = place, Sums(place.sums)

    # ---- the end

    def tidy(self) -> None:
        """Leave the task as promised; on an interruption too, with what it has learnt so far."""
        for parameter, trainable in self._trainable.items():
            parameter.requires_grad_(trainable)
        self._task.zero_grad(set_to_none=True)
        if self._best:
            self._task.load_state_dict(self._best)
        elif self._average is not None and self._place.step:
            with torch.no_grad():
                for p, average in zip(self._task.parameters(), self._average.averages, strict=True):
                    p.copy_(average)
        elif self._recent is not None and self._recent.taken:
            self._recent.apply()
        self._task.carried = {}
        self._task.to("cpu")
        self._task.eval()
