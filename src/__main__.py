"""`python src STAGE` runs a stage with the code of this very checkout.

DVC calls it like this, also in the temporary directories of experiments, where an installed
`inpaint` would be the original tree's code. It imports nothing of the command line interface, so
that editing a help text reruns no stage.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

if __name__ == "__main__":
    # On a full disk, Python before 3.12.8 leaves half of what it compiles, and trusts it later on.
    sys.dont_write_bytecode = True
    if find_spec("pydantic") is None:
        sys.exit(
            f"{sys.executable} is not the project's Python: run `make setup` once, "
            "then `. .venv/bin/activate`"
        )
    from inpaint.commands.launch import launch

    sys.exit(launch(*sys.argv[1:], root=Path.cwd()))
