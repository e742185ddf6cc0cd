"""Programs of users, as they would write them; each is run by a test of its own."""
