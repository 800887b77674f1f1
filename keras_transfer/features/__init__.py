"""Features of a frozen part, computed once and kept."""
