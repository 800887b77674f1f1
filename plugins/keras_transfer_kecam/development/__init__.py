"""Tools that make the data beside this plugin; not needed to use it."""
