"""The Anthropic dialect: Message Batches and the Messages API (contract section 6.1). Pure translation."""
