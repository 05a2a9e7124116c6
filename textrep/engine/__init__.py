"""The torch layer: device, precision, random numbers, batches, the one training loop, checkpoints,
several processes.
"""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Batches": "batches",
        "LengthBatches": "batches",
        "LossSum": "loss",
        "Outcome": "loop",
        "ParameterGroup": "task",
        "Share": "batches",
        "StreamBatch": "streams",
        "StreamBatches": "streams",
        "Task": "task",
        "TorchEstimator": "estimator",
        "TrainingSettings": "settings",
        "apply_in_batches": "inference",
        "choose_device": "device",
        "choose_precision": "device",
        "evaluate": "evaluation",
        "pad": "batches",
        "plot_history": "history_plot",
        "save_history_plot": "history_plot",
        "seed_of": "seeding",
        "torch_seed": "seeding",
        "train": "loop",
    },
)
