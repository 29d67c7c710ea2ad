"""Quality and speed, measured side by side, and the results as data."""
