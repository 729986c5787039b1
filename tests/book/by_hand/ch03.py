NUMBERS = {
    "forward.window": [[1, 3], [0, 1]], "forward.products": [[1, 6], [0, -1]], "forward.six": 6,
    "forward.r1": [[4, 0], [2, 6]], "forward.r2": [[0, 2], [2, 0]],
    "forward.max": [6, 2], "forward.max_scores": [4, 2], "forward.mean": [3, 1], "forward.mean_scores": [2, 1],
    "forward.turned": [[0, 3], [4, 0]],
}  # fmt: skip

EXERCISES = {
    "conv2d": {
        "": [[5, 0], [3, 7]], "filter turned": [[1, 4], [5, 1]], "filter transposed": [[1, 2], [5, 1]],
        "answer transposed": [[5, 3], [0, 7]], "bias left out": [[4, -1], [2, 6]],
        "bias once per tap": [[8, 3], [6, 10]],
        "windows side by side": [[5]], "negatives cut off": [[5, 0], [3, 7]],
    },
    "switches": {
        "": [[1, 6]], "last winner of a tie": [[4, 6]], "counted inside the window": [[1, 2]],
        "what won, not where": [[3, 5]], "windows overlap": [[1, 6, 6]], "counted column by column": [[2, 5]],
        "counted from 1": [[2, 7]],
    },
    "output_size": {
        "": 4, "rounded up": 5, "forgot the first": 3, "stride ignored": 8, "padding forgotten": 3,
        "padded at one end": 4,
    },
}  # fmt: skip
