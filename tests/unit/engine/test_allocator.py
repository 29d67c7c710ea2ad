import subprocess
import sys

import pytest

MIB = 1 << 20
# The first free is what makes glibc keep later blocks in its heap; the small block at the end is
# what keeps that heap from shrinking.
PROGRAM = """
import sys
sys.path[:0] = {path!r}
import numpy as np
from foveate.engine.allocator import return_large_blocks
return_large_blocks()
def resident(): return int(open("/proc/self/statm").read().split()[1]) * 4096
block = np.ones(30 << 20, np.uint8)
del block
before = resident()
blocks = [np.ones(8 << 20, np.uint8) for _ in range(10)]
pin = [np.ones(1 << 16, np.uint8) for _ in range(4)]
del blocks
print(resident() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is not here")
def test_freed_blocks_leave_the_process():
    program = PROGRAM.format(path=sys.path)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    kept = int(done.stdout)
    assert kept < 8 * MIB, f"{kept / MIB:.0f} of 80 MiB stayed"
