"""The real dvc and mlflow, in copies of the project, as a person would use them."""

from collections.abc import Iterator

import pytest

from tests.checkout import Checkout, make_checkout


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """One checkout for all tests, because a first run is expensive."""
    made = make_checkout(tmp_path_factory.mktemp("checkout") / "project")
    assert made.repro() == ["prepare", "mask", "train", "evaluate", "plot"]
    made.run("git", "add", "--all")
    made.run("git", "commit", "--quiet", "--message", "first results")
    return made


@pytest.fixture(autouse=True)
def _leave_the_workspace_as_it_was(checkout: Checkout) -> Iterator[None]:
    """Whatever a test changes, the next one finds the first results, up to date."""
    yield
    checkout.back_to_head()
