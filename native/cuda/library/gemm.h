#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <tuple>

#include "cuda/library/libraries.h"

struct RuntimeContext;

namespace lstm::gpu {

// cuBLASLt's descriptors and the algorithm its heuristic chose, by everything that the choice depends on.
struct GemmPlan;

// The products of one context.
class GemmPlans {
 public:
  explicit GemmPlans(const CublasLtApi& api);
  ~GemmPlans();
  GemmPlans(const GemmPlans&) = delete;
  GemmPlans& operator=(const GemmPlans&) = delete;

  void run(RuntimeContext& context, const RuntimeGemm& gemm);

 private:
  // transposes, m, n, k, leading dimensions, whether C is read, epilogue, precision, alignments
  using Key = std::tuple<int, int, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, bool, int, int,
                         uint32_t, uint32_t, uint32_t>;
  static Key keyOf(const RuntimeGemm& gemm);
  GemmPlan& planFor(RuntimeContext& context, const RuntimeGemm& gemm);

  const CublasLtApi& api_;
  std::map<Key, std::unique_ptr<GemmPlan>> plans_;
};

}  // namespace lstm::gpu
