#include "cuda/library/gemm.h"

#include <algorithm>

#include "cuda/library/context.h"

namespace lstm::gpu {

struct GemmPlan {
  explicit GemmPlan(const CublasLtApi& library) : api(library) {}
  ~GemmPlan() {
    if (operation) api.cublasLtMatmulDescDestroy(operation);
    for (cublasLtMatrixLayout_t layout : {first, second, result})
      if (layout) api.cublasLtMatrixLayoutDestroy(layout);
  }
  const CublasLtApi& api;
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t first = nullptr;
  cublasLtMatrixLayout_t second = nullptr;
  cublasLtMatrixLayout_t result = nullptr;
  cublasLtMatmulHeuristicResult_t choice{};
};

namespace {

constexpr const char* kCall = "gemm";
constexpr size_t kMostPlans = 512;  // unequal lengths bring ever new row counts

uint32_t alignmentOf(const void* pointer) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(pointer);
  return static_cast<uint32_t>(std::min<uintptr_t>(256, address == 0 ? 256 : address & (~address + 1)));
}

cublasComputeType_t computeTypeOf(int precision) {
  require(precision >= kPrecisionFp32 && precision <= kPrecisionBf16, kCall, "no such precision");
  return precision == kPrecisionTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

// Of A and B; C and the bias are float32.
cudaDataType_t operandTypeOf(int precision) {
  if (precision == kPrecisionFp16) return CUDA_R_16F;
  return precision == kPrecisionBf16 ? CUDA_R_16BF : CUDA_R_32F;
}

cublasLtEpilogue_t epilogueOf(int epilogue) {
  if (epilogue == kEpilogueBias) return CUBLASLT_EPILOGUE_BIAS;
  if (epilogue == kEpilogueBiasRelu) return CUBLASLT_EPILOGUE_RELU_BIAS;
  return CUBLASLT_EPILOGUE_DEFAULT;
}

void checkArguments(const RuntimeGemm& g) {
  require(g.m >= 1 && g.n >= 1 && g.k >= 1, kCall, "expected sizes of at least 1");
  require(g.lda >= (g.transposeA ? g.m : g.k) && g.ldb >= (g.transposeB ? g.k : g.n) && g.ldc >= g.n, kCall,
          "a row stride is shorter than its row");
  require(g.dA && g.dB && g.dC, kCall, "expected A, B and C");
  require(g.epilogue == kEpilogueNone || g.dBias, kCall, "expected a bias");
}

template <typename Value>
void setAttribute(const CublasLtApi& api, cublasLtMatmulDesc_t operation,
                  cublasLtMatmulDescAttributes_t attribute, const Value& value) {
  LSTM_API_CALL(api, cublasLtMatmulDescSetAttribute, operation, attribute, &value, sizeof value);
}

// cuBLAS is column-major, and a row-major matrix read by columns is its transpose. So it is asked for
// C^T [n, m] = op(B)^T op(A)^T, where `first` is B and `second` is A; the bias then runs along C^T's rows: [n].
void describe(const CublasLtApi& api, const RuntimeGemm& g, GemmPlan& plan) {
  LSTM_API_CALL(api, cublasLtMatmulDescCreate, &plan.operation, computeTypeOf(g.precision), CUDA_R_32F);
  setAttribute(api, plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, g.transposeB ? CUBLAS_OP_T : CUBLAS_OP_N);
  setAttribute(api, plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, g.transposeA ? CUBLAS_OP_T : CUBLAS_OP_N);
  setAttribute(api, plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogueOf(g.epilogue));
  const uint64_t bRows = static_cast<uint64_t>(g.transposeB ? g.k : g.n);
  const uint64_t bColumns = static_cast<uint64_t>(g.transposeB ? g.n : g.k);
  const uint64_t aRows = static_cast<uint64_t>(g.transposeA ? g.m : g.k);
  const uint64_t aColumns = static_cast<uint64_t>(g.transposeA ? g.k : g.m);
  LSTM_API_CALL(api, cublasLtMatrixLayoutCreate, &plan.first, operandTypeOf(g.precision), bRows, bColumns,
                g.ldb);
  LSTM_API_CALL(api, cublasLtMatrixLayoutCreate, &plan.second, operandTypeOf(g.precision), aRows, aColumns,
                g.lda);
  LSTM_API_CALL(api, cublasLtMatrixLayoutCreate, &plan.result, CUDA_R_32F, static_cast<uint64_t>(g.n),
                static_cast<uint64_t>(g.m), g.ldc);
}

class Preference {
 public:
  explicit Preference(const CublasLtApi& api) : api_(api) {
    LSTM_API_CALL(api_, cublasLtMatmulPreferenceCreate, &handle);
  }
  ~Preference() { api_.cublasLtMatmulPreferenceDestroy(handle); }
  template <typename Value>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, Value value) {
    LSTM_API_CALL(api_, cublasLtMatmulPreferenceSetAttribute, handle, attribute, &value, sizeof value);
  }
  cublasLtMatmulPreference_t handle = nullptr;

 private:
  const CublasLtApi& api_;
};

// The bias has no alignment of its own among the preferences; the result's stands for both.
uint32_t resultAlignment(const RuntimeGemm& g) {
  const uint32_t alignment = alignmentOf(g.dC);
  return g.epilogue == kEpilogueNone ? alignment : std::min(alignment, alignmentOf(g.dBias));
}

void choose(RuntimeContext& context, const RuntimeGemm& g, GemmPlan& plan) {
  const CublasLtApi& api = context.libraries.cublasLt;
  Preference preference(api);
  preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, static_cast<uint64_t>(context.gemmWorkspaceBytes));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignmentOf(g.dB));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignmentOf(g.dA));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, resultAlignment(g));
  preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, resultAlignment(g));
  int found = 0;
  LSTM_API_CALL(api, cublasLtMatmulAlgoGetHeuristic, context.cublasLt, plan.operation, plan.first,
                plan.second, plan.result, plan.result, preference.handle, 1, &plan.choice, &found);
  if (found == 0)
    fail(kRuntimeNotSupported, "cublasLtMatmulAlgoGetHeuristic", "no algorithm for this product");
}

}  // namespace

GemmPlans::GemmPlans(const CublasLtApi& api) : api_(api) {}
GemmPlans::~GemmPlans() = default;

GemmPlans::Key GemmPlans::keyOf(const RuntimeGemm& g) {
  return {g.transposeA,
          g.transposeB,
          g.m,
          g.n,
          g.k,
          g.lda,
          g.ldb,
          g.ldc,
          g.beta != 0,
          g.epilogue,
          g.precision,
          alignmentOf(g.dA),
          alignmentOf(g.dB),
          resultAlignment(g)};
}

GemmPlan& GemmPlans::planFor(RuntimeContext& context, const RuntimeGemm& gemm) {
  const Key key = keyOf(gemm);
  const auto found = plans_.find(key);
  if (found != plans_.end()) return *found->second;
  auto plan = std::make_unique<GemmPlan>(api_);
  describe(api_, gemm, *plan);
  choose(context, gemm, *plan);
  if (plans_.size() >= kMostPlans) plans_.clear();
  return *plans_.emplace(key, std::move(plan)).first->second;
}

void GemmPlans::run(RuntimeContext& context, const RuntimeGemm& g) {
  checkArguments(g);
  GemmPlan& plan = planFor(context, g);
  if (g.epilogue != kEpilogueNone)
    setAttribute(api_, plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(g.dBias));
  LSTM_API_CALL(api_, cublasLtMatmul, context.cublasLt, plan.operation, &g.alpha, g.dB, plan.first, g.dA,
                plan.second, &g.beta, g.dC, plan.result, g.dC, plan.result, &plan.choice.algo,
                context.gemmWorkspace, context.gemmWorkspaceBytes, context.stream);
}

}  // namespace lstm::gpu
