"""What MLflow's server runs: requests of files, in several threads."""

import base64
import io
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from inpaint.restoring import pyfunc_model
from inpaint.restoring.networks import NETWORKS
from inpaint.restoring.pyfunc_model import RefusedInput, RestoringModel


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> RestoringModel:
    folder = tmp_path_factory.mktemp("model")
    options = {"dropout": 0.0, "skip_connections": True, "deepest": 6, "mirrored": False}
    NETWORKS["residual_unet"].build(1, filters=2, **options).save(folder / "inpainter.keras")
    (folder / "training.json").write_text('{"largest_hole": 0.2}')
    return RestoringModel(folder)


def text_of(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def test_pictures_and_masks_come_back_as_files(model: RestoringModel) -> None:
    mask = Image.new("L", (30, 20))
    mask.paste(255, (8, 8, 14, 12))
    [text] = model.predict(
        {"pictures": [text_of(Image.new("L", (30, 20), 77))], "masks": [text_of(mask)]}
    )
    restored = np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))
    np.testing.assert_array_equal(restored, np.full((20, 30), 77))


def test_a_mask_has_a_share_in_the_pixels_that_a_request_may_have(model: RestoringModel) -> None:
    large = text_of(Image.new("1", (6000, 4200)))
    told = "masks, number 0: received too large a picture, allowed: 50,000,000 pixels in all pictu"
    with pytest.raises(RefusedInput, match=told):
        model.predict({"pictures": [large], "masks": [large]})


def test_requests_in_several_threads_are_decoded_one_at_a_time(
    model: RestoringModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    num = 4
    together, at_work, most = threading.Barrier(num), 0, 0

    def decode(name: str, files: object, *_: int) -> None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        time.sleep(0.1)
        at_work -= 1
        raise ValueError(f"{name}: {files}")

    def request() -> None:
        together.wait()
        with pytest.raises(RefusedInput, match="pictures: some"):
            model.predict({"pictures": "some", "masks": "others"})

    monkeypatch.setattr(pyfunc_model, "decode", decode)
    with ThreadPoolExecutor(num) as pool:
        for asked in [pool.submit(request) for _ in range(num)]:
            asked.result()
    assert most == 1
