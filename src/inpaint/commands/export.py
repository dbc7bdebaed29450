"""`inpaint export OUTPUT`: a network as ONNX, for programs without TensorFlow."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from inpaint.base.errors import InputError, StageError
from inpaint.base.files import atomic
from inpaint.terminal.console import console
from inpaint.terminal.quiet import without_greetings
from inpaint.tracking.registry.choice import find, of_package

if TYPE_CHECKING:
    from inpaint.restoring.serving import Inpainter

_TOLERANCE = 1e-4  # on [-1, 1]: a hundredth of a grey level
_TRIED = (2, 52, 40)  # images, rows, columns


def run(root: Path, output: Path, *, model: str | None, grey: bool, force: bool) -> int:
    if output.exists() and not force:
        raise InputError(f"{output} is there already: --force replaces it")
    if model is not None and grey:
        raise InputError("--grey: allowed for the package's models, not with --model")
    name, network = find(root, model) if model else of_package(1 if grey else 3)
    try:
        with console().status("Exporting ..."), without_greetings(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of Keras, about tf2onnx
            with atomic(output) as temporary:
                network.export(temporary)
                difference = _difference(network, temporary)
                if difference > _TOLERANCE:
                    raise StageError(
                        f"{output} would differ from the Keras network by {difference:.1e}"
                    )
    except ImportError as error:
        raise InputError(
            f"inpaint export needs the extra `onnx`: pip install 'inpaint[onnx]' ({error})"
        ) from None
    console().print(
        f"{output} is {name}, {output.stat().st_size / 1e6:.1f} MB; by ONNX Runtime, its output "
        f"differs from Keras's by {difference:.0e} at most"
    )
    return 0


def _difference(network: "Inpainter", path: Path) -> float:
    """How much the output of an exported network differs from its own, at most, on noise.

    Raises:
        ImportError: ONNX Runtime is not installed.
    """
    import onnxruntime

    rng = np.random.default_rng(0)
    noise = {
        name: rng.uniform(-1, 1, (*_TRIED, channels)).astype(np.float32)
        for name, channels in network.inputs.items()
    }
    [output] = onnxruntime.InferenceSession(path).run(None, noise)
    return float(np.abs(output - network.predict(noise)).max())
