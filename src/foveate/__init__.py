"""Restores pictures by spending computation only where the picture needs it.

Names are loaded when they are first used, so `import foveate` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foveate.errors import (
        FoveateError,
        InputError,
        ModelError,
        OutputError,
        PartialFailure,
        ResourceError,
        UsageError,
    )
    from foveate.pipelines.deblur import DeblurReport, deblur_file
    from foveate.pipelines.deblur_options import DeblurOptions
    from foveate.pipelines.deblur_pixels import Deblurred, deblur
    from foveate.pipelines.image import Report, upscale_file
    from foveate.pipelines.options import UpscaleOptions
    from foveate.pipelines.pixels import OpenModel, open_model, upscale
    from foveate.pipelines.prepare import make_plan
    from foveate.pipelines.restore import RestoreReport, restore_file
    from foveate.plan.plan import Plan

__all__ = [
    "DeblurOptions",
    "DeblurReport",
    "Deblurred",
    "FoveateError",
    "InputError",
    "ModelError",
    "OpenModel",
    "OutputError",
    "PartialFailure",
    "Plan",
    "Report",
    "ResourceError",
    "RestoreReport",
    "UpscaleOptions",
    "UsageError",
    "deblur",
    "deblur_file",
    "make_plan",
    "open_model",
    "restore_file",
    "upscale",
    "upscale_file",
]

_HOMES = {
    "DeblurOptions": "pipelines.deblur_options",
    "DeblurReport": "pipelines.deblur",
    "Deblurred": "pipelines.deblur_pixels",
    "deblur": "pipelines.deblur_pixels",
    "deblur_file": "pipelines.deblur",
    "Report": "pipelines.image",
    "upscale_file": "pipelines.image",
    "UpscaleOptions": "pipelines.options",
    "OpenModel": "pipelines.pixels",
    "open_model": "pipelines.pixels",
    "upscale": "pipelines.pixels",
    "make_plan": "pipelines.prepare",
    "RestoreReport": "pipelines.restore",
    "restore_file": "pipelines.restore",
    "Plan": "plan.plan",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    if name not in __all__:
        raise AttributeError(f"module 'foveate' has no attribute {name!r}")
    home = importlib.import_module(f"foveate.{_HOMES.get(name, 'errors')}")
    value = globals()[name] = getattr(home, name)
    return value


def __dir__() -> list[str]:
    return __all__
