"""CycleGAN: pictures of one kind to pictures of another and back, learnt without pairs."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "CycleGAN": "cycle_gan",
        "CycleGANModule": "task",
        "CycleGANTask": "task",
        "PatchCritic": "patch_critic",
        "ResNetGenerator": "generators",
        "UNetGenerator": "generators",
        "UnpairedBatches": "unpaired",
        "pool_query": "image_pool",
    },
)
