/** What build/Release/nabla.node exports. */
export interface NativeAddon {
  info(): unknown;
}
