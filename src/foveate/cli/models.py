"""`foveate models`."""

from __future__ import annotations

import json

import click

from foveate.cli.progress import debug_option

OUTPUTS = "What you make with a model is yours: no licence here reaches the pictures."


@click.command(name="models")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@debug_option
def command(as_json: bool) -> None:
    """List the models: those that ship, and your own.

    \b
    Examples:
      foveate models
      foveate models --json
    """
    import msgspec

    from foveate.models.store import list_cards

    entries = list_cards(on_broken=lambda error: click.echo(f"note: {error}", err=True))
    if as_json:
        cards = [{"where": e.where, **msgspec.to_builtins(e.card)} for e in entries]
        click.echo(json.dumps({"models": cards, "outputs": OUTPUTS}))
        return
    for entry in entries:
        card = entry.card
        click.echo(f"{card.id}  ({entry.where}, {card.licence})")
        click.echo(f"  {card.summary}")
        cost = f"{card.macs_per_lr_pixel:,} MACs per LR pixel, {card.parameters:,} parameters"
        if card.deblur:
            least = card.deblur.look_macs_per_pixel or card.deblur.skeleton_macs_per_pixel
            cost += f", {least:,} MACs where nothing is blurred"
        makes = f"x{card.scale}" if card.task == "upscale" else f"{card.task}s"
        click.echo(f"  {makes}, for {card.trained_for}; {cost}")
        for row in card.quality:
            gain = row.psnr_y - row.bicubic_psnr_y
            click.echo(
                f"  {row.set}: {row.psnr_y:.2f} dB PSNR-Y, {gain:+.2f} over bicubic"
                f" ({row.protocol})"
            )
        click.echo(
            f"  trained by {card.training.author or 'unknown'} on {card.training.data or 'unknown'}"
        )
        click.echo(f"  {card.limits}")
    click.echo(OUTPUTS, err=True)
