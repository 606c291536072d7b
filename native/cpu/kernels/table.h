#pragma once

#include "cpu/kernels.h"

// What the files of kernels/ give to the table of their instruction set.
namespace lstm::cpu::LSTM_ARCH {

void productRows(const PanelProduct&);
void productPackedA(const PanelProduct&);
void packA(int64_t m, int k, const float* a, int64_t lda, float* out);
void packBRows(int64_t k, int n, const float* b, int64_t ldb, int vectors, int64_t kBegin, int64_t kEnd,
               float* out);
void packBTransposed(int64_t k, int n, const float* b, int64_t ldb, int vectors, int panelBegin, int panelEnd,
                     float* out);
void cellForward(const CellForward&);
void cellBackward(const CellBackward&);
void lstmStep(const LstmStep&);
void quantizeRow(int k, const float* x, int16_t* q, float* scale);
void add(float* to, const float* from, int64_t count);
void columnSums(int64_t rows, int64_t columns, const float* x, int64_t ld, float* out);
void exponential(const float* x, float* y, int64_t count);
void activate(Pointwise kind, float* y, int64_t count);
void activateBackward(Pointwise kind, const float* y, float* dy, int64_t count);
void softmaxRows(int64_t rows, int classes, float* y);
void softmaxBackwardRows(int64_t rows, int classes, const float* y, float* dy);
void dropout(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first, int64_t count, uint32_t threshold,
             float scale, const float* x, float* y);
void lossRows(const LossRows&, RowSums*);
NormSums normBlock(int64_t size, const float* p, const float* g, float scale, float l1, float l2);
void updateBlock(const UpdateBlock&);

const Kernels& kernels();

}  // namespace lstm::cpu::LSTM_ARCH
