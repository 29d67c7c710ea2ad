"""Reading, writing and resampling pictures as rows: the only room that knows pyvips."""
