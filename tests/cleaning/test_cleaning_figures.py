import numpy as np
from PIL import Image

from skinkeras.cleaning.figures import contact_sheet, loss_histogram


def test_losses_of_any_size_are_drawn(tmp_path):
    losses = {"benign": np.array([0.0, 1e-9, 0.2, 16.1]), "malignant": np.array([0.0])}
    loss_histogram(losses, [0.2, 3.0], tmp_path / "losses.png", "Round 1")
    assert Image.open(tmp_path / "losses.png").width > 500


def test_a_contact_sheet_shows_its_images_in_order(tmp_path):
    colours = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], *[[90, 90, 90]] * 4], np.uint8)
    images = np.broadcast_to(colours[:, None, None], (7, 20, 20, 3))
    contact_sheet(images, [str(n) for n in range(7)], tmp_path / "sheet.png", "Seven")
    sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB")).astype(int)
    places = [np.argwhere((sheet == colour).all(axis=-1)).mean(axis=0) for colour in colours[:3]]
    assert places[0][1] < places[1][1] < places[2][1]
    rows, _ = np.nonzero((sheet == colours[3]).all(axis=-1))
    assert rows.max() > places[0][0] + 100  # the seventh begins a second row
