"""Writes finished nets and `nets.json`, the list that the Go side builds packs from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from . import export
from .nets import Net
from .teacher import PackTeacher, output_names

FORMAT = 1


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
            "input": {"width": self.size[0], "height": self.size[1]},
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
        rows = [("net", "classes", "MFLOP", "parameters", "val accuracy")]
        rows += [
            (n["file"], str(len(n["classes"])), f"{n['mflops']:.2f}", str(n["params"]), f"{n['val_accuracy']:.4f}")
            for n in self.nets
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
