"""PyTorch on the CPU, for `npm run bench`. Usage: torchStep.py THREADS, then a JSON command a line (torchPieces.serve).

PyTorch is given what suits it: time-major input made beforehand, its fused Adam, inference mode for predictions.
"""

import sys
import time

import torch

from torchPieces import read_batch, read_network, serve


def train(network, x, y):
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)

    def once():
        loss = torch.nn.functional.cross_entropy(network(x)[0], y)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return once, [once() for _ in range(3)]


def predict(network, x):
    def once():
        with torch.inference_mode():
            return network(x)[0]

    return once, once().flatten().tolist()


def stream(network, x):
    """One time step a run; the state stays. The outcome is the outputs of the first T steps."""
    time_steps = len(x)
    states, index = None, 0

    def once():
        nonlocal states, index
        with torch.inference_mode():
            y, states = network(x[index : index + 1], states)
        index = (index + 1) % time_steps
        return y

    return once, torch.cat([once() for _ in range(time_steps)]).flatten().tolist()


def set_up(command):
    network = read_network(command["shape"], command["inputs"])
    x, y = read_batch(command["shape"], command["inputs"])
    if command["suite"] == "train-step":
        return train(network, x, y)
    network.eval()
    return (stream if command["suite"] == "streaming" else predict)(network, x)


def run(once, repetitions):
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        once()
        times.append((time.perf_counter() - start) * 1e3)
    return times


torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(0)
serve({"torch": torch.__version__}, set_up, run)
