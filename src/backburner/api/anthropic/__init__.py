"""The Anthropic door (contract section 6.1): message batches, messages, models, one table of routes."""
