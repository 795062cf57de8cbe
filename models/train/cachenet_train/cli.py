"""The command line: `python -m cachenet_train train DATA --out NETS`; `label` and `stability` for frames without labels, `quantise` for nets that are trained."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from . import __version__, folder, frames, nets
from .catalogue import Catalogue, nets_of, samples
from .export import ExportError
from .fit import Place, peak_memory_mb
from .folder import DataError
from .label import label
from .plan import PRESETS, faded, quick, scaled
from .stability import stability, table
from .teacher import OnnxTeacher, PackTeacher
from .train import Task, Training

EXAMPLE = """example:
  python -m cachenet_train train photos --out nets --preset scenes --quick
  where photos/train/<class>/<sequence>_<frame>.jpg are the images; photos/val and photos/test are optional
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0, 1 (cannot be done), 2 (wrong usage), 130 (interrupted)."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options)
    except (DataError, ExportError, OSError) as err:
        print(f"cachenet_train: {err}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cachenet_train: interrupted: run the same command again to resume from the last complete epoch", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("cachenet_train", description=__import__(__package__).__doc__)
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_train(commands, raw)
    sort = commands.add_parser("label", help="sort frames into an image folder by your own classifier's answers")
    _add_teacher(sort)
    sort.add_argument("--out", type=Path, required=True, metavar="DATA", help="image folder to write")
    sort.add_argument("--split", choices=("train", "val", "test"), default="train", help="part of DATA to write (default: train)")
    sort.set_defaults(run=_label)
    steady = commands.add_parser("stability", help="how often your own classifier repeats its answer after invisible changes of a frame")
    _add_teacher(steady)
    steady.add_argument("--most", type=int, default=1000, metavar="N", help="frames to ask about, evenly spaced (default: 1000)")
    steady.set_defaults(run=_stability)
    small = commands.add_parser("quantise", help="write the small nets of a training or a pack again with int8 weights, for `cachenet pack build`")
    small.add_argument("source", type=Path, metavar="NETS", help="what training wrote, or a pack")
    small.add_argument("--data", type=Path, required=True, metavar="DATA", help="image folder with train/, to calibrate on, and val/, to check on")
    small.add_argument("--out", type=Path, required=True, metavar="OUT", help="folder to write all nets to")
    small.set_defaults(run=_quantise)
    return parser


def _add_teacher(command) -> None:
    command.add_argument("frames", type=Path, metavar="FRAMES", help="folder of images <sequence>_<frame>.jpg")
    command.add_argument("--teacher", type=Path, required=True, metavar="MODEL", help="your own classifier: a pack made by `cachenet pack import`, or an ONNX file")
    command.add_argument("--classes", type=Path, metavar="FILE", help="its classes in order, one per line")
    command.add_argument("--size", type=_size, default=(32, 32), metavar="WxH", help="input size of an ONNX file (default: 32)")


def _add_train(commands, raw) -> None:
    train = commands.add_parser("train", help="train all nets of a pack", epilog=EXAMPLE, formatter_class=raw)
    train.add_argument("data", type=Path, metavar="DATA", help="image folder with train/, optionally val/ and test/")
    train.add_argument("--out", type=Path, required=True, metavar="NETS", help="folder to write nets to")
    train.add_argument("--name", help="name of the nets (default: that of DATA)")
    train.add_argument("--preset", choices=sorted(PRESETS), default="scenes", help="net sizes (default: scenes)")
    train.add_argument("--teacher", type=Path, metavar="MODEL", help="your own classifier instead of a full net: a pack made by `cachenet pack import`, or an ONNX file")
    train.add_argument("--quick", action="store_true", help="short training: minutes on two cores")
    train.add_argument("--effort", type=float, default=1.0, metavar="X", help="scale every training budget by X (default: 1)")
    train.add_argument("--augment", type=float, default=1.0, metavar="X", help="scale shifts, boxes and changes of light by X; 0: none, for many frames that a teacher answered unchanged (default: 1)")
    train.add_argument("--flip", action="store_true", help="mirrored images have the same class")
    train.add_argument("--size", type=_size, default=(32, 32), metavar="WxH", help="input size (default: 32)")
    train.add_argument("--groups", type=int, metavar="N", help="specialists (default: classes/8, at least 2)")
    train.add_argument("--contexts", type=int, default=0, metavar="N", help="also train N specialists for groups of frames that show the same and come from the same cameras (default: none)")
    train.add_argument("--specialist-size", type=int, default=1, metavar="I", help="small net to start them from (1)")
    train.add_argument("--full", type=_net, metavar="NET", help="full net in the notation of nets.py")
    train.add_argument("--small", type=_net, action="append", metavar="NET", help="small net; repeat for several")
    train.add_argument("--selector", type=_net, metavar="NET", help="selector net")
    train.add_argument("--float32", action="store_true", help="small nets keep float32 weights (default: int8, where that costs at most a point of accuracy)")
    train.add_argument("--val-share", type=float, default=0.1, metavar="P", help="share of sequences held out (0.1)")
    train.add_argument("--seed", type=int, default=1, help="random seed (default: 1)")
    train.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: one per core; use fewer on a busy machine)")
    train.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: auto)")
    train.set_defaults(run=_train)


def _train(options: argparse.Namespace) -> int:
    started = time.monotonic()
    _check(options)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = _device(options.device)
    classes = PackTeacher(options.teacher).classes if options.teacher and options.teacher.is_dir() else None
    data = folder.scan(options.data, options.val_share, options.seed, classes)
    for warning in data.warnings:
        _say(f"warning: {warning}")
    checkpoints = options.out / ".checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    decoded = {
        split: frames.load(data.root, split, data.splits[split], options.size, checkpoints / "frames", _say)
        for split in ("train", "val", "test") if data.splits.get(split)
    }
    task = _task(options, data, decoded, Place(device, _bf16(device), options.seed, checkpoints, _say))
    _say(f"{len(data.classes)} classes, {', '.join(f'{len(f)} {s}' for s, f in decoded.items())} images on {device}")
    catalogue = Training(task).run()
    print(catalogue.table())
    _say(f"wrote {options.out} in {time.monotonic() - started:.0f} s, peak memory {peak_memory_mb()} MB")
    return 0


def _quantise(options: argparse.Namespace) -> int:
    if options.out.resolve() == options.source.resolve():
        raise DataError(f"--out {options.out}: choose another folder than that of the nets")
    listed = nets_of(options.source)
    data = folder.scan(options.data, 0.1, listed.get("seed", 0), listed["classes"])
    size = (listed["input"]["width"], listed["input"]["height"])
    cache = options.out / ".checkpoints" / "frames"
    if held := set(listed["split"]["val"]):
        images = [*data.splits["train"], *data.splits["val"]]
        data.splits.update({"train": [i for i in images if i.path not in held], "val": [i for i in images if i.path in held]})
    decoded = {split: frames.load(data.root, split, data.splits[split], size, cache, _say) for split in ("train", "val")}
    catalogue = Catalogue.copied(options.source, options.out, listed, samples(decoded["val"]))
    catalogue.quantise(decoded["train"], decoded["val"], _say)
    catalogue.write()
    print(catalogue.table())
    return 0


def _label(options: argparse.Namespace) -> int:
    counts = label(options.frames, options.out, _teacher(options), _say, options.split)
    for name, count in sorted(counts.items()):
        print(f"{name}\t{count}")
    return 0


def _stability(options: argparse.Namespace) -> int:
    if options.most < 1:
        raise DataError(f"--most {options.most}: give at least 1")
    print(table(stability(options.frames, _teacher(options), options.most)))
    return 0


def _teacher(options: argparse.Namespace) -> OnnxTeacher | PackTeacher:
    if not options.frames.is_dir():
        raise DataError(f"read frames: {options.frames} is not a folder: give a folder of images")
    if options.teacher.is_dir():
        return PackTeacher(options.teacher)
    names = options.classes.read_text("utf-8-sig").split("\n") if options.classes else None
    names = [name.strip() for name in names if name.strip()] if names else None
    return OnnxTeacher(options.teacher, names, options.size)


def _task(options, data: folder.Folder, decoded, place: Place) -> Task:
    plan = PRESETS[options.preset]
    given = {"full": options.full, "smalls": tuple(options.small or ()), "selector": options.selector}
    plan = replace(plan, **{key: value for key, value in given.items() if value})
    plan = faded(scaled(quick(plan) if options.quick else plan, options.effort), options.augment)
    if options.specialist_size >= len(plan.smalls):
        raise DataError(f"--specialist-size {options.specialist_size}: there are {len(plan.smalls)} small nets")
    return Task(
        name=options.name or options.data.resolve().name,
        classes=data.classes,
        frames=decoded,
        size=options.size,
        plan=plan,
        flip=options.flip,
        groups=options.groups,
        contexts=options.contexts,
        specialist=options.specialist_size,
        place=place,
        out=options.out,
        root=data.root,
        int8=not options.float32,
        teacher=options.teacher,
    )


def _check(options: argparse.Namespace) -> None:
    if not options.data.is_dir():
        raise DataError(f"read data: {options.data} is not a folder: give an image folder")
    if not 0 < options.val_share < 1:
        raise DataError(f"--val-share {options.val_share}: give a share between 0 and 1")
    if not 0 <= options.augment <= 4:
        raise DataError(f"--augment {options.augment}: give a number from 0 to 4")
    if options.effort <= 0:
        raise DataError(f"--effort {options.effort}: give a number above 0")
    if options.groups is not None and options.groups < 2:
        raise DataError(f"--groups {options.groups}: give at least 2")
    if options.contexts == 1 or options.contexts < 0:
        raise DataError(f"--contexts {options.contexts}: give at least 2, or 0 for none")
    if options.threads is not None and options.threads < 1:
        raise DataError(f"--threads {options.threads}: give at least 1")
    if options.specialist_size < 0:
        raise DataError(f"--specialist-size {options.specialist_size}: give the index of a small net, from 0")


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as err:
        raise DataError(f"--device {name}: {str(err).splitlines()[0]}") from err
    return torch.device(name)


def _bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return device.type == "cpu" and bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in (text.split("x") if "x" in text else (text, text)))
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 32 or 48x32") from err
    if not (16 <= width <= 1024 and 16 <= height <= 1024):
        raise argparse.ArgumentTypeError(f"{text!r}: both sides have to be 16 to 1024 pixels")
    return width, height


def _net(text: str) -> str:
    try:
        nets.build(text, 2)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err
    return text


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)
