"""Where images come from."""

from pathlib import Path

from inpaint.data import bundled, official
from inpaint.data.pools import Source


def load(dataset: str, source: str, raw_dir: Path) -> Source:
    """Get a data set.

    Args:
        dataset: a key of ``IMAGE_SHAPES``.
        source: "bundled" or "official".
        raw_dir: the folder of official files, one folder per data set; downloads are kept there.

    Raises:
        InputError: the official files cannot be had, or are not the official ones.
    """
    if source == "official":
        return official.load(dataset, raw_dir / dataset)
    bundled_sources = {
        "mnist": bundled.digits,
        "photos": bundled.photographs,
        "textures": bundled.textures,
    }
    return bundled_sources[dataset]()
