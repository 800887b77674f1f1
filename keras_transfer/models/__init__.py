"""From a name to a network with a head."""
