/** What a stream of random numbers is for. Streams of different purposes never share a Philox counter; numbers here are never reused. */
export const purposes = {
  /** Dropout masks, drawn inside the backends (docs/numerics.md). */
  dropout: 1,
  /** Order of the rows in an epoch; index = epoch. */
  shuffle: 2,
  /** Initial weights; index = position of the parameter in canonical order. */
  initialWeights: 3,
  /** Splitting a data set; index = 0, or the class when stratified. */
  split: 4,
  /** Which elements checkGradients looks at; index = position of the parameter. */
  gradientCheck: 5,
  /** Which row gives its value of a shuffled feature; index = feature · repeats + repeat. */
  permutationImportance: 6,
  /** Gaussian noise, drawn inside the backends (docs/numerics.md). */
  gaussianNoise: 7,
} as const;

/** A number of {@link purposes}. */
export type Purpose = (typeof purposes)[keyof typeof purposes];
