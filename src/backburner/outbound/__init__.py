"""The HTTP that leaves this machine: one client with bounds, and which addresses callers may name."""
