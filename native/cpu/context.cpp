#include "cpu/context.h"

#include <cstring>

namespace lstm::cpu {

void fill(const Team& team, float* to, const float* from, int64_t count) {
  const Range range = team.share(count, 16);
  if (range.size() == 0) return;
  if (from) {
    std::memcpy(to + range.begin, from + range.begin, range.size() * sizeof(float));
  } else {
    std::memset(to + range.begin, 0, range.size() * sizeof(float));
  }
}

}  // namespace lstm::cpu
