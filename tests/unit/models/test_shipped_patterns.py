"""No enlarging model that ships answers a regular pattern with values far outside the picture."""

import numpy as np
import pytest

from foveate.engine.open import open_session
from foveate.models.store import find_model, list_cards

SHIPPED = [
    entry.card.id
    for entry in list_cards()
    if entry.where == "shipped" and entry.card.task == "upscale"
]


def patterns():
    """Blocks of noise with every second, third or fourth column darkened, (1, 3, 64, 64)."""
    blocks = np.random.default_rng(0).random((1, 3, 16, 16)).repeat(4, 2).repeat(4, 3)
    for period in (2, 3, 4):
        striped = blocks.astype(np.float32)
        striped[..., ::period] *= 0.7
        yield striped


@pytest.mark.parametrize("model_id", SHIPPED)
def test_stripes_stay_in_the_picture(model_id):
    model = find_model(model_id)
    session = open_session(model.card, model.weights_path, engine="onnxruntime")
    results = [session.run(lr) for lr in patterns()]
    session.close()
    # Overshoot beside a hard edge is wanted; the nets that failed were 10 to 50 wide of it.
    assert min(sr.min() for sr in results) > -1
    assert max(sr.max() for sr in results) < 2
