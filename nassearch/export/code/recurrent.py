"""A recurrent language model as the code of a torch module, and where in it each weight belongs."""

from __future__ import annotations

from nassearch.export.code.layout import INDENT, WIDTH, Call, Code, lay_out
from nassearch.export.code.network import Written
from nassearch.networks.recurrent import Cell, RecurrentNetwork

UNARY = {
    "activation_tanh": "torch.tanh",
    "activation_sigm": "torch.sigmoid",
    "activation_leaky_relu": "functional.leaky_relu",
}
HEAD = '''

class RecurrentLayer(nn.Module):
    """The recurrent cell that the search has found, and its states from word to word."""
'''
NETWORK = '''

class Network(nn.Module):
    """A language model whose classifier has the weights of its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding({words}, {width})
        self.layers = nn.Sequential(
{layers}
        )
        self.bias = nn.Parameter(torch.zeros({words}))

    def forward(self, x: Tensor) -> Tensor:
        """Map words, int64 [B, T], to the logits of each next one, [B, T, {words}]."""
        x = self.layers(self.embedding(x.T)).transpose(0, 1)
        return functional.linear(x, self.embedding.weight, self.bias)
'''


def write_recurrent(network: RecurrentNetwork) -> Written:
    """Return a recurrent network as readable code."""
    cell = network.cell
    lines = [*HEAD.rstrip("\n").split("\n"), ""]
    lines += [
        f"{INDENT}def __init__(self, width: int, units: int) -> None:",
        f"{INDENT * 2}super().__init__()",
    ]
    lines += [f"{INDENT * 2}self.units = units"]
    weights = {"embedding": "embedding.weight", "bias": "bias"}
    for k, node in enumerate(cell.nodes):
        if node.op == "linear":
            for place, read in enumerate(node.inputs):
                width, bias = "units" if read else "width", ", bias=False" if place else ""
                lines.append(f"{INDENT * 2}self.{_matrix(cell, k, place)} = nn.Linear({width}, units{bias})")
                for layer in range(len(network.widths)):
                    old, new = f"layers.{layer}", f"layers.{layer}.{_matrix(cell, k, place)}"
                    weights[f"{old}.weights.{k}.{place}"] = f"{new}.weight"
                    if not place:
                        weights[f"{old}.biases.{k}"] = f"{new}.bias"
    live = _live(cell)
    used = {source for k in live for source in cell.nodes[k].inputs}
    states = ", ".join(f"{'' if state + 1 in used else '_'}h{state}" for state in range(cell.states))
    lines += ["", f"{INDENT}def step(self, x: Tensor, states: list[Tensor]) -> list[Tensor]:"]
    lines += [f'{INDENT * 2}"""Return the new states after one word, [B, units] each."""']
    lines += [f"{INDENT * 2}{states} = states" if cell.states > 1 else f"{INDENT * 2}({states},) = states"]
    for k in live:
        for name, code in _statements(cell, k):
            lines += lay_out(code, 2, f"{name} = ")
    lines += lay_out(Call("[", tuple(_name(cell, output) for output in cell.outputs), "]"), 2, "return ")
    lines += ["", f"{INDENT}def forward(self, xs: Tensor) -> Tensor:"]
    lines += [f'{INDENT * 2}"""Map [T, B, width] to the first state after each step, [T, B, units]."""']
    times = f" * {cell.states}" if cell.states > 1 else ""
    lines += [f"{INDENT * 2}states = [xs.new_zeros(xs.shape[1], self.units)]{times}"]
    lines += [f"{INDENT * 2}outputs = []", f"{INDENT * 2}for x in xs:"]
    lines += [f"{INDENT * 3}states = self.step(x, states)", f"{INDENT * 3}outputs.append(states[0])"]
    lines += [f"{INDENT * 2}return torch.stack(outputs)"]
    layers = [f"{INDENT * 3}RecurrentLayer({width}, {units})," for width, units in network.layers]
    text = NETWORK.format(words=network.vocabulary, width=network.widths[-1], layers="\n".join(layers))
    return Written([*lines, *text.rstrip("\n").split("\n")], weights)


def _live(cell: Cell) -> list[int]:
    """Return the nodes that a new state depends on, in order."""
    wanted = set(cell.outputs)
    for k in reversed(range(len(cell.nodes))):
        if cell.states + 1 + k in wanted:
            wanted.update(cell.nodes[k].inputs)
    return [k for k in range(len(cell.nodes)) if cell.states + 1 + k in wanted]


def _name(cell: Cell, read: int) -> str:
    """Return the variable of what a node reads."""
    if not read:
        return "x"
    return f"h{read - 1}" if read <= cell.states else f"node{read - cell.states}"


def _matrix(cell: Cell, k: int, place: int) -> str:
    node, source = k + 1, _name(cell, cell.nodes[k].inputs[place])
    twice = cell.nodes[k].inputs[:place].count(cell.nodes[k].inputs[place])
    return f"node{node}_of_{source}" + (f"_{twice + 1}" if twice else "")


def _statements(cell: Cell, k: int) -> list[tuple[str, Code]]:
    """Return the name and the code of each statement that computes a node; sums are added from left to right."""
    node = cell.nodes[k]
    name, read = f"node{k + 1}", [_name(cell, source) for source in node.inputs]
    if node.op == "linear":
        terms = [f"self.{_matrix(cell, k, place)}({source})" for place, source in enumerate(read)]
        whole = " + ".join(terms)
        if len(whole) + len(name) + 11 <= WIDTH:
            return [(name, whole)]
        return [(name, " + ".join([name, term] if place else [term])) for place, term in enumerate(terms)]
    if node.op == "blend":
        return [(name, f"{read[0]} * {read[1]} + (1 - {read[0]}) * {read[2]}")]
    if node.op in ("elementwise_prod", "elementwise_sum"):
        return [(name, (" * " if node.op.endswith("prod") else " + ").join(read))]
    return [(name, f"{UNARY[node.op]}({read[0]})")]
