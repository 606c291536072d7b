"""The model and the steps of examples/characterLanguageModel.ts in PyTorch, to hold the two side by side.

Usage: characterLanguageModel.py TEXT_FILE [--epochs 3] [--hidden 256] [--layers 1] [--threads 2] ...
Prints a line an epoch and, last, one line of JSON with the fields of the example's --json.
"""

import argparse
import json
import math
import time

import torch
from safetensors.torch import load_file


class Network(torch.nn.Module):
    """Embedding, LSTM and Dense, started as the package starts them: U(±0.05), Xavier, orthogonal, forget bias 1."""

    def __init__(self, vocabulary_size, embedding, hidden, layers):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary_size, embedding)
        self.lstm = torch.nn.LSTM(embedding, hidden, layers)
        self.fc = torch.nn.Linear(hidden, vocabulary_size)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if "embedding" in name:
                    torch.nn.init.uniform_(parameter, -0.05, 0.05)
                elif "weight_hh" in name:
                    torch.nn.init.orthogonal_(parameter)
                elif "weight" in name:
                    torch.nn.init.xavier_uniform_(parameter)
                else:
                    parameter.zero_()
                if "bias_ih" in name:
                    parameter[hidden : 2 * hidden] = 1

    def forward(self, tokens, states):
        y, states = self.lstm(self.embedding(tokens), states)
        return self.fc(y), states


def batches(ids, batch_size, time_steps):
    """Batches [T, N] that go on where the one before ended, with the next ids as targets."""
    part = (len(ids) - 1) // batch_size
    starts = torch.arange(batch_size) * part
    for k in range(part // time_steps):
        places = starts[None, :] + k * time_steps + torch.arange(time_steps)[:, None]
        yield ids[places], ids[places + 1]


def loss_of(network, tokens, targets, states):
    logits, states = network(tokens, states)
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
    return loss, tuple(state.detach() for state in states)


def validate(network, ids, batch_size, time_steps):
    total, count, states = 0.0, 0, None
    with torch.inference_mode():
        for tokens, targets in batches(ids, batch_size, time_steps):
            loss, states = loss_of(network, tokens, targets, states)
            total += loss.item()
            count += 1
    return total / count


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("text")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--layers", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--time-steps", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", help="weights to start from, as the example's --start saves them")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    with open(options.text, encoding="utf-8", newline="") as file:
        text = file.read()
    boundary = int(len(text) * 0.9)
    # Id 0 stands for characters that the training part does not have.
    known = {character: index + 1 for index, character in enumerate(sorted(set(text[:boundary])))}
    ids = torch.tensor([known.get(character, 0) for character in text])
    train, validation = ids[:boundary], ids[boundary:]

    network = Network(len(known) + 1, options.embedding, options.hidden, options.layers)
    if options.start:
        network.load_state_dict(load_file(options.start))
    optimizer = torch.optim.Adam(network.parameters(), lr=options.learning_rate, fused=True)
    steps, seconds, val_loss = 0, 0.0, math.nan
    for epoch in range(options.epochs):
        start, total, count, states = time.perf_counter(), 0.0, 0, None
        for tokens, targets in batches(train, options.batch_size, options.time_steps):
            loss, states = loss_of(network, tokens, targets, states)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
            count += 1
        steps += count
        seconds += time.perf_counter() - start
        val_loss = validate(network, validation, options.batch_size, options.time_steps)
        print(f"epoch {epoch + 1}: loss {total / count:.4f}, val loss {val_loss:.4f} nats per character", flush=True)
    characters = steps * options.batch_size * options.time_steps
    result = {
        "valLossNats": val_loss,
        "uniformNats": math.log(len(known) + 1),
        "steps": steps,
        "seconds": seconds,
        "charsPerSecond": characters / seconds,
        "device": f"torch {torch.__version__}, cpu, {options.threads} threads",
    }
    print(json.dumps(result))


main()
