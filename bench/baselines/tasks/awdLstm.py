"""The model of examples/awdLstm.ts in PyTorch; see common.py.

Batches have the lengths that the example drew. Masks of dropout are drawn here, as everywhere.
"""

import math

import torch
from torch.nn import functional

from common import Trainer, stream


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        vocab, size, hidden = settings["vocabSize"], settings["embeddingSize"], settings["hiddenSize"]
        self.settings = settings
        self.embedding = torch.nn.Embedding(vocab, size)
        self.lstm = torch.nn.LSTM(size, hidden)
        self.lstm_1 = torch.nn.LSTM(hidden, hidden)
        self.lstm_2 = torch.nn.LSTM(hidden, size)
        self.fc = torch.nn.Linear(size, vocab)
        torch.nn.init.uniform_(self.embedding.weight, -0.1, 0.1)
        torch.nn.init.zeros_(self.fc.bias)
        self.fc.weight = self.embedding.weight

    def forward(self, x, states):
        """Logits, the states to go on with, and the last LSTM's outputs before and after dropout."""
        y = self.locked(self.words(x), "inputDropout")
        layers = [self.lstm, self.lstm_1, self.lstm_2]
        after = []
        for index, lstm in enumerate(layers):
            raw, state = self.run(lstm, y, None if states is None else states[index])
            after.append(state)
            y = self.locked(raw, "hiddenDropout" if index < 2 else "outputDropout")
        return self.fc(y), after, raw, y

    def words(self, x):
        table = self.embedding.weight
        if self.training:
            table = table * functional.dropout(torch.ones(len(table), 1), self.settings["wordDropout"])
        return functional.embedding(x, table)

    def locked(self, y, rate):
        if not self.training:
            return y
        return y * functional.dropout(torch.ones(1, *y.shape[1:]), self.settings[rate])

    def run(self, lstm, x, state):
        weights = [lstm.weight_ih_l0, lstm.weight_hh_l0, lstm.bias_ih_l0, lstm.bias_hh_l0]
        weights[1] = functional.dropout(weights[1], self.settings["weightDropout"], self.training)
        if state is None:
            state = (torch.zeros(1, x.shape[1], lstm.hidden_size),) * 2
        y, h, c = torch.lstm(x, state, weights, True, 1, 0.0, self.training, False, False)
        return y, (h.detach(), c.detach())


class Average:
    """The mean of the parameters over updates, begun once a loss is worse than the best of those more than `interval` before."""

    def __init__(self, parameters, interval):
        self.parameters, self.interval = list(parameters), interval
        self.losses, self.begun, self.count, self.mean = [], False, 0, None

    def observe(self, loss):
        earlier = self.losses[: -self.interval]
        self.begun |= bool(earlier) and loss > min(earlier)
        self.losses.append(loss)

    @torch.no_grad()
    def add(self):
        if not self.begun:
            return
        self.count += 1
        if self.mean is None:
            self.mean = [parameter.clone() for parameter in self.parameters]
        torch._foreach_lerp_(self.mean, self.parameters, 1 / self.count)

    @torch.no_grad()
    def swap(self):
        for parameter, mean in zip(self.parameters, self.mean or []):
            kept = parameter.clone()
            parameter.copy_(mean)
            mean.copy_(kept)


def batches(ids, batch_size, lengths):
    """Batches [T, N] of these lengths that go on where the one before ended, with the next ids as targets."""
    part = (len(ids) - 1) // batch_size
    starts = torch.arange(batch_size) * part
    first = 0
    for length in lengths:
        places = starts[None, :] + first + torch.arange(length)[:, None]
        yield ids[places], ids[places + 1]
        first += length


def cross_entropy(logits, y):
    return functional.cross_entropy(logits.flatten(0, 1), y.flatten())


def main():
    trainer = Trainer(Network)
    network, settings = trainer.network, trainer.settings
    rate, time_steps = settings["learningRate"], settings["timeSteps"]
    trainer.optimizer = torch.optim.SGD(
        network.parameters(), lr=rate, weight_decay=settings["weightDecay"], fused=True
    )
    average = Average(network.parameters(), settings["averageInterval"])
    ids = {name: rows.x[:, 0] for name, rows in trainer.task.splits.items()}

    def epoch(number):
        states, total, count = None, 0.0, 0
        for x, y in batches(ids["training"], settings["batchSize"], settings["lengths"][number]):
            logits, states, raw, dropped = network(x, states)
            loss = cross_entropy(logits, y)
            total, count = total + loss.item() * len(x), count + len(x)
            loss = loss + settings["ar"] * dropped.pow(2).mean()
            if len(raw) > 1:
                loss = loss + settings["tar"] * (raw[1:] - raw[:-1]).pow(2).mean()
            trainer.optimizer.param_groups[0]["lr"] = rate * len(x) / time_steps
            trainer.step(loss)
            average.add()
        return total / count

    def perplexity(name):
        states, losses = None, []
        average.swap()
        for x, y in stream(ids[name], settings["batchSize"], time_steps):
            logits, states, _, _ = network(x, states)
            losses.append(cross_entropy(logits, y).item())
        average.swap()
        return math.exp(sum(losses) / len(losses))

    def validate():
        value = perplexity("validation")
        average.observe(math.log(value))
        return value

    trainer.train(epoch, validate)
    with torch.inference_mode():
        trainer.finish({"perplexity": perplexity("test")})


main()
