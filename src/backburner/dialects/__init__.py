"""Pure translation of wire formats: bytes and values in, values and bytes out. No I/O, no clock."""
