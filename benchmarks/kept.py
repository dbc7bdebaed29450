"""Times in a file of pyperf's format, with the machine and the versions that they come from."""

from importlib.metadata import version
from pathlib import Path

import pyperf

from benchmarks.in_turn import Values

Benchmarks = dict[str, pyperf.Benchmark]  # by what was measured
Measured = dict[str, Benchmarks]  # by row

# No name and no path of the machine.
_MACHINE = ("cpu_model_name", "cpu_count", "platform", "python_version", "date")
_PACKAGES = (
    "tensorflow", "keras", "numpy", "scipy", "scikit-image", "opencv-python-headless", "mlflow",
    "dvc", "typer", "rich", "pydantic",
)  # fmt: skip


def load(path: Path) -> Measured:
    measured: Measured = {}
    for benchmark in pyperf.BenchmarkSuite.load(str(path)):
        row, _, what = benchmark.get_name().partition(": ")
        measured.setdefault(row, {})[what] = benchmark
    return measured


def save(path: Path, measured: Measured) -> None:
    every = [benchmark for row in measured.values() for benchmark in row.values()]
    pyperf.BenchmarkSuite(every).dump(str(path), replace=True)


def values(benchmarks: Benchmarks) -> Values:
    return {what: list(benchmark.get_values()) for what, benchmark in benchmarks.items()}


def in_pyperfs_form(row: str, measured: Values) -> Benchmarks:
    about = pyperf.Run([1.0]).get_metadata()
    machine = {key: about.get(key, "unknown") for key in _MACHINE} | {
        name: version(name) for name in _PACKAGES
    }
    benchmarks = {}
    for what, each in measured.items():
        unit = "byte" if what.endswith("bytes") else "second"
        metadata = {"name": f"{row}: {what}", "unit": unit, **machine}
        benchmarks[what] = pyperf.Benchmark(
            [pyperf.Run(each, metadata=metadata, collect_metadata=False)]
        )
    return benchmarks


def describe_machine(benchmarks: Benchmarks) -> str:
    about = next(iter(benchmarks.values())).get_metadata()
    packages = ", ".join(f"{name} {about[name]}" for name in _PACKAGES)
    return (
        f"Measured on {about['cpu_count']} cores of {about['cpu_model_name']}, "
        f"{about['platform']}, Python {about['python_version']}, {packages}."
    )
