"""The whole training: full net or teacher, small nets, selector, specialists, ONNX files."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from . import contexts as scenery
from . import groups as grouping
from . import nets
from .catalogue import Catalogue, samples
from .fit import Place, Recipe, fit, logits_of
from .frames import Frames
from .label import answers_of
from .losses import Distilled, Labels
from .pixels import Unreadable
from .plan import Plan, recipe
from .teacher import OnnxTeacher, PackTeacher, narrowed, narrowed_labels, taught_views
from .views import Augment, Views, epoch_order

MOST_GROUPS = 16  # specialists, unless more are requested
LABEL_ALONE = 10.0  # the logit of the label where the teacher has no answer
SLIGHT = 0.03  # shift, as a share of the side, that leaves a teacher's answer about an unchanged frame valid
WHITENING = 3000  # frames whose patches the full net's stem is fitted to


@dataclass(frozen=True)
class Task:
    """What to train: decoded frames by split, class names, the plan, the device."""

    name: str
    classes: list[str]
    frames: dict[str, Frames]
    size: tuple[int, int]
    plan: Plan
    flip: bool
    groups: int | None
    contexts: int
    specialist: int
    place: Place
    out: Path
    root: Path
    int8: bool = True  # small nets are quantised in the end
    teacher: Path | None = None  # a user's own model, or a pack of one


class Training:
    """One run of a Task; every step reuses the results of an interrupted run."""

    def __init__(self, task: Task):
        self.task, self.plan, self.place = task, task.plan, task.place
        frames = task.frames
        augment = Augment(self.plan.shift, self.plan.cutout, task.flip, self.plan.light)
        if self._unchanged():
            augment = slight(augment)
        self.train = Views(frames["train"], augment, self.place.seed, self.place.keep)
        self.val = Views(frames["val"], augment, self.place.seed)
        self.labels = frames["train"].labels
        self.catalogue = Catalogue(
            task.out, task.name, task.classes, task.size, self.place.seed, samples(frames["val"]), frames["val"].paths
        )

    def run(self) -> Catalogue:
        """Trains and exports everything, then writes nets.json."""
        if self._unchanged():
            self._by_pack(PackTeacher(self.task.teacher))
        else:
            teacher, key = self._full()
            self.taught = taught_views(teacher, key, self.train, self.plan.views, len(self.task.classes), self.place)
            self.taught_key = f"{key} {self.plan.views}"
        smalls = [
            self._distilled(f"small-{i:02d}", "small", notation, self.plan.small_frames)
            for i, notation in enumerate(self.plan.smalls)
        ]
        self._distilled("selector", "selector", self.plan.selector, self.plan.selector_frames)
        start = (*smalls[self.task.specialist], self.plan.smalls[self.task.specialist])
        self._specialists(*start)
        self._contexts(*start)
        if self.task.int8:
            self.catalogue.quantise(self.train.frames, self.val.frames, self.place.say)
        self.catalogue.write()
        return self.catalogue

    def _unchanged(self) -> bool:
        """Whether the teacher answers unchanged frames only: a box or a large shift could hide what it has seen."""
        return self.task.teacher is not None and self.task.teacher.is_dir()

    def _full(self):
        if self.task.teacher:
            teacher = OnnxTeacher(self.task.teacher, self.task.classes, self.task.size)
            self.catalogue.adopt("full.onnx", self.task.teacher, self._accuracy(teacher), teacher)
            return teacher, self._key(teacher.digest)
        notation, steps = self.plan.full, recipe(self.plan.full_frames, len(self.labels), self.plan.lr, self.plan.batch)
        key, net = self._key(notation, steps, "whitened"), self._fresh(notation)
        nets.whiten(net, self.train.plain(self._order(0)[:WHITENING]).cpu())
        net = self._fit("full", key, net, Labels(self.place.keep(self.labels)), self._order, steps)
        self.catalogue.add("full.onnx", "full", net, self._accuracy(net))
        return net, key

    def _by_pack(self, teacher: PackTeacher) -> None:
        """Runs the full model of a pack once on every unchanged image, at its own input size."""
        key, known = self._key(teacher.digest, "pack"), answers_of(self.task.root, teacher)
        told = {split: self._answers(teacher, known or {}, key, split) for split in ("val", "train")}
        if known is not None:  # what counts is agreement with it on each frame: the folder has one class for a whole sequence
            self.labels, key = told["train"].argmax(1), f"{key} by frame"
            self.val.frames = replace(self.val.frames, labels=told["val"].argmax(1))
        agreed = told["val"].argmax(1) == self.val.frames.labels
        self.catalogue.adopt_pack("full.onnx", teacher, agreed.float().mean().item())
        self.taught, self.taught_key = told["train"][None].half(), f"{key} {self.plan.views}"

    def _answers(self, teacher: PackTeacher, known: dict[str, np.ndarray], key: str, split: str) -> torch.Tensor:
        """Logits float32 [N,K] of the images of a split, those that are not known from teacher; kept in a file under key."""
        path = self.place.checkpoints / f"teacher-{key}" / f"{split}.npy"
        if not path.exists():
            frames = self.task.frames[split]
            logits = torch.zeros(len(frames), len(self.task.classes))
            asked = [i for i, image in enumerate(frames.paths) if image not in known]
            for i in set(range(len(frames))) - set(asked):
                logits[i] = torch.from_numpy(known[frames.paths[i]])
            rows = teacher.of_images([self.task.root / frames.paths[i] for i in asked]) if asked else ()
            for i, got in zip(asked, tqdm(rows, total=len(asked), desc=f"teacher {split}", unit="image", mininterval=1), strict=True):
                if isinstance(got, Unreadable):
                    self.place.say(f"warning: {frames.paths[i]} is trained on its folder's class only: {got}")
                    logits[i, frames.labels[i]] = LABEL_ALONE
                else:
                    logits[i] = got
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path.with_suffix(".partial.npy"), logits.numpy())
            path.with_suffix(".partial.npy").replace(path)
        return torch.from_numpy(np.load(path))

    def _distilled(self, name: str, role: str, notation: str, frames: int) -> tuple[nets.Net, str]:
        loss, steps = Distilled(self.place.keep(self.labels), self.place.keep(self.taught), plain=self._plain()), recipe(frames, len(self.labels), self.plan.distilled_lr, self.plan.batch)
        key = self._key(notation, steps, self.taught_key)
        net = self._fit(name, key, self._fresh(notation), loss, self._order, steps)
        self.catalogue.add(f"{name}.onnx", role, net, self._accuracy(net))
        return net, key

    def _plain(self) -> int:
        """The number of views, if the teacher has not seen them."""
        return self.plan.views if len(self.taught) == 1 else 0

    def _specialists(self, small: nets.Net, small_key: str, notation: str) -> None:
        probabilities = logits_of(small, self.val, self.place).softmax(1).numpy()
        confused = grouping.confusion(probabilities, self.val.frames.labels.numpy())
        present = sorted(set(self.labels.tolist()))  # of a teacher's many classes, those that occur in the frames
        count = self.task.groups or min(grouping.group_count(len(present)), MOST_GROUPS)
        for number, group in enumerate(grouping.divide(confused[np.ix_(present, present)], count)):
            group = [present[c] for c in group]
            own = torch.isin(self.labels, torch.tensor(group))
            self._specialist(f"specialists/{number:02d}.onnx", "specialist", group, own, specialised(small, notation, group), small_key)

    def _contexts(self, small: nets.Net, small_key: str, notation: str) -> None:
        """Trains a specialist for each context, on its frames and as many of others."""
        if not self.task.contexts:
            return
        shown = self.taught[0].float().softmax(1).numpy()
        found = scenery.contexts(shown, self.train.frames.paths, self.task.contexts, self.place.seed)
        for number, context in enumerate(found):
            if len(context.classes) == len(self.task.classes) or len(found) == 1:
                self.place.say(f"context {number} shows all there is: the small net is its specialist")
                continue
            own = torch.zeros(len(self.labels), dtype=torch.bool)
            own[torch.from_numpy(context.rows)] = True
            net = specialised(small, notation, context.classes)
            self._specialist(f"contexts/{number:02d}.onnx", "context", context.classes, own, net, small_key)

    def _specialist(self, file: str, role: str, group: list[int], own: torch.Tensor, net: nets.Net, small_key: str) -> None:
        classes = len(self.task.classes)
        labels = narrowed_labels(self.labels, group, classes)
        loss, order = Distilled(self.place.keep(labels), self.place.keep(narrowed(self.taught, group)), plain=self._plain()), self._mixed(own)
        # Fine-tuning a trained net needs half the rate.
        steps = recipe(self.plan.specialist_frames, len(order(0)), self.plan.distilled_lr / 2, self.plan.batch)
        key = self._key(small_key, group, hashlib.sha256(own.numpy().tobytes()).hexdigest(), steps)
        net = self._fit(f"{role}-{Path(file).stem}", key, net, loss, order, steps)
        expected = narrowed_labels(self.val.frames.labels, group, classes)
        right = logits_of(net, self.val, self.place).argmax(1) == expected
        self.catalogue.add(file, role, net, right.float().mean().item(), group)

    def _fit(self, name: str, key: str, net: nn.Module, loss, order, steps: Recipe) -> nn.Module:
        torch.manual_seed(self.place.seed)
        return fit(name, key, net, self.train, loss, order, steps, self.place)

    def _key(self, *parts) -> str:
        """Names a checkpoint by all its inputs, so that a changed setting never finds an outdated one."""
        everything = (self.train.frames.key, self.train.augment, self.place.seed, *parts)
        return hashlib.sha256(repr(everything).encode()).hexdigest()[:12]

    def _fresh(self, notation: str) -> nets.Net:
        torch.manual_seed(self.place.seed)
        return nets.build(notation, len(self.task.classes))

    def _order(self, epoch: int) -> torch.Tensor:
        return epoch_order(self.labels, self.place.seed, epoch)

    def _mixed(self, mine: torch.Tensor):
        """An epoch of a specialist: its own frames, and as many others, drawn again each time."""
        own, rest = mine.nonzero()[:, 0], (~mine).nonzero()[:, 0]

        def order(epoch: int) -> torch.Tensor:
            random = torch.Generator().manual_seed(self.place.seed * 1_000_003 + epoch)
            inside = own[epoch_order(self.labels[own], self.place.seed, epoch)]
            outside = rest[torch.randperm(len(rest), generator=random)[: len(own)]]
            rows = torch.cat([inside, outside])
            return rows[torch.randperm(len(rows), generator=random)]

        return order

    def _accuracy(self, net) -> float:
        right = logits_of(net, self.val, self.place).argmax(1) == self.val.frames.labels
        return right.float().mean().item()


def slight(augment: Augment) -> Augment:
    """The augmentation without what could hide or move out what a teacher has seen in the unchanged frame."""
    return replace(augment, shift=min(augment.shift, SLIGHT), cutout=0.0)


def specialised(small: nets.Net, notation: str, group: list[int]) -> nets.Net:
    """A copy of a trained small net with one output per class of the group, and one for all others."""
    net = nets.build(notation, len(group) + 1)
    net.body = copy.deepcopy(small.body)
    rest = [c for c in range(small.head.out_features) if c not in set(group)]
    with torch.no_grad():
        for ours, theirs in ((net.head.weight, small.head.weight), (net.head.bias, small.head.bias)):
            ours[:-1] = theirs[group]
            ours[-1] = theirs[rest].mean(0)
    return net
