declare module 'node-gyp-build' {
  const nodeGypBuild: {
    (directory: string): unknown;
    /** The file that would be loaded; throws when there is none. */
    path(directory: string): string;
  };
  export default nodeGypBuild;
}
