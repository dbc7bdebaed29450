"""What a person sees who opens plain `mlflow ui` in a browser."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mlflow.entities import Run
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.checkout import GOOD

from .server import mlflow_ui

CHROMIUM = shutil.which("chromium")
# As root, Chromium starts only without its sandbox; the rest keeps it from calling its maker.
FLAGS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE = 60_000  # milliseconds: a first page takes seconds, on a busy machine many
CURVES = ("curves/train_loss", "curves/valid_loss", "curves/valid_ssim_unit")
SCORE = "test/model/composite/ssim_unit"

Visit = Callable[[str], Page]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def address(checkout: Any) -> Iterator[str]:
    with mlflow_ui(checkout) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The path is given, because Playwright would look for a browser that it downloaded.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(address: str, browser: Browser, tmp_path: Path) -> Iterator[Visit]:
    """Opens a page of MLflow by its path; a picture of how the test left it stays."""
    page = browser.new_page(viewport={"width": 1500, "height": 1000})

    def open_page(path: str) -> Page:
        page.goto(f"{address}/#/{path}")
        return page

    yield open_page
    picture = tmp_path / "page.png"
    page.screenshot(path=picture)
    page.close()
    print(f"screenshot: {picture}")


@pytest.fixture(scope="module")
def run(checkout: Any) -> Run:
    """The run that trained longest; one of a single epoch has dots for curves.

    It is good enough to be promoted.
    """
    checkout.set(GOOD)
    checkout.run("dvc", "exp", "run", "-n", "in-the-browser", "-S", "train.epochs=8")
    return max(checkout.runs().values(), key=epochs)


def epochs(run: Run) -> int:
    return int(run.data.params["train.epochs"])


def page_of(run: Run, tab: str = "") -> str:
    return f"experiments/{run.info.experiment_id}/runs/{run.info.run_id}{tab}"


def assert_visible(shown: Locator) -> None:
    """Visible is what has a size and is not hidden."""
    expect(shown).to_be_visible(timeout=PATIENCE)


def test_the_list_of_runs_names_the_run(visit: Visit, run: Run) -> None:
    page = visit(f"experiments/{run.info.experiment_id}/runs")
    expect(page.get_by_test_id("experiment-link")).to_have_text("inpaint", timeout=PATIENCE)
    link = page.locator(f'a[href$="{page_of(run)}"]')
    expect(link).to_have_text(run.info.run_name, timeout=PATIENCE)
    assert_visible(link)


def test_a_run_shows_its_parameters_and_scores(visit: Visit, run: Run) -> None:
    page = visit(page_of(run))
    assert_visible(page.get_by_role("heading", name=run.info.run_name, exact=True))
    for name in ("data.dataset", "mask.kind", "model.network", "train.epochs"):
        assert_row(page, name, run.data.params[name])
    assert_row(page, SCORE, str(run.data.metrics[SCORE]))
    row_of(page, SCORE).scroll_into_view_if_needed()


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))


def assert_row(page: Page, name: str, value: str) -> None:
    assert_visible(row_of(page, name))
    expect(row_of(page, name).get_by_role("cell").nth(1)).to_have_text(value)


def test_a_run_shows_its_description(visit: Visit, run: Run) -> None:
    description = visit(page_of(run)).get_by_test_id("note-editor-preview-content")
    first, *_ = run.data.tags["mlflow.note.content"].splitlines()
    expect(description).to_contain_text(re.sub(r"^#+ |[*`]", "", first), timeout=PATIENCE)
    assert_visible(description)
    description.scroll_into_view_if_needed()


def test_curves_have_a_point_for_each_epoch(visit: Visit, run: Run) -> None:
    page = visit(page_of(run, "/model-metrics"))
    # MLflow draws only the charts in view; its search takes a regular expression.
    page.get_by_placeholder("Search metric charts").fill(
        f"^({'|'.join(CURVES)})$", timeout=PATIENCE
    )
    cards = page.get_by_test_id("experiment-view-compare-runs-card")
    expect(cards).to_have_count(len(CURVES), timeout=PATIENCE)
    for name in CURVES:
        card = cards.filter(has=page.locator(f'h4[title="{name}"]'))
        assert_visible(card.locator(".js-plotly-plot svg.main-svg").first)
        # The second trace is the smoothed line, which has no points.
        points = card.locator(".scatterlayer .trace").first.locator(".point")
        expect(points).to_have_count(epochs(run), timeout=PATIENCE)
        assert_visible(points.first)


def test_the_first_charts_are_the_curves(visit: Visit, run: Run) -> None:
    """MLflow sorts its charts by the alphabet; people look for these."""
    page = visit(page_of(run, "/model-metrics"))
    titles = page.get_by_test_id("experiment-view-compare-runs-card").locator("h4")
    assert_visible(titles.first)
    assert tuple(titles.nth(i).get_attribute("title") for i in range(len(CURVES))) == CURVES


def test_the_artifacts_show_the_restored_images(visit: Visit, run: Run) -> None:
    page = visit(page_of(run, "/artifacts"))
    for name in ("figures", "restored.png"):
        artifact(page, name).click(timeout=PATIENCE)
    picture = page.locator('img[src^="blob:"]').filter(visible=True)
    assert_visible(picture)
    expect(picture).not_to_have_js_property("naturalWidth", 0, timeout=PATIENCE)


def artifact(page: Page, name: str) -> Locator:
    """An entry in MLflow's tree of files."""
    return page.get_by_test_id("artifact-tree-node").and_(page.get_by_label(name, exact=True))


def test_the_model_is_linked_and_has_its_files(visit: Visit, run: Run) -> None:
    """MLflow 3 keeps a model on a page of its own, not among the run's artifacts."""
    assert run.outputs
    [output] = run.outputs.model_outputs
    model = f"experiments/{run.info.experiment_id}/models/{output.model_id}"
    page = visit(page_of(run))
    assert_visible(page.locator(f'a[href$="{model}"]').last)
    visit(f"{model}/artifacts")
    for name in ("MLmodel", "data"):
        assert_visible(artifact(page, name))


def test_two_runs_are_compared(visit: Visit, checkout: Any, run: Run) -> None:
    """The page that the button `Compare` of the list of runs leads to."""
    runs = [run, next(r for r in checkout.runs().values() if epochs(r) == 1)]
    ids = quote(json.dumps([run.info.run_id for run in runs]))
    experiments = quote(json.dumps([runs[0].info.experiment_id]))
    page = visit(f"compare-runs?runs={ids}&experiments={experiments}")
    assert_visible(page.get_by_role("heading", name="Comparing 2 Runs"))
    assert_visible(page.locator(".js-plotly-plot svg.main-svg").first)
    for each in runs:
        assert_visible(page.locator(f'a[href$="{page_of(each)}"]').first)


@pytest.fixture(scope="module")
def champion(checkout: Any, run: Run) -> Run:
    told = "only to be looked at"
    checkout.run("inpaint", "promote", run.info.run_id, "--force", "--reason", told)
    return run


def test_the_registered_model_shows_its_champion_and_how_it_became_one(
    visit: Visit, champion: Run
) -> None:
    page = visit("models/inpaint-mnist")
    assert_visible(page.get_by_text(re.compile(r"^@\s*champion$")).first)
    moves = page.get_by_test_id("note-editor-preview-content")
    expect(moves).to_contain_text(
        "champion to version 1, forced: only to be looked at", timeout=PATIENCE
    )
    assert_visible(moves)
    assert_visible(page.locator('a[href$="models/inpaint-mnist/versions/1"]').first)
    assert champion.info.run_id


def test_the_version_shows_its_alias_and_its_card(visit: Visit, champion: Run) -> None:
    page = visit("models/inpaint-mnist/versions/1")
    assert_visible(page.get_by_text(re.compile(r"^@\s*champion$")).first)
    card = page.get_by_test_id("note-editor-preview-content")
    for heading in ("Intended use", "Limits", "Data", "Results"):
        assert_visible(card.get_by_role("heading", name=heading, exact=True))
    expect(card).to_contain_text("CC BY-SA 3.0 (Yann LeCun and Corinna Cortes)")
    assert_visible(card.get_by_role("cell", name="validation", exact=True))
    assert_visible(page.locator(f'a[href*="{champion.info.run_id}"]').first)


def test_the_run_names_the_version_made_of_it(visit: Visit, champion: Run) -> None:
    page = visit(page_of(champion))
    assert_visible(page.locator('a[href$="models/inpaint-mnist/versions/1"]').first)
