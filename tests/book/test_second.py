"""A second opinion in the chapters: with PyTorch, and without."""

import pytest

import minixai as mx
from minixai import book
from minixai.book import second
from minixai.zoo import digits

DIGIT = "digits"


def test_a_badge_is_read_from_the_record():
    (line, *_) = book.badge(DIGIT).lines
    assert line.startswith("Engine and PyTorch agree on digits: 16 methods, at most ")
    with pytest.raises(ValueError, match="no comparison of 'dragons' is on record; minixai crosscheck"):
        book.badge("dragons")


def test_pytorch_is_asked():
    net = mx.load(DIGIT).astype("float64")
    said = book.second_opinion(net, digits.samples().x[0].astype(float), ["gradient", "lrp-gamma"])
    assert [line.split()[0] for line in said.lines] == ["gradient", "lrp-gamma", "The"]
    assert said.lines[-1] == "The engines agree." and "agree" in said._repr_html_()


def test_without_pytorch_the_chapter_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(second, "find_spec", lambda name: None)
    assert book.torch_or_say() is None
    assert "PyTorch is not installed here" in capsys.readouterr().out
    net = mx.load(DIGIT)
    said = repr(book.second_opinion(net, net.black, ["gradient"]))
    assert "PyTorch is not installed here" in said and "Engine and PyTorch agree" in said
