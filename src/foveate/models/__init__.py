"""Cards and weights: what ships, and the store that finds and verifies it."""
