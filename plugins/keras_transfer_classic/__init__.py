"""Networks that taught the field, without weights, each in its own module.

They are of stock Keras layers and start from random weights: pass
`weights=None` to `create_backbone`.
"""
