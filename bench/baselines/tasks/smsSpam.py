"""The model of examples/smsSpam.ts in PyTorch; see common.py."""

import torch

from common import last, train_rows


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = torch.nn.Embedding(settings["vocabSize"], 32)
        self.lstm = torch.nn.LSTM(32, 128)
        self.fc = torch.nn.Linear(128, 1)

    def forward(self, x, lengths):
        y, _ = self.lstm(self.embedding(x))
        return self.fc(last(y, lengths))


train_rows(Network, torch.nn.functional.binary_cross_entropy_with_logits)
