package evaluation

import (
	"context"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/models/policy"
)

// On nets with known errors, audits bound the wrong hits, at some cost.
func TestMeasureTrust(t *testing.T) {
	table := synthetic(12, 6, 40, 0, 3)
	p := &models.Pack{Manifest: models.Manifest{Name: "synthetic", Version: "1", Specialists: []models.NetEntry{{SHA256: "small"}},
		Policy: policy.Settings{Kind: policy.Window, Score: policy.Confidence, Threshold: 0.8, Teacher: policy.Inline, Alpha: 0.1, Decay: 0.6, Capacity: 1, Share: 0.2}}}
	m, err := MeasureTrust(context.Background(), p, table, 6, 0.02, 1)
	if err != nil {
		t.Fatal(err)
	}
	if m.Covered.Some < 5 || m.Covered.All != 6 {
		t.Errorf("covered in %v", m.Covered)
	}
	if m.Drifting[1].Mean >= m.Drifting[0].Mean || m.Drifting[0].Mean < 0.005 {
		t.Errorf("drifting streams lose %v without audits, %v with", m.Drifting[0], m.Drifting[1])
	}
	if m.Speedup[1] >= m.Speedup[0] || m.Speedup[1] < 1 {
		t.Errorf("speed-up %v", m.Speedup)
	}
	if m.FullOnly < 1 || m.FullOnly > 1.05 {
		t.Errorf("a net that is never confident costs %v", m.FullOnly)
	}
	text := TrustMarkdown([]TrustSet{{Name: "made up", Seeds: []*Trust{m, m}}, {Name: "another", Absent: "nobody fetched it"}})
	for _, want := range []string{"| the bound covers the wrong hits at every moment | 12 of 12 runs | absent |", "made up (synthetic@1, 2 seeds × 6 runs)", "**another was not measured**: nobody fetched it."} {
		if strings.Contains(text, "%!") || !strings.Contains(text, want) {
			t.Errorf("%q is missing in:\n%s", want, text)
		}
	}
}
