"""Search spaces: which architectures there are, and the network that each of them means."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.networks.graph import Block, Builder, Layer, Network
    from nassearch.networks.module_network import ModuleNetwork
    from nassearch.networks.recurrent import RecurrentNetwork
    from nassearch.spaces.base import CellGraph, SearchSpace
    from nassearch.spaces.choices import Choices
    from nassearch.spaces.darts.space import Darts
    from nassearch.spaces.darts.trained import NASBench301
    from nassearch.spaces.mobile import Mobile
    from nassearch.spaces.nasbench101.space import NASBench101
    from nassearch.spaces.nasbench201 import NASBench201
    from nassearch.spaces.nasbench_asr.space import NASBenchASR
    from nassearch.spaces.nasbench_macro import NASBenchMacro
    from nassearch.spaces.nasbench_nlp.space import NASBenchNLP
    from nassearch.spaces.nats_size import NATSSize
    from nassearch.spaces.opening import SpaceChoice, open_space
    from nassearch.spaces.own.space import ModuleSpace
    from nassearch.spaces.transnas.macro import TransNASMacro
    from nassearch.spaces.transnas.micro import TransNASMicro

__all__ = [
    "Block",
    "Builder",
    "CellGraph",
    "Choices",
    "Darts",
    "Layer",
    "Mobile",
    "ModuleNetwork",
    "ModuleSpace",
    "NASBench101",
    "NASBench201",
    "NASBench301",
    "NASBenchASR",
    "NASBenchMacro",
    "NASBenchNLP",
    "NATSSize",
    "Network",
    "RecurrentNetwork",
    "SearchSpace",
    "SpaceChoice",
    "TransNASMacro",
    "TransNASMicro",
    "open_space",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.networks.graph": ["Block", "Builder", "Layer", "Network"],
            "nassearch.networks.module_network": ["ModuleNetwork"],
            "nassearch.networks.recurrent": ["RecurrentNetwork"],
            "nassearch.spaces.base": ["CellGraph", "SearchSpace"],
            "nassearch.spaces.choices": ["Choices"],
            "nassearch.spaces.darts.space": ["Darts"],
            "nassearch.spaces.darts.trained": ["NASBench301"],
            "nassearch.spaces.mobile": ["Mobile"],
            "nassearch.spaces.nasbench101.space": ["NASBench101"],
            "nassearch.spaces.nasbench201": ["NASBench201"],
            "nassearch.spaces.nasbench_asr.space": ["NASBenchASR"],
            "nassearch.spaces.nasbench_macro": ["NASBenchMacro"],
            "nassearch.spaces.nasbench_nlp.space": ["NASBenchNLP"],
            "nassearch.spaces.nats_size": ["NATSSize"],
            "nassearch.spaces.own.space": ["ModuleSpace"],
            "nassearch.spaces.opening": ["SpaceChoice", "open_space"],
            "nassearch.spaces.transnas.macro": ["TransNASMacro"],
            "nassearch.spaces.transnas.micro": ["TransNASMicro"],
        },
    )
