"""What the PyTorch sides of the benches share: the network, its files, and answering one JSON command a line."""

import json
import struct
import sys

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
        bidirectional = shape.get("bidirectional", False)
        hidden = shape["hiddenSize"]
        self.directions = 2 if bidirectional else 1
        self.lstm = torch.nn.LSTM(shape["channels"], hidden, shape["numLayers"], bidirectional=bidirectional)
        self.fc = torch.nn.Linear(hidden * self.directions, CLASSES)

    def forward(self, x, states=None):
        _, states = self.lstm(x, states)
        h = states[0][-self.directions :]
        last = h[0] if self.directions == 1 else torch.cat(list(h), dim=1)
        return self.fc(last), states


def read_network(shape, inputs):
    network = Network(shape)
    weights = read_safetensors(inputs["weightsPath"])
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network


def read_batch(shape, inputs):
    """x [T, N, C] and y [N]."""
    size = (shape["batchSize"], shape["timeSteps"], shape["channels"])
    x = torch.from_numpy(np.fromfile(inputs["xPath"], dtype="<f4").reshape(size))
    y = torch.from_numpy(np.fromfile(inputs["yPath"], dtype="<i4").astype(np.int64))
    return x.transpose(0, 1).contiguous(), y


def serve(greeting, set_up, run):
    """`set_up(command)` gives the function to time and the outcome; `run(once, repetitions)` gives milliseconds."""

    def answer(value):
        print(json.dumps(value), flush=True)

    once = None
    answer(greeting)
    for line in sys.stdin:
        command = json.loads(line)
        if command["command"] == "setUp":
            once = None
            once, outcome = set_up(command)
            answer(outcome)
        else:
            answer(run(once, command["repetitions"]))
