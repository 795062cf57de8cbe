package frames

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

type images struct {
	classes   []string
	sequences [][]sequence // of each class
}

// sequence lists the files of one sequence, in order.
type sequence []string

// Images reads an image folder DIR/<class>/<sequence>_<frame>.<ext>; a name without "_" is a
// sequence of its own. Extensions are .jpg, .jpeg and .png, in any case; other files, names that start with "." and
// metadata files of operating systems are skipped. Numbers in names count as numbers: frame 9 comes before
// frame 10.
//
// The folder is listed once, here; files are read when they are played and published as they are,
// whether or not they decode. Their content type is that of their bytes, whatever their extension.
func Images(dir string) (Source, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read image folder: %s does not exist: give a folder with one folder of images per class", dir)
	} else if err != nil {
		return nil, fmt.Errorf("read image folder: %w", err)
	}
	var s images
	for _, entry := range entries {
		if picture.Leftover(entry.Name()) {
			continue
		}
		folder := filepath.Join(dir, entry.Name())
		if mode, err := target(folder, entry); err != nil {
			return nil, fmt.Errorf("read image folder: %w", err)
		} else if !mode.IsDir() {
			continue
		}
		sequences, err := listClass(folder)
		if err != nil {
			return nil, fmt.Errorf("read class %q: %w", entry.Name(), err)
		}
		s.classes = append(s.classes, entry.Name())
		s.sequences = append(s.sequences, sequences)
	}
	if len(s.classes) == 0 {
		return nil, fmt.Errorf("read image folder: %s has no class folders: images belong in %s",
			dir, filepath.Join(dir, "<class>", "<sequence>_<frame>.jpg"))
	}
	return &s, nil
}

func (s *images) Classes() []string { return s.classes }

func (s *images) Play(class int, seed uint64) iter.Seq2[Image, error] {
	sequences := s.sequences[class]
	chosen := sequences[newRand("images", uint64(class), seed).IntN(len(sequences))]
	return func(yield func(Image, error) bool) {
		for _, file := range chosen {
			data, err := os.ReadFile(file)
			if err != nil {
				yield(Image{}, fmt.Errorf("read frame: %w", err))
				return
			}
			if !yield(Image{data, contentType(file, data)}, nil) {
				return
			}
		}
	}
}

// target returns what kind of file an entry is, or what its link leads to, since data sets are often linked together. A
// link that is dead or circular is reported, and not read; nor is a pipe, which would be
// waited for without end.
func target(path string, entry fs.DirEntry) (fs.FileMode, error) {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.Type(), nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		slog.Warn("a link that leads nowhere is skipped", "path", path)
		return fs.ModeIrregular, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Mode().Type(), nil
}

func listClass(folder string) ([]sequence, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	found := map[string]sequence{}
	for _, entry := range entries {
		name := entry.Name()
		if typeOfName(name) == "" || picture.Leftover(name) {
			continue
		}
		if mode, err := target(filepath.Join(folder, name), entry); err != nil {
			return nil, err
		} else if !mode.IsRegular() {
			continue
		}
		of := sequenceOf(name)
		found[of] = append(found[of], filepath.Join(folder, name))
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no .jpg, .jpeg or .png files: add images or remove the folder", folder)
	}
	var sequences []sequence
	for _, of := range slices.SortedFunc(maps.Keys(found), natural) {
		slices.SortFunc(found[of], natural)
		sequences = append(sequences, found[of])
	}
	return sequences, nil
}

// contentType goes by what a file holds, and by its name where that is neither JPEG nor PNG.
func contentType(name string, data []byte) string {
	if t := schemas.ImageType(data); t != "" {
		return t
	}
	return typeOfName(name)
}

// typeOfName is empty for files that are no images.
func typeOfName(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg":
		return schemas.JPEG
	case ".png":
		return schemas.PNG
	}
	return ""
}

// sequenceOf returns what stands before the last "_" of a file's name. A name without one is kept
// whole, so that "a.jpg" is not taken for a frame of "a_1.jpg".
func sequenceOf(name string) string {
	if i := strings.LastIndexByte(strings.TrimSuffix(name, filepath.Ext(name)), '_'); i >= 0 {
		return name[:i+1]
	}
	return name
}

// natural orders names naturally: runs of digits by their value. Names that differ only in
// leading zeros keep the order of their bytes.
func natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		dx, dy := digits(x), digits(y)
		if dx == "" || dy == "" {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		nx, ny := strings.TrimLeft(dx, "0"), strings.TrimLeft(dy, "0")
		if c := cmp.Or(cmp.Compare(len(nx), len(ny)), strings.Compare(nx, ny)); c != 0 {
			return c
		}
		x, y = x[len(dx):], y[len(dy):]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(a, b))
}

// digits returns the digits that s starts with.
func digits(s string) string {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		return s
	}
	return s[:end]
}
