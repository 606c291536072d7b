#pragma once

#include <cstdint>
#include <vector>

#include "engine/device.h"

// A loss held against the network's output, and what is counted beside it.
namespace lstm {

// Confusion counts are kept for at most so many classes: 8 MiB.
constexpr int kMostConfusionClasses = 1024;

// What is counted beside LossSums; nothing by default.
struct MetricRequest {
  bool weighted = false;     // every count, those of LossSums included, is weighed by the row weights
  bool classCounts = false;  // crossEntropy, binaryCrossEntropy
  bool confusion = false;    // the same, but not for several binary channels
  int topK = 0;              // crossEntropy; 0 = not wanted
  bool targetSums = false;   // the other losses
  int point = 0;             // quantile: which of a target's channels is the forecast
  int lower = -1;            // quantile: which two are the interval; -1 = none
  int upper = -1;
  float halfWidth = 0;   // gaussianNll: the interval is mean +- halfWidth standard deviations; 0 = none
  bool outputs = false;  // the predictions come back as the loss got them

  bool operator==(const MetricRequest&) const = default;
};

// Where the counts of a request lie in one array of doubles.
struct MetricLayout {
  size_t classCounts = 0;  // [classes, 3]
  size_t confusion = 0;    // [K, K]
  size_t ranked = 0;       // [1]
  size_t targetSums = 0;   // [targets, kTargetSums]
  size_t size = 0;
  size_t classCountsSize = 0, confusionSize = 0, rankedSize = 0, targetSumsSize = 0;
};

// Throws InvalidArgument for settings out of their range or that do not fit `channels`.
void checkLoss(const LossConfig& loss, int channels);
void checkMetrics(const MetricRequest& request, const LossConfig& loss, int channels);
MetricLayout metricLayout(const MetricRequest& request, const LossConfig& loss, int channels);

}  // namespace lstm
