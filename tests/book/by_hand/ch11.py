from fractions import Fraction as F

NUMBERS = {
    "root.z": 2, "root.lrp0": [3, -1], "root.lrp0_at": [0, 0], "root.eps": [2, F(-2, 3)],
    "root.eps_at": [1, F(1, 3)], "root.eps_left": F(2, 3), "root.gamma": [F(12, 5), F(-2, 5)],
    "root.gamma_at": [F(3, 5), F(3, 5)], "root.zplus": [2, 0], "root.zplus_at": [1, 1], "root.wsquare": [1, 1],
    "root.wsquare_at": [2, 2], "root.box": [F(6, 5), F(4, 5)], "root.box_at": [F(9, 5), F(9, 5)],
    "root.alphabeta": [4, -2], "root.alphabeta_at": [-1, -1], "root.printed_at": [F(1, 3), F(1, 3)],
    "root.printed": [F(8, 3), F(-2, 3)], "root.zplus_silenced": [0, 1],
    "newroot.z": 3, "newroot.zplus_at": [F(1, 2), 1], "newroot.zplus": [3, 0], "newroot.silenced": [0, 1],
    "newroot.wsquare_at": [F(4, 5), F(8, 5)],
}  # fmt: skip

EXERCISES = {
    "share_from_root": {
        "": [1, F(-1, 2)], "root ignored": [3, -1], "what the root says": [2, F(-1, 2)],
        "root minus a": [-1, F(1, 2)], "magnitudes": [1, F(1, 2)], "weights forgotten": [1, F(1, 2)],
        "slopes only": [1, -1], "parts of one": [2, -1], "r forgotten": [1, F(-1, 2)], "normalised to R": [4, -2],
        "left-over spread evenly": [F(7, 4), F(1, 4)],
    },
    "root_for": {
        "": [1, F(1, 3)], "printed scalar": [F(1, 3), F(1, 3)], "eps over z": [F(3, 2), F(1, 2)],
        "eps forgotten": [0, 0], "every input moved": [1, F(1, 3)], "the others moved": [1, F(1, 3)],
        "set to 0": [1, F(1, 3)], "w below, not w^2": [1, F(1, 3)], "along w^2": [1, F(1, 3)],
        "cut off at 0": [1, F(1, 3)],
        "half-way": [2, F(2, 3)], "the step, not the point": [2, F(2, 3)],
        "the shares, not the point": [2, F(-2, 3)],
    },
}  # fmt: skip
