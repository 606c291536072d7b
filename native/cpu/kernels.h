#pragma once

#include <stdint.h>

// The functions that exist once per instruction set, as a table picked when a device is made. Plain types
// alone: nothing inline with external linkage may reach kernels/, or the linker could keep its AVX-512 copy
// for everyone. Every function works on the range it is given, on one thread; who calls it for which range is
// the device's matter.
namespace lstm::cpu {

// What a product's accumulators begin with.
enum class Start { kZero, kAccumulate, kBias };

enum class Pointwise { kRelu, kTanh, kSigmoid };
enum class RowLoss {
  kMse,
  kMae,
  kHuber,
  kLogCosh,
  kQuantile,
  kGaussianNll,
  kCrossEntropyIds,
  kCrossEntropyValues,
  kBinaryCrossEntropy
};
enum class Rule { kAdam, kSgd, kRmsprop, kAdagrad };

// C[m, columns] = start + A[m, k] · panel, one panel of a packed B.
struct PanelProduct {
  int64_t m;
  int k;
  const float* a;      // row-major: [m, k] with row stride lda; packed: tiles of packA
  int64_t lda;         // not read when A is packed
  const float* panel;  // [k, vectors*W], as packed by packB*
  int vectors;         // panel width in vectors, 1..panelVectors
  int columns;         // of them valid, > (vectors-1)*W
  float* c;            // row stride ldc
  int64_t ldc;
  Start start;
  const float* bias;  // [columns], for kBias
  const float*
      next;  // what the product after this one reads of B comes from far away and is fetched meanwhile; or null
};

// One time step of a block of hidden units: activations and cell, after the products.
// Gate q of row n, unit u stands at gates[n*gateStride + q*hidden + u]; pre-activations in, activations out.
struct CellForward {
  int rows;
  int units;
  int64_t hidden;
  int64_t gateStride;
  float* gates;
  float* c;      // [rows, units], row stride hidden: c_{t-1} in, c_t out
  float* cPrev;  // gets c_{t-1}, row stride hidden; null in inference
  float* tanhC;  // gets tanh(c_t), row stride hidden; null in inference
  float* y;      // gets o tanh(c_t), which is h_t but for a projection
  int64_t yStride;
  float* hNext;  // gets the same of the first hNextRows rows, row stride hidden
  int hNextRows;
  float clip;  // c_t is clamped to [-clip, clip]; 0 = it is not
};

// The same block backwards. gates: activations in, gradients of the pre-activations out.
struct CellBackward {
  int rows;
  int units;
  int64_t hidden;
  int64_t gateStride;
  float* gates;
  const float* cPrev;
  const float* tanhC;
  const float* dy;  // or null
  int64_t dyStride;
  const float* dh;  // row stride hidden
  float* dc;        // row stride hidden: dc_t in (from the future), dc_{t-1} out
  float clip;       // the forward's
};

// How the weights of a time step are kept. int8: w = q * scale of its row, q in -127..127.
enum class StepWeights { kFloat32, kBfloat16, kInt8 };

// x [rows, k] times weights in panels of W units:
//   float32 [panel][k][gate][W];  bfloat16 the same with two gates interleaved, [panel][k][i f | g o][W][2];
//   int8 [panel][k/2][gate][W][2], k rounded up to even
struct StepProduct {
  int k;  // 0: left out
  const float* x;
  int64_t ldx;
  const void* panels;
  // int8 alone:
  const float* scales;       // [panel][gate][W]
  const int16_t* quantized;  // x by quantizeRow, [rows, k rounded up to even]
  const float* inputScales;  // [rows]
};

// A time step of a range of panels of units: sums = start + input + recurrent products; then the cell, or with
// `gates` the sums alone. Sums are laid out [panel][gate][W].
struct LstmStep {
  StepWeights form;
  int rows;
  int hidden;
  int panelBegin;
  int panelEnd;
  bool descending;     // walk the panels from the last one: what the step before read last is still near
  const float* start;  // sums of row n at start[n*startStride]; null = zeros
  int64_t startStride;
  StepProduct input;
  StepProduct recurrent;
  float* gates;  // gets the sums, row stride gateStride; nothing below is used then
  int64_t gateStride;
  float* c;  // [rows, hidden]: c_{t-1} in, c_t out
  float* y;  // gets o tanh(c_t)
  int64_t yStride;
  float* h;    // gets the same, [rows, hidden]; or null
  float clip;  // as in CellForward
};

struct RowSums {
  double loss;
  double correct;
  double absoluteError;
  double squaredError;
  double logLikelihood;
  double count;
};

struct LossRows {
  RowLoss kind;
  int64_t begin;
  int64_t end;
  int classes;
  const float* predictions;
  const int32_t* ids;
  const float* values;
  const float* rowWeights;
  float* dPredictions;
  double inverseCount;  // 1 / live elements
  const float* classWeights;
  const float* quantiles;
  int quantileCount;
  float delta;
  float labelSmoothing;
  bool full;
  bool weighMetrics;
};

// Engine's ElementFactors and the block's arrays; null where the rule keeps none. What the numbers are is written there.
struct UpdateBlock {
  Rule rule;
  int64_t size;
  float* p;
  float* g;
  float* m;
  float* v;
  float* aux;
  float* average;
  float gradScale, l1, l2, clipScale, clipValue;
  bool hasClipValue;
  float coupled, keep;
  float beta1, beta2;
  float stepSize, rootScale;
  float inner, outer, inRoot, outRoot;
  float momentum, ahead, moment;
  float averageWeight;
  bool nonNegative;
  float noise;           // standard deviation
  const float* normals;  // [size] of the standard distribution; null: no noise
};

struct NormSums {
  double squaredNorm;
  double penalty;
};

struct Kernels {
  const char* name;
  int width;         // W, floats of a vector
  int panelVectors;  // widest panel, in vectors
  int tileRows;      // rows of the register tile
  int blockK;        // a product is cut into pieces of about this depth, so that a panel's piece stays in L1

  void (*productRows)(const PanelProduct&);     // A row-major
  void (*productPackedA)(const PanelProduct&);  // A by packA
  // Source A^T: element (row, k) at a[k*lda + row]; out m*k floats, in the tiles that productPackedA walks.
  void (*packA)(int64_t m, int k, const float* a, int64_t lda, float* out);
  // B [k, n] row-major, rows kBegin..kEnd of every panel; out [panel][k][vectors*W], the rest of a vector
  // zero.
  void (*packBRows)(int64_t k, int n, const float* b, int64_t ldb, int vectors, int64_t kBegin, int64_t kEnd,
                    float* out);
  // B^T given: element (k, n) at b[n*ldb + k]; panels panelBegin..panelEnd.
  void (*packBTransposed)(int64_t k, int n, const float* b, int64_t ldb, int vectors, int panelBegin,
                          int panelEnd, float* out);

  void (*cellForward)(const CellForward&);
  void (*cellBackward)(const CellBackward&);

  void (*lstmStep)(const LstmStep&);
  // q [k rounded up to even]: x = q * scale
  void (*quantizeRow)(int k, const float* x, int16_t* q, float* scale);

  void (*add)(float* to, const float* from, int64_t count);
  // out[c] += sum over rows of x[row*ld + c], in row order
  void (*columnSums)(int64_t rows, int64_t columns, const float* x, int64_t ld, float* out);
  void (*exponential)(const float* x, float* y, int64_t count);
  void (*activate)(Pointwise kind, float* y, int64_t count);
  void (*activateBackward)(Pointwise kind, const float* y, float* dy, int64_t count);
  void (*softmaxRows)(int64_t rows, int classes, float* y);
  void (*softmaxBackwardRows)(int64_t rows, int classes, const float* y, float* dy);
  // Elements first..first+count of a draw (philox.h): y = word < threshold ? 0 : x * scale
  void (*dropout)(uint64_t seed, uint32_t stream, uint32_t step, uint64_t first, int64_t count,
                  uint32_t threshold, float scale, const float* x, float* y);
  void (*lossRows)(const LossRows&, RowSums*);  // adds to the sums
  // Of scale g and its penalties; g null: penalty alone.
  NormSums (*normBlock)(int64_t size, const float* p, const float* g, float scale, float l1, float l2);
  void (*updateBlock)(const UpdateBlock&);
};

}  // namespace lstm::cpu
