"""Pictures: what preprocessing does to a picture, back again, and what it says of things that are no picture."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from minixai import exact
from minixai.zoo import pictures
from minixai.zoo.pictures import Pictures

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
KINDS = [
    Pictures(size=6, channels="L"),
    Pictures(size=6, channels="RGB", **IMAGENET),
    Pictures(size=6, channels="BGR", mean=(104, 117, 123), scale=1),
]


def photo(height, width, channels=3, seed=0):
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def test_every_pixel_is_scaled_then_centred_then_divided():
    x = Pictures(size=2, channels="L", mean=0.5, std=0.25).preprocess(np.array([[0, 51], [102, 255]], np.uint8))
    assert x.dtype == np.float32
    assert x.shape == (1, 2, 2)
    np.testing.assert_array_equal(x, np.float32([[[-2, -1.2], [-0.4, 2]]]))


def test_mean_and_std_follow_the_order_of_the_channels():
    pixel = np.uint8([[[10, 20, 30]]])
    bgr = Pictures(size=1, channels="BGR", mean=(104, 117, 123), std=(1, 2, 4), scale=1).preprocess(pixel)
    np.testing.assert_array_equal(bgr.ravel(), [30 - 104, (20 - 117) / 2, (10 - 123) / 4])
    rgb = Pictures(size=1, channels="RGB", mean=(1, 2, 3), scale=1).preprocess(pixel)
    np.testing.assert_array_equal(rgb.ravel(), [9, 18, 27])


@pytest.mark.parametrize(("height", "width", "rows", "columns"), [(2, 5, (0, 2), (1, 3)), (7, 2, (2, 4), (0, 2))])
def test_the_square_in_the_middle_is_cut_out(height, width, rows, columns):
    a = photo(height, width)
    cut = a[slice(*rows), slice(*columns)]
    np.testing.assert_array_equal(Pictures(size=2, scale=1).preprocess(a), cut.transpose(2, 0, 1))


def test_the_square_is_resized_by_pillow_bilinearly():
    a = photo(37, 61)
    expected = Image.fromarray(a[:, 12:49]).resize((16, 16), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(Pictures(size=16, scale=1).preprocess(a), np.asarray(expected).transpose(2, 0, 1))


@pytest.mark.parametrize(("height", "width"), [(37, 61), (61, 37), (20, 20), (9, 800), (300, 301)])
def test_or_the_whole_is_resized_before_the_square_is_cut_out(height, width):
    a = photo(height, width)
    sides = (20 * width // min(a.shape[:2]), 20 * height // min(a.shape[:2]))
    whole = np.asarray(Image.fromarray(a).resize(sides, Image.Resampling.BILINEAR))
    top, left = (round((side - 16) / 2) for side in whole.shape[:2])
    x = Pictures(size=16, scale=1, shorter=20).preprocess(a)
    np.testing.assert_array_equal(x, whole[top : top + 16, left : left + 16].transpose(2, 0, 1))


def test_the_whole_too_lies_on_white_where_it_is_transparent():
    a = photo(6, 9, channels=4)
    a[..., 3] = 0
    x = Pictures(size=4, scale=1, shorter=5).preprocess(a)
    np.testing.assert_array_equal(x, np.full((3, 4, 4), 255))


@pytest.mark.parametrize("sides", [(10, 1001), (1001, 10), (0, 5), (0, 0)])
def test_a_strip_is_not_resized_as_a_whole(sides):
    with pytest.raises(ValueError, match=f"has {sides[0]} x {sides[1]} pixels; expected one side at most 100 times"):
        Pictures(size=16, shorter=20).preprocess(Image.new("RGB", sides))
    assert Pictures(size=16, shorter=20).preprocess(Image.new("RGB", (1000, 10))).shape == (3, 16, 16)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.channels)
def test_a_path_a_pil_image_and_an_array_give_the_same(kind, tmp_path):
    a = photo(9, 12)
    Image.fromarray(a).save(tmp_path / "photo.png")
    x = kind.preprocess(a)
    assert len(np.unique(x)) > 20
    for picture in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(a)):
        np.testing.assert_array_equal(kind.preprocess(picture), x)


def test_grey_pictures_come_as_two_axes_or_three():
    a = photo(6, 6, channels=1)
    for kind in KINDS:
        np.testing.assert_array_equal(kind.preprocess(a[..., None]), kind.preprocess(a))
    x = Pictures(size=6, scale=1).preprocess(a)
    np.testing.assert_array_equal(x, np.stack([a, a, a]))


def test_colours_become_grey_as_pillow_has_it():
    a = photo(6, 6)
    np.testing.assert_array_equal(
        Pictures(size=6, channels="L", scale=1).preprocess(a)[0], np.asarray(Image.fromarray(a).convert("L"))
    )


def test_a_photograph_lying_on_its_side_is_turned_upright(tmp_path):
    a, exif = photo(6, 6), Image.Exif()
    exif[0x0112] = 6  # the top of the scene is at the right edge
    Image.fromarray(a).save(tmp_path / "sideways.png", exif=exif)
    x = Pictures(size=6, scale=1).preprocess(tmp_path / "sideways.png")
    np.testing.assert_array_equal(x, np.rot90(a, -1).transpose(2, 0, 1))


def test_what_is_transparent_lies_on_white():
    a = photo(6, 6, channels=4)
    a[..., 3] = 255
    a[0, 0] = (10, 20, 30, 0)
    x = Pictures(size=6, scale=1).preprocess(a)
    np.testing.assert_array_equal(x[:, 0, 0], [255, 255, 255])
    np.testing.assert_array_equal(x[:, 1:], a[1:, :, :3].transpose(2, 0, 1))


def test_a_palette_with_a_transparent_colour_lies_on_white_too(tmp_path):
    image = Image.new("P", (2, 2), 1)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "palette.png", transparency=0)
    x = Pictures(size=2, scale=1).preprocess(tmp_path / "palette.png")
    assert x[:, 0, 0].tolist() == [255, 255, 255]
    assert x[:, 1, 1].tolist() == [200, 100, 50]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.channels)
@pytest.mark.parametrize("arithmetic", [np.asarray, np.float64, exact], ids=["float32", "float64", "fractions"])
def test_there_and_back(kind, arithmetic):
    a = photo(6, 6, channels=1 if kind.channels == "L" else 3)
    back = kind.unpreprocess(arithmetic(kind.preprocess(a)))
    assert back.dtype == np.uint8
    assert back.flags.writeable
    np.testing.assert_array_equal(back, np.stack([a, a, a], axis=-1) if a.ndim == 2 else a)
    np.testing.assert_array_equal(kind.preprocess(back), kind.preprocess(a))


def test_back_to_a_picture_is_rounded_and_clipped():
    grey = Pictures(size=8, channels="L")
    back = grey.unpreprocess(np.array([[[-7.0, 0.1, 9.0]]]))
    assert back.tolist() == [[[0] * 3, [26] * 3, [255] * 3]]  # 0.1 x 255 = 25.5..., to the nearest


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.channels)
def test_black_and_the_box_are_what_black_and_white_pictures_become(kind):
    low, high = kind.box
    assert low.dtype == high.dtype == kind.black.dtype == np.float32
    assert low.shape == high.shape == kind.black.shape == (len(kind.mean), 1, 1)
    for value, bound in ((0, low), (0, kind.black), (255, high)):
        x = kind.preprocess(np.full((6, 6, 3), value, np.uint8))
        np.testing.assert_array_equal(x, np.broadcast_to(bound, x.shape))
    inside = kind.preprocess(photo(6, 6))
    assert ((low <= inside) & (inside <= high)).all()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.channels)
def test_inputs_and_pictures_lie_in_memory_in_the_usual_order(kind):
    x = kind.preprocess(photo(9, 9))
    assert x.flags.c_contiguous
    assert kind.unpreprocess(x).flags.c_contiguous


def test_two_records_of_the_same_numbers_are_equal():
    assert Pictures(size=8, mean=0.5) == Pictures(size=8, mean=(0.5, 0.5, 0.5)) != Pictures(size=8)


# What is no picture


def sentence(error):
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (np.zeros((4, 4, 3)), r"dtype float64; expected uint8"),
        (np.zeros((4, 4), bool), r"dtype bool; expected uint8"),
        (np.zeros((4, 4), np.uint16), r"dtype uint16; expected uint8"),
        (np.zeros(4, np.uint8), r"shape \(4,\); expected"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"shape \(2, 4, 4, 3\); expected"),
        (np.zeros((3, 8, 8), np.uint8), r"shape \(3, 8, 8\); expected .* the channels last"),
        (np.zeros((0, 8), np.uint8), r"shape \(0, 8\); expected"),
        (np.zeros((8, 8, 0), np.uint8), r"shape \(8, 8, 0\); expected"),
        ([[0, 1], [2, 3]], r"got a list as picture; expected a path"),
        (None, r"got a NoneType as picture"),
        (b"photo.png", r"got a bytes as picture"),
        (Image.new("I;16", (4, 4)), r"mode I;16; expected 8 bits"),
        (Image.new("F", (4, 4)), r"mode F; expected 8 bits"),
    ],
)
def test_what_is_not_a_picture_is_refused(picture, says):
    with pytest.raises(ValueError, match=says) as error:
        KINDS[1].preprocess(picture)
    sentence(error)


@pytest.mark.parametrize("name", ["nowhere.png", "no\0name.png", "x" * 5000])
def test_a_file_that_is_not_there(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file") as error:
        KINDS[0].preprocess(str(tmp_path / name))
    sentence(error)


def png(width, height):
    """The start of a PNG file that claims a size, and nothing after it."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 64)
    chunks = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (header, data, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "cannot be read"),
        (b"not a picture", "cannot be read"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
        (png(64, 64), "cannot be read"),  # too few pixels in it
        (png(20_000, 20_000), "cannot be read.*pixels"),  # beyond twice Pillow's limit: its error
        (png(10_000, 10_000), "cannot be read.*pixels"),  # beyond the limit: its warning
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\nshowpage\n", "cannot be read"),  # a program
    ],
)
def test_a_file_that_is_not_a_picture(content, says, tmp_path):
    (tmp_path / "photo.png").write_bytes(content)
    with pytest.raises(ValueError, match=says) as error:
        KINDS[0].preprocess(tmp_path / "photo.png")
    assert "photo.png" in sentence(error)


@pytest.mark.parametrize("kind", ["PCX", "TGA", "ICO"])
def test_a_format_that_is_not_listed_is_refused_though_pillow_reads_it(kind, tmp_path):
    Image.fromarray(photo(16, 16)).save(tmp_path / "photo", format=kind)
    with Image.open(tmp_path / "photo") as image:
        assert KINDS[1].preprocess(image).shape == (3, 6, 6)
    with pytest.raises(ValueError, match="cannot be read.*expected an undamaged picture: BMP"):
        KINDS[1].preprocess(tmp_path / "photo")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_a_file_cut_short(kind, tmp_path):
    path = tmp_path / "photo"
    Image.fromarray(photo(64, 64)).save(path, format=kind)
    assert KINDS[1].preprocess(path).shape == (3, 6, 6)
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(ValueError, match="cannot be read") as error:
        KINDS[1].preprocess(path)
    sentence(error)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow mentions what it skips
def test_whatever_a_decoder_raises_becomes_a_sentence(tmp_path):
    """Files with a byte changed here and there: they give a picture, or a ValueError."""
    rng, refused = np.random.default_rng(0), 0
    for kind in ("PNG", "GIF", "BMP", "TIFF", "PPM", "JPEG", "WEBP"):
        path = tmp_path / kind
        Image.fromarray(photo(16, 16)).save(path, format=kind)
        whole = path.read_bytes()
        for _ in range(40):
            content = bytearray(whole)
            for place in rng.integers(0, min(len(whole), 200), 3):
                content[place] = rng.integers(0, 256)
            path.write_bytes(content)
            try:
                assert KINDS[1].preprocess(path).shape == (3, 6, 6)
            except ValueError as error:
                assert "cannot be read" in str(error) or "expected 8 bits" in str(error)
                refused += 1
    assert refused > 50


def test_a_pil_image_of_a_file_cut_short(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(photo(64, 64)).save(path)
    path.write_bytes(path.read_bytes()[:400])
    with Image.open(path) as lazy, pytest.raises(ValueError, match="the picture cannot be read"):
        KINDS[1].preprocess(lazy)


def test_a_file_is_measured_before_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "MAX_BYTES", 1 << 20)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with open(tmp_path / "huge.png", "wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(ValueError, match="is not a file of at most 1 MB"):
        KINDS[0].preprocess(tmp_path / "huge.png")


@pytest.mark.parametrize("make", [getattr(os, name) for name in ("mkdir", "mkfifo") if hasattr(os, name)])
def test_what_is_no_file_is_not_opened(make, tmp_path):
    make(tmp_path / "thing")
    with pytest.raises(ValueError, match="is not a file"):
        KINDS[0].preprocess(tmp_path / "thing")


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.zeros((3, 8, 8)), r"shape \(3, 8, 8\).*expected .* \(1, H, W\)"),
        (np.zeros((8, 8)), r"shape \(8, 8\)"),
        (np.zeros((1, 1, 8, 8)), r"shape \(1, 1, 8, 8\)"),
        (np.zeros((1, 8, 8), np.uint8), "dtype uint8"),
        (np.full((1, 8, 8), np.nan), "NaN"),
        (np.full((1, 8, 8), np.inf), "infinite"),
    ],
)
def test_what_does_not_go_back(x, says):
    with pytest.raises(ValueError, match=says) as error:
        KINDS[0].unpreprocess(x)
    sentence(error)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"size": 0}, "size is 0"),
        ({"size": 8.0}, "size is 8.0"),
        ({"size": True}, "size is True"),
        ({"size": 8, "shorter": 7}, "shorter is 7; expected at least size, 8 pixels, or None"),
        ({"size": 8, "shorter": 8.0}, "shorter is 8.0"),
        ({"size": 8, "channels": "GRB"}, "channels is 'GRB'; expected one of RGB, BGR, L"),
        ({"size": 8, "mean": (1, 2)}, r"mean is \(1, 2\); expected one finite number, or one for each of RGB"),
        ({"size": 8, "mean": float("nan")}, "mean is nan"),
        ({"size": 8, "std": 0}, "expected positive numbers"),
        ({"size": 8, "std": (1, -1, 1)}, "expected positive numbers"),
        ({"size": 8, "scale": 0}, "expected positive numbers"),
        ({"size": 8, "scale": float("inf")}, "expected positive numbers"),
    ],
)
def test_a_record_that_makes_no_sense(fields, says):
    with pytest.raises(ValueError, match=says):
        Pictures(**fields)
