"""A schedule under a distribution strategy of TensorFlow."""

import os
import pathlib
import subprocess
import sys

from tests.schedules import networks as net

SCRIPT = """
import keras, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tests.schedules import networks as net

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
make, opened = net.SCHEDULES["gradual_unfreeze"]
with strategy.scope():
    model = net.compiled(keras.optimizers.AdamW(1e-2, use_ema=True))
watcher = net.Watcher()
net.train(model, len(opened), watcher, make())
assert watcher.by_epoch == [net.expected_changes(o) for o in opened]
assert watcher.by_transition == [set()] * (len(opened) - 1)
for variable in model.optimizer.variables:
    assert len(variable.value.values) == 2, variable.path
print("mirrored")
"""


@net.tensorflow_only
def test_each_epoch_is_exact_and_slots_are_mirrored_on_two_devices():
    root = pathlib.Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": ""},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stdout.strip().endswith("mirrored"), done.stderr[-2000:]
