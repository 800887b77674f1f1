"""Files that are fetched, and files that are written whole."""
