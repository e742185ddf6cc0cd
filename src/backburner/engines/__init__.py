"""Places where models run, behind one protocol. With outbound/, the only code that calls out."""
