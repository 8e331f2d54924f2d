"""Valid files with expected contents: safetensors, .npy, .npz, IDX(.gz), CSV. Needs NumPy only.   usage: interop_files.py test/golden/interop"""
import sys, io, os, zipfile, struct, gzip, json
import numpy as np
from common import *

def W(o, rel, data):
    p = f'{o}/{rel}'; os.makedirs(os.path.dirname(p), exist_ok=True); open(p, 'wb').write(data); return p

# ---------------------------------------------------------------- safetensors, by hand
ST = {'F64': '<f8', 'F32': '<f4', 'F16': '<f2', 'I64': '<i8', 'I32': '<i4', 'I16': '<i2', 'I8': 'i1', 'U8': 'u1', 'U16': '<u2', 'U32': '<u4', 'U64': '<u8', 'BOOL': '?'}
def st_bytes(tensors, meta=None, pad=True, header_order=None):
    """tensors: list of (name, dtype code, shape, raw bytes); data laid out in the given order"""
    off = 0; h = {}
    for n, d, s, b in tensors: h[n] = {'dtype': d, 'shape': list(s), 'data_offsets': [off, off + len(b)]}; off += len(b)
    if header_order: h = {k: h[k] for k in header_order}
    if meta is not None: h = {'__metadata__': meta, **h}
    j = json.dumps(h, separators=(',', ':'), ensure_ascii=False).encode('utf-8')
    if pad: j += b' ' * (-len(j) % 8)
    return struct.pack('<Q', len(j)) + j + b''.join(t[3] for t in tensors)
def st_t(name, code, a):
    a = np.asarray(a); return (name, code, a.shape, a.astype(ST[code]).tobytes(order='C'))
def bf16(a):
    u = np.asarray(a, '<f4').view('<u4').astype(np.uint64); return ((u + 0x7fff + ((u >> 16) & 1)) >> 16).astype('<u2')       # round to nearest even

def safetensors(o, I):
    rs = np.random.RandomState(int(os.environ.get('GOLDEN_BASE', 0)) + 1)
    def put(name, tensors, note, **kw):
        W(o, f'safetensors/{name}.safetensors', st_bytes(tensors, **kw)); ex = {}
        for n, d, s, b in tensors:
            if d == 'BF16': v = (np.frombuffer(b, '<u2').astype('<u4') << 16).view('<f4').astype(float)
            else: v = np.frombuffer(b, ST[d])
            ex[n] = {'dtype': d, 'shape': list(s), 'values': [str(int(x)) for x in v] if d in ('I64', 'U64') else v.astype(float).tolist() if v.dtype.kind == 'f' else v.tolist()}
        I.append({'file': f'safetensors/{name}.safetensors', 'format': 'safetensors', 'note': note, 'tensors': ex, 'metadata': kw.get('meta')})
    put('mlp_f64', [st_t('layer0.weight', 'F64', rs.randn(4, 5)), st_t('layer0.bias', 'F64', rs.randn(4)), st_t('layer1.weight', 'F64', rs.randn(3, 4)), st_t('layer1.bias', 'F64', rs.randn(3))], 'float64 5-4-3', meta={'format': 'pt', 'note': 'made by hand'})
    put('mlp_f32', [st_t('fc1.weight', 'F32', rs.randn(7, 2)), st_t('fc1.bias', 'F32', rs.randn(7)), st_t('fc2.weight', 'F32', rs.randn(1, 7)), st_t('fc2.bias', 'F32', rs.randn(1))], 'float32 2-7-1, no metadata')
    v = np.array([[0, 1, -1], [2.5, 127, -3.75]])
    put('all_dtypes', [st_t(f't_{c}', c, np.abs(v) if c[0] in 'UB' else v) for c in ('F64', 'I64', 'U64', 'F32', 'I32', 'U32', 'F16', 'I16', 'U16')] + [('t_BF16', 'BF16', (2, 3), bf16(v).tobytes())] + [st_t(f't_{c}', c, np.abs(v) if c[0] in 'UB' else v) for c in ('I8', 'U8', 'BOOL')], 'every numeric dtype; fractions are truncated for integer types')
    put('special_values', [st_t('f64', 'F64', [np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1.7976931348623157e308]), st_t('f32', 'F32', [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-45, 3.4028234663852886e38]), st_t('f16', 'F16', [np.nan, np.inf, -np.inf, 0.0, -0.0, 6e-8, 65504])], 'NaN, infinities, signed zero, subnormal, largest')
    put('scalar_and_empty', [st_t('scalar', 'F32', np.float32(3.25)), st_t('empty', 'F32', np.zeros((0, 3))), st_t('one', 'F64', [[[1.5]]])], '0-d tensor (shape []), empty tensor (equal offsets), 3-d')
    put('no_padding', [st_t('a', 'F64', [1.0, 2.0])], 'header length not a multiple of 8: tensor data is NOT 8-byte aligned in the file', pad=False)
    put('header_order', [st_t('z', 'F32', [1, 2]), st_t('a', 'F32', [3, 4]), st_t('m', 'F32', [5])], 'header lists names in another order than the data', header_order=['a', 'm', 'z'])
    put('unicode_names', [st_t('gewicht_ä', 'F32', [1]), st_t('重み', 'F32', [2]), st_t('a"quote\\back', 'F32', [3])], 'non-ASCII and escaped names', meta={'ключ': 'значение'})
    put('no_tensors', [], 'only metadata', meta={'empty': 'yes'})
    put('int64_big', [st_t('i', 'I64', np.array([2**53 + 1, -2**63, 2**63 - 1], dtype=np.int64)), st_t('u', 'U64', np.array([2**64 - 1, 2**53 + 1], dtype=np.uint64))], '64-bit integers beyond 2**53 (values given as strings)')

# ---------------------------------------------------------------- npy / npz
def arr_expected(a):
    a = np.asarray(a); f = a.ravel(order='C')
    return {'dtype': a.dtype.str, 'shape': list(a.shape), 'fortran_order': bool(a.flags.f_contiguous and not a.flags.c_contiguous),
            'values_c_order': [str(int(x)) for x in f] if a.dtype.kind in 'iu' and a.dtype.itemsize == 8 else f.astype(float).tolist() if a.dtype.kind == 'f' else f.tolist()}
def npy(o, I):
    rs = np.random.RandomState(int(os.environ.get('GOLDEN_BASE', 0)) + 2); A = rs.randn(3, 4)
    def put(name, a, note, version=None):
        b = io.BytesIO(); np.lib.format.write_array(b, a, version=version, allow_pickle=False); p = W(o, f'npy/{name}.npy', b.getvalue())
        assert np.array_equal(np.load(p), a, equal_nan=a.dtype.kind == 'f'); I.append({'file': f'npy/{name}.npy', 'format': 'npy', 'note': note, 'array': arr_expected(a)})
    put('f8_c', A, 'float64, C order'); put('f8_fortran', np.asfortranarray(A), 'float64, Fortran order'); put('f4_c', A.astype('<f4'), 'float32'); put('f4_fortran_3d', np.asfortranarray(rs.randn(2, 3, 4).astype('<f4')), 'float32, 3-d Fortran')
    put('u1', np.arange(256, dtype=np.uint8).reshape(16, 16), 'uint8'); put('f8_big_endian', A.astype('>f8'), 'big-endian float64'); put('f4_big_endian_fortran', np.asfortranarray(A.astype('>f4')), 'big-endian float32, Fortran'); put('i4_big_endian', np.array([1, -2, 2**31 - 1, -2**31], '>i4'), 'big-endian int32')
    put('scalar_0d', np.array(2.5), '0-d'); put('empty_0x3', np.zeros((0, 3)), 'empty'); put('empty_3x0', np.zeros((3, 0), '<f4'), 'empty'); put('empty_1d', np.zeros(0), 'empty 1-d'); put('i8', np.array([2**53 + 1, -5, 2**63 - 1], '<i8'), 'int64'); put('u8', np.array([2**64 - 1, 0], '<u8'), 'uint64')
    put('i2', np.array([-32768, 32767], '<i2'), 'int16'); put('u2_be', np.array([1, 65535], '>u2'), 'uint16 big-endian'); put('i1', np.array([-128, 127], 'i1'), 'int8'); put('bool', np.array([True, False, True]), 'bool'); put('f2', np.array([1.5, -2, 65504, np.inf, np.nan], '<f2'), 'float16')
    put('one_element', np.array([7.0]), 'shape (1,)'); put('special', np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]), 'NaN, infinities, -0, subnormal'); put('version2', A, 'format version 2.0 (4-byte header length)', (2, 0)); put('version3', A, 'format version 3.0 (UTF-8 header)', (3, 0)); put('five_d', rs.randn(1, 2, 3, 2, 1), '5-d')
    h = b"{'shape':(2,),'fortran_order':False,'descr':'<f8'}\n"                                    # no padding, other key order, no spaces
    W(o, 'npy/unpadded_header.npy', b'\x93NUMPY\x01\x00' + struct.pack('<H', len(h)) + h + np.array([1.0, 2.0]).tobytes()); I.append({'file': 'npy/unpadded_header.npy', 'format': 'npy', 'note': 'minimal header without padding or trailing commas, other key order', 'array': arr_expected(np.load(f'{o}/npy/unpadded_header.npy'))})
    M = {'W1': rs.randn(4, 3), 'b1': rs.randn(4), 'labels': np.arange(5, dtype=np.uint8), 'f': np.asfortranarray(rs.randn(3, 2)), 's': np.array(1.0), 'e': np.zeros((0, 2))}
    def npz(name, note, writer):
        p = f'{o}/npz/{name}.npz'; os.makedirs(f'{o}/npz', exist_ok=True); writer(p)
        with np.load(p) as z: I.append({'file': f'npz/{name}.npz', 'format': 'npz', 'note': note, 'arrays': {k: arr_expected(z[k]) for k in z.files}})
    npz('stored', 'np.savez: stored, zip64 extra fields', lambda p: np.savez(p, **M)); npz('deflated', 'np.savez_compressed', lambda p: np.savez_compressed(p, **M)); npz('positional', 'arrays saved without names: arr_0, arr_1', lambda p: np.savez(p, M['W1'], M['b1']))
    def nb(a): b = io.BytesIO(); np.save(b, a); return b.getvalue()
    def mixed(p):
        with zipfile.ZipFile(p, 'w') as z: z.comment = b'an archive comment'; z.writestr('W1.npy', nb(M['W1']), zipfile.ZIP_STORED); z.writestr('sub/b1.npy', nb(M['b1']), zipfile.ZIP_DEFLATED)
    npz('mixed_comment_subdir', 'one stored, one deflated member, archive comment, member in a folder, no zip64', mixed)
    class Pipe(io.RawIOBase):
        def __init__(s): s.b = b''
        def writable(s): return True
        def write(s, d): s.b += bytes(d); return len(d)
        def seekable(s): return False
    def stream(p):
        q = Pipe()
        with zipfile.ZipFile(q, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('W1.npy', nb(M['W1'])); z.writestr('b1.npy', nb(M['b1']))
        open(p, 'wb').write(q.b)
    npz('data_descriptor', 'streamed archive: sizes are zero in the local headers and follow in data descriptors', stream)
    def prefix(p): mixed(p); b = open(p, 'rb').read(); open(p, 'wb').write(b)
    npz('empty_archive', 'no members', lambda p: zipfile.ZipFile(p, 'w').close())

# ---------------------------------------------------------------- IDX and CSV
def idx_bytes(code, dims, data): return bytes([0, 0, code, len(dims)]) + struct.pack('>' + 'I' * len(dims), *dims) + data
def idx(o, I):
    rs = np.random.RandomState(int(os.environ.get('GOLDEN_BASE', 0)) + 3)
    def put(name, code, dt, a, note, gz=None):
        b = idx_bytes(code, a.shape, a.astype(dt).tobytes())
        if gz == 'gz': bb = io.BytesIO(); g = gzip.GzipFile('inner-name', 'wb', 9, bb, mtime=0); g.write(b); g.close(); b = bb.getvalue()
        if gz == 'multi': b = gzip.compress(b[:20], mtime=0) + gzip.compress(b[20:], mtime=0)
        W(o, f'idx/{name}', b); I.append({'file': f'idx/{name}', 'format': 'idx' + ('.gz' if gz else ''), 'note': note, 'type_code': code, 'shape': list(a.shape), 'values': a.astype(dt).ravel().tolist()})
    im = rs.randint(0, 256, (6, 4, 5)).astype(np.uint8); lb = np.array([3, 1, 4, 1, 5, 9], np.uint8)
    put('images6-idx3-ubyte', 8, 'u1', im, '6 pictures 4x5'); put('labels6-idx1-ubyte', 8, 'u1', lb, '6 labels'); put('images6-idx3-ubyte.gz', 8, 'u1', im, 'same, gzip with a stored file name', 'gz'); put('labels6-idx1-ubyte.gz', 8, 'u1', lb, 'same, gzip', 'gz'); put('images6_multimember.gz', 8, 'u1', im, 'gzip of two concatenated members', 'multi')
    put('empty-idx3', 8, 'u1', np.zeros((0, 28, 28)), 'zero pictures'); put('i1', 9, 'i1', np.array([-128, 0, 127]), 'signed byte'); put('i2', 11, '>i2', np.array([[-2, 300]]), 'short, big-endian'); put('i4', 12, '>i4', np.array([-70000, 70000]), 'int'); put('f4', 13, '>f4', rs.randn(2, 3), 'float'); put('f8', 14, '>f8', rs.randn(2, 1, 2, 2), 'double, 4-d')
def csv(o, I):
    def put(name, text, note, labels, rows, header, enc_='utf-8', bom=b''):
        W(o, f'csv/{name}.csv', bom + text.encode(enc_)); I.append({'file': f'csv/{name}.csv', 'format': 'csv', 'note': note, 'has_header': header is not None, 'header': header, 'label_column': 0, 'labels': labels, 'rows': rows})
    H = ['label', 'p0', 'p1', 'p2']; L = [5, 0, 9]; R = [[0, 128, 255], [1, 2, 3], [0, 0, 0]]; T = 'label,p0,p1,p2\n5,0,128,255\n0,1,2,3\n9,0,0,0\n'
    put('plain', T, 'LF', L, R, H); put('crlf', T.replace('\n', '\r\n'), 'CRLF line ends', L, R, H); put('bom', T, 'UTF-8 byte order mark: must not become part of the first column name', L, R, H, bom=b'\xef\xbb\xbf'); put('bom_crlf_quoted', '"label","p0","p1","p2"\r\n"5","0","128","255"\r\n"0","1","2","3"\r\n"9","0","0","0"\r\n', 'BOM, CRLF, every cell quoted', L, R, H, bom=b'\xef\xbb\xbf')
    put('no_final_newline', T[:-1], 'last line not terminated', L, R, H); put('blank_lines_at_end', T + '\n\n', 'blank lines after the data', L, R, H); put('no_header', T.split('\n', 1)[1], 'no header line', L, R, None); put('quoted_header', '"label","a ""b""","c,d","e"\n5,0,128,255\n', 'header cells with an escaped quote and a comma', [5], [[0, 128, 255]], ['label', 'a "b"', 'c,d', 'e'])
    put('quoted_newline_header', '"label","first\nsecond",x,y\n5,0,128,255\n', 'line break inside a quoted header cell', [5], [[0, 128, 255]], ['label', 'first\nsecond', 'x', 'y']); put('floats', 'label,a,b,c\n1,0.5,-1.25e-3,+7\n2,.5,5.,1E2\n', 'decimal and exponent notation, leading plus, .5 and 5.', [1, 2], [[0.5, -0.00125, 7], [0.5, 5, 100]], ['label', 'a', 'b', 'c'])
    put('spaces', 'label, p0, p1, p2\n 5, 0, 128 ,255\n', 'blanks around cells', [5], [[0, 128, 255]], ['label', 'p0', 'p1', 'p2']); put('one_row', 'label,p0\n7,1\n', 'one sample, one feature', [7], [[1]], ['label', 'p0']); put('leading_zeros', 'label,p0\n07,001\n', 'leading zeros are decimal', [7], [[1]], ['label', 'p0'])
    rs = np.random.RandomState(int(os.environ.get('GOLDEN_BASE', 0)) + 4); y = rs.randint(0, 10, 20).tolist(); x = rs.randint(0, 256, (20, 784)).tolist()
    put('kaggle20', 'label,' + ','.join(f'pixel{i}' for i in range(784)) + '\n' + ''.join(','.join(map(str, [a] + b)) + '\n' for a, b in zip(y, x)), 'Kaggle digit layout, 20 rows of noise', y, x, ['label'] + [f'pixel{i}' for i in range(784)])

def main(out):
    entries = []
    safetensors(out, entries); npy(out, entries); idx(out, entries); csv(out, entries)
    dump(f'{out}/index.json', entries, indent=None)
    print(len(entries), 'valid files')

if __name__ == '__main__':
    main(sys.argv[1])
