"""The OpenAI door: files, batches and calls, under /openai/v1 and Google's /v1beta/openai."""
