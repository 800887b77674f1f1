"""Models that leave Keras, and the runtimes that run them."""
