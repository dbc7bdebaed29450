"""Fills holes in images, and proves how well it does so.

>>> import inpaint
>>> restored = inpaint.load().restore(image, hole)  # doctest: +SKIP
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inpaint.restoring.restorer import Restorer, load

__version__ = "0.1.0"
__all__ = ["Restorer", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import what is asked for: the stages and the command line need none of it."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from inpaint.restoring import restorer

    return getattr(restorer, name)


def __dir__() -> list[str]:
    return __all__
