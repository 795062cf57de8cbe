"""Training resumes where it was interrupted, and learns; views are a function of their number."""

import pytest
import torch

from cachenet_train import nets
from cachenet_train.fit import Place, Recipe, fit, logits_of
from cachenet_train.frames import Frames
from cachenet_train.losses import Distilled, Labels
from cachenet_train.views import Augment, Views, epoch_order


@pytest.fixture
def views():
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(64) % 2
    pixels = torch.randint(0, 120, (64, 24, 20, 3), generator=random, dtype=torch.uint8)
    pixels[labels == 1] += 100
    return Views(Frames(pixels, labels, [str(i) for i in range(64)], "key"), Augment(flip=True, light=0.1), seed=5)


def place(folder):
    return Place(torch.device("cpu"), False, 1, folder, lambda line: None)


def run(views, folder, epochs=4, order=None):
    torch.manual_seed(0)
    order = order or (lambda epoch: epoch_order(views.frames.labels, 1, epoch))
    return fit("net", "k", nets.build("8/2 16/2", 2), views, Labels(views.frames.labels), order, Recipe(epochs), place(folder))


def test_learns(views, tmp_path):
    net = run(views, tmp_path, epochs=8)
    answers = logits_of(net, views, place(tmp_path)).argmax(1)
    assert (answers == views.frames.labels).float().mean() == 1


def test_interrupted_training_ends_with_the_same_weights(views, tmp_path):
    (tmp_path / "whole").mkdir(), (tmp_path / "cut").mkdir()
    whole = run(views, tmp_path / "whole")

    calls = []

    def interrupted(epoch):
        calls.append(epoch)
        if epoch == 2:
            raise KeyboardInterrupt
        return epoch_order(views.frames.labels, 1, epoch)

    with pytest.raises(KeyboardInterrupt):
        run(views, tmp_path / "cut", order=interrupted)
    resumed = run(views, tmp_path / "cut")
    for ours, theirs in zip(resumed.state_dict().values(), whole.state_dict().values(), strict=True):
        assert torch.equal(ours, theirs)


def test_finished_net_is_read_back(views, tmp_path):
    first = run(views, tmp_path)

    def never(epoch):
        raise AssertionError("trained again")

    again = run(views, tmp_path, order=never)
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), first.state_dict().values(), strict=True))


def test_view_depends_on_its_number_and_image_alone(views):
    rows = torch.tensor([7, 3, 9])
    again = Views(views.frames, views.augment, views.seed)
    views.view(1, rows)
    assert torch.equal(views.view(4, rows), again.view(4, rows))
    assert torch.equal(views.view(4, rows)[1:2], again.view(4, rows[1:2]))
    assert not torch.equal(views.view(4, rows), views.view(5, rows))


def test_views_are_drawn_where_the_frames_are_kept(views):
    asked = []

    def keep(tensor):
        asked.append(tensor)
        return tensor.clone()

    kept, rows = Views(views.frames, views.augment, views.seed, keep), torch.tensor([7, 3, 9])
    assert len(asked) == 1 and asked[0] is views.frames.pixels
    assert torch.equal(kept.view(4, rows), views.view(4, rows)) and torch.equal(kept.plain(rows), views.plain(rows))


def test_a_cpu_keeps_tensors_where_they_are(views, tmp_path):
    assert place(tmp_path).keep(views.frames.pixels) is views.frames.pixels


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same_views(views, tmp_path):
    gpu, rows = Place(torch.device("cuda"), False, 1, tmp_path), torch.tensor([7, 3, 9])
    kept = Views(views.frames, views.augment, views.seed, gpu.keep)
    assert kept.view(4, rows).is_cuda
    assert (kept.view(4, rows).cpu().int() - views.view(4, rows).int()).abs().max() <= 1  # brightness may round otherwise


def test_every_image_is_seen_from_both_sides_in_two_views(views):
    turning = Views(views.frames, Augment(shift=0, cutout=0, flip=True, light=0), seed=1)
    rows = torch.arange(10)
    for first, second in zip(turning.view(2, rows), turning.view(3, rows)):
        assert torch.equal(first, second.flip(1))


def test_view_without_augmentation_is_the_frame(views):
    still = Views(views.frames, Augment(shift=0, cutout=0, flip=False, light=0), seed=1)
    rows = torch.arange(10)
    assert torch.equal(still.view(3, rows), still.plain(rows))


def test_uneven_classes_are_drawn_by_the_root_of_their_size():
    labels = torch.tensor([0] * 1500 + [1] * 100)
    drawn = labels[epoch_order(labels, 1, 0)]
    share = (drawn == 1).float().mean().item()
    expected = 100**0.5 / (100**0.5 + 1500**0.5)
    assert abs(share - expected) < 0.04
    even = torch.arange(100) % 4
    assert torch.equal(epoch_order(even, 1, 0).sort()[0], torch.arange(100))


def test_distillation_is_least_at_the_teachers_logits():
    teacher = torch.tensor([[[2.0, -1.0, 0.5], [0.0, 3.0, 1.0]]])
    loss = Distilled(torch.tensor([0, 1]), teacher, share=1.0)
    rows = torch.tensor([0, 1])
    best = loss(teacher[0], 0, rows)
    for wrong in (teacher[0] + torch.tensor([0.5, 0.0, 0.0]), torch.zeros(2, 3)):
        assert loss(wrong, 0, rows) > best
