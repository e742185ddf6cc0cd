"""The Gemini dialect: batches, files, caches and content requests as they stand on the wire."""
