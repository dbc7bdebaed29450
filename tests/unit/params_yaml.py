"""params.yaml with changes, and what reading it gives."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from inpaint.base.errors import InputError
from inpaint.params import Params, load_params

ROOT = Path(__file__).parents[2]
PARAMS_YAML = (ROOT / "params.yaml").read_text(encoding="utf-8")


def changed(changes: dict[str, Any]) -> str:
    """The project's params.yaml with the keys ``{"train.epochs": ...}`` changed."""
    content = yaml.safe_load(PARAMS_YAML)
    for name, value in changes.items():
        *section, key = name.split(".")
        (content[section[0]] if section else content)[key] = value
    return yaml.safe_dump(content)


def load_text(tmp_path: Path, text: str) -> Params:
    path = tmp_path / "params.yaml"
    path.write_text(text, encoding="utf-8")
    return load_params(path)


def refusal(tmp_path: Path, text: str) -> str:
    """The one line that such a params.yaml is refused with."""
    with pytest.raises(InputError) as caught:
        load_text(tmp_path, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)
