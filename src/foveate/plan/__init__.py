"""What will be done to a picture, decided before any pixel: windows, memory, time."""
