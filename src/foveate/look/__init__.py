"""What needs work, before anything is planned or computed."""
