"""Benchmarks: what an architecture reaches when trained."""

from nassearch.files.lazy import lazily

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nassearch.benchmarks.base import Benchmark, Dataset, Metric
    from nassearch.benchmarks.batches import load_batch, save_batch, synthetic_batch
    from nassearch.benchmarks.build.mnist1d import RECIPE, splits
    from nassearch.benchmarks.function import FunctionBenchmark
    from nassearch.benchmarks.nasbench101 import NASBench101Benchmark, NASBench101MatrixBenchmark
    from nassearch.benchmarks.nasbench201 import NASBench201Benchmark
    from nassearch.benchmarks.nasbench301 import NASBench301Benchmark
    from nassearch.benchmarks.nasbench_asr import NASBenchASRBenchmark
    from nassearch.benchmarks.nasbench_macro import NASBenchMacroBenchmark
    from nassearch.benchmarks.nasbench_nlp import NASBenchNLPBenchmark
    from nassearch.benchmarks.nats_size import NATSSizeBenchmark
    from nassearch.benchmarks.read.formats.base import Format
    from nassearch.benchmarks.table import Table
    from nassearch.benchmarks.tabular import TabularBenchmark
    from nassearch.benchmarks.trained.benchmark import TrainedBenchmark
    from nassearch.benchmarks.trained.entry import Entry
    from nassearch.benchmarks.trained.ledger import Ledger
    from nassearch.benchmarks.transnas import TransNASMacroBenchmark, TransNASMicroBenchmark
    from nassearch.files.data_folder import embedded
    from nassearch.types import Batch, Metrics, Task

__all__ = [
    "RECIPE",
    "Batch",
    "Benchmark",
    "Dataset",
    "Entry",
    "Format",
    "FunctionBenchmark",
    "Ledger",
    "Metric",
    "Metrics",
    "NASBench101Benchmark",
    "NASBench101MatrixBenchmark",
    "NASBench201Benchmark",
    "NASBench301Benchmark",
    "NASBenchASRBenchmark",
    "NASBenchMacroBenchmark",
    "NASBenchNLPBenchmark",
    "NATSSizeBenchmark",
    "Table",
    "TabularBenchmark",
    "Task",
    "TrainedBenchmark",
    "TransNASMacroBenchmark",
    "TransNASMicroBenchmark",
    "embedded",
    "load_batch",
    "save_batch",
    "splits",
    "synthetic_batch",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "nassearch.benchmarks.base": ["Benchmark", "Dataset", "Metric"],
            "nassearch.benchmarks.batches": ["load_batch", "save_batch", "synthetic_batch"],
            "nassearch.benchmarks.build.mnist1d": ["RECIPE", "splits"],
            "nassearch.benchmarks.function": ["FunctionBenchmark"],
            "nassearch.benchmarks.nasbench101": ["NASBench101Benchmark", "NASBench101MatrixBenchmark"],
            "nassearch.benchmarks.nasbench201": ["NASBench201Benchmark"],
            "nassearch.benchmarks.nasbench301": ["NASBench301Benchmark"],
            "nassearch.benchmarks.nasbench_asr": ["NASBenchASRBenchmark"],
            "nassearch.benchmarks.nasbench_macro": ["NASBenchMacroBenchmark"],
            "nassearch.benchmarks.nasbench_nlp": ["NASBenchNLPBenchmark"],
            "nassearch.benchmarks.nats_size": ["NATSSizeBenchmark"],
            "nassearch.benchmarks.read.formats.base": ["Format"],
            "nassearch.benchmarks.table": ["Table"],
            "nassearch.benchmarks.tabular": ["TabularBenchmark"],
            "nassearch.benchmarks.trained.benchmark": ["TrainedBenchmark"],
            "nassearch.benchmarks.trained.entry": ["Entry"],
            "nassearch.benchmarks.trained.ledger": ["Ledger"],
            "nassearch.benchmarks.transnas": ["TransNASMacroBenchmark", "TransNASMicroBenchmark"],
            "nassearch.files.data_folder": ["embedded"],
            "nassearch.types": ["Batch", "Metrics", "Task"],
        },
    )
