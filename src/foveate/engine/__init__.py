"""Inference runtimes behind one protocol: the only room that knows them."""
