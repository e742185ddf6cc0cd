"""The OpenAI dialect: batches, files, chat, completions, embeddings and responses as they stand on the wire."""
