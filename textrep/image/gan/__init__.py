"""Generative adversarial networks: a generator and a critic that learn from each other."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Critic": "dcgan",
        "DCGenerator": "dcgan",
        "GAN": "gan",
        "GANModule": "task",
        "GANTask": "task",
        "Game": "task",
        "LOSSES": "losses",
        "PictureAttention": "attention",
        "StyleGenerator": "style_networks",
        "adversarial_loss": "losses",
        "checkerboard_share": "checkerboard",
        "gradient_penalty": "penalties",
        "squared_gradient": "penalties",
    },
)
