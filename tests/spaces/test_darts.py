"""The space of DARTS: genotypes as others write them, isomorphic cells, and the network held against another."""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest
import torch
from genotypes import EXACT, PUBLISHED, V2, WEIGHTED, Cells, genotype

from nassearch.errors import InvalidArch, InvalidSetting
from nassearch.networks.counting import macs, parameters
from nassearch.networks.modules.network import TorchNetwork
from nassearch.spaces import Darts, open_space
from nassearch.spaces.darts.cells import OPS, canonical, cell_of, node_of
from nassearch.spaces.darts.texts import PREFIX, read
from nassearch.types import Task

SPACE = Darts()
ARCH = SPACE.parse(V2)
SOME = SPACE.sample_many(40, np.random.default_rng(1))
CIFAR = Task((3, 32, 32), 10, channels=(36,), layers=20)


def settings(text: str) -> dict[str, object]:
    """Return a genotype as NAS-Bench-301 writes the settings of a training."""
    found: dict[str, object] = {f"{PREFIX}layers": 8, f"{PREFIX}auxiliary": False, "lr": 0.025}
    for kind, edges in zip(("normal", "reduce"), read(text), strict=True):
        start = 0
        for node, pair in enumerate(edges):
            for source, op in pair:
                found[f"{PREFIX}edge_{kind}_{start + source}"] = OPS[op]
            if node:
                found[f"{PREFIX}inputs_node_{kind}_{node + 2}"] = "_".join(str(source) for source, _ in pair)
            start += 2 + node
    return found


def test_genotypes_are_read_as_all_write_them() -> None:
    assert ARCH[:11] == (3, 3, 0, 3, 3, 0, 2, 3, 1, 2, 5)
    normal, reduce = SPACE.edges(ARCH)
    pairs = [[edge for node in cell for edge in node] for cell in (normal, reduce)]
    named = [[(OPS[op], source) for source, op in cell] for cell in pairs]
    variants = [
        V2.replace("[2, 3, 4, 5]", "range(2, 6)"),
        V2.replace("[2, 3, 4, 5]", "(2, 3, 4, 5)").replace(" ", "").replace("'", '"'),
        f"  genotypes.{V2}\n".replace(", (", ",\n   ("),
        f"Genotype({named[0]}, [2, 3, 4, 5], {named[1]}, range(2, 6))",
        f"Genotype(reduce={named[1]}, normal={named[0]})",
        f"Genotype(normal={[named[0][i : i + 2] for i in range(0, 8, 2)]}, reduce={named[1]})",
        json.dumps({"normal": named[0], "normal_concat": [2, 3, 4, 5], "reduce": named[1]}),
        json.dumps(settings(V2)),
        str(settings(V2)),
        str(pairs),
        json.dumps(pairs),
        str(tuple(number for cell in pairs for edge in cell for number in edge)),
        SPACE.format(ARCH),
    ]
    assert [SPACE.parse(text) for text in variants] == [ARCH] * len(variants)
    assert SPACE.from_naslib(tuple(number for cell in pairs for edge in cell for number in edge)) == ARCH
    for arch in SOME:
        assert (
            SPACE.parse(SPACE.format(arch)) == arch == SPACE.parse(json.dumps(settings(SPACE.format(arch))))
        )


def test_naslib_numbers_operations_in_this_order() -> None:
    """The pairs of NAS-Bench-Suite-Zero, (input, operation), of which the first node here is a 5x5 and a 3x3."""
    cell = "(0, 4), (1, 3), (0, 2), (2, 3), (2, 3), (0, 3), (2, 6), (3, 5)"
    expected = genotype("s50 s31 k0 s32 s32 s30 d52 d33", "s50 s31 k0 s32 s32 s30 d52 d33")
    assert SPACE.parse(f"[[{cell}], [{cell}]]") == SPACE.parse(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            V2.replace("sep_conv_3x3', 0", "none', 0", 1),
            "'none' in the normal cell is not an operation.*other spaces",
        ),
        (
            V2.replace("sep_conv_3x3', 0", "conv', 0", 1),
            "'conv' in the normal cell.*they are max_pool_3x3, avg",
        ),
        (
            V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', 5"),
            "node 5 of the normal cell reads 5.*is 0 to 4",
        ),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', -1"), "reads -1"),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', True"), "reads True"),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', 2.0"), "reads 2.0"),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', '2'"), "reads '2'"),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', 0"), "node 5 of the normal cell reads 0 twice"),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3', \u0662"), "is no genotype"),
        (V2.replace("'dil_conv_3x3', 2", "'dil_conv_3x3'"), "not a pair of an operation and an input"),
        (V2.replace("('skip_connect', 0), ('dil", "('dil", 1), "the normal cell .* has 7 edges, not 8"),
        (V2.replace("[2, 3, 4, 5]", "[4, 5]", 1), "normal_concat is .*side by side"),
        (V2.replace("[2, 3, 4, 5]", "range(0, 10**9)", 1), "is no genotype"),
        (V2.replace("normal=", "usual=", 1), "has a part 'usual'"),
        (V2.replace("reduce=", "reduce_concat=", 1), "is no genotype"),
        ("Genotype(normal=[])", "has no part reduce"),
        ("Genotype([], normal=[])", "gives a part twice"),
        ("Genotype(*__import__('os').system('true'))", "is no genotype"),
        ("__import__('os').system('touch here')", "is no genotype"),
        ("Genotype(normal=open('/etc/passwd').read(), reduce=[])", "is no genotype"),
        (f"Genotype(normal={'[' * 5000}{']' * 5000}, reduce=[])", "is no genotype"),
        (f"Genotype(normal=[{'1,' * 30_000}], reduce=[])", "at most 20000 characters"),
        (f"[{'9' * 5000}]", "is no genotype"),
        (V2 * 2, "is no genotype"),
        ("{}", "has no part normal"),
        ("0x1for x in (1)", "is no genotype"),
        (r"Genotype('\d', '\N{DIGIT ONE}')", "has no part|has 0 edges|is no genotype"),
        ('{"normal": [], "normal": [], "reduce": []}', "is no genotype"),
        (V2.replace("normal=[", "normal=[], normal=[", 1), "is no genotype"),
        ("-" * 10_000 + "1", "is no genotype"),
        ("a." * 5_000 + "b", "is no genotype"),
        ("\x00", "is no genotype"),
        ("\ud800", "is no genotype"),
        ("[[], []]", "has 0 edges, not 8"),
        (str([[(0, 7)] * 8] * 2), "7 in the normal cell is not an operation of darts: they are 0 to 6"),
        (json.dumps({**settings(V2), f"{PREFIX}edge_normal_13": "skip_connect"}), "node 5 .* has 3 edges"),
        (
            json.dumps({**settings(V2), f"{PREFIX}edge_normal_14": "skip_connect"}),
            "is no edge: they are 0 to 13",
        ),
        (json.dumps({**settings(V2), f"{PREFIX}inputs_node_normal_5": "1_2"}), "come from 0_2"),
    ],
)
def test_what_is_no_genotype_says_why(text: str, words: str) -> None:
    with pytest.raises(InvalidArch, match=words):
        SPACE.parse(text)


@pytest.mark.parametrize("numbers", [(), (0,) * 31, (0,) * 32, (0, 0, 1, 7) * 8, (0, 0, 9, 0) * 8])
def test_naslib_numbers_that_mean_nothing(numbers: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArch):
        SPACE.from_naslib(numbers)


def test_size_and_moves() -> None:
    assert (
        SPACE.size == (7**8 * 1 * 3 * 6 * 10) ** 2 == 1_076_746_979_857_472_400
        or SPACE.size == (7**8 * 180) ** 2
    )
    near = SPACE.neighbours(ARCH)
    assert len(near) == len(set(near)) == 120
    before = [edge for cell in SPACE.edges(ARCH) for node in cell for edge in node]
    for arch in near:
        after = [edge for cell in SPACE.edges(arch) for node in cell for edge in node]
        changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        # An edge that overtakes the other one of its node changes places with it.
        assert len(changed) == 1 or (len(changed) == 2 and set(changed[0]) & set(changed[1]))


def test_numberings_of_one_cell_share_a_key_and_a_network() -> None:
    task = Task((3, 16, 16), 10, channels=(4,), layers=4)
    for arch in [ARCH, *SOME[:5]]:
        normal, reduce = SPACE.edges(arch)
        numberings = set()
        for order in permutations(range(2, 6)):
            place = {0: 0, 1: 1, **{old: new for new, old in enumerate(order, start=2)}}
            nodes = [node_of(*((place[s], op) for s, op in normal[old - 2])) for old in order]
            if all(source < 2 + node for node, pair in enumerate(nodes) for source, _ in pair):
                numberings.add(tuple(cell_of(tuple(nodes))))
        ways = [(*cell, *cell_of(reduce)) for cell in sorted(numberings)]
        assert arch in ways and len({SPACE.key(way) for way in ways}) == 1
        assert len({SPACE.network(way, task) for way in ways}) == 1
        first = SPACE.of_key(SPACE.key(arch))
        assert first == SPACE.representative(ways[-1])
        assert first is not None and first[:11] == min(way[:11] for way in ways)
    assert SPACE.of_key("") is SPACE.of_key("9" * 22) is SPACE.of_key("no such key") is None


def test_canonical_orders_are_the_first_of_all() -> None:
    for arch in SOME:
        for cell in SPACE.edges(arch):
            assert canonical(canonical(cell)) == canonical(cell)
            assert cell_of(canonical(cell)) <= cell_of(cell)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_and_operations_are_the_published_ones(name: str) -> None:
    text, millions, operations = PUBLISHED[name]
    network = SPACE.network(SPACE.parse(text), CIFAR)
    assert parameters(network) / 1e6 == pytest.approx(
        millions, abs=0.01
    )  # printed with two digits, rounded or cut
    # One count takes average poolings in, of which PC-DARTS has some: 1.3 of 558 million.
    assert macs(network) / 1e6 == pytest.approx(operations, abs=1.5 if name == "PC-DARTS" else 0.6)
    assert parameters(network) == EXACT.get(text, parameters(network))


def test_parameters_are_those_of_a_training_of_nas_bench_301() -> None:
    """One of its published trainings has 50 channels, 20 cells, an auxiliary head and 6,369,358 parameters."""
    arch = SPACE.parse(genotype("k0 s31 s30 k1 d30 d52 s31 k2", "m30 a31 k0 d51 s31 s52 s32 d33"))
    network = SPACE.network(arch, Task((3, 32, 32), 10, channels=(50,), layers=20))
    head = (16 * 50 + 2) * 128 + 4 * 128 * 768 + 2 * 768 + 768 * 10 + 10
    assert parameters(network) + head == 6_369_358


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 8])
def test_the_network_is_that_of_a_module_with_two_inputs(layers: int) -> None:
    task = Task((3, 16, 16), 7, channels=(6,), layers=layers)
    for arch in [ARCH, *SOME[:6]]:
        normal, reduce = (canonical(cell) for cell in SPACE.edges(arch))
        other = Cells(normal, reduce, 6, layers, 7)
        network = SPACE.network(arch, task)
        assert parameters(network) == sum(p.numel() for p in other.parameters())
        own = TorchNetwork(network, torch.Generator().manual_seed(0))
        layers_of_own = [layer for layer in own.modules() if isinstance(layer, WEIGHTED)]
        with torch.no_grad():
            for mine, theirs in zip(layers_of_own, other.in_order(), strict=True):
                theirs.load_state_dict(mine.state_dict())
            x = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
            # The mean over the image is taken in another order.
            torch.testing.assert_close(own.double()(x), other.double()(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(3, 33, 27), (1, 5, 5), (2, 40), (1, 9, 8, 7), (3, 1, 1)])
def test_sizes_that_are_odd_signals_and_volumes(shape: tuple[int, ...]) -> None:
    network = SPACE.network(ARCH, Task(shape, 4, channels=(3,), layers=5))
    model = TorchNetwork(network, torch.Generator().manual_seed(0)).eval()
    assert model(torch.randn(2, *shape)).shape == (2, 4)
    assert parameters(network) == sum(p.numel() for p in model.parameters())


def test_vectors_have_no_cells() -> None:
    with pytest.raises(InvalidSetting, match=r"gives nothing.*not for vectors"):
        SPACE.network(ARCH, Task((12,), 4))


def test_a_space_of_any_size_is_named() -> None:
    chosen = open_space("darts(channels=8, layers=5)")
    assert chosen.skeleton == {"channels": (8,), "layers": 5}
    assert open_space("darts").skeleton == {"channels": (36,), "layers": 20}
    with pytest.raises(InvalidSetting, match="layers of darts"):
        open_space("darts(layers=0)")
