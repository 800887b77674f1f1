"""What trains: selections made into flags, and the summary of them."""
