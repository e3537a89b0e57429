"""Reduce code that is not nassearch's to digests: a module, and what it imports of its own kind."""

from __future__ import annotations

import ast
import builtins
import dis
import hashlib
import sys
import sysconfig
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import CodeType
from typing import Any

from nassearch.provenance.offers import version_offering

INSTALLED = frozenset({"site-packages", "dist-packages"})
"""Folders that hold distributions; a version stands for what lies below them."""
STANDARD = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib")})
CHANGING = frozenset(
    {
        "append",
        "extend",
        "insert",
        "add",
        "update",
        "setdefault",
        "pop",
        "popitem",
        "remove",
        "discard",
        "clear",
    }
)
"""Methods that change what they are called on."""
MAKERS = ("__init__", "__new__", "__post_init__", "__setstate__")
"""Methods that give an object what it is made with."""


@dataclass(frozen=True)
class Source:
    """A file of a module as it lies on the disk.

    Attributes:
        digest: of its bytes.
        imports: names of modules that it may import, inside functions too.
        reads: names that its functions and classes read.
        changes, alters: names and attributes that its functions assign, or whose values they change.
        codes: every function in it, see `signature`.
    """

    digest: str
    imports: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    changes: frozenset[str] = frozenset()
    alters: frozenset[str] = frozenset()
    codes: frozenset[Any] = frozenset()


def is_foreign(module: str) -> bool:
    """Say whether a module is neither of nassearch nor of Python."""
    top = module.partition(".")[0]
    if top == "nassearch" or module == builtins.__name__:
        return False
    path = path_of(module)
    return (path is None and top not in sys.stdlib_module_names) or (
        path is not None and not _is_standard(path)
    )


def follows(module: str, own: Collection[str] = ()) -> bool:
    """Say whether the code of a module counts itself, and not as a version: it is somebody's own, or of `own`."""
    path = path_of(module)
    return is_foreign(module) and (path is None or not _is_installed(path) or module.partition(".")[0] in own)


def reach(start: str) -> dict[str, Source]:
    """Return the sources that a module of others consists of, by name of module.

    Those are its own, of the packages it lies in and, again and again, of what these import: of the same package, or
    of modules that lie in no folder of installed distributions. Nothing is imported to find them, and the time of a
    file counts for nothing.
    """
    top = start.partition(".")[0]
    found: dict[str, Source] = {}
    waiting, seen = [*_prefixes(start)], set()
    while waiting:
        name = waiting.pop()
        if name in seen or name.startswith("nassearch."):
            continue
        seen.add(name)
        path = path_of(name)
        own = name.partition(".")[0] == top
        if path is None or not is_foreign(name) or (_is_installed(path) and not own):
            continue
        try:
            content = path.read_bytes()
        except OSError:
            continue
        found[name] = source = read(content, name, path.name == "__init__.py", path.suffix == ".py")
        waiting += [each for wanted in source.imports for each in _prefixes(wanted)]
    return found


@lru_cache(maxsize=1024)
def read(content: bytes, module: str, is_package: bool, is_python: bool = True) -> Source:
    """Return what is to be known of a file; compiled modules, and what is no Python, have a digest only."""
    digest = hashlib.sha256(content).hexdigest()
    if not is_python:
        return Source(digest)
    try:
        tree = ast.parse(content)
        codes = compile(content, module, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Source(digest)
    package = module if is_package else module.rpartition(".")[0]
    return Source(digest, tuple(_imports(tree, package)), *_names(tree), frozenset(_functions(codes)))


def path_of(module: str) -> Path | None:
    """Return where the code of a module lies, imported or not; None where it has no file."""
    loaded = sys.modules.get(module)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return Path(file) if isinstance(file, str) else None
    origin = _find(module)
    return Path(origin) if origin else None


def _find(module: str) -> str | None:
    """Return where a module lies that is not imported, without importing the packages it lies in."""
    places: Sequence[str] | None = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        loaded = sys.modules.get(name)
        spec = getattr(loaded, "__spec__", None) or _spec(name, places)
        if spec is None:
            return None
        places = spec.submodule_search_locations
        if places is None and end < len(parts):
            return None
    return spec.origin if spec.has_location else None


def _spec(name: str, places: Sequence[str] | None) -> Any:
    for finder in sys.meta_path:
        found = None
        with suppress(Exception):  # such as a module that stands for a package of another name
            found = getattr(finder, "find_spec", lambda *_: None)(name, places)
        if found is not None:
            return found
    return None


def _prefixes(module: str) -> Iterator[str]:
    """Yield a module's name and those of the packages it lies in, which are imported before it."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def is_installed(module: str) -> bool:
    """Say whether a module lies in a folder of installed distributions, so that a version stands for its code."""
    path = path_of(module)
    return path is not None and _is_installed(path)


def _is_installed(path: Path) -> bool:
    return not INSTALLED.isdisjoint(path.parts)


def _is_standard(path: Path) -> bool:
    return not _is_installed(path) and str(path).startswith(STANDARD)


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value.lstrip(".")


def _names(tree: ast.Module) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Return the names that functions and classes read, and names and attributes that they change."""
    reads, changes, alters = set(), set(), set()
    makers = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef) and n.name in MAKERS]
    made = {id(n) for maker in makers for n in ast.walk(maker) if isinstance(n, ast.Attribute)}
    inside = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
    for node in [n for outer in ast.walk(tree) if isinstance(outer, inside) for n in ast.walk(outer)]:
        if isinstance(node, ast.Global):
            changes.update(node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            reads.add(node.id)
        elif isinstance(node, ast.Attribute):
            reads.add(node.attr)
        target: ast.expr | None = None
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            target = node.value if isinstance(node, ast.Subscript) else node
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CHANGING
        ):
            target = node.func.value
        while isinstance(target, ast.Subscript):
            target = target.value
        if target is node and id(node) in made:  # what an object is made with is no change of it
            continue
        if isinstance(target, ast.Name):
            changes.add(target.id)
        elif isinstance(target, ast.Attribute):
            alters.add(target.attr)
    return frozenset(reads), frozenset(changes), frozenset(alters)


def _functions(code: CodeType) -> Iterator[Any]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield signature(constant)
            yield from _functions(constant)


def signature(code: CodeType) -> Any:
    """Return what a function computes, wherever it lies; equal for equal code."""
    constants = tuple(
        signature(each) if isinstance(each, CodeType) else (type(each).__name__, repr(_sorted(each)))
        for each in code.co_consts
    )
    return code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, constants


def stored(code: CodeType) -> set[str]:
    """Return the global names that a function assigns."""
    found = {
        each.argval for each in dis.get_instructions(code) if each.opname in ("STORE_GLOBAL", "DELETE_GLOBAL")
    }
    return found.union(*(stored(each) for each in code.co_consts if isinstance(each, CodeType)))


def _sorted(value: Any) -> Any:
    """Return a constant in which sets, which have another order in each process, are lists in order."""
    if isinstance(value, frozenset):
        return sorted(map(repr, value))
    return [_sorted(each) for each in value] if isinstance(value, tuple) else value


@cache
def version_of(module: str) -> str | None:
    """Return the version of the distribution that a module belongs to, None where it belongs to none."""
    top = module.partition(".")[0]
    offering = version_offering(top)
    if offering is not None:
        return offering
    names = [top]
    path = path_of(top)
    if path is not None and _is_installed(path):
        with suppress(Exception):  # somebody else's distribution that cannot be read
            names = packages_distributions().get(top, names)
    with suppress(Exception):
        return version(names[0])
    return None
