"""Backburner: a batch inference service you run yourself."""

__version__ = "0.1.0"
