"""The thousand classes of ImageNet (ILSVRC 2012), by name; the number of a class is its line, from 0."""

from minixai import files

FILE = "imagenet_classes.txt"
COUNT = 1000


def classes() -> tuple[str, ...]:
    """The names in the order of the scores, all different. Raises ValueError if data/ holds another list."""
    path = files.root("data") / FILE
    names = tuple(path.read_text(encoding="utf-8").splitlines())
    if len(names) != COUNT or len({name.strip().casefold() for name in names} - {""}) != COUNT:
        raise ValueError(f"{path} has {len(names)} lines; expected {COUNT} different names: restore it")
    return names
