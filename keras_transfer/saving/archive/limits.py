"""How large what a model file holds may be.

Each is far above what the largest file of `keras.applications` needs, and low
enough that reaching it costs little time and memory.
"""

MEMBERS = 4096
# Keras stores members as they are; deflate makes weights a little smaller and
# text much smaller.
EXPANSION = 20
EXPANSION_FLOOR = 1 << 16  # bytes that any member may grow to
# The largest configuration of `keras.applications` has 1 MB, 60,000 values in
# 20,000 objects and lists, 11 levels deep.
JSON_BYTES = 8 << 20
JSON_VALUES = 1_000_000
JSON_OBJECTS = 250_000  # objects and lists
JSON_DEPTH = 400
METADATA_DEPTH = 32  # of `ModelInfo`
METADATA_VALUES = 250_000
KEY_LENGTH = 4096
# Entries in entries. Keras repeats the configuration in its message for each.
OBJECT_DEPTH = 24
NAME_LENGTH = 512
FILE_NAME_BYTES = 255
# Calls of layers, with those inside of models that are called: a thousand take
# Keras a second.
CALLS = 10_000
# How often a call may be tried, on average, before what it takes is there.
TRIES_PER_CALL = 4
LAYERS_PASSED = 20_000_000  # each time that Keras goes through a model
COUNT = 1 << 16  # of tensors and numbers that a setting makes Keras list
INTEGER = 1 << 64
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
