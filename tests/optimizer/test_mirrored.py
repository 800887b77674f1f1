import os
import pathlib
import subprocess
import sys

from tests.optimizer import networks as net

SCRIPT = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from keras_transfer.optimizer import wrap_optimizer
from tests.optimizer import test_transition as transitions
from tests.optimizer import networks as net

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
for create in (lambda: keras.optimizers.SGD(1e-2, momentum=0.9),
               lambda: keras.optimizers.AdamW(1e-2, use_ema=True)):
    with strategy.scope():
        model = net.compiled(create())
    phases = transitions.Phases()
    net.train(model, len(net.PHASES), [phases])
    assert phases.changes == [net.expected_changes(p) for p in net.PHASES]
    assert all(phases.kept_state)
    for variable in model.optimizer.variables:
        assert len(variable.value.values) == 2, variable.path
print("mirrored")
"""


@net.tensorflow_only
def test_slots_are_mirrored_and_phases_are_exact_on_two_devices():
    root = pathlib.Path(__file__).parent.parent.parent
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(root), "CUDA_VISIBLE_DEVICES": ""},
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout.strip().endswith("mirrored"), done.stderr[-2000:]
