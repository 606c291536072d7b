"""What the models of this folder share: the data that an example wrote with --export, and its training in PyTorch.

Every script here is one example's model: SCRIPT.py FOLDER [--seed 1] [--threads 2] [--start example|torch]. Data, order of
classes, split and settings come from the example, so they are the same. With --start example (the default) so do the
parameters that training starts from and the order of the rows; only dropout is drawn anew. With --start torch they are
PyTorch's own. The last line is JSON: scores, parameters, steps, trainSeconds (training alone, validation left out).
"""

import argparse
import copy
import json
import math
import pathlib
import time

import numpy
import torch
from safetensors.torch import load_file
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence


class Rows:
    """Sequences x, padded to their batch's longest and time-major, with their lengths and targets."""

    def __init__(self, folder, name, shape):
        dtype = numpy.int32 if shape["tokens"] else numpy.float32
        flat = torch.from_numpy(numpy.fromfile(folder / f"{name}.x", dtype))
        flat = flat.long() if shape["tokens"] else flat.view(-1, shape["channels"])
        self.lengths = torch.tensor(shape["lengths"])
        self.equal = bool((self.lengths == self.lengths[0]).all())
        self.x = flat.split(shape["lengths"])
        if self.equal:
            self.x = torch.stack(self.x, 1)
        y = torch.from_numpy(numpy.fromfile(folder / f"{name}.y", numpy.float32))
        self.per_step = shape["targets"] == 0
        if len(y) == 0:
            self.y = None
        elif self.per_step:
            self.y = y.split(shape["lengths"])
        else:
            self.y = y.view(len(self.lengths), shape["targets"])

    def __len__(self):
        return len(self.lengths)

    def batch(self, rows):
        """x [T, N] or [T, N, C], lengths [N], y [N, K] or, at every step, [T, N] with -1 beyond a sequence's length."""
        lengths = self.lengths[rows]
        x = self.x[:, rows] if self.equal else pad_sequence([self.x[row] for row in rows])
        if self.per_step:
            return x, lengths, pad_sequence([self.y[row] for row in rows], padding_value=-1)
        return x, lengths, self.y[rows]


class Task:
    """Settings and splits of an example."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        described = json.loads((folder / "data.json").read_text())
        self.settings = described["settings"]
        self.splits = {name: Rows(folder, name, shape) for name, shape in described["splits"].items()}


def last(y, lengths):
    """The output at each sequence's last step: [N, C] of [T, N, C]."""
    return y[lengths - 1, torch.arange(y.shape[1])]


def is_live(y, lengths):
    """[T, N, 1]: which steps lie within their sequence."""
    return (torch.arange(y.shape[0])[:, None] < lengths[None, :])[:, :, None]


def largest(y, lengths):
    """The largest value of each channel over the live steps."""
    return y.masked_fill(~is_live(y, lengths), -math.inf).amax(0)


def mean(y, lengths):
    """The mean of each channel over the live steps."""
    return (y * is_live(y, lengths)).sum(0) / lengths[:, None]


class Trainer:
    """Adam as an example's settings have it, with its kind of clipping, and the best epoch's weights where it keeps them."""

    def __init__(self, make_network):
        parser = argparse.ArgumentParser()
        parser.add_argument("folder")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--threads", type=int, default=2)
        parser.add_argument("--start", choices=["example", "torch"], default="example")
        options = parser.parse_args()
        torch.set_num_threads(options.threads)
        torch.manual_seed(options.seed)
        self.task = Task(options.folder)
        self.settings = self.task.settings
        self.network = make_network(self.settings)
        self.order = None
        if options.start == "example":
            self.start_as_example(pathlib.Path(options.folder))
        rate = self.settings["learningRate"]
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, fused=True)
        self.steps = 0
        self.seconds = 0.0

    def start_as_example(self, folder):
        start = load_file(folder / "start.safetensors")
        # An output that is tied to the embedding has no weight of its own in the file.
        known = {name: start[name] for name in self.network.state_dict() if name in start}
        missing, _ = self.network.load_state_dict(known, strict=False)
        assert set(missing) <= {"fc.weight"}, missing
        order = torch.from_numpy(numpy.fromfile(folder / "order", numpy.int32)).long()
        self.order = order.view(self.settings["epochs"], -1)

    def order_of(self, epoch, rows):
        return torch.randperm(len(rows)) if self.order is None else self.order[epoch]

    def step(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        if "clipNorm" in self.settings:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings["clipNorm"])
        if "tensorNorm" in self.settings:
            for parameter in self.network.parameters():
                torch.nn.utils.clip_grad_norm_([parameter], self.settings["tensorNorm"])
        self.optimizer.step()
        self.steps += 1

    def train(self, epoch, validate=None):
        """Runs `epoch` for each epoch; `validate` gives a value that is better the higher it is."""
        best, kept = -math.inf, None
        for number in range(self.settings["epochs"]):
            self.network.train()
            start = time.perf_counter()
            loss = epoch(number)
            self.seconds += time.perf_counter() - start
            self.network.eval()
            value = None
            if validate is not None:
                with torch.inference_mode():
                    value = validate()
            print(f"epoch {number + 1}: loss {loss:.4f}, validation {value}", flush=True)
            if self.settings.get("keepBest") and value > best:
                best, kept = value, copy.deepcopy(self.network.state_dict())
        if kept is not None:
            self.network.load_state_dict(kept)

    def finish(self, scores):
        result = {
            "scores": scores,
            "parameters": sum(parameter.numel() for parameter in self.network.parameters()),
            "steps": self.steps,
            "trainSeconds": self.seconds,
            "version": torch.__version__,
        }
        print(json.dumps(result))


class_loss = functional.cross_entropy


def tag_loss(logits, tags):
    return functional.cross_entropy(logits.flatten(0, 1), tags.flatten(), ignore_index=-1)


def accuracy(output, y):
    """Share of right classes, or signs, or tags where they are at least 0."""
    if output.shape[-1] == 1:
        return ((output > 0) == (y > 0.5)).float().mean().item()
    live = y >= 0
    return (output.argmax(-1) == y)[live].float().mean().item()


def train_rows(make_network, loss_of, ids=False, score=None):
    """Trains on shuffled batches of sequences and scores the test part: by accuracy, or by `score(output, y, settings)`."""
    trainer = Trainer(make_network)
    splits, network, size = trainer.task.splits, trainer.network, trainer.settings["batchSize"]

    def targets(y):
        if not ids:
            return y
        return y.long() if y.dim() == 2 and y.shape[1] != 1 else y[:, 0].long()

    def batch(rows, chosen):
        x, lengths, y = rows.batch(chosen)
        return network(x, lengths), y.long() if rows.per_step else targets(y)

    def epoch(number):
        total = 0.0
        order = trainer.order_of(number, splits["training"])
        for chosen in order.split(size):
            output, y = batch(splits["training"], chosen)
            loss = loss_of(output, y)
            trainer.step(loss)
            total += loss.item() * len(chosen)
        return total / len(order)

    def all_of(rows):
        parts = [batch(rows, chosen) for chosen in torch.arange(len(rows)).split(256)]
        if rows.per_step:
            return torch.cat([o.flatten(0, 1) for o, _ in parts]), torch.cat([y.flatten() for _, y in parts])
        return torch.cat([o for o, _ in parts]), torch.cat([y for _, y in parts])

    def validate():
        output, y = all_of(splits["validation"])
        return accuracy(output, y) if score is None else -loss_of(output, y).item()

    trainer.train(epoch, validate if "validation" in splits else None)
    with torch.inference_mode():
        output, y = all_of(splits["test"])
    trainer.finish({"accuracy": accuracy(output, y)} if score is None else score(output, y, trainer.settings))


def stream(ids, batch_size, time_steps):
    """Batches [T, N] that go on where the one before ended, with the next ids as targets."""
    part = (len(ids) - 1) // batch_size
    starts = torch.arange(batch_size) * part
    for k in range(part // time_steps):
        places = starts[None, :] + k * time_steps + torch.arange(time_steps)[:, None]
        yield ids[places], ids[places + 1]


def train_stream(make_network, score):
    """Trains a language model with states carried from batch to batch; `score(nats)` names its loss on the test part."""
    trainer = Trainer(make_network)
    network, settings = trainer.network, trainer.settings
    ids = {name: rows.x[:, 0] for name, rows in trainer.task.splits.items()}
    shape = settings["batchSize"], settings["timeSteps"]

    def losses(name):
        states = None
        for x, y in stream(ids[name], *shape):
            logits, states = network(x, states)
            states = tuple(state.detach() for state in states)
            yield functional.cross_entropy(logits.flatten(0, 1), y.flatten())

    def mean_of(values):
        values = list(values)
        return sum(values) / len(values)

    def epoch(_):
        def stepped():
            for loss in losses("training"):
                trainer.step(loss)
                yield loss.item()

        return mean_of(stepped())

    def nats(name):
        return mean_of(loss.item() for loss in losses(name))

    trainer.train(epoch, (lambda: -nats("validation")) if "validation" in ids else None)
    with torch.inference_mode():
        trainer.finish(score(nats("test")))
