"""Blurred and sharp pairs with masks: synthesised from photos and cut-outs, or from folders."""
