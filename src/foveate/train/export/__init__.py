"""From trained nets to models: graphs, parity with torch, windows, cards."""
