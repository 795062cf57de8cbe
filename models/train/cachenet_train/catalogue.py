"""Writes finished nets and `nets.json`, the list that the Go side builds packs from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import onnx

from . import export, quantise
from .folder import DataError
from .frames import Frames
from .nets import Net
from .teacher import PackTeacher, narrowed_labels, output_names

FORMAT = 1
SAMPLES = 4


@dataclass
class Catalogue:
    """The nets of one training, in the order they were added."""

    out: Path
    name: str
    classes: list[str]
    size: tuple[int, int]
    seed: int
    samples: np.ndarray
    held_out: list[str]
    nets: list[dict] = field(default_factory=list)
    how: dict = field(default_factory=dict)  # in which way frames are resized to size; empty: as `cachenet pack` does unless told

    @classmethod
    def copied(cls, source: Path, out: Path, listed: dict, samples: np.ndarray) -> Catalogue:
        """Copies the nets of source to out; listed is what nets_of says of them."""
        size = dict(listed["input"])
        ours = cls(
            out, listed["name"], listed["classes"], (size.pop("width"), size.pop("height")), listed.get("seed", 0), samples,
            listed["split"]["val"], listed["nets"], size,
        )
        for net in ours.nets:
            export.copied(source / net["file"], out / net["file"], net["sha256"])
        return ours

    def quantise(self, train: Frames, val: Frames, say) -> None:
        """Writes all nets but the full one again with int8 weights, calibrated on train; a net that loses more than
        quantise.MOST_LOST of its accuracy on val stays as it is, and say names it."""
        calibration = train.pixels[quantise.spread(len(train), quantise.CALIBRATION)].numpy()
        for net in self.nets:
            if net["role"] == "full":
                continue
            path = self.out / net["file"]
            labels = narrowed_labels(val.labels, net["classes"], len(self.classes)) if net["other"] else val.labels
            try:
                small = quantise.quantised(onnx.load(path), calibration)
            except ValueError as err:
                say(f"{net['file']} stays as it is: {err}")
                continue
            before = quantise.accuracy(path.read_bytes(), val, labels)
            after = quantise.accuracy(small.SerializeToString(), val, labels)
            if after < before - quantise.MOST_LOST:
                say(f"{net['file']} stays float32: with int8 weights {after:.2%} of the held-out frames are right instead of {before:.2%}")
                continue
            net |= {"sha256": export.rewritten(small, path, self.samples), "val_accuracy": round(after, 4), "weights": quantise.WEIGHTS}

    def add(self, file: str, role: str, net: Net, val_accuracy: float, group: list[int] | None = None) -> None:
        """Exports net as file; a group makes it a specialist with one more output for all other classes."""
        other = group is not None
        outputs = group if other else list(range(len(self.classes)))
        names = output_names(self.classes, outputs, other)
        trained = f"{self.name}@{self.seed}"
        written = export.write(net, self.out / file, role, names, trained, self.samples)
        self._append(file, role, outputs, other, val_accuracy, written)

    def adopt(self, file: str, source: Path, val_accuracy: float, teacher) -> None:
        """Adds a user's own model as the full net; teacher is the same model, loaded."""
        names = output_names(self.classes, list(range(len(self.classes))), False)
        written = export.adopt(source, self.out / file, names, self.samples, teacher)
        self._append(file, "full", list(range(len(self.classes))), False, val_accuracy, written)

    def adopt_pack(self, file: str, teacher: PackTeacher, val_accuracy: float) -> None:
        """Adds the full model of a pack as the full net, with its own input and output."""
        written = export.copied(teacher.file, self.out / file, teacher.digest)
        self._append(file, "full", list(range(len(self.classes))), False, val_accuracy, written)
        self.nets[-1] |= {key: teacher.entry[key] for key in ("input", "output") if key in teacher.entry}

    def _append(self, file, role, outputs, other, val_accuracy, written: export.Exported) -> None:
        entry = {"file": file, "role": role, "classes": outputs, "other": other, "val_accuracy": round(val_accuracy, 4)}
        self.nets.append(entry | asdict(written))

    def write(self) -> Path:
        """Writes nets.json and removes nets of an earlier training that it does not name."""
        content = {
            "format": FORMAT,
            "name": self.name,
            "classes": self.classes,
            "input": {"width": self.size[0], "height": self.size[1], **self.how},
            "seed": self.seed,
            "nets": self.nets,
            "split": {"val": self.held_out},
        }
        partial = self.out / "nets.json.partial"
        partial.write_text(json.dumps(content, indent=1) + "\n")
        self._remove_stale()
        return partial.replace(self.out / "nets.json")

    def _remove_stale(self) -> None:
        named = {net["file"] for net in self.nets}
        ours = [path for nets in ("small-*", "specialists/[0-9][0-9]", "contexts/[0-9][0-9]") for path in self.out.glob(f"{nets}.onnx")]
        for path in ours:
            if str(path.relative_to(self.out)) not in named:
                path.unlink()
                path.with_suffix(".vectors.json").unlink(missing_ok=True)

    def table(self) -> str:
        """The nets as aligned text, one per line."""
        rows = [("net", "classes", "MFLOP", "parameters", "weights", "val accuracy")]
        rows += [
            (n["file"], str(len(n["classes"])), f"{n.get('mflops', 0):.2f}", str(n.get("params", 0)), n.get("weights", ""), _share(n.get("val_accuracy")))
            for n in self.nets
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def samples(val: Frames) -> np.ndarray:
    """The frames uint8 [4,H,W,3] whose answers are recorded beside each net."""
    return val.pixels[quantise.spread(len(val), SAMPLES)].numpy()


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def nets_of(source: Path) -> dict:
    """What nets.json says of the nets that training wrote, or would say of those of a pack."""
    try:
        if (source / "nets.json").exists():
            return json.loads((source / "nets.json").read_text())
        pack = json.loads((source / "manifest.json").read_text())
        found = [(pack["full"], "full")]
        found += [(pack[role], role) for role in ("small", "selector") if role in pack]
        for entry in pack.get("specialists", []) + pack.get("paper_nets", []):
            found.append((entry, "specialist" if entry.get("classes") or entry.get("other") else "small"))
        everything = list(range(len(pack["classes"])))
        kept = ("file", "sha256", "mflops", "params", "input", "output")
        pack["nets"] = [
            {"role": role, "classes": entry.get("classes", everything), "other": entry.get("other", False)} | {key: entry[key] for key in kept if key in entry}
            for entry, role in found
        ]
    except (OSError, ValueError, KeyError) as err:
        raise DataError(f"read nets: {source} contains neither nets.json nor the manifest of a pack: name what training wrote, or a pack") from err
    return pack | {"split": {"val": []}}
