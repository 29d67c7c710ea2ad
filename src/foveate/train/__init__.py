"""Training by our own trainer: data, losses, the loop, checkpoints, export."""
