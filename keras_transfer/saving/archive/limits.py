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
INPUT_ELEMENTS = 1 << 31
# Bytes that the variables of a model may take, its optimizer's included.
BUILT_PER_STORED = 3
BUILT_FLOOR = 64 << 20
# Items of lists that settings alone ask for.
LISTED = 1 << 20
# The largest integer among the settings of a class that is not Keras's own.
FOREIGN_NUMBER = 1 << 16
UNSTACKED = 4096  # tensors that one `Unstack` returns
