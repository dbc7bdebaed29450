"""Drawing the training, validation and test images from what a source offers."""

from collections.abc import Mapping

import numpy as np

from inpaint.base.errors import InputError


def stratified_order(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Shuffle so that every stretch of the order has the classes in their overall proportions.

    Args:
        rng: the source of randomness.
        labels: (N,), the class of each image.

    Returns:
        A permutation of ``range(N)``, int64 (N,).
    """
    position = np.empty(len(labels))
    _, counts = np.unique(labels, return_counts=True)
    for members in np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1]):
        # The k-th member of a class falls at a random place in the k-th of equal intervals.
        place = rng.permutation(len(members)) + rng.random(len(members))
        position[members] = place / len(members)
    return np.argsort(position, kind="stable")


def draw_splits(
    rng: np.random.Generator, labels: np.ndarray, sizes: Mapping[str, int | None]
) -> dict[str, np.ndarray]:
    """Draw disjoint, stratified splits from one pool of images.

    The splits are taken in the order test, valid, train, so that another training size leaves
    the other two as they are, and a larger training set contains the smaller ones.

    Args:
        rng: the source of randomness.
        labels: (N,), the class of each image of the pool.
        sizes: images wanted per split; None = all that the others leave (one split at most).

    Returns:
        Per split, indices into the pool, int64.

    Raises:
        InputError: more is asked for than there is, or of two splits all there is.
    """
    available = len(labels)
    asked = ", ".join(
        f"data.{split}_size={'null' if size is None else size}" for split, size in sizes.items()
    )
    open_ended = [split for split, size in sizes.items() if size is None]
    if len(open_ended) > 1:
        raise InputError(f"{asked}: at most one split of the same {available} images can be null")
    wanted = sum(size for size in sizes.values() if size is not None)
    if wanted + len(open_ended) > available:
        raise InputError(f"{asked}: received {wanted} in all, there are {available} images")
    order = stratified_order(rng, labels)
    indices = {}
    for split in sorted(sizes, key=["test", "valid", "train"].index):
        size = sizes[split]
        count = available - wanted if size is None else size
        indices[split], order = order[:count], order[count:]
    return indices
