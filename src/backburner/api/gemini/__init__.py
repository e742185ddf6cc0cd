"""The Gemini door (contract sections 0 to 4): one file per collection, one table of routes."""
