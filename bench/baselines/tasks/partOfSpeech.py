"""The model of examples/partOfSpeech.ts in PyTorch; see common.py."""

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from common import tag_loss, train_rows


class Network(torch.nn.Module):
    def __init__(self, settings):
        super().__init__()
        self.embedding = torch.nn.Embedding(settings["vocabSize"], 64)
        self.dropout = torch.nn.Dropout(0.2)
        self.lstm = torch.nn.LSTM(64, 64, bidirectional=True)
        self.fc = torch.nn.Linear(128, settings["classes"])

    def forward(self, x, lengths):
        # Packed, or the backward direction would start in the padding.
        packed = pack_padded_sequence(self.dropout(self.embedding(x)), lengths, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.lstm(packed)[0])
        return self.fc(y)


train_rows(Network, tag_loss, ids=True)
