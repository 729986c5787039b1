"""Who computes with how many threads, and how to say so.

Three pools may meet in one process: that of NumPy's BLAS, Numba's and PyTorch's. Each takes all cores for itself and
knows nothing of the others; a pool whose work is done keeps its threads turning for a while, ready for more. So two of
them in turn on two cores are four threads on two cores, and a call of 8 ms takes 20.

The engine shares large layers among as many threads as NumPy's BLAS has been given: threads of its own, which sleep
between layers, and in which its Numba kernels run, too, never in Numba's. While it computes a layer of some size, BLAS
keeps to one thread; after the layer it has its size again.

The policy. But for the length of such a layer this package changes the size of no pool by itself: sizes come from the
environment (``VARIABLES``, read when a library is loaded) or from ``limited``, for a block, by whoever calls. A process
that is started here and computes is a fresh one (never a fork: threads do not survive one), and is told its sizes by
``environment``. ``minixai doctor`` shows the pools and says what to do.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import PurePath
from typing import Any, NamedTuple

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
OWNERS = ("numpy", "scipy", "torch", "sklearn", "scikit_learn", "numba")  # by the folder that a library lies in


class Pool(NamedTuple):
    """A pool of threads in this process: whose it is, what it is made of, how many threads it would use now."""

    owner: str
    kind: str
    size: int


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pools() -> list[Pool]:
    """The pools of the libraries that are loaded. Raises ImportError without threadpoolctl."""
    from threadpoolctl import threadpool_info

    found = [Pool(_owner(one["filepath"]), one["internal_api"], one["num_threads"]) for one in threadpool_info()]
    if numba := sys.modules.get("numba"):
        found.append(Pool("numba", "numba", numba.get_num_threads()))
    if torch := sys.modules.get("torch"):
        found = [pool for pool in found if pool.owner != "torch"]
        found.append(Pool("torch", "intra-op", torch.get_num_threads()))
    return found


def advice(found: Sequence[Pool], available: int) -> str:
    """What to do about these pools on so many cores, in a sentence."""
    large = sorted({pool.owner for pool in found if pool.size > 1} - {"numba"})  # nobody here starts Numba's
    if over := [f"{pool.owner} ({pool.size})" for pool in found if pool.size > available]:
        settings = " ".join(f"{name}={size}" for name, size in environment(available).items())
        return f"more threads than cores ({available}): {', '.join(over)}; start Python with {settings}"
    if len(large) < 2:
        return "fine: at most one pool has several threads"
    return (
        f"{', '.join(large)} take up to {available} cores each; if two of them work in turn they get in each other's "
        "way: give all but one a single thread (with minixai.threads.limited(1): ..., or OPENBLAS_NUM_THREADS=1 in the "
        "environment); for small networks one thread for all is fastest"
    )


@contextmanager
def limited(threads: int) -> Iterator[None]:
    """All pools of the libraries that are loaded, at this size for a block; afterwards each as it was.

    Numba cannot grow beyond the size that it was loaded with, and stays at that. Raises ValueError for fewer than one.
    """
    from threadpoolctl import threadpool_limits

    if threads < 1:
        raise ValueError(f"threads is {threads}; expected at least 1")
    with ExitStack() as stack:
        stack.enter_context(threadpool_limits(limits=threads))
        if numba := sys.modules.get("numba"):
            stack.callback(numba.set_num_threads, numba.get_num_threads())
            numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        if torch := sys.modules.get("torch"):
            stack.callback(torch.set_num_threads, torch.get_num_threads())
            torch.set_num_threads(threads)
        yield


def environment(threads: int) -> dict[str, str]:
    """What a fresh process is told, so that every pool in it has this size."""
    return dict.fromkeys(VARIABLES, str(threads))


def summary() -> dict[str, Any]:
    """The cores, the pools and the advice, for ``minixai doctor``."""
    found, available = pools(), cores()
    sizes = {f"{pool.owner} ({pool.kind})": pool.size for pool in found}
    return {"cores": available, **sizes, "advice": advice(found, available)}


def _owner(path: str) -> str:
    """numpy, for .../site-packages/numpy.libs/libopenblas.so; the name of the file where no folder says whose it is."""
    parts = [part.partition(".")[0] for part in PurePath(path).parts]
    return next((part for part in parts if part in OWNERS), PurePath(path).name)
