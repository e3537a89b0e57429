"""The command begins here: before any import, the current folder leaves the places that imports come from.

Under `-m` and `-c`, and wherever `PYTHONPATH` has an empty part, Python looks there first, and a `random.py` that lies
beside the user would stand for Python's own. So this module, and what is imported on the way to it, imports only what
is there since Python's own start; `__future__` is not.
"""

import os
import sys


def main() -> None:
    """Run the command line."""
    forget_current_folder()
    from nassearch.cli.main import cli

    cli(prog_name="nassearch")


def forget_current_folder() -> None:
    """Take the current folder off `sys.path` where nobody has named it.

    What `PYTHONPATH` names stays, and so does what an installed package has put there and the folder of a user's own
    script. A nassearch that lies in the current folder, not installed, is still found by worker processes: last.
    """
    try:
        here = os.getcwd()
    except OSError:  # it is gone, and nothing can be imported from it
        here = ""
    named = {os.path.abspath(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part}
    library = os.path.dirname(os.__file__)  # what stands behind it is there by installation
    own = sys.path.index(library) if library in sys.path else len(sys.path)
    begun_by_script = sys.modules["__main__"].__spec__ is None and not getattr(sys.flags, "safe_path", False)

    def implied(place: int, part: str) -> bool:
        unnamed = part == here and here not in named and place < own
        return part == "" or (unnamed and not (place == 0 and begun_by_script))

    left = [part for place, part in enumerate(sys.path) if not implied(place, part)]
    uninstalled = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) == here
    if uninstalled and len(left) < len(sys.path) and here not in left:
        left.append(here)
    sys.path[:] = left
