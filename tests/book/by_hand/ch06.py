NUMBERS = {
    "gates.gradient": [[2, 0, -1], [0, -2, 0], [0, 0, 5]], "gates.deconvnet": [[2, 3, 0], [1, 0, 4], [0, 0, 5]],
    "gates.guided": [[2, 0, 0], [0, 0, 0], [0, 0, 5]],
}  # fmt: skip

EXERCISES = {
    "relu_backward": {
        "": [[2, 0, -1], [0, -2, 0], [0, 0, 5]],
        "gradient looks at the arriving signal": [[2, 3, 0], [1, 0, 4], [0, 0, 5]],
        "y = 0 lets through": [[2, 0, -1], [1, -2, 0], [0, 0, 5]],
    },
    "walk_two_layers": {
        "": [1, 0], "rectified only the finished map": [0, 1], "the gradient, whatever was asked": [0, 1],
        "signs of the weights dropped": [2, 1], "times the input": [10, 0],
    },
}  # fmt: skip
