"""The bicubic rows that every super-resolution paper starts from, by our resize and our metrics.

Table A of ../shared/data/README.md; Set14 with its grey picture taken as R = G = B.
"""

import numpy as np
import pytest

from foveate.bench.evaluate import evaluate

# Set, scale, pictures, PSNR-Y, SSIM-Y (4 digits; None: the table's has the grey picture as grey).
TABLE_A = [
    ("Set5", 2, 5, 33.673, 0.9303),
    ("Set5", 3, 5, 30.403, 0.8689),
    ("Set5", 4, 5, 28.429, 0.8111),
    ("Set14", 2, 14, 30.325, None),
    ("Set14", 3, 14, 27.631, None),
    ("Set14", 4, 14, 26.088, None),
    ("BSD100", 2, 100, 29.553, 0.8433),
    ("BSD100", 4, 100, 25.955, 0.6678),
]


@pytest.mark.parametrize("row", TABLE_A, ids=lambda row: f"{row[0]}-x{row[1]}")
def test_bicubic_baseline_is_the_known_one(shared, row):
    name, scale, images, psnr, ssim = row
    blank = np.zeros((2000, 2000, 3), np.uint8)
    report = evaluate(
        "blank",
        lambda lr: blank[: lr.shape[0] * scale, : lr.shape[1] * scale],
        scale,
        shared / "data" / "test" / name,
    )
    bicubic = report.rows[1]
    assert bicubic.images == images
    assert bicubic.psnr_y == pytest.approx(psnr, abs=6e-4)
    if ssim:
        assert bicubic.ssim_y == pytest.approx(ssim, abs=6e-5)
