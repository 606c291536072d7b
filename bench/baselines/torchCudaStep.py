"""PyTorch's side of bench/cuda.ts: runs what is asked, one JSON command and answer a line.

PyTorch is given what suits it: a batch that lies on the GPU, time-major, its fused Adam, no loss read back, and, as
'graph', the whole step captured once and replayed (capturable Adam, clipping without a read by the host).
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
        bidirectional = shape["bidirectional"]
        hidden = shape["hiddenSize"]
        self.directions = 2 if bidirectional else 1
        self.lstm = torch.nn.LSTM(shape["channels"], hidden, shape["numLayers"], bidirectional=bidirectional)
        self.fc = torch.nn.Linear(hidden * self.directions, CLASSES)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return self.fc(torch.cat(list(h[-self.directions :]), dim=1))


def clip_on_device(parameters, limit):
    gradients = [parameter.grad for parameter in parameters]
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    torch._foreach_mul_(gradients, (limit / (norm + 1e-6)).clamp(max=1.0))


def make_step(shape, inputs, capturable):
    network = Network(shape)
    weights = read_safetensors(inputs["weightsPath"])
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    network.cuda()
    size = (shape["batchSize"], shape["timeSteps"], shape["channels"])
    x = torch.from_numpy(np.fromfile(inputs["xPath"], dtype="<f4").reshape(size))
    x = x.transpose(0, 1).contiguous().cuda()
    y = torch.from_numpy(np.fromfile(inputs["yPath"], dtype="<i4").astype(np.int64)).cuda()
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True, capturable=capturable)

    def step():
        optimizer.zero_grad(set_to_none=not capturable)
        loss = torch.nn.functional.cross_entropy(network(x), y)
        loss.backward()
        if capturable:
            clip_on_device(parameters, 1.0)
        else:
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        return loss

    return step


def captured(step):
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(5):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def set_up(command):
    """Gives the function to time, and the losses of the first three steps (always taken one by one)."""
    tf32 = command["precision"] == "tf32"
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    capture = command["form"] == "graph"
    step = make_step(command["shape"], command["inputs"], capture)
    losses = [step().item() for _ in range(3)]
    return (captured(step) if capture else step), losses


def run(once, steps):
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(steps):
        once()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) * 1e3 / steps


def main():
    if not torch.cuda.is_available():
        sys.exit("this PyTorch has no GPU")
    torch.manual_seed(0)
    once = None

    def answer(value):
        print(json.dumps(value), flush=True)

    answer(
        {
            "torch": torch.__version__,
            "cudnn": torch.backends.cudnn.version(),
            "gpu": torch.cuda.get_device_name(),
        }
    )
    for line in sys.stdin:
        command = json.loads(line)
        if command["command"] == "setUp":
            once = None
            once, losses = set_up(command)
            answer(losses)
        else:
            answer(run(once, command["steps"]))


main()
