// Which pictures an example trains on.
import { datasets, type ArrayDataset, type TrainAndTest } from 'nabla';

/** @param choice 'mnist', 'fashion', or a folder with four IDX files */
export async function loadPictures(choice: string): Promise<TrainAndTest> {
  if (choice === '' || choice === 'mnist') return datasets.mnist();
  if (choice === 'fashion') return datasets.fashionMnist();
  return datasets.mnist({ dir: choice });
}

/** The first rows of a set, or all of it. @param rows 0 for all */
export function firstRows(data: ArrayDataset, rows: number): ArrayDataset {
  return rows === 0 || rows >= data.rows ? data : data.slice(0, rows);
}
