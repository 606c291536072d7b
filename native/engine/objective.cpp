#include "engine/objective.h"

#include <cmath>
#include <string>

#include "engine/errors.h"

namespace lstm {
namespace {

void require(bool holds, const char* name, const std::string& expected, const std::string& got) {
  if (!holds) throw InvalidArgument(std::string(name) + ": expected " + expected + ", got " + got);
}

bool ofClasses(const LossConfig& loss) {
  return loss.kind == LossKind::kCrossEntropy || loss.kind == LossKind::kBinaryCrossEntropy;
}

}  // namespace

void checkLoss(const LossConfig& loss, int channels) {
  require(loss.delta > 0 && std::isfinite(loss.delta), "delta", "a number above 0",
          std::to_string(loss.delta));
  require(loss.labelSmoothing >= 0 && loss.labelSmoothing < 1, "labelSmoothing",
          "a number from 0 to less than 1", std::to_string(loss.labelSmoothing));
  if (!loss.classWeights.empty())
    require(loss.classWeights.size() == static_cast<size_t>(channels), "classWeights",
            std::to_string(channels) + " numbers", std::to_string(loss.classWeights.size()));
  for (const float weight : loss.classWeights)
    require(weight >= 0 && std::isfinite(weight), "classWeights", "finite numbers from 0",
            std::to_string(weight));
  if (loss.kind == LossKind::kQuantile) require(!loss.quantiles.empty(), "quantiles", "at least one", "none");
  for (const float quantile : loss.quantiles)
    require(quantile > 0 && quantile < 1, "quantiles", "numbers between 0 and 1", std::to_string(quantile));
  require(channels % loss.channelsPerTarget() == 0, "output",
          "a multiple of " + std::to_string(loss.channelsPerTarget()) + " channels",
          std::to_string(channels));
}

void checkMetrics(const MetricRequest& request, const LossConfig& loss, int channels) {
  const bool classes = ofClasses(loss);
  const bool labels = loss.kind == LossKind::kBinaryCrossEntropy && channels > 1;
  require(classes || (!request.classCounts && !request.confusion), "metrics", "no class counts for this loss",
          "some");
  require(!request.confusion || (!labels && channels <= kMostConfusionClasses), "metrics.confusion",
          "one class a row, of at most " + std::to_string(kMostConfusionClasses), std::to_string(channels));
  const int most = loss.kind == LossKind::kCrossEntropy ? channels : 0;
  require(request.topK >= 0 && request.topK <= most, "metrics.topK", "0 to " + std::to_string(most),
          std::to_string(request.topK));
  require(!classes || !request.targetSums, "metrics", "no sums of targets for this loss", "some");
  const int share = loss.kind == LossKind::kQuantile ? loss.channelsPerTarget() : 1;
  for (const int quantile : {request.point, request.lower, request.upper})
    require(quantile >= -1 && quantile < share, "metrics",
            "the index of a quantile below " + std::to_string(share), std::to_string(quantile));
  require(request.point >= 0, "metrics.point", "an index from 0", std::to_string(request.point));
  require((request.lower < 0) == (request.upper < 0), "metrics", "both ends of an interval", "one");
  require(request.halfWidth >= 0 && std::isfinite(request.halfWidth), "metrics.halfWidth", "a number from 0",
          std::to_string(request.halfWidth));
}

MetricLayout metricLayout(const MetricRequest& request, const LossConfig& loss, int channels) {
  MetricLayout at;
  const size_t side = loss.kind == LossKind::kBinaryCrossEntropy ? 2 : channels;
  at.classCountsSize = request.classCounts ? size_t{3} * channels : 0;
  at.confusionSize = request.confusion ? side * side : 0;
  at.rankedSize = request.topK > 0 ? 1 : 0;
  at.targetSumsSize = request.targetSums ? size_t{kTargetSums} * (channels / loss.channelsPerTarget()) : 0;
  at.confusion = at.classCounts + at.classCountsSize;
  at.ranked = at.confusion + at.confusionSize;
  at.targetSums = at.ranked + at.rankedSize;
  at.size = at.targetSums + at.targetSumsSize;
  return at;
}

}  // namespace lstm
