from fractions import Fraction as F

NUMBERS = {
    "min.score": 6, "min.occlusion": [6, 6], "min.nudge": [0, 1], "min.gradient": [0, 1], "min.deconvnet": [1, 0],
    "min.guided": [1, 0], "min.gradient_x_input": [0, 6], "min.ig": [0, 6], "min.lrp0": [0, 6],
    "min.lrp_eps1": [F(72, 77), F(144, 35)], "min.gamma_quarter": [F(750, 221), F(576, 221)],
    "min.gamma1": [F(75, 14), F(9, 14)], "min.zplus": [6, 0], "min.alpha2beta1": [12, 6], "min.rescale": [0, 6],
    "min.revealcancel": [3, 3], "min2.gradient": [0, 1], "min2.deconvnet": [0, 1], "min2.guided": [0, 1],
    "min2.zplus": [0, 6], "min2.lrp0": [0, 6], "min2.rescale": [0, 6], "min2.revealcancel": [3, 3],
    "pocket.y1": [[4, -1], [2, 6]], "pocket.y2": [[0, 2], [2, 0]], "pocket.score_a": 2, "pocket.score_b": 1,
    "pocket.gradient4_a": [[1, 3, 0], [2, 1, 1], [-1, -2, -1]],
    "pocket.deconvnet4_a": [[1, 3, 2], [1, 2, 1], [0, -1, -1]],
    "pocket.guided4_a": [[1, 2, 0], [1, 2, 2], [0, -1, -1]],
    "pocket.gradient4_b": [[0, -1, 0], [-1, 1, 1], [1, 1, 0]],
    "pocket.guided4_b": [[0, -1, 0], [-1, 1, 1], [1, 1, 0]],
    "pocket.lrp0_a": [[F(1, 4), F(3, 2), 0], [0, F(1, 4), F(3, 4)], [F(-1, 2), 0, F(-1, 4)]],
}  # fmt: skip
