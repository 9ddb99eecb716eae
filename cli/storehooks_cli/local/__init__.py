"""The local stack: the very template, on one machine, with AWS played by ministack."""
