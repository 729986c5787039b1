"""The look of every figure: one style file and the colours, chosen so that print and colour-blind readers lose nothing.

Signed maps go from blue over white, always 0, to red; unsigned ones from black, which is 0, through to pale yellow.
Sign is said twice: by the colour, and by solid and dashed lines or by hatching.
"""

from contextlib import AbstractContextManager

from minixai import files

STYLE = files.PACKAGE / "draw" / "minixai.mplstyle"
SIGNED, UNSIGNED = "RdBu_r", "magma"
FOR, AGAINST, QUIET = "#b2182b", "#2166ac", "0.35"  # the first two as in RdBu_r; small print and frames
TINT = 0.6  # how much of the colour of a pixel is the heat map, the rest is the picture
TINTS = {"conv": "#cfe2f3", "linear": "#d9ead3", "relu": "#fce5cd", "pool": "#fff2cc"}  # kinds of layers, named too


def styled() -> AbstractContextManager:
    """Our style over Matplotlib's defaults, for as long as something is drawn."""
    from matplotlib import style

    return style.context(str(STYLE), after_reset=True)
