"""One function with the same weights, written in two ways, has one score by every proxy."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import Parameter

import nassearch
from nassearch.networks.tracing.backward import order, products
from nassearch.networks.tracing.biases import with_biases

PROXIES = ["params", "flops", "synflow", "logsynflow", "synflow_bn", "epsilon", "snip", "grad_norm", "plain"]
PROXIES += ["l2_norm", "grasp", "fisher", "naswot", "jacob_cov", "pjs", "swap", "epe_nas", "layers"]
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(16, 8)).astype(np.float32)
SERIES = RNG.normal(size=(16, 5, 8)).astype(np.float32)
IMAGES = RNG.normal(size=(16, 4, 6, 6)).astype(np.float32)
WORDS = RNG.integers(0, 30, (16, 5))
LABELS = np.arange(16) % 3
Pair = tuple[nn.Module, nn.Module]
Forward = Callable[[Any, Tensor], Tensor]


class Net(nn.Module):
    """What `forward` makes of parts, with a classifier `head` behind it."""

    def __init__(self, forward: Forward, size: int = 8, **parts: Any) -> None:
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, Parameter(part.detach().clone()) if isinstance(part, Tensor) else part)
        if "head" not in parts:
            torch.manual_seed(3)
            self.head = nn.Linear(size, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def dense(positions: bool, other: Forward, turn: bool = False) -> Pair:
    """Pair a linear layer on vectors, or on positions, with one of bare parameters."""
    torch.manual_seed(7)
    layer = nn.Linear(8, 8)

    def end(s: Any, z: Tensor) -> Tensor:
        z = torch.relu(z)
        return s.head(z.mean(1) if positions else z)

    weight = layer.weight.t().contiguous() if turn else layer.weight
    one = Net(lambda s, x: end(s, s.layer(x)), layer=layer)
    return one, Net(lambda s, x: end(s, other(s, x)), w=weight, b=layer.bias)


def convolution(layer: nn.Module, other: Forward, **parts: Any) -> Pair:
    """Pair a convolution with what gives the same `[B, 8, ...]`."""

    def end(s: Any, z: Tensor) -> Tensor:
        return s.head(torch.relu(z).flatten(2).mean(2))

    return Net(lambda s, x: end(s, s.layer(x)), layer=layer), Net(lambda s, x: end(s, other(s, x)), **parts)


def pointwise() -> Pair:
    layer = nn.Conv2d(4, 8, 1)
    linear = nn.Linear(4, 8)
    linear.load_state_dict({"weight": layer.weight.flatten(1), "bias": layer.bias})
    return convolution(layer, lambda s, x: s.linear(x.movedim(1, -1)).movedim(-1, 1), linear=linear)


def transposed() -> Pair:
    layer, plain = nn.ConvTranspose2d(4, 8, 1), nn.Conv2d(4, 8, 1)
    plain.load_state_dict({"weight": layer.weight.transpose(0, 1), "bias": layer.bias})
    return convolution(layer, lambda s, x: s.plain(x), plain=plain)


def functional(transpose: bool) -> Pair:
    kind = nn.ConvTranspose2d if transpose else nn.Conv2d
    run = F.conv_transpose2d if transpose else F.conv2d
    layer = kind(4, 8, 3, groups=2)
    return convolution(layer, lambda s, x: run(x, s.w, s.b, groups=2), w=layer.weight, b=layer.bias)


def tied(kind: type, size: int, *shape: int) -> Pair:
    """Pair two layers that share a weight with one that is called twice."""
    first, second = (kind(size, size, *shape, bias=False) for _ in range(2))
    second.weight = first.weight

    def end(s: Any, z: Tensor) -> Tensor:
        return s.head(z.flatten(2).mean(2) if z.dim() > 2 else z)

    one = Net(lambda s, x: end(s, s.second(torch.relu(s.first(x)))), size, first=first, second=second)
    return one, Net(lambda s, x: end(s, s.first(torch.relu(s.first(x)))), size, first=first)


def transposed_tie() -> Pair:
    layer = nn.Linear(8, 6, bias=False)
    one = Net(lambda s, x: s.head(F.linear(torch.relu(s.layer(x)), s.layer.weight.t())), layer=layer)
    return one, Net(lambda s, x: s.head(torch.relu(x @ s.w.t()) @ s.w), w=layer.weight)


def attention() -> Pair:
    layer, q = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 24)
    assert layer.in_proj_weight is not None
    q.load_state_dict({"weight": layer.in_proj_weight, "bias": layer.in_proj_bias})

    def other(s: Any, x: Tensor) -> Tensor:
        parts = s.q(x).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        return s.head(s.out(F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)).mean(1))

    one = Net(lambda s, x: s.head(s.layer(x, x, x, need_weights=False)[0].mean(1)), layer=layer)
    out = nn.Linear(8, 8)
    out.load_state_dict(layer.out_proj.state_dict())
    return one, Net(other, q=q, out=out)


def gates(kind: str) -> Pair:
    """Pair a recurrent layer with its cell in a loop."""
    layer, cell = getattr(nn, kind)(8, 6, batch_first=True), getattr(nn, kind + "Cell")(8, 6)
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})

    def loop(s: Any, x: Tensor) -> Tensor:
        state: Any = x.new_zeros(len(x), 6)
        state = (state, state) if kind == "LSTM" else state
        for step in x.unbind(1):
            state = s.cell(step, state)
        return s.head(state[0] if kind == "LSTM" else state)

    return Net(lambda s, x: s.head(s.layer(x)[0][:, -1]), 6, layer=layer), Net(loop, 6, cell=cell)


def bilinear() -> Pair:
    layer, linear = nn.Bilinear(8, 8, 6), nn.Linear(64, 6)
    linear.load_state_dict({"weight": layer.weight.flatten(1), "bias": layer.bias})
    one = Net(lambda s, x: s.head(torch.relu(s.layer(x, x))), 6, layer=layer)
    squares = lambda x: (x[:, :, None] * x[:, None]).flatten(1)  # noqa: E731
    return one, Net(lambda s, x: s.head(torch.relu(s.linear(squares(x)))), 6, linear=linear)


def table() -> Pair:
    words, layer, out = nn.Embedding(30, 8), nn.Linear(8, 8), nn.Linear(8, 30, bias=False)
    out.weight = words.weight
    z = lambda s, x: torch.relu(s.layer(s.words(x.long()).mean(1)))  # noqa: E731
    one = Net(lambda s, x: s.head(z(s, x)), words=words, layer=layer, head=out)
    return one, Net(lambda s, x: F.linear(z(s, x), s.words.weight), words=words, layer=layer, head=None)


def loop() -> Pair:
    layer = nn.Linear(8, 8)
    one = Net(lambda s, x: s.head(torch.relu(s.layer(x)).mean(1)), layer=layer)
    each = lambda s, x: torch.stack([torch.relu(s.layer(step)) for step in x.unbind(1)], 1)  # noqa: E731
    return one, Net(lambda s, x: s.head(each(s, x).mean(1)), layer=layer)


def beside() -> Pair:
    """Pair four weights in one product, with one bias, with four products."""
    weights, bias = torch.randn(4, 8, 8), torch.randn(8)
    four = lambda s, x: torch.stack([x @ w + s.b for w in s.w])  # noqa: E731
    many = lambda s, x: torch.bmm(x.expand(4, -1, -1), s.w) + s.b  # noqa: E731
    one, other = (
        Net(lambda s, x, z=z: s.head(torch.relu(z(s, x)).mean(0)), w=weights, b=bias) for z in (many, four)
    )
    return one, other


PAIRS: dict[str, tuple[Callable[[], Pair], Any]] = {
    "F.linear": (lambda: dense(False, lambda s, x: F.linear(x, s.w, s.b)), VECTORS),
    "at": (lambda: dense(True, lambda s, x: x @ s.w + s.b, turn=True), SERIES),
    "matrix in front": (lambda: dense(True, lambda s, x: (s.w @ x.mT + s.b[:, None]).mT), SERIES),
    "einsum": (lambda: dense(True, lambda s, x: torch.einsum("bti,oi->bto", x, s.w) + s.b), SERIES),
    "tensordot": (lambda: dense(True, lambda s, x: torch.tensordot(x, s.w, ([2], [1])) + s.b), SERIES),
    "baddbmm": (
        lambda: dense(True, lambda s, x: torch.baddbmm(s.b, x, s.w.t().expand(len(x), 8, 8))),
        SERIES,
    ),
    "loop over positions": (loop, SERIES),
    "convolution of one pixel": (pointwise, IMAGES),
    "transposed of one pixel": (transposed, IMAGES),
    "F.conv2d": (lambda: functional(False), IMAGES),
    "F.conv_transpose2d": (lambda: functional(True), IMAGES),
    "tied convolutions": (lambda: tied(nn.Conv2d, 4, 3), IMAGES),
    "tied transposed convolutions": (lambda: tied(nn.ConvTranspose2d, 4, 3), IMAGES),
    "tied layers": (lambda: tied(nn.Linear, 8), VECTORS),
    "tied to the transpose": (transposed_tie, VECTORS),
    "tied to the table": (table, WORDS),
    "attention": (attention, SERIES),
    "LSTM": (lambda: gates("LSTM"), SERIES),
    "GRU": (lambda: gates("GRU"), SERIES),
    "RNN": (lambda: gates("RNN"), SERIES),
    "bilinear": (bilinear, VECTORS),
    "weights beside each other": (beside, VECTORS),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_function_has_one_score(name: str) -> None:
    make, inputs = PAIRS[name]
    torch.manual_seed(1)
    pair = make()
    with torch.no_grad():
        torch.testing.assert_close(*(net(torch.from_numpy(inputs)) for net in pair))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        one, other = (nassearch.score(net, (inputs, LABELS), PROXIES) for net in pair)
    # Both compute in float32, in other orders.
    assert one == pytest.approx(other, rel=1e-4, nan_ok=True)
    assert all(one[proxy] for proxy in ("snip", "grasp", "fisher"))


def test_a_bias_is_what_is_added_to_units_and_to_nothing_else() -> None:
    x, square = torch.ones(3, 5, 8), torch.ones(3, 8, 8)
    w, b, one = (Parameter(torch.ones(shape)) for shape in ((8, 8), (8,), (1,)))
    product = x @ w
    biases = [product + b, b + product, (w @ x.mT) + b[:, None], F.conv1d(x.mT, w[..., None]) + b[:, None]]
    biases += [x[0] @ b + one, torch.addmm(b, x[0], w), torch.einsum("bti,oi->bot", x, w).mT + b]
    others = [square @ w + b[:, None], F.conv1d(square, w[..., None]) + b, square[0] @ b + b]
    others += [torch.addmm(b[:, None], square[0], w), 2 * product + b, product + product + b]
    given = {True: biases, False: others}
    for there, results in given.items():
        for n, result in enumerate(results):
            nodes = order(result.grad_fn)
            found = with_biases(nodes, products(nodes, [w, b, one]))
            assert [call.bias is not None for call in found] == [there], (there, n)


def test_what_has_no_fisher_keeps_its_other_scores() -> None:
    tokens = Parameter(torch.randn(3, 8))
    attend = lambda s, x: torch.softmax(s.q(s.tokens) @ x.mT, -1) @ x  # noqa: E731
    model = Net(lambda s, x: s.head(attend(s, x).mean(1)), q=nn.Linear(8, 8), tokens=tokens)
    names = ["snip", "fisher", "grasp", "grad_norm"]
    with pytest.warns(
        RuntimeWarning, match="fisher has no score: fisher sums over the positions of each sample"
    ):
        together = nassearch.score(model, (SERIES, LABELS), names)
    assert together == {
        name: nassearch.score(model, (SERIES, LABELS), [name])[name] for name in names if name != "fisher"
    } | {"fisher": pytest.approx(float("nan"), nan_ok=True)}
