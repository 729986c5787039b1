"""The loops of ``compiled.py``, for Numba. They stand apart: small networks load neither them nor Numba."""

import numpy as np
from numba import njit

NOTHING = -(1 << 31)  # no winner yet


@njit(cache=True, nogil=True)
def patch(x, first, taps, stride, dilation, patches):
    """patches (C, taps, rows, W): the pixels of x (C, H, W) that every tap meets, for windows from row ``first`` on."""
    C, _, rows, across = patches.shape
    for c in range(C):
        for i in range(taps[0]):
            for j in range(taps[1]):
                for r in range(rows):
                    y, left = (first + r) * stride[0] + i * dilation[0], j * dilation[1]
                    for w in range(across):
                        patches[c, i * taps[1] + j, r, w] = x[c, y, left + w * stride[1]]


@njit(cache=True, nogil=True)
def paint(colours, first, taps, stride, dilation, Y):
    """The other way: Y (C, H, W) gets what every tap hands to its pixels."""
    C, _, rows, across = colours.shape
    for c in range(C):
        for i in range(taps[0]):
            for j in range(taps[1]):
                for r in range(rows):
                    y, left = (first + r) * stride[0] + i * dilation[0], j * dilation[1]
                    for w in range(across):
                        Y[c, y, left + w * stride[1]] += colours[c, i * taps[1] + j, r, w]


@njit(cache=True, nogil=True)
def tile(X, start, down, top, left, V, lines):
    """V (16, C, rows, across) = B^T d B: for rows of tiles from ``start`` on, ``down`` of them to a picture."""
    _, C, height, width = X.shape
    _, _, rows, across = V.shape
    low, high = max(0, left), min(2 * across + 2, width + left)
    x = X[:, :, :, low - left : high - left]  # a view in the loops would cost more than the arithmetic
    even, odd = np.empty(across + 1, X.dtype), np.empty(across + 1, X.dtype)
    lines[:] = 0
    for c in range(C):
        for r in range(rows):
            combine_rows(x, (start + r) // down, c, 2 * ((start + r) % down) - top, low, lines)
            combine_columns(lines, even, odd, V, c, r)


@njit(cache=True, nogil=True)
def combine_rows(x, n, c, y, low, lines):
    """d_0 - d_2, d_1 + d_2, d_2 - d_1, d_1 - d_3, of four rows of pixels; those beyond the picture are zeros."""
    height, width = x.shape[2:]
    if y >= 0 and y + 3 < height:
        for k in range(width):
            d0, d1, d2, d3 = x[n, c, y, k], x[n, c, y + 1, k], x[n, c, y + 2, k], x[n, c, y + 3, k]
            lines[0, low + k] = d0 - d2
            lines[1, low + k] = d1 + d2
            lines[2, low + k] = d2 - d1
            lines[3, low + k] = d1 - d3
    else:
        for k in range(width):
            d0 = x[n, c, y, k] if 0 <= y < height else 0
            d1 = x[n, c, y + 1, k] if 0 <= y + 1 < height else 0
            d2 = x[n, c, y + 2, k] if 0 <= y + 2 < height else 0
            d3 = x[n, c, y + 3, k] if 0 <= y + 3 < height else 0
            lines[0, low + k], lines[1, low + k] = d0 - d2, d1 + d2
            lines[2, low + k], lines[3, low + k] = d2 - d1, d1 - d3


@njit(cache=True, nogil=True)
def combine_columns(lines, even, odd, V, c, r):
    """The same of the columns of every tile, which lie two pixels apart."""
    across = V.shape[3]
    for i in range(4):
        for t in range(across + 1):
            even[t], odd[t] = lines[i, 2 * t], lines[i, 2 * t + 1]
        for t in range(across):
            V[4 * i, c, r, t] = even[t] - even[t + 1]
        for t in range(across):
            V[4 * i + 1, c, r, t] = odd[t] + even[t + 1]
        for t in range(across):
            V[4 * i + 2, c, r, t] = even[t + 1] - odd[t]
        for t in range(across):
            V[4 * i + 3, c, r, t] = odd[t] - odd[t + 1]


@njit(cache=True, nogil=True)
def untile(M, bias, start, down, O, lines):
    """O = A^T M A + bias, for the rows of tiles that ``tile`` made."""
    _, K, height, width = O.shape
    _, _, rows, across = M.shape
    for k in range(K):
        b = bias[k]
        for r in range(rows):
            o, y = O[(start + r) // down, k], 2 * ((start + r) % down)
            for j in range(min(2, height - y)):  # m_0 + m_1 + m_2, m_1 - m_2 - m_3: first the rows, then the columns
                for t in range(across):
                    if j == 0:
                        m0 = M[0, k, r, t] + M[4, k, r, t] + M[8, k, r, t]
                        m1 = M[1, k, r, t] + M[5, k, r, t] + M[9, k, r, t]
                        m2 = M[2, k, r, t] + M[6, k, r, t] + M[10, k, r, t]
                        m3 = M[3, k, r, t] + M[7, k, r, t] + M[11, k, r, t]
                    else:
                        m0 = M[4, k, r, t] - M[8, k, r, t] - M[12, k, r, t]
                        m1 = M[5, k, r, t] - M[9, k, r, t] - M[13, k, r, t]
                        m2 = M[6, k, r, t] - M[10, k, r, t] - M[14, k, r, t]
                        m3 = M[7, k, r, t] - M[11, k, r, t] - M[15, k, r, t]
                    lines[0, 2 * t], lines[0, 2 * t + 1] = m0 + m1 + m2 + b, m1 - m2 - m3 + b
                for t in range(width):
                    o[y + j, t] = lines[0, t]


@njit(cache=True, nogil=True)
def gated(R, gate, positive, out):
    zero = R.dtype.type(0)
    for s in range(len(R)):
        for i in range(len(gate)):
            r = R[s, i]
            out[s, i] = r if gate[i] & ((r > 0) | (not positive)) else zero


@njit(cache=True, nogil=True)
def winners(x, kernel, stride, before, dilation, switches):
    planes, depth, height, width = x.shape
    _, D, H, W = switches.shape
    line, best, which = np.empty(W, x.dtype), np.empty(W, x.dtype), np.empty(W, np.int32)
    for p in range(planes):
        for d in range(D):
            for h in range(H):
                which[:] = NOTHING
                for i in range(kernel[0]):
                    a = d * stride[0] - before[0] + i * dilation[0]
                    for j in range(kernel[1]):
                        b = h * stride[1] - before[1] + j * dilation[1]
                        for k in range(kernel[2]):
                            c = k * dilation[2] - before[2]  # under the first window; which windows have it inside?
                            low, high = max(0, -(c // stride[2])), min(W, (width - 1 - c) // stride[2] + 1)
                            if 0 <= a < depth and 0 <= b < height and low < high:
                                fetch(x, p, a, b, c + low * stride[2], stride[2], line[: high - low])
                                place = np.int32((a * height + b) * width + c)
                                compare(line[: high - low], place, best[low:high], which[low:high])
                for w in range(W):
                    switches[p, d, h, w] = which[w] + w * stride[2] if which[w] > NOTHING else -1


@njit(cache=True, nogil=True)
def fetch(x, p, a, b, c, step, line):
    for w in range(len(line)):
        line[w] = x[p, a, b, c + w * step]


@njit(cache=True, nogil=True)
def compare(line, place, best, which):
    for w in range(len(line)):
        value, old, held = line[w], best[w], which[w]
        if (held == NOTHING) | (value > old):
            best[w] = value
            which[w] = place


@njit(cache=True, nogil=True)
def take(x, switches, out):
    for p in range(len(x)):
        for q in range(switches.shape[1]):
            out[p, q] = x[p, switches[p, q]]


@njit(cache=True, nogil=True)
def unpool(R, switches, plane):
    for p in range(R.shape[0]):
        for q in range(R.shape[1]):
            plane[p, switches[p, q]] += R[p, q]
