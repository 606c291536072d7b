"""The model of examples/wikitextWords.ts in PyTorch; see common.py."""

import math

import torch

from common import train_stream


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = torch.nn.Embedding(settings["vocabSize"], 200)
        self.dropout = torch.nn.Dropout(0.2)
        self.lstm = torch.nn.LSTM(200, 200, 2, dropout=0.2)
        self.fc = torch.nn.Linear(200, settings["vocabSize"])
        self.fc.weight = self.embedding.weight

    def forward(self, x, states):
        y, states = self.lstm(self.dropout(self.embedding(x)), states)
        return self.fc(self.dropout(y)), states


train_stream(Network, lambda nats: {"perplexity": math.exp(nats)})
