"""The HTTP that leaves this machine: one client with bounds, for engines now and webhooks and media later."""
