"""Row 37, the quick form: memory after 60 pictures is memory after 10, and 5 %."""

import json
import subprocess
import sys

from pictures import photo, write_picture

CODE = """
import json, os, sys, foveate
from pathlib import Path
def rss():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
options = foveate.UpscaleOptions(overwrite=True, memory_bytes=512 << 20)
sizes = []
for index in range(60):
    foveate.upscale_file(Path(sys.argv[1 + index % 2]), None, options)
    sizes.append(rss())
print(json.dumps(sizes))
"""


def test_sixty_pictures_in_one_process(tmp_path):
    sources = [
        write_picture(tmp_path / "a.png", photo(80, 100)),
        write_picture(tmp_path / "b.jpg", photo(60, 50)),
    ]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *sources], capture_output=True, text=True, check=True
    )
    sizes = json.loads(done.stdout)
    print(f"after 10: {sizes[9] / 2**20:.1f} MiB, after 60: {sizes[-1] / 2**20:.1f} MiB")
    assert sizes[-1] <= sizes[9] * 1.05
