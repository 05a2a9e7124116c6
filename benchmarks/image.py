"""Pictures: each figure beside its peer, a published one, or the floor of real pictures.

    python benchmarks/image.py --data DIR [--quick] [--json FILE] [--device cuda]
                               [--only SECTION,...] [--pictures DIR]

    reconstruction  squared error of MNIST from 30 numbers: components, deep autoencoder
    plane           the same from 2 numbers, and the map of codes
    denoising       30 % of the pixels masked; filters at 0 % and 30 %
    gradients       the gradient by layer in deep nets: what makes it vanish, and what cures that
    vae             likelihood of binarised MNIST by importance sampling, 2 to 20 numbers
    autoencoders    pictures a second in training beside a plain loop of torch
    gan             losses and architectures: distance, precision, recall, digits
    cyclegan        paintings and photographs
    style           a photograph in the manner of a painting
    classifiers     residual network and Transformer of patches
    diffusion       latent diffusion beside the others; classes that were asked for
    text            text to image

Each section prints its table and writes the rows so far to the JSON file as it ends; one that fails
says why, the others go on, and the exit code is 1. Pictures to look at go to the folder of
--pictures. What a section measures, and against what, is told at the top of the file that it is in.
"""

from __future__ import annotations

from room import run_room

# Section -> file and generator in it.
SECTIONS = {
    "reconstruction": ("image_autoencoders", "reconstruction"),
    "plane": ("image_autoencoders", "plane"),
    "denoising": ("image_autoencoders", "denoising"),
    "gradients": ("image_autoencoders", "gradients"),
    "vae": ("image_likelihood", "vae"),
    "autoencoders": ("image_likelihood", "throughput"),
    "gan": ("image_adversarial", "gan"),
    "cyclegan": ("image_adversarial", "cyclegan"),
    "style": ("image_adversarial", "style"),
    "classifiers": ("image_diffusion", "classifiers"),
    "diffusion": ("image_diffusion", "diffusion"),
    "text": ("image_diffusion", "text"),
}

if __name__ == "__main__":
    run_room("image", __doc__ or "", SECTIONS, "mnist")
