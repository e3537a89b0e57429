"""The structure of the package: what may import what, what every part has to say of itself, how it is packed."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

import nassearch
from nassearch import registry
from nassearch.errors import UnknownName

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "nassearch"
TESTS = ROOT / "tests"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = (
    {"errors"},
    {"types"},
    {"checks", "files", "provenance", "texts"},
    {"registry", "workers"},
    {"networks", "datasets"},
    {"spaces", "training"},
    {"statistics"},
    {"proxies", "strategies", "benchmarks", "constraints"},
    {"scorers"},
    {"search", "testing"},
    {"reports", "export", "integrations"},
    {"cli"},
    {"__main__"},
)
"""The folders of the package, and the modules beside them, lowest first: each sees lower layers, and itself."""

STATISTICS_SEES = {"statistics", "errors", "types", "spaces"}
"""Less than what lies below: statistics know nothing of networks, benchmarks and scorers."""

ONLY_IN = {
    "click": ("cli",),
    "cloudpickle": ("workers.shipping",),
    "jinja2": ("reports.page.document",),
    "joblib": ("workers.spread", "workers.apart"),
    "moocore": ("statistics",),
    "matplotlib": (
        "reports.curve_figure",
        "reports.front_figure",
        "reports.drawing",
        "reports.plot",
        "reports.plot_scores",
    ),
    "numba": ("networks.kernels", "networks.constant.compiled"),
    "google": ("benchmarks.read.formats",),
    "google_crc32c": ("benchmarks.read.formats",),
    "plotly": ("reports.page.document",),
    "optuna": ("integrations.optuna",),
    "platformdirs": ("files.data_folder",),
    "PIL": ("datasets",),
    "pytest": ("testing",),
    "requests": ("benchmarks.fetch",),
    "rich": ("cli", "workers.progress"),
    "scipy": ("statistics", "strategies.gp", "reports.drawing.end_labels"),
}
"""Where else an import of these would slow down the start, or spread a library that can be replaced in one place."""

LEARNT = {
    "strategies.bp.predictor",
    "strategies.predicted.ensemble",
    "strategies.predicted.gin",
    "strategies.rl.controller",
}
"""Models that a strategy learns."""

MOST_FILES = 12
ONE_PART_A_FILE = {"proxies", "strategies", "benchmarks", "benchmarks.read.formats", "cli.commands"}
"""Folders that grow by a file with every part, however many there are."""

LONGEST = 300


def name_of(path: Path) -> str:
    """Return `proxies.base` for `nassearch/proxies/base.py`, and `proxies` for its `__init__.py`."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, ast.Module]:
    return {name_of(path): ast.parse(path.read_text()) for path in FILES if path != PACKAGE / "__init__.py"}


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the full name of everything that is imported below a node; relative imports are not used."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the import in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(tree: ast.AST) -> set[str]:
    """Return the modules of nassearch that are imported below a node, inside functions too."""
    found = set()
    for name in imports(tree):
        parts = name.split(".")
        if parts[0] == "nassearch":
            longest = (".".join(parts[1:end]) for end in range(len(parts), 1, -1))
            found.update([m for m in longest if m in modules()][:1])
    return found


def layer(module: str) -> int:
    (number,) = [i for i, tops in enumerate(LAYERS) if top(module) in tops]
    return number


def top(module: str) -> str:
    return module.split(".")[0]


def test_every_folder_has_a_layer() -> None:
    assert {top(name) for name in modules()} == set().union(*LAYERS), "give the new folder a layer above"


@pytest.mark.parametrize("module", modules())
def test_imports_go_down(module: str) -> None:
    others = {seen for seen in own(modules()[module]) if top(seen) != top(module)}
    upwards = {seen for seen in others if layer(seen) >= layer(module)}
    assert not upwards, f"{module} imports from a folder that is not below its own"
    if top(module) == "statistics":
        assert {top(seen) for seen in others} <= STATISTICS_SEES


def test_folders_are_small_enough_to_look_through() -> None:
    folders = Counter(path.parent for path in FILES if path.name != "__init__.py")
    large = {name_of(folder / "__init__.py"): n for folder, n in folders.items() if n > MOST_FILES}
    assert large.keys() <= ONE_PART_A_FILE


def test_tests_lie_in_the_folders_of_what_they_test() -> None:
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    strange = [folder for folder in folders if not (PACKAGE / folder).is_dir()]
    assert not strange, "no folder of the package is called so"


def test_imports_make_no_cycle() -> None:
    # A package and its modules import each other by design of the language, so packages' own files are left out.
    graph = {m: {s for s in own(t) if s != m and not m.startswith(f"{s}.")} for m, t in modules().items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules())


def homes(package: str, tree: ast.Module) -> set[str]:
    """Return the modules behind the public names of a folder that are imported from the folder itself."""
    face = import_module(f"nassearch.{package}")
    names = (name.rpartition(".")[2] for name in imports(tree) if name.rpartition(".")[0] == face.__name__)
    return {getattr(face, n).__module__.removeprefix("nassearch.") for n in names if n in face.__all__}


@pytest.mark.parametrize("package", ["strategies", "proxies"])
def test_parts_see_only_their_base(package: str) -> None:
    bases = {f"{package}.base", "proxies.model", "strategies.untrained"}
    parts = {
        m: own(t) - {package}
        | homes(package, t)  # a plug-in's file, which imports the public names, does here too
        for m, t in modules().items()
        if m.startswith(f"{package}.") and m not in bases
    }
    assert parts
    for part, seen in parts.items():
        of_its_own = f"{part.rpartition('.')[0]}." if part.count(".") > 1 else f"{part}."
        others = {s for s in seen if layer(s) == layer(part) and not s.startswith(of_its_own)}
        assert others <= bases, f"{part} knows of another part"


def test_public_names_are_seen_as_their_modules() -> None:
    tree = ast.parse("from nassearch.strategies import AgingEvolution, Strategy, ae")
    assert homes("strategies", tree) == {"strategies.ae", "strategies.base"}


def test_benchmarks_see_no_strategy_and_no_proxy() -> None:
    for module, tree in modules().items():
        if module.startswith("benchmarks"):
            assert {s.split(".")[0] for s in own(tree)}.isdisjoint({"strategies", "proxies"}), module


@pytest.mark.parametrize("library", ONLY_IN)
def test_libraries_stay_in_their_places(library: str) -> None:
    users = {m for m, tree in modules().items() if library in {i.split(".")[0] for i in imports(tree)}}
    places = ONLY_IN[library]
    assert users, f"nothing uses {library} any more"
    assert not {user for user in users if not any(f"{user}.".startswith(f"{place}.") for place in places)}


def test_torch_is_imported_at_the_top_of_networks_only() -> None:
    def at_top(tree: ast.Module) -> set[str]:
        nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
        return {name.split(".")[0] for node in nodes for name in imports(node)}

    users = {module for module, tree in modules().items() if "torch" in at_top(tree)}
    assert users
    assert {top(user) for user in users - LEARNT} <= {"networks", "training"}
    assert users.isdisjoint({"networks.graph", "networks.counting", "training.program"})


def fresh(code: str) -> str:
    """Run code in a new interpreter and return what it prints."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_what_cached_searches_import_is_free_of_torch() -> None:
    light = [
        "registry",
        "strategies.ae",
        "strategies.ls",
        "strategies.rand",
        "strategies.rl.strategy",
        "search.experiment",
    ]
    light += ["search.curves", "search.store", "reports.curve_data", "reports.summary", "scorers"]
    light += ["benchmarks.nasbench201", "benchmarks.read.importing", "cli", "__main__"]
    lines = [f"import nassearch.{module}" for module in light]
    lines += ["import sys", "print({'torch', 'matplotlib', 'numba', 'pyarrow'} & sys.modules.keys())"]
    assert fresh("\n".join(lines)) == "set()\n"


def test_import_of_the_package_alone_imports_no_library() -> None:
    code = "import sys, nassearch; print('numpy' in sys.modules, 'nassearch.errors' in sys.modules)"
    assert fresh(code) == "False False\n"


def test_public_names_are_those_of_their_modules() -> None:
    from nassearch.search.experiment import Experiment

    assert nassearch.Experiment is Experiment
    assert all(getattr(nassearch, name) is not None for name in nassearch.__all__)
    assert set(nassearch.__all__) <= set(dir(nassearch))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = nassearch.nothing


PARTS = [(kind, name) for kind in registry.BUILT_IN for name in registry.BUILT_IN[kind]]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_every_part_explains_itself(kind: str, name: str) -> None:
    part = registry.load(kind, name)
    assert part.name == name
    assert len((part.__doc__ or "").split()) >= 5
    module = sys.modules[getattr(part, "function", part).__module__]
    told = f"{part.__doc__} {module.__doc__} {getattr(part, 'reference', '')}"
    assert re.search(r"\((19|20)\d\d\)|, (19|20)\d\d|arXiv|baseline", told), "cite where it comes from"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short_enough_to_read_in_one_go(path: Path) -> None:
    # About 150 lines is the aim; beyond twice that a file has more than one idea.
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST, f"{lines} lines; the limit is {LONGEST}"


@pytest.mark.parametrize("module", modules())
def test_modules_and_what_is_public_in_them_have_docstrings(module: str) -> None:
    tree = modules()[module]
    assert ast.get_docstring(tree)
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert not [node.name for node in public if not ast.get_docstring(node)]


def public_names() -> dict[str, str]:
    """Return where public names are defined, as `module:name`, each with the noun that it is imported from."""
    found = {}
    for noun in (path.parent for path in PACKAGE.glob("*/__init__.py")):
        if noun.name != "cli":
            for node in ast.walk(ast.parse((noun / "__init__.py").read_text())):
                if isinstance(node, ast.ImportFrom) and node.module != "nassearch.files.lazy":
                    found |= {f"{node.module}:{alias.name}": noun.name for alias in node.names}
    return found


DEEP = re.compile(r"(?:from (nassearch\.\w+\.[\w.]+) import ([^\n;#]*)|import (nassearch\.\w+\.\w[\w.]*))")


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.name)
def test_code_of_other_people_imports_no_deeper_than_a_noun(path: Path) -> None:
    """What tests write into packages, scripts and notebooks of others takes public names from where they are public."""
    public = public_names()
    texts = [n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)]
    for text in (text for text in texts if isinstance(text, str)):
        for module, names, _ in DEEP.findall(text):
            for name in names.split(","):
                noun = public.get(f"{module}:{name.split()[0]}") if name.split() else None
                assert noun is None, f"{name} is public: import it from nassearch.{noun}"


@cache
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg")
    return parser


def test_setup_lists_every_package() -> None:
    folders = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    listed = setup()["options"]["packages"].split()
    assert sorted(listed) == sorted(folders | {"nassearch.benchmarks_data"})


def test_setup_has_no_second_list_of_parts() -> None:
    assert list(setup()["options.entry_points"]) == ["console_scripts"]


def test_every_library_is_pinned_and_its_choice_explained() -> None:
    extras = setup()["options.extras_require"]
    needed = [setup()["options"]["install_requires"], extras["test"], extras["docs"]]
    libraries = {re.split(r"[ <>=\[]", line)[0] for text in needed for line in text.splitlines() if line}
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "constraints.txt").read_text(), re.M))
    assert libraries <= pinned
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    for extra in extras.values():
        libraries |= {re.split(r"[ <>=\[]", line)[0] for line in extra.splitlines() if line}
    assert not {library for library in libraries if f"**{library}**" not in contributing}


def test_every_library_has_one_oldest_version() -> None:
    """`.ci/pythons --oldest` installs it, so it has to be said, and once."""
    sections = [setup()["options"]["install_requires"], *setup()["options.extras_require"].values()]
    needs = {line for text in sections for line in text.splitlines() if line}
    assert not [need for need in needs if not re.fullmatch(r"[\w-]+(\[\w+\])? >= [\w.]+", need)]
    names = [need.split()[0] for need in needs]
    assert len(names) == len(set(names)), "two bounds for one library"


def test_changelog_knows_the_version() -> None:
    assert f"## [{nassearch.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def block(language: str, holding: str) -> str:
    """Return the block of code in the guide to proxies that holds a text."""
    page = (ROOT / "docs" / "guides" / "proxy.md").read_text()
    blocks = re.findall(rf"```{language}\n(.*?)```", page, re.S)
    (found,) = [text for text in blocks if holding in text]
    return textwrap.dedent(found)


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Install, for one test, the package that the guide to proxies describes."""
    groups = block("ini", "nassearch.proxies")
    (tmp_path / "convolutions.py").write_text(block("python", "def convolutions"))
    metadata = tmp_path / "convolutions-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: convolutions\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        re.sub(r"^(nassearch\.\w+) =\n", r"[\1]\n", groups.split("\n", 1)[1], flags=re.M).replace("    ", "")
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry._known.cache_clear()
    yield
    registry._known.cache_clear()
    sys.modules.pop("convolutions", None)


def test_the_example_of_a_proxy_works_from_another_package(other_package: None) -> None:
    from nassearch.benchmarks.nasbench201 import MNIST1D_TASK
    from nassearch.spaces.nasbench201 import NASBench201

    space = NASBench201()
    proxy = registry.load("proxies", "convolutions")
    assert "convolutions" in registry.names("proxies")
    assert proxy.reference
    # One convolution per cell in the first, none in the second, and the same skeleton around them.
    networks = [space.network((2, 0, 0, 0, 0, 0), MNIST1D_TASK), space.network((1,) * 6, MNIST1D_TASK)]
    scores = proxy(networks)
    assert scores[0] - scores[1] == 2


def test_a_name_nobody_has_is_refused_with_the_nearest(other_package: None) -> None:
    with pytest.raises(UnknownName, match="did you mean convolutions"):
        registry.load("proxies", "convolution")


def test_no_clock_that_people_set_is_read() -> None:
    """Dates go backwards when a clock is set; what lasts is measured by clocks that do not."""
    steady = {"monotonic", "perf_counter", "process_time", "sleep"}
    shared = "search.asking.calendar"  # machines share no other clock; it decides nothing that is recorded as found
    for module, tree in modules().items():
        if module == shared:
            continue
        assert not any(name.startswith(("datetime", "time.")) for name in imports(tree)), module
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                of = node.value.id if isinstance(node.value, ast.Name) else ""
                assert of != "time" or node.attr in steady, f"{module}, line {node.lineno}"
                dates = {"st_mtime", "st_atime", "st_ctime", "getmtime", "getctime", "utime"}
                assert node.attr not in dates, f"{module}, line {node.lineno}"
