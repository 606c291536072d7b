#include "cpu/kernels/table.h"

#include "cpu/kernels/tile.h"

#define LSTM_TEXT_OF(name) #name
#define LSTM_TEXT(name) LSTM_TEXT_OF(name)

namespace lstm::cpu::LSTM_ARCH {

const Kernels& kernels() {
  static constexpr Kernels table = {
      .name = LSTM_TEXT(LSTM_ARCH),
      .width = W,
      .panelVectors = kPanelVectors,
      .tileRows = kTileRows,
      .blockK = kBlockK,
      .productRows = productRows,
      .productPackedA = productPackedA,
      .packA = packA,
      .packBRows = packBRows,
      .packBTransposed = packBTransposed,
      .cellForward = cellForward,
      .cellBackward = cellBackward,
      .lstmStep = lstmStep,
      .quantizeRow = quantizeRow,
      .add = add,
      .columnSums = columnSums,
      .exponential = exponential,
      .activate = activate,
      .activateBackward = activateBackward,
      .softmaxRows = softmaxRows,
      .softmaxBackwardRows = softmaxBackwardRows,
      .dropout = dropout,
      .lossRows = lossRows,
      .normBlock = normBlock,
      .updateBlock = updateBlock,
  };
  return table;
}

}  // namespace lstm::cpu::LSTM_ARCH
