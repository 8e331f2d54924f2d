// Writes an SVG file, and the same as PNG where the renderer is installed.
import { writeFileSync } from 'node:fs';

/** @param path ends in .svg */
export async function writePictures(path, svg) {
  writeFileSync(path, svg);
  let Resvg;
  try {
    ({ Resvg } = await import('@resvg/resvg-js'));
  } catch {
    console.log('no PNG: @resvg/resvg-js is not installed (npm ci)');
    return;
  }
  const picture = new Resvg(svg, { fitTo: { mode: 'zoom', value: 1.5 }, font: { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans' } });
  writeFileSync(path.replace(/\.svg$/, '.png'), picture.render().asPng());
}
