package pipelines

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cachenet/cachenet/connectors/kafkaio"
	"github.com/cachenet/cachenet/models"
	"github.com/cachenet/cachenet/schemas"
)

// With --fuse the rows of misses are the full model's and the window's together, and name no full model.
func TestADeviceFusesLateAnswers(t *testing.T) {
	e := newEdge(t)
	e.fill(t, 5, 100)
	o := e.options(t)
	o.Server.Fuse = 0.5
	e.serve(t)
	if err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	misses := 0
	for _, r := range e.rows(t, o.Out) {
		if r.Outcome != schemas.Miss {
			continue
		}
		misses++
		if r.Model != models.FusedNet || r.ModelSHA256 != "" || r.Label == "" || !(r.Confidence > 0 && r.Confidence <= 1.001) || r.FullUs <= 0 {
			t.Errorf("%+v", r)
		}
	}
	if misses < 5 {
		t.Errorf("%d misses", misses)
	}
	// Where the full model is not sure of one class the answer lists several.
	device := &site{cluster: e.server}
	for _, m := range device.records(t, kafkaio.AnswersTopic(DefaultAnswers, o.Server.Device)) {
		var a schemas.Outcome
		if err := json.Unmarshal(m.Value, &a); err != nil {
			t.Fatal(err)
		}
		if sure := a.Confidence >= schemas.RankedShare; sure == (len(a.Top) > 0) || len(a.Top) > 0 && a.Top[0].Label != a.Label {
			t.Errorf("%s", m.Value)
		}
	}
}

func TestAWeightOutsideItsRangeIsRefused(t *testing.T) {
	e := newEdge(t)
	for _, w := range []float64{-0.1, 1.1} {
		o := e.options(t)
		o.Server.Fuse = w
		if err := o.Server.contradiction(o); err == nil || !strings.Contains(err.Error(), "--fuse") {
			t.Errorf("%v: %v", w, err)
		}
	}
}
