"""The executor: windows through sessions, finished rows out, in order."""
