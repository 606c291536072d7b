"""PyTorch's side of the benches: runs what bench/support/torch.ts asks, one JSON command and answer a line.

Usage: torchStep.py THREADS
PyTorch is given what suits it: time-major input made beforehand, its fused Adam, inference mode for predictions.
"""

import json
import struct
import sys
import time

import numpy as np
import torch

CLASSES = 10


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            values = np.frombuffer(data[start:end], dtype="<f4").reshape(entry["shape"])
            tensors[name] = torch.from_numpy(values.copy())
    return tensors


class Network(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.lstm = torch.nn.LSTM(shape["channels"], shape["hiddenSize"], shape["numLayers"])
        self.fc = torch.nn.Linear(shape["hiddenSize"], CLASSES)

    def forward(self, x):
        y, _ = self.lstm(x)
        return self.fc(y[-1])


def set_up(suite, shape, inputs):
    """Gives the function to time, and the results of its first runs."""
    network = Network(shape)
    weights = read_safetensors(inputs["weightsPath"])
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    size = (shape["batchSize"], shape["timeSteps"], shape["channels"])
    x = torch.from_numpy(np.fromfile(inputs["xPath"], dtype="<f4").reshape(size))
    x = x.transpose(0, 1).contiguous()
    y = torch.from_numpy(np.fromfile(inputs["yPath"], dtype="<i4").astype(np.int64))
    if suite == "predict":
        network.eval()

        def once():
            with torch.inference_mode():
                return network(x)

        return once, once().flatten().tolist()

    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

    def once():
        loss = torch.nn.functional.cross_entropy(network(x), y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return once, [once() for _ in range(3)]


def run(once, repetitions):
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        once()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(0)
    once = None

    def answer(value):
        print(json.dumps(value), flush=True)

    answer({"version": torch.__version__})
    for line in sys.stdin:
        command = json.loads(line)
        if command["command"] == "setUp":
            once, outcome = set_up(command["suite"], command["shape"], command["inputs"])
            answer(outcome)
        else:
            answer(run(once, command["repetitions"]))


main()
