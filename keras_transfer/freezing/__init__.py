"""The only writer of trainability."""
