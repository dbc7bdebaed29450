"""Restore a picture by an exported model, without TensorFlow and without this project.

    inpaint export model.onnx
    python examples/restore_onnx.py model.onnx photo.png mask.png restored.png

It needs NumPy, Pillow, scikit-image and onnxruntime. White is missing in the mask. The network sees
the whole picture, so this is for some megapixels, and for holes that are no deeper than those of
the training; `inpaint restore` looks around the holes alone, and fills deep ones coarse to fine.
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image
from skimage.restoration import inpaint_biharmonic


def main(model: str, picture: str, mask: str, output: str) -> None:
    session = onnxruntime.InferenceSession(model)
    channels = {each.name: each.shape[-1] for each in session.get_inputs()}["image"]
    image = np.asarray(Image.open(picture).convert("L" if channels == 1 else "RGB"))
    image = image.reshape(*image.shape[:2], channels)
    hole = np.asarray(Image.open(mask).convert("L")) >= 128
    known = np.where(hole[..., None], 0, image) / 255
    filled = inpaint_biharmonic(known, hole, split_into_regions=True, channel_axis=-1)
    inputs = {"image": np.rint(filled * 255) / 127.5 - 1, "hole": hole[..., None]}
    batch = {name: value[None].astype(np.float32) for name, value in inputs.items()}
    predicted = np.clip(np.rint((session.run(None, batch)[0][0] + 1) * 127.5), 0, 255)
    restored = np.where(hole[..., None], predicted, image).astype(np.uint8)
    Image.fromarray(restored.squeeze()).save(output)


if __name__ == "__main__":
    main(*sys.argv[1:])
