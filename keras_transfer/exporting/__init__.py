"""Export of trained models into files that run without keras_transfer."""
