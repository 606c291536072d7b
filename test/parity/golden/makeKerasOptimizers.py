"""Makes kerasOptimizers.json beside this script: fifty updates of Keras' optimizers in float64, as Keras itself makes them.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0 && python test/parity/golden/makeKerasOptimizers.py

Arrays are {"shape", "float64"}: base64 of little-endian float64 in row-major order. Weights stand as in PyTorch: rows are
outputs, gates i f g o (Keras' i f c o), one bias. All cases start from the same weights, which are exact in float32, and go
through the same batches again and again.
"""

import base64
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow

SEED = 20261121
STEPS = 50
N, T, C, H, K, BATCHES = 3, 5, 3, 4, 2, 4
HERE = Path(__file__).parent
keras.config.set_floatx("float64")
random = np.random.default_rng(SEED)

optim = keras.optimizers
CASES = [
    ("SGD", optim.SGD, {"learning_rate": 0.05, "clipvalue": 0.05}),
    ("SGD with momentum and weight decay", optim.SGD, {"learning_rate": 0.02, "momentum": 0.9, "weight_decay": 0.05}),
    ("SGD with Nesterov momentum", optim.SGD, {"learning_rate": 0.02, "momentum": 0.9, "nesterov": True, "clipnorm": 0.2}),
    ("RMSprop", optim.RMSprop, {"learning_rate": 0.005}),
    ("centered RMSprop with momentum", optim.RMSprop, {"learning_rate": 0.002, "momentum": 0.5, "epsilon": 1e-3, "centered": True}),
    ("Adagrad", optim.Adagrad, {"learning_rate": 0.05}),
    ("Adam", optim.Adam, {"learning_rate": 0.01, "global_clipnorm": 0.3}),
    ("Adam with a large epsilon", optim.Adam, {"learning_rate": 0.02, "beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-2}),
    ("AMSGrad", optim.Adam, {"learning_rate": 0.02, "beta_2": 0.9, "amsgrad": True}),
    ("AdamW", optim.AdamW, {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("Adam, three batches to an update", optim.Adam, {"learning_rate": 0.02, "gradient_accumulation_steps": 3}),
    ("Adam with an exponential moving average", optim.Adam, {"learning_rate": 0.01, "use_ema": True, "ema_momentum": 0.9}),
]


def array(values):
    values = np.ascontiguousarray(values, dtype="<f8")
    return {"shape": list(values.shape), "float64": base64.b64encode(values.tobytes()).decode()}


def draw(*shape):
    return random.normal(size=shape).astype(np.float32).astype(np.float64)


def named(weights):
    kernel, recurrent, bias, dense, dense_bias = weights
    return {
        "lstm.weight_ih_l0": array(kernel.T),
        "lstm.weight_hh_l0": array(recurrent.T),
        "lstm.bias_ih_l0": array(bias),
        "fc.weight": array(dense.T),
        "fc.bias": array(dense_bias),
    }


def regressor():
    return keras.Sequential([keras.Input((T, C)), keras.layers.LSTM(H), keras.layers.Dense(K)])


def run(name, make, options, start, batches):
    model = regressor()
    model.set_weights(start)
    optimizer = make(**options)
    model.compile(optimizer, loss="mse", run_eagerly=False, jit_compile=False)
    passes = options.get("gradient_accumulation_steps", 1)
    losses = []
    for step in range(STEPS * passes):
        x, y = batches[step % BATCHES]
        losses.append(float(model.test_on_batch(x, y)))
        model.train_on_batch(x, y)
    result = {"id": name, "losses": losses, "end": named(model.get_weights())}
    if options.get("use_ema"):
        optimizer.finalize_variable_values(model.trainable_variables)
        result["average"] = named(model.get_weights())
    return result


start = [draw(*weight.shape) * 0.4 for weight in regressor().get_weights()]
start = [weight.astype(np.float32).astype(np.float64) for weight in start]
batches = [(draw(N, T, C), draw(N, K)) for _ in range(BATCHES)]
content = {
    "keras": keras.__version__, "tensorflow": tensorflow.__version__, "seed": SEED, "gates": "ifgo", "script": Path(__file__).name,
    "inputSize": C, "hiddenSize": H, "units": K, "batchSize": N, "timeSteps": T, "steps": STEPS,
    "start": named(start),
    "x": [array(x) for x, _ in batches], "y": [array(y) for _, y in batches],
    "cases": [run(name, make, options, start, batches) for name, make, options in CASES],
}
(HERE / "kerasOptimizers.json").write_text(json.dumps(content, indent=1) + "\n")
