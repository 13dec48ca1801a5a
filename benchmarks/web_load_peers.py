"""The two other servers of `benchmarks.web_load`, each in a process of its own.

python -m benchmarks.web_load_peers stub|echo
"""

from __future__ import annotations

import os
import sys

import uvicorn

from benchmarks.web_clients import echo, stub

if __name__ == "__main__":
    host, _, port = os.environ["BURNISH_SERVE__LISTEN"].rpartition(":")
    app = {"stub": stub, "echo": echo}[sys.argv[1]]()
    uvicorn.run(app, host=host, port=int(port), log_level="error", lifespan="off")
