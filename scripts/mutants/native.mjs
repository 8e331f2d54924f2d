export const nativeMutants = [];
