"""How large what a model file holds may be.

Each is far above what the largest file of `keras.applications` needs, and low
enough that reaching it costs little time and memory.
"""

MEMBERS = 4096
# Keras stores members as they are; deflate makes weights a little smaller and
# text much smaller.
EXPANSION = 20
EXPANSION_FLOOR = 1 << 16  # bytes that any member may grow to
JSON_BYTES = 32 << 20
JSON_DEPTH = 400
NAME_LENGTH = 512
TENSORS_AND_GROUPS = 200_000
GROUP_DEPTH = 64
# Symbolic operations hold no weights, which layers are measured by.
OPERATIONS_PER_GROUP = 16
OPERATIONS = 1000
# Weights of 4 bits lie two in a byte.
DECLARED_PER_STORED = 2
DECLARED_FLOOR = 1 << 16  # elements that any model may declare
INPUT_ELEMENTS = 1 << 31
# Bytes that the variables of a model may take, its optimizer's included.
BUILT_PER_STORED = 3
BUILT_FLOOR = 128 << 20
