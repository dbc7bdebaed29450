"""YAML that a person has written, as params.yaml: plain values, and nothing that surprises."""

import re
from pathlib import Path
from typing import Any

import yaml

from inpaint.base.errors import InputError
from inpaint.base.files import refuse_pipe

_LARGEST = 100_000  # bytes
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")  # YAML's


class _PlainLoader(yaml.SafeLoader):
    """Refuses a key that is there twice, of which YAML itself would silently take the last one;
    aliases, of which a few lines make more than the memory holds; tags, which name a type; and
    numbers that are others to DVC, which reads YAML 1.2."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = str(self.construct_object(key, deep=True))
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name} is there twice", node.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        is_alias, tag = isinstance(event, yaml.AliasEvent), getattr(event, "tag", None)
        if is_alias or tag:
            what = f"alias *{event.anchor}" if is_alias else f"tag {tag}"
            told = f"received the {what}, allowed: plain values"
            raise yaml.composer.ComposerError(None, None, told, event.start_mark)
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        # In YAML 1.1, 010 is 8, and 1:30 is 90.
        if node.tag in _NUMBER_TAGS and re.fullmatch(r"[+-]?0[\d_]+|.*:.*", node.value):
            told = f"received {node.value}, allowed: a number without leading zeros and colons"
            raise yaml.constructor.ConstructorError(None, None, told, node.start_mark)
        return super().construct_scalar(node)


def read_yaml(path: Path, if_missing: str) -> Any:
    """Read a file that a person has written: plain values, in lists and under names.

    Args:
        path: of the file.
        if_missing: what to do then.

    Raises:
        InputError: the file is missing, too large, or is not YAML.
    """
    try:
        refuse_pipe(path)
        size = path.stat().st_size
        if size > _LARGEST:
            raise InputError(f"{path}: received {size:,} bytes, allowed: up to {_LARGEST:,}")
        return yaml.load(path.read_text(encoding="utf-8"), _PlainLoader)
    except FileNotFoundError:
        raise InputError(f"{path} is not there: {if_missing}") from None
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError) as error:  # no text, or a number of too many digits
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{path} is not read: it is nested too deeply") from None
