"""From a family's name and its options to a network: the one place that knows every family."""

from __future__ import annotations

from typing import Any

from foveate.errors import UsageError
from foveate.nets.rt4ksr import RT4KSR, RT4KSRConfig

FAMILIES = {"rt4ksr": (RT4KSR, RT4KSRConfig)}


def build_net(family: str, options: dict[str, Any]) -> RT4KSR:
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
