"""One description of a network (`graph`), and the interpreters that give it a meaning."""

import os

# numba takes a folder for its cache from a file in the current folder, and what lies in such a folder is code.
os.environ.setdefault("NUMBA_CACHE_DIR", "")
