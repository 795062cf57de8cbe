package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/picture"
	"github.com/cachenet/cachenet/schemas"
)

func packPixelsCommand() *cobra.Command {
	var size string
	var v picture.View
	c := &cobra.Command{
		Use:   "pixels",
		Short: "Decode images as a net sees them, for training",
		Long: `Decodes the images named on standard input, each name terminated by a NUL byte, exactly as frames are decoded for
inference, and writes them to standard output in that order: a byte 0 and height·width·3 bytes of RGB, rows from
top to bottom; or, if an image cannot be decoded, a byte 1, the length of the reason (4 bytes, big endian) and the reason.`,
		Example: `  printf 'photos/cat/a_1.jpg\0' | cachenet pack pixels --input 32x32 | tail -c 3072 > cat.rgb`,
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "input"); err != nil {
				return err
			}
			var err error
			if v.Width, v.Height, err = parseSize(size); err != nil {
				return usageError{fmt.Errorf("--input %w", err)}
			}
			if err := v.Validate(); err != nil {
				return usageError{err}
			}
			return writeRecords(c.InOrStdin(), c.OutOrStdout(), v.Bytes(), func(dst []byte, file string) error { return decodeFile(dst, file, v) })
		},
	}
	f := c.Flags()
	f.StringVar(&size, "input", "", "pixels of the net's input, WIDTHxHEIGHT or one number")
	f.StringVar(&v.Resize, "resize", picture.Stretch, "how images are resized to it: stretch, crop or fit")
	f.StringVar(&v.Filter, "filter", picture.Bilinear, "how pixels are weighted where images are shrunk: bilinear or area")
	f.Float64Var(&v.CropRatio, "crop-ratio", 0, "with --resize crop, the share of each side that is kept (default 1)")
	return c
}

// parseSize reads WIDTHxHEIGHT, or one number for both.
func parseSize(s string) (w, h int, err error) {
	first, second, two := strings.Cut(s, "x")
	if !two {
		second = first
	}
	w, err = strconv.Atoi(first)
	if err == nil {
		h, err = strconv.Atoi(second)
	}
	if err != nil || w < 1 || h < 1 {
		return 0, 0, fmt.Errorf("%q: must be a size such as 224x224 or 32", s)
	}
	return w, h, nil
}

func packAnswersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "answers PACK",
		Short: "Answer images with a pack's full model, for training",
		Long: `Answers the images named on standard input, each name terminated by a NUL byte, with the full model of a pack, and writes the
answers to standard output in that order: a byte 0 and a logit for each class of the pack (float32, little endian);
or, if an image cannot be answered, a byte 1, the length of the reason (4 bytes, big endian) and the reason.`,
		Example: `  printf 'photos/cat/a_1.jpg\0' | cachenet pack answers packs/resnet | tail -c +2 > logits.f32`,
		Args:    oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			p, err := models.OpenPack(args[0])
			if err != nil {
				return err
			}
			net, err := p.Load(p.Full)
			if err != nil {
				return err
			}
			defer net.Close()
			return writeRecords(c.InOrStdin(), c.OutOrStdout(), 4*net.Outputs(), func(dst []byte, file string) error { return answerFile(dst, file, net) })
		},
	}
}

func answerFile(dst []byte, file string, net *models.Net) error {
	pixels, logits := make([]byte, net.View().Bytes()), make([]float32, net.Outputs())
	if err := decodeFile(pixels, file, net.View()); err != nil {
		return err
	}
	if _, err := net.Answer(logits, pixels, 1); err != nil {
		return err
	}
	for i, l := range logits {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(l))
	}
	return nil
}

// decodeAhead is how many images are decoded at once for each processor, so that none waits for a slow one.
const decodeAhead = 8

// writeRecords makes a record of size bytes of every image that in names, and writes them to out in that order; see the
// commands' help for the form.
func writeRecords(in io.Reader, out io.Writer, size int, record func(dst []byte, file string) error) error {
	names := bufio.NewReader(in)
	w := bufio.NewWriterSize(out, 1<<20)
	chunk := make([]struct {
		bytes []byte
		err   error
	}, decodeAhead*runtime.GOMAXPROCS(0))
	for {
		files, err := readNames(names, len(chunk))
		if err != nil {
			return fmt.Errorf("read names: %w", err)
		}
		if len(files) == 0 {
			return w.Flush()
		}
		var next atomic.Int64
		var wg sync.WaitGroup
		for range runtime.GOMAXPROCS(0) {
			wg.Go(func() {
				for i := int(next.Add(1)) - 1; i < len(files); i = int(next.Add(1)) - 1 {
					one := &chunk[i]
					one.bytes = slices.Grow(one.bytes[:0], size)[:size]
					one.err = record(one.bytes, files[i])
				}
			})
		}
		wg.Wait()
		for i := range files {
			if err := writeRecord(w, chunk[i].bytes, chunk[i].err); err != nil {
				return fmt.Errorf("write records: %w", err)
			}
		}
	}
}

// readNames reads up to most names, fewer at the end.
func readNames(r *bufio.Reader, most int) (files []string, err error) {
	for len(files) < most {
		name, err := r.ReadString(0)
		if name = strings.TrimSuffix(name, "\x00"); name != "" {
			files = append(files, name)
		}
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func decodeFile(dst []byte, file string, v picture.View) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return picture.Decode(dst, &schemas.Frame{Image: b}, v)
}

func writeRecord(w *bufio.Writer, record []byte, failed error) error {
	if failed == nil {
		_ = w.WriteByte(0) // a bufio.Writer keeps its first error
		_, err := w.Write(record)
		return err
	}
	reason := failed.Error()
	_ = w.WriteByte(1)
	_, _ = w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(reason))))
	_, err := w.WriteString(reason)
	return err
}
