"""Memory that was let go of, given back to the system."""

from __future__ import annotations

import ctypes
import gc
import os


def give_back() -> None:
    """Return what is free to the system: the C library keeps it for later, a gigabyte after models were unloaded.

    Only glibc can be told to; elsewhere nothing happens. Blocks for a tenth of a second.
    """
    gc.collect()
    if os.name != "posix":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
