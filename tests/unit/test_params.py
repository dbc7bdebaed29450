"""params.yaml: what is accepted, and how each kind of mistake is refused."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from inpaint.base.errors import InputError
from inpaint.base.files import flatten
from inpaint.data.holes import HOLE_KINDS
from inpaint.data.images.catalogue import DATASETS
from inpaint.params import Params, TrainParams, allowed_values, champion_of, load_params
from inpaint.restoring.networks import NETWORKS
from inpaint.training.losses import LOSSES
from tests.unit.params_yaml import PARAMS_YAML, ROOT, changed, load_text, refusal


def test_the_projects_params_load() -> None:
    loaded = load_params(ROOT / "params.yaml")
    assert loaded.model_dump() == yaml.safe_load(PARAMS_YAML)


def test_default_epochs_leave_100_to_be_an_experiment() -> None:
    assert load_params(ROOT / "params.yaml").train.epochs != 100


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("data.dataset", DATASETS),
        ("mask.kind", HOLE_KINDS),
        ("model.network", NETWORKS),
        ("train.loss", LOSSES),
    ],
)
def test_comments_and_help_name_every_kind(name: str, kinds: dict[str, object]) -> None:
    assert allowed_values()[name] == ", ".join(kinds)
    comments = " ".join(re.findall(r"# (.*)", PARAMS_YAML))
    assert [kind for kind in kinds if not re.search(rf"\b{kind}\b", comments)] == []


def test_every_key_of_params_yaml_has_a_comment_on_its_line() -> None:
    lines = {m[1]: m[2] for m in re.finditer(r"^  (\w+):(.*)$", PARAMS_YAML, re.MULTILINE)}
    keys = {key for section in yaml.safe_load(PARAMS_YAML).values() for key in section}
    assert set(lines) == keys
    assert [key for key, rest in lines.items() if not re.search(r"\s# \w", rest)] == []


@pytest.mark.parametrize("written", ["1e-3", "1e-05", "0.001", "1"])
def test_learning_rate_takes_every_spelling_of_a_number(tmp_path: Path, written: str) -> None:
    text = re.sub(r"learning_rate: \S+", f"learning_rate: {written}", PARAMS_YAML)
    assert load_text(tmp_path, text).train.learning_rate == float(written)


@pytest.mark.parametrize("name", ["data.train_size", "data.valid_size", "data.test_size"])
def test_sizes_may_be_null(tmp_path: Path, name: str) -> None:
    loaded = load_text(tmp_path, changed({name: None}))
    assert flatten(loaded.model_dump())[name] is None


@pytest.mark.parametrize(
    ("name", "value", "received", "allowed"),
    [
        ("train.epochs", "abc", "'abc'", "a whole number from 1 to 1000000"),
        ("train.epochs", True, "True", "a whole number from 1 to 1000000"),
        ("train.epochs", 0, "0", "a whole number from 1 to 1000000"),
        ("train.epochs", 2.5, "2.5", "a whole number from 1 to 1000000"),
        ("train.epochs", None, "None", "a whole number from 1 to 1000000"),
        ("train.batch_size", 0, "0", "a whole number from 1 to 1000000"),
        ("train.seed", -1, "-1", "a whole number from 0 to 9223372036854775807"),
        ("train.seed", 10**19, str(10**19), "a whole number from 0 to 9223372036854775807"),
        ("train.seed", 10**400, f"1{'0' * 299}...", "a whole number from 0 to"),
        ("train.epochs", 1_000_001, "1000001", "a whole number from 1 to 1000000"),
        ("train.epochs", 10**400, f"1{'0' * 299}...", "a whole number from 1 to 1000000"),
        ("train.learning_rate", 0, "0", "a number above 0"),
        ("train.learning_rate", float("nan"), "nan", "a number above 0"),
        ("train.learning_rate", float("inf"), "inf", "a number above 0"),
        ("train.learning_rate", True, "True", "a number above 0"),
        ("train.learning_rate", "fast", "'fast'", "a number above 0"),
        ("train.learning_rate", "1_000", "'1_000'", "a number above 0"),
        ("train.learning_rate", " 1", "' 1'", "a number above 0"),
        ("train.learning_rate", "0x10", "'0x10'", "a number above 0"),
        ("train.learning_rate", "1e400", "'1e400'", "a number above 0"),
        ("train.optimizer", "sgd", "'sgd'", "muon, adamw, adam"),
        ("train.loss", "mae", "'mae'", "mse, hole_mse, hole_rmse_ssim"),
        ("train.augmentation", True, "True", "joint, input, none"),
        ("train.holes", "none", "'none'", "random, fixed"),
        ("train.precision", "float16", "'float16'", "float32, bfloat16"),
        ("train.strategy", "tpu", "'tpu'", "default, mirrored, multi_worker"),
        ("train.on_collapse", "ignore", "'ignore'", "stop, continue"),
        (
            "data.dataset",
            "imagenet",
            "'imagenet'",
            "mnist, cifar10, fashion_mnist, photos, photos_grey, textures",
        ),
        ("data.image_size", 15, "15", "a whole number of pixels from 16 to 300, or null"),
        ("data.image_size", 301, "301", "a whole number of pixels from 16 to 300, or null"),
        ("data.image_size", 0.5, "0.5", "a whole number of pixels from 16 to 300, or null"),
        ("data.image_size", True, "True", "a whole number of pixels from 16 to 300, or null"),
        ("data.image_size", [32, 40], "[32, 40]", "a whole number of pixels from 16 to 300"),
        ("data.source", "web", "'web'", "auto, bundled, official"),
        ("data.train_size", -5, "-5", "a whole number from 1 to 1000000, or null"),
        ("data.test_size", "all", "'all'", "a whole number from 1 to 1000000, or null"),
        ("train.hole_kinds", [], "[]", "a list with one or more of center, box, brush"),
        ("train.hole_kinds", "box", "'box'", "a list with one or more of center, box, brush"),
        ("train.hole_kinds", ["box", "box"], "['box', 'box']", "a list with one or more of center"),
        ("train.hole_kinds", ["circle"], "'circle'", "a list with one or more of center, box"),
        ("mask.kind", "circle", "'circle'", "center, box, brush, dots, half, mixed"),
        ("mask.size", 0, "0", "a whole number of pixels, at least 1, or a share"),
        ("mask.size", 1.5, "1.5", "a whole number of pixels, at least 1, or a share"),
        ("mask.size", True, "True", "a whole number of pixels, at least 1, or a share"),
        ("mask.size", "8", "'8'", "a whole number of pixels, at least 1, or a share"),
        ("mask.box_sides", 8, "8", "[shortest, longest], each a whole number of pixels"),
        ("mask.box_sides", [8], "[8]", "[shortest, longest], each a whole number of pixels"),
        ("mask.box_sides", [4, -1], "-1", "[shortest, longest], each a whole number of pixels"),
        ("mask.brush_width", None, "None", "a whole number of pixels, at least 1, or a share"),
        ("mask.share", 0, "0", "a number above 0, up to 0.9"),
        ("mask.share", 0.95, "0.95", "a number above 0, up to 0.9"),
        ("model.network", "vgg", "'vgg'", "residual_unet, report_unet"),
        ("model.filters", "16", "'16'", "a whole number from 1 to 1024"),
        ("model.filters", 1025, "1025", "a whole number from 1 to 1024"),
        ("model.dropout", 1.0, "1.0", "a number from 0 up to, not including, 1"),
        ("model.dropout", False, "False", "a number from 0 up to, not including, 1"),
        ("model.dropout", float("nan"), "nan", "a number from 0 up to, not including, 1"),
        ("model.dropout", -0.1, "-0.1", "a number from 0 up to, not including, 1"),
        ("model.skip_connections", "yes", "'yes'", "true or false"),
        ("model.skip_connections", 1, "1", "true or false"),
        ("evaluate.bootstrap_samples", 0, "0", "a whole number from 1 to 100000"),
        ("plot.num_images", 21, "21", "a whole number from 1 to 20"),
        (
            "tracking.experiment",
            "Default",
            "'Default'",
            "a name of up to 200 characters, other than Default",
        ),
        ("tracking.experiment", "", "''", "a name of up to 200 characters, other than Default"),
        ("tracking.experiment", " x", "' x'", "a name of up to 200 characters, other than Default"),
        ("registry.model", "", "''", "a name of up to 200 letters, digits"),
        ("registry.model", "a/b", "'a/b'", "a name of up to 200 letters, digits"),
        ("registry.model", "a:b", "'a:b'", "a name of up to 200 letters, digits"),
        ("registry.model", "x ", "'x '", "a name of up to 200 letters, digits"),
        ("registry.model", "a\tb", r"'a\tb'", "a name of up to 200 letters, digits"),
        ("registry.model", "it's", '"it\'s"', "a name of up to 200 letters, digits"),
        ("registry.model", "what?", "'what?'", "a name of up to 200 letters, digits"),
        ("registry.model", "a@b", "'a@b'", "a name of up to 200 letters, digits"),
        ("registry.model", "..", "'..'", "a name of up to 200 letters, digits"),
        ("registry.model", 5, "5", "a name of up to 200 letters, digits"),
        ("registry.model", None, "None", "a name of up to 200 letters, digits"),
        (
            "registry.model",
            "x" * 201,
            f"'{'x' * 201}'",
            "a name of up to 200 letters, digits",
        ),
    ],
)
def test_wrong_value_is_named_with_what_is_allowed(
    tmp_path: Path, name: str, value: object, received: str, allowed: str
) -> None:
    message = refusal(tmp_path, changed({name: value}))
    assert f"{name}: received {received}, allowed: {allowed}" in message
    assert message.count("received") == 1


@pytest.mark.parametrize("name", ["inpaint", "5", "holes-v1.0_final", "x" * 200])
def test_registered_models_may_have_any_usual_name(tmp_path: Path, name: str) -> None:
    assert load_text(tmp_path, changed({"registry.model": name})).registry.model == name


@pytest.mark.parametrize(
    ("dataset", "key", "value", "received", "largest"),
    [
        ("mnist", "size", 40, 40, 27),
        ("mnist", "size", 28, 28, 27),
        ("mnist", "size", 0.99, 0.99, 27),
        ("photos", "size", 32, 32, 31),
        ("photos_grey", "box_sides", [3, 40], 40, 31),
        ("mnist", "box_sides", [3, 28], 28, 27),
        ("mnist", "brush_width", 15, 15, 14),
    ],
)
def test_hole_must_fit_into_the_image(
    tmp_path: Path, dataset: str, key: str, value: object, received: float, largest: int
) -> None:
    message = refusal(tmp_path, changed({"data.dataset": dataset, f"mask.{key}": value}))
    assert f"mask.{key}: received {received}, allowed for the" in message
    assert f"1 to {largest}" in message


def test_strokes_are_up_to_half_as_wide_as_an_image(tmp_path: Path) -> None:
    changes = {"data.dataset": "photos", "data.image_size": 17, "mask.size": 4}
    changes |= {"mask.box_sides": [1, 4], "mask.brush_width": 8}
    assert load_text(tmp_path, changed(changes)).mask.brush_width == 8
    message = refusal(tmp_path, changed(changes | {"mask.brush_width": 0.53}))
    told = "received 0.53, allowed for the 17x17 images of photos: 1 to 8 (pixels)"
    assert f"mask.brush_width: {told}" in message


def test_the_champion_is_that_of_the_data_set(tmp_path: Path) -> None:
    assert champion_of(tmp_path) is None
    text = changed({"registry.model": "restorer", "data.dataset": "photos"})
    (tmp_path / "params.yaml").write_text(text)
    assert champion_of(tmp_path) == ("restorer", "photos")
    (tmp_path / "params.yaml").write_text("[]")
    with pytest.raises(InputError, match=r"params\.yaml: received list"):
        champion_of(tmp_path)


def test_holes_grow_with_the_crops(tmp_path: Path) -> None:
    changes = {"data.dataset": "photos", "data.image_size": 72, "mask.box_sides": [3, 71]}
    assert load_text(tmp_path, changed(changes)).mask.box_sides == [3, 71]
    message = refusal(tmp_path, changed(changes | {"mask.size": 72}))
    assert "mask.size: received 72, allowed for the 72x72 images of photos: 1 to 71" in message


def test_sides_of_boxes_come_in_order(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed({"mask.box_sides": [9, 0.25]}))
    assert "mask.box_sides: received [9, 0.25], allowed: the shortest side first" in message


def test_largest_holes_are_accepted(tmp_path: Path) -> None:
    text = changed({"mask.size": 27, "mask.box_sides": [27, 27], "mask.brush_width": 14})
    assert load_text(tmp_path, text).mask.size == 27


@pytest.mark.parametrize(
    ("dataset", "source"),
    [("cifar10", "bundled"), ("fashion_mnist", "bundled"), ("photos", "official")],
)
def test_source_must_have_the_data_set(tmp_path: Path, dataset: str, source: str) -> None:
    message = refusal(tmp_path, changed({"data.dataset": dataset, "data.source": source}))
    assert f"data.source: received '{source}', allowed for {dataset}: auto, " in message


def test_unknown_key_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed({"train.epoch": 3}))
    assert "train.epoch: unknown key, allowed: epochs, batch_size, learning_rate" in message


def test_unknown_section_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed({"training": {"epochs": 3}}))
    assert "training: unknown section, allowed: data, mask, model, train" in message


@pytest.mark.parametrize(
    ("extra", "name"), [("  1: x", "registry.1"), ("  on: x", "registry."), ("1: x", "1")]
)
def test_key_that_is_no_text_is_refused(tmp_path: Path, extra: str, name: str) -> None:
    # YAML 1.1 reads `on` as True. The section `registry` is the last one.
    assert name in refusal(tmp_path, f"{PARAMS_YAML.rstrip()}\n{extra}\n")


def test_missing_key_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    content = yaml.safe_load(PARAMS_YAML)
    del content["train"]["optimizer"]
    message = refusal(tmp_path, yaml.safe_dump(content))
    assert "train.optimizer: received nothing, allowed: muon, adamw, adam" in message


def test_missing_section_is_named(tmp_path: Path) -> None:
    content = yaml.safe_load(PARAMS_YAML)
    del content["mask"]
    assert "mask: received nothing, allowed: a section" in refusal(
        tmp_path, yaml.safe_dump(content)
    )


@pytest.mark.parametrize("value", [[1, 2], 5, None, "center"])
def test_section_that_holds_no_keys_is_refused(tmp_path: Path, value: object) -> None:
    message = refusal(tmp_path, changed({"mask": value}))
    keys = "kind, size, box_sides, brush_width, share, seed"
    assert f"mask: received {value!r}, allowed: a section with the keys {keys}" in message


def test_every_mistake_is_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, changed({"train.epochs": 0, "mask.kind": "circle"}))
    assert "train.epochs: received 0" in message
    assert "mask.kind: received 'circle'" in message


def test_params_are_frozen(params: Params) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        params.train.epochs = 3


@pytest.mark.parametrize(
    ("dataset", "shape"),
    [
        ("mnist", (28, 28, 1)),
        ("fashion_mnist", (28, 28, 1)),
        ("cifar10", (32, 32, 3)),
        ("photos", (32, 32, 3)),
        ("photos_grey", (32, 32, 1)),
        ("textures", (28, 28, 1)),
    ],
)
def test_image_shape_is_that_of_the_data_set(
    tmp_path: Path, dataset: str, shape: tuple[int, int, int]
) -> None:
    text = changed({"data.dataset": dataset, "data.source": "auto"})
    assert load_text(tmp_path, text).image_shape == shape


@pytest.mark.parametrize(
    ("dataset", "channels"), [("photos", 3), ("photos_grey", 1), ("textures", 1)]
)
@pytest.mark.parametrize("size", [16, 33, 300])
def test_crops_may_have_another_size(
    tmp_path: Path, dataset: str, channels: int, size: int
) -> None:
    changes = {"data.dataset": dataset, "data.image_size": size}
    assert load_text(tmp_path, changed(changes)).image_shape == (size, size, channels)


@pytest.mark.parametrize(
    ("dataset", "own"), [("mnist", 28), ("cifar10", 32), ("fashion_mnist", 28)]
)
def test_images_that_are_no_crops_have_their_own_size(
    tmp_path: Path, dataset: str, own: int
) -> None:
    text = changed({"data.dataset": dataset, "data.image_size": own})
    assert load_text(tmp_path, text).image_shape[:2] == (own, own)
    text = changed({"data.dataset": dataset, "data.image_size": 48})
    assert (
        f"data.image_size: received 48, allowed: null or {own}, their size ({dataset})"
    ) in refusal(tmp_path, text)


def test_size_has_to_be_one_that_the_network_takes(tmp_path: Path) -> None:
    changes = {"data.dataset": "photos", "data.image_size": 50}
    assert load_text(tmp_path, changed(changes)).data.image_size == 50
    assert ("data.image_size: received 50, allowed for report_unet: multiples of 4") in refusal(
        tmp_path, changed(changes | {"model.network": "report_unet"})
    )
    changes |= {"model.network": "report_unet", "data.image_size": 52}
    assert load_text(tmp_path, changed(changes)).data.image_size == 52


def test_flatten_names_every_key_by_its_path(params: Params) -> None:
    content = yaml.safe_load(PARAMS_YAML)
    expected = {
        f"{section}.{key}": value for section in content for key, value in content[section].items()
    }
    assert flatten(params.model_dump()) == expected


def test_long_values_are_told_by_their_beginning(tmp_path: Path) -> None:
    longest = "x" * 298  # with its quotes, 300 characters
    assert f"received '{longest}', allowed: " in refusal(
        tmp_path, changed({"data.dataset": longest})
    )
    told = refusal(tmp_path, changed({"data.dataset": longest + "yz"}))
    assert f"received '{longest}y..., allowed: " in told


@pytest.mark.parametrize("num", [1, 2, 10, 11, 13])
def test_ten_mistakes_are_told_and_how_many_more_there_are(tmp_path: Path, num: int) -> None:
    names = [f"train.k{i:02}" for i in range(num)]
    told = [
        f"{name}: unknown key, allowed: {', '.join(TrainParams.model_fields)}" for name in names
    ]
    expected = "; ".join(told[:10]) + {11: "; and 1 more", 13: "; and 3 more"}.get(num, "")
    assert refusal(tmp_path, changed(dict.fromkeys(names, 1))) == f"params.yaml: {expected}"
