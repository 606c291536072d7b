"""The model of examples/sentiment.ts in PyTorch; see common.py."""

import torch

from common import mean, train_rows


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = torch.nn.Embedding(settings["vocabSize"], 100)
        self.dropout = torch.nn.Dropout(0.5)
        self.lstm = torch.nn.LSTM(100, 64)
        self.fc = torch.nn.Linear(64, 1)

    def forward(self, x, lengths):
        y, _ = self.lstm(self.dropout(self.embedding(x)))
        return self.fc(self.dropout(mean(y, lengths)))


train_rows(Network, torch.nn.functional.binary_cross_entropy_with_logits)
