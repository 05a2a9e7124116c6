"""Pixels: what reads images, and what makes them."""

from textrep.core.lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Autoencoder": "autoencoder.autoencoder",
        "CycleGAN": "cycle_gan",
        "Diffusion": "diffusion",
        "GAN": "gan",
        "PictureSet": "datasets",
        "ResNetClassifier": "classifiers",
        "StyleTransfer": "style_transfer",
        "TextToImage": "text_to_image",
        "VAE": "vae.vae",
        "VisionLanguageModel": "vision_language",
        "VisionTransformerClassifier": "classifiers",
        "check_images": "pictures",
        "check_pictures": "pixels",
        "filters": "grids",
        "grid": "grids",
        "latent_map": "grids",
        "load_pictures": "datasets",
        "read_image": "pictures",
        "resize_pictures": "pixels",
        "save_grid": "grids",
        "to_pil": "pixels",
    },
)
