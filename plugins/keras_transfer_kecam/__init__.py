"""The recognition models of keras-cv-attention-models (kecam) on Keras 3.

kecam is written for Keras 2. Its sources are read a second time, by an
importer of our own, over functions of `keras.ops`; what its constructors then
make are Functional models of Keras 3. Needs the extra `kecam`:
`pip install 'keras-transfer[kecam]'`.
"""
