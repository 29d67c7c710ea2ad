"""From a trained net to a model: the graph, its card, and both written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from foveate.atomic import write_bytes
from foveate.errors import ModelError, UsageError
from foveate.models.card import Card, TrainingFacts, WeightsFacts
from foveate.models.write import write_card
from foveate.nets.build import Net, Upscaler, build_net, family_of
from foveate.nets.lmdvit import LMDViT
from foveate.nets.rt4ksr import RT4KSR
from foveate.train.checkpoint import read_checkpoint
from foveate.train.export.card_window import fixed_side, window_facts
from foveate.train.export.deblur import WINDOW as DEBLUR_WINDOW
from foveate.train.export.deblur import export_deblur
from foveate.train.export.footprint import measure_session_bytes
from foveate.train.export.graph import check_parity, count_macs, fold, to_onnx
from foveate.train.official.reader import read_official
from foveate.train.recipe import Recipe

# Of the authors' files: author, data, licence, limits.
OFFICIAL = {
    "rt4ksr": (
        "E. Zamfir et al.",
        "DIV2K, Flickr2K, LSDIR, GTA5 frames",
        "Apache-2.0 (the authors' repository)",
        "not for JPEG below quality 75: there it falls under bicubic",
    ),
    "lmdvit": (
        "H. Li et al.",
        "ReLoBlur, GoPro",
        "unclear (the authors' repository names none; ReLoBlur is for academic use)",
        "not for defocus; its predictors see one area's mean, not the picture's",
    ),
    "esrt": ("Z. Lu et al., or whoever trained it", "DIV2K", "unknown", "not for compressed LR"),
}

# Of our own: trained for, kind of picture, limits.
_NO_INVENTION = "not for scanned text or blur; it adds no invented detail"
UPSCALE_CLAIMS = {
    "photo": ("compressed, slightly noisy photos", "photos", _NO_INVENTION),
    "clean": ("clean bicubic-shrunk pictures", "clean pictures", _NO_INVENTION),
}
DEBLUR_CLAIMS = (
    "photos in which something moved",
    "local motion blur",
    "not for defocus; it adds no invented detail",
)


@dataclass(frozen=True)
class Claims:
    """What only the one who exports can say of a model."""

    id: str
    trained_for: str
    summary: str
    licence: str
    limits: str
    training: TrainingFacts


def export_checkpoint(
    checkpoint: Path,
    model_id: str,
    folder: Path,
    *,
    summary: str,
    recipe: str,
    data: str,
    halo: int | None = None,
) -> Path:
    """Makes a model of a checkpoint's EMA weights; returns the card's path.

    With `halo`, as in `window_facts`.
    """
    saved = read_checkpoint(checkpoint)
    settings = msgspec.convert(saved.recipe, Recipe)
    net = build_net(settings.net.family, settings.net.options)
    net.load_state_dict(saved.average)
    training = TrainingFacts(
        recipe, saved.recipe_digest, saved.step, data or f"{saved.photos} photos", "foveate"
    )
    if isinstance(net, LMDViT):
        trained_for, kind, limits = DEBLUR_CLAIMS
    else:
        photo = settings.data.degrade == "photo"
        trained_for, kind, limits = UPSCALE_CLAIMS["photo" if photo else "clean"]
    claims = Claims(
        model_id,
        trained_for=trained_for,
        summary=summary or f"{settings.net.family.upper()} for {kind}",
        licence="Apache-2.0",
        limits=limits,
        training=training,
    )
    return export_net(net, claims, folder, halo)


def export_official(file: Path, family: str, model_id: str, folder: Path) -> Path:
    """Makes a model of the authors' weight file; returns the card's path."""
    author, data, licence, limits = OFFICIAL.get(family, ("", "", "", ""))
    claims = Claims(
        model_id,
        trained_for=DEBLUR_CLAIMS[0] if family == "lmdvit" else UPSCALE_CLAIMS["clean"][0],
        summary=f"the authors' {family.upper()}",
        licence=licence,
        limits=limits,
        training=TrainingFacts(data=data, author=author),
    )
    return export_net(read_official(file, family), claims, folder)


def export_net(net: Net, claims: Claims, folder: Path, halo: int | None = None) -> Path:
    """Writes FOLDER/ID.onnx, or ID.zip of a deblurring net, and ID.toml; returns the card's path.

    Raises:
        ModelError: the ONNX graph differs from torch by more than 1e-4.
        UsageError: `halo` does not fit; see `window_facts`.
    """
    if isinstance(net, LMDViT):
        if halo is not None:
            raise UsageError("a deblurring model's halo is not chosen", "", "leave out --halo")
        facts = {name: getattr(claims, name) for name in claims.__dataclass_fields__}
        return export_deblur(net, facts, folder, DEBLUR_WINDOW)
    folded = fold(net)
    data = to_onnx(folded)
    card = make_card(folded, claims, data, halo)
    weights_path = folder / card.weights.file
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(weights_path, data, overwrite=True)
    try:
        check_parity(folded, card, weights_path)
    except ModelError:
        weights_path.unlink()
        raise
    path = folder / f"{claims.id}.toml"
    write_card(card, path)
    measured = measure_session_bytes(path)
    write_card(msgspec.structs.replace(card, session_bytes_per_lr_pixel=measured), path)
    return path


def make_card(folded: Upscaler, claims: Claims, data: bytes, halo: int | None = None) -> Card:
    """The card of a folded net; costs are counted on the graph that ships."""
    config = folded.config
    return Card(
        id=claims.id,
        family=family_of(folded),
        task="upscale",
        scale=config.scale,
        trained_for=claims.trained_for,
        summary=claims.summary,
        licence=claims.licence,
        limits=claims.limits,
        parameters=sum(p.numel() for p in folded.parameters()),
        macs_per_lr_pixel=count_macs(folded),
        receptive_radius=folded.receptive_radius
        if isinstance(folded, RT4KSR)
        else fixed_side(folded),
        session_bytes_per_lr_pixel=0,  # measured once the files are there
        window=window_facts(folded, halo),
        weights=WeightsFacts(f"{claims.id}.onnx", hashlib.sha256(data).hexdigest(), len(data)),
        training=claims.training,
    )
