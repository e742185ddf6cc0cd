"""Nouns and rules that every room shares. Imports nothing of ours, does no I/O."""
