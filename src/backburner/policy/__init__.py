"""Pure decisions: a snapshot in, a decision out. No I/O, no clock, no chance of its own."""
