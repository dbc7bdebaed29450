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
def _leave_the_workspace_as_it_was(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test changes, the next one finds the first results, up to date."""
    # Tests that ask for another project are spared the first run.
    asked_for = request.getfixturevalue("checkout") if "checkout" in request.fixturenames else None
    yield
    if asked_for:
        asked_for.back_to_head()
