package evaluation

import (
	"fmt"
	"image/color"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Plot draws the speed-up of every policy as a bar with its spread over seeds, and says what it loses. The
// file's extension chooses the format: .svg or .png.
func (r *Report) Plot(file string) error {
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".svg" && ext != ".png" {
		return fmt.Errorf("plot %s: must end in .svg or .png", file)
	}
	rows := slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return row.Missing != "" })
	slices.Reverse(rows) // the first belongs at the top
	p := plot.New()
	p.Title.Text = fmt.Sprintf("%s: speed-up over the full model on every frame (x), and points of accuracy won or lost", r.Pack)
	p.Title.Padding = 0.4 * vg.Centimeter
	p.X.Min = 0
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row.title()
		if err := bar(p, row, float64(i)); err != nil {
			return fmt.Errorf("plot %s: %w", file, err)
		}
		p.X.Max = max(p.X.Max, 1.25*row.Mean.Speedup) // room for what stands behind the bar
	}
	p.NominalY(names...)
	height := vg.Length(2+len(rows)) * 0.7 * vg.Centimeter
	if err := p.Save(24*vg.Centimeter, height, file); err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	return nil
}

// spread is the end of a bar with its standard deviation; it is what the plotting library asks for.
type spread struct {
	plotter.XYs
	plotter.XErrors
}

// bar draws one policy at a height.
func bar(p *plot.Plot, row Row, at float64) error {
	b, err := plotter.NewBarChart(plotter.Values{row.Mean.Speedup}, 0.4*vg.Centimeter)
	if err != nil {
		return err
	}
	b.Horizontal, b.XMin, b.Color, b.LineStyle.Width = true, at, colourOf(row), 0
	end := plotter.XYs{{X: row.Mean.Speedup, Y: at}}
	sd, err := plotter.NewXErrorBars(spread{end, plotter.XErrors{{Low: row.SD.Speedup, High: row.SD.Speedup}}})
	if err != nil {
		return err
	}
	text := fmt.Sprintf("   %.2f x, %+.2f", row.Mean.Speedup, 0-100*row.Mean.Loss)
	end[0].X += row.SD.Speedup
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: end, Labels: []string{text}})
	if err != nil {
		return err
	}
	label.Offset.Y = -0.1 * vg.Centimeter
	p.Add(b, sd, label)
	return nil
}

// colourOf tells the pack's own ways, the oracles and the rivals apart.
func colourOf(row Row) color.Color {
	switch {
	case strings.HasPrefix(row.Policy, thisPack):
		return color.RGBA{R: 205, G: 85, B: 60, A: 255}
	case row.Oracle:
		return color.RGBA{R: 190, G: 190, B: 190, A: 255}
	}
	return color.RGBA{R: 110, G: 150, B: 200, A: 255}
}
