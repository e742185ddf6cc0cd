"""Use cases. Every door calls these and nothing below them; every one takes the tenant first."""
