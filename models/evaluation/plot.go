package evaluation

import (
	"fmt"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// Plot draws speed-up against accuracy loss, one mark for each policy with its spread over seeds. The
// file's extension chooses the format: .svg or .png.
func (r *Report) Plot(file string) error {
	if ext := strings.ToLower(filepath.Ext(file)); ext != ".svg" && ext != ".png" {
		return fmt.Errorf("plot %s: must end in .svg or .png", file)
	}
	p := plot.New()
	p.Title.Text = r.Pack
	p.X.Label.Text = "accuracy lost against the full model (points)"
	p.Y.Label.Text = "speed-up over the full model"
	p.Y.Min = 0
	p.Add(plotter.NewGrid())
	for _, row := range r.Rows {
		if row.Missing != "" {
			continue
		}
		if err := mark(p, row); err != nil {
			return fmt.Errorf("plot %s: %w", file, err)
		}
	}
	if err := p.Save(22*vg.Centimeter, 14*vg.Centimeter, file); err != nil {
		return fmt.Errorf("plot %s: %w", file, err)
	}
	return nil
}

// spot is one policy with its error bars; it is what the plotting library asks for.
type spot struct {
	plotter.XYs
	plotter.XErrors
	plotter.YErrors
}

func mark(p *plot.Plot, row Row) error {
	at := plotter.XYs{{X: 100 * row.Mean.Loss, Y: row.Mean.Speedup}}
	s := spot{at, plotter.XErrors{{Low: 100 * row.SD.Loss, High: 100 * row.SD.Loss}}, plotter.YErrors{{Low: row.SD.Speedup, High: row.SD.Speedup}}}
	points, err := plotter.NewScatter(at)
	if err != nil {
		return err
	}
	points.Color, points.Radius = colourOf(row), vg.Points(3)
	across, err := plotter.NewXErrorBars(s)
	if err != nil {
		return err
	}
	up, err := plotter.NewYErrorBars(s)
	if err != nil {
		return err
	}
	label, err := plotter.NewLabels(plotter.XYLabels{XYs: at, Labels: []string{" " + row.title()}})
	if err != nil {
		return err
	}
	p.Add(across, up, points, label)
	return nil
}

// colourOf tells the pack's own ways, the oracles and the rivals apart.
func colourOf(row Row) color.Color {
	switch {
	case strings.HasPrefix(row.Policy, thisPack):
		return color.RGBA{R: 200, G: 40, B: 30, A: 255}
	case row.Oracle:
		return color.RGBA{R: 150, G: 150, B: 150, A: 255}
	}
	return color.RGBA{R: 30, G: 80, B: 170, A: 255}
}
