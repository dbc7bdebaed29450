"""Commands on people's own pictures: what needs no project."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from inpaint.commands.launch import exit_codes, launch_command

_HEADING = "Pictures"

Method = Literal["model", "biharmonic", "telea", "navier-stokes"]
Engine = Literal["plain", "ray"]
Format = Literal["png", "jpeg", "webp", "tiff"]
_Model = Annotated[
    str | None,
    typer.Option(help="models:/NAME@ALIAS, models:/NAME/VERSION, a RUN, or a .keras file."),
]

app = typer.Typer()


@app.command(rich_help_panel=_HEADING)
def restore(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Files, or folders of files.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A file, or a folder.")],
    mask: Annotated[
        Path | None,
        typer.Option(
            "--mask", "-m", metavar="PATH", help="A file, a folder of files by name, or `alpha`."
        ),
    ] = None,
    center: Annotated[
        int | None, typer.Option(metavar="SIZE", help="A square in the middle is missing.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="ROW,COLUMN,HEIGHT,WIDTH", help="A rectangle, in pixels, is missing."),
    ] = None,
    color: Annotated[
        str | None,
        typer.Option(metavar="FF00FF", help="What is painted over in this colour is missing."),
    ] = None,
    invert: Annotated[bool, typer.Option("--invert", help="Black is missing in masks.")] = False,
    method: Annotated[Method, typer.Option(help="The others need no model.")] = "model",
    model: _Model = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Undamaged, to score the result: a file, or a folder."),
    ] = None,
    file_format: Annotated[
        Format | None,
        typer.Option("--format", help="Of the files in a folder; JPEG loses something."),
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Also write NAME.compare.png: before, mask, after.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
    engine: Annotated[
        Engine, typer.Option(help="`ray`: by all cores, or a cluster; needs the extra `ray`.")
    ] = "plain",
) -> None:
    """Fill the holes of pictures, of any size, anywhere: no project is needed.

    What is missing is white in the mask, from 128 of 255 on, which is a picture of the same size;
    `--mask alpha` takes what is transparent. Known pixels come back bit for bit, and a picture
    keeps its size, mode, depth, format and profile. Only JPEG becomes PNG, unless it is asked for.

    The model is the project's champion where that fits the picture, else one for photographs that
    comes with the package. Of a folder, what was done before is not done again. Parquet files
    have pictures in a column `picture`, and their masks in `mask`.

    \b
    Examples:
      inpaint restore photo.jpg --mask mask.png --output restored.png
      inpaint restore scans/ --mask masks/ --output restored/
      inpaint restore photo.png --color FF00FF --output restored.png --compare
      inpaint restore scans.parquet --mask scans.parquet --output restored/ --engine ray
    """
    from inpaint.data.pictures.masks import Missing

    with exit_codes() as code:
        code.value = launch_command(
            "restore",
            images,
            root=Path.cwd(),
            output=output,
            missing=Missing(mask, center, box, color, invert),
            method=method,
            model=model,
            reference=reference,
            file_format=file_format and file_format.upper(),
            compare=compare,
            force=force,
            engine=engine,
        )
    raise typer.Exit(code.value)


@app.command(rich_help_panel=_HEADING)
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the page.")] = 7860,
    model: _Model = None,
) -> None:
    """Open a page to paint on, in a browser; needs the extra `demo`.

    Paint over what is missing, choose the model or a method, and look at the result beside the
    classical fill. It answers on this machine alone, and loads nothing from elsewhere.

    \b
    Examples:
      inpaint demo
      inpaint demo --port 8000 --model models/inpainter.keras
    """
    raise typer.Exit(launch_command("demo", root=Path.cwd(), port=port, model=model))


@app.command(rich_help_panel=_HEADING)
def export(
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="A file, such as model.onnx.")],
    model: _Model = None,
    grey: Annotated[
        bool, typer.Option("--grey", help="The package's model for grey pictures, not colour.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a model as ONNX, for programs without TensorFlow; needs the extra `onnx`.

    It takes `image`, with its hole filled by biharmonic interpolation, float32 (N, H, W, C) from -1
    to 1, and `hole`, float32 (N, H, W, 1), 1 = missing, of any size; examples/restore_onnx.py
    restores a picture by it.

    \b
    Examples:
      inpaint export model.onnx
      inpaint export digits.onnx --model models:/inpaint-mnist@champion
    """
    raise typer.Exit(
        launch_command("export", output, root=Path.cwd(), model=model, grey=grey, force=force)
    )
