"""What is done to a picture, told in the five verbs: read, look, plan, run, write."""
