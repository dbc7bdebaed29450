"""The report's network: reference/report.md gives its layers and number of parameters."""

from pathlib import Path

import keras
import numpy as np
import pytest

from inpaint.restoring.networks.report_unet import report_unet


def build(
    channels: int = 3,
    *,
    filters: int = 2,
    dropout: float = 0.2,
    skip_connections: bool = True,
) -> keras.Model:
    return report_unet(
        channels, filters=filters, dropout=dropout, skip_connections=skip_connections
    )


def test_number_of_parameters_is_the_reports() -> None:
    # The report: "323,649 parameters for 28x28x1".
    assert build(1, filters=32).count_params() == 323_649


def test_number_of_parameters_for_colour_by_hand() -> None:
    # Two more input channels: 2 * 9 * 32; two more output channels: 2 * (9 * 32 + 1).
    assert build(3, filters=32).count_params() == 323_649 + 576 + 578


def test_without_skip_connections_only_the_decoder_is_smaller() -> None:
    # Its two convolutions no longer see 64 and 32 channels: 9 * (64 * 64 + 32 * 32) weights.
    smaller = build(1, filters=32, skip_connections=False)
    assert smaller.count_params() == 323_649 - 46_080


def test_layers_are_the_reports_in_order() -> None:
    encoder = ["Conv2D", "Conv2D", "Dropout", "MaxPooling2D"]
    decoder = ["RepeatedConv2DTranspose", "Concatenate", "Conv2D"]
    expected = ["InputLayer", *encoder, *encoder, "Conv2D", *decoder, *decoder, "Conv2D"]
    assert [type(layer).__name__ for layer in build().layers] == expected


def test_convolutions_are_the_reports() -> None:
    convolutions = [layer for layer in build(filters=32).layers if "Conv2D" in type(layer).__name__]
    assert [layer.filters for layer in convolutions] == [32, 32, 64, 64, 128, 64, 64, 32, 32, 3]
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    assert {layer.padding for layer in convolutions} == {"same"}
    activations = [layer.activation.__name__ for layer in convolutions]
    assert activations == ["relu"] * 9 + ["tanh"]


def test_dropout_has_the_given_rate() -> None:
    dropouts = [layer for layer in build(dropout=0.3).layers if type(layer).__name__ == "Dropout"]
    assert [layer.rate for layer in dropouts] == [0.3, 0.3]


@pytest.mark.parametrize("skip_connections", [True, False])
def test_output_is_an_image_between_black_and_white(
    photographs: np.ndarray, skip_connections: bool
) -> None:
    model = build(skip_connections=skip_connections)
    model.set_weights([5 * w for w in model.get_weights()])
    output = model({"image": photographs[:2] / np.float32(127.5) - 1}).numpy()
    assert output.shape == (2, 24, 40, 3)
    assert np.abs(output).max() <= 1
    assert np.ptp(output) > 0.1


@pytest.mark.parametrize(("height", "width"), [(4, 4), (24, 40), (52, 16)])
def test_one_model_takes_images_of_any_size_that_it_can_halve_twice(
    photographs: np.ndarray, height: int, width: int
) -> None:
    model = build()
    tall = np.concatenate([*photographs[60:63]])[np.newaxis]  # 72x40
    image = tall[:, :height, :width] / np.float32(127.5) - 1
    assert model({"image": image}).shape == (1, height, width, 3)


def test_saved_model_gives_the_same_output(tmp_path: Path, photographs: np.ndarray) -> None:
    model = build()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    inputs = {"image": photographs[:2] / np.float32(127.5) - 1}
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.name == "report_unet"
