package evaluation

import (
	"strings"
	"testing"
)

// Where the full model errs on its own and the small net independently of it, fusing both gains; the ways are told apart.
func TestFusingGainsWhereErrorsAreIndependent(t *testing.T) {
	table := synthetic(8, 6, 30, 0, 3)
	full, small := table.full(), table.role(roleSmall)[0]
	for row, label := range table.labels { // each is unsure in turns, and never both at once
		for c, from := range []*column{full, small} {
			logits := from.row(row)
			clear(logits)
			if row%4 == 2*c {
				logits[(label+1)%8], logits[label] = 1, 0.9
			} else {
				logits[label] = 5
			}
		}
	}
	table.finish()
	m, err := MeasureFusion("synthetic@1", table, 600, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	accuracy := map[string]float64{}
	for _, r := range m.Rows {
		accuracy[r.Name], _ = meanAndSpread(r.Accuracy)
	}
	if alone, fused := accuracy["full model alone"], accuracy["full × small"]; alone > 0.9 || fused < 0.99 {
		t.Errorf("the full model alone %v, fused %v", alone, fused)
	}
	if text := m.Markdown(); strings.Contains(text, "%!") || !strings.Contains(text, "| full × small × window") {
		t.Error(text)
	}
}
