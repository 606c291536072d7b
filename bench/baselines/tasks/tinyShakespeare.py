"""The model of examples/tinyShakespeare.ts in PyTorch; see common.py."""

import torch

from common import train_stream


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = torch.nn.Embedding(settings["vocabSize"], 64)
        self.lstm = torch.nn.LSTM(64, 128)
        self.fc = torch.nn.Linear(128, settings["vocabSize"])

    def forward(self, x, states):
        y, states = self.lstm(self.embedding(x), states)
        return self.fc(y), states


train_stream(Network, lambda nats: {"nats": nats})
