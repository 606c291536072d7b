"""The model of examples/questionTypes.ts in PyTorch; see common.py."""

import torch

from common import class_loss, largest, train_rows


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = torch.nn.Embedding(settings["vocabSize"], 100)
        self.dropout = torch.nn.Dropout(0.3)
        self.lstm = torch.nn.LSTM(100, 128)
        self.fc = torch.nn.Linear(128, settings["classes"])

    def forward(self, x, lengths):
        y, _ = self.lstm(self.dropout(self.embedding(x)))
        return self.fc(self.dropout(largest(y, lengths)))


train_rows(Network, class_loss, ids=True)
