"""A checkout whose results are known, to be disturbed."""

from typing import Any

import pytest

from tests.checkout import Checkout, make_checkout
from tests.faults.killing import results

EPOCHS = 20


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One for all tests; its training takes some seconds."""
    made = make_checkout(tmp_path_factory.mktemp("faults") / "project")
    made.set({"data": {"train_size": 300}, "train": {"epochs": EPOCHS, "optimizer": "muon"}})
    made.run("git", "commit", "--quiet", "--all", "--message", "settings")
    return made


@pytest.fixture(scope="session")
def undisturbed(checkout: Checkout) -> dict[str, Any]:
    """What comes of `dvc repro` that nobody disturbs."""
    assert checkout.repro() == ["prepare", "mask", "train", "evaluate", "plot"]
    return results(checkout.root)


@pytest.fixture
def fresh(checkout: Checkout, undisturbed: dict[str, Any]) -> Checkout:  # noqa: ARG001
    """The checkout without any results."""
    checkout.start_anew()
    return checkout
