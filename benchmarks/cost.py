"""Run a command and print what it cost, as JSON: `python benchmarks/cost.py COMMAND ...`.

A program of its own, because Linux counts the memory of the process that starts a command as the
command's: this one has next to none.
"""

import json
import resource
import subprocess
import sys
import time

if __name__ == "__main__":
    start = time.perf_counter()
    done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        sys.exit(
            f"{done.args} ended with {done.returncode}: {done.stdout.decode(errors='replace')}"
        )
    peak_kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_bytes": 1024 * peak_kib}))
