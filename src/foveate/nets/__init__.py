"""The networks in PyTorch, as the papers have them, and our additions."""
