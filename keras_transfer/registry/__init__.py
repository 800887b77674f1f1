"""What installed distributions declare, found without importing it."""
