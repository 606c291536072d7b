"""The model of examples/japaneseVowels.ts in PyTorch; see common.py."""

import torch

from common import class_loss, last, train_rows


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.lstm = torch.nn.LSTM(12, 50, 3)
        self.fc = torch.nn.Linear(50, 9)

    def forward(self, x, lengths):
        y, _ = self.lstm(x)
        return self.fc(last(y, lengths))


train_rows(Network, class_loss, ids=True)
