"""The demo: transfer learning on handwritten digits, without a network."""
