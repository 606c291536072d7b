export * from './errors.js';

export type { NamedTensors, NestedNumbers, NumericInput, Shape, Tensor, TensorData } from './data/tensor.js';
export type { FeatureInput, TokenInput } from './data/sequences.js';
export type { SampleWeightInput, TargetInput } from './data/targets.js';
export {
  languageModelStream,
  type LanguageModelPass,
  type LanguageModelStream,
  type LanguageModelStreamOptions,
} from './data/languageModelStream.js';
export {
  exampleStream,
  type Example,
  type ExampleStream,
  type ExampleStreamOptions,
  type FeatureSequence,
  type TokenSequence,
} from './data/examples.js';
export type { ExampleSource } from './data/exampleSource.js';
export { collectExamples, type CollectedExamples } from './data/sources/collectExamples.js';
export type { ColumnType, ColumnValue } from './data/sources/columns.js';
export {
  csvRecords,
  type ColumnTypes,
  type CsvRecord,
  type CsvRecordOptions,
} from './data/sources/csvRecords.js';
export type { CsvFormat } from './data/sources/csvRows.js';
export { csvSequences, type CsvSequence, type CsvSequenceOptions } from './data/sources/csvSequences.js';
export { jsonLines, type JsonLinesReadOptions } from './data/sources/jsonLines.js';
export { mapRecords } from './data/sources/mapRecords.js';
export { readCsv, type CsvColumn, type CsvTable, type ReadCsvOptions } from './data/sources/readCsv.js';
export type { TextOptions, TextSource } from './data/sources/text.js';
export {
  textDirectory,
  type TextDirectory,
  type TextDirectoryOptions,
  type TextRecord,
} from './data/sources/textDirectory.js';
export { batchOrder, paddingShare, type BatchOrderOptions, type Sampling } from './data/order.js';
export {
  kFold,
  type Fold,
  type ForwardKFoldOptions,
  type GroupedKFoldOptions,
  type KFoldOptions,
  type PlainKFoldOptions,
  type StratifiedKFoldOptions,
} from './data/folds.js';
export { padSequences, type PaddedSequences, type PadSequencesOptions } from './data/padSequences.js';
export type { Divisible, RowKey } from './data/rowKeys.js';
export { selectRows, type RowData } from './data/selectRows.js';
export {
  split,
  type GroupSplitOptions,
  type RandomSplitOptions,
  type Split,
  type SplitOptions,
  type StratifiedSplitOptions,
  type TailSplitOptions,
  type TimeSplitOptions,
} from './data/splits.js';

export { classLabels, labelIds, labelNames } from './data/labels.js';
export { dataTable, sliceRows, type DataTable, type TableColumn } from './data/table.js';

export { timeSeries, type SeriesFold, type SeriesSplit, type TimeSeries } from './series/timeSeries.js';
export {
  seriesFromJSON,
  type FittedSeries,
  type FittedSeriesJSON,
  type SeriesRange,
  type WindowData,
  type WindowExample,
} from './series/fittedSeries.js';
export type {
  Difference,
  MissingRule,
  ResolvedSeriesOptions,
  ScalerKind,
  SeriesOptions,
} from './series/options.js';
export type { CalendarFeature } from './series/calendar.js';
export type { Place } from './series/seriesRows.js';
export type { PlaceRange, SeriesFoldOptions, SeriesPlaces, SeriesSplitOptions } from './series/split.js';
export type { FittedColumn } from './series/filled.js';
export type { FittedScaler } from './series/scaler.js';
export { forecast, type Forecast, type ForecastModel, type ForecastOptions } from './series/forecast.js';
export { leastSquares, type LeastSquaresOptions } from './series/leastSquares.js';
export { seasonalNaive, type SeasonalNaiveOptions } from './series/seasonalNaive.js';

export {
  characterVocabulary,
  vocabularyFromJSON,
  wordVocabulary,
  type Vocabulary,
  type VocabularyJSON,
  type VocabularyOptions,
  type WordSplit,
  type WordVocabularyOptions,
} from './text/vocabulary.js';
export { bytePairVocabulary, type BytePairOptions } from './text/bytePair.js';
export type { SpecialTokens } from './text/special.js';
export { tokenizerVocabulary, type Tokenizer, type TokenizerOptions } from './text/tokenizer.js';
export { generate, type GenerateOptions } from './text/generate.js';

export { embedding, type EmbeddingLayer, type EmbeddingOptions } from './layers/embedding.js';
export { lstm, type LstmDescriptor, type LstmOptions } from './layers/lstm.js';
export { dense, type DenseLayer, type DenseOptions } from './layers/dense.js';
export {
  activationRegularizer,
  type ActivationRegularizerLayer,
  type ActivationRegularizerOptions,
} from './layers/activationRegularizer.js';
export { dropout, type DropoutLayer, type DropoutOptions } from './layers/dropout.js';
export { pool, type PoolLayer, type PoolOptions } from './layers/pool.js';
export { heads, type HeadNames, type HeadsLayer } from './layers/heads.js';
export type { Layer } from './layers/layer.js';

export {
  constant,
  normal,
  orthogonal,
  torchUniform,
  uniform,
  xavier,
  zeros,
  type BiasInitializer,
  type Initializer,
} from './initializers/initializer.js';
export { maxNorm, nonNegative, type Constraint } from './regularizers/constraint.js';
export { elasticNet, l1, l1l2, l2, type Regularizer } from './regularizers/regularizer.js';
export {
  binaryCrossEntropy,
  crossEntropy,
  gaussianNll,
  huber,
  logCosh,
  mae,
  mse,
  quantile,
  type BuiltInLoss,
  type CrossEntropyOptions,
  type Loss,
  type LossInput,
  type LossKind,
  type LossName,
} from './losses/loss.js';
export {
  customLoss,
  type CustomLoss,
  type CustomLossBatch,
  type CustomLossOptions,
  type CustomLossResult,
} from './losses/customLoss.js';
export {
  adagrad,
  adam,
  adamW,
  rmsprop,
  sgd,
  type Accumulation,
  type Adagrad,
  type AdagradOptions,
  type Adam,
  type AdamOptions,
  type WeightAverage,
  type WeightAverageInput,
  type Clip,
  type CommonOptions,
  type CommonSettings,
  type Convention,
  type GradientNoise,
  type Optimizer,
  type OptimizerInput,
  type ParameterGroup,
  type ParameterGroupInput,
  type Rmsprop,
  type RmspropOptions,
  type Sgd,
  type SgdOptions,
} from './optimizers/optimizer.js';
export * from './schedules/index.js';
export {
  f1,
  intervalCoverage,
  mase,
  precision,
  recall,
  rocAuc,
  topK,
  type Average,
  type AverageOptions,
  type ClassReport,
  type Metric,
  type MetricDescriptor,
  type MetricName,
  type MetricValue,
  type MetricValues,
  type PlainMetric,
  type ScalarMetric,
  type ValidationMetricValues,
} from './metrics/metric.js';
export {
  accuracyScore,
  bitsPerCharacterScore,
  classificationReport,
  confusionMatrix,
  f1Score,
  intervalCoverageScore,
  meanAbsoluteError,
  meanAbsolutePercentageError,
  meanAbsoluteScaledError,
  meanSquaredError,
  naiveScale,
  perplexityScore,
  precisionScore,
  r2Score,
  recallScore,
  rocAucScore,
  rootMeanSquaredError,
  symmetricMeanAbsolutePercentageError,
  topKAccuracyScore,
  type Column,
  type ScoreOptions,
  type Table,
  type WeightOption,
} from './metrics/functions.js';

export { buildExperiment, type BuildOptions, type Experiment } from './experiment/buildExperiment.js';
export type { DataConfigInput as DataConfig, TaskName } from './experiment/dataConfig.js';
export {
  resolveExperiment,
  type ExperimentConfig,
  type OutputConfig,
  type ResolvedExperiment,
  type TrainingConfig,
} from './experiment/experimentConfig.js';
export type { LayerConfig } from './experiment/layerConfig.js';
export { readExperiment, type ExperimentFile } from './experiment/readExperiment.js';
export { type SearchConfig, type SearchValues } from './experiment/searchConfig.js';

export { sequential } from './model/sequential.js';
export { loadModel, type LoadOptions } from './model/loadModel.js';
export { Model, type SetWeightsOptions } from './model/model.js';
export type { Metadata, ModelConfig, SequentialOptions } from './model/modelConfig.js';
export type { SaveOptions } from './model/checkpointing.js';
export type { EvaluateOptions, Evaluation, ModelEvaluation } from './model/evaluate.js';
export type { ByHead, ByHeadPartly } from './model/byHead.js';
export type { HeadValidationValues, HeadValues } from './metrics/modelMetrics.js';
export type { FindLearningRateOptions } from './model/findLearningRate.js';
export type { FitHistory, FitOptions } from './model/fit.js';
export type { ReportOptions } from './model/report.js';
export type { SuggestBatchSizeOptions } from './model/suggestBatchSize.js';
export type { DeviceInput } from './model/move.js';
export type { LabelledData, SequenceInput, TrainingData } from './model/modelData.js';
export { ModelStream, type ModelStreamOptions } from './model/modelStream.js';
export type { PredictOptions, Prediction } from './model/predict.js';
export type { PredictSyncOptions } from './model/predictSync.js';
export type { LayerStates, ModelStates } from './model/states.js';
export type {
  Gradients,
  GradientsOptions,
  HeadResult,
  HeadResults,
  ModelGradients,
  ModelStepResult,
  TrainBatch,
  TrainStepOptions,
  TrainStepResult,
} from './model/trainStep.js';
export type { WeightForm } from './model/weightForm.js';
export type { ParameterInfo, WeightsInput } from './model/weights.js';
export {
  createLstm,
  LstmLayer,
  type LstmLayerConfig,
  type LstmLayerOptions,
  type LstmStep,
} from './model/lstmLayer.js';
export type {
  LstmForwardOptions,
  LstmInputGradients,
  LstmOutput,
  LstmOutputGradients,
} from './model/lstmPasses.js';
export type { DeviceName, DeviceOptions } from './native/deviceOptions.js';
export type { CpuDeviceInfo, CudaDeviceInfo, DeviceInfo } from './native/device.js';
export {
  devices,
  type CpuListing,
  type DeviceListing,
  type GpuListing,
  type UnavailableListing,
} from './native/devices.js';
export type { NativeMemory as ModelMemory } from './native/binding.js';

export { asha, type AshaOptions } from './search/asha.js';
export { draw, type Distribution } from './search/draw.js';
export { gridSearch, type GridSearchOptions } from './search/gridSearch.js';
export { modelTrial, type ModelPlan, type ModelTrialOptions } from './search/modelTrial.js';
export { randomSearch, type RandomSearchOptions } from './search/randomSearch.js';
export type { SearchSvgOptions } from './search/resultSvg.js';
export type { HalvingOptions, SearchOptions, TrialSource } from './search/searchOptions.js';
export { SearchResult, type ScoredTrial } from './search/searchResult.js';
export type { ConfigOf, DrawSpace, GridSpace } from './search/space.js';
export type {
  Trial,
  TrialFailure,
  TrialFunction,
  TrialOutcome,
  TrialReport,
  TrialResult,
} from './search/trial.js';
export type { ValidationOptions } from './search/trainingParts.js';

export type {
  BatchLogs,
  Callback,
  EpochBeginLogs,
  TrainBeginLogs,
  TrainingControl,
} from './training/callbacks.js';
export type { CallbackState } from './training/callbackStates.js';
export type { Exact } from './io/exactJson.js';
export type { BatchSizeSearch, BatchSizeTrial } from './training/batchSizeSearch.js';
export type { LearningRateSearch, RateLoss } from './training/rateCurve.js';
export type { Verbosity } from './training/display.js';
export { earlyStopping, type EarlyStoppingOptions } from './training/earlyStopping.js';
export type { EpochRecord, History, StopReason } from './training/history.js';
export type { HistorySvgOptions } from './training/historySvg.js';
export type { Monitor, MonitorMode } from './training/monitor.js';
export { csvLog } from './training/callbacks/csvLog.js';
export { jsonLinesLog, type JsonLinesOptions } from './training/callbacks/jsonLinesLog.js';
export type { LogOptions } from './training/callbacks/logFile.js';
export {
  learningRateMonitor,
  type LearningRateMonitor,
  type RatePoint,
} from './training/callbacks/learningRateMonitor.js';
export { modelCheckpoint, type ModelCheckpointOptions } from './training/callbacks/modelCheckpoint.js';
export { tensorBoard, type TensorBoardOptions } from './training/callbacks/tensorBoard.js';
export { terminateOnNaN } from './training/callbacks/terminateOnNaN.js';
