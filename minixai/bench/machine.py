"""What measured times depend on: the machine's kind, its load, the versions. No names and no paths."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from minixai import threads

CPUINFO = Path("/proc/cpuinfo")
PACKAGES = ("minixai", "numpy", "numba", "torch", "captum")


def surroundings(device: str = "cpu") -> dict[str, Any]:
    """What the mirror's numbers depend on."""
    import torch

    gpu = torch.cuda.get_device_name(device) if device.startswith("cuda") else None
    return {
        "machine": gpu or f"{platform.machine()}, threads: {torch.get_num_threads()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "torch")},
    }


def machine(used: int) -> dict[str, Any]:
    """This machine's processor, its cores and how many threads were used, and how busy it was already."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "cpu": _cpu(), "system": f"{platform.system()} {platform.machine()}", "cores": threads.cores(),
        "threads": used, "load when it began": load,
    }  # fmt: skip


def versions() -> dict[str, str | None]:
    """Python's and the packages'."""
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def need(*packages: str) -> None:
    """Raises ImportError, in one sentence, where the other side is not installed."""
    extras = {"torch": "torch", "captum": "peers"}
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        wanted = ",".join(extras[name] for name in missing)
        raise ImportError(f"the comparison needs {' and '.join(missing)}: pip install 'minixai[{wanted}]'")


def _cpu() -> str:
    """The model of the processor, as the system calls it."""
    lines = CPUINFO.read_text().splitlines() if CPUINFO.is_file() else []
    named = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
