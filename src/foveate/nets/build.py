"""From a family's name and its options to a network: the one place that knows every family."""

from __future__ import annotations

from typing import Any

from foveate.errors import UsageError
from foveate.nets.esrt import ESRT, ESRTConfig
from foveate.nets.lmdvit import LMDViT, LMDViTConfig
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig

Upscaler = RT4KSR | ESRT
Net = Upscaler | LMDViT
FAMILIES: dict[str, tuple[type[Any], type[Any]]] = {  # name: the network, its configuration
    "rt4ksr": (RT4KSR, RT4KSRConfig),
    "esrt": (ESRT, ESRTConfig),
    "lmdvit": (LMDViT, LMDViTConfig),
}


def build_net(family: str, options: dict[str, Any]) -> Net:
    """A freshly initialised network.

    Raises:
        UsageError: unknown family or option, naming those that exist.
    """
    if family not in FAMILIES:
        raise UsageError(f"unknown network family {family!r}", "", f"known: {', '.join(FAMILIES)}")
    net, config = FAMILIES[family]
    try:
        return net(config(**options))
    except (TypeError, ValueError) as error:
        known = ", ".join(config.__dataclass_fields__)
        raise UsageError(f"cannot build {family}", str(error), f"options: {known}") from error


def family_of(net: Net) -> str:
    """The family a network is of."""
    return next(name for name, (kind, _) in FAMILIES.items() if type(net) is kind)
