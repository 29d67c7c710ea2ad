"""The command line: words, exit codes, progress. No decision about pixels."""
