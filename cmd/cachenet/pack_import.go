package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/cachenet/cachenet/models/onnx"
	"github.com/cachenet/cachenet/models/onnximport"
)

// importing is what pack import is asked for.
type importing struct {
	labels, out, name, version string
	input, normalize, try      string
	request                    onnximport.Request
}

func packImportCommand() *cobra.Command {
	var i importing
	c := &cobra.Command{
		Use:   "import MODEL.onnx",
		Short: "Make a pack from your own ONNX classifier",
		Long: `Reads the inputs and outputs of your classifier from its file and the rest from flags, and lists its assumptions. With
--out the model becomes a pack that answers every frame with it; without --out nothing is written. External weight files
are embedded.

With --try it answers up to 80 pictures and shows 20 of the answers: a wrong normalisation gives equal or low-confidence answers.
Pictures in folders named after their classes are also counted as right or wrong, which decides between normalisations.
A frame becomes the model's input as (pixel × scale − mean) / std, channel by channel, in the order of --channels.`,
		Example: `  cachenet pack import resnet.onnx --labels imagenet.txt --try photos
  cachenet pack import resnet.onnx --labels imagenet.txt --resize crop --crop-ratio 0.875 --normalize imagenet --out packs/resnet`,
		Args: oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			if err := i.settle(); err != nil {
				return usageError{err}
			}
			return i.run(c.OutOrStdout(), args[0])
		},
	}
	f, in, out := c.Flags(), &i.request.Input, &i.request.Output
	f.StringVar(&i.labels, "labels", "", "file of class names, one per line for each output (default those in the model)")
	f.StringVar(&i.out, "out", "", "folder of the pack (default: nothing is written)")
	f.StringVar(&i.name, "name", "", "name of the pack (default that of the model's file)")
	f.StringVar(&i.version, "version", "1.0.0", "version of the pack")
	f.StringVar(&i.try, "try", "", "folder of pictures, or one picture, to answer as a test")
	f.StringVar(&i.input, "input", "", "size of the input, WIDTHxHEIGHT, if the model does not fix it")
	f.StringVar(&in.Layout, "layout", "", "order of the input's dimensions: nchw or nhwc")
	f.StringVar(&in.Channels, "channels", "", "order of the channels: rgb, bgr or gray")
	f.StringVar(&i.normalize, "normalize", "", "a common normalisation: imagenet, 0..1, -1..1 or none (pixel values 0 to 255)")
	f.Float32Var(&in.Scale, "scale", 0, "factor for the pixel values 0 to 255")
	f.Float32SliceVar(&in.Mean, "mean", nil, "subtracted next, one number or one per channel")
	f.Float32SliceVar(&in.Std, "std", nil, "divisor, one number or one per channel")
	f.StringVar(&in.Resize, "resize", "", "how frames are resized to the input: stretch, crop or fit")
	f.StringVar(&in.Filter, "filter", "", "how pixels are weighted where frames are shrunk: bilinear, as Pillow and torchvision, or area, as OpenCV's INTER_AREA (default bilinear)")
	f.Float64Var(&in.CropRatio, "crop-ratio", 0, "with --resize crop, the share of each side that is kept, 0.875 for example (default 1)")
	f.StringVar(&in.Name, "input-name", "", "the model's input, if it has several")
	f.StringVar(&out.Name, "output-name", "", "the model's output, if it has several")
	f.StringVar(&out.Kind, "answers", "", "the model's outputs: logits or probabilities")
	return c
}

// settle turns flags into the request.
func (i *importing) settle() error {
	in := &i.request.Input
	if i.input != "" {
		var err error
		if in.Width, in.Height, err = parseSize(i.input); err != nil {
			return fmt.Errorf("--input %w", err)
		}
	}
	if i.normalize == "" {
		return nil
	}
	if in.Scale != 0 || in.Mean != nil || in.Std != nil {
		return errors.New("--normalize replaces --scale, --mean and --std: give either")
	}
	n, err := onnximport.Named(i.normalize)
	if err != nil {
		return fmt.Errorf("--normalize %w", err)
	}
	i.request.Normalisation = &n
	return nil
}

func (i *importing) run(out io.Writer, path string) error {
	m, err := i.read(path)
	if err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	fmt.Fprintf(out, "%s\n  input   %s\n  output  %s\n", path, m.In, m.Out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, n := range m.Notes {
		change := "\n"
		if n.Setting != "" {
			change = "\tchange it with " + n.Setting + "\n"
		}
		fmt.Fprintf(t, "  %s\t%s%s", n.Source, n.What, change)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if i.try != "" {
		if err := tryPictures(out, m, i.try); err != nil {
			return fmt.Errorf("import %s: %w", path, err)
		}
	}
	if i.out == "" {
		_, err = fmt.Fprintln(out, "nothing was written: give --out DIR to write the pack")
		return err
	}
	if i.name == "" {
		i.name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	}
	if err := m.Write(i.out, i.name, i.version); err != nil {
		return fmt.Errorf("import %s: %w", path, err)
	}
	_, err = fmt.Fprintf(out, "wrote %s@%s to %s: it answers every frame with this model\n", i.name, i.version, i.out)
	return err
}

// read reads the model, and its external weights.
func (i *importing) read(path string) (*onnximport.Model, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if file, err = onnx.Embed(file, filepath.Dir(path)); err != nil {
		return nil, err
	}
	r := i.request
	if i.labels != "" {
		r.LabelsFrom = i.labels
		if r.Labels, err = readLabels(i.labels); err != nil {
			return nil, err
		}
	}
	return onnximport.Inspect(file, r)
}

// readLabels reads one name a line, as editors of any system write lines; empty ones at the end are passed over.
func readLabels(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--labels: %w", err)
	}
	var names []string
	for line := range strings.Lines(strings.TrimRight(strings.TrimPrefix(string(b), "\ufeff"), " \t\r\n")) {
		name := strings.TrimSpace(line)
		if name == "" {
			return nil, fmt.Errorf("--labels %s: line %d is empty: give one name per line for each output", path, len(names)+1)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("--labels %s: empty file", path)
	}
	return names, nil
}

// How many pictures are answered, taken evenly from a folder, and how many of the answers are shown. On 20 pictures
// the gain of the right normalisation can be lost in the differences between pictures; on 80 it rarely is.
const (
	mostTried = 80
	mostShown = 20
)

func tryPictures(out io.Writer, m *onnximport.Model, path string) error {
	files, err := picturesBelow(path)
	if err != nil {
		return fmt.Errorf("--try: %w", err)
	}
	trial, err := m.Try(files)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	n := min(len(trial.Pictures), mostShown)
	for i := range n {
		p := trial.Pictures[i*len(trial.Pictures)/n]
		fmt.Fprintf(t, "  %s\t", p.File)
		for _, g := range p.Guesses {
			fmt.Fprintf(t, "%s %.2f\t", g.Class, g.Confidence)
		}
		if p.Err != nil {
			fmt.Fprint(t, p.Err)
		}
		fmt.Fprintln(t)
	}
	right := func(string, ...any) string { return "" }
	if trial.Labelled > 0 {
		right = fmt.Sprintf
	}
	fmt.Fprintf(t, "  fed\tmean confidence\tmean entropy, nats\tdifferent answers%s\n", right("\tright, of %d", trial.Labelled))
	for _, l := range trial.Looks {
		fmt.Fprintf(t, "  %s\t%.2f\t%.2f\t%d%s\n", l.Way, l.Mean, l.Entropy, l.Distinct, right("\t%d", l.Right))
	}
	for _, w := range trial.Warnings {
		fmt.Fprintln(t, "warning:", w)
	}
	return t.Flush()
}

// picturesBelow lists a picture, or up to mostTried below a folder.
func picturesBelow(path string) ([]string, error) {
	var all []string
	root, err := filepath.EvalSymlinks(path) // the folder may be a link
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.ToLower(d.Name())
		if !d.IsDir() && !strings.HasPrefix(name, ".") && slices.Contains([]string{".jpg", ".jpeg", ".png"}, filepath.Ext(name)) {
			all = append(all, file)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: has no JPEG or PNG", path)
	}
	var some []string
	n := min(len(all), mostTried)
	for i := range n {
		some = append(some, all[i*len(all)/n])
	}
	return some, nil
}
